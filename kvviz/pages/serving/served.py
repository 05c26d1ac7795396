"""One policy's run, ready to be played: its record, its requests' lives and its figures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvviz.settings.serving import Serving
from kvviz.sim.policies import find_policy
from kvviz.sim.policies.base import Policy
from kvviz.sim.results.lives import Counts, Lives, counts, lives
from kvviz.sim.results.outcome import Outcome
from kvviz.timeline import Timeline, merged

NS_IN = {"us": 1_000, "ms": 1_000_000}


@dataclass(frozen=True)
class Served:
    """What the page keeps of an `Outcome`.

    Args:
        serving: policy and limits.
        timeline: every block over time; neighbours that change alike are one change.
        lives: every request's phases.
        counts: requests that run, wait and have ended.
        requests: a row per request.
        summary: the run in figures.
        step_ends: when each step ends, nanoseconds; shape (steps,).
    """

    serving: Serving
    timeline: Timeline
    lives: Lives
    counts: Counts
    requests: dict[str, NDArray[np.generic]]
    summary: dict[str, Any]
    step_ends: NDArray[np.int64]

    @property
    def policy(self) -> Policy:
        """What schedules."""
        return find_policy(self.serving.policy)

    @property
    def paged(self) -> bool:
        """Whether blocks are given on demand."""
        return self.policy.cache.on_demand

    @property
    def blocks(self) -> int:
        """Blocks that can be used: all but the null block."""
        return self.timeline.pages - 1

    @property
    def slot(self) -> int | None:
        """Blocks of the region that every request gets, where all get the same."""
        if self.paged or self.serving.reservation != "max":
            return None
        return -(-self.serving.max_model_len // self.serving.block_size)

    @property
    def ns_per_unit(self) -> int:
        """Nanoseconds that the timeline's `when` counts."""
        return NS_IN[self.timeline.unit]

    @property
    def seconds(self) -> float:
        """Seconds from the first arrival to the last token."""
        return float(self.summary["makespan_s"])


def served(outcome: Outcome) -> Served:
    """Return what is played of a run that was recorded."""
    its, timeline = lives(outcome), outcome.timeline()
    return Served(
        outcome.serving,
        Timeline(
            timeline.unit,
            timeline.page_bytes,
            timeline.pages,
            merged(timeline.changes),
            timeline.totals,
        ),
        its,
        counts(its),
        outcome.requests(),
        outcome.summary(),
        outcome.recorded.step_ends,
    )
