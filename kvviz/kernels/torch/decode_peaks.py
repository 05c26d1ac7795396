"""What decoding on torch tensors holds at once on a CPU, counted as in `peaks`."""

from collections.abc import Mapping
from typing import Any, Final

from kvviz.kernels.numpy.cost import Sizes
from kvviz.kernels.numpy.paged import TILE_TOKENS, page_tiles
from kvviz.kernels.numpy.visibility import Visibility
from kvviz.kernels.torch import cpp as torch_cpp
from kvviz.kernels.torch.peaks import INDEX, sdpa_flash

Inputs = Mapping[str, Any]
SINGLE: Final = 4  # bytes of a number in single precision
WIDEST: Final = 16  # of those in the longest vector of a processor


def paged(inputs: Inputs, threads: int) -> int | None:
    """In C++ where that runs these and nothing else is asked for, else by torch's operators."""
    step = (inputs[name] for name in ("q", "k_cache", "v_cache"))
    if inputs["backend"] == "operators" or torch_cpp.obstacle(*step):
        return by_operators(inputs)
    return in_cpp(inputs, threads)


def by_operators(inputs: Inputs) -> int | None:
    """One tile's keys or values and its scores, beside the weights and results of those before.

    None in 16 bits, as of `tiles`.
    """
    q, v_cache, window = inputs["q"], inputs["v_cache"], inputs["window"]
    (_, heads, d), (_, size, kv_heads, width) = q.shape, v_cache.shape
    item: int = q.itemsize
    if item == 2:
        return None
    pages = min(max(1, TILE_TOKENS // size), inputs["block_table"].shape[1])
    result, held, before = heads * (width + 1) * item, 0, 0
    for length in inputs["seq_lens"].tolist():
        done = 0
        for _, seen in page_tiles(length, size, pages, window):
            weights = heads * (seen.stop - seen.start) * item
            held = max(held, done * result + before + 2 * weights + 3 * heads * item)
            before, done = weights, done + 1
        # Merging them: the results, a stack of them, their products with the weights, the sum.
        held = max(held, before + 3 * done * result + heads * width * item)
    room = pages * size * kv_heads * max(d, width)
    whole: int = (len(q) * heads * (d + width) + room) * item + held
    return whole


def in_cpp(inputs: Inputs, threads: int) -> int | None:
    """The results of all parts, beside a thread's room for one, then beside what merges them.

    None where a row is padded to whole vectors, whose length is the processor's.
    """
    q, (_, size, _, width) = inputs["q"], inputs["v_cache"].shape
    batch, heads, d = q.shape
    if d % WIDEST or width % WIDEST:
        return None
    part = max(1, TILE_TOKENS // size) * size
    longest = max(inputs["seq_lens"].tolist(), default=0)
    parts = torch_cpp.count_parts(longest, inputs["window"], size, part)
    result, lse = batch * heads * width * SINGLE, parts * batch * heads * SINGLE
    room = threads * heads * (d + part + width) * SINGLE
    merged = lse + (parts + 1) * result
    turned = result + (result * q.itemsize // SINGLE if q.itemsize < SINGLE else 0)
    whole: int = parts * result + lse + max(room, 2 * lse, merged, turned)
    return whole


def gathered(inputs: Inputs, threads: int) -> int | None:
    """A copy of all pages of keys and of values, and SDPA on them with a mask of tokens."""
    q, table, v_cache = inputs["q"], inputs["block_table"], inputs["v_cache"]
    (batch, _, d), (_, size, kv_heads, width) = q.shape, v_cache.shape
    item: int = q.itemsize
    pages = table.shape[1]
    copies: int = batch * pages * size * kv_heads * (d + width) * item
    shown: int = batch * pages * size
    ids = batch * pages * (1 + table.itemsize)
    made = max(2 * INDEX * pages * size, INDEX * pages * size + 3 * shown)
    attention = _folded(q, kv_heads, pages * size, width, threads)
    if attention is None:
        return None
    beside: int = max(ids, shown + batch * pages, made, shown * (1 + item) + attention)
    return copies + shown + beside


def contiguous(inputs: Inputs, threads: int) -> int | None:
    """SDPA with the heads of a KV head as its queries; None with lengths, which take a mask."""
    if inputs["seq_lens"] is not None:
        return None
    _, kv_heads, tokens, width = inputs["values"].shape
    return _folded(inputs["q"], kv_heads, tokens, width, threads)


def grouped(inputs: Inputs, threads: int) -> int | None:
    """SDPA with one query a head."""
    q, (_, kv_heads, tokens, width) = inputs["q"], inputs["values"].shape
    heads, kv = len(q) * q.shape[1], len(q) * kv_heads
    seen = Visibility(1, tokens)
    return sdpa_flash(Sizes(heads, kv, 1, tokens, q.shape[-1], width, q.itemsize, seen), threads)


def _folded(q: Any, kv_heads: int, tokens: int, width: int, threads: int) -> int | None:
    """SDPA of one token of each q (batch, heads, d), the heads of a KV head as its queries."""
    lines, group = len(q) * kv_heads, q.shape[1] // kv_heads
    seen = Visibility(group, tokens)
    s = Sizes(lines, lines, group, tokens, q.shape[-1], width, q.itemsize, seen)
    return sdpa_flash(s, threads)
