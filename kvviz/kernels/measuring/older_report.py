"""The older report's experiment, repeated: what its printed figures are figures of."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from kvviz.kernels.measuring.group import Group
from kvviz.kernels.measuring.machine import numpy_rates
from kvviz.kernels.measuring.measure import Call, Performance, step_peaks
from kvviz.kernels.numpy.blocked import (
    block_prefix_attention,
    local_block_attention,
    paged_attention,
    paged_blocks,
)
from kvviz.kernels.numpy.flash import flash_attention
from kvviz.kernels.numpy.shapes import Array
from kvviz.kernels.numpy.standard import first_weights, standard_attention
from kvviz.kernels.numpy.textbook import (
    textbook_attention,
    textbook_block_prefix_attention,
    textbook_local_attention,
)
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
    held = list(step_peaks(paged_blocks(q, k, v, BLOCK)))[1:]  # the first is before any block
    return {
        "pattern": first_weights(q, k, causal=False),
        "blocks": {"paged, exact": held},
    }


def older_report() -> Iterator[Group]:
    """Yield its functions as they were written, and beside them what they should be."""
    inputs = seeded(100)
    exact = standard_attention(*inputs)
    blocks = (*inputs, BLOCK)
    calls = [
        Call("standard, as written", textbook_attention, inputs, reference=exact),
        Call("paged, as written", textbook_block_prefix_attention, blocks, reference=exact),
        Call("standard, in place", standard_attention, inputs, reference=exact),
        Call("block prefix, in place", block_prefix_attention, blocks, reference=exact),
        Call("paged, exact", paged_attention, blocks, reference=exact),
        Call(
            "flash, tiles of 20 × 20",
            flash_attention,
            inputs,
            {"block_m": 20, "block_n": 20},
            reference=exact,
        ),
    ]
    rates = numpy_rates(64, np.dtype(np.float64))
    yield Group(
        "The older report: n 100, d 64, block 20, fp64, seed 42", calls, rates, notes=_report_notes
    )
    inputs = seeded(150)
    exact, blocks = standard_attention(*inputs), (*inputs, 32)
    calls = [
        Call("standard, as written", textbook_attention, inputs, reference=exact),
        Call("local blocks, as written", textbook_local_attention, blocks, reference=exact),
        Call("local blocks, in place", local_block_attention, blocks, reference=exact),
        Call(
            "local blocks, overlap 32",
            local_block_attention,
            blocks,
            {"overlap": 32},
            reference=exact,
        ),
        Call("paged, exact", paged_attention, blocks, reference=exact),
    ]
    yield Group(
        "What its figures fit: n 150, d 64, local blocks of 32, fp64",
        calls,
        rates,
        notes=_fit_notes,
    )


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


def _fit_notes(results: Mapping[str, Performance]) -> list[str]:
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
