"""A paged KV cache on torch tensors: writing tokens into it, and decoding from it."""

import math
from itertools import accumulate

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kvviz.kernels.paged import page_tiles
from kvviz.kernels.shapes import softmax_scale
from kvviz.kernels.torch_shapes import check_decode

TILE_TOKENS = 1024  # tokens whose keys are in a CPU core's cache together


def reshape_and_cache(
    key: Tensor, value: Tensor, k_cache: Tensor, v_cache: Tensor, slot_mapping: Tensor
) -> None:
    """Write tokens' keys and values into their slots of the cache, in place.

    Shapes as `kvviz.kernels.reshape_and_cache`; on a GPU the slots are trusted.
    """
    for name, new, cache in (("key", key, k_cache), ("value", value, v_cache)):
        if new.ndim != 3 or cache.ndim != 4 or new.shape[1:] != cache.shape[2:]:
            raise ValueError(
                f"{name} has shape {tuple(new.shape)} and its cache {tuple(cache.shape)}"
                ", expected (tokens, heads, d) and (blocks, block size, heads, d)"
            )
    places = k_cache.shape[0] * k_cache.shape[1]
    if slot_mapping.device.type == "cpu" and (slot_mapping >= places).any():
        raise ValueError(f"slot_mapping names a slot beyond the cache's {places:,}")
    kept = slot_mapping >= 0
    block = torch.div(slot_mapping[kept], k_cache.shape[1], rounding_mode="floor")
    place = slot_mapping[kept] % k_cache.shape[1]
    k_cache[block, place], v_cache[block, place] = key[kept], value[kept]


def paged_attention_decode(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_table: Tensor,
    seq_lens: Tensor,
    *,
    scale: float | None = None,
    window: int | None = None,
) -> Tensor:
    """Return the attention of one new token a sequence to its cached tokens, tile by tile.

    Arguments, shapes and errors as `kvviz.kernels.paged_attention_decode`. Sequence by sequence,
    since only one sequence's heads lie evenly apart in a tile and need no copy for the products;
    its scores, one row a head, are held until all are there (as in vLLM's first kernel).
    """
    check_decode(q, k_cache, v_cache, block_table, seq_lens)
    batch, heads, d = q.shape
    size, kv_heads, width = v_cache.shape[1:]
    folded = (q * softmax_scale(scale, d)).view(batch, kv_heads, heads // kv_heads, d)
    blocks = max(1, TILE_TOKENS // size)
    buffer = q.new_empty(min(blocks, block_table.shape[1]) * size * kv_heads * max(d, width))
    room = q.new_empty(heads * block_table.shape[1] * size)  # of one sequence's scores
    output = q.new_zeros(batch, kv_heads, heads // kv_heads, width)
    for sequence, length in enumerate(seq_lens.tolist()):
        tiles = [
            (block_table[sequence, pages], seen)
            for pages, seen in page_tiles(length, size, blocks, window)
        ]
        if tiles:
            _attend(folded[sequence], (k_cache, v_cache), tiles, (buffer, room), output[sequence])
    return output.view(batch, heads, width)


def _attend(
    q: Tensor,
    caches: tuple[Tensor, Tensor],
    tiles: list[tuple[Tensor, slice]],
    rooms: tuple[Tensor, Tensor],
    output: Tensor,
) -> None:
    """Add one token's attention to `output` (KV heads, group, d of V), zero before."""
    buffer, room = rooms
    ends = list(accumulate(seen.stop - seen.start for _, seen in tiles))
    shape = (*q.shape[:2], ends[-1])
    scores = room[: math.prod(shape)].view(shape)  # (KV heads, group, tokens)
    for (ids, seen), end in zip(tiles, ends, strict=True):
        keys = _load(caches[0], ids, buffer)[seen]  # (tokens, KV heads, d)
        scores[..., end - len(keys) : end] = torch.bmm(q, keys.permute(1, 2, 0))
    weights = torch.softmax(scores, -1, out=scores)  # row by row, so it may be in place
    for (ids, seen), end in zip(tiles, ends, strict=True):
        values = _load(caches[1], ids, buffer)[seen]
        output.baddbmm_(weights[..., end - len(values) : end], values.transpose(0, 1))


def gathered_attention_decode(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_table: Tensor,
    seq_lens: Tensor,
    *,
    scale: float | None = None,
    window: int | None = None,
) -> Tensor:
    """Return what `paged_attention_decode` does, from a contiguous copy of all caches and SDPA."""
    check_decode(q, k_cache, v_cache, block_table, seq_lens)
    longest = block_table.shape[1] * k_cache.shape[1]
    shown = _shown(seq_lens, 0, longest, window)
    keys, values = (_gathered(cache, block_table, shown) for cache in (k_cache, v_cache))
    return contiguous_attention_decode(q, keys, values, seq_lens, scale=scale, window=window)


def contiguous_attention_decode(
    q: Tensor,
    keys: Tensor,
    values: Tensor,
    seq_lens: Tensor | None = None,
    *,
    scale: float | None = None,
    window: int | None = None,
) -> Tensor:
    """Return torch's SDPA of one new token a sequence over a contiguous cache.

    Args:
        q: (batch, heads, d).
        keys: (batch, KV heads, tokens, d).
        values: (batch, KV heads, tokens, d of V).
        seq_lens: (batch,) tokens of each that are real, None for all.
        scale: factor of the scores, 1 / sqrt(d) unless given.
        window: only the last so many tokens.
    """
    batch, heads, d = q.shape
    folded = q.view(batch, keys.shape[1], heads // keys.shape[1], d)  # the group as queries
    mask = None
    if seq_lens is not None:
        mask = _shown(seq_lens, 0, keys.shape[2], window)[:, None, None]
    factor = softmax_scale(scale, d)
    output = F.scaled_dot_product_attention(folded, keys, values, mask, scale=factor)
    return output.reshape(batch, heads, values.shape[-1])


def _shown(seq_lens: Tensor, start: int, tokens: int, window: int | None) -> Tensor:
    """Return which of the tokens from `start` on each sequence sees, (batch, tokens) bool."""
    position = start + torch.arange(tokens, device=seq_lens.device)
    shown = position < seq_lens[:, None]
    return shown if window is None else shown & (position >= seq_lens[:, None] - window)


def _load(cache: Tensor, ids: Tensor, buffer: Tensor) -> Tensor:
    """Copy the pages `ids` of a cache into the buffer; return them as (tokens, heads, d)."""
    tile = buffer[: len(ids) * cache[0].numel()].view(len(ids), *cache.shape[1:])
    torch.index_select(cache, 0, ids, out=tile)
    return tile.flatten(0, 1)


def _gathered(cache: Tensor, table: Tensor, shown: Tensor) -> Tensor:
    """Return all pages of a table as (batch, heads, tokens, d), zero where not shown."""
    # Entries past a sequence's end may hold anything; page 0 is read in their place and hidden.
    read = shown.view(*table.shape, -1).any(-1)  # (batch, pages)
    pages = cache.index_select(0, table.where(read, 0).reshape(-1))
    tokens = pages.view(len(table), -1, *cache.shape[2:])
    return tokens.masked_fill_(~shown[..., None, None], 0).transpose(1, 2)
