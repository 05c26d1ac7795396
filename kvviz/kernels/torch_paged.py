"""A paged KV cache on torch tensors: writing tokens into it, and decoding from it."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kvviz.kernels.shapes import softmax_scale
from kvviz.kernels.torch_shapes import check_decode
from kvviz.kernels.visibility import Visibility

TILE_TOKENS = 256  # of every sequence, read together


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

    Arguments, shapes and errors as `kvviz.kernels.paged_attention_decode`. A tile holds the same
    pages of every sequence; what lies past a sequence's end is masked.
    """
    check_decode(q, k_cache, v_cache, block_table, seq_lens)
    batch, heads, d = q.shape
    size, kv_heads, width = v_cache.shape[1:]
    factor = softmax_scale(scale, d)
    folded = (q * factor).view(batch, kv_heads, heads // kv_heads, d)
    inner = torch.promote_types(q.dtype, torch.float32)
    highest = torch.full((*folded.shape[:3], 1), -torch.inf, dtype=inner, device=q.device)
    total, weighted = torch.zeros_like(highest), highest.new_zeros(*folded.shape[:3], width)
    longest, shortest = (int(end) for end in seq_lens.aminmax()[::-1]) if batch else (0, 0)
    first = Visibility(1, shortest, window=window).span(0, 1)[0] // size
    pages = max(1, TILE_TOKENS // size)
    for page in range(first, -(-longest // size), pages):
        ids = block_table[:, page : page + pages]
        shown = _shown(seq_lens, page * size, ids.shape[1] * size, window)
        complete = window is None and (page + ids.shape[1]) * size <= shortest
        keys, values = (_tile(cache, ids, complete, shown) for cache in (k_cache, v_cache))
        scores = torch.matmul(folded, keys.permute(0, 2, 3, 1)).to(inner)
        if not complete:
            scores.masked_fill_(~shown[:, None, None], -torch.inf)
        risen = torch.maximum(highest, scores.amax(-1, keepdim=True))
        shift = risen if complete else risen.masked_fill(risen.isneginf(), 0)
        weights, kept = scores.sub_(shift).exp_(), (highest - shift).exp_()
        total = total * kept + weights.sum(-1, keepdim=True)
        weighted.mul_(kept).add_(torch.matmul(weights.to(q.dtype), values.transpose(1, 2)))
        highest = risen
    return (weighted / total.masked_fill(total == 0, 1)).to(q.dtype).view(batch, heads, width)


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
    keys, values = (_tile(cache, block_table, False, shown) for cache in (k_cache, v_cache))
    return contiguous_attention_decode(
        q, keys.transpose(1, 2), values.transpose(1, 2), seq_lens, scale=scale, window=window
    )


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


def _tile(cache: Tensor, ids: Tensor, complete: bool, shown: Tensor) -> Tensor:
    """Return pages (batch, pages) of a cache as (batch, tokens, heads, d), zero where not shown."""
    # Entries past a sequence's end may hold anything; page 0 is read in their place and hidden.
    read = shown.view(*ids.shape, -1).any(-1)  # (batch, pages)
    known = ids if complete else ids.where(read, 0)
    tile = cache.index_select(0, known.reshape(-1)).view(len(ids), -1, *cache.shape[2:])
    return tile if complete else tile.masked_fill_(~shown[..., None, None], 0)
