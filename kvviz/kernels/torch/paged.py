"""A paged KV cache on torch tensors: writing tokens into it, and decoding from it.

What bounds decoding by torch's own operators on a CPU: products take tensors whose rows lie evenly
apart, so scattered pages are first copied into a tile. For batch 8, n 8,192, 32 heads on 8, d 64
and pages of 16 in fp32, one core of an AMD EPYC spends about 13 ms on the copies (21 GB/s, a page
at a time), 11 ms on the products (most of it MKL's own repacking of keys and values), 1 ms on
softmax and 2 ms on small steps. Smaller tiles pay for more calls, larger ones leave the cache. A
kernel in C++ reads the pages where they lie: 17 ms where SDPA takes 23 ms over a contiguous cache,
which has no copies to make (medians of 60 rounds in turn).
"""

from collections.abc import Iterator
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kvviz.kernels.numpy.paged import TILE_TOKENS, check_written, page_tiles
from kvviz.kernels.numpy.shapes import check_count, softmax_scale
from kvviz.kernels.torch import cpp as torch_cpp
from kvviz.kernels.torch.shapes import check_decode

DECODE_BACKENDS: Final = ("cpp", "operators")


def reshape_and_cache(
    key: Tensor, value: Tensor, k_cache: Tensor, v_cache: Tensor, slot_mapping: Tensor
) -> None:
    """Write tokens' keys and values into their slots of the cache, in place.

    Shapes as `kvviz.kernels.reshape_and_cache`; on a GPU the slots are trusted.
    """
    for name, new, cache in (("key", key, k_cache), ("value", value, v_cache)):
        check_written(name, new.shape, cache.shape)
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
    backend: str | None = None,
) -> Tensor:
    """Return the attention of one new token per sequence to its cached tokens, tile by tile.

    Every tile gives an output and its log-sum-exp, by which all are merged at the end (as in
    "Flash-Decoding", Dao et al., 2023): fewer steps a tile than a running softmax.

    Arguments, shapes and errors as `kvviz.kernels.paged_attention_decode`, and

    Args:
        backend: one of `DECODE_BACKENDS`: "cpp" reads pages where they lie, on a CPU, and is
            compiled when it is first called; "operators" copies them into tiles for torch's own.
            None for the first of them that runs.

    Raises:
        ValueError: also a backend that does not run these here, with the reason.
    """
    check_decode(q, k_cache, v_cache, block_table, seq_lens)
    if backend not in (None, *DECODE_BACKENDS):
        raise ValueError(f"backend is {backend!r}, expected {' or '.join(DECODE_BACKENDS)}")
    if window is not None:
        check_count("window", window)
    obstacle = None if backend == "operators" else torch_cpp.obstacle(q, k_cache, v_cache)
    if backend == "cpp" and obstacle:
        raise ValueError(f"backend cpp does not run this here: {obstacle}")
    factor, size = softmax_scale(scale, q.shape[-1]), k_cache.shape[1]
    if backend == "operators" or obstacle:
        return _by_operators(q, k_cache, v_cache, block_table, seq_lens, factor, window)
    part = max(1, TILE_TOKENS // size) * size
    outputs, lse = torch_cpp.decode_states(
        q, k_cache, v_cache, block_table, seq_lens, scale=factor, window=window, part=part
    )
    return _merged(outputs, lse).to(q.dtype)


def _by_operators(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_table: Tensor,
    seq_lens: Tensor,
    scale: float,
    window: int | None,
) -> Tensor:
    """Decode sequence by sequence: only one's heads lie evenly apart in a tile, for products."""
    batch, heads, d = q.shape
    size, kv_heads, width = v_cache.shape[1:]
    folded = (q * scale).view(batch, kv_heads, heads // kv_heads, d)
    blocks = min(max(1, TILE_TOKENS // size), block_table.shape[1])
    k_tile, v_tile = _tiles(k_cache, v_cache, blocks)
    keys = k_tile.flatten(0, 1).permute(1, 2, 0)  # (KV heads, d, tokens)
    values = v_tile.flatten(0, 1).transpose(0, 1)  # (KV heads, tokens, d of V)
    output = q.new_zeros(*folded.shape[:3], width)
    for sequence, length in enumerate(seq_lens.tolist()):
        query, table, states = folded[sequence], block_table[sequence], []
        for pages, seen in page_tiles(length, size, blocks, window):
            ids = table[pages]
            torch.index_select(k_cache, 0, ids, out=k_tile[: len(ids)])
            weights, lse = _softmax(torch.bmm(query, keys[..., seen]))
            torch.index_select(v_cache, 0, ids, out=v_tile[: len(ids)])  # where the keys were
            states.append((torch.bmm(weights.to(q.dtype), values[:, seen]), lse))
        if states:
            # Unnamed, so that one sequence's states are gone before the next one's come.
            output[sequence] = _merged(*(torch.stack(x) for x in zip(*states, strict=True)))
    return output.view(batch, heads, width)


def _softmax(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of scores (..., tokens), at least float32, and their log-sum-exp (...)."""
    weights = torch.softmax(scores, -1, dtype=torch.promote_types(scores.dtype, torch.float32))
    # The largest weight is exp(largest score - lse), so the exponentials need no second pass.
    return weights, scores.amax(-1) - weights.amax(-1).log()


def _merged(outputs: Tensor, lse: Tensor) -> Tensor:
    """Return the output of all tokens from outputs (parts, ..., d of V) and lse (parts, ...).

    A part of no tokens has an lse of -inf; where all have, the outputs are zeros and so is theirs.
    """
    weights = torch.softmax(lse.clamp_min(torch.finfo(lse.dtype).min), 0)
    return (outputs * weights[..., None]).sum(0)


def _tiles(k_cache: Tensor, v_cache: Tensor, blocks: int) -> Iterator[Tensor]:
    """Yield room for so many pages of either cache, the same room for both."""
    sizes = [blocks * cache[0].numel() for cache in (k_cache, v_cache)]
    room = k_cache.new_empty(max(sizes))
    for size, cache in zip(sizes, (k_cache, v_cache), strict=True):
        yield room[:size].view(blocks, *cache.shape[1:])


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
    """Return torch's SDPA of one new token per sequence over a contiguous cache.

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


def _gathered(cache: Tensor, table: Tensor, shown: Tensor) -> Tensor:
    """Return all pages of a table as (batch, heads, tokens, d), zero where not shown."""
    # Entries past a sequence's end may hold anything; page 0 is read in their place and hidden.
    read = shown.view(*table.shape, -1).any(-1)  # (batch, pages)
    pages = cache.index_select(0, table.where(read, 0).reshape(-1))
    tokens = pages.view(len(table), -1, *cache.shape[2:])
    return tokens.masked_fill_(~shown[..., None, None], 0).transpose(1, 2)
