"""Flash attention's forward pass in Triton, for the tensor cores of Hopper and what came before.

What bounds it: from a few hundred tokens on, the matrix units. What was done for them:

- Tiles come through tensor descriptors. On Hopper one thread asks the copy engine for a whole
  tile, zeros beyond the edges included, so that the other threads hold no addresses and no masks
  of loads; older GPUs get the same loads as ordinary ones. Query rows past the end are never
  written, for the same reason.
- The products of 128 rows by two warpgroups run as `wgmma`: keys and values are read from shared
  memory by the matrix units themselves, the weights of a tile go from registers into the second
  product. With eight warps 128 × 128 tiles at d 128 spill no register, with four they would; the
  ahead-of-time test checks that.
- Causal rows split their keys: tiles wholly below the diagonal run without a mask, only the last
  ones compare positions. Tiles wholly above it are not visited, which halves the work.
- Late rows start first. They have the most keys, so that the last programs to end are short.

Each is a prediction until it is timed: `kvviz kernels --preset prefill --device cuda` prints every
row beside PyTorch's kernels, with the tile shapes it tried.
"""

from typing import Final, NamedTuple

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

from kvviz.kernels.triton.online import nonzero, online_step

LOG2_E: Final = 1.4426950408889634
BARRIERS: Final = 2048  # bytes of shared memory beside the tiles
SHAPES: Final = ((128, 128), (128, 64), (64, 64), (64, 32), (16, 16))  # queries and keys
SINGLE_SHAPES: Final = SHAPES[3:]  # float32: three products a product, and twice the registers
STAGES: Final = (3, 2)


class Tile(NamedTuple):
    """How a flash kernel is cut: queries and keys of a tile, warps, tiles loaded ahead."""

    block_m: int
    block_n: int
    warps: int
    stages: int

    def shared_bytes(self, width: int, itemsize: int) -> int:
        """Return the shared memory it takes, `width` being d and d of V together."""
        rows = self.block_m * width // 2 + self.stages * self.block_n * width
        return rows * itemsize + BARRIERS


def tiles(
    width: int, itemsize: int, shared: int, block_m: int | None = None, block_n: int | None = None
) -> list[Tile]:
    """Return the cuts that fit `shared` bytes, the largest first.

    Args:
        width: d and d of V together, each rounded up to a power of two.
        itemsize: bytes of a number.
        shared: shared memory a program may take.
        block_m: queries of a tile, None to choose.
        block_n: keys of a tile, None to choose.
    """
    shapes = SHAPES if itemsize == 2 else SINGLE_SHAPES
    cuts = [
        Tile(block_m or m, block_n or n, 8 if (block_m or m) >= 128 else 4, stages)
        for m, n in shapes
        for stages in STAGES
    ]
    return [cut for cut in dict.fromkeys(cuts) if cut.shared_bytes(width, itemsize) <= shared]


@triton.jit
def _visit(
    state, q, K, V, place, first, end, positions, keys, scale_log2, window,
    CAUSAL: tl.constexpr, WINDOWED: tl.constexpr, MASKED: tl.constexpr,
    BLOCK_N: tl.constexpr, D: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Take the keys [first, end) into the state (weighted sum, sum, maximum) tile by tile."""
    weighted, total, highest = state
    batch, kv_head = place
    for start in tl.range(first, end, BLOCK_N):
        k = K.load([batch, kv_head, start, 0]).reshape(BLOCK_N, D)
        scores = tl.dot(q, k.T, input_precision=PRECISION)
        if MASKED:
            columns = start + tl.arange(0, BLOCK_N)
            seen = columns[None, :] < keys
            if CAUSAL:
                seen = seen & (columns[None, :] <= positions[:, None])
            if WINDOWED:
                away = positions[:, None] - columns[None, :]
                seen = seen & (away < window) & (away > -window)
            scores = tl.where(seen, scores, float("-inf"))
        weights, kept, total, highest = online_step(scores, scale_log2, highest, total, MASKED)
        v = V.load([batch, kv_head, start, 0]).reshape(BLOCK_N, WIDTH)
        weighted = tl.dot(
            weights.to(v.dtype), v, weighted * kept[:, None], input_precision=PRECISION
        )
    return weighted, total, highest


@triton.jit
def flash_kernel(
    Q, K, V, OUT, LSE, scale_log2, queries, keys, heads, group, window,
    CAUSAL: tl.constexpr, WINDOWED: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
    D: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Attend one tile of queries of one head to its keys.

    Q, K, V and OUT are descriptors of (batch, heads, n, d); LSE is (batch, heads, queries). The
    keys fall into those that a window's edge cuts, those that every row sees, and those that the
    diagonal or the end cuts: [first, inner), [inner, outer) and [outer, end).
    """
    rows_of_tiles = tl.cdiv(queries, BLOCK_M)
    sequence_head = tl.program_id(0) // rows_of_tiles
    row = (rows_of_tiles - 1 - tl.program_id(0) % rows_of_tiles) * BLOCK_M
    batch, head = sequence_head // heads, sequence_head % heads
    place = (batch, head // group)
    low = row + keys - queries  # the first row's place among the keys
    high = low + BLOCK_M - 1
    first, inner, end = 0, 0, keys
    outer = keys // BLOCK_N * BLOCK_N
    if CAUSAL:
        end = tl.maximum(tl.minimum(end, high + 1), 0)
        outer = tl.maximum(tl.minimum(keys, low + 1), 0) // BLOCK_N * BLOCK_N
    if WINDOWED:
        if not CAUSAL:
            end = tl.maximum(tl.minimum(end, high + window), 0)
            outer = tl.minimum(outer, tl.maximum(low + window, 0) // BLOCK_N * BLOCK_N)
        first = tl.maximum(low - window + 1, 0) // BLOCK_N * BLOCK_N
        inner = tl.cdiv(tl.maximum(high - window + 1, 0), BLOCK_N) * BLOCK_N
        inner = tl.minimum(inner, tl.cdiv(end, BLOCK_N) * BLOCK_N)
        outer = tl.maximum(outer, inner)
    rows = tl.arange(0, BLOCK_M)
    q = Q.load([batch, head, row, 0]).reshape(BLOCK_M, D)
    state = (
        tl.zeros([BLOCK_M, WIDTH], tl.float32),
        tl.zeros([BLOCK_M], tl.float32),
        tl.full([BLOCK_M], float("-inf"), tl.float32),
    )
    if WINDOWED:
        state = _visit(
            state, q, K, V, place, first, inner, low + rows, keys, scale_log2, window,
            CAUSAL, WINDOWED, True, BLOCK_N, D, WIDTH, PRECISION,
        )  # fmt: skip
    state = _visit(
        state, q, K, V, place, inner, outer, low + rows, keys, scale_log2, window,
        CAUSAL, WINDOWED, False, BLOCK_N, D, WIDTH, PRECISION,
    )  # fmt: skip
    weighted, total, highest = _visit(
        state, q, K, V, place, outer, end, low + rows, keys, scale_log2, window,
        CAUSAL, WINDOWED, True, BLOCK_N, D, WIDTH, PRECISION,
    )  # fmt: skip
    out = (weighted / nonzero(total)[:, None]).to(OUT.dtype)
    OUT.store([batch, head, row, 0], out.reshape(1, 1, BLOCK_M, WIDTH))
    lse = (highest + tl.log2(total)) * 0.6931471805599453
    places = sequence_head.to(tl.int64) * queries + row + rows
    tl.store(LSE + places, lse, mask=row + rows < queries)


def launch(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    tile: Tile,
    *,
    causal: bool,
    window: int | None,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the kernel on q (batch, heads, n, d), k and v (batch, KV heads, keys, d and d of V)."""
    batch, heads, queries, d = q.shape
    keys, width = v.shape[-2:]
    out = torch.empty(batch, heads, queries, width, dtype=q.dtype, device=q.device)
    lse = torch.empty(batch, heads, queries, dtype=torch.float32, device=q.device)
    d_block, width_block = rounded(d), rounded(width)
    flash_kernel[(triton.cdiv(queries, tile.block_m) * batch * heads,)](
        _described(q, tile.block_m, d_block),
        _described(k, tile.block_n, d_block),
        _described(v, tile.block_n, width_block),
        _described(out, tile.block_m, width_block),
        *(lse, scale * LOG2_E, queries, keys, heads, heads // k.shape[1], window or 0),
        CAUSAL=causal,
        WINDOWED=window is not None,
        BLOCK_M=tile.block_m,
        BLOCK_N=tile.block_n,
        D=d_block,
        WIDTH=width_block,
        PRECISION=precision(q.dtype),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    return out, lse


def rounded(size: int) -> int:
    """Return the power of two that a side of a tile takes, at least the 16 of a matrix unit."""
    return max(16, int(triton.next_power_of_2(size)))


def precision(dtype: torch.dtype) -> str:
    """Return how products are made: of float32 numbers as three of their tf32 halves."""
    return "tf32x3" if dtype == torch.float32 else "tf32"


def _described(tensor: torch.Tensor, rows: int, columns: int) -> TensorDescriptor:
    """Return a descriptor of tiles of one head; copies what the copy engine cannot address."""
    whole = all(step * tensor.itemsize % 16 == 0 and step for step in tensor.stride()[:-1])
    if tensor.stride(-1) != 1 or not whole or tensor.data_ptr() % 16:
        tensor = tensor.clone(memory_format=torch.contiguous_format)
    return TensorDescriptor(
        tensor, list(tensor.shape), list(tensor.stride()), [1, 1, rows, columns]
    )
