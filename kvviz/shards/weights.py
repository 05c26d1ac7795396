"""Weights on one GPU: by tensor group, by layer and by pipeline stage."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.dtypes import storage_bytes
from kvviz.catalog.models.model import Model, Tensors
from kvviz.shards.split import stage_starts


def weight_dtype(group: Tensors, weights_dtype: str, base: str) -> str:
    """Return the dtype that a tensor group is stored in under a scenario's weights dtype."""
    if weights_dtype == "native":
        return group.dtype
    return weights_dtype if group.linear else base


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
