"""Attention one query at a time."""

import numpy as np

from kvviz.kernels.kernel import Backend, Inputs, Kernel, Row
from kvviz.kernels.numpy import cost
from kvviz.kernels.numpy.shapes import Array
from kvviz.kernels.numpy.standard import standard_attention


def row_attention(Q: Array, K: Array, V: Array, *, causal: bool = False) -> Array:
    """Return exact attention of (heads, n, d), the scores of one query at a time."""
    output = np.empty_like(Q)
    for row in range(Q.shape[-2]):
        seen = slice(row + 1 if causal else None)
        one = Q[..., row : row + 1, :], K[..., seen, :], V[..., seen, :]
        output[..., row : row + 1, :] = standard_attention(*one)
    return output


def _cost(inputs: Inputs) -> cost.Cost:
    s = cost.sizes(inputs)
    return cost.blocked(s, cost.query_spans(s, 1))


NUMPY = Backend("numpy", row_attention, rows=(Row("page"), Row("prefill", "NumPy rows")))
KERNELS = (Kernel("rows", "Rows", "one query at a time", "prefill", (NUMPY,), cost=_cost),)
