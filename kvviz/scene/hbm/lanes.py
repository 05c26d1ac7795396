"""The lanes on which bytes move between memory sites and dies, and the ports where they end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from kvviz.scene.hbm.floorplan import Floorplan, Rect, Side, Site

# Lanes of a stack lie 25 px apart where it is 160 px high.
_STACK_PITCH, _CHIP_PITCH, _PORT_INSET = 25 / 160, 14, 4
_PAIRS: Final[tuple[tuple[Side, Side], ...]] = (("left", "right"), ("top", "bottom"))
_OPPOSITE: Final = {side: other for pair in _PAIRS for side, other in (pair, pair[::-1])}


@dataclass(frozen=True, slots=True)
class Lane:
    """A path of bytes from a site's edge to a die's edge; ``site`` is an index into the sites."""

    x0: float
    y0: float
    x1: float
    y1: float
    site: int


@dataclass(frozen=True, slots=True)
class Port:
    """A lane's end on the die; ``site`` is an index into the sites."""

    rect: Rect
    site: int


def lanes(plan: Floorplan) -> tuple[Lane, ...]:
    """Return the lanes of all active sites: two of a chip, five of a stack.

    A block of memory that faces two dies has three to each.
    """
    return tuple(
        lane
        for index, site in enumerate(plan.sites)
        if site.active
        for lane in _site_lanes(plan, site, index)
    )


def ports(plan: Floorplan) -> tuple[Port, ...]:
    """Return the port at the end of each lane, in the order of the lanes."""
    depth, length = (5, 10) if plan.site_kind == "chip" else (7, 16)
    return tuple(_port(lane, plan.sites[lane.site].side, depth, length) for lane in lanes(plan))


def _site_lanes(plan: Floorplan, site: Site, index: int) -> Iterator[Lane]:
    facing = _facing(plan.dies, site)
    for die in facing:
        low, high = _shared_span(site.rect, die, site.side)
        count, pitch = 2, float(_CHIP_PITCH)
        if plan.site_kind != "chip":
            count, pitch = (5 if len(facing) == 1 else 3), (high - low) * _STACK_PITCH
        start, end = _edge(site.rect, _OPPOSITE[site.side]), _edge(die, site.side)
        for step in range(count):
            at = (low + high) / 2 + (step - (count - 1) / 2) * pitch
            if site.side in ("left", "right"):
                yield Lane(start, at, end, at, index)
            else:
                yield Lane(at, start, at, end, index)


def _facing(dies: Iterable[Rect], site: Site) -> list[Rect]:
    """Return the dies that a straight lane from the site meets first."""
    spans = ((die, _shared_span(site.rect, die, site.side)) for die in dies)
    met = [die for die, (low, high) in spans if low < high]
    nearest = min if site.side in ("left", "top") else max
    edge = nearest(_edge(die, site.side) for die in met)
    return [die for die in met if _edge(die, site.side) == edge]


def _shared_span(site: Rect, die: Rect, side: Side) -> tuple[float, float]:
    """Return from where to where a site and a die face each other, along their edges."""
    if side in ("left", "right"):
        return max(site.y, die.y), min(site.bottom, die.bottom)
    return max(site.x, die.x), min(site.right, die.right)


def _edge(rect: Rect, side: Side) -> float:
    return {"left": rect.x, "right": rect.right, "top": rect.y, "bottom": rect.bottom}[side]


def _port(lane: Lane, side: Side, depth: float, length: float) -> Port:
    inward = _PORT_INSET if side in ("left", "top") else -_PORT_INSET - depth
    if side in ("left", "right"):
        return Port(Rect(lane.x1 + inward, lane.y1 - length / 2, depth, length), lane.site)
    return Port(Rect(lane.x1 - length / 2, lane.y1 + inward, length, depth), lane.site)
