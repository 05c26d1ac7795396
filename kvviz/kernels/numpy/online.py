"""Softmax over keys that arrive tile by tile, with a running maximum and sum."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvviz.kernels.numpy.shapes import Array


def exponentials(scores: Array) -> tuple[Array, Array]:
    """Replace scores (..., columns) by exp(score - row maximum); return the maxima and the sums.

    A row that is all -inf becomes zeros, its maximum stays -inf and its sum is 0.
    """
    highest = scores.max(axis=-1, initial=-np.inf)  # (...)
    scores -= finite(highest)[..., None]
    np.exp(scores, out=scores)
    return highest, _row_sums(scores)


def normalise(values: Array, total: Array) -> Array:
    """Divide values (..., width) by their rows' sums in place; rows without a key stay zero."""
    values /= np.where(total == 0, total.dtype.type(1), total)[..., None]
    return values


def log_sum_exp(highest: Array, total: Array) -> Array:
    """Return log(sum(exp(scores))) of rows: -inf where no key was visible."""
    with np.errstate(divide="ignore"):
        logged: Array = finite(highest) + np.log(total)
    return logged


class OnlineSoftmax:
    """The weighted sum of values over the tiles seen so far (Milakov & Gimelshein, 2018).

    `maximum` and `total` are the running maximum and sum of exponentials, each (rows...);
    `weighted` (rows..., width) is the sum of values not yet divided by `total`.
    """

    def __init__(self, rows: tuple[int, ...], width: int, dtype: np.dtype[Any]) -> None:
        self.maximum = np.full(rows, -np.inf, dtype)
        self.total = np.zeros(rows, dtype)
        self.weighted = np.zeros((*rows, width), dtype)

    def add(self, scores: NDArray[Any], values: NDArray[Any]) -> None:
        """Take in a tile: scores (rows..., columns), overwritten, and values (..., columns, width).

        What was summed before shrinks by exp(old maximum - new maximum).
        """
        highest = np.maximum(self.maximum, scores.max(axis=-1, initial=-np.inf))
        shift = finite(highest)
        scores -= shift[..., None]
        np.exp(scores, out=scores)
        kept = np.exp(self.maximum - shift)
        self.total *= kept
        self.total += _row_sums(scores)
        self.weighted *= kept[..., None]
        self.weighted += np.matmul(scores, values)
        self.maximum = highest


def finite(highest: Array) -> Array:
    """Return maxima with 0 for rows that see nothing, where -inf - -inf would be NaN."""
    return np.where(np.isneginf(highest), highest.dtype.type(0), highest)


def _row_sums(scores: Array) -> Array:
    """Return the sums of rows as a product with ones, three times as fast as NumPy's sum."""
    sums: Array = np.matmul(scores, np.ones(scores.shape[-1], scores.dtype))
    return sums
