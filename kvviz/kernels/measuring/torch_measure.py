"""Time and peak memory of calls on torch tensors, and the rates of their device."""

import gc
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, profile

from kvviz.kernels.measuring.machine import GEMM, Rates
from kvviz.units import GiB, MiB


class TorchMeter:
    """Measures calls on one device, without gradients."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def seconds(self, call: Callable[[], Any]) -> float:
        """Return the seconds of one call, on a GPU from event to event."""
        with torch.no_grad():
            if self.device.type != "cuda":
                start = time.perf_counter()
                call()
                return time.perf_counter() - start
            begin, end = (torch.Event(self.device, enable_timing=True) for _ in range(2))
            # Busy until the call has been enqueued, the GPU does not wait for the host between the
            # events, and finds nothing of the inputs in its caches.
            torch.empty(GiB, dtype=torch.uint8, device=self.device).zero_()
            begin.record()
            call()
            end.record()
            torch.cuda.synchronize(self.device)
            milliseconds: float = begin.elapsed_time(end)
            return milliseconds / 1000

    def peak(self, call: Callable[[], Any]) -> tuple[int, str, Any]:
        """Return the most bytes held at once above what was held, what saw them, and the output."""
        gc.collect()
        with torch.no_grad():
            if self.device.type == "cuda":
                return self._cuda_peak(call)
            with (
                _silent(),
                profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled,
            ):
                output = call()
            return _highest(profiled), "torch profiler", output

    def _cuda_peak(self, call: Callable[[], Any]) -> tuple[int, str, Any]:
        call()  # so that workspaces of libraries exist before
        torch.cuda.synchronize(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        output = call()
        torch.cuda.synchronize(self.device)
        return torch.cuda.max_memory_allocated(self.device) - before, "CUDA allocator", output


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the profiler's own messages, which no setting stops, from standard error."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _highest(profiled: Any) -> int:
    """Return the highest running sum of the profiler's memory events.

    They hold what operators take for themselves, too, which hooks around operators do not see.
    """
    events = profiled.profiler.kineto_results.events()
    sizes = sorted(
        (event.start_ns(), event.nbytes())
        for event in events
        if event.name() == "[memory]" and event.device_type() == DeviceType.CPU
    )
    held = highest = 0
    for _, size in sizes:
        held += size
        highest = max(highest, held)
    return highest


def torch_rates(device: torch.device, dtype: torch.dtype) -> Rates:
    """Measure the device: a large copy, a large sum and a large square product."""
    on_gpu = device.type == "cuda"
    count = (4 * GiB if on_gpu else 128 * MiB) // dtype.itemsize
    big = torch.ones(count, dtype=dtype, device=device)
    other = torch.empty_like(big)
    side = 8 * GEMM if on_gpu else GEMM
    square = torch.randn(side, side, dtype=dtype, device=device)
    meter = TorchMeter(device)

    def best(call: Callable[[], Any]) -> float:
        call()
        return min(meter.seconds(call) for _ in range(9))

    copy, read = best(lambda: other.copy_(big)), best(lambda: big.sum())
    gemm = best(lambda: square @ square)
    return Rates(
        copy_bytes_s=2 * big.nbytes / copy,
        read_bytes_s=big.nbytes / read,
        gemm_flops=2 * side**3 / gemm,
    )


def gpu_facts() -> dict[str, Any]:
    """Return what a recording says of the first GPU: its name, memory, size, driver and CUDA."""
    facts = torch.cuda.get_device_properties(0)
    cudnn: Any = torch.backends.cudnn
    return {
        "device": facts.name,
        "memory": f"{facts.total_memory / GiB:.2f} GiB",
        "memory_bytes": facts.total_memory,
        "sms": facts.multi_processor_count,
        "capability": f"{facts.major}.{facts.minor}",
        "driver": driver_version(),
        "cuda": torch.version.cuda,
        "cudnn": cudnn.version(),
    }


def driver_version() -> str | None:
    """Return the driver's version as nvidia-smi tells it, None where there is no nvidia-smi."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    words = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return next(iter(done.stdout.split()), None)
