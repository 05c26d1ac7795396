"""Attention by tiles with an online softmax: the scores never exist as a whole."""

from collections.abc import Iterator

import numpy as np

from kvviz.kernels.kernel import Backend, Inputs, Kernel, Row
from kvviz.kernels.numpy import cost
from kvviz.kernels.numpy.flash import BLOCK_M, BLOCK_N, flash_attention, flash_tiles
from kvviz.kernels.numpy.shapes import Array
from kvviz.kernels.torch import peaks

SIDES = ("block_m", "block_n")
SDPA = {"backend": "flash"}


def _tiled(inputs: Inputs) -> cost.Cost:
    return cost.tiled(cost.sizes(inputs), inputs["block_m"], inputs["block_n"])


def _steps(Q: Array, K: Array, V: Array, block: int) -> Iterator[int]:
    """Yield the block of queries that is worked on, of the first head beside the whole output."""
    output, lse = np.empty_like(Q), np.empty_like(Q[..., 0])  # as for all heads
    q, k, v = (array[(0,) * (array.ndim - 2)] for array in (Q, K, V))
    for tile in flash_tiles(q, k, v, block_m=block, block_n=block, causal=True):
        yield tile.rows.start // block
    del output, lse


KERNELS = (
    Kernel(
        name="flash",
        label="Flash tiles",
        note="tiles with online softmax",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                flash_attention,
                rows=(
                    Row("report", "flash, tiles of 20 × 20", dict.fromkeys(SIDES, 20)),
                    Row("prefill", "NumPy flash"),
                    Row("memory", f"NumPy flash, {BLOCK_M} × {BLOCK_N} tiles"),
                    Row("page"),
                ),
                blocks=SIDES,
            ),
            Backend("torch", "kvviz.kernels.torch.attention:flash_attention", peak=peaks.tiles),
            Backend(
                "torch",
                "kvviz.kernels.torch.attention:sdpa_attention",
                rows=(Row("page", settings=SDPA),),
                peak=peaks.sdpa,
            ),
            Backend(
                "triton",
                "kvviz.kernels.triton.attention:flash_attention",
                rows=(Row("memory", "Triton flash"), Row("page"), Row("gpu prefill", "Triton")),
            ),
        ),
        cost=_tiled,
        steps=_steps,
        order=50,
    ),
)
