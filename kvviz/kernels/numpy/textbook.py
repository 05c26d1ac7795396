"""Attention as textbooks and the older report write it: a new array for every step."""

import numpy as np

from kvviz.kernels.numpy.shapes import Array, slices


def textbook_attention(Q: Array, K: Array, V: Array) -> Array:
    """Return softmax(Q Kᵀ / sqrt(d)) V of (..., n, d), with three copies of the scores at once."""
    scores = Q @ K.swapaxes(-1, -2) / Q.shape[-1] ** 0.5
    weights = _softmax(scores)
    return weights @ V


def textbook_block_prefix_attention(Q: Array, K: Array, V: Array, block_size: int) -> Array:
    """Return the older report's "paged" attention as it was written; see `block_prefix_attention`.

    Args:
        Q: (n, d), float64.
        K: (n, d).
        V: (n, d).
        block_size: tokens per block.
    """
    output = np.zeros_like(Q)
    for rows in slices(0, len(Q), block_size):
        block = textbook_attention(Q[rows], K[: rows.stop], V[: rows.stop])
        output[rows] = block
    return output


def textbook_local_attention(Q: Array, K: Array, V: Array, block_size: int) -> Array:
    """Return attention inside blocks, written like that; see `local_block_attention`."""
    output = np.zeros_like(Q)
    for rows in slices(0, len(Q), block_size):
        block = textbook_attention(Q[rows], K[rows], V[rows])
        output[rows] = block
    return output


def _softmax(x: Array) -> Array:
    exps = np.exp(x - np.max(x, axis=-1, keepdims=True))
    weights: Array = exps / np.sum(exps, axis=-1, keepdims=True)
    return weights
