"""The engine's overhead in every cell, and the memory left for the KV cache."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from kvviz.atlas.axes import Array, Axes, Columns, spread
from kvviz.atlas.held import Held
from kvviz.catalog.models.model import Model
from kvviz.engines.base import Engine, Taken
from kvviz.engines.registry import find_engine
from kvviz.settings.deployment import Deployment


@dataclass(frozen=True)
class Rooms:
    """What each GPU of a grid leaves for weights and KV cache, under the workload's engine.

    Args:
        axes: models, in the dtype that the engine computes in, and GPUs.
    """

    axes: Axes

    @cached_property
    def engine(self) -> Engine:
        """The workload's engine."""
        return find_engine(self.axes.workload.mode)

    @cached_property
    def alike(self) -> tuple[tuple[int, ...], ...]:
        """The GPUs that the engine treats alike but for their capacity."""
        kinds: dict[Hashable, list[int]] = {}
        for index, gpu in enumerate(self.axes.gpus):
            kinds.setdefault(self.engine.alike(gpu), []).append(index)
        return tuple(map(tuple, kinds.values()))

    @cached_property
    def usual(self) -> tuple[Deployment, ...]:
        """The workload's deployment on one GPU of every kind."""
        asked = self.axes.workload.deployment
        return tuple(replace(asked, gpu=self.axes.gpus[gpus[0]]) for gpus in self.alike)

    @cached_property
    def memory(self) -> Array:
        """The bytes that the engine takes its share of, shape (GPUs,)."""
        asked = self.axes.workload.deployment
        return np.array([self.engine.memory(replace(asked, gpu=gpu)) for gpu in self.axes.gpus])

    def of(self, model: Model, sizes: tuple[int, ...]) -> tuple[Array, Array]:
        """Return capacity and what the engine takes of it, both of shape (GPUs, sizes)."""
        capacity = np.zeros((len(self.axes.gpus), len(sizes)), dtype=np.int64)
        taken = np.zeros_like(capacity)
        for asked, gpus in zip(self.usual, self.alike, strict=True):
            shares, parts = _shares(asked, model, sizes)
            capacity[gpus, :] = self.memory[list(gpus), None] * np.array(shares)
            taken[gpus, :] = [part.total for part in parts]
        return capacity, taken

    @cached_property
    def grid(self) -> tuple[Array, Array]:
        """Capacity and what the engine takes of it, axes mgt."""
        pairs = [self.of(model, self.axes.tps) for model in self.axes.models]
        capacity, taken = (np.stack(column) for column in zip(*pairs, strict=True))
        return spread(capacity, "mgt"), spread(taken, "mgt")

    @cached_property
    def supported(self) -> Array:
        """Whether the engine runs each model at all, axes mg."""
        runs = np.ones((len(self.axes.models), len(self.axes.gpus)), dtype=bool)
        for m, model in enumerate(self.axes.models):
            for asked, gpus in zip(self.usual, self.alike, strict=True):
                runs[m, gpus] = not self.engine.unsupported(replace(asked, model=model))
        return spread(runs, "mg")

    def assumed(self) -> Columns:
        """Return each assumption in GiB by its name, axes mgt; 0 where a model has none such."""
        axes, columns = self.axes, Columns()
        shape = (len(axes.models), len(axes.gpus), len(axes.tps))
        for m, model in enumerate(axes.models):
            for asked, gpus in zip(self.usual, self.alike, strict=True):
                for t, taken in enumerate(_shares(asked, model, axes.tps)[1]):
                    for item in taken.assumptions:
                        columns.setdefault(item.column, np.zeros(shape))[m, gpus, t] = item.gib
        return {name: spread(column, "mgt") for name, column in columns.items()}


@lru_cache(maxsize=2**14)
def _shares(
    asked: Deployment, model: Model, sizes: tuple[int, ...]
) -> tuple[tuple[float, ...], tuple[Taken, ...]]:
    """Return the utilization, and what the engine takes, at each tensor-parallel size."""
    engine = find_engine(asked.engine)
    each = [replace(asked, model=model, tp=size) for size in sizes]
    return (
        tuple(engine.limits(deployment).utilization for deployment in each),
        tuple(map(engine.taken, each)),
    )


def kv_cache(held: Held, rooms: Rooms) -> Columns:
    """Return the KV cache that an engine leaves in every cell, and what was assumed for it."""
    axes, (capacity, taken) = held.axes, rooms.grid
    left = capacity - taken - spread(held.weights[:, 1:], "mtd")
    shape = (len(axes.models), len(axes.gpus), len(axes.dtypes), 1, len(axes.tps))
    whole = ("budget_bytes", "budget_blocks", "budget_tokens")
    columns: Columns = {name: np.zeros(shape, dtype=np.int64) for name in whole}
    columns["budget_concurrency"] = np.zeros(shape)
    at_context = (*shape[:3], len(axes.contexts), shape[4])
    columns["budget_concurrency_at_context"] = np.zeros(at_context)
    for m, model in enumerate(axes.models):
        for asked, gpus in zip(rooms.usual, rooms.alike, strict=True):
            for t in np.flatnonzero(held.valid[m]):
                on_gpu = replace(asked, model=model, tp=axes.tps[t])
                _leave(columns, axes, left, (m, list(gpus), int(t)), on_gpu)
    return {**columns, **rooms.assumed()}


def _leave(
    columns: Columns,
    axes: Axes,
    left: Array,
    place: tuple[int, list[int], int],
    deployment: Deployment,
) -> None:
    """Fill in the cells of one model on GPUs that are alike, in every pair of dtypes."""
    engine, length, (m, gpus, t) = find_engine(deployment.engine), deployment.max_model_len, place
    for d, (_, kv_dtype) in enumerate(axes.dtypes):
        where = (m, gpus, d, 0, t)
        room = engine.cache(deployment, left[where])
        if deployment.kv_cache_memory_bytes is not None:
            room = np.full(len(gpus), deployment.kv_cache_memory_bytes)
        budget = np.maximum(room, 0).astype(np.int64)
        columns["budget_bytes"][where] = budget
        layout = engine.layouts(replace(deployment, kv_dtype=kv_dtype))[0]
        if layout is None:
            continue
        blocks, holds = layout.blocks(budget), layout.holds(budget, length)
        columns["budget_blocks"][where] = blocks
        columns["budget_tokens"][where] = np.where(holds, layout.tokens(blocks, length), 0)
        many = layout.concurrency(budget, length)
        columns["budget_concurrency"][where] = np.where(holds, many, 0)
        each = layout.concurrency(budget[:, None], np.array(axes.contexts))
        columns["budget_concurrency_at_context"][m, gpus, d, :, t] = each
