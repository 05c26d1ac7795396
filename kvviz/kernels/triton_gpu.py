"""Prefill and decode on a GPU, shape by shape: PyTorch's kernels and ours in the same rounds.

A row is what `measure` tells of a kernel, its shape and its error, or why it does not run here.
Rows are yielded shape by shape, so that a run that is cut short keeps what it has.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final, TypeVar

import torch

from kvviz.kernels import gpu_shapes, triton_rows
from kvviz.kernels.gpu_shapes import Decode, Latent, Prefill
from kvviz.kernels.machine import Rates
from kvviz.kernels.measure import Call, measure
from kvviz.kernels.triton_decode import DecodeTile
from kvviz.kernels.triton_flash import SHAPES, Tile, tiles
from kvviz.kernels.triton_ops import limits
from kvviz.kernels.triton_rows import DECODE_CUTS, Device, Problem, named

Row = dict[str, Any]
Cut = TypeVar("Cut", Tile, DecodeTile)
TRIED_AT: Final = 4096  # tokens of the prefill at which all cuts are tried
TRIED: Final = SHAPES[:3]  # tiles that are worth trying there


def prefill_rows(
    on: Device, rates: Rates, shapes: Sequence[Prefill] = gpu_shapes.PREFILL
) -> Iterator[list[Row]]:
    """Yield the rows of each shape; the cut that is best at 4,096 tokens is kept for the others."""
    best: dict[tuple[int, bool], Tile] = {}
    for shape in sorted(shapes, key=lambda shape: shape.n != TRIED_AT):
        kind = (shape.d, shape.causal)
        cuts = [best[kind]] if kind in best else flash_cuts(shape.d, on)
        found = rows(shape, partial(triton_rows.prefill, shape, cuts, on), rates)
        best.setdefault(kind, fastest(cuts, found))
        yield found


def decode_rows(
    on: Device, rates: Rates, shapes: Sequence[Decode] = gpu_shapes.DECODE
) -> Iterator[list[Row]]:
    """Yield the rows of each shape; the cut that is best at the largest is kept for its page."""
    best: dict[int, DecodeTile] = {}
    for shape in sorted(shapes, key=lambda shape: -shape.kv_bytes):
        cuts = [best[shape.page]] if shape.page in best else list(DECODE_CUTS)
        found = rows(shape, partial(triton_rows.decode, shape, cuts, on), rates)
        best.setdefault(shape.page, fastest(cuts, found))
        yield found


def quantized_rows(
    on: Device, rates: Rates, shapes: Sequence[Decode] = gpu_shapes.QUANTIZED
) -> Iterator[list[Row]]:
    """Yield the rows of decode over caches in 8 bits."""
    for shape in shapes:
        for scheme in gpu_shapes.KV_SCHEMES:
            yield rows(shape, partial(triton_rows.quantized, shape, scheme, on), rates)


def latent_rows(
    on: Device, rates: Rates, shapes: Sequence[Latent] = gpu_shapes.LATENT
) -> Iterator[list[Row]]:
    """Yield the rows of MLA decode."""
    for shape in shapes:
        yield rows(shape, partial(triton_rows.latent, shape, on), rates)


def flash_cuts(d: int, on: Device) -> list[Tile]:
    """Return the cuts to try for a head size."""
    fitting = tiles(2 * d, on.dtype.itemsize, limits(on.device).shared_bytes)
    return [cut for cut in fitting if (cut.block_m, cut.block_n) in TRIED] or fitting[:1]


def fastest(cuts: Sequence[Cut], found: Sequence[Row]) -> Cut:
    """Return the cut whose row has the shortest median, the first where none ran."""
    seconds = {row["name"]: row["seconds_median"] for row in found if "refused" not in row}
    return min(cuts, key=lambda cut: seconds.get(named(cut), float("inf")))


def rows(shape: Prefill | Decode | Latent, make: Callable[[], Problem], rates: Rates) -> list[Row]:
    """Measure one shape; a kernel that does not run here has a row that says why."""
    torch.compiler.reset()  # each shape is compiled by itself, and none is given up on
    told: Row = {"shape": asdict(shape)}
    try:
        problem = make()
    except torch.OutOfMemoryError:
        return [told | {"name": "all", "refused": "its inputs do not fit this GPU"}]
    errors = {call.name: _tried(problem, call) for call in problem.calls}
    refused = {name: reason for name, reason in errors.items() if isinstance(reason, str)}
    calls = [call for call in problem.calls if call.name not in refused]
    told["kv_bytes"] = problem.kv_bytes
    ran = [
        told | result.as_dict() | {"error": errors[result.name]} for result in measure(calls, rates)
    ]
    return ran + [told | {"name": name, "refused": why} for name, why in refused.items()]


def _tried(problem: Problem, call: Call) -> float | str:
    """Return a call's error, or why it does not run here."""
    try:
        return problem.error(call())
    except Exception as refusal:  # whatever a library raises, the others go on
        return str(refusal).partition("\n")[0] or type(refusal).__name__
