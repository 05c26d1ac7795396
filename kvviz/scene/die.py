"""Inside the dies: compute units, L2, and the causal triangle of the scores, laid out to fit."""

from dataclasses import dataclass
from math import ceil, sqrt

from kvviz.catalog.gpu import Gpu
from kvviz.scene.floorplan import Rect

INSET = 24
BANK_GAP = 4  # px between compute units, at most
TRIANGLE_SIDE = 212


@dataclass(frozen=True, slots=True)
class DiePlan:
    """Where the contents of all dies lie; y down, as in the floorplan.

    Args:
        title: baseline of the die's name (left) and the number of units (right).
        banks: areas of compute units.
        caches: L2 bars.
        triangle: the square of the scores.
        legend: where the triangle's numbers stand, to the right of it or below.
        meters: two areas, prefill and decode.
    """

    title: Rect
    banks: tuple[Rect, ...]
    caches: tuple[Rect, ...]
    triangle: Rect
    legend: Rect
    meters: tuple[Rect, Rect]


def die_plan(dies: tuple[Rect, ...]) -> DiePlan:
    """Lay out the contents of one tall die, one flat die, two halves or four quarters."""
    if len(dies) == 4:
        return _quarters(dies)
    if len(dies) == 2 and dies[0].w > 350:
        return _halves(dies)
    die = max(dies, key=lambda d: d.h)
    return _tall(die) if die.h > 500 and die.w > 350 else _flat(die)


def _tall(die: Rect) -> DiePlan:
    x, w, y = die.x + INSET, die.w - 2 * INSET, die.y
    return DiePlan(
        title=Rect(x, y + 26, w, 0),
        banks=(Rect(x, y + 38, w, 52), Rect(x, y + 478, w, 52)),
        caches=(Rect(x, y + 98, w, 22), Rect(x, y + 448, w, 22)),
        triangle=Rect(x, y + 136, TRIANGLE_SIDE, TRIANGLE_SIDE),
        legend=Rect(x + TRIANGLE_SIDE + 18, y + 136, w - TRIANGLE_SIDE - 18, TRIANGLE_SIDE),
        meters=_pair(Rect(x, y + 364, w, 70)),
    )


def _halves(dies: tuple[Rect, ...]) -> DiePlan:
    upper, lower = dies
    x, w = upper.x + INSET, upper.w - 2 * INSET
    side = upper.bottom - upper.y - 112
    return DiePlan(
        title=Rect(x, upper.y + 26, w, 0),
        banks=(Rect(x, upper.y + 38, w, 50), Rect(x, lower.bottom - 88, w, 64)),
        caches=(Rect(x, lower.bottom - 122, w, 22),),
        triangle=Rect(x, upper.y + 100, side, side),
        legend=Rect(x + side + 18, upper.y + 100, w - side - 18, side),
        meters=_pair(Rect(x, lower.y + 24, w, 70)),
    )


def _quarters(dies: tuple[Rect, ...]) -> DiePlan:
    inner = [Rect(d.x + 16, d.y, d.w - 32, d.h) for d in dies]
    first, second, third, fourth = inner
    side = min(second.w, 150)
    return DiePlan(
        title=Rect(first.x, first.y + 26, first.w, 0),
        banks=tuple(Rect(d.x, d.bottom - 92, d.w, 74) for d in inner),
        caches=(),
        triangle=Rect(second.x, second.y + 14, side, side),
        legend=Rect(first.x, first.y + 34, first.w, 130),
        meters=(
            Rect(third.x, third.y + 20, third.w, 70),
            Rect(fourth.x, fourth.y + 20, fourth.w, 70),
        ),
    )


def _flat(die: Rect) -> DiePlan:
    inset = 16
    x, w, y = die.x + inset, die.w - 2 * inset, die.y
    side = min(die.h - 186, w * 0.5)
    return DiePlan(
        title=Rect(x, y + 24, w, 0),
        banks=(Rect(x, y + 34, w, 34),),
        caches=(Rect(x, y + 74, w, 20),),
        triangle=Rect(x, y + 102, side, side),
        legend=Rect(x + side + 14, y + 102, w - side - 14, side),
        meters=_pair(Rect(x, die.bottom - 76, w, 66)),
    )


def _pair(area: Rect) -> tuple[Rect, Rect]:
    w = (area.w - 28) / 2
    return Rect(area.x, area.y, w, area.h), Rect(area.x + w + 28, area.y, w, area.h)


def compute_units(plan: DiePlan, count: int) -> list[Rect]:
    """Return a cell for each of `count` compute units, shared evenly among the banks."""
    cells: list[Rect] = []
    for number, bank in enumerate(plan.banks):
        cells += _bank(bank, len(range(number, count, len(plan.banks))))
    return cells


def _bank(bank: Rect, count: int) -> list[Rect]:
    """Fill a bank with cells as square as they fit, column by column."""
    if not count:
        return []
    rows = max(1, round(sqrt(count * bank.h / bank.w)))
    columns = ceil(count / rows)
    across, down = bank.w / columns, bank.h / rows
    gap = min(BANK_GAP, across * 0.25, down * 0.25)
    return [
        Rect(bank.x + i // rows * across, bank.y + i % rows * down, across - gap, down - gap)
        for i in range(count)
    ]


def die_name(gpu: Gpu) -> str:
    """Return the die's own name where the catalog has it, as GH100, else the architecture's."""
    inner = gpu.architecture.partition("(")[2].partition(")")[0].split(",")[0]
    name = inner if inner and not inner[0].isdigit() else gpu.architecture.partition("(")[0]
    kind = {1: " die", 2: " package"}.get(gpu.dies, "")  # four dies leave no room for the word
    return name.strip() + kind
