"""What the parts of a scene share: a figure, named sources and the paint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

from kvviz.scene.floorplan import SCENE_HEIGHT, SCENE_WIDTH, Rect
from kvviz.scene.paint import Paint
from kvviz.scene.theme import SANS

FONT = value(SANS)
BOX = {"x": "x", "y": "y", "width": "w", "height": "h"}
Columns = Mapping[str, list[Any]]


@dataclass
class Stage:
    """A figure in the design's pixels, with y up, since Bokeh's ranges must increase."""

    figure: figure
    paint: Paint = field(default_factory=Paint, repr=False)
    sources: dict[str, ColumnDataSource] = field(default_factory=dict)

    def source(self, name: str, columns: Columns) -> ColumnDataSource:
        """Make the source `name` with its first columns."""
        self.sources[name] = ColumnDataSource(columns, name=name)
        return self.sources[name]

    def texts(self, name: str, role: str) -> None:
        """Draw the texts of a new source `name`: where, what, how large, which style and side."""
        fields = ("x", "y", "text", "size", "style", "align")
        text = self.figure.text(
            "x",
            "y",
            "text",
            text_font=FONT,
            text_font_size={"field": "size"},
            text_font_style={"field": "style"},
            text_align={"field": "align"},
            source=self.source(name, {field: [] for field in fields}),
            level="overlay",
            name=name,
        )
        self.paint(text.glyph, text_color=role)


def boxes(rects: list[Rect]) -> dict[str, list[float]]:
    """Return columns for `rect` (centres) and `image` (lower left corners)."""
    return {
        "x": [rect.x + rect.w / 2 for rect in rects],
        "y": [SCENE_HEIGHT - rect.y - rect.h / 2 for rect in rects],
        "left": [rect.x for rect in rects],
        "bottom": [SCENE_HEIGHT - rect.bottom for rect in rects],
        "w": [rect.w for rect in rects],
        "h": [rect.h for rect in rects],
    }


def segments(lines: list[tuple[float, float, float, float]]) -> dict[str, list[float]]:
    """Return columns for `segment` from (x0, y0, x1, y1), y up."""
    columns = zip(*lines, strict=True) if lines else ((), (), (), ())
    return dict(zip(("x0", "y0", "x1", "y1"), map(list, columns), strict=True))


def scene_figure(name: str) -> figure:
    """Return an empty figure of the scene's size, without axes or tools."""
    plot = figure(
        x_range=Range1d(0, SCENE_WIDTH),
        y_range=Range1d(0, SCENE_HEIGHT),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        lod_threshold=None,
        min_border=0,
        outline_line_color=None,
        name=name,
    )
    plot.axis.visible = False
    plot.grid.visible = False
    return plot
