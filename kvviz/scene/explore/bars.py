"""A few values beside one another, as bars of log height in the heat map's tones."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

from kvviz.scene.explore.heatmap import TONES, Scale, palette
from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS, Theme

HEIGHT: Final = 122  # px
LEAST: Final = 0.14  # height of the lowest bar, the highest being 1
TEXT: Final = {"text_font": value(SANS), "text_align": "center"}
COLUMNS: Final = ("x", "top", "colour", "value", "label")


@dataclass
class Bars:
    """The figure, built once; `show` gives it other bars."""

    figure: figure
    bars: ColumnDataSource
    here: ColumnDataSource
    paint: Paint = field(repr=False)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)

    def show(
        self,
        values: list[float],
        texts: list[str],
        labels: list[str],
        here: int,
        low_is_best: bool = False,
    ) -> None:
        """Show a bar for each value, 0 if there is none; `here` marks one of them."""
        found = np.array(values)
        scale, tones = Scale.over(found, low_is_best=False), np.zeros(len(values), dtype=int)
        tones[found > 0] = scale.tones(found[found > 0])
        top = np.where(found > 0, LEAST + tones / (TONES - 1) * (1 - LEAST), 0.0)
        colours = palette()[:: -1 if low_is_best else 1]
        data: dict[str, Any] = {
            "x": np.arange(len(values)),
            "top": top,
            "colour": [colours[tone][0] for tone in tones.tolist()],
            "value": texts,
            "label": labels,
        }
        self.bars.data = data
        self.here.data = {name: list(column[here : here + 1]) for name, column in data.items()}
        self.figure.x_range.update(start=-0.55, end=len(values) - 0.45)


def bars(theme: Theme) -> Bars:
    """Build the figure with empty sources."""
    plot = figure(
        x_range=Range1d(0, 1),
        y_range=Range1d(-0.3, 1.24),
        sizing_mode="stretch_width",
        height=HEIGHT,
        toolbar_location=None,
        tools="",
        min_border=0,
        outline_line_color=None,
        name="bars",
    )
    plot.axis.visible = False
    plot.grid.visible = False
    paint = Paint()
    paint(plot, background_fill_color="card", border_fill_color="card")
    every, here = (
        ColumnDataSource({column: [] for column in COLUMNS}, name=name) for name in ("bars", "here")
    )
    _draw(plot, paint, every, "text2", "normal")
    _draw(plot, paint, here, "text1", "bold")
    result = Bars(plot, every, here, paint)
    result.repaint(theme)
    return result


def _draw(plot: figure, paint: Paint, source: ColumnDataSource, role: str, style: str) -> None:
    bar = plot.vbar(
        "x", 0.68, "top", 0, source=source, fill_color="colour", line_color=None, border_radius=3
    )
    if source.name == "here":
        paint(bar.glyph, fill_color="on")
    for text, y, baseline, offset in (
        ("value", "top", "bottom", -3),
        ("label", 0, "alphabetic", 17),
    ):
        glyph = plot.text(
            "x",
            y,
            text,
            source=source,
            text_baseline=baseline,
            y_offset=offset,
            text_font_size="13px" if text == "label" else "14px",
            text_font_style=style if source.name == "here" else "normal",
            **TEXT,
        )
        colour = role if text == "value" or source.name == "here" else "text3"
        paint(glyph.glyph, text_color=colour)
