"""FlexAttention, compiled, over the same pages through torch's own paged helper."""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.experimental._paged_attention import PagedAttention
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from kvviz.kernels.numpy.shapes import softmax_scale
from kvviz.kernels.numpy.visibility import Visibility
from kvviz.kernels.torch.shapes import check_decode, check_inputs


def flex_flash_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Tensor:
    """Return attention by compiled FlexAttention, (batch, heads, n, d) inputs.

    Source: Dong et al., "Flex Attention", 2024. Arguments as `kvviz.kernels.flash_attention`.
    """
    check_inputs(Q, K, V)
    if Q.ndim != 4:
        raise ValueError(f"Q has shape {tuple(Q.shape)}, expected (batch, heads, n, d)")
    mask = _mask(Visibility(Q.shape[-2], K.shape[-2], causal, window), Q.device)
    factor, shared = softmax_scale(scale, Q.shape[-1]), Q.shape[1] != K.shape[1]
    output: Tensor = compiled()(Q, K, V, block_mask=mask, scale=factor, enable_gqa=shared)
    return output


def with_mask(Q: Tensor, K: Tensor, V: Tensor, causal: bool = False) -> tuple[Any, ...]:
    """Return the arguments of `flex_masked_attention`: a mask, made once, and the inputs."""
    return _mask(Visibility(Q.shape[-2], K.shape[-2], causal), Q.device), Q, K, V


def flex_masked_attention(mask: BlockMask | None, Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """Return attention by compiled FlexAttention with a mask that was made before."""
    output: Tensor = compiled()(Q, K, V, block_mask=mask)
    return output


class FlexPagedDecode:
    """Decoding over one block table: the mask is made once, every call attends through it.

    The pages stay where they are: torch's helper turns the block mask's logical pages into
    physical ones.
    """

    def __init__(self, block_table: Tensor, seq_lens: Tensor, blocks: int, block_size: int) -> None:
        batch, device = len(block_table), block_table.device
        pages = PagedAttention(blocks, block_size, batch, device=device.type)
        logical = torch.arange(block_table.shape[1], device=device)
        used = logical < -(-seq_lens // block_size)[:, None]
        pages.page_table[:, : block_table.shape[1]] = block_table.where(used, -1)
        sequence, entry = used.nonzero(as_tuple=True)
        pages.physical_to_logical[sequence, block_table[sequence, entry].long()] = entry

        def cached(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
            return key < seq_lens[b]

        tokens = block_table.shape[1] * block_size
        mask = create_block_mask(
            cached, batch, None, 1, tokens, device=device.type, BLOCK_SIZE=(128, block_size)
        )
        self._mask = pages.convert_logical_block_mask(mask)

    def __call__(
        self, q: Tensor, k_cache: Tensor, v_cache: Tensor, *, scale: float | None = None
    ) -> Tensor:
        """Return (batch, heads, d of V) for q (batch, heads, d) over the caches' pages."""
        keys, values = (x.flatten(0, 1).transpose(0, 1)[None] for x in (k_cache, v_cache))
        factor, shared = softmax_scale(scale, q.shape[-1]), q.shape[1] != keys.shape[1]
        output: Tensor = compiled()(
            q[:, :, None], keys, values, block_mask=self._mask, scale=factor, enable_gqa=shared
        )
        return output[:, :, 0]


def flex_paged_attention_decode(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_table: Tensor,
    seq_lens: Tensor,
    *,
    scale: float | None = None,
) -> Tensor:
    """Return the attention of one new token per sequence, by compiled FlexAttention.

    Arguments, shapes and errors as `kvviz.kernels.paged_attention_decode`, without a window; every
    sequence needs a token. For many steps over one table keep a `FlexPagedDecode`.
    """
    check_decode(q, k_cache, v_cache, block_table, seq_lens)
    decode = FlexPagedDecode(block_table, seq_lens, k_cache.shape[0], k_cache.shape[1])
    return decode(q, k_cache, v_cache, scale=scale)


@cache
def compiled() -> Any:
    """Return FlexAttention compiled; uncompiled it would hold all scores."""
    return torch.compile(flex_attention, dynamic=False)


def _mask(seen: Visibility, device: torch.device) -> BlockMask | None:
    if not seen.causal and seen.window is None:
        return None
    ahead, window = seen.keys - seen.queries, seen.window

    def shown(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        if window is None:
            return query + ahead >= key
        distance = query + ahead - key
        near = (distance < window) & (distance > -window)
        return near & (distance >= 0) if seen.causal else near

    return create_block_mask(shown, None, None, seen.queries, seen.keys, device=device.type)


def with_pages(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, block_table: Tensor, seq_lens: Tensor
) -> tuple[Any, ...]:
    """Return the arguments of a `FlexPagedDecode`'s call: itself, made once, and what it reads."""
    blocks, size = k_cache.shape[:2]
    return FlexPagedDecode(block_table, seq_lens, blocks, size), q, k_cache, v_cache
