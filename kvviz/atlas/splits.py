"""How many GPUs every cell needs: the smallest deployment whose fullest GPU fits."""

import numpy as np

from kvviz.atlas.axes import Array, Columns, spread
from kvviz.atlas.engine import alike_gpus
from kvviz.atlas.facts import Facts
from kvviz.atlas.held import Held
from kvviz.catalog.models.model import Model
from kvviz.memory.capacity import capacity_bytes, overhead_bytes
from kvviz.memory.scores import score_matrix_bytes
from kvviz.settings.scenario import Scenario


def splits(held: Held) -> Columns:
    """Return the GPUs needed and how they share the model; 0 where no split fits."""
    axes, workload = held.axes, held.axes.workload
    capacities = np.array([capacity_bytes(workload, gpu) for gpu in axes.gpus])
    places = held.places(axes.at_contexts)
    kinds, found = alike_gpus(axes), np.zeros((3, *axes.shape[:4]), dtype=np.int64)
    for m, (model, one) in enumerate(zip(axes.models, held.facts, strict=True)):
        own = places[[held.windows.index(window) for window in one.windows]]
        fullest = _fullest(one, own, workload.batch)
        for scenario, gpus in kinds:
            beside = _beside(scenario, model, one.sizes, axes.contexts)[:, None, None, :]
            found[:, m, gpus] = _smallest(one, fullest + beside, capacities[gpus])
    t, p, alone = found
    return {
        "deployment_tp": spread(t, "mgdc"),
        "deployment_pp": spread(p, "mgdc"),
        "gpus_needed": spread(t * p, "mgdc"),
        "gpus_tensor_parallel": spread(alone, "mgdc"),
    }


def _beside(
    workload: Scenario, model: Model, sizes: tuple[int, ...], contexts: tuple[int, ...]
) -> Array:
    """Return the bytes of scores and of an engine's own on a GPU, shape (sizes, contexts)."""
    engine = np.array([[overhead_bytes(workload, model, t)] for t in sizes])
    if workload.flash:
        return np.repeat(engine, len(contexts), axis=1)
    return engine + [score_matrix_bytes(workload, model, contexts, t) for t in sizes]


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


def _smallest(facts: Facts, fullest: Array, capacities: Array) -> Array:
    """Return the deployments of fewest GPUs whose fullest GPU fits.

    Returns:
        Tensor size, pipeline size, and tensor size on one stage only; shape
        (3, GPUs, dtypes, contexts).
    """
    size, stage = facts.stages.order.T
    ordered, pairs, alone = fullest[size, stage], facts.stages.pairs, stage == 0
    both = _first_that_fits(ordered, pairs, capacities)
    one_stage = _first_that_fits(ordered[alone], pairs[alone], capacities)
    return np.concatenate([both, one_stage[:1]])


def _first_that_fits(ordered: Array, pairs: Array, capacities: Array) -> Array:
    """Return the first of `pairs` that needs at most each capacity, else 0: (2, GPUs, ...)."""
    least = np.minimum.accumulate(ordered.reshape(len(ordered), -1), axis=0)
    # It never rises along the pairs, so the first that fits is where a capacity would be sorted in.
    found = np.stack([np.searchsorted(-column, -capacities) for column in least.T], axis=1)
    answers = np.concatenate([pairs, np.zeros((1, 2), dtype=np.int64)])[found]
    return np.moveaxis(answers, -1, 0).reshape(2, len(capacities), *ordered.shape[1:])
