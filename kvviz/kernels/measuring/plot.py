"""The older report's four plots as one picture, by matplotlib."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from kvviz.kernels.measuring.table import duration
from kvviz.units import MiB

COLOURS: Final = ("#E0263C", "#4E80FB", "#0FA968", "#5C6A80", "#B8579A", "#1B5F58")
INCHES: Final = (13, 8.5)
DPI: Final = 120


PLOTTED: Final = ("report", "page")  # presets that hold all four plots


def check_plot(path: Path, preset: str) -> None:
    """Raise ValueError unless a preset's plots can be written to `path`."""
    if preset not in PLOTTED:
        raise ValueError(f"preset {preset!r} has no plots, expected one of {', '.join(PLOTTED)}")
    if path.suffix != ".png":
        raise ValueError(f"--plot is {str(path)!r}, expected a name that ends in .png or .html")
    if not find_spec("matplotlib"):
        raise ValueError("a .png needs matplotlib: install kvviz[plot]")


def check_file(option: str, path: Path) -> None:
    """Raise ValueError unless a file can be written to `path`."""
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"{option} is {str(path)!r}, expected a file in an existing folder")


def draw_png(result: dict[str, Any], path: Path) -> None:
    """Write the first group's four plots to `path`; needs a result with ``pattern``."""
    from matplotlib.figure import Figure  # an extra

    picture = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    (top_left, top_right), (low_left, low_right) = picture.subplots(2, 2)
    group = result["groups"][0]
    _pattern(top_left, picture, result["pattern"])
    _bars(top_right, group["rows"], "Peak memory, MiB", "peak_bytes", "predicted_bytes", MiB)
    _bars(low_left, group["rows"], "Best time, ms", "seconds_minimum", "predicted_seconds", 1e-3)
    _blocks(low_right, result["blocks"], [row["name"] for row in group["rows"]])
    where = f"{result['device']}, NumPy {result['numpy']}, {result['date'][:10]}"
    picture.suptitle(f"{group['title']}\nmeasured on {where}")
    picture.savefig(path)


def _pattern(axes: Any, picture: Any, weights: list[list[float]]) -> None:
    image = axes.imshow(weights, cmap="plasma", vmin=0)
    axes.set(title="Attention pattern, first 20 tokens", xlabel="key token", ylabel="query token")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, 5, 10, 15, len(weights) - 1])
    picture.colorbar(image, ax=axes, label="attention weight")


def _bars(
    axes: Any, rows: list[dict[str, Any]], title: str, key: str, expected: str, unit: float
) -> None:
    places = range(len(rows))
    values = [row[key] / unit for row in rows]
    axes.barh(places, values, color=COLOURS[: len(rows)])
    for place, row in zip(places, rows, strict=True):
        said = f"{row[key] / MiB:.3f}" if key == "peak_bytes" else duration(row[key])
        at = (row[expected] or 0) / unit
        beside = (max(values[place], at), place)
        axes.annotate(said, beside, (8, 0), textcoords="offset points", va="center")
        if at:
            axes.plot([at, at], [place - 0.42, place + 0.42], color="black", linewidth=2)
    axes.set_yticks(places, [row["name"] for row in rows])
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_title(f"{title}; black: predicted")


def _blocks(axes: Any, held: dict[str, list[int]], rows: list[str]) -> None:
    """Draw each kernel's blocks in the colour of its bar."""
    for name, series in held.items():
        bar = next(i for i, row in enumerate(rows) if row.casefold().startswith(name))
        colour = COLOURS[bar]
        axes.plot([count / MiB for count in series], "o-", color=colour, label=name)
    most = max((count for series in held.values() for count in series), default=MiB)
    axes.set(title="Memory per block, MiB", xlabel="query block", ylim=(0, 1.2 * most / MiB))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
