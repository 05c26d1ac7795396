"""Models over many GPUs: what parallelism divides, and what the fullest GPU holds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.models.model import Model
from kvviz.memory.kv import NO_WINDOW, Tokens, kv_tokens, kv_width
from kvviz.memory.scores import score_matrix_bytes
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import Sequences
from kvviz.shards.cache import layer_kv_bytes, layer_state_bytes
from kvviz.shards.split import stage_starts
from kvviz.shards.weights import stage_weights

Bytes = NDArray[np.int64]
Places = dict[int | None, Tokens]


@dataclass(frozen=True, slots=True)
class GpuBytes:
    """The fullest GPU of a deployment, per context; arrays of shape (contexts,)."""

    weights: Bytes
    kv: Bytes
    state: Bytes
    scores: NDArray[np.float64]  # may exceed 64 bits; the report has them exact

    @property
    def total(self) -> NDArray[np.float64]:
        """All that this GPU holds."""
        return self.weights + self.kv + self.state + self.scores


def allocated_places(of: Sequences, model: Model, contexts: NDArray[np.int64]) -> Places:
    """Return, by window, the token places allocated in a layer at each context."""
    windows = {layer.window for layer in model.layers if layer.cached_values}
    return {w: kv_tokens(of, contexts, w or NO_WINDOW).allocated for w in windows}


def stage_kv(scenario: Scenario, model: Model, t: int, p: int, places: Places) -> Bytes:
    """Return the KV bytes of `places` on a GPU of every stage, shape (p, contexts).

    Shape (p, 1) where no layer caches tokens.
    """
    number, starts = kv_width(scenario, model), stage_starts(len(model.layers), p)
    stages: Bytes = np.zeros((p, 1), dtype=np.int64)
    for window, allocated in places.items():
        per_token = [
            layer_kv_bytes(layer, number, t)
            if layer.cached_values and layer.window == window
            else 0
            for layer in model.layers
        ]
        per_stage: Bytes = np.diff(np.concatenate([[0], np.cumsum(per_token)])[starts])
        stages = stages + per_stage[:, None] * allocated
    return stages


def stage_state(scenario: Scenario, model: Model, t: int, p: int) -> Bytes:
    """Return the recurrent state on a GPU of every stage, shape (p,), heads divided by `t`."""
    per_layer = [layer_state_bytes(model, layer, t) for layer in model.layers]
    starts = stage_starts(len(model.layers), p)
    stages: Bytes = np.diff(np.concatenate([[0], np.cumsum(per_layer)])[starts])
    return stages * scenario.batch


def fullest_gpu(
    scenario: Scenario, model: Model, t: int, p: int, contexts: NDArray[np.int64], places: Places
) -> GpuBytes:
    """Return what the fullest GPU of `t` x `p` holds at each context.

    Args:
        scenario: the workload.
        model: its model.
        t: tensor parallel size.
        p: pipeline parallel size.
        contexts: tokens of the longest sequence, shape (contexts,).
        places: `allocated_places` at these contexts, the same for every deployment.
    """
    weights = stage_weights(model, t, p, scenario.weights_dtype)
    state = stage_state(scenario, model, t, p)
    kv = np.broadcast_to(stage_kv(scenario, model, t, p, places), (p, len(contexts)))
    fullest = np.argmax((weights + state)[:, None] + kv, axis=0)
    scores = np.zeros(len(contexts))
    if not scenario.flash:
        scores += np.array(score_matrix_bytes(scenario, model, contexts.tolist(), t), dtype=float)
    row = np.arange(len(contexts))
    return GpuBytes(weights[fullest], kv[fullest, row], state[fullest], scores)
