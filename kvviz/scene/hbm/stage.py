"""What the figures share: a plot in the design's pixels, named sources and the paint."""

from dataclasses import dataclass, field
from typing import Any, Final

from bokeh.core.properties import value
from bokeh.models import (
    AllIndices,
    CDSView,
    ColumnDataSource,
    Glyph,
    GlyphRenderer,
    LinearColorMapper,
    Plot,
    Range1d,
    Selection,
    UnionRenderers,
)
from bokeh.models import Rect as RectGlyph

from kvviz.scene.hbm.floorplan import SCENE_HEIGHT, SCENE_WIDTH, Rect
from kvviz.scene.paint import Paint
from kvviz.scene.theme import ROLES, SANS, Theme

FONT: Final = value(SANS)
LOOK: Final = ("fill", "line", "dash")  # columns of rows that differ in look
BOX_COLUMNS: Final = ("x", "y", "left", "bottom", "w", "h")  # of a source of boxes
BOX: Final = {"x": "x", "y": "y", "width": "w", "height": "h"}
ENDS: Final = {"x0": "x0", "y0": "y0", "x1": "x1", "y1": "y1"}
IMAGE: Final = {"image": "image", "x": "left", "y": "bottom", "dw": "w", "dh": "h"}
IMAGES: Final = ("left", "bottom", "w", "h", "image")  # columns of a source of images


def _role_mapper() -> LinearColorMapper:
    # Half a step to either side, since a whole number may fall just short of its own colour.
    return LinearColorMapper(palette=[], low=-0.5, high=len(ROLES) - 0.5)


@dataclass
class Stage:
    """A plot with what is drawn on it, in the order in which it is drawn.

    Nothing on it is selected or filtered, so that its sources share what says so: a page of many
    glyphs opens the sooner, the fewer models they are.
    """

    figure: Plot
    paint: Paint = field(default_factory=Paint, repr=False)
    sources: dict[str, ColumnDataSource] = field(default_factory=dict)
    mapper: LinearColorMapper = field(default_factory=_role_mapper, repr=False)
    _all: AllIndices = field(default_factory=AllIndices, repr=False)
    _none: Selection = field(default_factory=Selection, repr=False)
    _union: UnionRenderers = field(default_factory=UnionRenderers, repr=False)

    def source(self, name: str, *columns: str) -> ColumnDataSource:
        """Return the source `name`, made empty with its columns."""
        if name not in self.sources:
            self.sources[name] = ColumnDataSource(
                {column: [] for column in columns},
                name=name,
                selected=self._none,
                selection_policy=self._union,
            )
        return self.sources[name]

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)
        self.mapper.palette = theme.palette()

    def by_role(self, name: str) -> dict[str, Any]:
        """Return a colour that the column `name` tells by role."""
        return {"field": name, "transform": self.mapper}

    def draw_boxes(self, name: str, radius: int, level: str = "glyph") -> None:
        """Draw a new source `name` of boxes, each with its own look."""
        box = RectGlyph(
            **BOX,
            fill_color=self.by_role("fill"),
            line_color=self.by_role("line"),
            line_dash={"field": "dash"},
            line_width=1.5,
            border_radius=radius,
        )
        self.draw(box, self.source(name, *BOX_COLUMNS, *LOOK), level)

    def draw(
        self, glyph: Glyph, source: ColumnDataSource, level: str = "glyph", **roles: str
    ) -> None:
        """Draw `glyph` from `source`, each property of `roles` in its role's colour."""
        view = CDSView(filter=self._all)
        renderer = GlyphRenderer(
            data_source=source, glyph=glyph, view=view, level=level, name=source.name
        )
        self.figure.renderers.append(renderer)
        self.paint(glyph, **roles)


def boxes(rects: list[Rect]) -> dict[str, list[float]]:
    """Return columns for `rect` (centres) and `image` (lower left corners)."""
    columns = {
        "x": [rect.x + rect.w / 2 for rect in rects],
        "y": [SCENE_HEIGHT - rect.y - rect.h / 2 for rect in rects],
        "left": [rect.x for rect in rects],
        "bottom": [SCENE_HEIGHT - rect.bottom for rect in rects],
        "w": [rect.w for rect in rects],
        "h": [rect.h for rect in rects],
    }
    return {name: [round(value, 2) for value in column] for name, column in columns.items()}


@dataclass(frozen=True, slots=True)
class Look:
    """How a box is drawn: roles of the theme, and its line's dash."""

    fill: str = "clear"
    line: str = "clear"
    dash: str = "solid"

    def codes(self) -> dict[str, int | str]:
        """Return its columns' values, the roles by their place in the theme's palette."""
        return {"fill": ROLES.index(self.fill), "line": ROLES.index(self.line), "dash": self.dash}


def dressed(parts: list[tuple[Look, list[Rect]]]) -> dict[str, list[Any]]:
    """Return columns of boxes with their looks, in order."""
    columns: dict[str, list[Any]] = boxes([rect for _, rects in parts for rect in rects])
    codes = [look.codes() for look, rects in parts for _ in rects]
    return columns | {name: [code[name] for code in codes] for name in LOOK}


def segments(lines: list[tuple[float, float, float, float]]) -> dict[str, list[float]]:
    """Return columns for `segment` from (x0, y0, x1, y1), y up."""
    columns = zip(*lines, strict=True) if lines else ((), (), (), ())
    return dict(zip(("x0", "y0", "x1", "y1"), map(list, columns), strict=True))


def scene_figure(name: str) -> Plot:
    """Return an empty plot of the scene's size; what lies behind it shows through.

    Its y goes up, since Bokeh's ranges must increase.
    """
    return Plot(
        x_range=Range1d(0, SCENE_WIDTH),
        y_range=Range1d(0, SCENE_HEIGHT),
        sizing_mode="stretch_both",
        toolbar_location=None,
        title=None,
        lod_threshold=None,
        min_border=0,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        name=name,
    )
