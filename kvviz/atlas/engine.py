"""The engine's overhead in every cell, and the memory left for the KV cache."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from kvviz.atlas.axes import Array, Axes, Columns, spread
from kvviz.atlas.held import Held
from kvviz.catalog.models.model import Model
from kvviz.engines.base import Engine, Taken
from kvviz.engines.layout import Layout
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
    for m, t, d in np.argwhere(np.repeat(held.valid[..., None], len(axes.dtypes), axis=2)).tolist():
        _leave(columns, rooms, left[m, :, d, 0, t], (m, t, d))
    return {**columns, **rooms.assumed()}


def _leave(columns: Columns, rooms: Rooms, left: Array, cell: tuple[int, int, int]) -> None:
    """Fill in the cells of all GPUs, of one model, tensor-parallel size and pair of dtypes."""
    (m, t, d), axes, length = cell, rooms.axes, rooms.axes.workload.max_model_len
    for layout, gpus, budget in _budgets(rooms, left, cell):
        where = (m, gpus, d, 0, t)
        columns["budget_bytes"][where] = budget
        if layout is None:
            continue
        blocks, holds = layout.blocks(budget), layout.holds(budget, length)
        columns["budget_blocks"][where] = blocks
        columns["budget_tokens"][where] = np.where(holds, layout.tokens(blocks, length), 0)
        many = layout.concurrency(budget, length)
        columns["budget_concurrency"][where] = np.where(holds, many, 0)
        each = layout.concurrency(budget[:, None], np.array(axes.contexts))
        columns["budget_concurrency_at_context"][m, gpus, d, :, t] = each


def _budgets(
    rooms: Rooms, left: Array, cell: tuple[int, int, int]
) -> Iterator[tuple[Layout | None, list[int], Array]]:
    """Yield the layouts of the KV cache, each with its GPUs and the bytes that they have for it."""
    (m, t, d), axes, fixed = cell, rooms.axes, rooms.axes.workload.kv_cache_memory_bytes
    (_, kv_dtype), budget = axes.dtypes[d], np.zeros(len(left), dtype=np.int64)
    cut: dict[Layout | None, list[int]] = {}
    for asked, gpus in zip(rooms.usual, rooms.alike, strict=True):
        on_gpu = replace(asked, model=axes.models[m], tp=axes.tps[t], kv_dtype=kv_dtype)
        room = rooms.engine.cache(on_gpu, left[list(gpus)]) if fixed is None else fixed
        budget[list(gpus)] = np.maximum(room, 0)
        cut.setdefault(rooms.engine.layouts(on_gpu)[0], []).extend(gpus)
    for layout, those in cut.items():
        yield layout, those, budget[those]
