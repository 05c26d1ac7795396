"""How many complete reports a second the whole grid yields, beside one estimate after another.

Needs no browser: ``python -m bench.grid`` runs it alone.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import numpy as np

from bench.effort import FULL, Effort
from bench.table import table
from kvviz.atlas import Axes, Reports, reports
from kvviz.catalog.gpus.shipped import gpus
from kvviz.catalog.models.shipped import models
from kvviz.cost.roofline import decode_step
from kvviz.memory import estimate
from kvviz.memory.answer import flat
from kvviz.settings.scenario import Scenario

DTYPES: Final = (("native", "auto"), ("bf16", "bf16"), ("fp8", "fp8"), ("int4", "auto"))
CONTEXTS: Final = tuple(2**power for power in range(10, 18))
SIZES: Final = (1, 2, 3, 4, 5, 6, 7, 8)
CLOSE: Final = 1e-12  # relative, between floats
SEED: Final = 20


def grid(effort: Effort) -> list[dict[str, Any]]:
    """Return a row for each way to get reports; only cells whose size splits the model count."""
    full = Axes(Scenario(max_model_len=max(CONTEXTS)), models(), gpus(), DTYPES, CONTEXTS, SIZES)
    start = time.perf_counter()
    done = reports(full)
    first = time.perf_counter() - start
    cells = int(np.broadcast_to(done.valid, full.shape).sum())
    at_once = _median(lambda: reports(full), effort.grid_rounds)
    written = at_once + _median(done.rows, effort.grid_rounds)
    sample = drawn(done, effort.grid_cells)
    start = time.perf_counter()
    alone = [one_by_one(scenario_at(full, cell)) for cell in sample]
    scalar = (time.perf_counter() - start) / len(sample)
    wrong = sum(bool(differing(done.cell(*c), a)) for c, a in zip(sample, alone, strict=True))
    figures = len(done.columns)
    return [
        _row("first time in a process", cells, figures, cells / first, None),
        _row("grid, an array a figure", cells, figures, cells / at_once, None),
        _row("grid, written out as rows", cells, figures, cells / written, None),
        _row("one estimate after another", len(sample), len(alone[0]), 1 / scalar, wrong),
    ]


def _row(way: str, count: int, figures: int, rate: float, wrong: int | None) -> dict[str, Any]:
    return {
        "way": way,
        "reports": count,
        "figures": figures,
        "estimates_per_second": rate,
        "differ_from_grid": wrong,
    }


def _median(work: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def drawn(done: Reports, count: int) -> list[tuple[int, ...]]:
    """Return `count` valid cells drawn at random, each by its place on the axes."""
    valid = np.argwhere(np.broadcast_to(done.valid, done.axes.shape))
    chosen = np.random.default_rng(SEED).integers(len(valid), size=count)
    return [tuple(place) for place in valid[chosen].tolist()]


def scenario_at(axes: Axes, cell: tuple[int, ...]) -> Scenario:
    """Return the scenario of one cell."""
    model, gpu, dtypes, context, tp = cell
    weights, kv = axes.dtypes[dtypes]
    return axes.workload.replaced(
        model=axes.models[model].name,
        gpu=axes.gpus[gpu].name,
        weights_dtype=weights,
        kv_dtype=kv,
        context=axes.contexts[context],
        tp=axes.tps[tp],
    )


def one_by_one(scenario: Scenario) -> dict[str, Any]:
    """Return the complete report of one scenario, its decode step included, by the scalar path."""
    step = decode_step(scenario, np.array([scenario.context]))
    rate = scenario.batch / float(step.seconds[0])
    return {
        **flat(estimate(scenario)),
        "decode_flops": float(step.flops[0]),
        "decode_bytes": float(step.weight_bytes[0] + step.kv_bytes[0]),
        "decode_seconds": float(step.seconds[0]),
        "decode_compute_share": float(step.compute_share[0]),
        "decode_memory_share": float(step.memory_share[0]),
        "tokens_per_second": rate,
        "tokens_per_second_per_watt": rate / scenario.tp / (scenario.the_gpu.tdp_w or np.nan),
    }


def differing(cell: dict[str, Any], alone: dict[str, Any]) -> list[str]:
    """Return the figures of a scalar report that its cell of the grid does not have so."""
    return [name for name, value in alone.items() if not _same(cell[name], value)]


def _same(found: Any, value: Any) -> bool:
    if isinstance(value, float):
        return bool(np.isclose(found, value, rtol=CLOSE, atol=0, equal_nan=True))
    return bool(found == value)


if __name__ == "__main__":
    print(table("Estimates of the full grid", grid(FULL)))
