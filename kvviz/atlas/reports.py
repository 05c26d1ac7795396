"""Complete reports of a grid: every figure as one array, and rows of a table."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kvviz.atlas.axes import Array, Axes, Columns, spread
from kvviz.atlas.engine import Rooms, kv_cache
from kvviz.atlas.held import Held
from kvviz.atlas.per_gpu import per_gpu, room
from kvviz.atlas.rates import rates
from kvviz.atlas.splits import splits
from kvviz.atlas.whole import whole
from kvviz.engines.registry import find_engine
from kvviz.memory.kinds import kinds


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of all cells.

    Args:
        axes: models, GPUs, dtypes, contexts and tensor-parallel sizes, in this order.
        columns: every figure by name, as `MemoryReport` has them with the names of parts put
            together (``kv_used_bytes``); each array broadcasts to the shape of the axes. Where the
            report says None, 0.
        valid: the cells that exist: the size splits the model, and an engine leaves some room.
    """

    axes: Axes
    columns: Columns
    valid: Array

    def column(self, name: str) -> Array:
        """Return a figure for every cell, shape of the axes; without meaning where not valid."""
        return np.broadcast_to(self.columns[name], self.axes.shape)

    def cell(self, *where: int) -> dict[str, Any]:
        """Return the figures of one cell, given its place on each of the five axes."""
        return {
            name: column[tuple(i if n > 1 else 0 for i, n in zip(where, column.shape, strict=True))]
            for name, column in self.columns.items()
        }

    def rows(self) -> dict[str, Array]:
        """Return the valid cells as columns of equal length, what tells a cell first."""
        axes = self.axes
        names: dict[str, Any] = {
            "model": spread([model.name for model in axes.models], "m"),
            "gpu": spread([gpu.name for gpu in axes.gpus], "g"),
            "weights_dtype": spread([weights for weights, _ in axes.dtypes], "d"),
            "kv_dtype": spread([kv for _, kv in axes.dtypes], "d"),
            "context": spread(axes.contexts, "c"),
            "tp": spread(axes.tps, "t"),
        }
        columns, index = {**names, **self.columns}, {}
        where = np.nonzero(np.broadcast_to(self.valid, axes.shape))
        for shape in {column.shape for column in columns.values()}:
            inside = [i if n > 1 else 0 * i for i, n in zip(where, shape, strict=True)]
            index[shape] = np.ravel_multi_index(inside, shape)
        return {name: column.ravel()[index[column.shape]] for name, column in columns.items()}


def reports(axes: Axes) -> Reports:
    """Return the report of every cell of `axes`.

    Raises:
        ScenarioError: a context contradicts the workload, or bytes go beyond 64 bits.
        ValueError: a model computes in a dtype that no peak rate is known for.
    """
    engine = find_engine(axes.workload.mode)
    axes = replace(axes, models=tuple(map(engine.served, axes.models)))
    held, rooms = Held(axes), Rooms(axes)
    held.check_range()
    figures = whole(held)
    on_each = per_gpu(held, rooms, figures["total_bytes"])
    on_capacity = [kinds(axes.workload, gpu)["capacity_bytes"] for gpu in axes.gpus]
    columns = {
        **figures,
        **on_each,
        **splits(held, rooms),
        **room(held, rooms),
        **kv_cache(held, rooms),
        **rates(held),
        "kind_on_capacity": spread(on_capacity, "g"),
    }
    has_room = on_each["capacity_bytes"] > on_each["per_gpu_overhead"]
    return Reports(axes, columns, spread(held.valid, "mt") & has_room & rooms.supported)
