"""What attention on torch tensors holds at once on a CPU: the tensors that live together, counted.

A peak is the largest of its moments, each the sum of what lives then; inputs lie contiguous, and
what Python's numbers become (8 bytes) is left out. Products of 16-bit numbers are oneDNN's where
the CPU has instructions for them: it takes room of its own, and copies operands that do not lie as
it wants them. No formula here counts that, so none is given where it might be more than 2%.

Every function takes a call's arguments by name, and the threads that multiply.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kvviz.kernels.cpu import cpu_instructions
from kvviz.kernels.numpy.cost import Sizes, query_spans, sizes
from kvviz.units import KiB

Inputs = Mapping[str, Any]
SDPA_ROWS: Final = ((768, 256), (192, 64), (0, 32))
"""Queries per block of SDPA's flash kernel, for so many queries or more."""
SDPA_KEYS: Final = 512
LEAST_PACKED: Final = 16  # queries for which it may copy keys and values into another order
INDEX: Final = 8  # bytes of a position
ONEDNN: Final = 256 * KiB  # a thread: more than a product was seen to take, 193 KiB
UNCOUNTED: Final = 0.02  # of a peak


class Mask(NamedTuple):
    """What a mask over rows of queries takes, in bytes, all 0 without one.

    Args:
        making: while it is compared from positions, a window from two comparisons.
        shown: which of all keys are seen.
        hidden: its complement, over the keys that the rows see.
        marks: the rows' largest scores, and whether they see nothing.
    """

    making: int = 0
    shown: int = 0
    hidden: int = 0
    marks: int = 0


class Moments(NamedTuple):
    """What is held at most: beside the products, in one, and what oneDNN may copy for that."""

    softmax: int = 0
    product: int = 0
    copied: int = 0


def one_line(inputs: Inputs, threads: int) -> int | None:
    """Scores and scaled scores, then scaled scores and weights: two copies."""
    s = sizes(inputs)
    return _known(s, threads, 2 * s.score_bytes, s.score_bytes + s.output_bytes)


def named(inputs: Inputs, threads: int) -> int | None:
    """Scores, scaled scores and weights have names that keep them: three copies and the output."""
    s = sizes(inputs)
    return _known(s, threads, 3 * s.score_bytes, 3 * s.score_bytes + s.output_bytes)


def in_place(inputs: Inputs, threads: int) -> int | None:
    """One copy, made from scaled queries and read for the output."""
    s = sizes(inputs)
    product = s.score_bytes + max(_queries(s, s.n), s.output_bytes)
    return _known(s, threads, s.score_bytes, product)


def hugging_face(inputs: Inputs, threads: int) -> int | None:
    """Scores and scaled scores; then the softmax in float32, of a copy if that is another dtype."""
    s = sizes(inputs)
    scores, wide = s.score_bytes, 4 * s.score_bytes // s.item
    softmax = scores + wide if s.item == 4 else scores + wide + max(wide, scores)
    return _known(s, threads, max(2 * scores, softmax), scores + s.output_bytes)


def standard(inputs: Inputs, threads: int) -> int | None:
    """All queries as one block."""
    s = sizes(inputs)
    first, end = s.seen.span(0, s.n)
    return _known(s, threads, *_block(s, s.n, end - first))


def blocks(inputs: Inputs, threads: int) -> int | None:
    """The output, and the block of queries that holds most."""
    s = sizes(inputs)
    spans = query_spans(s, inputs["block_size"])
    held = [_block(s, rows, keys) for rows, keys in spans] or [Moments()]
    softmax, product, copied = (max(each) for each in zip(*held, strict=True))
    return _known(s, threads, s.output_bytes + softmax, s.output_bytes + product, copied)


def tiles(inputs: Inputs, threads: int) -> int | None:
    """The output, its log-sum-exp, and the row of tiles that holds most.

    None in 16 bits: oneDNN may copy every tile of keys and values.
    """
    s = sizes(inputs)
    if s.item == 2:
        return None
    held = before = 0
    for rows, keys in query_spans(s, inputs["block_m"]):
        held = max(held, before + _row_of_tiles(s, rows, keys, inputs["block_n"]))
        before = s.heads * rows * (s.width + 1) * s.item  # its results, until the next row's
    return s.output_bytes + s.heads * s.n * s.item + held


def sdpa(inputs: Inputs, threads: int) -> int | None:
    """SDPA's flash kernel, which it chooses where it can, or its plain one; None of the others."""
    backend = inputs["backend"]
    if backend == "math":
        return sdpa_math(sizes(inputs))
    return sdpa_flash(sizes(inputs), threads) if backend in ("flash", None) else None


def sdpa_flash(s: Sizes, threads: int) -> int | None:
    """The output, its log-sum-exp, and every thread's tile of scores and sums in float32 or more.

    Source: PyTorch's FlashAttentionKernel.cpp; other masks than a square causal one are added as
    numbers. None where V is of another head size, which it does not run, and in 16 bits on a
    processor for whose matrix instructions it may copy all keys and values first.
    """
    if s.d != s.width or (s.item == 2 and s.n >= LEAST_PACKED and may_pack()):
        return None
    inner, square = max(s.item, 4), s.seen.causal and s.seen.window is None and s.n == s.keys
    rows = min(s.n, next(rows for least, rows in SDPA_ROWS if s.n >= least))
    keys = min(s.keys, SDPA_KEYS)
    tile = rows * (keys + 2 + s.d) * inner + rows * keys * (2 if s.item == 2 else 0)
    mask = 0 if square or not _masked(s) else s.n * s.keys * (1 + s.item)
    return mask + s.output_bytes + s.heads * s.n * inner + threads * tile


def may_pack() -> bool:
    """Whether 16-bit keys and values may be copied into another order for matrix instructions."""
    told = cpu_instructions()
    return not told or "amx" in told or "avx512_fp16" in told


def sdpa_math(s: Sizes) -> int | None:
    """Scaled queries, a causal mask as numbers, scores, weights, and which weights see nothing.

    Of 16-bit inputs float32 copies are made first, in which all is computed. None where heads
    share keys, which are repeated first, or with another mask than a square causal one.
    """
    square = s.seen.causal and s.n == s.keys
    if s.heads != s.kv_heads or s.seen.window is not None or (s.seen.causal and not square):
        return None
    inner, numbers = max(s.item, 4), s.heads * s.n * s.keys
    queries, mask = s.heads * s.n * s.d * inner, s.n * s.keys * inner if square else 0
    keys, values, output = (
        s.heads * rows * inner for rows in (s.keys * s.d, s.keys * s.width, s.n * s.width)
    )
    copies = queries + keys + values if s.item == 2 else 0
    weighing = numbers * (inner + 1) + s.heads * s.n
    if s.item == 2:
        output += 2 * numbers + s.output_bytes  # weights and output return in 16 bits
    return copies + queries + mask + numbers * inner + max(keys, weighing, output)


def _known(s: Sizes, threads: int, softmax: int, product: int, copied: int = 0) -> int | None:
    """Return the larger moment, None where a product of 16-bit numbers might hold more.

    Args:
        s: the sizes.
        threads: that multiply.
        softmax: bytes held beside the products.
        product: bytes held in one, as far as they are counted.
        copied: bytes of operands that oneDNN may copy for how they lie; where it multiplies by
            matrix instructions it may copy all keys or values all the same.
    """
    peak = max(softmax, product)
    if may_pack():
        copied = max(copied, s.kv_heads * s.keys * max(s.d, s.width) * s.item)
    most = product + copied + ONEDNN * threads
    return None if s.item == 2 and most > (1 + UNCOUNTED) * peak else peak


def _block(s: Sizes, rows: int, keys: int) -> Moments:
    """Scaled queries; scores and weights with their mask; weights and output."""
    queries, scores = _queries(s, rows), s.heads * rows * keys * s.item
    mask, output = _mask(s, rows, keys), s.heads * rows * s.width * s.item
    masks = mask.shown + mask.hidden
    softmax = max(_sliced(s, rows), scores + mask.making, 2 * scores + masks + mask.marks)
    copied = s.kv_heads * keys * max(s.d, s.width) * s.item if keys < s.keys else 0
    return Moments(queries + softmax, queries + scores + masks + output, copied)


def _row_of_tiles(s: Sizes, rows: int, keys: int, block_n: int) -> int:
    """Scaled queries, the running sums, a tile of scores; the next tile, or the sums' increment."""
    queries, mask, lines = _queries(s, rows), _mask(s, rows, min(block_n, keys)), s.heads * rows
    first = min(block_n, keys)
    tile, after = (lines * across * s.item for across in (first, min(block_n, keys - first)))
    sums = lines * (s.width + 2) * s.item
    step = lines * (s.width + 3) * s.item  # the increment, the maximum, its shift, what is kept
    walking = mask.shown + mask.hidden + tile + max(after, step)
    return queries + max(_sliced(s, rows), sums + max(mask.making, walking))


def _queries(s: Sizes, rows: int) -> int:
    """Scaled queries."""
    return s.heads * rows * s.d * s.item


def _sliced(s: Sizes, rows: int) -> int:
    """A copy of some queries of heads that are stacked, where more than one share keys."""
    return _queries(s, rows) if s.heads > s.kv_heads and rows < s.n else 0


def _masked(s: Sizes) -> bool:
    return s.seen.causal or s.seen.window is not None


def _mask(s: Sizes, rows: int, keys: int) -> Mask:
    if not _masked(s):
        return Mask()
    comparisons = 1 if s.seen.window is None else 3
    return Mask(
        making=comparisons * rows * s.keys + INDEX * (s.keys + 2 * rows),
        shown=rows * s.keys,
        hidden=rows * keys,
        marks=s.heads * rows * (s.item + 1),
    )
