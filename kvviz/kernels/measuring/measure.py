"""Calls that are timed, traced for their peak of memory, and set beside what was predicted."""

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from kvviz.kernels.measuring.call import Call
from kvviz.kernels.measuring.machine import Rates, predicted_seconds
from kvviz.kernels.measuring.meter import meter_of
from kvviz.kernels.numpy.shapes import Array

Progress = Callable[[str, float], None]
WARM_UPS: Final = 1
LEAST_REPEATS, MOST_REPEATS = 3, 51
SECONDS_A_CALL: Final = 3.0  # of repeats: a short call is repeated more often


def quietly(doing: str, share: float) -> None:
    """Tell nobody of progress."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What one kernel was seen to do, and what had been predicted.

    Args:
        name: the kernel.
        seconds_median: of a call; `seconds_minimum` is the shortest.
        seconds_minimum: the shortest.
        seconds_spread: the middle half's width as a share of the median.
        repeats: calls timed.
        peak_bytes: held at once above what was held before, the output included.
        output_bytes: the part of the peak that is the output.
        peak_method: what saw the peak: tracemalloc, torch profiler, or CUDA allocator.
        bytes_moved: by formula; `flops` too. None where the kernel has none.
        flops: by formula.
        error: ‖output − reference‖ / ‖reference‖, None without a reference.
        predicted_seconds: from rates measured in the same run, None without.
        predicted_bytes: the peak by formula, None without.
        load: processes that wanted to run (1-minute average) before and after.
    """

    name: str
    seconds_median: float
    seconds_minimum: float
    seconds_spread: float
    repeats: int
    peak_bytes: int
    output_bytes: int
    peak_method: str
    bytes_moved: int | None
    flops: int | None
    error: float | None
    predicted_seconds: float | None
    predicted_bytes: int | None
    load: tuple[float, float]

    @property
    def seconds_difference(self) -> float | None:
        """(predicted − measured) / measured, None without a prediction."""
        return _difference(self.predicted_seconds, self.seconds_minimum)

    @property
    def bytes_difference(self) -> float | None:
        """(predicted − measured) / measured, None without a prediction."""
        return _difference(self.predicted_bytes, self.peak_bytes)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as JSON takes them."""
        differences = {
            "seconds_difference": self.seconds_difference,
            "bytes_difference": self.bytes_difference,
        }
        return asdict(self) | differences


def measure_performance(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Performance:
    """Return what one call of `func` takes: time, peak memory, FLOPs and bytes.

    After a warm-up it is repeated for about three seconds, at least three times; the peak is taken
    in a call of its own. For several kernels side by side see `measure`.

    Args:
        func: a kernel; its cost is known if a record in `kvviz.kernels.records` has it.
        args: its positional arguments, NumPy arrays or torch tensors.
        kwargs: its named arguments.
    """
    name = getattr(func, "__name__", "call")
    return measure([Call(name, func, args, kwargs)])[0]


def measure(
    calls: Sequence[Call],
    rates: Rates | None = None,
    progress: Progress = quietly,
    seconds: float = SECONDS_A_CALL,
) -> list[Performance]:
    """Return what each call takes, their repeats interleaved so that all see the same machine.

    Args:
        calls: the kernels.
        rates: the device's, of the same run, to predict times with.
        progress: told what is done and the share that is finished, 0 to 1.
        seconds: for how long each is repeated, at least three times.
    """
    times = _interleaved(calls, seconds, progress)
    results = []
    for number, call in enumerate(calls):
        progress(f"memory of {call.name}", 0.7 + 0.3 * number / len(calls))
        results.append(_performance(call, times[number], rates))
    progress("done", 1.0)
    return results


@dataclass
class _Times:
    seconds: list[float] = field(default_factory=list)
    load: tuple[float, float] = (0.0, 0.0)
    repeats: int = LEAST_REPEATS


def _interleaved(calls: Sequence[Call], seconds: float, progress: Progress) -> list[_Times]:
    times = [_Times() for _ in calls]
    load = os.getloadavg()[0]
    for number, (call, own) in enumerate(zip(calls, times, strict=True)):
        progress(f"warming up {call.name}", 0.1 * number / len(calls))
        meter = meter_of(call)
        first = min(meter.seconds(call) for _ in range(WARM_UPS))
        most = int(seconds / max(first, 1e-9))
        own.repeats = min(max(most, LEAST_REPEATS), MOST_REPEATS)
    rounds = max((own.repeats for own in times), default=0)
    for turn in range(rounds):
        progress(f"timing, round {turn + 1} of {rounds}", 0.1 + 0.6 * turn / rounds)
        for call, own in zip(calls, times, strict=True):
            if turn < own.repeats:
                own.seconds.append(meter_of(call).seconds(call))
    for own in times:
        own.load = (round(load, 2), round(os.getloadavg()[0], 2))
    return times


def _performance(call: Call, times: _Times, rates: Rates | None) -> Performance:
    ordered, cost = sorted(times.seconds), call.the_cost()
    median = statistics.median(ordered)
    quarter = len(ordered) // 4
    peak, method, output = meter_of(call).peak(call)
    return Performance(
        name=call.name,
        seconds_median=median,
        seconds_minimum=ordered[0],
        seconds_spread=(ordered[-1 - quarter] - ordered[quarter]) / median,
        repeats=len(ordered),
        peak_bytes=peak,
        output_bytes=_first(output).nbytes,
        peak_method=method,
        bytes_moved=cost.bytes_moved if cost else None,
        flops=cost.flops if cost else None,
        error=None if call.reference is None else relative_error(output, call.reference),
        predicted_seconds=predicted_seconds(cost, rates) if cost and rates else None,
        predicted_bytes=cost.peak_bytes if cost else None,
        load=times.load,
    )


def relative_error(output: Any, reference: Array) -> float:
    """Return ‖output − reference‖ / ‖reference‖, of the first of several outputs."""
    first = _first(output)
    if not isinstance(first, np.ndarray):
        first = first.detach().cpu().double().numpy()
    norm = np.linalg.norm(reference)
    return float(np.linalg.norm(first.astype(np.float64) - reference) / (norm or 1))


def _first(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output


def _difference(predicted: float | None, measured: float) -> float | None:
    return None if predicted is None or not measured else (predicted - measured) / measured
