"""Paged decode in Triton: one new token per sequence against pages scattered over the cache.

What bounds it: the bytes of the cache, each read once. What was done for them:

- The query heads that share a KV head are one tile of 16 rows or more, so that a page is read once
  for all of them; the rows that pad it cost matrix work, which decode has to spare.
- A sequence is cut into chunks that run side by side, and their states are joined afterwards
  (Flash-Decoding, Dao et al., 2023). `plan_splits` chooses the chunk from the lengths and from how
  many programs the GPU holds at once: fewer would leave it idle, more would read and write states
  for nothing. With one chunk the kernel writes the output itself.
- KV heads are the fastest axis of the grid: the heads of one page lie side by side in memory, and
  programs that start together open the same rows of DRAM.
- Tiles of keys and values are fetched ahead into shared memory, the block table one tile further,
  since its entries are addresses of the next. Several programs share a multiprocessor, so that
  one's arithmetic hides behind another's loads.
- A window starts at its first token: pages before it are neither looked up nor read.
- 8-bit pages are read as they are and widened in registers, exactly: fp16 holds every e4m3 number,
  both 16-bit floats every int8 one. With e4m3 pages bf16 queries become fp16, because one
  instruction widens two such numbers to fp16 but none widens them to bf16: a tile of 64 tokens
  takes 729 instructions a warp on sm_90 instead of 923. Queries beyond fp16's 65,504 would
  overflow. Scales multiply a tile's scores and weights, never its d numbers per token.

Each is a prediction until it is timed: `kvviz kernels --preset decode --device cuda` prints every
row beside the bandwidth of a copy in the same run.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
import triton
import triton.language as tl

from kvviz.kernels.triton.flash import LOG2_E, precision, rounded
from kvviz.kernels.triton.online import combine_kernel, nonzero, online_step
from kvviz.kernels.triton.pages import Pages

ALL_TOKENS: Final = 2**31 - 1  # a window that ends no sequence
MAX_SPLITS: Final = 128
START_TILES: Final = 2  # what a program's start costs, in tiles, an assumption until it is timed
COMBINED: Final = 64  # numbers of a row that one program of the combine joins


class DecodeTile(NamedTuple):
    """How a decode kernel is cut: tokens of a tile, warps, tiles ahead, programs an SM holds."""

    tokens: int
    warps: int
    stages: int
    resident: int


class SplitPlan(NamedTuple):
    """How the sequences of a batch are cut: tokens of a chunk, chunks of the longest.

    The last chunk takes what is left, so that a plan made for shorter sequences is slow, not wrong.
    """

    chunk: int
    splits: int


def decode_tile(numbers: torch.dtype, width: int) -> DecodeTile:
    """Return the cut for a cache of `numbers` whose d and d of V are `width` together."""
    if numbers == torch.float32 or width > 256:
        return DecodeTile(32, 4, 2, 2)
    return DecodeTile(64, 4, 3, 4 if numbers.itemsize == 2 else 3)


def plan_splits(lengths: Sequence[int], kv_heads: int, tile: int, slots: int) -> SplitPlan:
    """Return the cut under which the GPU is done first.

    Time is counted in tokens that a program reads: as many rounds as the programs need on `slots`
    places, each a chunk and its start. Of equal ones the fewest chunks win.

    Args:
        lengths: tokens to read of each sequence.
        kv_heads: programs a chunk has.
        tile: tokens of a tile; chunks are whole tiles.
        slots: programs that the GPU holds at once.
    """
    tokens = np.asarray(lengths, np.int64)
    longest = int(tokens.max(initial=0))
    most = min(MAX_SPLITS, max(1, -(-longest // tile)))
    chunks = -(-max(longest, 1) // (np.arange(1, most + 1) * tile)) * tile  # (cuts,)
    programs = kv_heads * (-(-tokens[:, None] // chunks)).sum(axis=0)
    rounds = np.maximum(-(-programs // slots), 1)
    chunk = int(chunks[np.argmin(rounds * (chunks + START_TILES * tile))])
    return SplitPlan(chunk, max(1, -(-longest // chunk)))


@triton.jit
def _token_scale(SCALE, slots, kv_heads, kv_head, held):
    return tl.load(SCALE + slots * kv_heads + kv_head, mask=held, other=0.0)[None, :]


@triton.jit
def decode_kernel(
    Q, K, V, K_SCALE, V_SCALE, TABLE, LENGTHS, PARTS, LSE, scale_log2, window, chunk, splits,
    kv_heads, table_width, k_block, k_token, k_head, v_block, v_token, v_head,
    GROUP: tl.constexpr, ROWS: tl.constexpr, SIZE: tl.constexpr, D: tl.constexpr,
    WIDTH_SIZE: tl.constexpr, WIDTH: tl.constexpr, PAGE: tl.constexpr, BLOCK_N: tl.constexpr,
    QUANTIZED: tl.constexpr, TOKEN_SCALES: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Attend the query heads of one KV head to one chunk of one sequence.

    Q is (batch, heads, SIZE), PARTS (batch, heads, splits, WIDTH_SIZE), LSE (batch, heads, splits)
    in powers of two; D, WIDTH and ROWS are SIZE, WIDTH_SIZE and GROUP rounded up.
    """
    kv_head, split, sequence = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(LENGTHS + sequence)
    first = tl.maximum(length - window, 0) + split * chunk
    end = tl.where(split == splits - 1, length, tl.minimum(first + chunk, length))
    member, dims, widths = tl.arange(0, ROWS), tl.arange(0, D), tl.arange(0, WIDTH)
    own = member < GROUP
    row = ((sequence * kv_heads + kv_head) * GROUP + member).to(tl.int64)
    inside, wide = dims[None, :] < SIZE, widths[None, :] < WIDTH_SIZE
    q = tl.load(Q + row[:, None] * SIZE + dims[None, :], mask=own[:, None] & inside, other=0.0)
    value_scale = 1.0
    if K.dtype.element_ty == tl.float8e4nv and q.dtype == tl.bfloat16:
        q = q.to(tl.float16)
    if QUANTIZED and not TOKEN_SCALES:
        scale_log2 *= tl.load(K_SCALE)
        value_scale = tl.load(V_SCALE)
    table = TABLE + sequence.to(tl.int64) * table_width
    weighted = tl.zeros([ROWS, WIDTH], tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    highest = tl.full([ROWS], float("-inf"), tl.float32)
    for start in tl.range(first, end, BLOCK_N):
        token = start + tl.arange(0, BLOCK_N)
        held = token < end
        block = tl.load(table + token // PAGE, mask=held, other=0).to(tl.int64)
        slot = token % PAGE
        k_place = block * k_block + slot * k_token + kv_head * k_head
        k_mask = held[:, None] & inside
        k = tl.load(K + k_place[:, None] + dims[None, :], mask=k_mask, other=0.0)
        scores = tl.dot(q, k.to(q.dtype).T, input_precision=PRECISION)
        if TOKEN_SCALES:
            scores *= _token_scale(K_SCALE, block * PAGE + slot, kv_heads, kv_head, held)
        scores = tl.where(held[None, :], scores, float("-inf"))
        weights, kept, total, highest = online_step(scores, scale_log2, highest, total, False)
        if TOKEN_SCALES:
            weights *= _token_scale(V_SCALE, block * PAGE + slot, kv_heads, kv_head, held)
        v_place = block * v_block + slot * v_token + kv_head * v_head
        v_mask = held[:, None] & wide
        v = tl.load(V + v_place[:, None] + widths[None, :], mask=v_mask, other=0.0)
        weighted = tl.dot(
            weights.to(q.dtype), v.to(q.dtype), weighted * kept[:, None], input_precision=PRECISION
        )
    part = row * splits + split
    out = weighted * (value_scale / nonzero(total))[:, None]
    places = PARTS + part[:, None] * WIDTH_SIZE + widths[None, :]
    tl.store(places, out.to(PARTS.dtype.element_ty), mask=own[:, None] & wide)
    tl.store(LSE + part, highest + tl.log2(total), mask=own)


def launch(
    q: torch.Tensor,
    keys: Pages,
    values: Pages,
    block_table: torch.Tensor,
    seq_lens: torch.Tensor,
    plan: SplitPlan,
    tile: DecodeTile,
    *,
    window: int | None,
    scale: float,
) -> torch.Tensor:
    """Run the kernel on q (batch, heads, d); return (batch, heads, d of V) in its dtype."""
    batch, heads, d = q.shape
    _, page, kv_heads, width = values.numbers.shape
    group = heads // kv_heads
    parts, lse = split_states(q, heads, width, plan)
    decode_kernel[(kv_heads, plan.splits, batch)](
        *(q, keys.numbers, values.numbers, keys.scale, values.scale, block_table, seq_lens),
        *(parts, lse, scale * LOG2_E, ALL_TOKENS if window is None else window),
        *(plan.chunk, plan.splits, kv_heads, block_table.stride(0)),
        *(*keys.numbers.stride()[:3], *values.numbers.stride()[:3]),
        GROUP=group,
        ROWS=rounded(group),
        SIZE=d,
        D=rounded(d),
        WIDTH_SIZE=width,
        WIDTH=rounded(width),
        PAGE=page,
        BLOCK_N=tile.tokens,
        QUANTIZED=keys.scale is not None,
        TOKEN_SCALES=keys.scale is not None and keys.scale.ndim > 1,
        PRECISION=precision(q.dtype),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    return combined(parts, lse, q.dtype)


def split_states(
    q: torch.Tensor, heads: int, width: int, plan: SplitPlan
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return room for (batch, heads, splits, width) and (batch, heads, splits).

    A single split is the output and has the queries' dtype; several are joined in float32.
    """
    shape = (q.shape[0], heads, plan.splits)
    dtype = q.dtype if plan.splits == 1 else torch.float32
    parts = torch.empty(*shape, width, dtype=dtype, device=q.device)
    return parts, torch.empty(shape, dtype=torch.float32, device=q.device)


def combined(parts: torch.Tensor, lse: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Join the splits of `split_states`; return (batch, heads, width)."""
    batch, heads, splits, width = parts.shape
    if splits == 1:
        return parts[:, :, 0]
    out = torch.empty(batch, heads, width, dtype=dtype, device=parts.device)
    combine_kernel[(batch * heads, triton.cdiv(width, COMBINED))](
        *(parts, lse, out, splits),
        WIDTH=width,
        SPLITS=triton.next_power_of_2(splits),
        BLOCK=COMBINED,
    )
    return out
