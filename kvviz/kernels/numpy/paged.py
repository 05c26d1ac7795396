"""A KV cache in scattered pages: writing tokens into it, and decoding from it."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from kvviz.kernels.numpy.online import OnlineSoftmax, exponentials, normalise
from kvviz.kernels.numpy.quantize import QuantizedCache
from kvviz.kernels.numpy.shapes import (
    Array,
    Shape,
    arithmetic,
    check_floats,
    check_heads,
    softmax_scale,
)
from kvviz.kernels.numpy.visibility import Visibility

TILE_TOKENS: Final = 1024  # tokens whose keys are in a CPU core's cache together
Cache = Array | QuantizedCache


def reshape_and_cache(
    key: Array, value: Array, k_cache: Array, v_cache: Array, slot_mapping: Array
) -> None:
    """Write tokens' keys and values into their slots of the cache, in place.

    Source: Kwon et al., "PagedAttention", 2023; the name and the slots are vLLM's.

    Args:
        key: (tokens, KV heads, d).
        value: (tokens, KV heads, d of V).
        k_cache: (blocks, block size, KV heads, d), the dtype of `key`.
        v_cache: (blocks, block size, KV heads, d of V), the dtype of `value`.
        slot_mapping: (tokens,) integers, block · block size + place in the block; a token with a
            negative slot is padding and is not written.

    Raises:
        ValueError: shapes or dtypes that do not fit together, or a slot beyond the cache.
    """
    for name, new, cache in (("key", key, k_cache), ("value", value, v_cache)):
        check_floats(name, new)
        check_written(name, new.shape, cache.shape)
        if new.dtype != cache.dtype:
            raise ValueError(f"{name} has dtype {new.dtype}, expected the cache's {cache.dtype}")
    slots = np.asarray(slot_mapping)
    places = k_cache.shape[0] * k_cache.shape[1]
    if not len(key) == len(value) == len(slots) or k_cache.shape[:2] != v_cache.shape[:2]:
        raise ValueError(f"{len(key)} keys, {len(value)} values and {len(slots)} slots do not pair")
    if slots.dtype.kind not in "iu" or (slots >= places).any():
        raise ValueError(f"slot_mapping names a slot beyond the cache's {places:,}")
    kept = slots >= 0
    block, place = np.divmod(slots[kept], k_cache.shape[1])
    k_cache[block, place], v_cache[block, place] = key[kept], value[kept]


def check_written(name: str, new: Shape, cache: Shape) -> None:
    """Raise ValueError unless tokens of a shape can be written into a cache of a shape."""
    if len(cache) != 4 or len(new) != 3 or new[1:] != cache[2:]:
        raise ValueError(
            f"{name} has shape {(*new,)} and its cache {(*cache,)}"
            ", expected (tokens, heads, d) and (blocks, block size, heads, d)"
        )


def paged_attention_decode(
    q: Array,
    k_cache: Cache,
    v_cache: Cache,
    block_table: Array,
    seq_lens: Array,
    *,
    scale: float | None = None,
    window: int | None = None,
) -> Array:
    """Return the attention of one new token per sequence to its cached tokens, by tiles of pages.

    Pages are read in tiles of about 1,024 tokens into one buffer, quantized ones are dequantized
    there, and an online softmax joins the tiles. Sources: Kwon et al., "PagedAttention", 2023;
    the split over keys after "Flash-Decoding" (Dao et al., 2023).

    Args:
        q: (batch, heads, d), float16, float32 or float64.
        k_cache: (blocks, block size, KV heads, d), the dtype of `q` or a `QuantizedCache`.
        v_cache: (blocks, block size, KV heads, d of V), as `k_cache`.
        block_table: (batch, max blocks) int32; entries past a sequence's length are never read.
        seq_lens: (batch,) int32, tokens cached of each sequence, the new one included.
        scale: factor of the scores, 1 / sqrt(d) unless given.
        window: only the last so many tokens.

    Returns:
        (batch, heads, d of V), the dtype of `q`; zeros where a sequence has no token.

    Raises:
        ValueError: shapes, dtypes, a length beyond the table, or a block beyond the cache.
    """
    check_decode(q, k_cache, v_cache, block_table, seq_lens)
    inner, size = arithmetic(q.dtype), k_cache.shape[1]
    factor, blocks = softmax_scale(scale, q.shape[-1]), max(1, TILE_TOKENS // size)
    buffer = tile_buffer((k_cache, v_cache), min(blocks, block_table.shape[1]), inner)
    output = np.zeros((*q.shape[:2], v_cache.shape[-1]), q.dtype)
    for sequence, length in enumerate(seq_lens.tolist()):
        folded = _folded(q[sequence], k_cache.shape[2], factor)
        state = OnlineSoftmax(folded.shape[:2], v_cache.shape[-1], inner)
        for pages, seen in page_tiles(length, size, blocks, window):
            ids = block_table[sequence, pages]
            keys = load_tile(k_cache, ids, buffer)[seen]  # (tokens, KV heads, d)
            scores = np.matmul(folded, keys.transpose(1, 2, 0))  # (KV heads, group, tokens)
            values = load_tile(v_cache, ids, buffer)[seen]  # takes the place of the keys
            state.add(scores, values.swapaxes(0, 1))
        output[sequence] = normalise(state.weighted, state.total).reshape(output.shape[1:])
    return output


def gathered_attention_decode(
    q: Array,
    k_cache: Array,
    v_cache: Array,
    block_table: Array,
    seq_lens: Array,
    *,
    scale: float | None = None,
    window: int | None = None,
) -> Array:
    """Return what `paged_attention_decode` does, from a contiguous copy of each sequence's cache.

    The obvious way, and the one to be better than: it copies all keys and values first. Arguments,
    result and errors as there, without quantized caches.
    """
    check_decode(q, k_cache, v_cache, block_table, seq_lens)
    size, factor = k_cache.shape[1], softmax_scale(scale, q.shape[-1])
    output = np.zeros((*q.shape[:2], v_cache.shape[-1]), q.dtype)
    for sequence, length in enumerate(seq_lens.tolist()):
        folded = _folded(q[sequence], k_cache.shape[2], factor)
        ids = block_table[sequence, : -(-length // size)]
        attended = _attend(folded, (k_cache, v_cache), ids, length, window)
        output[sequence] = attended.reshape(output.shape[1:])
    return output


def _attend(
    folded: Array, caches: tuple[Array, Array], ids: Array, length: int, window: int | None
) -> Array:
    """Return one token's attention, (KV heads, group, d of V), over a copy of its pages."""
    keys, values = (
        cache[ids].reshape(-1, *cache.shape[2:])[:length].astype(folded.dtype, copy=False)
        for cache in caches
    )
    scores = np.matmul(folded, keys.transpose(1, 2, 0))  # (KV heads, group, length)
    Visibility(1, length, window=window).hide(scores[..., None, :])
    _, total = exponentials(scores)
    return normalise(np.matmul(scores, values.swapaxes(0, 1)), total)


def page_tiles(
    length: int, block_size: int, blocks: int, window: int | None
) -> Iterator[tuple[slice, slice]]:
    """Yield tiles of at most `blocks` pages that hold what the newest of `length` tokens sees.

    Each is a slice of the block table's row, and which of the tile's tokens are seen.
    """
    first = Visibility(1, length, window=window).span(0, 1)[0]
    for page in range(first // block_size, -(-length // block_size), blocks):
        start = page * block_size
        stop = min(start + blocks * block_size, length)
        pages = slice(page, -(-stop // block_size))
        yield pages, slice(max(first - start, 0), stop - start)


def tile_buffer(caches: Sequence[Cache], blocks: int, dtype: np.dtype[Any]) -> Array:
    """Return room for `blocks` pages of the larger cache, flat."""
    return np.empty(blocks * max(math.prod(cache.shape[1:]) for cache in caches), dtype)


def load_tile(cache: Cache, ids: Array, buffer: Array) -> Array:
    """Copy the pages `ids` of a cache into the buffer; return them as (tokens, heads, d)."""
    shape = (len(ids), *cache.shape[1:])
    tile = buffer[: math.prod(shape)].reshape(shape)
    if isinstance(cache, QuantizedCache):
        cache.load(ids, tile)
    elif cache.dtype == buffer.dtype:
        # The ids were checked; "clip" spares NumPy a second copy.
        np.take(cache, ids, axis=0, out=tile, mode="clip")
    else:
        tile[...] = cache[ids]
    return tile.reshape(-1, *shape[2:])


def check_decode(
    q: Array, k_cache: Cache, v_cache: Cache, block_table: Array, seq_lens: Array
) -> None:
    """Raise ValueError unless these are inputs of one decode step."""
    check_floats("q", q)
    for name, cache in (("k_cache", k_cache), ("v_cache", v_cache)):
        if not isinstance(cache, QuantizedCache) and cache.dtype != q.dtype:
            raise ValueError(f"{name} has dtype {cache.dtype}, expected that of q, {q.dtype}")
    check_decode_shapes(*(x.shape for x in (q, k_cache, v_cache, block_table, seq_lens)))
    check_pages(block_table, seq_lens, k_cache.shape[0], k_cache.shape[1])


def check_decode_shapes(
    q: Shape, k_cache: Shape, v_cache: Shape, block_table: Shape, seq_lens: Shape
) -> None:
    """Raise ValueError unless the shapes are those of one decode step, on whichever device."""
    if len(q) != 3 or len(k_cache) != 4 or len(v_cache) != 4:
        raise ValueError(
            f"q and the caches have shapes {(*q,)}, {(*k_cache,)} and {(*v_cache,)}"
            ", expected (batch, heads, d) and (blocks, block size, KV heads, d)"
        )
    if k_cache[:3] != v_cache[:3] or k_cache[3] != q[2] or not k_cache[1]:
        raise ValueError(f"q {(*q,)} and caches {(*k_cache,)}, {(*v_cache,)} do not fit together")
    check_heads(q[1], k_cache[2])
    if len(block_table) != 2 or block_table[0] != q[0] or tuple(seq_lens) != (q[0],):
        raise ValueError(
            f"block_table and seq_lens have shapes {(*block_table,)} and {(*seq_lens,)}"
            f", expected ({q[0]}, max blocks) and ({q[0]},)"
        )


def check_pages(block_table: Array, seq_lens: Array, blocks: int, block_size: int) -> None:
    """Raise ValueError for a length beyond the table or a block beyond the cache that is read."""
    for name, array in (("block_table", block_table), ("seq_lens", seq_lens)):
        if array.dtype.kind not in "iu":
            raise ValueError(f"{name} has dtype {array.dtype}, expected int32")
    room = block_table.shape[1] * block_size
    if ((seq_lens < 0) | (seq_lens > room)).any():
        raise ValueError(f"seq_lens are {seq_lens.tolist()}, expected 0 to the table's {room:,}")
    used = np.arange(block_table.shape[1]) < -(-seq_lens // block_size)[:, None]
    outside = used & ((block_table < 0) | (block_table >= blocks))
    if outside.any():
        sequence, entry = np.argwhere(outside)[0].tolist()
        raise ValueError(
            f"block_table[{sequence}, {entry}] is {block_table[sequence, entry]}"
            f", expected a block from 0 to {blocks - 1}"
        )


def _folded(q: Array, kv_heads: int, factor: float) -> Array:
    """Return a token's scaled queries (heads, d) as (KV heads, group, d)."""
    inner = arithmetic(q.dtype)
    return q.reshape(kv_heads, -1, q.shape[-1]).astype(inner, copy=False) * factor
