"""MLA decode in Triton, in its absorbed form: every head attends to one cached latent.

What bounds it: with 16 heads a GPU the bytes of the latent, with all 128 of DeepSeek-V3 the matrix
units (2 · 128 · (576 + 512) FLOPs for 1,152 bytes of a token are 242 FLOPs a byte, more than an
H200 has a byte of bandwidth for). What was done:

- A tile of latents is read once and serves as keys, all 576 numbers, and as values, its first 512;
  nothing is expanded.
- 64 heads share a program where there are as many, so that its products are `wgmma` and 128 heads
  read a latent from the L2 cache twice instead of eight times. Their 64 × 512 sums alone fill half
  of the registers: tiles of 32 tokens and eight warps spill none, 64 tokens with four warps would.
- Up to 16 heads take tiles of 64 tokens, which keep more bytes under way.

Each is a prediction until it is timed: `kvviz kernels --preset decode --device cuda` prints it.
Source: DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1.2.
"""

from typing import Final

import torch
import triton
import triton.language as tl

from kvviz.kernels.triton.decode import DecodeTile, SplitPlan, combined, split_states
from kvviz.kernels.triton.flash import LOG2_E, precision, rounded
from kvviz.kernels.triton.online import nonzero, online_step

FEW_HEADS: Final = 16
MANY_HEADS: Final = 64


def mla_tile(heads: int, numbers: torch.dtype) -> tuple[int, DecodeTile]:
    """Return how many heads share a program, and how it is cut."""
    if numbers == torch.float32:
        return FEW_HEADS, DecodeTile(16, 8, 1, 1)
    if heads <= FEW_HEADS:
        return FEW_HEADS, DecodeTile(64, 8, 3, 2)
    return MANY_HEADS, DecodeTile(32, 8, 3, 1)


@triton.jit
def mla_kernel(
    Q, KV, TABLE, LENGTHS, PARTS, LSE, scale_log2, chunk, splits, heads, table_width,
    block_stride, token_stride,
    LATENT_SIZE: tl.constexpr, LATENT: tl.constexpr, ROPE_SIZE: tl.constexpr, ROPE: tl.constexpr,
    PAGE: tl.constexpr, HEADS: tl.constexpr, BLOCK_N: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Attend HEADS heads to one chunk of one sequence.

    Q is (batch, heads, LATENT_SIZE + ROPE_SIZE), PARTS (batch, heads, splits, LATENT_SIZE), LSE
    (batch, heads, splits) in powers of two; LATENT and ROPE are the sizes rounded up.
    """
    split, sequence = tl.program_id(1), tl.program_id(2)
    length = tl.load(LENGTHS + sequence)
    first = split * chunk
    end = tl.where(split == splits - 1, length, tl.minimum(first + chunk, length))
    member = tl.program_id(0) * HEADS + tl.arange(0, HEADS)
    own = (member < heads)[:, None]
    latents, ropes = tl.arange(0, LATENT), tl.arange(0, ROPE)
    inside, turned = latents[None, :] < LATENT_SIZE, ropes[None, :] < ROPE_SIZE
    row = (sequence * heads + member).to(tl.int64)
    queries = Q + row[:, None] * (LATENT_SIZE + ROPE_SIZE)
    q = tl.load(queries + latents[None, :], mask=own & inside, other=0.0)
    q_rope = tl.load(queries + LATENT_SIZE + ropes[None, :], mask=own & turned, other=0.0)
    table = TABLE + sequence.to(tl.int64) * table_width
    weighted = tl.zeros([HEADS, LATENT], tl.float32)
    total = tl.zeros([HEADS], tl.float32)
    highest = tl.full([HEADS], float("-inf"), tl.float32)
    for start in tl.range(first, end, BLOCK_N):
        token = start + tl.arange(0, BLOCK_N)
        held = token < end
        block = tl.load(table + token // PAGE, mask=held, other=0).to(tl.int64)
        places = KV + (block * block_stride + token % PAGE * token_stride)[:, None]
        latent = tl.load(places + latents[None, :], mask=held[:, None] & inside, other=0.0)
        k_rope = tl.load(
            places + LATENT_SIZE + ropes[None, :], mask=held[:, None] & turned, other=0.0
        )
        scores = tl.dot(q, latent.T, input_precision=PRECISION)
        scores = tl.dot(q_rope, k_rope.T, scores, input_precision=PRECISION)
        scores = tl.where(held[None, :], scores, float("-inf"))
        weights, kept, total, highest = online_step(scores, scale_log2, highest, total, False)
        weighted = tl.dot(
            weights.to(latent.dtype), latent, weighted * kept[:, None], input_precision=PRECISION
        )
    part = row * splits + split
    out = (weighted / nonzero(total)[:, None]).to(PARTS.dtype.element_ty)
    tl.store(PARTS + part[:, None] * LATENT_SIZE + latents[None, :], out, mask=own & inside)
    tl.store(LSE + part, highest + tl.log2(total), mask=member < heads)


def launch(
    q: torch.Tensor,
    kv_cache: torch.Tensor,
    block_table: torch.Tensor,
    seq_lens: torch.Tensor,
    plan: SplitPlan,
    *,
    latent: int,
    scale: float,
) -> torch.Tensor:
    """Run the kernel on absorbed q (batch, heads, latent + rotary); return (batch, heads, latent).

    `kv_cache` is (blocks, block size, latent + rotary).
    """
    batch, heads, size = q.shape
    shared, tile = mla_tile(heads, q.dtype)
    parts, lse = split_states(q, heads, latent, plan)
    mla_kernel[(triton.cdiv(heads, shared), plan.splits, batch)](
        *(q, kv_cache, block_table, seq_lens, parts, lse, scale * LOG2_E),
        *(plan.chunk, plan.splits, heads, block_table.stride(0), *kv_cache.stride()[:2]),
        LATENT_SIZE=latent,
        LATENT=rounded(latent),
        ROPE_SIZE=size - latent,
        ROPE=rounded(size - latent),
        PAGE=kv_cache.shape[1],
        HEADS=shared,
        BLOCK_N=tile.tokens,
        PRECISION=precision(q.dtype),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    return combined(parts, lse, q.dtype)
