"""The block pool as a raster: one cell a block in reading order, marks and regions on top."""

from dataclasses import dataclass, field
from enum import IntEnum
from math import ceil, floor, sqrt
from typing import Any

from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
from bokeh.plotting import figure

from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS, Theme, mixed

WIDTH, HEIGHT = 444, 160  # px at the design's size
SMALLEST_CELL = 2.0  # px; with smaller ones a cell stands for several blocks
MARKED_CELL = 4.5  # px; on smaller ones dots and outlines could not be told apart
DIMMED, RESERVED = 0.16, 0.75  # shares of the colour in cells that are cached, or reserved


class PoolCell(IntEnum):
    """What a cell's colour code says; colours follow by request number mod 8."""

    FREE = 0
    RESERVED = 1
    HELD = 2
    CACHED = 10
    FOLLOWED = 18
    BLANK = 19  # past the last block


@dataclass(frozen=True, slots=True)
class PoolGrid:
    """The cells of a pool, row after row from the upper left.

    Args:
        blocks: usable blocks of the pool, from id 1 on; block 0 is the null block.
        blocks_per_cell: blocks that one cell stands for.
        columns: cells across.
        rows: cells down; the last row may end early.
    """

    blocks: int
    blocks_per_cell: int
    columns: int
    rows: int

    @property
    def marked(self) -> bool:
        """Whether cells are large enough for lines between them, dots and outlines."""
        return min(WIDTH / self.columns, HEIGHT / self.rows) >= MARKED_CELL


def pool_grid(blocks: int, slot: int | None = None) -> PoolGrid:
    """Return the grid of a pool, with as few blocks a cell as can be seen.

    Args:
        blocks: usable blocks.
        slot: blocks of a slot, where all requests get the same: then its rows are full, if cells
            near the usual width allow it.
    """
    each = max(1, ceil(blocks * SMALLEST_CELL**2 / (WIDTH * HEIGHT)))
    cells = ceil(blocks / each)
    columns = max(1, ceil(sqrt(cells * WIDTH / HEIGHT)))
    if slot and each == 1:
        near = range(ceil(columns / 1.3), floor(columns * 1.3) + 1)
        fitting = [width for width in near if slot % width == 0]
        columns = min(fitting, key=lambda width: abs(width - columns), default=columns)
    return PoolGrid(blocks, each, columns, ceil(cells / columns))


@dataclass
class PoolScene:
    """The figure of one pool, built once; the browser paints its cells."""

    figure: figure
    cells: LinearColorMapper
    colours: LinearColorMapper
    sources: dict[str, ColumnDataSource]
    paint: Paint = field(repr=False)

    def show(self, grid: PoolGrid) -> None:
        """Draw the lines between the cells of `grid`."""
        across, down = WIDTH / grid.columns, HEIGHT / grid.rows
        lines: list[tuple[float, ...]] = [
            (x * across, 0, x * across, HEIGHT) for x in range(1, grid.columns)
        ]
        lines += [(0, y * down, WIDTH, y * down) for y in range(1, grid.rows)]
        columns = zip(*(lines if grid.marked else []), strict=True)
        names = ("x0", "y0", "x1", "y1")
        self.sources["lines"].data = dict(zip(names, columns, strict=False)) or {
            n: [] for n in names
        }

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)
        self.cells.palette = pool_palette(theme)
        self.colours.palette = list(theme.sequences)


def pool_palette(theme: Theme) -> list[str]:
    """Return the raster's palette by `PoolCell`."""
    return [
        theme.free,
        mixed(theme.card, theme.reserved, RESERVED),
        *theme.sequences,
        *(mixed(theme.free, colour, DIMMED) for colour in theme.sequences),
        theme.text1,
        "#00000000",
    ]


def pool_scene(name: str, theme: Theme) -> PoolScene:
    """Build the figure with empty sources; `name` tells it from another on the page."""
    plot, paint = _figure(name), Paint()
    cells = LinearColorMapper(palette=["#00000000"], low=0, high=PoolCell.BLANK)
    colours = LinearColorMapper(palette=["#00000000"], low=0, high=7)
    sources = {
        "cells": _source("cells", image=[]),
        "lines": _source("lines", x0=[], y0=[], x1=[], y1=[]),
        "dots": _source("dots", x=[], y=[], colour=[]),
        "shared": _source("shared", x=[], y=[]),
        "edges": _source("edges", x0=[], y0=[], x1=[], y1=[]),
        "followed": _source("followed", x=[], y=[], w=[], h=[]),
        "plates": _source("plates", x=[], y=[], text=[]),
    }
    image = {"x": 0, "y": 0, "dw": WIDTH, "dh": HEIGHT, "color_mapper": cells}
    plot.image(image="image", source=sources["cells"], name="cells", **image)
    ends = {"x0": "x0", "y0": "y0", "x1": "x1", "y1": "y1"}
    lines = plot.segment(**ends, source=sources["lines"], line_width=0.8, name="lines")
    edges = plot.segment(**ends, source=sources["edges"], line_width=2.4, name="edges")
    colour: Any = {"field": "colour", "transform": colours}
    plot.scatter("x", "y", source=sources["dots"], size=3, fill_color=colour, line_color=None)
    shared = plot.scatter("x", "y", source=sources["shared"], size=3, marker="square")
    box = {"width": "w", "height": "h", "fill_color": None, "line_width": 1.3}
    followed = plot.rect("x", "y", source=sources["followed"], name="followed", **box)
    _plates(plot, paint, sources["plates"])
    paint(lines.glyph, line_color="card")
    paint(edges.glyph, line_color="card")
    paint(shared.glyph, fill_color="card", line_color="card")
    paint(followed.glyph, line_color="text1")
    result = PoolScene(plot, cells, colours, sources, paint)
    result.repaint(theme)
    return result


def _source(name: str, **columns: list[Any]) -> ColumnDataSource:
    return ColumnDataSource(columns, name=name)


def _figure(name: str) -> figure:
    plot = figure(
        x_range=Range1d(0, WIDTH),
        y_range=Range1d(0, HEIGHT),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        min_border=0,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        name=name,
    )
    plot.axis.visible = False
    plot.grid.visible = False
    return plot


def _plates(plot: figure, paint: Paint, source: ColumnDataSource) -> None:
    """Say at a region's lower right end who has it and how full it is."""
    text = plot.text(
        "x",
        "y",
        "text",
        source=source,
        text_font=value(SANS),
        text_font_size="13px",
        text_align="right",
        text_baseline="middle",
        background_fill_alpha=0.88,
        padding=3,
        border_radius=5,
        level="overlay",
        name="plates",
    )
    paint(text.glyph, text_color="text1", background_fill_color="bg")
