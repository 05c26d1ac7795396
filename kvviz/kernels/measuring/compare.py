"""One comparison of a visitor's own sizes, bounded before it starts, in a process of its own.

``python -m kvviz.kernels.measuring.compare`` reads a request as JSON from standard input,
and writes lines of JSON: progress, and at last the result.
"""

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from kvviz.kernels.kernel import Line, loaded
from kvviz.kernels.measuring.call import Call, line_call
from kvviz.kernels.measuring.exact import reference
from kvviz.kernels.measuring.group import Group
from kvviz.kernels.measuring.inputs import PREFILL, Prefill
from kvviz.kernels.measuring.machine import numpy_rates
from kvviz.kernels.measuring.measure import Performance, Progress, measure, quietly
from kvviz.kernels.measuring.meter import step_peaks
from kvviz.kernels.measuring.presets import record
from kvviz.kernels.numpy.cost import Cost
from kvviz.kernels.numpy.standard import first_weights
from kvviz.kernels.records import on_page
from kvviz.units import GiB, size

DEVICES: Final = {"numpy": "CPU, NumPy", "torch": "CPU, PyTorch", "cuda": "GPU, PyTorch"}
LIBRARIES: Final = {"numpy": ("numpy",), "torch": ("torch",), "cuda": ("triton", "torch")}
DTYPES: Final = {
    "numpy": ("fp32", "fp64"),
    "torch": ("fp32", "bf16"),
    "cuda": ("bf16", "fp16", "fp32"),
}
ITEM: Final = {"fp64": 8, "fp32": 4, "bf16": 2, "fp16": 2}
FLOATS: Final = {8: np.float64, 4: np.float32, 2: np.float16}
MOST_BYTES: Final = GiB  # that one kernel may hold
MOST_FLOPS: Final = 1e12  # of all kernels once: about 10 s on one CPU thread
SECONDS_A_CALL: Final = 1.5
SCALING: Final = (8, 4, 2)  # the lengths beside n are n divided by these


def in_numpy() -> tuple[str, ...]:
    """Return the names of the page's kernels that are written in NumPy."""
    return tuple(name for name, kernel in on_page().items() if kernel.line("page", "numpy"))


@dataclass(frozen=True)
class Request:
    """What to compare.

    Args:
        device: one of `DEVICES`.
        n: tokens, queries and keys.
        d: head size.
        heads: query and KV heads.
        block: queries per block, and queries and keys per tile.
        kernels: names of kernels on the page.
        dtype: one of the device's `DTYPES`.
    """

    device: str = "numpy"
    n: int = 4096
    d: int = 128
    heads: int = 8
    block: int = 128
    kernels: tuple[str, ...] = field(default_factory=in_numpy)
    dtype: str = "fp32"

    def refusal(self) -> str:
        """Return why this may not run here, with the limit, or an empty text."""
        if not self.kernels:
            return "No kernel is chosen, expected at least one"
        lines = self.lines()
        for name in self.kernels:
            if name not in lines:
                return f"{on_page()[name].label} is not written for {DEVICES[self.device]}"
        costs = {line.label: self.cost(line) for line in lines.values()}
        for label, cost in costs.items():
            if (held := cost.peak_bytes or 0) > MOST_BYTES:
                return (
                    f"{label} would hold {size(held)} at once, over the limit of "
                    f"{size(MOST_BYTES)} on this server: try fewer tokens or heads"
                )
        flops = sum(cost.flops for cost in costs.values())
        if flops > MOST_FLOPS:
            return (
                f"One round of these kernels takes {flops / 1e12:.1f} TFLOP, over the limit of "
                f"{MOST_FLOPS / 1e12:.1f} on this server"
            )
        return ""

    def lines(self) -> dict[str, Line]:
        """Return what is measured of each chosen kernel that is written for the device."""
        here = [name for name in LIBRARIES[self.device] if name == "numpy" or find_spec(name)]
        found = {name: on_page()[name].line("page", *here) for name in self.kernels}
        return {name: line for name, line in found.items() if line}

    def settings(self, line: Line) -> dict[str, Any]:
        """Return the named arguments of a call of a line."""
        return {"causal": True, **dict.fromkeys(line.backend.blocks, self.block)}

    def cost(self, line: Line) -> Cost:
        """Return what a call does, from shapes alone: in NumPy, but held as by the line."""
        one = np.zeros(1, FLOATS[ITEM[self.dtype]])
        # Arrays of the sizes that hold a single number.
        array = np.lib.stride_tricks.as_strided(one, (self.heads, self.n, self.d), (0, 0, 0))
        blocks = {name: self.block for b in line.kernel.backends for name in b.blocks}
        inputs = {**dict.fromkeys(PREFILL, array), "causal": True, **blocks, **line.row.settings}
        kernel, peak = line.kernel, line.backend.peak
        cost = kernel.cost(inputs) if kernel.cost else kernel.least(inputs)
        held = loaded(peak)(inputs, 1) if peak else None
        return replace(cost, peak_bytes=held) if held else cost


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
    calls, rates = page_calls(request, shape), None
    if request.device == "numpy":
        dtype = np.dtype(FLOATS[ITEM[request.dtype]])
        rates = numpy_rates(request.d, dtype, tile=(request.block, request.block))
    else:
        from kvviz.kernels.measuring.torch_presets import rates as torch_rates  # torch is an extra

        rates = torch_rates(calls[0].args[0])
    return Group(f"Causal prefill, {shape}, {request.dtype}", calls, rates)


def page_calls(request: Request, shape: Prefill) -> list[Call]:
    """Return a call of every chosen kernel on one causal prefill."""
    arrays = shape.inputs(np.float64 if request.dtype == "fp64" else np.float32)
    inputs: dict[str, Any] = dict(zip(PREFILL, arrays, strict=True))
    exact = reference(*arrays, causal=True)
    if request.device != "numpy":
        from kvviz.kernels.measuring.torch_presets import prefill_tensors  # torch is an extra

        device = "cuda" if request.device == "cuda" else "cpu"
        inputs, exact = prefill_tensors(inputs, device, request.dtype), exact[None]
    args = tuple(inputs.values())
    return [
        line_call(line, inputs, args, exact, request.settings(line))
        for line in request.lines().values()
    ]


def _blocks(request: Request, shape: Prefill, progress: Progress) -> dict[str, list[int]]:
    """Return the most bytes held while each block of queries is worked on; NumPy only."""
    if request.device != "numpy":
        return {}
    progress("memory by block", 0.0)
    inputs = shape.inputs(FLOATS[ITEM[request.dtype]])
    held = {}
    for name in request.kernels:
        if steps := on_page()[name].steps:
            blocks = [0] * -(-request.n // request.block)
            for block, peak in step_peaks(steps(*inputs, request.block)):
                blocks[block] = max(blocks[block], peak)
            held[name] = blocks
    return held


def _scaling(request: Request, progress: Progress) -> dict[str, list[dict[str, float]]]:
    """Return every kernel's time and peak at shorter lengths, shortest first."""
    curves: dict[str, list[dict[str, float]]] = {
        line.label: [] for line in request.lines().values()
    }
    # Shorter than a block they would be the same for every kernel, where the whole is not.
    least = request.block if request.block < request.n else 0
    lengths = {max(least, request.n // part): part for part in SCALING}
    for number, (n, part) in enumerate(lengths.items()):
        progress(f"at n {n:,}", number / len(lengths))
        calls = page_calls(request, Prefill(n, request.d, request.heads, request.heads))
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
        _say(problem=str(error) or "the machine is out of memory")
    else:
        _say(result=result)


if __name__ == "__main__":
    main()
