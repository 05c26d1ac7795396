"""The block pool as cells, one a block in reading order: how many, how large, which colours."""

from dataclasses import dataclass
from enum import IntEnum
from math import ceil, floor, sqrt

from kvviz.scene.theme import Theme, mixed

WIDTH, HEIGHT = 444, 160  # px at the design's size
SMALLEST_CELL = 2.0  # px; below it, a cell stands for several blocks
MARKED_CELL = 4.5  # px; on smaller ones dots and outlines could not be told apart
DIMMED, RESERVED = 0.16, 0.75  # shares of the colour in cells that are cached, or reserved


class PoolCell(IntEnum):
    """What a cell's colour code says; colours follow by request number mod 8."""

    FREE = 0
    RESERVED = 1
    HELD = 2
    CACHED = 10
    FOLLOWED = 18
    CARD = 19  # what lies under the cells: lines between regions, marks of what is shared


@dataclass(frozen=True, slots=True)
class PoolGrid:
    """The cells of a pool, row after row from the upper left.

    Args:
        blocks: usable blocks of the pool, from id 1 on; block 0 is the null block.
        blocks_per_cell: blocks that one cell stands for.
        columns: cells across.
        rows: cells down; the last row may end early.
    """

    blocks: int
    blocks_per_cell: int
    columns: int
    rows: int

    @property
    def marked(self) -> bool:
        """Whether cells are large enough for lines between them, dots and outlines."""
        return min(WIDTH / self.columns, HEIGHT / self.rows) >= MARKED_CELL


def pool_grid(blocks: int, slot: int | None = None) -> PoolGrid:
    """Return the grid of a pool, with as few blocks per cell as can be seen.

    Args:
        blocks: usable blocks.
        slot: blocks of a slot, where all requests get the same: then its rows are full, if cells
            near the usual width allow it.
    """
    each = max(1, ceil(blocks * SMALLEST_CELL**2 / (WIDTH * HEIGHT)))
    cells = ceil(blocks / each)
    columns = max(1, ceil(sqrt(cells * WIDTH / HEIGHT)))
    if slot and each == 1:
        near = range(ceil(columns / 1.3), floor(columns * 1.3) + 1)
        fitting = [width for width in near if slot % width == 0]
        columns = min(fitting, key=lambda width: abs(width - columns), default=columns)
    return PoolGrid(blocks, each, columns, ceil(cells / columns))


def pool_palette(theme: Theme) -> list[str]:
    """Return the raster's palette by `PoolCell`."""
    return [
        theme.free,
        mixed(theme.card, theme.reserved, RESERVED),
        *theme.sequences,
        *(mixed(theme.free, colour, DIMMED) for colour in theme.sequences),
        theme.text1,
        theme.card,
    ]
