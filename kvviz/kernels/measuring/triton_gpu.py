"""Prefill and decode on a GPU, shape by shape: PyTorch's kernels and ours in the same rounds.

Groups are yielded shape by shape, as `kvviz.kernels.measuring.presets` records them, so that a run
that is cut short keeps what it has. A kernel that does not run here has a note that says why.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import torch

from kvviz.kernels.measuring import triton_rows
from kvviz.kernels.measuring.call import Call
from kvviz.kernels.measuring.gpu_shapes import Filled, Latent
from kvviz.kernels.measuring.inputs import Decode
from kvviz.kernels.measuring.machine import Rates
from kvviz.kernels.measuring.measure import measure
from kvviz.kernels.measuring.triton_rows import DECODE_CUTS, Device, Problem, named
from kvviz.kernels.triton.decode import DecodeTile
from kvviz.kernels.triton.flash import SHAPES, Tile, tiles
from kvviz.kernels.triton.limits import limits
from kvviz.kernels.triton.pages import SCHEMES

Measured = dict[str, Any]
Cut = TypeVar("Cut", Tile, DecodeTile)
TITLES: Final = {
    "prefill": "Prefill",
    "decode": "Decode",
    "quant": "Decode, KV in 8 bits",
    "latent": "MLA decode",
}
TRIED_AT: Final = 4096  # tokens of the prefill at which all cuts are tried
TRIED: Final = SHAPES[:3]  # tiles that are worth trying there


def prefill_groups(on: Device, rates: Rates, shapes: Sequence[Filled]) -> Iterator[Measured]:
    """Yield each shape's group; the cut that is best at 4,096 tokens is kept for the others."""
    best: dict[tuple[int, bool], Tile] = {}
    for shape in sorted(shapes, key=lambda shape: shape.n != TRIED_AT):
        kind = (shape.d, shape.causal)
        cuts = [best[kind]] if kind in best else flash_cuts(shape.d, on)
        found = measured("prefill", shape, partial(triton_rows.prefill, shape, cuts, on), rates)
        best.setdefault(kind, fastest(cuts, found))
        yield found


def decode_groups(on: Device, rates: Rates, shapes: Sequence[Decode]) -> Iterator[Measured]:
    """Yield each shape's group; the cut that is best at the largest is kept for its page size."""
    best: dict[int, DecodeTile] = {}
    for shape in sorted(shapes, key=lambda shape: -shape.batch * shape.n):
        cuts = [best[shape.block_size]] if shape.block_size in best else list(DECODE_CUTS)
        found = measured("decode", shape, partial(triton_rows.decode, shape, cuts, on), rates)
        best.setdefault(shape.block_size, fastest(cuts, found))
        yield found


def quantized_groups(on: Device, rates: Rates, shapes: Sequence[Decode]) -> Iterator[Measured]:
    """Yield the groups of decode over caches in 8 bits."""
    for shape in shapes:
        for scheme in SCHEMES:
            make = partial(triton_rows.quantized, shape, scheme, on)
            yield measured("quant", shape, make, rates)


def latent_groups(on: Device, rates: Rates, shapes: Sequence[Latent]) -> Iterator[Measured]:
    """Yield the groups of MLA decode."""
    for shape in shapes:
        yield measured("latent", shape, partial(triton_rows.latent, shape, on), rates)


def flash_cuts(d: int, on: Device) -> list[Tile]:
    """Return the cuts to try for a head size."""
    fitting = tiles(2 * d, on.dtype.itemsize, limits(on.device).shared_bytes)
    return [cut for cut in fitting if (cut.block_m, cut.block_n) in TRIED] or fitting[:1]


def fastest(cuts: Sequence[Cut], found: Measured) -> Cut:
    """Return the cut whose row has the shortest median, the first where none ran."""
    seconds = {row["name"]: row["seconds_median"] for row in found["rows"]}
    return min(cuts, key=lambda cut: seconds.get(named(cut), float("inf")))


def measured(
    part: str, shape: triton_rows.Shape, make: Callable[[], Problem], rates: Rates
) -> Measured:
    """Measure one shape of a part, and return it as a group of results."""
    torch.compiler.reset()  # each shape is compiled by itself, and none is given up on
    found: Measured = {"title": f"{TITLES[part]}, {shape}", "part": part}
    found |= {"shape": shape._asdict(), "rates": rates.as_dict(), "rows": [], "notes": []}
    try:
        problem = make()
    except torch.OutOfMemoryError:
        return found | {"notes": ["Its inputs do not fit on this GPU."]}
    errors = {call.name: _tried(problem, call) for call in problem.calls}
    refused = {name: reason for name, reason in errors.items() if isinstance(reason, str)}
    calls = [call for call in problem.calls if call.name not in refused]
    found["rows"] = [
        result.as_dict() | {"kv_bytes": problem.kv_bytes, "error": errors[result.name]}
        for result in measure(calls, rates)
    ]
    found["notes"] = [f"{name} was left out: {why}." for name, why in refused.items()]
    return found | {"notes": found["notes"] + [_reached(row, rates) for row in found["rows"]]}


def _reached(row: Measured, rates: Rates) -> str:
    """Say what a kernel reached of what the same run's large product and copy did."""
    seconds = row["seconds_median"]
    products = row["flops"] / seconds / rates.gemm_flops
    copy = row["bytes_moved"] / seconds / rates.copy_bytes_s
    return (
        f"{row['name']}: {row['flops'] / seconds / 1e12:,.1f} TFLOP/s, {products:.2f} of the "
        f"product's rate, {copy:.2f} of the copy's bandwidth, "
        f"{seconds / row['predicted_seconds']:.2f} × the floor."
    )


def _tried(problem: Problem, call: Call) -> float | str:
    """Return a call's error, or why it does not run here."""
    try:
        return problem.error(call())
    except Exception as refusal:  # whatever a library raises, the others go on
        return (str(refusal).partition("\n")[0] or type(refusal).__name__).rstrip(".")
