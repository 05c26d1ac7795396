"""What each kernel does, in closed form: products, scores, bytes moved and bytes held at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from kvviz.kernels.numpy.flash import BLOCK_M, BLOCK_N
from kvviz.kernels.numpy.paged import TILE_TOKENS
from kvviz.kernels.numpy.shapes import slices
from kvviz.kernels.numpy.visibility import BAND, Visibility


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call does, by formula.

    Args:
        rate: which of the machine's rates its products and scores have.
        flops: of the two products, 2 a multiply-add; masked scores count where they are computed.
        scores: scores that are computed and exponentiated.
        bytes_moved: bytes that must cross to and from memory beyond the caches.
        fresh_bytes: bytes of newly allocated memory that are written for the first time.
        peak_bytes: bytes held at once above the inputs, the output included; None where an
            implementation's own allocations have no formula here.
    """

    rate: str
    flops: int
    scores: int
    bytes_moved: int
    fresh_bytes: int
    peak_bytes: int | None


Spans = Sequence[tuple[int, int]]  # the queries and the keys of every block


class Sizes(NamedTuple):
    """The sizes of one attention over whole sequences, with all leading axes in the heads."""

    heads: int
    kv_heads: int
    n: int
    keys: int
    d: int
    width: int
    item: int  # bytes of a number, and of a score
    seen: Visibility

    @property
    def score_bytes(self) -> int:
        """S: one copy of all scores."""
        return self.heads * self.n * self.keys * self.item

    @property
    def output_bytes(self) -> int:
        """The output."""
        return self.heads * self.n * self.width * self.item

    @property
    def least_bytes(self) -> int:
        """Inputs read once, output written once."""
        kv = self.kv_heads * self.keys * (self.d + self.width)
        return (self.heads * self.n * self.d + kv) * self.item + self.output_bytes

    def working_bytes(self, heads: int, rows: int, keys: int) -> int:
        """What a step beside such scores takes: a mask and its comparison, or NumPy's buffer."""
        buffer = min(BUFFER, heads * rows * keys) * self.item
        if not self.seen.causal and self.seen.window is None:
            return buffer
        band = min(BAND, rows) * keys  # of bool, compared from two buffers of int64
        return max(buffer, 2 * band + 16 * min(BUFFER, band))

    def cost(self, rate: str, scores: int, passes: int, fresh: int, peak: int | None) -> Cost:
        """Return the cost of computing so many scores and moving `passes` bytes of them."""
        flops, moved = 2 * scores * (self.d + self.width), self.least_bytes + passes
        return Cost(rate, flops, scores, moved, self.output_bytes + fresh, peak)


# The scores are written by the product; read for the maximum; read and written by subtraction and
# by exponential; read for the sum and by the second product.
PASSES: Final = 8
WRITTEN: Final = PASSES + 4  # where every step has an array of its own
BUFFER: Final = np.getbufsize()  # numbers that NumPy buffers of what it repeats along rows


def standard(s: Sizes) -> Cost:
    """All scores at once, in place."""
    rows = 2 * s.heads * s.n * s.item
    peak = s.score_bytes + rows + max(s.output_bytes, s.heads * s.n * s.d * s.item)
    peak += s.working_bytes(s.heads, s.n, s.keys)
    return s.cost("wide", s.heads * s.n * s.keys, PASSES * s.score_bytes, s.score_bytes, peak)


def textbook(s: Sizes) -> Cost:
    """All scores at once, a new array for every step, three of them alive together."""
    held = _written_out(s, s.n, s.keys)
    return s.cost("wide", s.heads * s.n * s.keys, WRITTEN * s.score_bytes, 4 * s.score_bytes, held)


def textbook_blocks(s: Sizes, spans: Spans) -> Cost:
    """The same for one block at a time, the output of the block before still there."""
    scores = s.heads * sum(rows * keys for rows, keys in spans)
    block = s.heads * max((rows for rows, _ in spans), default=0) * s.width * s.item
    held = max((_written_out(s, rows, keys) for rows, keys in spans), default=0)
    peak = s.output_bytes + block * (len(spans) > 1) + held
    return s.cost("wide", scores, WRITTEN * scores * s.item, 4 * scores * s.item, peak)


def _written_out(s: Sizes, rows: int, keys: int) -> int:
    """Return what a new array for every step takes: three copies of the scores, two vectors."""
    area = s.heads * rows * keys
    return (3 * area + 2 * s.heads * rows + min(BUFFER, area)) * s.item


def blocked(s: Sizes, spans: Spans) -> Cost:
    """The scores of one block of queries at a time; `spans` are each block's queries and keys."""
    areas = [rows * keys for rows, keys in spans]
    height = max((rows for rows, _ in spans), default=0)
    largest = max(areas, default=0) + height * (max(s.d, s.width) + 2)
    rows, keys = max(spans, default=(0, 0), key=math.prod)
    held = s.heads * largest * s.item + s.working_bytes(s.heads, rows, keys)
    scores = s.heads * sum(areas)
    passes = PASSES * scores * s.item
    return s.cost("wide", scores, passes, scores * s.item, s.output_bytes + held)


def tiled(s: Sizes, block_m: int = BLOCK_M, block_n: int = BLOCK_N) -> Cost:
    """Tiles of scores that stay in the cache: K and V are read once a block of queries."""
    spans = query_spans(s, block_m)
    scores = s.heads * sum(rows * keys for rows, keys in spans)
    read = s.heads * sum(keys for _, keys in spans) * (s.d + s.width) * s.item
    tile = max((rows for rows, _ in spans), default=0) * min(block_n, s.keys) * s.item
    turns = pairwise([(0, 0), *spans, *spans[: s.heads > 1]])
    held = max((_tile_row(s, last, *row, block_n) for (last, _), row in turns), default=0)
    lse = s.heads * s.n * s.item
    return s.cost("tile", scores, read, 0, s.output_bytes + lse + tile + held)


def _tile_row(s: Sizes, last: int, rows: int, keys: int, block_n: int) -> int:
    """Return what a row of tiles holds beside its tile, after a row of `last` queries.

    The scaled queries, the sum of values and five vectors of its own, the sums of the row before,
    which its last tile still names; and in a step the sum's increment, or what a mask takes. When
    the row begins, the scaled queries of the row before are still there.
    """
    before, own = last * (s.width + 2), rows * (s.d + s.width + 5)
    step = max(rows * s.width * s.item, s.working_bytes(1, rows, min(block_n, keys)))
    return max((before + own) * s.item + step, (before + (last + rows) * s.d) * s.item)


def fused(s: Sizes) -> Cost:
    """What no kernel can do less than: the visible scores alone, every byte moved once."""
    scores = s.heads * sum(keys for _, keys in query_spans(s, 1))
    return s.cost("bound", scores, 0, 0, None)


def decode(inputs: Mapping[str, Any], gathered: bool = False, fused: bool = False) -> Cost:
    """One new token per sequence over a paged cache, each page read once.

    Fused, it is what no kernel can do less than.
    """
    q, k_cache, v_cache = inputs["q"], inputs["k_cache"], inputs["v_cache"]
    batch, heads, d = q.shape
    _, size, kv_heads, width = v_cache.shape
    window = inputs.get("window")
    lengths = [min(length, window or length) for length in inputs["seq_lens"].tolist()]
    pages = sum(-(-length // size) for length in lengths)
    kv = sum(pages * cache.nbytes // cache.shape[0] for cache in (k_cache, v_cache))
    scores, longest = heads * sum(lengths), max(lengths, default=0)
    output = batch * heads * width * q.itemsize
    # Tiles share one buffer for keys and values, a gathered copy needs both; then the scores.
    held = longest if gathered else min(longest, max(1, TILE_TOKENS // size) * size)
    copies = d + width if gathered else max(d, width)
    peak = output + held * (kv_heads * copies + heads) * q.itemsize
    return Cost(
        rate="bound" if fused else "page",
        flops=2 * scores * (d + width),
        scores=scores,
        bytes_moved=kv + batch * heads * d * q.itemsize + output,
        fresh_bytes=kv if gathered else 0,
        peak_bytes=peak if hasattr(k_cache, "dtype") and not fused else None,
    )


def latent(inputs: Mapping[str, Any]) -> Cost:
    """One new token per sequence over cached latents, each page read once, in MLA's absorbed form.

    The least that a kernel can do, the products with the up-projections included.
    """
    q, q_rope, cache = inputs["q_nope"], inputs["q_rope"], inputs["kv_cache"]
    w_uk, w_uv = inputs["w_uk"], inputs["w_uv"]
    (batch, heads, d), rope, width, rank = q.shape, q_rope.shape[-1], w_uv.shape[1], w_uk.shape[-1]
    lengths = inputs["seq_lens"].tolist()
    scores = heads * sum(lengths)
    pages = sum(-(-length // cache.shape[1]) for length in lengths)
    output = batch * heads * width * q.itemsize
    read = pages * cache.nbytes // cache.shape[0] + q.nbytes + q_rope.nbytes
    return Cost(
        rate="bound",
        flops=2 * scores * (2 * rank + rope) + 2 * batch * heads * (d + width) * rank,
        scores=scores,
        bytes_moved=read + w_uk.nbytes + w_uv.nbytes + output,
        fresh_bytes=0,
        peak_bytes=None,
    )


def sizes(inputs: Mapping[str, Any]) -> Sizes:
    """Return the sizes of the inputs Q, K, V and masks of a call, NumPy's or torch's."""
    q, k, v = (inputs[name] for name in "QKV")
    seen = Visibility(q.shape[-2], k.shape[-2], inputs.get("causal", False), inputs.get("window"))
    heads, kv_heads = math.prod(q.shape[:-2]), math.prod(k.shape[:-2])
    lengths = q.shape[-2], k.shape[-2]
    return Sizes(heads, kv_heads, *lengths, q.shape[-1], v.shape[-1], q.itemsize, seen)


def query_spans(s: Sizes, size: int) -> Spans:
    """Return how many queries and keys each block of `size` queries has."""
    spans = ((rows, s.seen.span(rows.start, rows.stop)) for rows in slices(0, s.n, size))
    return [(rows.stop - rows.start, end - first) for rows, (first, end) in spans]


def prefixes(inputs: Mapping[str, Any]) -> Spans:
    """Return the queries and keys of blocks that see all keys up to their end."""
    rows = slices(0, inputs["Q"].shape[-2], inputs["block_size"])
    return [(block.stop - block.start, block.stop) for block in rows]


def neighbourhoods(inputs: Mapping[str, Any]) -> Spans:
    """Return the queries and keys of blocks that see themselves and `overlap` keys around."""
    n, around = inputs["Q"].shape[-2], inputs.get("overlap", 0)
    return [
        (rows.stop - rows.start, min(n, rows.stop + around) - max(0, rows.start - around))
        for rows in slices(0, n, inputs["block_size"])
    ]
