"""A pool over a whole run: blocks by request, what is cached, and both queues below."""

from dataclasses import dataclass, field

import numpy as np
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from kvviz.scene.axes import plain_axes
from kvviz.scene.paint import Paint
from kvviz.scene.theme import Theme
from kvviz.timeline import Timeline, held_by_group

LEFT, RIGHT, BOTTOM, TOP = 58, 16, 24, 4  # px around the plot, as around the requests
SAMPLES = 460  # moments: more would not be seen in 900 px
COLOURS = 8
LAYERS = (*(f"sequence{i}" for i in range(COLOURS)), "reserved", "cached")
QUEUE_TOP, QUEUE_BOTTOM = -0.26, -0.64  # where the queues lie, the pool being from 0 to 1
LAST_IN_SECONDS = """
const text = tick.toLocaleString("en-US", {maximumFractionDigits: 2})
return index === ticks.length - 1 ? `${text} s` : text
"""
Moments = NDArray[np.float64]


@dataclass
class Overview:
    """The figure, built once; the browser shows one run's areas and both queues."""

    figure: figure
    paint: Paint = field(repr=False)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)

    def show(self, seconds: float, blocks: int, longest: int) -> None:
        """Let the axes span a run of `seconds`, a pool and the `longest` queue."""
        self.figure.x_range.update(start=0, end=seconds)
        labels = {0: "0", 0.5: f"{blocks // 2:,}", 1: f"{blocks:,}"}
        labels |= {QUEUE_TOP: f"{longest:,}", QUEUE_BOTTOM: "0"}
        self.figure.yaxis.ticker = list(labels)
        self.figure.yaxis.major_label_overrides = labels


def stacked(timeline: Timeline, when: Moments, free: Moments, cached: Moments) -> Moments:
    """Return the upper edges of `LAYERS` as shares of the pool; shape (layers, moments).

    Args:
        timeline: every block over time; block 0 is the null block.
        when: moments, in the timeline's unit.
        free: blocks free then, without those cached.
        cached: blocks free with known content.
    """
    pool = timeline.pages - 1
    held = held_by_group(timeline, when, COLOURS)
    rest = pool - free - cached - held.sum(axis=0)
    return np.cumsum([*held, np.maximum(rest, 0), cached], axis=0) / pool


def overview(theme: Theme) -> Overview:
    """Build the figure with empty sources."""
    plot, paint = _figure(), Paint()
    areas = ColumnDataSource(
        {"when": [], "base": [], **{name: [] for name in LAYERS}}, name="areas"
    )
    for below, name in zip(("base", *LAYERS), LAYERS, strict=False):
        area = plot.varea("when", below, name, source=areas, name=name, fill_alpha=1.0)
        paint(area.glyph, fill_color="free" if name == "cached" else name)
    area.glyph.update(hatch_pattern="dot", hatch_scale=5, hatch_alpha=0.9)
    paint(area.glyph, hatch_color="strong")
    for name, role, dash in (("a", "text1", "solid"), ("b", "text3", [4, 3])):
        queue = ColumnDataSource({"when": [], "waiting": []}, name=f"queue_{name}")
        line = plot.step(
            "when", "waiting", source=queue, mode="after", line_width=1.7, line_dash=dash,
            name=f"queue_{name}",
        )  # fmt: skip
        paint(line.glyph, line_color=role)
    plain_axes(plot, paint)
    result = Overview(plot, paint)
    result.repaint(theme)
    return result


def _figure() -> figure:
    plot = figure(
        x_range=Range1d(0, 1),
        y_range=Range1d(QUEUE_BOTTOM - 0.03, 1.02),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        lod_threshold=None,
        min_border_left=LEFT,
        min_border_right=RIGHT,
        min_border_bottom=BOTTOM,
        min_border_top=TOP,
        outline_line_color=None,
        name="overview",
    )
    plot.xaxis.formatter = CustomJSTickFormatter(code=LAST_IN_SECONDS)
    plot.xaxis.ticker.update(desired_num_ticks=6, num_minor_ticks=0)
    plot.xgrid.visible = False
    return plot
