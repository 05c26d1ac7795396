"""Compute units as cells: in the clusters that the chip is made of where they are known."""

from dataclasses import dataclass, field
from math import ceil, log, sqrt

from kvviz.catalog.gpus.clusters import Clusters
from kvviz.scene.hbm.floorplan import Rect

GAP = 4  # px between units, at most
CLUSTER_GAP, PADDING = 8, 0.05  # px between clusters; inside one, as a share of its width


@dataclass(frozen=True, slots=True)
class Units:
    """Cells of the units that a GPU has, outlines of those its chip has but not the GPU, and boxes.

    Which units are off differs from chip to chip: here they are shared out evenly.
    """

    there: list[Rect] = field(default_factory=list)
    missing: list[Rect] = field(default_factory=list)
    clusters: list[Rect] = field(default_factory=list)


def compute_units(banks: tuple[Rect, ...], count: int, clusters: Clusters | None) -> Units:
    """Return a cell for each of `count` compute units, shared evenly among the banks."""
    found = Units()
    for number, bank in enumerate(banks):
        if clusters is None:
            found.there.extend(_bank(bank, len(range(number, count, len(banks)))))
            continue
        held = clusters.shares(count)[number :: len(banks)]
        for box, units in zip(_boxes(bank, len(held)), held, strict=True):
            cells = _cells(box, clusters.units)
            found.clusters.append(box)
            found.there.extend(cells[:units])
            found.missing.extend(cells[units:])
    return found


def _boxes(bank: Rect, count: int) -> list[Rect]:
    gap = min(CLUSTER_GAP, bank.w / count / 6) if count else 0
    w = (bank.w - gap * (count - 1)) / count if count else 0
    return [Rect(bank.x + i * (w + gap), bank.y, w, bank.h) for i in range(count)]


def _cells(box: Rect, count: int) -> list[Rect]:
    """Fill a cluster's box with `count` cells as square as they come out even."""
    pad = PADDING * box.w
    w, h = box.w - 2 * pad, box.h - 2 * pad
    even = [rows for rows in range(1, count + 1) if count % rows == 0]
    rows = min(even, key=lambda rows: abs(log(w * rows / (count / rows) / h)))
    return _grid(Rect(box.x + pad, box.y + pad, w, h), count, rows)


def _bank(bank: Rect, count: int) -> list[Rect]:
    """Fill a bank with cells as square as they fit, column by column."""
    return _grid(bank, count, max(1, round(sqrt(count * bank.h / bank.w)))) if count else []


def _grid(area: Rect, count: int, rows: int) -> list[Rect]:
    across, down = area.w / ceil(count / rows), area.h / rows
    gap = min(GAP, across * 0.25, down * 0.25)
    w, h = across - gap, down - gap
    return [
        Rect(area.x + i // rows * across + gap / 2, area.y + i % rows * down + gap / 2, w, h)
        for i in range(count)
    ]
