"""The exact outputs that measured ones are compared with."""

import numpy as np

from kvviz.kernels.measuring.inputs import PREFILL, Prefill
from kvviz.kernels.numpy.blocked import paged_attention
from kvviz.kernels.numpy.paged import gathered_attention_decode
from kvviz.kernels.numpy.shapes import Array


def reference(Q: Array, K: Array, V: Array, causal: bool = False) -> Array:
    """Return the exact output in float64, a block of queries at a time to spare memory."""
    q, k, v = _doubled((Q, K, V))
    return paged_attention(q, k, v, 64, causal=causal)


def decode_reference(step: tuple[Array, ...]) -> Array:
    """Return the exact output of a decode step in float64."""
    return gathered_attention_decode(*_doubled(step))


def with_reference(shape: Prefill) -> tuple[dict[str, Array], Array]:
    """Return a prefill's float32 inputs by name, and its exact output without a mask."""
    inputs = shape.inputs()
    return dict(zip(PREFILL, inputs, strict=True)), reference(*inputs)


def _doubled(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays)
