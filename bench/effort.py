"""How much is measured: the full run, or a short one that only shows the order of magnitude."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Effort:
    """Sizes and repetitions of every measurement.

    Args:
        scenes: names of the scenes that are played.
        rounds: times that every scene is played, with either glyph.
        seconds: of playing in one round.
        changes: clicks on switches, and settings of a slider in proportion.
        still_seconds: of playing in which the messages are counted.
        crowds: viewers at once, ascending.
        crowd_seconds: of watching with each crowd.
        openings: times that each page is opened in a cold browser.
    """

    scenes: tuple[str, ...]
    rounds: int
    seconds: float
    changes: int
    still_seconds: float
    crowds: tuple[int, ...]
    crowd_seconds: float
    openings: int


FULL: Final = Effort(
    scenes=("8k", "40k", "128k", "512k"),
    rounds=2,
    seconds=4,
    changes=36,
    still_seconds=10,
    crowds=(1, 20, 100, 200),
    crowd_seconds=10,
    openings=9,
)
QUICK: Final = Effort(
    scenes=("40k", "512k"),
    rounds=1,
    seconds=2,
    changes=6,
    still_seconds=4,
    crowds=(1, 20),
    crowd_seconds=4,
    openings=3,
)
