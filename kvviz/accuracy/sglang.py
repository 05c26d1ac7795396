"""How SGLang sizes its cache: a share of what was free before loading, states set aside."""

from itertools import pairwise
from typing import Final

from kvviz.catalog.models.model import Layer, Model
from kvviz.memory.parallel import layer_kv_bytes, stage_starts
from kvviz.units import GiB

CONTEXT_GIB: Final = 0.5  # of CUDA, before anything is loaded; assumed
STATES: Final = 0.9  # bytes of recurrent states to those of the cache: mamba_full_memory_ratio


def states_in(model: Model, room: float) -> float:
    """Return the bytes of `room` that are set aside for the states of recurrent layers."""
    fixed = any(layer.state_values or layer.conv_values for layer in model.layers)
    return room * STATES / (1 + STATES) if fixed else 0.0


def plain_token_bytes(model: Model, number: int, t: int, p: int) -> int:
    """Return the bytes of a token in all layers of the fullest stage that cache tokens.

    Args:
        model: the model.
        number: bytes of a cached number.
        t: tensor parallel size.
        p: pipeline parallel size.
    """

    def held(layers: tuple[Layer, ...]) -> int:
        return sum(layer_kv_bytes(layer, number, t) for layer in layers)

    starts = stage_starts(len(model.layers), p).tolist()
    return max(held(model.layers[a:b]) for a, b in pairwise(starts))


def free_before(logged_gib: float | None, memory: int) -> float:
    """Return the bytes that are free before loading: as logged, or the device less CUDA's own."""
    return logged_gib * GiB if logged_gib else memory - CONTEXT_GIB * GiB
