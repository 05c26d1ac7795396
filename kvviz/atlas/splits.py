"""How many GPUs each cell needs: the smallest deployment whose fullest GPU fits."""

import numpy as np

from kvviz.atlas.axes import Array, Columns, spread
from kvviz.atlas.engine import Rooms
from kvviz.atlas.facts import Facts
from kvviz.atlas.held import Held
from kvviz.catalog.models.model import Model
from kvviz.memory.scores import score_matrix_bytes
from kvviz.settings.scenario import Scenario


def splits(held: Held, rooms: Rooms) -> Columns:
    """Return the GPUs needed and their split; 0 where it does not fit at any TP × PP."""
    axes, workload = held.axes, held.axes.workload
    places, found = held.places(axes.at_contexts), np.zeros((3, *axes.shape[:4]), dtype=np.int64)
    for m, (model, one) in enumerate(zip(axes.models, held.facts, strict=True)):
        own = places[[held.windows.index(window) for window in one.windows]]
        scores = _scores(workload, model, one.sizes, axes.contexts)[:, None, None, :]
        capacity, taken = rooms.of(model, one.sizes)
        fullest = _fullest(one, own, workload.batch) + scores
        found[:, m] = _smallest(one, fullest, capacity - taken)
    t, p, alone = found
    return {
        "deployment_tp": spread(t, "mgdc"),
        "deployment_pp": spread(p, "mgdc"),
        "gpus_needed": spread(t * p, "mgdc"),
        "gpus_tensor_parallel": spread(alone, "mgdc"),
    }


def _scores(
    workload: Scenario, model: Model, sizes: tuple[int, ...], contexts: tuple[int, ...]
) -> Array:
    """Return the bytes of scores on a GPU, shape (sizes, contexts)."""
    if workload.flash:
        return np.zeros((len(sizes), len(contexts)), dtype=np.int64)
    return np.array([score_matrix_bytes(workload, model, contexts, t) for t in sizes])


def _fullest(facts: Facts, places: Array, batch: int) -> Array:
    """Return the most that any GPU holds of weights, cache and state.

    Args:
        facts: the model.
        places: token places allocated in a layer, shape (windows, contexts).
        batch: sequences.

    Returns:
        Shape (sizes, pipeline sizes, dtypes, contexts).
    """
    stages = facts.stages
    cached = np.einsum("sdwk,wc->sdkc", facts.cached, places)
    layer = facts.weights[..., None] + facts.state[:, None, :, None] * batch + cached
    inside = np.einsum("rk,sdkc->srdc", stages.kinds, layer)
    first, last = stages.first + stages.copied, stages.last
    ends = np.einsum("r,sd->srd", first, facts.first) + np.einsum("r,sd->srd", last, facts.last)
    return np.maximum.reduceat(inside + ends[..., None], stages.begin, axis=1)


def _smallest(facts: Facts, fullest: Array, rooms: Array) -> Array:
    """Return the deployments of fewest GPUs whose fullest GPU fits.

    Args:
        facts: the model.
        fullest: bytes that the fullest GPU holds, (sizes, pipeline sizes, dtypes, contexts).
        rooms: bytes that each GPU has for them, shape (GPUs, sizes).

    Returns:
        Tensor size, pipeline size, and tensor size on one stage only; shape
        (3, GPUs, dtypes, contexts).
    """
    size, stage = facts.stages.order.T
    pairs, alone = facts.stages.pairs, stage == 0
    found = np.zeros((3, len(rooms), *fullest.shape[2:]), dtype=np.int64)
    less, alike = np.unique(rooms[:, :1] - rooms, axis=0, return_inverse=True)
    for kind, taken in enumerate(less):  # what a size takes more than the first
        gpus = np.flatnonzero(alike.ravel() == kind)
        ordered = (fullest + taken[:, None, None, None])[size, stage]
        found[:2, gpus] = _first_that_fits(ordered, pairs, rooms[gpus, 0])
        found[2, gpus] = _first_that_fits(ordered[alone], pairs[alone], rooms[gpus, 0])[0]
    return found


def _first_that_fits(ordered: Array, pairs: Array, rooms: Array) -> Array:
    """Return the first of `pairs` that needs at most each room, else 0: (2, GPUs, ...)."""
    least = np.minimum.accumulate(ordered.reshape(len(ordered), -1), axis=0)
    # It never rises along the pairs, so the first that fits is where a room would be sorted in.
    found = np.stack([np.searchsorted(-column, -rooms) for column in least.T], axis=1)
    answers = np.concatenate([pairs, np.zeros((1, 2), dtype=np.int64)])[found]
    return np.moveaxis(answers, -1, 0).reshape(2, len(rooms), *ordered.shape[1:])
