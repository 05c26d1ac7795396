"""The columns that the page's numbers are read from, one row a context."""

import numpy as np
from numpy.typing import NDArray

from kvviz.memory import MemoryReport
from kvviz.timeline import Timeline

Columns = dict[str, NDArray[np.float64]]


def live_columns(timeline: Timeline, report: MemoryReport) -> Columns:
    """Return the timeline's totals and what follows from them: bytes, counts or shares."""
    totals = timeline.totals
    total, avoided = totals["total"], totals["avoided"]
    same = np.ones_like(total)
    return totals | {
        "weights": same * report.weights_bytes,
        "state": same * report.state_bytes,
        "unused": totals["kv_reserved"] + totals["kv_internal"],
        "free": np.maximum(report.capacity_bytes - total, 0),
        "over": np.maximum(total - report.capacity_bytes, 0),
        "without_flash": total + avoided,
        "saved_share": avoided / (total + avoided),
        "efficiency": _share(totals["kv_used"], totals["kv_allocated"]),
        "gpus_by_capacity": np.ceil(total / report.capacity_bytes),
    }


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.ones_like(part), where=whole > 0)
