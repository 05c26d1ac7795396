"""Attention that holds all scores at once: the measure of every other kernel."""

from typing import Final

import numpy as np

from kvviz.kernels.numpy.online import exponentials, normalise
from kvviz.kernels.numpy.shapes import Array, arithmetic, check_floats, grouped
from kvviz.kernels.numpy.visibility import Visibility

SHOWN: Final = 20  # tokens whose weights a picture shows


def first_weights(q: Array, k: Array, *, causal: bool) -> list[list[float]]:
    """Return the weights among the first 20 tokens of q (n, d) and k (n, d), to be shown."""
    scores = q[:SHOWN] @ k[:SHOWN].T / q.shape[-1] ** 0.5
    Visibility(len(scores), len(scores), causal).hide(scores)
    rounded: list[list[float]] = np.round(softmax(scores), 4).tolist()
    return rounded


def softmax(x: Array, axis: int = -1) -> Array:
    """Return exp(x) / sum(exp(x)) along `axis`, safe for large x.

    Args:
        x: floats of any shape. A slice of only -inf becomes zeros.
        axis: the axis that sums to 1.

    Returns:
        An array like `x`.

    Raises:
        ValueError: `x` is no array of floats.
    """
    check_floats("x", x)
    weights = np.moveaxis(x, axis, -1).astype(arithmetic(x.dtype), order="C", copy=True)
    _, total = exponentials(weights)
    return np.moveaxis(normalise(weights, total), -1, axis).astype(x.dtype, copy=False)


def standard_attention(
    Q: Array,
    K: Array,
    V: Array,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Array:
    """Return softmax(Q Kᵀ · scale) V, its scores held once and worked on in place.

    With float64 inputs it is the reference. Source: Vaswani et al., "Attention Is All You Need",
    2017, section 3.2.1; shared KV heads after Ainslie et al., "GQA", 2023.

    Args:
        Q: (..., heads, n, d) or (n, d), float16, float32 or float64; float16 is summed in float32.
        K: (..., KV heads, keys, d) or (keys, d); KV heads divide heads.
        V: (..., KV heads, keys, d of V) or (keys, d of V).
        causal: no key after the query, the last query standing at the last key.
        window: only keys less than so many positions away.
        scale: factor of the scores, 1 / sqrt(d) unless given.

    Returns:
        (..., heads, n, d of V) or (n, d of V); rows that see no key are zero.

    Raises:
        ValueError: shapes, dtypes or settings that do not fit together.
    """
    inputs = grouped(Q, K, V, scale)
    seen = Visibility(Q.shape[-2], K.shape[-2], causal, window)
    # (..., KV heads, group, n, keys)
    scores = np.matmul(inputs.q * inputs.scale, inputs.k.swapaxes(-1, -2))
    seen.hide(scores)
    _, total = exponentials(scores)
    return inputs.output(normalise(np.matmul(scores, inputs.v), total))
