"""Attention tile by tile with an online softmax: the scores never exist as a whole."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from kvviz.kernels.numpy.online import OnlineSoftmax, finite, log_sum_exp, normalise
from kvviz.kernels.numpy.shapes import (
    Array,
    arithmetic,
    check_count,
    check_floats,
    check_state_shapes,
    grouped,
    slices,
)
from kvviz.kernels.numpy.visibility import Visibility

BLOCK_M, BLOCK_N = 256, 512  # queries and keys of a tile that stays in a CPU core's cache


class FlashTile(NamedTuple):
    """The state after one tile; the arrays are the kernel's own and change with the next tile.

    Args:
        head: index into the leading axes (..., heads), empty for (n, d) inputs.
        rows: the queries of the tile.
        keys: its keys.
        scores: (rows, keys), as exp(score - maximum so far), 0 where masked.
        maximum: (rows,), running.
        total: (rows,), running sum of exponentials.
        weighted: (rows, d of V), sum of values not yet divided by `total`.
        last: whether these rows have seen all their keys.
    """

    head: tuple[int, ...]
    rows: slice
    keys: slice
    scores: Array
    maximum: Array
    total: Array
    weighted: Array
    last: bool


def flash_attention(
    Q: Array,
    K: Array,
    V: Array,
    *,
    block_m: int = BLOCK_M,
    block_n: int = BLOCK_N,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> tuple[Array, Array]:
    """Return exact attention and the log-sum-exp of its scores, one tile at a time.

    Source: Dao et al., "FlashAttention", 2022, and Dao, "FlashAttention-2", 2023, algorithm 1;
    the online softmax is Milakov and Gimelshein's, 2018.

    Args:
        Q: (..., heads, n, d) or (n, d), float16, float32 or float64.
        K: (..., KV heads, keys, d) or (keys, d); KV heads divide heads.
        V: (..., KV heads, keys, d of V) or (keys, d of V).
        block_m: queries of a tile.
        block_n: keys of a tile.
        causal: no key after the query, the last query standing at the last key.
        window: only keys less than so many positions away.
        scale: factor of the scores, 1 / sqrt(d) unless given.

    Returns:
        The output, (..., heads, n, d of V) or (n, d of V), zero where a row sees no key, and the
        log-sum-exp, (..., heads, n) or (n,), float32 for float16 inputs, -inf for such rows.

    Raises:
        ValueError: shapes, dtypes or settings that do not fit together.
    """
    tiles = flash_tiles(
        Q, K, V, block_m=block_m, block_n=block_n, causal=causal, window=window, scale=scale
    )
    inputs = grouped(Q, K, V, scale)
    output = np.zeros(inputs.shape, inputs.dtype)
    lse = np.full(inputs.shape[:-1], -np.inf, inputs.q.dtype)
    for tile in tiles:
        if tile.last:
            output[tile.head][tile.rows] = normalise(tile.weighted, tile.total)
            lse[tile.head][tile.rows] = log_sum_exp(tile.maximum, tile.total)
    return output, lse


def flash_tiles(
    Q: Array,
    K: Array,
    V: Array,
    *,
    block_m: int = BLOCK_M,
    block_n: int = BLOCK_N,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Iterator[FlashTile]:
    """Yield every tile of `flash_attention` as it is done; arguments as there.

    Head by head, block of queries by block of queries, keys from first to last. Tiles in which no
    key is visible are not visited.
    """
    size_m, size_n = check_count("block_m", block_m), check_count("block_n", block_n)
    inputs = grouped(Q, K, V, scale)
    seen = Visibility(Q.shape[-2], K.shape[-2], causal, window)
    # One buffer for every tile's scores: fresh memory for each would cost more than the product.
    buffer = np.empty(min(size_m, seen.queries) * min(size_n, seen.keys), inputs.q.dtype)
    for head in np.ndindex(*inputs.shape[:-2]):
        q, k, v = inputs.head(head)
        for rows in slices(0, seen.queries, size_m):
            scaled = q[rows] * inputs.scale
            state = OnlineSoftmax(scaled.shape[:1], v.shape[-1], v.dtype)
            first, end = seen.span(rows.start, rows.stop)
            for keys in slices(first, end, size_n):
                scores = buffer[: len(scaled) * (keys.stop - keys.start)].reshape(len(scaled), -1)
                np.matmul(scaled, k[keys].T, out=scores)
                seen.hide(scores, rows.start, keys.start)
                state.add(scores, v[keys])
                so_far = state.maximum, state.total, state.weighted
                yield FlashTile(head, rows, keys, scores, *so_far, last=keys.stop == end)


def varlen_attention(
    Q: Array,
    K: Array,
    V: Array,
    cu_seqlens_q: Sequence[int] | Array,
    cu_seqlens_k: Sequence[int] | Array,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> tuple[Array, Array]:
    """Return `flash_attention` of sequences of their own lengths, packed without padding.

    Source: the variable-length interface of FlashAttention (``flash_attn_varlen_func``).

    Args:
        Q: (tokens, heads, d), sequence i at [cu_seqlens_q[i], cu_seqlens_q[i + 1]).
        K: (keys, KV heads, d), sequence i at [cu_seqlens_k[i], cu_seqlens_k[i + 1]).
        V: (keys, KV heads, d of V), as K.
        cu_seqlens_q: (sequences + 1,) integers from 0 to tokens, never falling.
        cu_seqlens_k: (sequences + 1,) integers from 0 to keys, never falling.
        causal: no key after the query, each sequence's last query standing at its last key.
        window: only keys less than so many positions away.
        scale: factor of the scores, 1 / sqrt(d) unless given.

    Returns:
        The output, (tokens, heads, d of V), and the log-sum-exp, (tokens, heads).

    Raises:
        ValueError: shapes, dtypes, bounds or settings that do not fit together.
    """
    for name, array in (("Q", Q), ("K", K), ("V", V)):
        if array.ndim != 3:
            raise ValueError(f"{name} has shape {array.shape}, expected (tokens, heads, d)")
    starts = _bounds("cu_seqlens_q", cu_seqlens_q, len(Q))
    key_starts = _bounds("cu_seqlens_k", cu_seqlens_k, len(K))
    if len(starts) != len(key_starts):
        raise ValueError(
            f"cu_seqlens_q and cu_seqlens_k have {len(starts)} and {len(key_starts)} bounds"
            ", expected as many"
        )
    output = np.zeros((*Q.shape[:-1], V.shape[-1]), Q.dtype)
    lse = np.full(Q.shape[:-1], -np.inf, arithmetic(Q.dtype))
    spans = zip(pairwise(starts), pairwise(key_starts), strict=True)
    for (start, stop), (first, end) in spans:
        packed = (Q[start:stop], K[first:end], V[first:end])
        q, k, v = (array.swapaxes(0, 1) for array in packed)  # (heads, tokens, d)
        out, logged = flash_attention(q, k, v, causal=causal, window=window, scale=scale)
        output[start:stop], lse[start:stop] = out.swapaxes(0, 1), logged.T
    return output, lse


def merge_attn_states(
    out_a: Array, lse_a: Array, out_b: Array, lse_b: Array
) -> tuple[Array, Array]:
    """Return the attention over two sets of keys together, from that over each.

    Source: "Cascade Inference" (FlashInfer) and vLLM's operator of this name.

    Args:
        out_a: (..., d of V), the output over the first keys, float16, float32 or float64.
        lse_a: (...), its log-sum-exp, -inf where it saw no key.
        out_b: (..., d of V), the output over the other keys.
        lse_b: (...), its log-sum-exp.

    Returns:
        The output (..., d of V) and log-sum-exp (...) over all the keys.

    Raises:
        ValueError: shapes that do not fit together.
    """
    for name, array in (("out_a", out_a), ("lse_a", lse_a), ("out_b", out_b), ("lse_b", lse_b)):
        check_floats(name, array)
    check_state_shapes(out_a.shape, lse_a.shape, out_b.shape, lse_b.shape)
    highest = np.maximum(lse_a, lse_b)
    shift = finite(highest)
    share_a, share_b = np.exp(lse_a - shift), np.exp(lse_b - shift)
    total = share_a + share_b
    merged = normalise(out_a * share_a[..., None] + out_b * share_b[..., None], total)
    return merged.astype(out_a.dtype, copy=False), log_sum_exp(highest, total)


def _bounds(name: str, values: Sequence[int] | Array, total: int) -> list[int]:
    """Return cumulated lengths as a list, or raise ValueError."""
    bounds = [int(value) for value in values]
    if len(bounds) < 2 or bounds != sorted(bounds) or (bounds[0], bounds[-1]) != (0, total):
        raise ValueError(f"{name} is {bounds}, expected bounds that rise from 0 to {total}")
    return bounds
