"""What the Kernels page's figures show of a result, in the units they show it in."""

import math
from typing import Any

from kvviz.kernels.records import on_page
from kvviz.pages.kernels import texts
from kvviz.units import MiB


def time_unit(found: dict[str, Any]) -> tuple[float, str]:
    """Return the unit, in seconds, that times are shown in, and the heading that names it."""
    longest = max(row["seconds_minimum"] for row in found.values())
    return (1, "Time, seconds") if longest >= 0.1 else (1e-3, "Time, milliseconds")


def digits(smallest: float, count: int) -> str:
    """Return the format that leaves the smallest of several numbers `count` digits."""
    return f"{{:,.{max(0, count - 1 - math.floor(math.log10(smallest)))}f}}"


def mib(value: float) -> str:
    """Spell MiB with the digits that matter."""
    return f"{value:,.3g} MiB" if value < 10 else f"{value:,.1f} MiB"


def blocks(result: dict[str, Any]) -> dict[str, tuple[list[float], list[float]]]:
    """Return the MiB held by each kernel while each block is worked on, by block."""
    held = {on_page()[name].label: series for name, series in result["blocks"].items()}
    return {
        name: ([float(i) for i in range(len(series))], [count / MiB for count in series])
        for name, series in held.items()
    }


def scaling(result: dict[str, Any]) -> dict[str, tuple[list[float], list[float], list[float]]]:
    """Return every kernel's lengths, seconds and MiB, the run's own length last."""
    curves = {}
    for name, row in texts.rows(result).items():
        points = [
            *result["scaling"][name],
            {
                "n": result["request"]["n"],
                "seconds": row["seconds_minimum"],
                "peak_bytes": row["peak_bytes"],
            },
        ]
        curves[name] = (
            [point["n"] for point in points],
            [point["seconds"] for point in points],
            [point["peak_bytes"] / MiB for point in points],
        )
    return curves
