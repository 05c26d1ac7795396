"""The tiles of flash attention on a small problem, recorded for the page to play."""

from typing import Any, Final

import numpy as np

from kvviz.kernels.measuring.inputs import Prefill
from kvviz.kernels.numpy.flash import flash_tiles

BLOCKS: Final = 8
TILE: Final = 8  # queries, and keys


def tiles() -> list[list[Any]]:
    """Return row, column, running maxima and running sums of every tile in its order."""
    q, k, v = (array[0] for array in Prefill(BLOCKS * TILE, 32, 1, 1).inputs(np.float64))
    walk = flash_tiles(q, k, v, block_m=TILE, block_n=TILE, causal=True)
    return [
        [
            *(tile.rows.start // TILE, tile.keys.start // TILE),
            *(np.round(tile.maximum, 2).tolist(), np.round(tile.total, 2).tolist()),
        ]
        for tile in walk
    ]
