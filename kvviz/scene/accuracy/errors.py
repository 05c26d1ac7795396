"""Predicted against logged on log axes, with the errors below, where the bands can be read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    FixedTicker,
    HoverTool,
    Range1d,
)
from bokeh.plotting import figure

from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS, Theme

NEAR: Final = 0.02
FAR: Final = 0.1
LINEAR: Final = 0.006  # errors up to about here are drawn to scale, larger ones in their logarithm
EDGE: Final = float(np.arcsinh(0.32 / LINEAR))  # of the strip; what lies beyond is a triangle on it
SCATTER: Final = 217  # px of height
STRIP: Final = 117
BELOW: Final = 33  # px for the numbers below a figure: what the largest of them take
MANY: Final = 1000  # from this ratio of its ends on, an axis names whole decades alone
APART: Final = 0.3  # decades between two names
LEFT: Final = 46  # px for the numbers of the axis
COLUMNS: Final = ("x", "y", "strip", "name", "about", "figures", "why", "marker")
TIP: Final = (
    '<div style="margin:-9px -8px;padding:8px 12px;max-width:340px;border-radius:6px;'
    'background:var(--raised);color:var(--text1);font:13px/1.45 Inter,system-ui,sans-serif">'
    "<b>@name</b><br>@about<br>@figures<br><i>@why</i></div>"
)


class Point(NamedTuple):
    """One comparison: figures in the axis's unit, and the texts of its tip."""

    predicted: float
    logged: float
    name: str
    label: str
    about: str
    figures: str
    why: str

    @property
    def error(self) -> float:
        """(predicted - logged) / logged."""
        return self.predicted / self.logged - 1


@dataclass
class ErrorScatter:
    """Two figures of one quantity; `show` gives them other points."""

    scatter: figure
    strip: figure
    sources: dict[str, ColumnDataSource]
    labels: ColumnDataSource
    paint: Paint = field(repr=False)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)

    def show(self, points: Sequence[Point]) -> None:
        """Show points; those without a positive prediction stand on the lower edge."""
        parts: dict[str, list[Point]] = {name: [] for name in self.sources}
        for point in points:
            parts[_band(point.error)].append(point)
        for name, source in self.sources.items():
            source.data = _columns(parts[name], self.scatter.x_range.start)
        named = _apart(parts["far"])
        far = _columns(named, self.scatter.x_range.start)
        texts = {"label": [point.label for point in named]}
        self.labels.data = {"x": far["x"], "y": far["y"], **texts}


def _band(error: float) -> str:
    return "good" if abs(error) <= NEAR else "near" if abs(error) <= FAR else "far"


def _apart(points: Sequence[Point]) -> list[Point]:
    """Return the points that have room for a name, the furthest off first."""
    named: list[Point] = []
    for point in sorted(points, key=lambda point: -abs(point.error)):
        if all(abs(np.log10(point.logged / other.logged)) > APART for other in named):
            named.append(point)
    return named


def _columns(points: Sequence[Point], low: float) -> dict[str, list[Any]]:
    errors = [float(np.arcsinh(point.error / LINEAR)) for point in points]
    return {
        "x": [max(point.predicted, low * 1.06) for point in points],
        "y": [point.logged for point in points],
        "strip": [min(max(error, -EDGE), EDGE) for error in errors],
        "name": [point.name for point in points],
        "about": [point.about for point in points],
        "figures": [point.figures for point in points],
        "why": [point.why for point in points],
        "marker": ["inverted_triangle" if abs(e) > EDGE else "circle" for e in errors],
    }


def error_scatter(name: str, role: str, ends: tuple[float, float], theme: Theme) -> ErrorScatter:
    """Build the figures of one quantity with empty sources.

    Args:
        name: of the quantity.
        role: theme colour of its points.
        ends: of both axes.
        theme: the colours to begin with.
    """
    paint = Paint()
    scatter, strip = _scatter(name, ends, paint), _strip(name, ends, paint)
    empty: dict[str, list[Any]] = {column: [] for column in COLUMNS}
    sources = {part: ColumnDataSource(empty, name=part) for part in ("good", "near", "far")}
    for part, source in sources.items():
        for plot, height in ((scatter, "y"), (strip, "strip")):
            _dots(plot, height, part, source, role, paint)
    labels = ColumnDataSource({"x": [], "y": [], "label": []}, name="labels")
    _names(scatter, labels, paint)
    result = ErrorScatter(scatter, strip, sources, labels, paint)
    result.repaint(theme)
    return result


def _scatter(name: str, ends: tuple[float, float], paint: Paint) -> figure:
    plot = _plot(f"{name}-scatter", SCATTER, ends, Range1d(*ends), paint)
    at = np.array(ends)
    for share, role in ((FAR, "line"), (NEAR, "strong")):
        band = plot.varea(at, at * (1 - share), at * (1 + share), name=f"band{share}")
        paint(band.glyph, fill_color=role)
    return plot


def _strip(name: str, ends: tuple[float, float], paint: Paint) -> figure:
    room = EDGE * 1.08
    plot = _plot(f"{name}-errors", STRIP, ends, Range1d(-room, room), paint)
    at = np.array(ends)
    for share, role in ((FAR, "line"), (NEAR, "strong")):
        edge = np.full(2, np.arcsinh(share / LINEAR))
        band = plot.varea(at, -edge, edge, name=f"band{share}")
        paint(band.glyph, fill_color=role)
    zero = plot.line(at, [0, 0], line_width=1, name="zero")
    paint(zero.glyph, line_color="text3")
    tick = float(np.arcsinh(FAR / LINEAR))
    plot.yaxis.ticker = FixedTicker(ticks=[-tick, 0, tick])
    plot.yaxis.formatter = CustomJSTickFormatter(
        code="return tick > 0 ? '+10%' : tick < 0 ? '−10%' : '0'"
    )
    return plot


def _plot(
    name: str, height: int, ends: tuple[float, float], y_range: Range1d, paint: Paint
) -> figure:
    plot = figure(
        x_axis_type="log",
        y_axis_type="log" if name.endswith("scatter") else "linear",
        x_range=Range1d(*ends),
        y_range=y_range,
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        min_border_left=LEFT,
        min_border_right=6,
        min_border_top=2,
        min_border_bottom=BELOW,
        outline_line_color=None,
        name=name,
    )
    plot.grid.visible = False
    for axis in plot.axis:
        axis.update(axis_line_color=None, minor_tick_line_color=None, major_tick_in=0)
        axis.update(major_label_text_font=SANS, major_label_text_font_size="13px")
        paint(axis, major_label_text_color="text3", major_tick_line_color="strong")
    wide = ends[1] / ends[0] > MANY
    ticks = [a * 10.0**n for n in range(-2, 6) for a in ((1,) if wide else (1, 3))]
    for axis in plot.axis if height == SCATTER else plot.xaxis:
        axis.ticker = FixedTicker(ticks=ticks)
        axis.formatter = CustomJSTickFormatter(
            code="return tick >= 1000 ? `${tick / 1000}k` : +tick.toPrecision(1)"
        )
    paint(plot, background_fill_color="bg", border_fill_color="card")
    return plot


def _dots(
    plot: figure, height: str, part: str, source: ColumnDataSource, role: str, paint: Paint
) -> None:
    """Draw dots: filled where near, hollow over 2 %, hollow and red over 10 %."""
    dots = plot.scatter(
        "x", height, source=source, marker={"field": "marker"}, size=8, line_width=1.8, name=part
    )
    colour = "red" if part == "far" else role
    paint(dots.glyph, line_color=colour, fill_color=role if part == "good" else "bg")
    if part == "good":
        dots.glyph.update(fill_alpha=0.75, line_alpha=0.0, size=7.5)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=TIP, attachment="below"))


def _names(plot: figure, labels: ColumnDataSource, paint: Paint) -> None:
    text = plot.text(
        "x",
        "y",
        "label",
        source=labels,
        x_offset=8,
        y_offset=13,
        text_font=value(SANS),
        text_font_size="13px",
        text_font_style="bold",
        name="names",
    )
    paint(text.glyph, text_color="red_text")
