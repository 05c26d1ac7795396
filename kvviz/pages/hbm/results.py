"""What the HBM page shows of a scenario, computed once for all visitors."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from kvviz.memory import MemoryReport, estimate
from kvviz.memory.crossing import first_crossing
from kvviz.memory.shard import Shard, fullest_shard
from kvviz.memory.share import share_total
from kvviz.pages.hbm.numbers import Columns, live_columns
from kvviz.scene.hbm.fleet import MOST
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.sim.workload.growth import growth
from kvviz.timeline import Timeline
from kvviz.units import size

MOST_PAGES: Final = 2_000_000  # filled in one run: each of them is sent to the browser


@dataclass(frozen=True, slots=True)
class Results:
    """One run and everything shown of it; its arrays are read-only.

    Args:
        report: the memory at the context.
        shard: what the fullest GPU holds of the model.
        timeline: the run, page by page.
        columns: the numbers that follow the playhead, one row per context.
        full_at: the first context that does not fit one GPU, None if all fit.
        full_without_flash: the same without FlashAttention; None if all fit, or `full_at` is set.
    """

    report: MemoryReport
    shard: Shard
    timeline: Timeline
    columns: Columns
    full_at: int | None
    full_without_flash: int | None


@lru_cache(maxsize=12)  # the largest holds 28 MiB
def shared_results(**settings: Any) -> Results:
    """Return the results that all visitors with these settings share."""
    return results(Scenario(**settings))


def results(scenario: Scenario) -> Results:
    """Return what follows from a scenario.

    Raises:
        ScenarioError: settings contradict each other, or the run cannot be drawn.
        UnknownName: no catalog has the model, the GPU or the engine.
    """
    report, shard = estimate(scenario), fullest_shard(scenario)
    timeline = growth(scenario, _recorded_bytes(scenario, report, shard), shard)
    columns = live_columns(scenario, report, timeline)
    for column in (*timeline.changes._asdict().values(), *columns.values()):
        column.setflags(write=False)
    full = first_crossing(scenario, report.room, shard)
    without = None if full else first_crossing(scenario, report.room, shard, flash=False)
    return Results(report, shard, timeline, columns, full, without)


def _recorded_bytes(scenario: Scenario, report: MemoryReport, shard: Shard) -> int:
    """Return the bytes to record page by page: at most those of the GPUs that the picture shows.

    Raises:
        ScenarioError: one GPU has less than one page per memory site, or the run fills more pages
            than the picture can show.
    """
    page, room = shard.page_bytes(scenario.block_size), report.room
    if room // page < scenario.the_gpu.active_sites:
        raise ScenarioError(
            f"{size(room)} of memory holds {room // page} pages of {size(page)}; expected at least "
            f"one per memory site, {scenario.the_gpu.active_sites}"
        )
    end = share_total(scenario, shard, np.array([scenario.final_length]))[0] - shard.weights_bytes
    filled = min(end, room) // page
    if filled > MOST_PAGES:
        raise ScenarioError(
            f"the run fills {filled:,} pages of {size(page)}, more than the {MOST_PAGES:,} that "
            f"the picture can show; expected a larger block size or a shorter run"
        )
    return min(room * MOST, shard.weights_bytes + page * MOST_PAGES)
