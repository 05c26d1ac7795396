"""The columns that the page's numbers are read from, one row per context."""

import numpy as np
from numpy.typing import NDArray

from kvviz.cost.roofline import decode_step, prefill_step
from kvviz.memory import MemoryReport
from kvviz.memory.kv import Tokens
from kvviz.settings.scenario import Scenario
from kvviz.timeline import Timeline
from kvviz.units import GB

Columns = dict[str, NDArray[np.float64]]


def live_columns(scenario: Scenario, report: MemoryReport, timeline: Timeline) -> Columns:
    """Return the timeline's totals and what follows from them: bytes, counts, fractions, rates."""
    totals, room = timeline.totals, report.room
    total, avoided = totals["total"], totals["avoided"]
    same = np.ones_like(total)
    return (
        totals
        | _steps(scenario, totals["when"].astype(np.int64))
        | {
            "room": same * room,
            "weights": same * report.per_gpu["weights"],
            "state": same * report.per_gpu["state"],
            "unused": totals["kv_reserved"] + totals["kv_internal"],
            "free": np.maximum(room - total, 0),
            "over": np.maximum(total - room, 0),
            "without_flash": total + avoided,
            "saved_share": avoided / (total + avoided),
            "efficiency": _share(totals["kv_used"], totals["kv_allocated"]),
            "gpus_by_capacity": np.ceil(total / room),
        }
    )


def _steps(scenario: Scenario, when: Tokens) -> Columns:
    """Return how busy a decode step and a whole prefill keep the GPU, under MFU and MBU."""
    prefill, decode = prefill_step(scenario, when), decode_step(scenario, when)
    moved = decode.weight_bytes + decode.kv_bytes
    bandwidth = scenario.the_gpu.bandwidth_gb_s * GB
    return {
        "prefill_compute": prefill.compute_share,
        "prefill_memory": prefill.memory_share,
        "decode_compute": decode.compute_share,
        "decode_memory": decode.memory_share,
        "tokens_per_second": scenario.batch / decode.seconds,
        "bandwidth_share": np.nan_to_num(moved / decode.seconds / bandwidth, nan=scenario.mbu),
        "weights_read_share": decode.weight_bytes / moved,
    }


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.ones_like(part), where=whole > 0)
