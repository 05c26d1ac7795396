"""The exact outputs that measured ones are compared with."""

import numpy as np

from kvviz.kernels.numpy.blocked import paged_attention
from kvviz.kernels.numpy.shapes import Array


def reference(Q: Array, K: Array, V: Array, causal: bool = False) -> Array:
    """Return the exact output in float64, a block of queries at a time to spare memory."""
    q, k, v = doubled((Q, K, V))
    return paged_attention(q, k, v, 64, causal=causal)


def doubled(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return arrays of floats in float64, others as they are."""
    return tuple(a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays)
