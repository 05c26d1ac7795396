"""Where the blocks of a pool and the lines of block tables are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kvviz.memory.tables import Row, Sharing

WIDE, NARROW = 840, 326  # px of the diagram on a page and on a phone
BOX_W, LOGICAL_H, PHYSICAL_H = 46, 34, 44
GAP: Final = 6  # px between two boxes, at least
PITCHES: Final = {WIDE: (68, 54), NARROW: (56, 52)}  # px from box to box: upper rows, lower row
LIMITS: Final = {
    WIDE: ((8, 7, 6), (8, 6, 5), (7, 5, 4), (6, 4, 4), (5, 4, 3)),
    NARROW: ((4, 3, 3), (3, 3, 2), (3, 2, 2), (2, 2, 1)),
}
"""Boxes shown of sequences A, B and C: the first choice whose blocks fit the physical row."""
MOST_BOXES: Final = {WIDE: 13, NARROW: 6}  # in the physical row
TOP, MIDDLE, BOTTOM = 2, 84, 166  # px: upper edges of the three rows
HEIGHT: Final = 202
HEAD: Final = 5  # px of an arrow's head


@dataclass(frozen=True, slots=True)
class Grid:
    """How a pool's blocks lie: `columns` x `rows` cells, in reading order, of some blocks each."""

    columns: int
    rows: int
    blocks_per_cell: int


def grid(num_blocks: int, narrow: bool = False) -> Grid:
    """Return the grid of a pool; 1,024 blocks are 8 x 128 cells, on a phone 32 x 32."""
    columns, rows, most = (32, 32, 128) if narrow else (128, 8, 512)
    while columns * rows < num_blocks and columns < most:
        columns, rows = 2 * columns, 2 * rows
    per_cell = -(-num_blocks // (columns * rows))
    cells = -(-num_blocks // per_cell)
    return Grid(columns, -(-cells // columns), per_cell)


@dataclass(frozen=True, slots=True)
class Box:
    """A block, logical or physical, or the place of `hidden` ones that are not drawn.

    Args:
        x: px of its left edge.
        y: px of its upper edge.
        w: px.
        h: px.
        row: the line of a block table that it stands for, the first of a physical block's.
        physical: whether it is a physical block.
        references: tables that point at a physical block.
        hidden: logical blocks that it stands for without drawing them.
    """

    x: float
    y: float
    w: float
    h: float
    row: Row
    physical: bool = False
    references: int = 0
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Arrow:
    """From a logical block, at (x0, y0), to its physical one, at (x1, y1)."""

    x0: float
    y0: float
    x1: float
    y1: float
    row: Row


@dataclass(frozen=True, slots=True)
class Diagram:
    """The picture of a few block tables, `width` x `HEIGHT` px."""

    width: int
    boxes: list[Box]
    arrows: list[Arrow]
    shared: list[tuple[float, float]]  # left and right edges of neighbours that are shared


def diagram(sharing: Sharing, width: int = WIDE) -> Diagram:
    """Lay out sequence A above its physical blocks, sequences B and C below them."""
    shown = _shown(sharing, width)
    physical = _physical(sharing, shown, width)
    at = {box.row.physical: box for box in physical}
    logical = [*_row_of_boxes(shown[0], 0, TOP, PITCHES[width][0], width), *_below(shown, width)]
    arrows = [_arrow(box, at[box.row.physical]) for box in logical if not box.hidden]
    return Diagram(width, [*logical, *physical], arrows, _shared_runs(physical))


Item = Row | int  # a line that is drawn, or how many are left out


def _shown(sharing: Sharing, width: int) -> list[list[Item]]:
    keep = [copy.source for copy in sharing.copies] + [copy.target for copy in sharing.copies]
    for limits in LIMITS[width]:
        shown = [
            _cut(table, most, set(keep) if width == WIDE else set())
            for table, most in zip(sharing.tables, limits, strict=False)
        ]
        rows = {row.physical for items in shown for row in items if isinstance(row, Row)}
        if len(rows) <= MOST_BOXES[width]:
            break
    return shown


def _cut(table: list[Row], most: int, keep: set[int]) -> list[Item]:
    """Keep a table's first lines, its last, and those in `keep`; gaps say how many lie between."""
    if len(table) <= most:
        return list(table)
    tail = [row for row in table if row.physical in keep or row is table[-1]]
    head = table[: max(1, most - len(tail) - 1)]
    items: list[Item] = []
    for row in sorted({row.logical: row for row in (*head, *tail)}.values(), key=_place):
        before = items[-1] if items else None
        gap = row.logical - before.logical - 1 if isinstance(before, Row) else 0
        items += [gap, row] if gap else [row]
    return items


def _place(row: Row) -> int:
    return row.logical


def _physical(sharing: Sharing, shown: list[list[Item]], width: int) -> list[Box]:
    rows: dict[int, Row] = {}
    for items in shown:
        for row in items:
            if isinstance(row, Row):
                rows.setdefault(row.physical, row)
    ordered = [rows[block] for block in sorted(rows)]
    pitch, references = _pitch(len(ordered), width), sharing.references
    w = min(BOX_W, pitch - GAP)
    return [
        Box(i * pitch, MIDDLE, w, PHYSICAL_H, row, True, references[row.physical])
        for i, row in enumerate(ordered)
    ]


def _pitch(boxes: int, width: int) -> float:
    return min(PITCHES[width][0], (width - BOX_W) / max(1, boxes - 1))


def _row_of_boxes(
    items: Sequence[Item], left: float, y: float, pitch: float, width: int
) -> list[Box]:
    pitch = min(pitch, (width - BOX_W) / max(1, len(items) - 1))
    w, boxes = min(BOX_W, pitch - GAP), []
    known = [row for row in items if isinstance(row, Row)]
    for place, item in enumerate(items):
        hidden = 0 if isinstance(item, Row) else item
        row = item if isinstance(item, Row) else known[0]
        boxes.append(Box(left + place * pitch, y, w, LOGICAL_H, row, hidden=hidden))
    return boxes


def _below(shown: list[list[Item]], width: int) -> list[Box]:
    """Lay out B from the left and C after it, closer where they would not fit."""
    count = sum(map(len, shown[1:]))
    parts = len(shown) - 1
    if not parts:
        return []
    pitch = min(PITCHES[width][1], (width - BOX_W) / max(1, count + parts - 2))
    boxes, left = [], 0.0
    for items in shown[1:]:
        boxes += _row_of_boxes(items, left, BOTTOM, pitch, width)
        left += (len(items) + 1) * pitch
    return boxes


def _arrow(logical: Box, physical: Box) -> Arrow:
    x0, x1 = logical.x + logical.w / 2, physical.x + physical.w / 2
    if logical.y < physical.y:
        return Arrow(x0, logical.y + logical.h, x1, physical.y, logical.row)
    return Arrow(x0, logical.y, x1, physical.y + physical.h, logical.row)


def _shared_runs(physical: list[Box]) -> list[tuple[float, float]]:
    """Return the edges of each run of neighbouring boxes that several tables point at."""
    runs: list[tuple[float, float]] = []
    before = False
    for box in physical:
        if box.references > 1:
            left = runs.pop()[0] if before else box.x
            runs.append((left, box.x + box.w))
        before = box.references > 1
    return runs
