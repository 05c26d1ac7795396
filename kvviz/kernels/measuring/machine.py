"""How fast this machine copies, reads, multiplies and exponentiates, in NumPy, right now."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from kvviz.kernels.numpy.cost import Cost
from kvviz.kernels.numpy.flash import BLOCK_M, BLOCK_N
from kvviz.kernels.numpy.online import exponentials
from kvviz.units import MiB

REPEATS: Final = 7
BIG: Final = 128 * MiB  # beyond every cache
GEMM: Final = 1024


@dataclass(frozen=True, slots=True)
class Rates:
    """What a device was seen to do, the best of several tries each.

    Args:
        copy_bytes_s: bytes read plus bytes written per second by a large copy.
        read_bytes_s: bytes per second that a large sum reads.
        gemm_flops: FLOP/s of a large square product.
        fresh_bytes_s: bytes per second of newly allocated memory written once; None where it is
            recycled by the framework.
        products: FLOP/s of the products of attention by kind: ``wide`` rows of scores, ``tile``,
            ``page`` (one token's heads against pages).
        scores: seconds that softmax takes a score, by kind: ``wide`` (in memory), ``tile`` and
            ``page`` (in the cache).
    """

    copy_bytes_s: float
    read_bytes_s: float
    gemm_flops: float
    fresh_bytes_s: float | None = None
    products: dict[str, float] | None = None
    scores: dict[str, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the rates as JSON takes them."""
        return asdict(self)


def predicted_seconds(cost: Cost, rates: Rates) -> float:
    """Return the time a call should take.

    Where the rates of the parts are known, their sum: products, softmax, first writes, and for
    pages the copy into a tile. Else the larger of FLOPs at the GEMM rate and bytes at the read
    rate, which is a lower bound.
    """
    if rates.products is None or rates.scores is None or cost.rate not in rates.products:
        return max(cost.flops / rates.gemm_flops, cost.bytes_moved / rates.read_bytes_s)
    seconds = cost.flops / rates.products[cost.rate] + cost.scores * rates.scores[cost.rate]
    if rates.fresh_bytes_s:
        seconds += cost.fresh_bytes / rates.fresh_bytes_s
    if cost.rate == "page":
        seconds += 2 * cost.bytes_moved / rates.copy_bytes_s
    return seconds


def numpy_rates(
    d: int, dtype: np.dtype[Any], group: int = 4, tile: tuple[int, int] = (BLOCK_M, BLOCK_N)
) -> Rates:
    """Measure this machine for kernels of head size `d`; takes about a second.

    Args:
        d: head size.
        dtype: of the inputs.
        group: query heads that share a KV head, for the products with pages.
        tile: queries and keys of a tile.
    """
    rng = np.random.default_rng(0)
    big = rng.random(BIG // dtype.itemsize, np.float32).astype(dtype)
    other = big.copy()
    copy = best_seconds(lambda: np.copyto(other, big))
    read = best_seconds(big.sum)
    square = big[: GEMM * GEMM].reshape(GEMM, GEMM)
    out = np.empty_like(square)
    gemm = best_seconds(lambda: np.matmul(square, square, out=out))
    fresh = best_seconds(lambda: np.empty_like(big).fill(0))
    shapes = {"wide": (2 * GEMM, 4 * GEMM), "tile": tile, "page": (group, GEMM)}
    return Rates(
        copy_bytes_s=2 * big.nbytes / copy,
        read_bytes_s=big.nbytes / read,
        gemm_flops=2 * GEMM**3 / gemm,
        fresh_bytes_s=big.nbytes / fresh,
        products={kind: _product_rate(big, d, *shape) for kind, shape in shapes.items()},
        scores={kind: _score_seconds(big, *shape) for kind, shape in shapes.items()},
    )


def best_seconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the shortest time of a call, after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def _product_rate(big: np.ndarray[Any, Any], d: int, rows: int, columns: int) -> float:
    """Return FLOP/s of q Kᵀ and of weights V together, for q (rows, d) and K (columns, d)."""
    q, k = big[: rows * d].reshape(rows, d), big[: columns * d].reshape(columns, d)
    scores, out = np.empty((rows, columns), big.dtype), np.empty((rows, d), big.dtype)
    seconds = best_seconds(lambda: np.matmul(q, k.T, out=scores))
    seconds += best_seconds(lambda: np.matmul(scores, k, out=out))
    return 4 * rows * columns * d / seconds


def _score_seconds(big: np.ndarray[Any, Any], rows: int, columns: int) -> float:
    """Return the seconds softmax takes a score, its sums included, in place."""
    scores = big[: rows * columns].reshape(rows, columns).copy()
    return best_seconds(lambda: exponentials(scores)) / scores.size
