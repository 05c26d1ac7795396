"""Kernels on one shape, measured together."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kvviz.kernels.measuring.call import Call
from kvviz.kernels.measuring.machine import Rates
from kvviz.kernels.measuring.measure import Performance, Progress, measure, quietly


class Group(NamedTuple):
    """Calls that are measured together.

    Args:
        title: their shape.
        calls: one for each line.
        rates: the device's, measured in the same run.
        unit_bytes: what their peaks are shown as multiples of, if anything: S, the score matrix.
        notes: sentences made of what was measured.
        facts: what a recording says of them besides, such as their part.
    """

    title: str
    calls: list[Call]
    rates: Rates | None = None
    unit_bytes: int | None = None
    notes: Callable[[Mapping[str, Performance]], list[str]] = lambda results: []
    facts: Mapping[str, Any] = MappingProxyType({})


def measured_group(group: Group, progress: Progress = quietly) -> dict[str, Any]:
    """Measure one group; return its results as JSON takes them."""
    results = measure(
        group.calls, group.rates, lambda doing, share: progress(f"{group.title}: {doing}", share)
    )
    rows = []
    for result in results:
        multiple = (
            {"peak_multiple": result.peak_bytes / group.unit_bytes} if group.unit_bytes else {}
        )
        rows.append(result.as_dict() | multiple)
    told = {"title": group.title, **group.facts}
    told |= {"rates": group.rates and group.rates.as_dict(), "rows": rows}
    return told | {"notes": group.notes({result.name: result for result in results})}
