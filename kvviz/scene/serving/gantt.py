"""Requests over time: a lane each, from the queue to the last token."""

from dataclasses import dataclass, field
from math import floor, log10
from typing import Any

from bokeh.models import (
    ColumnDataSource,
    LinearColorMapper,
    Range1d,
    SingleIntervalTicker,
)
from bokeh.plotting import figure

from kvviz.scene.paint import Paint
from kvviz.scene.theme import Theme

LANES = 24  # requests seen at once
LABELS = 11  # times named at most below what is seen of it
LANE = 0.73  # of a lane's height that a decode fills


@dataclass
class Gantt:
    """The figure, built once; the browser fills it, moves it, and names lanes and times."""

    figure: figure
    colours: LinearColorMapper
    ticker: SingleIntervalTicker
    paint: Paint = field(repr=False)

    def show(self, window: float) -> float:
        """Draw lines at round times, so many as suit `window` seconds; return what lies between."""
        self.ticker.interval = round_step(window / LABELS)
        return float(self.ticker.interval)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)
        self.colours.palette = list(theme.sequences)


def gantt(theme: Theme) -> Gantt:
    """Build the figure with empty sources: one for each phase, times in seconds."""
    ticker = SingleIntervalTicker(interval=1, num_minor_ticks=0)
    plot, paint = _figure(ticker), Paint()
    colours = LinearColorMapper(palette=["#00000000"], low=0, high=7)
    columns = ("start", "end", "lane")
    sources = {
        name: ColumnDataSource({column: [] for column in columns}, name=name)
        for name in ("waiting", "prefill", "preempted")
    }
    decode = ColumnDataSource({c: [] for c in (*columns, "colour")}, name="decode")
    ends: dict[str, Any] = {"x0": "start", "x1": "end", "y0": "lane", "y1": "lane"}
    waiting = plot.segment(**ends, source=sources["waiting"], line_width=1.5, name="waiting")
    bar: dict[str, Any] = {"y": "lane", "left": "start", "right": "end", "line_color": None}
    fill: Any = {"field": "colour", "transform": colours}
    plot.hbar(**bar, height=LANE, source=decode, fill_color=fill, name="decode")
    preempted = plot.hbar(
        **bar | {"line_color": "black"},
        height=LANE,
        source=sources["preempted"],
        hatch_pattern="right_diagonal_line",
        hatch_scale=6,
        hatch_weight=1.2,
        fill_alpha=1,
        name="preempted",
    )
    prefill = plot.hbar(
        **bar | {"line_color": "black"}, height=0.9, source=sources["prefill"], name="prefill"
    )
    paint(waiting.glyph, line_color="text3")
    paint(preempted.glyph, fill_color="red_card", hatch_color="red", line_color="red")
    paint(prefill.glyph, fill_color="text1", line_color="text1")
    paint(plot.xgrid[0], grid_line_color="line")
    result = Gantt(plot, colours, ticker, paint)
    result.repaint(theme)
    return result


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, ... and of their tenths that is not under `least`."""
    ten = 10.0 ** floor(log10(least))
    return next(step * ten for step in (1, 2, 5, 10) if step * ten >= least * (1 - 1e-9))


def _figure(ticker: SingleIntervalTicker) -> figure:
    plot = figure(
        x_range=Range1d(0, 1),
        y_range=Range1d(LANES, 0),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        lod_threshold=None,
        min_border=0,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        name="gantt",
    )
    plot.axis.visible = False
    plot.xgrid.ticker = ticker
    plot.ygrid.visible = False
    return plot
