"""What the heat map can show: which figure, in which words, and when a pair does not fit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from kvviz.atlas import Reports
from kvviz.atlas.axes import Array
from kvviz.catalog.measured.efficiency import MBU, MFU, SOURCE
from kvviz.memory.room import MOST_CONTEXT
from kvviz.pages.kit.html import many
from kvviz.settings.scenario import Scenario
from kvviz.units import share

FULL: Final = 9_999.5  # from here on a cell has no room for all digits


@dataclass(frozen=True, slots=True)
class Metric:
    """One way to look at the grid.

    Args:
        label: its name on the control.
        heading: the map's title under a workload.
        unit: what a value counts, after the number.
        values: a value for every cell; below 1 of something that is counted, the pair does not fit.
        fits: whether it fits, for every cell.
        spell: a value in the width of a cell.
        low_is_best: whether fewer is better.
        of_batch: whether the workload's number of sequences matters.
        of_split: whether the number of GPUs matters.
        most: values from here on are not told apart.
        assumed: what it rests on besides capacities, empty if all is computed.
    """

    label: str
    heading: Callable[[Scenario], str]
    unit: Callable[[Scenario], str]
    values: Callable[[Reports], Array]
    fits: Callable[[Reports], Array]
    spell: Callable[[float], str]
    low_is_best: bool = False
    of_batch: bool = True
    of_split: bool = True
    most: float = np.inf
    assumed: Callable[[Scenario], str] = lambda _scenario: ""


def gpus(count: int) -> str:
    """Return a count of GPUs in words."""
    return "one GPU" if count == 1 else f"{count} GPUs together"


def lengths(scenario: Scenario) -> str:
    """Return the workload's sequences in words."""
    return f"{many(scenario.batch, 'sequence')} of {scenario.context:,} tokens"


def at_once(reports: Reports) -> Array:
    """Return the whole sequences that fit at once, in the engine's blocks."""
    return np.floor(reports.column("budget_concurrency_at_context"))


def short(value: float) -> str:
    """Spell a number in at most five characters, thousands as K and millions as M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if value >= max(unit, FULL):
            scaled = value / unit
            return f"{scaled:,.0f}{name}" if scaled >= 99.5 else f"{scaled:.3g}{name}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _rated(reports: Reports) -> Array:
    return reports.column("fits")


def _roofline(scenario: Scenario) -> str:
    if scenario.param.mfu.as_set(scenario) or scenario.param.mbu.as_set(scenario):
        shares = f"MFU {share(scenario.mfu, 0)} and MBU {share(scenario.mbu, 0)}, as you set them"
    else:
        shares = (
            f"MFU {share(MFU, 0)} and MBU {share(MBU, 0)} ({SOURCE}), or as measured on that GPU"
        )
    left_out = (
        "activations and interconnect not counted, kernel launches only where fitted to a run on "
        "that GPU"
    )
    return f"assumed: roofline with {shares}; {left_out}"


METRICS: Final = {
    "sequences": Metric(
        label="Sequences",
        heading=lambda s: f"Sequences of {s.context:,} tokens that {gpus(s.tp)} can hold at once",
        unit=lambda s: "sequences at once",
        values=at_once,
        fits=lambda r: at_once(r) >= 1,
        spell=short,
        of_batch=False,
    ),
    "gpus": Metric(
        label="GPUs needed",
        heading=lambda s: f"GPUs needed for {lengths(s)}",
        unit=lambda s: "GPUs needed",
        values=lambda r: r.column("gpus_needed").astype(float),
        fits=lambda r: r.column("gpus_needed") >= 1,
        spell=lambda value: f"{value:,.0f}",
        low_is_best=True,
        of_split=False,
    ),
    "longest": Metric(
        label="Longest context",
        heading=lambda s: (
            f"Tokens that {'a sequence' if s.batch == 1 else f'each of {s.batch} sequences'} "
            f"can reach on {gpus(s.tp)}"
        ),
        unit=lambda s: "tokens of context" if s.batch == 1 else "tokens of context each",
        values=lambda r: r.column("longest_context").astype(float),
        fits=lambda r: r.column("longest_context") >= 1,
        spell=lambda value: short(value) + ("+" if value >= MOST_CONTEXT else ""),
        most=MOST_CONTEXT,
    ),
    "rate": Metric(
        label="Tokens/s",
        heading=lambda s: (
            f"Tokens per second when {gpus(s.tp)} decode{'s' * (s.tp == 1)} {lengths(s)}"
        ),
        unit=lambda s: "tokens per second",
        values=lambda r: r.column("tokens_per_second"),
        fits=_rated,
        spell=short,
        assumed=_roofline,
    ),
    "per_watt": Metric(
        label="per watt",
        heading=lambda s: (
            f"Tokens per second per watt when {gpus(s.tp)} decode{'s' * (s.tp == 1)} {lengths(s)}"
        ),
        unit=lambda s: "tokens per second per watt",
        values=lambda r: r.column("tokens_per_second_per_watt"),
        fits=_rated,
        spell=short,
        assumed=lambda s: f"{_roofline(s)}; watts: the board’s power limit",
    ),
}
