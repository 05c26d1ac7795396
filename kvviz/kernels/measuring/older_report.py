"""The older report's experiment, repeated: what its printed figures are figures of."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from kvviz.kernels.measuring.call import preset_calls
from kvviz.kernels.measuring.group import Group
from kvviz.kernels.measuring.inputs import PREFILL
from kvviz.kernels.measuring.machine import numpy_rates
from kvviz.kernels.measuring.measure import Performance
from kvviz.kernels.measuring.meter import step_peaks
from kvviz.kernels.numpy.blocked import paged_blocks
from kvviz.kernels.numpy.shapes import Array
from kvviz.kernels.numpy.standard import first_weights, standard_attention
from kvviz.units import MiB, share

SEED: Final = 42
BLOCK: Final = 20


def seeded(n: int) -> tuple[Array, Array, Array]:
    """Return the report's Q, K and V, (n, 64) in float64."""
    rng = np.random.RandomState(SEED)
    q, k, v = (rng.randn(n, 64) for _ in range(3))
    return q, k, v


def pictures() -> dict[str, Any]:
    """Return what its plots show beside the figures: weights, and bytes held by block."""
    q, k, v = seeded(100)
    held = [peak for _, peak in step_peaks(paged_blocks(q, k, v, BLOCK))]
    return {
        "pattern": first_weights(q, k, causal=False),
        "blocks": {"paged, exact": held[1:]},  # the first is before any block
    }


def older_report() -> Iterator[Group]:
    """Yield its functions as they were written, and beside them what they should be."""
    rates = numpy_rates(64, np.dtype(np.float64))
    for preset, n, title, notes in (
        ("report", 100, "The older report: n 100, d 64, block 20, fp64, seed 42", _report_notes),
        ("report fit", 150, "What its figures fit: n 150, d 64, local blocks of 32, fp64", _fit),
    ):
        inputs = dict(zip(PREFILL, seeded(n), strict=True))
        calls = preset_calls(preset, "numpy", inputs, standard_attention(*inputs.values()))
        yield Group(title, calls, rates, notes=notes)


def _report_notes(results: Mapping[str, Performance]) -> list[str]:
    standard, paged = results["standard, as written"], results["paged, as written"]
    exact = results["paged, exact"]
    assert paged.error is not None  # it has a reference
    return [
        f"Measured: standard {_mib(standard)} and paged {_mib(paged)}, {_saved(standard, paged)} "
        "less. The report printed 0.58 MB, 0.12 MB and 78.7%.",
        "Its paged attention sees only the keys up to its block's end: off by "
        f"{share(paged.error, 0)}. Blocking the queries alone, with all keys, peaks at "
        f"{_mib(exact)} and is exact to rounding: leaving keys out bought no memory.",
    ]


def _fit(results: Mapping[str, Performance]) -> list[str]:
    standard, local = results["standard, as written"], results["local blocks, as written"]
    return [
        f"At n 150 standard takes {_mib(standard)} and strictly local blocks of 32 take "
        f"{_mib(local)}, {_saved(standard, local)} less: the printed 0.58, 0.12 and 78.7% fit "
        "these, not n 100."
    ]


def _mib(result: Performance) -> str:
    return f"{result.peak_bytes / MiB:.3f} MiB"


def _saved(more: Performance, less: Performance) -> str:
    return share(1 - less.peak_bytes / more.peak_bytes)
