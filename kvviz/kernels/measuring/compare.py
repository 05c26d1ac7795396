"""One comparison of a visitor's own sizes, bounded before it starts, in a process of its own.

``python -m kvviz.kernels.measuring.compare`` reads a request as JSON from standard input,
and writes lines of JSON: progress, and at last the result.
"""

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from kvviz.kernels.measuring.exact import reference
from kvviz.kernels.measuring.group import Group
from kvviz.kernels.measuring.inputs import Prefill
from kvviz.kernels.measuring.machine import numpy_rates
from kvviz.kernels.measuring.measure import (
    Call,
    Performance,
    Progress,
    measure,
    quietly,
    step_peaks,
)
from kvviz.kernels.measuring.presets import record
from kvviz.kernels.numpy.blocked import paged_attention, paged_blocks
from kvviz.kernels.numpy.cost import COSTS, Cost
from kvviz.kernels.numpy.flash import flash_attention, flash_tiles
from kvviz.kernels.numpy.shapes import Array, slices
from kvviz.kernels.numpy.standard import first_weights, standard_attention
from kvviz.units import GiB, size

DEVICES: Final = {"numpy": "CPU, NumPy", "torch": "CPU, PyTorch", "cuda": "GPU, PyTorch"}
KERNELS: Final = {"standard": "Standard", "paged": "Paged", "flash": "Flash tiles"}
DTYPES: Final = {
    "numpy": ("fp32", "fp64"),
    "torch": ("fp32", "bf16"),
    "cuda": ("bf16", "fp16", "fp32"),
}
ITEM: Final = {"fp64": 8, "fp32": 4, "bf16": 2, "fp16": 2}
MOST_BYTES: Final = GiB  # that one kernel may hold
MOST_FLOPS: Final = 1e12  # of all kernels once: about 10 s on one CPU thread
SECONDS_A_CALL: Final = 1.5
SCALING: Final = (8, 4, 2)  # the lengths beside n are n divided by these


@dataclass(frozen=True)
class Request:
    """What to compare.

    Args:
        device: one of `DEVICES`.
        n: tokens, queries and keys.
        d: head size.
        heads: query and KV heads.
        block: queries a block, and queries and keys a tile.
        kernels: some of `KERNELS`.
        dtype: one of the device's `DTYPES`.
    """

    device: str = "numpy"
    n: int = 4096
    d: int = 128
    heads: int = 8
    block: int = 128
    kernels: tuple[str, ...] = tuple(KERNELS)
    dtype: str = "fp32"

    def refusal(self) -> str:
        """Return why this may not run here, with the limit, or an empty text."""
        if not self.kernels:
            return "No kernel is chosen, expected at least one"
        costs = {kernel: self.cost(kernel) for kernel in self.kernels}
        for kernel, cost in costs.items():
            if (held := self._held(kernel, cost)) > MOST_BYTES:
                return (
                    f"{KERNELS[kernel]} would hold {size(held)} at once, more than the "
                    f"{size(MOST_BYTES)} that one run may take here: try fewer tokens or heads"
                )
        flops = sum(cost.flops for cost in costs.values())
        if flops > MOST_FLOPS:
            return (
                f"The kernels would multiply and add {flops / 1e12:.1f} TFLOP a round, more than "
                f"the {MOST_FLOPS / 1e12:.1f} that one run may take here"
            )
        return ""

    def _held(self, kernel: str, cost: Cost) -> int:
        """Return the bytes a kernel holds at once.

        Torch's eager one has weights beside the scores, and the mask and what it hides, in bytes.
        """
        more = (self.heads * ITEM[self.dtype] + 2) * self.n**2
        return (cost.peak_bytes or 0) + more * (kernel == "standard" and self.device != "numpy")

    def cost(self, kernel: str) -> Cost:
        """Return what a kernel does, from shapes alone."""
        shaped = np.lib.stride_tricks.as_strided  # arrays of the sizes that hold a single number
        one = np.zeros(1, {8: np.float64, 4: np.float32, 2: np.float16}[ITEM[self.dtype]])
        array = shaped(one, (self.heads, self.n, self.d), (0, 0, 0))
        inputs = {"Q": array, "K": array, "V": array, "causal": True, "block_size": self.block}
        blocks = {"block_m": self.block, "block_n": self.block}
        return COSTS[f"{kernel}_attention"](inputs | blocks)


def compare(
    request: Request, progress: Progress = quietly, command: str = "a run on the Kernels page"
) -> dict[str, Any]:
    """Measure a request; return results, the pattern, memory by block and the scaling over n.

    Raises:
        ValueError: it is refused.
    """
    if reason := request.refusal():
        raise ValueError(reason)
    shape = Prefill(request.n, request.d, request.heads, request.heads)
    device = "cuda" if request.device == "cuda" else "cpu"
    progress("measuring the machine", 0.0)
    group = _group(request, shape)
    told = record("page", iter([group]), device, command, _part(progress, 0, 0.6))
    q, k, _ = shape.inputs(np.float64)
    pattern = first_weights(q[0], k[0], causal=True)
    return told | {
        "request": asdict(request),
        "pattern": pattern,
        "blocks": _blocks(request, shape, _part(progress, 0.6, 0.7)),
        "scaling": _scaling(request, _part(progress, 0.7, 1.0)),
    }


def _group(request: Request, shape: Prefill) -> Group:
    calls, rates = _calls(request, shape), None
    if request.device == "numpy":
        dtype = np.dtype({"fp32": np.float32, "fp64": np.float64}[request.dtype])
        rates = numpy_rates(request.d, dtype, tile=(request.block, request.block))
    else:
        from kvviz.kernels.measuring.torch_presets import rates as torch_rates  # torch is an extra

        rates = torch_rates(calls[0].args[0])
    return Group(f"Causal prefill, {shape}, {request.dtype}", calls, rates)


def _calls(request: Request, shape: Prefill) -> list[Call]:
    inputs = shape.inputs(np.float64 if request.dtype == "fp64" else np.float32)
    exact = reference(*inputs, causal=True)
    if request.device != "numpy":
        from kvviz.kernels.measuring.torch_presets import page_calls  # torch is an extra

        device = "cuda" if request.device == "cuda" else "cpu"
        calls = page_calls(inputs, exact, device, request.dtype, request.block)
        return [calls[kernel] for kernel in request.kernels]
    block = {"block_m": request.block, "block_n": request.block}
    masked = {"causal": True}
    made = {
        "standard": Call("Standard", standard_attention, inputs, masked, reference=exact),
        "paged": Call("Paged", paged_attention, (*inputs, request.block), masked, reference=exact),
        "flash": Call("Flash tiles", flash_attention, inputs, block | masked, reference=exact),
    }
    return [made[kernel] for kernel in request.kernels]


def _blocks(request: Request, shape: Prefill, progress: Progress) -> dict[str, list[int]]:
    """Return the most bytes held while each block of queries is worked on; NumPy only."""
    if request.device != "numpy":
        return {}
    progress("memory by block", 0.0)
    inputs = shape.inputs(np.float64 if request.dtype == "fp64" else np.float32)
    held = {}
    if "paged" in request.kernels:
        blocks = paged_blocks(*inputs, request.block, causal=True)
        held["paged"] = list(step_peaks(blocks))[1:]  # the first state is before any block
    if "flash" in request.kernels:
        held["flash"] = _tile_peaks(request, inputs)
    return held


def _tile_peaks(request: Request, inputs: tuple[Array, ...]) -> list[int]:
    """Return the peak of flash by block of queries: one head's tiles beside the whole output."""
    q, k, v = (array[0] for array in inputs)
    walk: dict[str, Any] = {"block_m": request.block, "block_n": request.block, "causal": True}
    output = sum(array.nbytes for array in (inputs[0], inputs[0][..., 0]))
    rows = [0] * len(list(slices(0, request.n, request.block)))
    peaks = step_peaks(flash_tiles(q, k, v, **walk))
    for tile, peak in zip(flash_tiles(q, k, v, **walk), peaks, strict=True):
        row = tile.rows.start // request.block
        rows[row] = max(rows[row], output + peak)
    return rows


def _scaling(request: Request, progress: Progress) -> dict[str, list[dict[str, float]]]:
    """Return every kernel's time and peak at shorter lengths, shortest first."""
    curves: dict[str, list[dict[str, float]]] = {KERNELS[kernel]: [] for kernel in request.kernels}
    # Shorter than a block they would be the same for every kernel, where the whole is not.
    least = request.block if request.block < request.n else 0
    lengths = {max(least, request.n // part): part for part in SCALING}
    for number, (n, part) in enumerate(lengths.items()):
        progress(f"at n {n:,}", number / len(lengths))
        calls = _calls(request, Prefill(n, request.d, request.heads, request.heads))
        for result in measure(calls, seconds=SECONDS_A_CALL / part):
            curves[result.name].append(_point(n, result))
    return curves


def _point(n: int, result: Performance) -> dict[str, float]:
    return {"n": n, "seconds": result.seconds_minimum, "peak_bytes": result.peak_bytes}


def _part(progress: Progress, first: float, last: float) -> Progress:
    return lambda doing, share: progress(doing, first + (last - first) * share)


def _say(**told: Any) -> None:
    print(json.dumps(told), flush=True)


def main() -> None:
    """Answer one request."""
    asked = json.load(sys.stdin)
    request = Request(**asked | {"kernels": tuple(asked["kernels"])})
    try:
        result = compare(request, lambda doing, share: _say(doing=doing, share=share))
    except (ValueError, MemoryError) as error:
        _say(problem=str(error) or "the machine has no memory left for this")
    else:
        _say(result=result)


if __name__ == "__main__":
    main()
