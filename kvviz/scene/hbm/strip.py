"""The memory over the run: weights, cache, scores against the capacity, one column per context."""

from dataclasses import dataclass

import numpy as np
from bokeh.models import (
    BasicTicker,
    FixedTicker,
    Grid,
    Line,
    LinearAxis,
    NumeralTickFormatter,
    Patches,
    Plot,
    Range1d,
    Scatter,
    Segment,
    VArea,
)
from numpy.typing import NDArray

from kvviz.scene.hbm.stage import ENDS, Stage, segments
from kvviz.scene.theme import ROLES, SANS, Theme
from kvviz.units import GiB

LEFT, RIGHT, BOTTOM, TOP = 46, 26, 24, 8  # px around the plot; the page's playhead keeps to them
COLUMNS = 240  # points of each area: more would not be seen in 900 px
HEADROOM = 1.5  # the axis shows this many times the capacity, unless more is in HBM
GIB_FORMAT, THOUSANDS = "0,0[.]00", "0a"
WIDE = 10_000  # GiB from which on the axis' labels would not have room beside the plot
MOST_CAPACITIES = 4  # lines of the first, second, ... GPU
# What is in HBM, bottom up, and the role of its colour; above it lie the scores that are avoided.
LAYERS = {
    "weights": "weights1",
    **{f"sequence{number}": f"sequence{number}" for number in range(8)},
    "reserved": "reserved",
    "scores": "red",
}

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crossing:
    """The moment the capacity is passed: at which context, and in which words."""

    context: int
    text: str
    short: str


class Strip:
    """The strip's figure, built once; `show` moves it to another run."""

    def __init__(self, theme: Theme) -> None:
        self.stage = Stage(_figure())
        self.ticker = FixedTicker(ticks=[])
        self.spelling = NumeralTickFormatter(format=GIB_FORMAT)
        self._draw_areas()
        self._draw_axes()
        stage = self.stage
        line = Segment(
            **ENDS, line_color=stage.by_role("line"), line_dash={"field": "dash"}, line_width=1.6
        )
        stage.draw(line, stage.source("capacities", *ENDS, "line", "dash"), level="overlay")
        mark = Scatter(x="x", y="y", size=9, line_width=2)
        crossing = self.stage.source("crossing", "x", "y")
        self.stage.draw(mark, crossing, level="overlay", fill_color="red", line_color="card")
        self.repaint(theme)

    @property
    def figure(self) -> Plot:
        """The Bokeh figure."""
        return self.stage.figure

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.stage.repaint(theme)

    def show(
        self, when: Column, layers: dict[str, Column], capacity: int, crossing: Crossing | None
    ) -> dict[str, float]:
        """Stack `layers` (bytes, bottom up, the avoided scores last) over the contexts `when`.

        Returns:
            The capacity and the top of the axis in GiB, and how many capacities are shown.
        """
        chosen = np.unique(np.linspace(0, len(when) - 1, COLUMNS).astype(int))
        tops = np.cumsum([column[chosen] / GiB for column in layers.values()], axis=0)
        size, end, in_hbm = capacity / GiB, float(when[-1]), float(tops[-2].max())
        top = max(HEADROOM * size, 1.06 * in_hbm)
        self._stack(when[chosen], tops)
        self.figure.x_range.update(start=0, end=end)
        self.figure.y_range.update(start=0, end=top)
        self.spelling.format = GIB_FORMAT if top < WIDE else THOUSANDS
        self.ticker.ticks = sorted({round(end * quarter / 4) for quarter in range(5)})
        shown = min(MOST_CAPACITIES, max(1, int(np.ceil(in_hbm / size))))
        heights = [number * size for number in range(1, shown + 1)]
        lines = segments([(0.0, height, end, height) for height in heights])
        text1, dashes = ROLES.index("text1"), ["solid", *["dotted"] * (shown - 1)]
        self.stage.sources["capacities"].data = {**lines, "line": [text1] * shown, "dash": dashes}
        at = [] if crossing is None else [crossing.context]
        self.stage.sources["crossing"].data = {"x": at, "y": [size] * len(at)}
        return {"capacity": size, "top": top, "capacities": shown}

    def _stack(self, when: Column, tops: NDArray[np.float64]) -> None:
        """Draw each layer between the top of the one below and its own, the last as a ghost."""
        bases = np.vstack([np.zeros(len(when)), tops[:-1]])
        across = np.concatenate([when, when[::-1]]).astype(np.float32)
        areas = zip(bases[:-1], tops[:-1], strict=True)
        outlines = [np.concatenate([base, top[::-1]]).astype(np.float32) for base, top in areas]
        self.stage.sources["areas"].data = {
            "xs": [across] * len(outlines),
            "ys": outlines,
            "fill": [ROLES.index(role) for role in LAYERS.values()],
        }
        ghost = {"when": when, "base": bases[-1], "avoided": tops[-1]}
        self.stage.sources["avoided"].data = {
            name: column.astype(np.float32) for name, column in ghost.items()
        }

    def _draw_areas(self) -> None:
        stage = self.stage
        area = Patches(xs="xs", ys="ys", fill_color=stage.by_role("fill"), line_color=None)
        stage.draw(area, stage.source("areas", "xs", "ys", "fill"))
        avoided = stage.source("avoided", "when", "base", "avoided")
        hatch = {"hatch_pattern": "right_diagonal_line", "hatch_alpha": 0.6, "hatch_scale": 13}
        ghost = VArea(x="when", y1="base", y2="avoided", fill_alpha=0.13, **hatch)
        stage.draw(ghost, avoided, fill_color="red", hatch_color="red")
        edge = Line(x="when", y="avoided", line_dash=[5, 3], line_width=1.5)
        stage.draw(edge, avoided, line_color="red")

    def _draw_axes(self) -> None:
        plot, paint = self.figure, self.stage.paint
        across = LinearAxis(ticker=self.ticker, formatter=NumeralTickFormatter(format="0,0"))
        ticker = BasicTicker(desired_num_ticks=3, num_minor_ticks=0)
        up = LinearAxis(ticker=ticker, formatter=self.spelling)
        for axis, side in ((across, "below"), (up, "left")):
            axis.update(major_label_text_font=SANS, major_label_text_font_size="13px")
            axis.update(axis_line_color=None, major_tick_line_color=None)
            axis.minor_tick_line_color = None
            plot.add_layout(paint(axis, major_label_text_color="text3"), side)
        plot.add_layout(paint(Grid(dimension=1, ticker=up.ticker), grid_line_color="line"))


def _figure() -> Plot:
    return Plot(
        x_range=Range1d(0, 1),
        y_range=Range1d(0, 1),
        sizing_mode="stretch_both",
        toolbar_location=None,
        title=None,
        min_border_left=LEFT,
        min_border_right=RIGHT,
        min_border_bottom=BOTTOM,
        min_border_top=TOP,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        name="strip",
    )
