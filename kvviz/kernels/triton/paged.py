"""One new token per sequence over paged caches in Triton: of keys and values, and of latents."""

from collections.abc import Sequence

import torch
import triton

from kvviz.kernels.numpy.paged import check_decode_shapes
from kvviz.kernels.numpy.shapes import check_count
from kvviz.kernels.triton import decode as triton_decode
from kvviz.kernels.triton import mla as triton_mla
from kvviz.kernels.triton.checks import (
    check_caches,
    check_device,
    check_latents,
    check_pages,
    positive_scale,
)
from kvviz.kernels.triton.decode import SplitPlan, decode_tile, plan_splits
from kvviz.kernels.triton.limits import limits
from kvviz.kernels.triton.pages import Pages


def paged_attention_decode(
    q: torch.Tensor,
    k_cache: torch.Tensor | Pages,
    v_cache: torch.Tensor | Pages,
    block_table: torch.Tensor,
    seq_lens: torch.Tensor,
    *,
    scale: float | None = None,
    window: int | None = None,
    plan: SplitPlan | None = None,
) -> torch.Tensor:
    """Return the attention of one new token per sequence to its cached tokens.

    Sources: Kwon et al., "PagedAttention", 2023; Dao et al., "Flash-Decoding", 2023.

    Args:
        q: (batch, heads, d), float16, bfloat16 or float32.
        k_cache: (blocks, block size, KV heads, d), the dtype of `q` or quantized `Pages`.
        v_cache: (blocks, block size, KV heads, d of V), as `k_cache`.
        block_table: (batch, max blocks) int32; entries past a sequence's length are never read.
        seq_lens: (batch,) int32, tokens cached of each sequence, the new one included.
        scale: factor of the scores above 0, 1 / sqrt(d) unless given.
        window: only the last so many tokens.
        plan: from `plan_decode`, made once for all layers of a step. Without one lengths and table
            are read back, which waits for the GPU, and checked; with one the table is trusted.

    Returns:
        (batch, heads, d of V), the dtype of `q`; zeros where a sequence has no token.

    Raises:
        ValueError: shapes, dtypes, a length beyond the table, or a block beyond the cache.
        RuntimeError: tensors on a CPU without the interpreter.
    """
    keys, values = (
        cache if isinstance(cache, Pages) else Pages(cache) for cache in (k_cache, v_cache)
    )
    check_device(q, keys.numbers, values.numbers, block_table, seq_lens)
    check_caches(q, keys, values)
    shapes = (q, keys.numbers, values.numbers, block_table, seq_lens)
    check_decode_shapes(*(tensor.shape for tensor in shapes))
    factor = positive_scale(scale, q.shape[-1])
    window = None if window is None else check_count("window", window)
    if not q.numel():
        return q.new_zeros(*q.shape[:2], values.numbers.shape[-1])
    if plan is None:
        check_pages(block_table, seq_lens, keys.numbers)
        plan = plan_decode(seq_lens.tolist(), keys, values, window=window)
    width = keys.numbers.shape[-1] + values.numbers.shape[-1]
    tile = decode_tile(keys.numbers.dtype, width)
    with torch.cuda.device_of(q):
        return triton_decode.launch(
            *(q.contiguous(), keys, values, _int32(block_table), _int32(seq_lens), plan, tile),
            window=window,
            scale=factor,
        )


def plan_decode(
    lengths: Sequence[int], keys: Pages, values: Pages, *, window: int | None = None
) -> SplitPlan:
    """Return how to cut sequences of these lengths for the device that holds the caches."""
    numbers = keys.numbers
    tile = decode_tile(numbers.dtype, numbers.shape[-1] + values.numbers.shape[-1])
    read = [length if window is None else min(length, window) for length in lengths]
    return plan_splits(
        read, numbers.shape[2], tile.tokens, limits(numbers.device).sms * tile.resident
    )


def mla_decode(
    q_nope: torch.Tensor,
    q_rope: torch.Tensor,
    kv_cache: torch.Tensor,
    w_uk: torch.Tensor,
    w_uv: torch.Tensor,
    block_table: torch.Tensor,
    seq_lens: torch.Tensor,
    *,
    scale: float | None = None,
    plan: SplitPlan | None = None,
) -> torch.Tensor:
    """Return the attention of one new token per sequence, in the absorbed form of MLA.

    Source: DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1.2; the cache's layout is vLLM's.

    Args:
        q_nope: (batch, heads, d), the queries' part without position, float16, bfloat16 or float32.
        q_rope: (batch, heads, r), their rotary part.
        kv_cache: (blocks, block size, c + r), a token's latent and its shared rotary key.
        w_uk: (heads, d, c), from the latent to keys.
        w_uv: (heads, d of V, c), from the latent to values.
        block_table: (batch, max blocks) int32; entries past a sequence's length are never read.
        seq_lens: (batch,) int32, tokens cached of each sequence, the new one included.
        scale: factor of the scores above 0, 1 / sqrt(d + r) unless given.
        plan: from `plan_mla_decode`; as in `paged_attention_decode`.

    Returns:
        (batch, heads, d of V), the dtype of `q_nope`; zeros where a sequence has no token.

    Raises:
        ValueError: shapes, dtypes, a length beyond the table, or a block beyond the cache.
        RuntimeError: tensors on a CPU without the interpreter.
    """
    check_device(q_nope, q_rope, kv_cache, w_uk, w_uv, block_table, seq_lens)
    check_latents(q_nope, q_rope, kv_cache, w_uk, w_uv)
    one_head = (*kv_cache.shape[:2], 1, q_nope.shape[-1])
    check_decode_shapes(q_nope.shape, one_head, one_head, block_table.shape, seq_lens.shape)
    if not q_nope.numel():
        return q_nope.new_zeros(*q_nope.shape[:2], w_uv.shape[1])
    if plan is None:
        check_pages(block_table, seq_lens, kv_cache)
        plan = plan_mla_decode(seq_lens.tolist(), q_nope.shape[1], kv_cache)
    absorbed = torch.einsum("bhd,hdc->bhc", q_nope, w_uk)
    with torch.cuda.device_of(q_nope):
        attended = triton_mla.launch(
            torch.cat([absorbed, q_rope], dim=-1),
            kv_cache if kv_cache.stride(-1) == 1 else kv_cache.contiguous(),
            *(_int32(block_table), _int32(seq_lens), plan),
            latent=w_uk.shape[-1],
            scale=positive_scale(scale, q_nope.shape[-1] + q_rope.shape[-1]),
        )
    return torch.einsum("bhc,hvc->bhv", attended, w_uv)


def plan_mla_decode(lengths: Sequence[int], heads: int, kv_cache: torch.Tensor) -> SplitPlan:
    """Return how to cut sequences of these lengths for the device that holds the latents."""
    shared, tile = triton_mla.mla_tile(heads, kv_cache.dtype)
    slots = limits(kv_cache.device).sms * tile.resident
    return plan_splits(lengths, triton.cdiv(heads, shared), tile.tokens, slots)


def _int32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.int32).contiguous()
