"""Inside the dies: areas for units, L2, the triangle of the scores and the meters, laid out to fit.

A phone's scene is narrower than the design's, so that its dies have a layout of their own.
"""

from dataclasses import dataclass
from typing import Final

from kvviz.scene.hbm.floorplan import SCENE_HEIGHT, SCENE_WIDTH, Rect

INSET = 24
APART = 16  # px between the two meters
TRIANGLE_SIDE = 212
PHONE: Final = (358, 334)  # px of a phone's scene


@dataclass(frozen=True, slots=True)
class DiePlan:
    """Where the contents of all dies lie; y down, as in the floorplan.

    Args:
        title: baseline of the die's name (left) and the number of units (right).
        banks: areas of compute units.
        caches: L2 bars.
        triangle: the square of the scores.
        legend: where the triangle's numbers stand, to the right of it or below.
        meters: two areas, prefill and decode; none on a phone.
    """

    title: Rect
    banks: tuple[Rect, ...]
    caches: tuple[Rect, ...]
    triangle: Rect
    legend: Rect
    meters: tuple[Rect, ...] = ()


def die_plan(dies: tuple[Rect, ...]) -> DiePlan:
    """Lay out the contents of one tall die, one flat die, two halves or four quarters."""
    if len(dies) == 4:
        return _quarters(dies)
    if len(dies) == 2 and dies[0].w > 350:
        return _halves(dies)
    die = max(dies, key=lambda d: d.h)
    return _tall(die) if die.h > 500 and die.w > 350 else _flat(die)


def phone_plan(dies: tuple[Rect, ...]) -> DiePlan:
    """Lay the contents out for a phone, where they keep their shape but the scene does not."""
    small = tuple(_scaled(die, PHONE[0] / SCENE_WIDTH, PHONE[1] / SCENE_HEIGHT) for die in dies)
    plan = _phone_one(small[0]) if len(small) == 1 else _phone_several(small)

    def back(rect: Rect) -> Rect:
        return _scaled(rect, SCENE_WIDTH / PHONE[0], SCENE_HEIGHT / PHONE[1])

    return DiePlan(
        back(plan.title),
        tuple(map(back, plan.banks)),
        tuple(map(back, plan.caches)),
        back(plan.triangle),
        back(plan.legend),
    )


def _scaled(rect: Rect, across: float, down: float) -> Rect:
    return Rect(rect.x * across, rect.y * down, rect.w * across, rect.h * down)


def _phone_one(die: Rect) -> DiePlan:
    x, w, y = die.x + 8, die.w - 16, die.y
    if die.h < 300:
        side = min(w, die.h - 116)
        return DiePlan(
            title=Rect(x, y + 18, w, 0),
            banks=(),
            caches=(),
            triangle=Rect(x, y + 28, side, side),
            legend=Rect(x, y + 30 + side, w, 78),
        )
    return DiePlan(
        title=Rect(x, y + 18, w, 0),
        banks=(Rect(x, y + 26, w, 20), Rect(x, die.bottom - 28, w, 20)),
        caches=(Rect(x, y + 51, w, 6), Rect(x, die.bottom - 39, w, 6)),
        triangle=Rect(x, y + 66, 120, 120),
        legend=Rect(x, y + 190, w, 78),
    )


def _phone_several(dies: tuple[Rect, ...]) -> DiePlan:
    """The first die for the triangle, the last for the numbers, units at the foot of each."""
    inner = [Rect(d.x + 6, d.y, d.w - 12, d.h) for d in dies]
    first, last = inner[0], inner[-1]
    side = min(first.w, first.h - 60)
    return DiePlan(
        title=Rect(first.x, first.y + 18, first.w, 0),
        banks=tuple(Rect(d.x, d.bottom - 26, d.w, 20) for d in inner),
        caches=(),
        triangle=Rect(first.x, first.y + 26, side, side),
        legend=Rect(last.x, last.y + 10, last.w, 78),
    )


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
    w = (area.w - APART) / 2
    return Rect(area.x, area.y, w, area.h), Rect(area.x + w + APART, area.y, w, area.h)
