"""Requests over time: a lane each, from the queue to the last token."""

from dataclasses import dataclass, field
from typing import Any

from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    LinearColorMapper,
    NumeralTickFormatter,
    PrintfTickFormatter,
    Range1d,
    SingleIntervalTicker,
)
from bokeh.plotting import figure

from kvviz.scene.axes import plain_axes
from kvviz.scene.paint import Paint
from kvviz.scene.theme import Theme

LANES = 24  # requests seen at once
LEFT, RIGHT, BOTTOM, TOP = 58, 16, 26, 4  # px around the plot; the page's playhead keeps to them
LANE = 0.73  # of a lane's height that a decode fills
NEAREST = 4  # px wide at least: a prefill must be seen


@dataclass
class Gantt:
    """The figure, built once; the browser fills it and moves its ranges."""

    figure: figure
    colours: LinearColorMapper
    paint: Paint = field(repr=False)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)
        self.colours.palette = list(theme.sequences)


def gantt(theme: Theme) -> Gantt:
    """Build the figure with empty sources: one for each phase, times in seconds."""
    plot, paint = _figure(), Paint()
    colours = LinearColorMapper(palette=["#00000000"], low=0, high=7)
    lane = BoxAnnotation(name="lane", level="underlay", line_width=1.4, line_alpha=1, fill_alpha=1)
    plot.add_layout(paint(lane, fill_color="raised", line_color="text1"))
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
    plain_axes(plot, paint)
    result = Gantt(plot, colours, paint)
    result.repaint(theme)
    return result


def _figure() -> figure:
    plot = figure(
        x_range=Range1d(0, 1),
        y_range=Range1d(LANES, 0),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        lod_threshold=None,
        min_border_left=LEFT,
        min_border_right=RIGHT,
        min_border_bottom=BOTTOM,
        min_border_top=TOP,
        outline_line_color=None,
        name="gantt",
    )
    plot.yaxis.ticker = SingleIntervalTicker(interval=4, num_minor_ticks=0)
    plot.yaxis.formatter = PrintfTickFormatter(format="#%d")
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
    plot.xaxis.ticker.update(desired_num_ticks=8, num_minor_ticks=0)
    plot.ygrid.visible = False
    return plot
