"""Attention over whole sequences in Triton, and the merging of its parts."""

import torch

from kvviz.kernels.numpy.shapes import check_count, check_state_shapes
from kvviz.kernels.triton import flash as triton_flash
from kvviz.kernels.triton.checks import (
    check_attention,
    check_device,
    check_dtypes,
    positive_scale,
)
from kvviz.kernels.triton.flash import rounded
from kvviz.kernels.triton.limits import limits
from kvviz.kernels.triton.online import merge_kernel


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
    factor = positive_scale(scale, Q.shape[-1])
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
    check_state_shapes(out_a.shape, lse_a.shape, out_b.shape, lse_b.shape)
    out_a, lse_a, out_b, lse_b = (part.contiguous() for part in (out_a, lse_a, out_b, lse_b))
    out, lse = torch.empty_like(out_a), torch.empty_like(lse_a)
    width = out.shape[-1]
    if lse.numel():
        with torch.cuda.device_of(out):
            merge_kernel[(lse.numel(),)](
                *(out_a, lse_a, out_b, lse_b, out, lse), WIDTH=width, BLOCK=rounded(width)
            )
    return out, lse


def _with_four_axes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[None, None] if tensor.ndim == 2 else tensor.reshape(-1, *tensor.shape[-3:])
