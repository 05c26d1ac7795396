"""How tensor and pipeline parallel cut a model."""

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.models.model import Model


def valid_tensor_parallel(model: Model) -> tuple[int, ...]:
    """Return the sizes that divide every attention layer's heads, ascending.

    KV heads must divide or be divided by the size; beyond one per GPU they are replicated.
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
