"""Counting what is distinct among millions, by hashes of 64 bits, in memory that is bounded. Pure."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_BUCKETS = 64
_BOUNDS = [(index + 1 - _BUCKETS // 2) * (1 << 64) // _BUCKETS for index in range(_BUCKETS)]
_PENDING = 1 << 14
_MAX_KEPT = 1 << 23
_MIN_COMPACTED = 1 << 17


class DistinctCounter:
    """How many distinct hashes there were: exact up to `most`, beyond that to a few per mille, from a sample.

    Duplicates are taken out bucket by bucket, whenever the buckets have doubled.
    """

    def __init__(self, most: int = _MAX_KEPT, pending: int = _PENDING) -> None:
        self._most = most
        self._most_pending = pending
        self._pending = array("q")
        self._buckets = [array("q") for _ in range(_BUCKETS)]
        self._compacted = 0
        self._shift = 0

    def add(self, hashes: Iterable[int]) -> None:
        self._pending.extend(hashes)
        if len(self._pending) >= self._most_pending:
            self._sort_in()

    def count(self) -> int:
        self._sort_in()
        self._compact()
        return self._compacted << self._shift

    def _sort_in(self) -> None:
        values = array("q", sorted(set(self._pending)))  # so that a bucket's are together: far quicker than one by one
        begin = 0
        for bucket, bound in zip(self._buckets, _BOUNDS, strict=True):
            end = bisect_left(values, bound, begin)
            bucket.extend(values[begin:end])
            begin = end
        self._pending = array("q")
        if sum(map(len, self._buckets)) >= 2 * max(self._compacted, _MIN_COMPACTED):
            self._compact()

    def _compact(self) -> None:
        self._keep()
        while self._compacted > self._most:  # half of them, by a bit that says nothing else
            self._shift += 1
            self._keep()

    def _keep(self) -> None:
        left_out = self._left_out()
        for index, bucket in enumerate(self._buckets):
            self._buckets[index] = array("q", {value for value in bucket if not value & left_out})
        self._compacted = sum(map(len, self._buckets))

    def _left_out(self) -> int:
        """The bits that must be zero in a hash that is kept."""
        return (1 << self._shift) - 1


class Seen:
    """Whether a hash was there before: a table that doubles, of 16 to 32 bytes for each. It keeps up to `most`."""

    def __init__(self, most: int = _MAX_KEPT, size: int = 1 << 12) -> None:
        self._most = most
        self._table = array("q", bytes(8 * size))
        self._count = 0

    def is_new(self, value: int) -> bool:
        """Whether it was not; behind the `most`th it may be said to be new once too often."""
        value = value or 1  # zero is an empty place
        table, mask = self._table, len(self._table) - 1
        index = value & mask
        while held := table[index]:
            if held == value:
                return False
            index = (index + 1) & mask
        if self._count < self._most:
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
