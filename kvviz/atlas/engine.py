"""What an engine takes for itself in every cell, and the budget of the KV cache that it leaves."""

import numpy as np

from kvviz.atlas.axes import Array, Axes, Columns, spread
from kvviz.atlas.held import Held
from kvviz.catalog.engine import Batch, default_batch
from kvviz.catalog.models.model import Model
from kvviz.memory.capacity import assumptions, capacity_bytes, overhead_bytes
from kvviz.settings.scenario import Scenario


def alike_gpus(axes: Axes) -> list[tuple[Scenario, list[int]]]:
    """Return the workload on one GPU of every kind that an engine treats alike, and all of it.

    It takes the same of GPUs for which its default batch is the same; nothing in mode textbook.
    """
    kinds: dict[Batch | None, list[int]] = {}
    for index, gpu in enumerate(axes.gpus):
        engine = axes.workload.mode == "vllm"
        batch = default_batch(gpu.cuda_bytes, gpu.name) if engine else None
        kinds.setdefault(batch, []).append(index)
    return [(axes.workload.replaced(gpu=axes.gpus[i[0]].name), i) for i in kinds.values()]


def overheads(axes: Axes) -> Array:
    """Return the bytes that an engine takes for itself on each GPU, axes mgt."""
    taken = np.zeros((len(axes.models), len(axes.gpus), len(axes.tps)), dtype=np.int64)
    for scenario, gpus in alike_gpus(axes):
        each = [[overhead_bytes(scenario, m, t) for t in axes.tps] for m in axes.models]
        taken[:, gpus] = np.array(each)[:, None]
    return spread(taken, "mgt")


def capacities(axes: Axes) -> Array:
    """Return the bytes that may be used of each GPU."""
    return spread([capacity_bytes(axes.workload, gpu) for gpu in axes.gpus], "g")


def engine(held: Held) -> Columns:
    """Return what only mode vllm has: the budget of the KV cache, and what was assumed for it."""
    axes, workload = held.axes, held.axes.workload
    if workload.mode == "textbook":
        return {}
    left = capacities(axes) - overheads(axes) - spread(held.weights[:, 1:], "mtd")
    budget, token = np.maximum(left, 0), spread(held.grouped[:, 1:], "mtd")
    blocks = np.where(token > 0, budget // np.maximum(token * workload.block_size, 1), 0)
    at_most = np.array(workload.max_length)
    return {
        "budget_bytes": budget,
        "budget_blocks": blocks,
        "budget_tokens": blocks * workload.block_size,
        "budget_concurrency": _concurrency(held, budget, blocks, spread(axes.contexts, "c")),
        "budget_concurrency_at_max_length": _concurrency(held, budget, blocks, at_most),
        **_assumed(axes),
    }


def _concurrency(held: Held, budget: Array, blocks: Array, length: Array) -> Array:
    """Return the sequences of `length` tokens at once; a recurrent state stands apart."""
    state = spread(held.state[:, 0], "m")
    each = length * spread(held.grouped[:, 1:], "mtd") + state / spread(held.axes.tps, "t")
    by_blocks = blocks * held.axes.workload.block_size / length
    return np.where(state > 0, budget / np.maximum(each, 1), by_blocks)


def _assumed(axes: Axes) -> Columns:
    """Return each assumption in GiB by its name, axes mgt; 0 where a model has no such thing."""
    shape, columns = (len(axes.models), len(axes.gpus), len(axes.tps)), Columns()
    for scenario, gpus in alike_gpus(axes):
        for m, model in enumerate(axes.models):
            for t, size in enumerate(axes.tps):
                for name, gib in _named(scenario, model, size).items():
                    columns.setdefault(name, np.zeros(shape))[m, gpus, t] = gib
    return {name: spread(column, "mgt") for name, column in columns.items()}


def _named(scenario: Scenario, model: Model, t: int) -> dict[str, float]:
    items = assumptions(scenario, model, t)
    return {f"assumed_{item.name.replace(' ', '_')}_gib": item.gib for item in items}
