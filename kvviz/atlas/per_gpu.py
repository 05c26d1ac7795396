"""The figures of one GPU: what it holds, whether that fits, and what else it has room for."""

import numpy as np

from kvviz.atlas.axes import Array, Columns, spread
from kvviz.atlas.engine import Rooms
from kvviz.atlas.held import Held
from kvviz.memory.room import MOST_CONTEXT


def per_gpu(held: Held, rooms: Rooms, total: Array) -> Columns:
    """Return what one GPU holds, and whether it has room for that.

    Args:
        held: what the models hold.
        rooms: what the engine leaves of each GPU.
        total: bytes of the whole deployment.
    """
    workload, places = held.axes.workload, held.places(held.axes.at_contexts)
    parts = {
        "weights": spread(held.weights[:, 1:], "mtd"),
        "kv": spread(np.einsum("mtdw,wc->mtdc", held.cached[:, 1:], places), "mtdc"),
        "state": spread(held.state[:, 1:] * workload.batch, "mt"),
        "scores": spread(held.scores[:, 1:] * (not workload.flash), "mtc"),
        "overhead": rooms.grid[1],
    }
    on_each, capacity = sum(parts.values()), rooms.grid[0]
    room = np.maximum(capacity - parts["overhead"], 1)  # a cell without room is not valid
    return {
        **{f"per_gpu_{name}": part for name, part in parts.items()},
        "per_gpu_total": on_each,
        "weights_bytes_per_gpu": parts["weights"],
        "capacity_bytes": capacity,
        "fits": on_each <= capacity,
        "gpus_by_capacity": -(-total // room),
    }


def room(held: Held, rooms: Rooms) -> Columns:
    """Return how many sequences, and how long ones, one GPU of each deployment has room for.

    Both are of a paged cache beside the weights, without scores.
    """
    capacity, taken = rooms.grid
    left = capacity - taken - spread(held.weights[:, 1:], "mtd")
    return {"sequences_at_once": _sequences(held, left), "longest_context": _longest(held, left)}


def _sequences(held: Held, left: Array) -> Array:
    one = held.axes.at_contexts_with(batch=1, paged=True)
    cached = np.einsum("mtdw,wc->mtdc", held.cached[:, 1:], held.places(one))
    each = spread(cached, "mtdc") + spread(held.state[:, 1:], "mt")
    many: Array = np.maximum(left, 0) // np.maximum(each, 1)
    return many


def _longest(held: Held, left: Array) -> Array:
    """Return the longest context of the workload's batch, by the lines that bound its bytes.

    In blocks, bytes(n) = sum of block bytes x min(n, window): concave, so it is the least of one
    line for each number of windows that are full; n fits if it does under any of the lines.
    """
    block, batch = held.axes.workload.block_size, held.axes.workload.batch
    most = -(-MOST_CONTEXT // block)
    windows = np.minimum(-(-np.minimum(held.windows, MOST_CONTEXT) // block), most)
    a_block = held.cached[:, 1:] * (block * batch)  # bytes by (models, sizes, dtypes, windows)
    left = left - spread(held.state[:, 1:] * batch, "mt")
    longest: Array = np.zeros(1, dtype=np.int64)
    for full in range(len(windows) + 1):
        over = left - spread((a_block * windows)[..., :full].sum(axis=-1), "mtd")
        slope = spread(a_block[..., full:].sum(axis=-1), "mtd")
        under = np.where(slope > 0, over // np.maximum(slope, 1), most)
        longest = np.maximum(longest, np.where(over >= 0, under, 0))
    tokens: Array = np.minimum(longest * block, MOST_CONTEXT)
    return tokens
