"""Allocators of contiguous regions: first fit, best fit, and buddies."""

from bisect import bisect_left, insort
from typing import Final, Protocol


class Regions(Protocol):
    """An address space from 0 in which regions are taken and released."""

    def __init__(self, size: int) -> None: ...

    @property
    def free(self) -> int:
        """Units in no region."""

    @property
    def largest(self) -> int:
        """Units of the largest region that could be taken now."""

    def take(self, size: int) -> int | None:
        """Return the start of a new region of `size` units, or None where no hole holds it."""

    def release(self, start: int, size: int) -> None:
        """Give a region back, exactly as it was taken."""

    def check(self) -> None:
        """Check that holes are in order, apart, and inside; raise `AssertionError` if not."""


class _Fit:
    """Holes in order of address, merged with their neighbours when regions come back."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._starts = [0]
        self._sizes = [size]

    @property
    def free(self) -> int:
        return sum(self._sizes)

    @property
    def largest(self) -> int:
        return max(self._sizes, default=0)

    def _choose(self, size: int) -> int | None:
        """Return the place in the list of the hole to take `size` from."""
        raise NotImplementedError

    def take(self, size: int) -> int | None:
        hole = self._choose(size)
        if hole is None:
            return None
        start = self._starts[hole]
        if self._sizes[hole] == size:
            del self._starts[hole], self._sizes[hole]
        else:
            self._starts[hole] += size
            self._sizes[hole] -= size
        return start

    def release(self, start: int, size: int) -> None:
        hole = bisect_left(self._starts, start)
        if hole < len(self._starts) and self._starts[hole] == start + size:
            size += self._sizes[hole]
            del self._starts[hole], self._sizes[hole]
        if hole and self._starts[hole - 1] + self._sizes[hole - 1] == start:
            self._sizes[hole - 1] += size
            return
        self._starts.insert(hole, start)
        self._sizes.insert(hole, size)

    def check(self) -> None:
        end = -1
        for start, size in zip(self._starts, self._sizes, strict=True):
            assert start > end, "holes overlap or touch"
            assert size > 0, "an empty hole"
            end = start + size
        assert end <= self.size, "a hole beyond the end"


class FirstFit(_Fit):
    """The first hole that is large enough."""

    def _choose(self, size: int) -> int | None:
        return next((i for i, hole in enumerate(self._sizes) if hole >= size), None)


class BestFit(_Fit):
    """The smallest hole that is large enough, the first of equals."""

    def _choose(self, size: int) -> int | None:
        fitting = (i for i, hole in enumerate(self._sizes) if hole >= size)
        return min(fitting, key=self._sizes.__getitem__, default=None)


class Buddy:
    """Regions of a power of two, halved and joined (Knowlton, CACM 8(10), 1965).

    A space of another size is one tree for each of its binary digits. The rounding up to a power
    of two belongs to no request: it is taken, and holds nothing.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._holes: list[list[int]] = [[] for _ in range(size.bit_length())]  # by log2 of size
        start = 0
        for order in reversed(range(size.bit_length())):
            if size >> order & 1:
                self._holes[order].append(start)
                start += 1 << order
        self._roots = {order: holes[0] for order, holes in enumerate(self._holes) if holes}

    @property
    def free(self) -> int:
        """Units in no region, nor rounded up to one."""
        return sum(len(holes) << order for order, holes in enumerate(self._holes))

    @property
    def largest(self) -> int:
        """Units of the largest region that could be taken now."""
        return max((1 << order for order, holes in enumerate(self._holes) if holes), default=0)

    def take(self, size: int) -> int | None:
        """Return the start of a new region, or None where no hole holds it."""
        order = (size - 1).bit_length()
        have = next((o for o in range(order, len(self._holes)) if self._holes[o]), None)
        if have is None:
            return None
        start = self._holes[have].pop(0)
        for lower in reversed(range(order, have)):
            insort(self._holes[lower], start + (1 << lower))
        return start

    def release(self, start: int, size: int) -> None:
        """Give a region back, and join it with free buddies."""
        order = (size - 1).bit_length()
        while (buddy := self._buddy(start, order)) in self._holes[order]:
            self._holes[order].remove(buddy)
            start, order = min(start, buddy), order + 1
        insort(self._holes[order], start)

    def _buddy(self, start: int, order: int) -> int:
        """Return where the other half of a hole's parent starts; -1 for a whole tree."""
        root = max((begin, o) for o, begin in self._roots.items() if begin <= start)
        return -1 if root[1] == order else root[0] + ((start - root[0]) ^ (1 << order))

    def check(self) -> None:
        """Check that holes are apart and inside."""
        holes = sorted((s, 1 << o) for o, starts in enumerate(self._holes) for s in starts)
        end = 0
        for start, size in holes:
            assert start >= end, "holes overlap"
            end = start + size
        assert end <= self.size, "a hole beyond the end"


ALLOCATORS: Final[dict[str, type[Regions]]] = {
    "first-fit": FirstFit,
    "best-fit": BestFit,
    "buddy": Buddy,
}
