"""The torch rows of the presets: on a CPU beside NumPy, and what they hold on any device."""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor

from kvviz.kernels.measuring.call import Call, preset_calls
from kvviz.kernels.measuring.group import Group
from kvviz.kernels.measuring.inputs import Decode, Prefill
from kvviz.kernels.measuring.machine import Rates
from kvviz.kernels.measuring.measure import Performance
from kvviz.kernels.measuring.torch_measure import torch_rates
from kvviz.kernels.numpy.shapes import Array
from kvviz.kernels.torch import cpp as torch_cpp
from kvviz.units import MiB

PAGED = "torch paged, C++"
TILES = "torch paged tiles"
GROUPED = "torch SDPA, contiguous"
FOLDED = "torch SDPA, contiguous, heads folded"
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def prefill_group(shape: Prefill, inputs: Mapping[str, Array], exact: Array) -> Group:
    """Return torch's kernels on one prefill, on a CPU in fp32."""
    made = prefill_tensors(inputs, "cpu", "fp32")
    calls = [call for call in preset_calls("prefill", "torch", made, exact[None]) if runs(call)]
    return Group(f"Prefill, {shape}, fp32, torch", calls, rates(made["Q"]))


def decode_group(shape: Decode, inputs: Mapping[str, Array], exact: Array) -> Group:
    """Return torch's kernels on one decode step, SDPA on a contiguous cache beside them."""
    made = tensors(inputs, "cpu", "fp32")
    calls = [call for call in preset_calls("decode", "torch", made, exact) if runs(call)]
    obstacle = torch_cpp.obstacle(made["q"], made["k_cache"], made["v_cache"])
    notes = partial(_decode_notes, obstacle=obstacle)
    return Group(f"Decode, {shape}, fp32, torch", calls, rates(made["q"]), notes=notes)


def _decode_notes(results: Mapping[str, Performance], obstacle: str | None) -> list[str]:
    others = {
        FOLDED: "SDPA on a contiguous cache with the heads of a KV head as its queries",
        GROUPED: "SDPA there with enable_gqa",
        "torch gather, then SDPA": "gathering the pages first",
    }
    return [
        f"{told} {_times(results, paged, others)}; {results[paged].peak_bytes / MiB:.1f} MiB held."
        for paged, told in {
            PAGED: "Pages read where they lie, in C++, take",
            TILES: "Pages copied into tiles, for torch's operators, take",
        }.items()
        if paged in results
    ] + ([f"{PAGED}, is left out: {obstacle}."] if obstacle else [])


def _times(results: Mapping[str, Performance], name: str, others: Mapping[str, str]) -> str:
    seconds = results[name].seconds_median
    return ", ".join(
        f"{seconds / results[other].seconds_median:.2f} × the time of {spelled}"
        for other, spelled in others.items()
        if other in results
    )


def memory_groups(
    shape: Prefill,
    inputs: Mapping[str, Array],
    exact: Array,
    device: str,
    rates: Rates | None = None,
) -> Iterator[Group]:
    """Return what usual ways to write attention hold at their peak, in each dtype.

    With the device's rates each has the time that no kernel can do less in beside its own.
    """
    libraries = ("torch", "triton") if find_spec("triton") else ("torch",)
    for dtype in DTYPES:
        made = prefill_tensors(inputs, device, dtype)
        calls = [
            call
            for library in libraries
            for call in preset_calls("memory", library, made, exact[None])
            if runs(call)
        ]
        one = shape.heads * shape.n**2 * made["Q"].itemsize
        title = f"Peak memory in score matrices, {shape}, {dtype}, torch"
        facts = {"part": "memory", "n": shape.n, "dtype": dtype}
        yield Group(title, calls, rates, unit_bytes=one, facts=facts)


def prefill_tensors(arrays: Mapping[str, Array], device: str, dtype: str) -> dict[str, Tensor]:
    """Return Q, K and V of one sequence as tensors of a batch of one."""
    return {name: tensor[None] for name, tensor in tensors(arrays, device, dtype).items()}


def tensors(arrays: Mapping[str, Array], device: str, dtype: str) -> dict[str, Tensor]:
    """Return NumPy arrays as tensors, floats in `dtype`."""
    made = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
    floats = DTYPES[dtype]
    return {name: x.to(floats) if x.is_floating_point() else x for name, x in made.items()}


def rates(like: Tensor) -> Rates:
    """Measure the device of a tensor in its dtype."""
    return torch_rates(like.device, like.dtype)


def runs(call: Call) -> bool:
    """Whether a call runs here: backends differ by device, and compiling needs a compiler."""
    try:
        with torch.no_grad():
            call()
    except (ValueError, RuntimeError):
        return False
    return True
