"""Mutated catalogues: fixtures with bytes changed, cut, repeated, swapped, inserted, replaced or spliced."""

import codecs
import random
from collections.abc import Callable

from tests.catalogues import FIXTURES

_LARGEST = 20_000  # bytes; larger fixtures would take most of the time
_SEEDS = [fixture.data for fixture in FIXTURES if len(fixture.data) <= _LARGEST]
_MAX_CHANGES = 4
_TOKENS = (
    *(b",", b";", b"\t", b"|", b'"', b'""', b'","', b"\0", b"\r", b"\n", b"\r\n", b" ", b"\\,", b"&amp;", b"sep=;\n"),
    *(codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\xed\xa0\x80", b"\xff", b"\x81", b"=1+1", b"'"),
    *(b"https://", b"http://[", b"https://a.example/1.jpg", b"data:", b"//", b"image_1", b"Handle", b"#", b"," * 300),
)


def mutant(seed: int) -> bytes:
    """The file of this seed. The same seed always gives the same file."""
    chance = random.Random(seed)  # noqa: S311 - must be repeatable
    data = chance.choice(_SEEDS)
    for _ in range(chance.randint(1, _MAX_CHANGES)):
        data = chance.choice(_CHANGES)(data, chance)
    return data


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    begin, end = _span(data, chance)
    return data[:begin] + data[end:]


def _end_early(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    begin, end = _span(data, chance)
    return data[:end] + data[begin:end] * chance.randint(1, 3) + data[end:]


def _swap(data: bytes, chance: random.Random) -> bytes:
    first, second, third = sorted(chance.randint(0, len(data)) for _ in range(3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(_TOKENS) + data[place:]


def _replace(data: bytes, chance: random.Random) -> bytes:
    return data.replace(chance.choice(_TOKENS), chance.choice(_TOKENS), chance.choice((1, -1)))


def _splice(data: bytes, chance: random.Random) -> bytes:
    other = chance.choice(_SEEDS)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    begin = chance.randint(0, len(data))
    return begin, min(begin + chance.randint(1, 40), len(data))


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip,
    _cut,
    _end_early,
    _repeat,
    _swap,
    _insert,
    _insert,
    _replace,
    _splice,
)
