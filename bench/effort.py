"""How much is measured: the full run, or a short one that only shows the order of magnitude."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Effort:
    """Sizes and repetitions of every measurement; what takes longer than its seconds is cut short.

    Args:
        scenes: names of the scenes that are played.
        rounds: times that every scene is played, with either glyph.
        rounds_seconds: after which no round begins.
        seconds: of playing in one round.
        controlled: names of the scenes whose controls are turned.
        changes: clicks on switches in each of them.
        change_seconds: for those clicks.
        still_seconds: of playing in which the messages are counted.
        openings: times that each page is opened in a cold browser.
        opening_seconds: for those openings.
        crowds: viewers at once, ascending.
        crowd_seconds: of watching with each crowd.
        coming_seconds: for all viewers to come.
        replays: times that each engine replays a trace.
        plain_requests: first ones of the trace that the plain engine replays too.
        growth_requests: sizes of ever longer runs, ascending.
        growth_seconds: after which no other run of one size begins.
        grid_rounds: times that the full grid of reports is computed.
        grid_cells: of it that are estimated one after another as well.
    """

    scenes: tuple[str, ...]
    rounds: int
    rounds_seconds: float
    seconds: float
    controlled: tuple[str, ...]
    changes: int
    change_seconds: float
    still_seconds: float
    openings: int
    opening_seconds: float
    crowds: tuple[int, ...]
    crowd_seconds: float
    coming_seconds: float
    replays: int
    plain_requests: int
    growth_requests: tuple[int, ...]
    growth_seconds: float
    grid_rounds: int
    grid_cells: int


FULL: Final = Effort(
    scenes=("8k", "40k", "128k", "512k"),
    rounds=2,
    rounds_seconds=50,
    seconds=3,
    controlled=("default", "512k"),
    changes=36,
    change_seconds=25,
    still_seconds=10,
    openings=7,
    opening_seconds=40,
    crowds=(1, 20, 100, 200),
    crowd_seconds=8,
    coming_seconds=240,
    replays=5,
    plain_requests=2_000,
    growth_requests=(1_000, 10_000, 100_000, 1_000_000),
    growth_seconds=10,
    grid_rounds=11,
    grid_cells=10_000,
)
QUICK: Final = Effort(
    scenes=("40k", "512k"),
    rounds=1,
    rounds_seconds=20,
    seconds=1.5,
    controlled=("default",),
    changes=6,
    change_seconds=8,
    still_seconds=4,
    openings=3,
    opening_seconds=12,
    crowds=(1, 10),
    crowd_seconds=3,
    coming_seconds=10,
    replays=1,
    plain_requests=500,
    growth_requests=(1_000, 10_000, 50_000),
    growth_seconds=3,
    grid_rounds=3,
    grid_cells=500,
)


def turns(most: int, seconds: float, least: int = 2) -> Iterator[int]:
    """Count up to `most` turns, fewer where they take longer than `seconds`, at least `least`."""
    end = time.monotonic() + seconds
    for number in range(most):
        if number >= least and time.monotonic() > end:
            return
        yield number
