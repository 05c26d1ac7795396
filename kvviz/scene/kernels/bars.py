"""Time or memory of kernels, measured and predicted, as bars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FactorRange, Range1d
from bokeh.plotting import figure

from kvviz.scene.kernels.figure import kernel_figure, plain_axes, role
from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS, Theme

ROOM: Final = 1.4  # the axis goes on for the bars' numbers, on a phone too
HALO, MARK = 7, 2.5  # px of a predicted mark, and of the card's colour around it
FONT: Final = value(SANS)


@dataclass
class Bars:
    """One bar per kernel, its number beside it and a mark where it was predicted."""

    figure: figure
    bars: ColumnDataSource
    marks: ColumnDataSource
    paint: Paint = field(repr=False)
    theme: Theme

    def show(
        self, measured: Mapping[str, float], predicted: Mapping[str, float | None], unit: str
    ) -> None:
        """Show values by kernel, spelled with `unit` such as ``{:.2f}``."""
        names = list(measured)
        self.figure.y_range.factors = names[::-1]
        most = max([*measured.values(), *(each or 0 for each in predicted.values())], default=1.0)
        self.figure.x_range.end = ROOM * most
        self.bars.data = {
            "name": names,
            "value": list(measured.values()),
            "end": [max(measured[name], predicted[name] or 0) for name in names],
            "text": [unit.format(measured[name]) for name in names],
            "colour": [self.theme.colour(role(name)) for name in names],
        }
        marked = [name for name in names if predicted[name] is not None]
        self.marks.data = {
            "value": [predicted[name] for name in marked],
            "low": [(name, -0.42) for name in marked],
            "high": [(name, 0.42) for name in marked],
        }

    def repaint(self, theme: Theme) -> None:
        """Give everything the theme's colours."""
        self.theme = theme
        self.paint.apply(theme)
        colours = [theme.colour(role(name)) for name in self.bars.data["name"]]
        self.bars.data = {**self.bars.data, "colour": colours}


def bars(theme: Theme, name: str) -> Bars:
    """Build a figure of bars named `name`, without values."""
    plot, paint = (
        kernel_figure(name, y_range=FactorRange(factors=[]), x_range=Range1d(0, 1)),
        Paint(),
    )
    columns: dict[str, list[Any]] = {c: [] for c in ("name", "value", "end", "text", "colour")}
    source = ColumnDataSource(columns, name=f"{name} bars")
    marks = ColumnDataSource({"value": [], "low": [], "high": []}, name=f"{name} marks")
    plot.hbar(
        "name",
        right="value",
        height=0.66,
        source=source,
        fill_color="colour",
        line_color=None,
        border_radius=3,
    )
    for width, colour in ((HALO, "card"), (MARK, "text1")):
        line = plot.segment("value", "low", "value", "high", source=marks, line_width=width)
        paint(line.glyph, line_color=colour)
    text = plot.text(
        "end",
        "name",
        "text",
        source=source,
        x_offset=12,
        text_font=FONT,
        text_baseline="middle",
        text_font_size="21px",
        text_font_style="bold",
    )
    paint(text.glyph, text_color="text1")
    plain_axes(plot, paint)
    plot.ygrid.visible = False
    plot.yaxis.update(major_label_text_font_size="15px", major_label_text_font_style="bold")
    paint(plot.yaxis[0], major_label_text_color="text1")
    made = Bars(plot, source, marks, paint, theme)
    made.repaint(theme)
    return made


def pair(
    found: dict[str, Any], measured: str, predicted: str, unit: float
) -> tuple[dict[str, float], dict[str, float | None]]:
    """Return two figures of every kernel, in `unit`."""
    known = {name: row[predicted] for name, row in found.items()}
    return (
        {name: row[measured] / unit for name, row in found.items()},
        {name: None if value is None else value / unit for name, value in known.items()},
    )
