"""What times a call and sees its memory, by where its arguments are."""

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from kvviz.kernels.measuring.call import Call
from kvviz.kernels.measuring.costs import torch_tensors


class Meter(Protocol):
    """What times a call and sees its memory."""

    def seconds(self, call: Callable[[], Any]) -> float:
        """Return the seconds of one call."""

    def peak(self, call: Callable[[], Any]) -> tuple[int, str, Any]:
        """Return the most bytes held at once above what was held, what saw them, and the output."""


class NumpyMeter:
    """Times calls by the clock, and sees their memory through Python's own allocations."""

    def seconds(self, call: Callable[[], Any]) -> float:
        """Return the seconds of one call."""
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        del result
        return seconds

    def peak(self, call: Callable[[], Any]) -> tuple[int, str, Any]:
        """Return the most bytes held at once above what was held before, and the output."""
        gc.collect()
        outside = tracemalloc.is_tracing()
        if not outside:
            tracemalloc.start()
        try:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            output = call()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            if not outside:
                tracemalloc.stop()
        return peak - before, "tracemalloc", output


def meter_of(call: Call) -> Meter:
    """Return what can measure a call, by where its arguments are."""
    tensors = torch_tensors((*call.args, *call.kwargs.values()))
    if not tensors:
        return NumpyMeter()
    from kvviz.kernels.measuring.torch_measure import TorchMeter  # torch is an extra

    return TorchMeter(tensors[0].device)


def step_peaks(steps: Iterator[Any]) -> Iterator[tuple[Any, int]]:
    """Yield each step with the most bytes NumPy held in it above what was held before all."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for step in steps:
            yield step, tracemalloc.get_traced_memory()[1] - before
            tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
