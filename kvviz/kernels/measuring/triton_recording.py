"""One run on a CUDA GPU, preset by preset, as the file that the rest of kvviz reads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch

from kvviz.kernels.measuring import gpu_shapes, torch_allocator, triton_gpu
from kvviz.kernels.measuring.exact import with_reference
from kvviz.kernels.measuring.group import measured_group
from kvviz.kernels.measuring.inputs import Prefill
from kvviz.kernels.measuring.machine import Rates
from kvviz.kernels.measuring.measure import Progress, quietly
from kvviz.kernels.measuring.provenance import provenance
from kvviz.kernels.measuring.torch_measure import gpu_facts, torch_rates
from kvviz.kernels.measuring.torch_presets import memory_groups
from kvviz.kernels.measuring.triton_rows import Device

Groups = Iterator[dict[str, Any]]


def runs_on_cuda(preset: str, command: str, progress: Progress = quietly) -> Groups:
    """Yield what is recorded of a preset on the first GPU, after each of its groups."""
    on = Device(torch.device("cuda", 0))
    facts = {"preset": preset, **provenance(command)}
    facts |= {"cpu": facts["device"], **gpu_facts()}
    yield from record(preset, on, facts, progress)


def record(
    preset: str, on: Device, facts: Mapping[str, Any], progress: Progress = quietly
) -> Groups:
    """Yield what is recorded of a preset after each of its groups, more every time.

    Args:
        preset: one of `PARTS`, or ``all`` of them.
        on: the GPU.
        facts: what the recording starts with: where, when and how it is made.
        progress: told what is done and the share that is finished, 0 to 1.

    Raises:
        ValueError: a preset that a GPU has no part of.
    """
    if preset not in (*PARTS, "all"):
        raise ValueError(f"preset {preset!r} runs on the CPU, expected {', '.join(PARTS)} or all")
    found: dict[str, Any] = {**facts, "groups": []}
    if preset in ("memory", "all") and on.device.type == "cuda":
        # First of all: segments in which a library keeps a workspace would take in caches too.
        found["allocator"] = torch_allocator.record(on.device)
    rates = torch_rates(on.device, on.dtype)
    found["rates"] = rates.as_dict()
    parts = PARTS if preset == "all" else {preset: PARTS[preset]}
    for number, (name, groups) in enumerate(parts.items()):
        progress(name, number / len(parts))
        for group in groups(on, rates):
            found["groups"].append(group)
            progress(group["title"], number / len(parts))
            yield found
    progress("done", 1.0)


def _prefill(on: Device, rates: Rates) -> Groups:
    return triton_gpu.prefill_groups(on, rates, gpu_shapes.PREFILL)


def _decode(on: Device, rates: Rates) -> Groups:
    yield from triton_gpu.decode_groups(on, rates, gpu_shapes.DECODE)
    yield from triton_gpu.latent_groups(on, rates, gpu_shapes.LATENT)


def _quant(on: Device, rates: Rates) -> Groups:
    return triton_gpu.quantized_groups(on, rates, gpu_shapes.QUANTIZED)


def _memory(on: Device, rates: Rates) -> Groups:
    """Yield what ways to write attention hold at their peak, over lengths and dtypes."""
    for n in gpu_shapes.MEMORY:
        shape = Prefill(n, 64, 8, 8)
        groups = memory_groups(shape, *with_reference(shape), on.device.type, rates)
        yield from map(measured_group, groups)


PARTS: Final[dict[str, Callable[[Device, Rates], Groups]]] = {
    "prefill": _prefill,
    "decode": _decode,
    "quant": _quant,
    "memory": _memory,
}
"""What a preset measures on a GPU."""
