"""Two distributions on one axis and one scale: A upwards, B downwards."""

from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from kvviz.scene.axes import plain_axes
from kvviz.scene.paint import Paint
from kvviz.scene.theme import Theme

BINS = 22
HEIGHT = 168  # px
MOST_NAMED = 4  # values on the axis
NEAREST = 0.2  # of the axis, from one to the next
STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8), tuple(range(10, 100)))  # ever finer
FINEST = tuple(range(100, 1000, 5))  # one in every 5 %, where nothing else is
Column = NDArray[np.float64]


@dataclass
class Mirrored:
    """The figure, built once; `show` moves it to other runs."""

    figure: figure
    bars: ColumnDataSource
    medians: ColumnDataSource
    paint: Paint = field(repr=False)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)

    def show(self, above: Column, below: Column) -> None:
        """Show two sets of seconds; what is not known is left out."""
        sets = [values[values > 0] for values in (above, below)]
        edges = log_edges(np.concatenate(sets))
        up, down = (np.histogram(values, edges)[0] for values in sets)
        self.bars.data = {"left": edges[:-1], "right": edges[1:], "up": up, "down": -down}
        most = max(1, up.max(), down.max())
        x = [float(np.median(values)) if len(values) else np.nan for values in sets]
        self.medians.data = {"x": x, "y": [0, 0], "end": [1.15 * most, -1.15 * most]}
        self.figure.x_range.update(start=float(edges[0]), end=float(edges[-1]))
        named = named_seconds(float(edges[0]), float(edges[-1]))
        self.figure.xaxis.ticker.ticks = named
        self.figure.xaxis.major_label_overrides = {value: spelled(value) for value in named}
        self.figure.y_range.update(start=-1.2 * most, end=1.2 * most)


def log_edges(values: Column) -> Column:
    """Return the edges of `BINS` bins of equal ratio that hold all values; shape (bins + 1,)."""
    low, high = (values.min(), values.max()) if len(values) else (0.01, 1.0)
    margin = max(1.02, (high / low) ** (0.5 / BINS))
    return np.geomspace(low / margin, high * margin, BINS + 1)


def named_seconds(low: float, high: float) -> list[float]:
    """Return round values from `low` to `high`, three or four if they can be told apart."""
    found: list[float] = []
    for steps in STEPS:
        named = _apart(_within(low, high, steps), (high / low) ** NEAREST)
        if len(named) > len(found):
            found = named[:: ceil(len(named) / MOST_NAMED)]
        if len(found) > 2:
            break
    return found or _within(low, high, FINEST)[:1]


def _within(low: float, high: float, steps: tuple[float, ...]) -> list[float]:
    """Return the steps of all decades from `low` to `high`, ascending."""
    decades = range(floor(log10(low)) - 2, ceil(log10(high)) + 1)
    values = sorted({float(f"{step}e{ten}") for ten in decades for step in steps})
    return [value for value in values if low <= value <= high]


def _apart(values: list[float], ratio: float) -> list[float]:
    """Return ascending values without those that are less than `ratio` times the last one kept."""
    kept: list[float] = []
    for value in values:
        if not kept or value >= ratio * kept[-1]:
            kept.append(value)
    return kept


def spelled(seconds: float) -> str:
    """Spell a round time."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:,.4g} s"


def mirrored(name: str, theme: Theme) -> Mirrored:
    """Build the figure with empty sources."""
    plot, paint = _figure(name), Paint()
    bars = ColumnDataSource({"left": [], "right": [], "up": [], "down": []}, name="bars")
    medians = ColumnDataSource({"x": [], "y": [], "end": []}, name="medians")
    sides: dict[str, Any] = {"left": "left", "right": "right", "source": bars, "line_width": 1.5}
    up = plot.quad(**sides, bottom=0, top="up", name="up")
    down = plot.quad(**sides, bottom="down", top=0, name="down")
    paint(up.glyph, fill_color="on", line_color="card")
    paint(down.glyph, fill_color="reserved", line_color="card")
    ends: dict[str, Any] = {"x0": "x", "x1": "x", "y0": "y", "y1": "end"}
    median = plot.segment(**ends, source=medians, line_width=1.6, line_dash=[2, 2], name="medians")
    paint(median.glyph, line_color="text1")
    plain_axes(plot, paint)
    result = Mirrored(plot, bars, medians, paint)
    result.repaint(theme)
    return result


def _figure(name: str) -> figure:
    plot = figure(
        x_range=Range1d(0.01, 1),
        y_range=Range1d(-1, 1),
        x_axis_type="log",
        sizing_mode="stretch_width",
        height=HEIGHT,
        toolbar_location=None,
        tools="",
        min_border_left=20,
        min_border_right=20,
        min_border_bottom=24,
        min_border_top=2,
        outline_line_color=None,
        name=name,
    )
    plot.xaxis.ticker = FixedTicker(ticks=[])
    plot.yaxis.visible = False
    plot.xgrid.visible = False
    plot.ygrid.ticker = [0]
    return plot
