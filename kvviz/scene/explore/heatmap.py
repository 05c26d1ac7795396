"""The heat map's colours: a log ramp of tones, and on each the ink that reads best."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kvviz.scene.theme import INKS, RAMP

TONES: Final = 64


@dataclass(frozen=True, slots=True)
class Scale:
    """A log scale from the worst to the best value shown; either may be the larger."""

    worst: float
    best: float

    @classmethod
    def over(cls, values: NDArray[np.float64], low_is_best: bool) -> "Scale":
        """Return the scale that spans the finite values above 0; of none, from 1 to 1."""
        shown = values[np.isfinite(values) & (values > 0)]
        low, high = (float(shown.min()), float(shown.max())) if len(shown) else (1.0, 1.0)
        return cls(high, low) if low_is_best else cls(low, high)

    def tones(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return each value's tone, 0 the worst to `TONES` - 1 the best, or beyond."""
        if self.worst == self.best:
            return np.full(values.shape, TONES - 1)
        share = np.log(values / self.worst) / np.log(self.best / self.worst)
        return np.clip(np.rint(share * (TONES - 1)), 0, TONES - 1).astype(np.int64)


def palette() -> list[tuple[str, str]]:
    """Return the colour of every tone, and its ink."""
    return [(colour, ink(colour)) for colour in map(_tone, np.linspace(0, 1, TONES).tolist())]


def ink(colour: str) -> str:
    """Return the ink of highest contrast on a colour (WCAG 2.2, relative luminance)."""
    return max(INKS, key=lambda text: contrast(text, colour))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    shares = [channel / 255 for channel in _channels(colour)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _tone(share: float) -> str:
    after = min(bisect_right([stop for stop, _ in RAMP], share), len(RAMP) - 1)
    (start, low), (end, high) = RAMP[after - 1], RAMP[after]
    way = (share - start) / (end - start)
    pairs = zip(_channels(low), _channels(high), strict=True)
    return "#" + "".join(f"{round(a * (1 - way) + b * way):02X}" for a, b in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
