"""Axes in the page's look."""

from typing import Any

from bokeh.plotting import figure

from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS


def plain_axes(plot: figure, paint: Paint) -> None:
    """Keep only the axes' numbers and thin grid lines; both follow the theme."""
    for axis in plot.axis:
        axis.update(axis_label_text_font=SANS, major_label_text_font=SANS, axis_line_color=None)
        axis.update(major_tick_line_color=None, minor_tick_line_color=None)
        axis.update(major_label_text_font_size="13px", major_label_standoff=4)
        paint(axis, major_label_text_color="text3")
    paint(plot, background_fill_color="card", border_fill_color="card")
    grids: list[Any] = [*plot.xgrid, *plot.ygrid]
    for grid in grids:
        paint(grid, grid_line_color="line")
