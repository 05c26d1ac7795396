"""Which of the first tokens attend to which, as a grid of weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.palettes import Plasma256
from bokeh.plotting import figure

from kvviz.scene.kernels.figure import kernel_figure, plain_axes
from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS, Theme

TOKENS: Final = 20


@dataclass
class Pattern:
    """The weights of the first tokens, query down, key right."""

    figure: figure
    cells: ColumnDataSource
    paint: Paint = field(repr=False)

    def show(self, weights: Sequence[Sequence[float]]) -> None:
        """Show (queries, keys) weights; where all are causal, what lies after stays blank."""
        table = np.array(weights)
        last = 0 if not np.triu(table, 1).any() else table.shape[1]
        query, key = np.tril_indices(len(table), last, table.shape[1])
        self.cells.data = {"query": query, "key": key, "weight": table[query, key]}

    def repaint(self, theme: Theme) -> None:
        """Give everything the theme's colours."""
        self.paint.apply(theme)


def pattern(theme: Theme) -> Pattern:
    """Build the figure, without weights."""
    edge = TOKENS - 0.5
    plot = kernel_figure(
        "pattern", x_range=Range1d(-0.5, edge), y_range=Range1d(edge, -0.5), match_aspect=True
    )
    paint = Paint()
    cells = ColumnDataSource({"query": [], "key": [], "weight": []}, name="pattern cells")
    ramp = LinearColorMapper(palette=Plasma256, low=0, high=1)
    plot.rect(
        "key",
        "query",
        0.86,
        0.86,
        source=cells,
        fill_color={"field": "weight", "transform": ramp},
        line_color=None,
        border_radius=2,
    )
    plain_axes(plot, paint)
    plot.grid.visible = False
    plot.xaxis.axis_label, plot.yaxis.axis_label = "key token", "query token"
    for axis in plot.axis:
        axis.ticker = FixedTicker(ticks=[0, 10, TOKENS - 1])
        axis.formatter = NumeralTickFormatter(format="0")
        paint(axis, axis_label_text_color="text2")
        axis.update(
            axis_label_text_font=SANS,
            axis_label_text_font_size="13px",
            axis_label_text_font_style="normal",
        )
    made = Pattern(plot, cells, paint)
    made.repaint(theme)
    return made
