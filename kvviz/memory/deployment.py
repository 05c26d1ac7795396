"""How many GPUs a scenario needs: the smallest tensor x pipeline size on which the fullest fits."""

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.models.model import Model
from kvviz.engines.planning import room_bytes, served_model
from kvviz.memory.parallel import Places, allocated_places, fullest_gpu
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences
from kvviz.shards.split import valid_tensor_parallel


def deployments(model: Model) -> list[tuple[int, int]]:
    """Return the valid (tensor, pipeline) sizes by GPUs, the larger tensor size first."""
    stages = range(1, len(model.layers) + 1)
    pairs = [(t, p) for t in valid_tensor_parallel(model) for p in stages]
    return sorted(pairs, key=lambda pair: (pair[0] * pair[1], -pair[0]))


def smallest_deployments(
    scenario: Scenario,
    contexts: NDArray[np.int64],
    pipeline: bool = True,
    everywhere: Places | None = None,
) -> NDArray[np.int64]:
    """Return the (tensor, pipeline) sizes needed at each context, shape (contexts, 2).

    Args:
        scenario: the workload; its own tensor and pipeline sizes are ignored.
        contexts: tokens of the longest sequence, shape (contexts,).
        pipeline: whether layers may be split over stages too.
        everywhere: the `allocated_places` at these contexts, where they are known already.

    Returns:
        Zeros where it does not fit at any TP × PP.
    """
    model, asked = served_model(scenario), scenario.deployment
    sizes = np.zeros((len(contexts), 2), dtype=np.int64)
    if everywhere is None:
        everywhere = allocated_places(sequences(scenario), model, contexts)
    whole = fullest_gpu(scenario, model, 1, 1, contexts, everywhere)
    for t, p in deployments(model):
        missing = np.flatnonzero(sizes[:, 0] == 0)
        if not len(missing):
            break
        room = room_bytes(asked, t)
        # The fullest GPU holds at least the mean, and replicas only add to that.
        least = (whole.total - whole.scores) / (t * p) + whole.scores / t
        if (p == 1 or pipeline) and (least[missing] <= room).any():
            places = {window: column[missing] for window, column in everywhere.items()}
            gpu = fullest_gpu(scenario, model, t, p, contexts[missing], places)
            sizes[missing[gpu.total <= room]] = t, p
    return sizes


def gpus_needed(scenario: Scenario, contexts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the GPUs of `smallest_deployments`, shape (contexts,), 0 where none fits."""
    gpus: NDArray[np.int64] = smallest_deployments(scenario, contexts).prod(axis=1)
    return gpus
