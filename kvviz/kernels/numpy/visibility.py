"""Which keys a query may see: all, none after it, or only those near it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvviz.kernels.numpy.shapes import check_count

BAND = 128  # query rows that are masked together, so that the mask stays small


@dataclass(frozen=True, slots=True)
class Visibility:
    """A mask over (queries, keys), never stored as such.

    The last query stands beside the last key (bottom-right alignment, as in FlashAttention 2.1):
    with fewer queries than keys they are the newest tokens, with more the first see nothing when
    causal. A window leaves the keys less than `window` positions away; causal, those up to the
    query itself.
    """

    queries: int
    keys: int
    causal: bool = False
    window: int | None = None

    def __post_init__(self) -> None:
        if self.window is not None:
            check_count("window", self.window)

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return the first key and the end of the keys that queries [start, stop) may see."""
        ahead, first, end = self.keys - self.queries, 0, self.keys
        if self.causal:
            end = min(end, stop + ahead)
        if self.window is not None:
            first = max(first, start + ahead - self.window + 1)
            end = min(end, stop - 1 + ahead + self.window)
        end = max(end, 0)
        return min(first, end), end

    def hide(self, scores: NDArray[Any], query: int = 0, key: int = 0) -> None:
        """Set to -inf, in place, what may not be seen of scores (..., rows, columns).

        Their first row is query number `query`, their first column key number `key`.
        """
        if not self.causal and self.window is None:
            return
        for start in range(0, scores.shape[-2], BAND):
            band = scores[..., start : start + BAND, :]
            self._hide_band(band, query + start + self.keys - self.queries, key)

    def _hide_band(self, scores: NDArray[Any], position: int, key: int) -> None:
        rows = position + np.arange(scores.shape[-2])[:, None]
        columns = key + np.arange(scores.shape[-1])[None, :]
        hidden = np.zeros(scores.shape[-2:], bool)  # (rows, columns)
        if self.causal and key + scores.shape[-1] - 1 > position:
            hidden |= columns > rows
        if self.window is not None:
            hidden |= columns <= rows - self.window
            hidden |= columns >= rows + self.window
        if hidden.any():
            np.copyto(scores, -np.inf, where=hidden)
