"""Counts distinct values among millions by 64-bit hashes, in bounded memory. Pure."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

_BUCKETS = 64
_BOUNDS = [(index + 1 - _BUCKETS // 2) * (1 << 64) // _BUCKETS for index in range(_BUCKETS)]
_PENDING = 1 << 14
_MAX_HASHES = 1 << 23
_MIN_COMPACTED = 1 << 17
_MAX_SAMPLED = 1 << 15


class DistinctCounter:
    """Counts distinct hashes: exactly up to `max_hashes`; above that from a sample, with an error of a few per mille.

    Hashes are collected in buckets; duplicates are removed from all buckets whenever their size has doubled.
    """

    def __init__(self, max_hashes: int = _MAX_HASHES, pending: int = _PENDING) -> None:
        self._max_hashes = max_hashes
        self._max_pending = pending
        self._pending = array("q")
        self._buckets = [array("q") for _ in range(_BUCKETS)]
        self._compacted = 0
        self._shift = 0

    def add(self, hashes: Iterable[int]) -> None:
        self._pending.extend(hashes)
        if len(self._pending) >= self._max_pending:
            self._sort_in()

    def count(self) -> int:
        self._sort_in()
        self._compact()
        return self._compacted << self._shift

    def _sort_in(self) -> None:
        values = array("q", sorted(set(self._pending)))  # one slice per bucket is far quicker than one append per hash
        begin = 0
        for bucket, bound in zip(self._buckets, _BOUNDS, strict=True):
            end = bisect_left(values, bound, begin)
            bucket.extend(values[begin:end])
            begin = end
        self._pending = array("q")
        if sum(map(len, self._buckets)) >= 2 * max(self._compacted, _MIN_COMPACTED):
            self._compact()

    def _compact(self) -> None:
        self._remove_duplicates()
        while self._compacted > self._max_hashes:  # drop the half that has the next low bit set
            self._shift += 1
            self._remove_duplicates()

    def _remove_duplicates(self) -> None:
        dropped_bits = (1 << self._shift) - 1
        for index, bucket in enumerate(self._buckets):
            self._buckets[index] = array("q", {value for value in bucket if not value & dropped_bits})
        self._compacted = sum(map(len, self._buckets))


class SeenHashes:
    """A set of hashes in 16 to 32 bytes each, as a hash table that doubles. It holds at most `max_hashes` hashes."""

    def __init__(self, max_hashes: int = _MAX_HASHES, size: int = 1 << 12) -> None:
        self._max_hashes = max_hashes
        self._table = array("q", bytes(8 * size))
        self._count = 0

    def is_new(self, value: int) -> bool:
        """Add a hash; return whether it is new. Beyond `max_hashes` hashes, duplicates may be reported as new."""
        value = value or 1  # zero marks an empty place
        table, mask = self._table, len(self._table) - 1
        index = value & mask
        while held := table[index]:
            if held == value:
                return False
            index = (index + 1) & mask
        if self._count < self._max_hashes:
            table[index] = value
            self._count += 1
            if 2 * self._count > mask:
                self._grow()
        return True

    def _grow(self) -> None:
        old, self._table, self._count = self._table, array("q", bytes(16 * len(self._table))), 0
        for value in old:
            if value:
                self.is_new(value)


class DistinctSample:
    """An even sample of distinct hashes, each with a label: all of them up to `max_hashes`, then a half, a quarter, …

    Whether a hash is in the sample depends on its low bits only, so repeated hashes change nothing. A sample that is
    not complete holds `max_hashes` / 2 to `max_hashes` hashes. With the default, the share of a label that 1 % of all
    hashes have is then off by 5 to 8 % of itself (one standard error); the share of a label that 25 % have, by 1 to
    1.4 %.
    """

    def __init__(self, max_hashes: int = _MAX_SAMPLED) -> None:
        self._max_hashes = max_hashes
        self._labels: dict[int, str | None] = {}
        self._dropped_bits = 0

    def add(self, value: int, label: str | None) -> None:
        if value & self._dropped_bits:
            return
        self._labels[value] = label
        while len(self._labels) > self._max_hashes:  # drop the half that has the next low bit set
            self._dropped_bits = 2 * self._dropped_bits + 1
            self._labels = {held: of for held, of in self._labels.items() if not held & self._dropped_bits}

    def counts(self) -> Mapping[str | None, int]:
        """How many hashes of the sample have each label."""
        return Counter(self._labels.values())
