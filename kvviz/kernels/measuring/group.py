"""Kernels on one shape, measured together."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kvviz.kernels.measuring.machine import Rates
from kvviz.kernels.measuring.measure import Call, Performance


class Group(NamedTuple):
    """Calls that are measured together.

    Args:
        title: their shape.
        calls: one for each kernel.
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
