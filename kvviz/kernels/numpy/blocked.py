"""Attention by blocks of queries: exact, and two approximations that leave keys out."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from kvviz.kernels.numpy.online import exponentials, normalise
from kvviz.kernels.numpy.shapes import Array, Grouped, check_count, grouped, slices
from kvviz.kernels.numpy.visibility import Visibility

BLOCK_SIZES: Final = (1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1)


def paged_attention(
    Q: Array,
    K: Array,
    V: Array,
    block_size: int,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Array:
    """Return exact attention, the scores of one block of queries at a time.

    A block holds `block_size` queries against all keys they may see, so that the result is that of
    `standard_attention`. For a cache in scattered pages see `paged_attention_decode`.
    Source: Rabe and Staats, "Self-attention Does Not Need O(n²) Memory", 2021.

    Args:
        Q: (..., heads, n, d) or (n, d), float16, float32 or float64.
        K: (..., KV heads, keys, d) or (keys, d); KV heads divide heads.
        V: (..., KV heads, keys, d of V) or (keys, d of V).
        block_size: queries per block; more than n is one block.
        causal: no key after the query, the last query standing at the last key.
        window: only keys less than so many positions away.
        scale: factor of the scores, 1 / sqrt(d) unless given.

    Returns:
        (..., heads, n, d of V) or (n, d of V); rows that see no key are zero.

    Raises:
        ValueError: shapes, dtypes or settings that do not fit together.
    """
    blocks = paged_blocks(Q, K, V, block_size, causal=causal, window=window, scale=scale)
    return deque(blocks, maxlen=1).pop()


def paged_blocks(
    Q: Array,
    K: Array,
    V: Array,
    block_size: int,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Iterator[Array]:
    """Yield the output of `paged_attention` before the first block and after each.

    The array is the same one every time, filled further; arguments as there.
    """
    size = check_count("block_size", block_size)
    inputs = grouped(Q, K, V, scale)
    seen = Visibility(Q.shape[-2], K.shape[-2], causal, window)
    output = _empty(inputs)
    yield inputs.output(output)
    for rows in slices(0, seen.queries, size):
        keys = slice(*seen.span(rows.start, rows.stop))
        output[..., rows, :] = _block(inputs, seen, rows, keys)
        yield inputs.output(output)


def block_prefix_attention(Q: Array, K: Array, V: Array, block_size: int) -> Array:
    """Return attention of every query to the keys up to the end of its block: an approximation.

    Query i sees keys [0, (i // block_size + 1) · block_size). That is neither full nor causal
    attention: the older report called it paged, though no memory is paged and blocking the queries
    alone (`paged_attention`) has the same peak and is exact. Only the last block is right.

    Args:
        Q: (..., heads, n, d) or (n, d), float16, float32 or float64.
        K: (..., KV heads, n, d) or (n, d); KV heads divide heads.
        V: (..., KV heads, n, d of V) or (n, d of V).
        block_size: tokens per block.

    Returns:
        (..., heads, n, d of V) or (n, d of V).

    Raises:
        ValueError: shapes, dtypes or settings that do not fit together, or not as many keys as
            queries.
    """
    return _approximate(Q, K, V, check_count("block_size", block_size), None)


def local_block_attention(
    Q: Array, K: Array, V: Array, block_size: int, *, overlap: int = 0
) -> Array:
    """Return attention of every query to its own block and `overlap` keys around it.

    Without overlap tokens at a block's edge lose their neighbours; with overlap the blocks share
    them, and from n - 1 on the result is exact. Source of the idea: Beltagy et al., "Longformer",
    2020, section 3.1.

    Args:
        Q: (..., heads, n, d) or (n, d), float16, float32 or float64.
        K: (..., KV heads, n, d) or (n, d); KV heads divide heads.
        V: (..., KV heads, n, d of V) or (n, d of V).
        block_size: tokens per block.
        overlap: keys seen on either side of the block.

    Returns:
        (..., heads, n, d of V) or (n, d of V).

    Raises:
        ValueError: shapes, dtypes or settings that do not fit together, or not as many keys as
            queries.
    """
    size, around = check_count("block_size", block_size), check_count("overlap", overlap, 0)
    return _approximate(Q, K, V, size, around)


def dynamic_block_size(heads: int, n: int, keys: int, itemsize: int, memory_left: int) -> int:
    """Return the largest block of queries whose scores fit into the memory that is left.

    A block of b queries holds heads · b · keys scores, a maximum and a sum a row, and its inputs
    and outputs of up to 256 numbers per row.

    Args:
        heads: query heads, times the batch.
        n: queries in all.
        keys: keys they see, the context length.
        itemsize: bytes of one score.
        memory_left: bytes that may be taken.

    Returns:
        A power of two of at most 1,024 and at most n rounded up to one.

    Raises:
        ValueError: not even one query's scores fit.
    """
    row = heads * (keys + 2 + 256) * itemsize
    useful = [size for size in BLOCK_SIZES if size < 2 * max(n, 1)]
    for size in useful:
        if size * row <= memory_left:
            return size
    raise ValueError(
        f"one query's scores take {row:,} bytes, expected at most the {memory_left:,} left"
    )


def _approximate(Q: Array, K: Array, V: Array, size: int, around: int | None) -> Array:
    """Attend block by block to its keys and `around` them, or to all before if that is None."""
    inputs = grouped(Q, K, V, None)
    n = Q.shape[-2]
    if K.shape[-2] != n:
        raise ValueError(f"K has {K.shape[-2]} keys, expected one for each of {n} queries")
    output = _empty(inputs)
    for rows in slices(0, n, size):
        first = 0 if around is None else max(0, rows.start - around)
        keys = slice(first, min(n, rows.stop + (around or 0)))
        output[..., rows, :] = _block(inputs, Visibility(n, n), rows, keys)
    return inputs.output(output)


def _block(inputs: Grouped, seen: Visibility, rows: slice, keys: slice) -> Array:
    """Return the output of one block of queries against its keys."""
    q, k, v = inputs.q[..., rows, :], inputs.k[..., keys, :], inputs.v[..., keys, :]
    scores = np.matmul(q * inputs.scale, k.swapaxes(-1, -2))  # (..., KV heads, group, rows, keys)
    seen.hide(scores, rows.start, keys.start)
    _, total = exponentials(scores)
    return normalise(np.matmul(scores, v), total)


def _empty(inputs: Grouped) -> Array:
    shape: tuple[Any, ...] = (*inputs.q.shape[:-1], inputs.v.shape[-1])
    return np.empty(shape, inputs.dtype)
