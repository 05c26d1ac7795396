"""The memory over the run: weights, cache, scores against the capacity, one column a context."""

from dataclasses import dataclass, field

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, NumeralTickFormatter, Range1d, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS, Theme
from kvviz.units import GiB

LEFT, RIGHT, BOTTOM, TOP = 46, 26, 24, 8  # px around the plot; the page's playhead keeps to them
COLUMNS = 240  # points of each area: more would not be seen in 900 px
ROOM_RIGHT = 0.66  # up to this share of the run a label has room at its right
HEADROOM = 1.5  # the axis shows this many times the capacity, unless more is in HBM
TEXT = {"text_font": value(SANS), "text_font_size": "13px"}


@dataclass(frozen=True, slots=True)
class Crossing:
    """The moment the capacity is passed: at which context, and in which words."""

    context: int
    text: str


@dataclass
class Strip:
    """The strip's figure, built once; `show` moves it to another run."""

    figure: figure
    areas: ColumnDataSource
    capacity: Span
    texts: ColumnDataSource
    crossing: ColumnDataSource
    paint: Paint = field(repr=False)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)

    def show(
        self,
        when: NDArray[np.float64],
        layers: dict[str, NDArray[np.float64]],
        capacity: tuple[int, str],
        crossing: Crossing | None,
    ) -> None:
        """Stack `layers` (bytes, bottom up, the avoided scores last) over the contexts `when`."""
        chosen = np.unique(np.linspace(0, len(when) - 1, COLUMNS).astype(int))
        tops = np.cumsum([column[chosen] / GiB for column in layers.values()], axis=0)
        data = {"when": when[chosen], "base": np.zeros(len(chosen))}
        self.areas.data = data | dict(zip(layers, tops, strict=True))
        size, label = capacity[0] / GiB, capacity[1]
        in_hbm = tops[-2].max() if len(tops) > 1 else 0.0
        self.figure.x_range.update(start=0, end=float(when[-1]))
        self.figure.y_range.update(start=0, end=max(HEADROOM * size, 1.06 * in_hbm))
        self.figure.xaxis.ticker = FixedTicker(
            ticks=[when[-1] * quarter / 4 for quarter in range(5)]
        )
        self.capacity.location = size
        self._show_texts(size, label, crossing, float(when[-1]))

    def _show_texts(self, size: float, label: str, crossing: Crossing | None, end: float) -> None:
        early = crossing is not None and crossing.context < end / 2
        x, align = (end * 0.992, "right") if early else (end * 0.008, "left")
        self.texts.data = _text(x, size, label, align)
        if crossing is None:
            self.crossing.data = _text(0, 0, "", "left") | {"dot": [float("nan")]}
            return
        x, align = (0.014, "left") if crossing.context < ROOM_RIGHT * end else (-0.014, "right")
        text = _text(crossing.context + end * x, size, crossing.text, align)
        self.crossing.data = text | {"dot": [crossing.context]}


def _text(x: float, y: float, text: str, align: str) -> dict[str, list[object]]:
    return {"x": [x], "y": [y], "text": [text], "align": [align]}


LAYERS = ("weights", *(f"sequence{i}" for i in range(8)), "reserved", "scores", "avoided")


def strip(theme: Theme) -> Strip:
    """Build the figure with empty sources."""
    plot, paint = _figure(), Paint()
    areas = ColumnDataSource(
        {"when": [], "base": [], **{name: [] for name in LAYERS}}, name="areas"
    )
    _draw_areas(plot, paint, areas)
    line = Span(dimension="width", location=0, line_width=1.6)
    plot.add_layout(paint(line, line_color="text1"))
    texts = ColumnDataSource(_text(0, 0, "", "left"), name="strip_texts")
    crossing = ColumnDataSource(texts.data | {"dot": [float("nan")]}, name="crossing")
    _draw_texts(plot, paint, texts, "text1")
    _draw_texts(plot, paint, crossing, "red_text")
    mark = plot.scatter("dot", "y", source=crossing, size=9, line_width=2, name="crossing")
    paint(mark.glyph, fill_color="red", line_color="card")
    result = Strip(plot, areas, line, texts, crossing, paint)
    result.repaint(theme)
    return result


def _figure() -> figure:
    plot = figure(
        x_range=Range1d(0, 1),
        y_range=Range1d(0, 1),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        min_border_left=LEFT,
        min_border_right=RIGHT,
        min_border_bottom=BOTTOM,
        min_border_top=TOP,
        outline_line_color=None,
        name="strip",
    )
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.yaxis.ticker.desired_num_ticks = 3
    plot.yaxis.ticker.num_minor_ticks = 0
    plot.xgrid.visible = False
    return plot


def _draw_areas(plot: figure, paint: Paint, areas: ColumnDataSource) -> None:
    roles = {"weights": "weights1", "scores": "red", "avoided": "red"}
    for below, name in zip(("base", *LAYERS), LAYERS, strict=False):
        area = plot.varea("when", below, name, source=areas, name=name, fill_alpha=1.0)
        paint(area.glyph, fill_color=roles.get(name, name))
    ghost = area.glyph  # the last one, of the avoided scores
    ghost.update(
        fill_alpha=0.13, hatch_pattern="right_diagonal_line", hatch_alpha=0.6, hatch_scale=13
    )
    paint(ghost, hatch_color="red")
    edge = plot.line("when", "avoided", source=areas, line_dash=[5, 3], line_width=1.5, name="edge")
    paint(edge.glyph, line_color="red")
    for axis in plot.axis:
        axis.update(axis_label_text_font=SANS, major_label_text_font=SANS, axis_line_color=None)
        axis.update(major_tick_line_color=None, major_label_text_font_size="13px")
        paint(axis, major_label_text_color="text3")
    paint(plot, background_fill_color="card", border_fill_color="card")
    for grid in plot.ygrid:
        paint(grid, grid_line_color="line")


def _draw_texts(plot: figure, paint: Paint, source: ColumnDataSource, role: str) -> None:
    label = plot.text(
        "x",
        "y",
        "text",
        source=source,
        text_align={"field": "align"},
        text_baseline="bottom",
        y_offset=-5,
        text_font_style="bold",
        background_fill_alpha=0.88,
        padding=3,
        border_radius=4,
        name=source.name,
        **TEXT,
    )
    paint(label.glyph, text_color=role, background_fill_color="card")
