"""What a model's layers hold, counted once for all layers of a kind."""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kvviz.atlas.axes import Array
from kvviz.catalog.models.model import Model, Tensors
from kvviz.memory.deployment import deployments
from kvviz.memory.kv import NO_WINDOW
from kvviz.shards.cache import cache_width, layer_kv_bytes, layer_state_bytes
from kvviz.shards.split import stage_starts, valid_tensor_parallel
from kvviz.shards.weights import tensor_bytes

Dtypes = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """One model on one of t GPUs, for each valid t; layers that hold the same are one kind.

    Args:
        sizes: valid tensor-parallel sizes, ascending.
        kinds: layers of every kind, shape (kinds,).
        weights: bytes of a layer, shape (sizes, dtypes, kinds).
        first: bytes of the embedding, shape (sizes, dtypes).
        last: bytes of the final norm and the head, shape (sizes, dtypes).
        windows: tokens that layers hold at most, ascending.
        cached: bytes that a token adds in a layer, shape (sizes, dtypes, windows, kinds).
        state: recurrent state of one sequence in a layer, shape (sizes, kinds).
        stages: every way to cut the layers into stages.
    """

    sizes: tuple[int, ...]
    kinds: Array
    weights: Array
    first: Array
    last: Array
    windows: tuple[int, ...]
    cached: Array
    state: Array
    stages: "Stages"


@dataclass(frozen=True, slots=True)
class Stages:
    """The different pipeline stages of a model, by how many stages there are.

    Args:
        kinds: layers of every kind in a stage, shape (stages, kinds).
        first: whether it has the embedding, shape (stages,).
        last: whether it has the head, shape (stages,).
        copied: whether it has a copy of the embedding as its head, shape (stages,).
        begin: where the stages of 1, 2, ... begin, shape (layers,).
        order: (index of the tensor-parallel size, index of the pipeline size) of every deployment,
            those of fewer GPUs first, shape (deployments, 2).
        pairs: tensor and pipeline size of every deployment, shape (deployments, 2).
    """

    kinds: Array
    first: Array
    last: Array
    copied: Array
    begin: Array
    order: Array
    pairs: Array


@lru_cache(maxsize=1024)
def facts(model: Model, dtypes: Dtypes) -> Facts:
    """Return what `model` holds in each pair of (weights, KV) dtypes."""
    kinds, sizes = alike(model), valid_tensor_parallel(model)
    return Facts(
        sizes=sizes,
        kinds=np.array([len(layers) for layers in kinds]),
        weights=_weights(model, kinds, sizes, dtypes),
        first=_outside(model, sizes, dtypes, embedding=True),
        last=_outside(model, sizes, dtypes, embedding=False),
        windows=_windows(model),
        cached=_cached(model, kinds, sizes, dtypes),
        state=np.array(
            [[layer_state_bytes(model, model.layers[k[0]], t) for k in kinds] for t in sizes]
        ),
        stages=_stages(model, kinds, sizes),
    )


def alike(model: Model) -> list[list[int]]:
    """Return the indices of the layers that cache the same and store the same tensors, by kind."""
    tensors: list[list[object]] = [[layer] for layer in model.layers]
    for g in model.tensors:
        if g.layer is not None:
            tensors[g.layer].append((g.part, g.count, g.active, g.split, g.linear, g.dtype))
    kinds: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, held in enumerate(tensors):
        kinds[tuple(held)].append(index)
    return list(kinds.values())


def _weights(model: Model, kinds: list[list[int]], sizes: tuple[int, ...], dtypes: Dtypes) -> Array:
    """Return the bytes of a layer of every kind, shape (sizes, dtypes, kinds)."""
    held: dict[int | None, list[Tensors]] = defaultdict(list)
    for group in model.tensors:
        held[group.layer].append(group)

    def layer(index: int, t: int, dtype: str) -> int:
        return sum(tensor_bytes(model, group, t, dtype) for group in held[index])

    return np.array(
        [[[layer(kind[0], t, weights) for kind in kinds] for weights, _ in dtypes] for t in sizes]
    )


def _outside(model: Model, sizes: tuple[int, ...], dtypes: Dtypes, embedding: bool) -> Array:
    """Return the bytes of the embedding, or of all else outside the layers: (sizes, dtypes)."""
    groups = [g for g in model.tensors if g.layer is None and (g.part == "embedding") == embedding]
    return np.array(
        [[sum(tensor_bytes(model, g, t, w) for g in groups) for w, _ in dtypes] for t in sizes]
    )


def _windows(model: Model) -> tuple[int, ...]:
    windows = {layer.window or NO_WINDOW for layer in model.layers if layer.cached_values}
    return tuple(sorted(windows))


def _cached(model: Model, kinds: list[list[int]], sizes: tuple[int, ...], dtypes: Dtypes) -> Array:
    """Return the bytes that a token adds in a layer, shape (sizes, dtypes, windows, kinds)."""
    windows = _windows(model)
    cached = np.zeros((len(sizes), len(dtypes), len(windows), len(kinds)), dtype=np.int64)
    for k, kind in enumerate(kinds):
        layer = model.layers[kind[0]]
        if layer.cached_values:
            window = windows.index(layer.window or NO_WINDOW)
            cached[:, :, window, k] = [
                [layer_kv_bytes(layer, cache_width(model, kv), t) for _, kv in dtypes]
                for t in sizes
            ]
    return cached


def _stages(model: Model, kinds: list[list[int]], sizes: tuple[int, ...]) -> Stages:
    layers = len(model.layers)
    kind_of = np.zeros((layers + 1, len(kinds)), dtype=np.int64)
    for k, indices in enumerate(kinds):
        kind_of[np.array(indices) + 1, k] = 1
    before = kind_of.cumsum(axis=0)
    rows: list[tuple[int, ...]] = []
    begin = []
    for p in range(1, layers + 1):
        begin.append(len(rows))
        counts = np.diff(before[stage_starts(layers, p)], axis=0).tolist()
        rows += {(i == 0, i == p - 1, p > 1, *count) for i, count in enumerate(counts)}
    table, pairs = np.array(rows, dtype=np.int64), np.array(deployments(model))
    first, last, several = table[:, :3].T
    order = np.stack([np.searchsorted(sizes, pairs[:, 0]), pairs[:, 1] - 1], axis=1)
    copied = last * several * model.tied
    return Stages(table[:, 3:], first, last, copied, np.array(begin), order, pairs)
