"""Where a GPU's dies and memory sites lie on the scene: number and sides are real, sizes are not.

Coordinates run over x 0 to 944 and y 0 to 572, y down.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from kvviz.catalog.gpus.gpu import Gpu, SiteKind

Side = Literal["left", "right", "top", "bottom"]
Align = Literal["left", "center", "right"]

SCENE_WIDTH: Final = 944
SCENE_HEIGHT: Final = 572

# Text of 13 px: its baseline above or below a site, its distance beside one, half a capital.
_ABOVE, _BELOW, _BESIDE, _HALF_CAP = 8, 17, 7, 5
# A site this wide has room for its name and its page count on one line; a column of sites under
# this height has no room for names between them.
_COUNT_WIDTH, _NAMED_ABOVE = 128, 60


@dataclass(frozen=True, slots=True)
class Rect:
    """An upright rectangle: its upper left corner and its size."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.h

    def overlaps(self, other: "Rect") -> bool:
        """Return whether the two share more than an edge."""
        across = self.x < other.right and other.x < self.right
        return across and self.y < other.bottom and other.y < self.bottom


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a line of text is pinned: the x of its ``align`` edge and the y of its baseline."""

    x: float
    y: float
    align: Align


@dataclass(frozen=True, slots=True)
class Site:
    """A place for memory: a stack, a chip or a unified block.

    Args:
        rect: where it is drawn.
        active: whether it holds memory in use; an inactive site is drawn dashed.
        label: its name, numbered among the active ones.
        side: which side of the dies it lies on.
        name_at: where its name goes.
        count_at: where its page count goes, None where there is no room for one.
    """

    rect: Rect
    active: bool
    label: str
    side: Side
    name_at: Anchor
    count_at: Anchor | None


@dataclass(frozen=True, slots=True)
class Floorplan:
    """A GPU's dies and all its memory sites, active ones first."""

    dies: tuple[Rect, ...]
    sites: tuple[Site, ...]
    site_kind: SiteKind


@dataclass(frozen=True, slots=True)
class _Board:
    """GDDR chips around one die; right and bottom mirror the left column and the top row."""

    die: Rect
    chip_w: float
    chip_h: float
    left: float
    column: range
    row: range


_WHOLE_DIE: Final = Rect(272, 24, 400, 542)
_HALVES: Final = (Rect(272, 24, 400, 264), Rect(272, 302, 400, 264))
_QUARTERS: Final = tuple(Rect(x, y, 196, 264) for y in (24, 302) for x in (268, 480))
_STACK_DIES: Final = {1: (_WHOLE_DIE,), 2: _HALVES, 4: _QUARTERS}
# Height of a stack, and the y of those of one side, by the number of sites.
_STACK_COLUMNS: Final = {
    4: (204, (68, 318)),
    6: (160, (30, 215, 400)),
    8: (114, (30, 168, 306, 444)),
}
# One block beside the dies: unified memory, or stacks whose number is not published.
_BLOCK: Final = Rect(18, 30, 458, 530)
_BLOCK_DIE_SHIFT: Final = 254

_TOP: Final = 22
_BOARDS: Final = {
    8: _Board(Rect(240, 126, 464, 320), 148, 74, 44, range(174, 325, 150), range(303, 494, 190)),
    12: _Board(Rect(322, 136, 300, 300), 132, 80, 100, range(136, 357, 110), range(240, 573, 166)),
    16: _Board(Rect(272, 116, 400, 340), 110, 62, 92, range(120, 391, 90), range(216, 619, 134)),
    24: _Board(Rect(222, 106, 500, 360), 84, 54, 82, range(109, 410, 60), range(185, 676, 98)),
    32: _Board(Rect(202, 94, 540, 384), 66, 44, 86, range(96, 433, 48), range(173, 706, 76)),
}


def floorplan(gpu: Gpu) -> Floorplan:
    """Return where the dies and the memory sites of ``gpu`` lie.

    Raises:
        ValueError: no layout is known for its number of sites or dies.
    """
    try:
        if gpu.site_kind == "chip":
            return _chip_plan(gpu)
        return _block_plan(gpu) if gpu.sites == 1 else _stack_plan(gpu)
    except KeyError as unknown:
        counts = f"{gpu.sites} sites of kind {gpu.site_kind} and {gpu.dies} dies"
        raise ValueError(f"no floorplan for {gpu.name}: {counts}") from unknown


def _stack_plan(gpu: Gpu) -> Floorplan:
    height, ys = _STACK_COLUMNS[gpu.sites]
    columns: tuple[tuple[Side, int], ...] = (("left", 18), ("right", 722))
    places = [(side, Rect(x, y, 204, height)) for side, x in columns for y in ys]
    return Floorplan(_STACK_DIES[gpu.dies], _sites(gpu, places), gpu.site_kind)


def _block_plan(gpu: Gpu) -> Floorplan:
    dies = (Rect(die.x + _BLOCK_DIE_SHIFT, die.y, die.w, die.h) for die in _STACK_DIES[gpu.dies])
    return Floorplan(tuple(dies), _sites(gpu, [("left", _BLOCK)]), gpu.site_kind)


def _chip_plan(gpu: Gpu) -> Floorplan:
    board = _BOARDS[gpu.sites]
    return Floorplan((board.die,), _sites(gpu, list(_chip_places(board))), gpu.site_kind)


def _chip_places(board: _Board) -> Iterator[tuple[Side, Rect]]:
    w, h = board.chip_w, board.chip_h
    for y in board.column:
        yield "left", Rect(board.left, y, w, h)
    for y in board.column:
        yield "right", Rect(SCENE_WIDTH - board.left - w, y, w, h)
    for x in board.row:
        yield "top", Rect(x, _TOP, w, h)
    for x in board.row:
        yield "bottom", Rect(x, SCENE_HEIGHT - _TOP - h, w, h)


def _sites(gpu: Gpu, places: list[tuple[Side, Rect]]) -> tuple[Site, ...]:
    """Number the places in order; the last ones are those the GPU does not use."""
    return tuple(_site(gpu, number, *place) for number, place in enumerate(places))


def _site(gpu: Gpu, number: int, side: Side, rect: Rect) -> Site:
    active, title_y = number < gpu.active_sites, rect.y - _ABOVE
    if side == "bottom":
        title_y = rect.bottom + _BELOW
    counted = active and rect.w >= _COUNT_WIDTH
    count_at = Anchor(rect.right, title_y, "right") if counted else None
    name_at = _name_at(rect, side, title_y) if active else _middle(rect)
    return Site(rect, active, _label(gpu, number), side, name_at, count_at)


def _label(gpu: Gpu, number: int) -> str:
    if number >= gpu.active_sites:
        return "inactive site"
    if gpu.site_kind == "chip":
        return f"chip {number}"
    if gpu.site_kind == "unified":
        return f"{gpu.memory_type} memory"
    return f"{gpu.memory_type} " + (f"stack {number}" if gpu.sites > 1 else "drawn as one")


def _middle(rect: Rect) -> Anchor:
    """Return where a line of text stands when another goes below it."""
    return Anchor(rect.x + rect.w / 2, rect.y + rect.h / 2 - 4, "center")


def _name_at(rect: Rect, side: Side, title_y: float) -> Anchor:
    if rect.h >= _NAMED_ABOVE or side in ("top", "bottom"):
        return Anchor(rect.x, title_y, "left")
    baseline = rect.y + rect.h / 2 + _HALF_CAP
    if side == "left":
        return Anchor(rect.x - _BESIDE, baseline, "right")
    return Anchor(rect.right + _BESIDE, baseline, "left")
