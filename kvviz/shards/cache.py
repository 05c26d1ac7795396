"""What layers cache on one GPU: bytes per token, and the state of a sequence."""

from functools import lru_cache

from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Layer, Model


def cache_width(model: Model, kv_dtype: str) -> int:
    """Return the bytes of one number that `model` caches in a deployment's KV dtype.

    ``auto`` is what the checkpoint asks for, else the base dtype, as in vLLM
    (``resolve_kv_cache_dtype_string``) and SGLang (``configure_kv_cache_dtype``).
    """
    return width((model.cache_dtype or model.dtype) if kv_dtype == "auto" else kv_dtype)


def layer_bytes(layer: Layer, number: int) -> int:
    """Return the bytes one token adds in `layer` when a cached number takes `number` bytes."""
    return layer.cached_values * number + layer.index_bytes


def layer_kv_bytes(layer: Layer, number: int, t: int) -> int:
    """Return the bytes one token adds in `layer` on one of `t` GPUs, at least one KV head's."""
    heads = max(1, layer.kv_heads)
    return layer_bytes(layer, number) * max(1, heads // t) // heads


def holds_state(layer: Layer) -> bool:
    """Return whether a sequence has a fixed state in `layer`, however long it is."""
    return bool(layer.state_values or layer.conv_values)


@lru_cache(maxsize=1024)
def has_states(model: Model) -> bool:
    """Return whether any layer of `model` holds a state."""
    return any(map(holds_state, model.layers))


def layer_state_values(layer: Layer, t: int) -> tuple[int, int]:
    """Return the recurrent and convolution numbers of a sequence in `layer` on one of `t` GPUs.

    Heads are divided. So are the groups of a Mamba-2 layer that share B and C, but none is cut:
    where `t` does not divide them, every GPU has one of its own.
    """
    shared, groups = layer.conv_group_values, layer.conv_groups
    conv = layer.conv_values
    if groups and groups % t:
        conv += shared // groups * (t - groups)
    return -(-layer.state_values // t), -(-conv // t)


def layer_state_bytes(model: Model, layer: Layer, t: int) -> int:
    """Return the state one sequence holds in `layer` on one of `t` GPUs, its heads divided."""
    recurrent, convolution = layer_state_values(layer, t)
    return recurrent * width(model.state_dtype) + convolution * width(model.dtype)


def state_bytes(model: Model) -> int:
    """Return the recurrent and convolution state that one sequence holds, however long it is."""
    return sum(layer_state_bytes(model, layer, 1) for layer in model.layers)
