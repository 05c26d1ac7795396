"""One run of everything on a CUDA GPU, as the file that the rest of kvviz reads."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import torch

from kvviz.kernels import torch_allocator, triton_gpu
from kvviz.kernels.machine import Rates
from kvviz.kernels.provenance import provenance
from kvviz.kernels.torch_measure import torch_rates
from kvviz.kernels.triton_rows import Device

Rows = Iterator[list[triton_gpu.Row]]
PARTS: Final[dict[str, Callable[[Device, Rates], Rows]]] = {
    "prefill": triton_gpu.prefill_rows,
    "decode": triton_gpu.decode_rows,
    "quantized": triton_gpu.quantized_rows,
    "latent": triton_gpu.latent_rows,
}
"""What is measured in rows, by its name in the recording."""


def record(
    on: Device,
    parts: Sequence[str],
    command: str,
    show: Callable[[list[triton_gpu.Row], Rates], None],
) -> Iterator[dict[str, Any]]:
    """Yield the recording after every shape, so that what was measured can be saved.

    Args:
        on: the GPU.
        parts: names of `PARTS`, and ``allocator``.
        command: what was typed.
        show: told each shape's rows as they come, with the run's rates.
    """
    rates = torch_rates(on.device, on.dtype)
    found = provenance(command) | gpu_facts(on.device) | {"rates": rates.as_dict()}
    yield found
    if "allocator" in parts:
        found["allocator"] = torch_allocator.record(on.device)
    for part in (part for part in PARTS if part in parts):
        found[part] = []
        for rows in PARTS[part](on, rates):
            found[part] += rows
            show(rows, rates)
            yield found
    yield found


def gpu_facts(device: torch.device) -> dict[str, Any]:
    """Return what the recording says of a GPU, its name in place of the processor's."""
    facts = torch.cuda.get_device_properties(device)
    cudnn: Any = torch.backends.cudnn
    return {
        "device": facts.name,
        "driver": driver_version(),
        "cuda": torch.version.cuda,
        "cudnn": cudnn.version(),
        "gpu": {
            "name": facts.name,
            "total_bytes": facts.total_memory,
            "sms": facts.multi_processor_count,
            "capability": f"{facts.major}.{facts.minor}",
        },
    }


def driver_version() -> str | None:
    """Return the driver's version as nvidia-smi tells it, None where there is no nvidia-smi."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    words = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return next(iter(done.stdout.split()), None)


def lines(rows: Sequence[triton_gpu.Row], rates: Rates) -> Iterator[str]:
    """Yield a shape's rows as text: time, rate, share of the copy bandwidth, floor, error."""
    yield ", ".join(f"{name} {value}" for name, value in rows[0]["shape"].items())
    for row in rows:
        if "refused" in row:
            yield f"  {row['name']:<42} does not run here: {row['refused']}"
            continue
        seconds, floor = row["seconds_median"], row["predicted_seconds"]
        rate, share = row["flops"] / seconds / 1e12, row["bytes_moved"] / seconds
        yield (
            f"  {row['name']:<42} {seconds * 1e3:9.3f} ms  floor {floor * 1e3:8.3f} ms"
            f"  {rate:6.1f} TFLOP/s  {share / rates.copy_bytes_s:5.2f} of copy"
            f"  error {row['error']:.1e}"
        )
