"""What all figures of the kernels share: their frame, their axes, a kernel's colour."""

from typing import Any, Final

from bokeh.plotting import figure

from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS

ROLES: Final = {"standard": "red", "paged": "sequence5", "flash": "tile"}
OTHER: Final = "sequence2"


def role(name: str) -> str:
    """Return the colour role of a kernel, by how its name begins."""
    return next((own for start, own in ROLES.items() if name.lower().startswith(start)), OTHER)


def colour(name: str) -> str:
    """Return the CSS property of a kernel's colour, such as ``--tile``."""
    return "--" + role(name).replace("sequence", "seq")


def kernel_figure(name: str, **settings: Any) -> figure:
    """Return a figure named `name` that fills its card, without tools."""
    return figure(
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        outline_line_color=None,
        min_border=8,
        name=name,
        **settings,
    )


def plain_axes(plot: figure, paint: Paint) -> None:
    """Give a figure axes of text alone, and grid lines."""
    for axis in plot.axis:
        axis.update(major_label_text_font=SANS, major_label_text_font_size="13px")
        axis.update(axis_line_color=None, major_tick_line_color=None, minor_tick_line_color=None)
        paint(axis, major_label_text_color="text3")
    paint(plot, background_fill_color="card", border_fill_color="card")
    for grid in plot.grid:
        paint(grid, grid_line_color="line")
