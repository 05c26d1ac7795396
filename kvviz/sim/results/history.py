"""What happened to every block and request of a recorded run, in order of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvviz.sim.engine.record import Blocks, Moves, Record


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Changes of blocks and of requests, and the steps at whose edges they happen.

    Args:
        blocks: every change of a block.
        moves: every change of a request.
        step_ends: nanoseconds at which each step ends; shape (steps,).
    """

    blocks: Blocks
    moves: Moves
    step_ends: NDArray[np.int64]

    @classmethod
    def of(cls, record: Record) -> "History":
        """Return what an engine noted."""
        return cls(record.blocks(), record.moves(), np.array(record.ends, dtype=np.int64))
