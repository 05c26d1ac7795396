"""Pages as cells of a raster: how large, how many pages each, and in which order they fill."""

from dataclasses import dataclass
from enum import IntEnum
from math import ceil, sqrt

SMALLEST_CELL = 1.8  # px at the design's size; smaller cells cannot be told apart
BAND = 5  # rows that fill together, column by column upwards: a contiguous run becomes a brick


class Cell(IntEnum):
    """What a cell's colour code says; sequences follow from `SEQUENCE` on, number mod 8."""

    FREE = 0
    WEIGHTS = 1  # and 2: tones alternate by layer
    RESERVED = 3
    SEQUENCE = 4
    SCORES = 12


@dataclass(frozen=True, slots=True)
class Raster:
    """The cells of one memory site.

    Args:
        pages: pages in the site.
        pages_per_cell: pages that one cell stands for.
        columns: cells across.
        rows: cells up; the last cells may be blank.
    """

    pages: int
    pages_per_cell: int
    columns: int
    rows: int

    @property
    def cells(self) -> int:
        """Cells that stand for pages."""
        return -(-self.pages // self.pages_per_cell)


def raster(pages: int, width: float, height: float) -> Raster:
    """Fit `pages` into a site of `width` x `height` px, with as few pages per cell as possible."""
    least = max(1, ceil(pages * SMALLEST_CELL**2 / (width * height)))
    for pages_per_cell in range(least, pages):
        found = _fitted(pages, pages_per_cell, width / height)
        if min(width / found.columns, height / found.rows) >= SMALLEST_CELL:
            return found
    return _fitted(pages, max(1, pages), width / height)


def _fitted(pages: int, pages_per_cell: int, aspect: float) -> Raster:
    cells = -(-pages // pages_per_cell)
    columns = max(1, ceil(sqrt(cells * aspect)))
    return Raster(pages, pages_per_cell, columns, max(1, -(-cells // columns)))


def site_pages(pages: int, sites: int) -> list[int]:
    """Return the pages of every site: page p lies on site p mod `sites`.

    Hardware spreads addresses over all stacks at a finer grain; this is the nearest honest picture.
    """
    return [len(range(site, pages, sites)) for site in range(sites)]
