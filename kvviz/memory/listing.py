"""The catalogs' entries as plain values, the same for the command line and other programs."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from kvviz.catalog.dtypes import width
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Layer, Model
from kvviz.memory.kv import layer_groups
from kvviz.shards.cache import layer_bytes


def model_row(model: Model) -> dict[str, Any]:
    """Return a model's row in the list of models; bytes are in its own base dtype."""
    groups = layer_groups(model, width(model.dtype))
    return {
        "name": model.name,
        "family": model.family,
        "parameters": model.parameters,
        "active_parameters": model.active_parameters,
        "kv_bytes_per_token": sum(g.layers * g.bytes_per_token for g in groups if g.grows),
        "max_context": model.max_context,
        "source": model.source,
        "notes": list(model.notes),
    }


def model_details(model: Model) -> dict[str, Any]:
    """Return a model's row with its sizes and its layers, counted by kind."""
    kinds = Counter(model.layers)
    return {
        **model_row(model),
        "dtype": model.dtype,
        "hidden_size": model.hidden_size,
        "vocab_size": model.vocab_size,
        "heads": model.heads,
        "layers": [_layer_kind(model, layer, count) for layer, count in kinds.items()],
    }


def _layer_kind(model: Model, layer: Layer, count: int) -> dict[str, Any]:
    return {
        "attention": layer.attention,
        "count": count,
        "kv_heads": layer.kv_heads,
        "head_dim": layer.head_dim,
        "window": layer.window,
        "kv_bytes_per_token": layer_bytes(layer, width(model.dtype)),
    }


def gpu_row(gpu: Gpu) -> dict[str, Any]:
    """Return a GPU's catalog entry; `unverified` names figures its source does not confirm."""
    return {**asdict(gpu), "unverified": sorted(gpu.unverified)}
