"""Time or memory of kernels, block by block and over n, as curves."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from kvviz.scene.kernels.figure import kernel_figure, plain_axes, role
from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS, Theme

NAMES: Final = 0.5  # of the curves' width, for their names and last values
HEIGHT, LINE = 230, 36  # px of a figure of curves, about, and of a name with its value
MOST_STEPS: Final = 5  # ticks of a logarithmic axis
FONT: Final = value(SANS)
NO_FLOOR: Final[dict[str, list[float]]] = {"from": [], "to": [], "y": []}


@dataclass
class Lines:
    """One curve per kernel, named at its end."""

    figure: figure
    curves: ColumnDataSource
    points: ColumnDataSource
    ends: ColumnDataSource
    remarks: ColumnDataSource
    floor: ColumnDataSource
    paint: Paint = field(repr=False)
    theme: Theme
    log: bool

    def show(
        self,
        curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
        spelled: Callable[[float], str],
    ) -> None:
        """Show (x, y) by kernel; `spelled` writes the last y."""
        names = list(curves)
        for part in (*self.figure.axis, *self.figure.grid):
            part.visible = bool(curves)  # no scale without a curve
        self._fit(curves)
        shifts = self._shifts([y[-1] for _, y in curves.values()])
        xs, ys = [list(x) for x, _ in curves.values()], [list(y) for _, y in curves.values()]
        self.curves.data = {"name": names, "x": xs, "y": ys, "colour": self._colours(names)}
        flat = [(name, x, y) for name, (a, b) in curves.items() for x, y in zip(a, b, strict=True)]
        self.points.data = {
            "name": [name for name, _, _ in flat],
            "x": [x for _, x, _ in flat],
            "y": [y for _, _, y in flat],
            "colour": self._colours([name for name, _, _ in flat]),
        }
        self.ends.data = {
            "name": names,
            "x": [x[-1] for x in xs],
            "y": [y[-1] for y in ys],
            "text": [spelled(y[-1]) for y in ys],
            "above": [shift - LINE // 4 for shift in shifts],
            "below": [shift + LINE // 4 for shift in shifts],
            "colour": self._colours(names),
        }

    def _shifts(self, ends: Sequence[float]) -> list[int]:
        """Return how many px the names move down so that none lies upon another or outside."""
        scale = np.log if self.log else np.asarray
        low, high, *at = scale([self.figure.y_range.start or 0, self.figure.y_range.end, *ends])
        places = [HEIGHT * (high - each) / (high - low) for each in at]  # px from the top
        order = np.argsort(places, kind="stable").tolist()
        put, free, floor = dict.fromkeys(order, 0.0), -np.inf, HEIGHT - LINE / 2
        for number in order:
            put[number] = max(places[number], free)
            free = put[number] + LINE
        for number in reversed(order):  # what fell out below rises again
            put[number] = min(put[number], floor)
            floor = put[number] - LINE
        return [round(put[number] - place) for number, place in enumerate(places)]

    def level(self, y: float) -> None:
        """Draw a dashed line at what all curves lie above."""
        xs = [x for series in self.curves.data["x"] for x in series]
        self.floor.data = {"from": [min(xs)], "to": [max(xs)], "y": [y]} if xs else NO_FLOOR

    def remark(self, remarks: Sequence[tuple[float, float, str, str]]) -> None:
        """Write (x, y, text, role) into the figure."""
        columns = zip(*remarks, strict=True) if remarks else ((), (), (), ())
        told = dict(zip(("x", "y", "text", "role"), map(list, columns), strict=True))
        self.remarks.data = {**told, "colour": [self.theme.colour(role) for role in told["role"]]}

    def _fit(self, curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> None:
        """Leave room at the right for the curves' names, which a figure would cut off."""
        if not curves:
            return
        xs = [x for series, _ in curves.values() for x in series]
        ys = [y for _, series in curves.values() for y in series]
        low, high = min(xs), max(xs)
        if self.log:
            end = high * (high / low) ** NAMES if high > low else 2 * high
            self.figure.x_range.update(start=low / 1.2, end=end)
            self.figure.y_range.update(start=min(ys) / 1.6, end=max(ys) * 1.6)
            self.figure.xaxis[0].ticker = FixedTicker(ticks=sorted(set(xs)))
            self.figure.yaxis[0].ticker = FixedTicker(ticks=_steps(min(ys) / 1.6, max(ys) * 1.6))
        else:
            self.figure.x_range.update(start=low, end=low + max(high - low, 1) * (1 + NAMES))
            self.figure.y_range.update(start=0, end=1.3 * max(ys))
            quarters = sorted({round(low + part * (high - low) / 4) for part in range(5)})
            self.figure.xaxis[0].ticker = FixedTicker(ticks=quarters)

    def repaint(self, theme: Theme) -> None:
        """Give everything the theme's colours."""
        self.theme = theme
        self.paint.apply(theme)
        for source in (self.curves, self.points, self.ends):
            source.data = {**source.data, "colour": self._colours(source.data["name"])}
        roles = self.remarks.data["role"]
        self.remarks.data = {**self.remarks.data, "colour": [theme.colour(role) for role in roles]}

    def _colours(self, names: Sequence[str]) -> list[str]:
        return [self.theme.colour(role(name)) for name in names]


def lines(theme: Theme, name: str, log: bool) -> Lines:
    """Build a figure of curves named `name`, without values; both axes logarithmic or neither."""
    axes = {"x_axis_type": "log", "y_axis_type": "log"} if log else {}
    plot, paint = kernel_figure(name, x_range=Range1d(0, 1), y_range=Range1d(0, 1), **axes), Paint()
    columns: dict[str, list[Any]] = {c: [] for c in ("name", "x", "y", "colour")}
    curves, points = (
        ColumnDataSource(dict(columns), name=f"{name} {part}") for part in ("curves", "points")
    )
    ends = ColumnDataSource({**columns, "text": [], "above": [], "below": []}, name=f"{name} ends")
    plot.multi_line("x", "y", source=curves, line_color="colour", line_width=2.5)
    plot.scatter("x", "y", source=points, size=6, fill_color="colour", line_color=None)
    _names(plot, ends, paint)
    remarks = ColumnDataSource({c: [] for c in ("x", "y", "text", "role", "colour")})
    said = plot.text(
        "x",
        "y",
        "text",
        source=remarks,
        text_color="colour",
        text_font=FONT,
        text_font_size="14px",
        text_baseline="middle",
        x_offset=8,
    )
    paint(said.glyph, background_fill_color="card")
    floor = ColumnDataSource(NO_FLOOR, name=f"{name} floor")
    dashes = {"line_dash": [3, 4], "line_width": 1.5}
    level = plot.segment("from", "y", "to", "y", source=floor, **dashes)
    paint(level.glyph, line_color="text3")
    plain_axes(plot, paint)
    if log:
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
        plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[00000]")
    made = Lines(plot, curves, points, ends, remarks, floor, paint, theme, log)
    made.repaint(theme)
    return made


def _steps(low: float, high: float) -> list[float]:
    """Return the powers of ten between two numbers, with 2 and 5 between them if they are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fine = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    within = [step for step in fine if low <= step <= high]
    return within if len(within) <= MOST_STEPS else [10.0**power for power in powers]


def _names(plot: figure, ends: ColumnDataSource, paint: Paint) -> None:
    """Write every curve's name right of the figure, where its last point is, its value beneath."""
    beside = {"source": ends, "x_offset": 12, "text_font": FONT, "text_font_size": "14px"}
    bold = {"text_color": "colour", "text_font_style": "bold"}
    for text, offset, look in (("name", "above", bold), ("text", "below", {})):
        drawn = plot.text("x", "y", text, y_offset=offset, text_baseline="middle", **beside, **look)
        paint(drawn.glyph, background_fill_color="card")  # grid lines run behind them
        if not look:
            paint(drawn.glyph, text_color="text2")
