"""Models over many GPUs: what parallelism divides, and what the fullest GPU holds."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.dtypes import storage_bytes, width
from kvviz.catalog.models.model import Layer, Model, Tensors
from kvviz.memory.kv import NO_WINDOW, Tokens, kv_tokens, kv_width, layer_bytes
from kvviz.memory.scores import score_matrix_bytes
from kvviz.settings.scenario import Scenario

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


def weight_dtype(group: Tensors, weights_dtype: str, base: str) -> str:
    """Return the dtype that a tensor group is stored in under a scenario's weights dtype."""
    if weights_dtype == "native":
        return group.dtype
    return weights_dtype if group.linear else base


def valid_tensor_parallel(model: Model) -> tuple[int, ...]:
    """Return the sizes that divide every attention layer's heads, ascending.

    KV heads must divide or be divided by the size; beyond one a GPU they are replicated.
    """
    layers = {(layer.heads, layer.kv_heads) for layer in model.attending_layers()}
    layers = layers or {(layer.heads, 1) for layer in model.layers if layer.heads}
    return tuple(t for t in range(1, model.heads + 1) if all(_divides(t, *pair) for pair in layers))


def _divides(t: int, heads: int, kv_heads: int) -> bool:
    return heads % t == 0 and (not kv_heads or kv_heads % t == 0 or t % kv_heads == 0)


def stage_starts(layers: int, stages: int) -> NDArray[np.int64]:
    """Return the first layer of every pipeline stage and the end, the first stages larger."""
    small, larger = divmod(layers, stages)
    sizes = np.full(stages, small) + (np.arange(stages) < larger)
    return np.concatenate([[0], np.cumsum(sizes)])


def tensor_bytes(model: Model, group: Tensors, t: int, weights_dtype: str) -> int:
    """Return the bytes of `group` on one of `t` tensor-parallel GPUs."""
    count = group.count
    if group.split == "tp":
        count = -(-count // t)
    elif group.split == "kv":
        heads = model.layers[group.layer or 0].kv_heads or 1
        count = -(-count * max(1, heads // t) // heads)
    return storage_bytes(count, weight_dtype(group, weights_dtype, model.dtype))


@lru_cache(maxsize=256)
def weights_of(model: Model, t: int, weights_dtype: str) -> tuple[NDArray[np.int64], int, int]:
    """Return weight bytes on one of `t` GPUs: by layer, of the embedding, of norm and head."""
    layers = np.zeros(len(model.layers), dtype=np.int64)
    first = last = 0
    for group in model.tensors:
        size = tensor_bytes(model, group, t, weights_dtype)
        if group.layer is not None:
            layers[group.layer] += size
        elif group.part == "embedding":
            first += size
        else:
            last += size
    return layers, first, last


def stage_weights(model: Model, t: int, p: int, weights_dtype: str) -> NDArray[np.int64]:
    """Return the weight bytes on a GPU of every pipeline stage, shape (p,).

    The embedding sits on the first stage, final norm and head on the last; a tied head is a copy
    of the embedding where the two are apart.
    """
    layers, first, last = weights_of(model, t, weights_dtype)
    edges = np.concatenate([[0], np.cumsum(layers)])[stage_starts(len(layers), p)]
    stages: NDArray[np.int64] = np.diff(edges)
    stages[0] += first
    stages[-1] += last + (first if model.tied and p > 1 else 0)
    return stages


def layer_kv_bytes(layer: Layer, number: int, t: int) -> int:
    """Return the bytes one token adds in `layer` on one of `t` GPUs, at least one KV head's."""
    heads = max(1, layer.kv_heads)
    return layer_bytes(layer, number) * max(1, heads // t) // heads


def allocated_places(scenario: Scenario, model: Model, contexts: NDArray[np.int64]) -> Places:
    """Return, by window, the token places allocated in a layer at each context."""
    windows = {layer.window for layer in model.layers if layer.cached_values}
    return {w: kv_tokens(scenario, contexts, w or NO_WINDOW).allocated for w in windows}


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


def layer_state_bytes(model: Model, layer: Layer, t: int) -> int:
    """Return the state one sequence holds in `layer` on one of `t` GPUs, its heads divided."""
    recurrent, convolution = -(-layer.state_values // t), -(-layer.conv_values // t)
    return recurrent * width(model.state_dtype) + convolution * width(model.dtype)


def state_bytes(model: Model) -> int:
    """Return the recurrent and convolution state that one sequence holds, however long it is."""
    return sum(layer_state_bytes(model, layer, 1) for layer in model.layers)


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
