"""Results as plain text: no more than a bare machine has."""

from collections.abc import Iterator
from typing import Any, Final

from kvviz.kernels.kernel import Kernel
from kvviz.kernels.measuring.provenance import set_in
from kvviz.kernels.records import kernels
from kvviz.units import MiB, change, share

HEADINGS: Final = (
    *("kernel", "best", "predicted", "off by", "median", "spread"),
    *("peak MiB", "predicted", "off by", "in S", "GFLOP/s", "GB/s", "error"),
)


def text(result: dict[str, Any]) -> str:
    """Return a run's results as tables, one a group, with where they were measured."""
    facts = [
        f"{name} {result[name]}"
        for name in ("python", "numpy", "torch", "triton")
        if name in result
    ]
    cpu = f"{result['device']}, {result['threads'] or 'all'} of {result['cores']} threads"
    where = f"{result['device']}, {result['memory']}" if "cuda" in result else cpu
    made = "; ".join(filter(None, (", ".join(facts), set_in(result))))
    lines = [f"{result['preset']} on {where}, {result['date']}", made, ""]
    for group in result["groups"]:
        lines += [*_group(group), ""]
    return "\n".join(lines)


def listing() -> str:
    """Return every kernel as a line: its name, its libraries, the presets that measure it."""
    headings = ("name", "libraries", "presets", "what it is")
    cells = [headings, *map(_kernel_cells, kernels().values())]
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    aligned = ([f"{row[i]:<{widths[i]}}" for i in range(3)] + [row[3]] for row in cells)
    return "\n".join("  ".join(row) for row in aligned)


def _kernel_cells(kernel: Kernel) -> tuple[str, ...]:
    libraries = dict.fromkeys(backend.library for backend in kernel.backends)
    rows = (line.row.preset for line in kernel.lines())
    presets = dict.fromkeys(row.removeprefix("gpu ").removesuffix(" fit") for row in rows)
    return kernel.name, ", ".join(libraries), ", ".join(presets), f"{kernel.label}, {kernel.note}"


def _group(group: dict[str, Any]) -> Iterator[str]:
    yield group["title"]
    if group["rates"]:
        yield "  measured first: " + ", ".join(_rates(group["rates"]))
    cells = [HEADINGS, *(_cells(row) for row in group["rows"])]
    shown = [i for i in range(len(HEADINGS)) if any(row[i] for row in cells[1:])]
    widths = {i: max(len(row[i]) for row in cells) for i in shown}
    for row in cells:
        first, *rest = shown
        aligned = [f"{row[first]:<{widths[first]}}", *(f"{row[i]:>{widths[i]}}" for i in rest)]
        yield "  " + "  ".join(aligned).rstrip()
    yield from (f"  {note}" for note in group["notes"])


def _rates(rates: dict[str, Any]) -> Iterator[str]:
    yield f"copy {rates['copy_bytes_s'] / 1e9:.1f} GB/s"
    yield f"read {rates['read_bytes_s'] / 1e9:.1f} GB/s"
    yield f"GEMM {rates['gemm_flops'] / 1e9:,.0f} GFLOP/s"
    for kind, rate in (rates["products"] or {}).items():
        softmax = f"{rates['scores'][kind] * 1e9:.2f} ns per score"
        yield f"{kind} products {rate / 1e9:.0f} GFLOP/s and {softmax}"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    seconds, peak = row["seconds_minimum"], row["peak_bytes"]
    return (
        row["name"],
        duration(seconds),
        _or_empty(row["predicted_seconds"], duration),
        _or_empty(row["seconds_difference"], change),
        duration(row["seconds_median"]),
        share(row["seconds_spread"], 0),
        f"{peak / MiB:,.3f}",
        _or_empty(row["predicted_bytes"], lambda count: f"{count / MiB:,.3f}"),
        _or_empty(row["bytes_difference"], change),
        _or_empty(row.get("peak_multiple"), "{:.2f}".format),
        _or_empty(row["flops"], lambda count: f"{count / seconds / 1e9:,.1f}"),
        _or_empty(row["bytes_moved"], lambda count: f"{count / seconds / 1e9:,.1f}"),
        _or_empty(row["error"], "{:.1e}".format),
    )


def duration(seconds: float) -> str:
    """Spell a time in the unit that leaves one to three whole digits, as in ``12.3 ms``."""
    for unit, name in ((1, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{seconds / unit:,.3g} {name}" if seconds < 1000 * unit else f"{seconds:,.0f} s"
    return f"{seconds * 1e6:,.3g} µs"


def _or_empty(value: Any, spelled: Any) -> str:
    return "" if value is None else str(spelled(value))
