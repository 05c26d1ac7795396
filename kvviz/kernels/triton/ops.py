"""The attention of `kvviz.kernels` in Triton, on CUDA tensors, with the same names and shapes.

On a CPU the kernels run in Triton's interpreter, to be checked and not to be timed: set
TRITON_INTERPRET=1 before this module is imported. There bfloat16 products are not those of a GPU.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
import triton

from kvviz.kernels.numpy.paged import check_decode_shapes
from kvviz.kernels.numpy.shapes import check_count, softmax_scale
from kvviz.kernels.triton import decode as triton_decode
from kvviz.kernels.triton import flash as triton_flash
from kvviz.kernels.triton import mla as triton_mla
from kvviz.kernels.triton.checks import (
    check_attention,
    check_caches,
    check_device,
    check_dtypes,
    check_latents,
    check_pages,
)
from kvviz.kernels.triton.decode import SplitPlan, decode_tile, plan_splits
from kvviz.kernels.triton.flash import rounded
from kvviz.kernels.triton.online import merge_kernel
from kvviz.kernels.triton.pages import Pages, quantize

__all__ = [
    "Pages",
    "SplitPlan",
    "flash_attention",
    "flash_tiles_that_fit",
    "merge_attn_states",
    "mla_decode",
    "paged_attention_decode",
    "plan_decode",
    "plan_mla_decode",
    "quantize",
]


class Limits(NamedTuple):
    """What a GPU holds: multiprocessors, and bytes of shared memory that one program may take."""

    sms: int
    shared_bytes: int


NO_GPU: Final = Limits(4, 232_448)  # in the interpreter: few, so that sequences are split there too


def flash_attention(
    Q: torch.Tensor,
    K: torch.Tensor,
    V: torch.Tensor,
    *,
    block_m: int | None = None,
    block_n: int | None = None,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return exact attention and the log-sum-exp of its scores, one tile at a time.

    Source: Dao, "FlashAttention-2", 2023, algorithm 1. float32 products are made of three tf32
    ones each.

    Args:
        Q: (..., heads, n, d) or (n, d), float16, bfloat16 or float32.
        K: (..., KV heads, keys, d) or (keys, d); KV heads divide heads.
        V: (..., KV heads, keys, d of V) or (keys, d of V).
        block_m: queries of a tile, a power of two from 16; chosen unless given.
        block_n: keys of a tile, a power of two from 16; chosen unless given.
        causal: no key after the query, the last query standing at the last key.
        window: only keys less than so many positions away.
        scale: factor of the scores above 0, 1 / sqrt(d) unless given.

    Returns:
        The output, (..., heads, n, d of V) or (n, d of V), zero where a row sees no key, and the
        log-sum-exp, (..., heads, n) or (n,), float32, -inf for such rows.

    Raises:
        ValueError: shapes, dtypes or settings that do not fit together, head sizes of a number of
            bytes that 16 does not divide, tiles beyond the GPU's shared memory.
        RuntimeError: tensors on a CPU without the interpreter.
    """
    check_device(Q, K, V)
    check_attention(Q, K, V)
    factor = _factor(scale, Q.shape[-1])
    shape, width = Q.shape[:-1], V.shape[-1]
    if not (Q.numel() and K.numel()):
        empty = torch.full(shape, float("-inf"), dtype=torch.float32, device=Q.device)
        return Q.new_zeros(*shape, width), empty
    cuts = flash_tiles_that_fit(Q, V, block_m=block_m, block_n=block_n)
    if not cuts:
        raise ValueError(f"tiles of {block_m} × {block_n} do not fit this GPU's shared memory")
    q, k, v = (_with_four_axes(tensor) for tensor in (Q, K, V))
    window = None if window is None else check_count("window", window)
    with torch.cuda.device_of(Q):
        out, lse = triton_flash.launch(q, k, v, cuts[0], causal=causal, window=window, scale=factor)
    return out.reshape(*shape, width), lse.reshape(shape)


def flash_tiles_that_fit(
    Q: torch.Tensor, V: torch.Tensor, *, block_m: int | None = None, block_n: int | None = None
) -> list[triton_flash.Tile]:
    """Return the cuts that fit the shared memory of the device of Q, the one to use first."""
    for name, block in (("block_m", block_m), ("block_n", block_n)):
        if block is not None and (check_count(name, block, 16) & (block - 1)):
            raise ValueError(f"{name} is {block}, expected a power of two")
    width = rounded(Q.shape[-1]) + rounded(V.shape[-1])
    return triton_flash.tiles(width, Q.itemsize, limits(Q.device).shared_bytes, block_m, block_n)


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
    """Return the attention of one new token a sequence to its cached tokens.

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
    factor = _factor(scale, q.shape[-1])
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
    """Return the attention of one new token a sequence, in the absorbed form of MLA.

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
            scale=_factor(scale, q_nope.shape[-1] + q_rope.shape[-1]),
        )
    return torch.einsum("bhc,hvc->bhv", attended, w_uv)


def plan_mla_decode(lengths: Sequence[int], heads: int, kv_cache: torch.Tensor) -> SplitPlan:
    """Return how to cut sequences of these lengths for the device that holds the latents."""
    shared, tile = triton_mla.mla_tile(heads, kv_cache.dtype)
    slots = limits(kv_cache.device).sms * tile.resident
    return plan_splits(lengths, triton.cdiv(heads, shared), tile.tokens, slots)


def merge_attn_states(
    out_a: torch.Tensor, lse_a: torch.Tensor, out_b: torch.Tensor, lse_b: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the attention over two sets of keys together, from that over each.

    Source: "Cascade Inference" (FlashInfer) and vLLM's operator of this name.

    Args:
        out_a: (..., d of V), the output over the first keys, float16, bfloat16 or float32.
        lse_a: (...) float32, its log-sum-exp, -inf where it saw no key.
        out_b: (..., d of V), the output over the other keys.
        lse_b: (...) float32, its log-sum-exp.

    Returns:
        The output (..., d of V) and log-sum-exp (...) over all the keys.

    Raises:
        ValueError: shapes or dtypes that do not fit together.
        RuntimeError: tensors on a CPU without the interpreter.
    """
    check_device(out_a, lse_a, out_b, lse_b)
    check_dtypes(out_a=out_a, out_b=out_b)
    if out_a.shape != out_b.shape or not lse_a.shape == lse_b.shape == out_a.shape[:-1]:
        shapes = ", ".join(str((*part.shape,)) for part in (out_a, lse_a, out_b, lse_b))
        raise ValueError(f"outputs and log-sum-exps have shapes {shapes}, expected (..., d), (...)")
    out_a, lse_a, out_b, lse_b = (part.contiguous() for part in (out_a, lse_a, out_b, lse_b))
    out, lse = torch.empty_like(out_a), torch.empty_like(lse_a)
    width = out.shape[-1]
    if lse.numel():
        with torch.cuda.device_of(out):
            merge_kernel[(lse.numel(),)](
                *(out_a, lse_a, out_b, lse_b, out, lse), WIDTH=width, BLOCK=rounded(width)
            )
    return out, lse


def limits(device: torch.device) -> Limits:
    """Return what a device can hold of a kernel."""
    if device.type != "cuda":
        return NO_GPU
    index = torch.cuda.current_device() if device.index is None else device.index
    known = triton.runtime.driver.active.utils.get_device_properties(index)
    return Limits(known["multiprocessor_count"], known["max_shared_mem"])


def _int32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.int32).contiguous()


def _factor(scale: float | None, head_size: int) -> float:
    """Return the factor of the scores; the kernels find maxima before they apply it."""
    factor = softmax_scale(scale, head_size)
    if factor <= 0:
        raise ValueError(f"scale is {factor!r}, expected a number above 0")
    return factor


def _with_four_axes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[None, None] if tensor.ndim == 2 else tensor.reshape(-1, *tensor.shape[-3:])
