"""The softmax of the Triton kernels: one tile at a time, and states that are joined afterwards.

Exponentials are powers of two: the scale of the scores is folded with log2(e) into one factor, so
that a score costs one multiply-add and one `ex2` instruction. Beside the matrix units that
instruction bounds flash attention: an H100 does 989 TFLOP/s of 16-bit products but 3.9 T
exponentials per second, half as long again at d 128 (FlashAttention-3, arXiv 2407.08608, section
3.2), so nothing else may be done a score. What it moves is to be measured with
`kvviz kernels --preset prefill --device cuda`.
"""

import triton
import triton.language as tl


@triton.jit
def online_step(scores, scale_log2, highest, total, MASKED: tl.constexpr):
    """Return a tile's weights, what is kept of earlier sums, the new sum and the new maximum.

    `scores` (rows, columns) are unscaled; `highest` and `total` (rows,) run in powers of two. Only
    a masked tile can leave a row without a key, whose maximum stays -inf.
    """
    higher = tl.maximum(highest, tl.max(scores, 1) * scale_log2)
    shift = higher
    if MASKED:
        shift = tl.where(higher == float("-inf"), 0.0, higher)
    weights = tl.exp2(scores * scale_log2 - shift[:, None])
    kept = tl.exp2(highest - shift)
    return weights, kept, total * kept + tl.sum(weights, 1), higher


@triton.jit
def nonzero(total):
    """Return sums that can be divided by: 1 for rows that saw no key."""
    return tl.where(total == 0.0, 1.0, total)


@triton.jit
def combine_kernel(
    PARTS, LSE, OUT, splits, WIDTH: tl.constexpr, SPLITS: tl.constexpr, BLOCK: tl.constexpr
):
    """Join the splits of one row: PARTS (rows, splits, WIDTH), LSE (rows, splits) base 2.

    A split is weighted by two to its log-sum-exp; one that saw no key has -inf and weighs nothing.
    """
    row = tl.program_id(0).to(tl.int64)
    split = tl.arange(0, SPLITS)
    there = split < splits
    dims = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = dims < WIDTH
    lse = tl.load(LSE + row * splits + split, mask=there, other=float("-inf"))
    top = tl.max(lse, 0)
    shares = tl.exp2(lse - tl.where(top == float("-inf"), 0.0, top))
    places = (row * splits + split)[:, None] * WIDTH + dims[None, :]
    parts = tl.load(PARTS + places, mask=there[:, None] & inside[None, :], other=0.0)
    joined = tl.sum(parts * shares[:, None], 0) / nonzero(tl.sum(shares, 0))
    tl.store(OUT + row * WIDTH + dims, joined.to(OUT.dtype.element_ty), mask=inside)


@triton.jit
def merge_kernel(A, LSE_A, B, LSE_B, OUT, LSE, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """Join two states of one row: A and B (rows, WIDTH), their natural log-sum-exps (rows,)."""
    row = tl.program_id(0).to(tl.int64)
    dims = tl.arange(0, BLOCK)
    inside = dims < WIDTH
    lse_a, lse_b = tl.load(LSE_A + row), tl.load(LSE_B + row)
    top = tl.maximum(lse_a, lse_b)
    shift = tl.where(top == float("-inf"), 0.0, top)
    share_a, share_b = tl.exp(lse_a - shift), tl.exp(lse_b - shift)
    total = share_a + share_b
    a = tl.load(A + row * WIDTH + dims, mask=inside, other=0.0).to(tl.float32)
    b = tl.load(B + row * WIDTH + dims, mask=inside, other=0.0).to(tl.float32)
    joined = (a * share_a + b * share_b) / nonzero(total)
    tl.store(OUT + row * WIDTH + dims, joined.to(OUT.dtype.element_ty), mask=inside)
    tl.store(LSE + row, shift + tl.log(total))
