"""What is drawn on the dies: units at work, the triangle of scores, and how busy a step is."""

from enum import IntEnum

from bokeh.models import Image, LinearColorMapper, Rect, Scatter, Segment

from kvviz.scene.hbm.stage import BOX, BOX_COLUMNS, ENDS, IMAGE, IMAGES, Stage
from kvviz.scene.theme import Theme


class Tile(IntEnum):
    """What a square of scores is."""

    NONE = 0
    BEYOND = 1
    AHEAD = 2
    DONE = 3
    TILE = 4
    SOLID = 5


class Inside:
    """The glyphs of the dies' contents; the player puts them where they lie, and moves them."""

    def __init__(self, stage: Stage, theme: Theme) -> None:
        self.stage = stage
        palette = theme.tile_palette()
        self.mapper = LinearColorMapper(palette=palette, low=0, high=len(palette))
        self._draw_units()
        self._draw_triangle()
        stage.draw_boxes("meters", radius=4, level="overlay")

    def repaint(self, theme: Theme) -> None:
        """Give the squares the theme's colours."""
        self.mapper.palette = theme.tile_palette()

    def _draw_units(self) -> None:
        tone = {"field": "tone", "transform": self.mapper}
        unit = Rect(**BOX, fill_color=tone, line_color=None)
        self.stage.draw(unit, self.stage.source("units", *BOX_COLUMNS, "tone"), level="overlay")

    def _draw_triangle(self) -> None:
        """The squares, the lines between them, the diagonal and the place on it, with a halo."""
        stage = self.stage
        tiles = Image(**IMAGE, color_mapper=self.mapper)
        stage.draw(tiles, stage.source("tiles", *IMAGES), level="overlay")
        between = Segment(**ENDS)
        stage.draw(between, stage.source("squares", *ENDS), level="overlay", line_color="die")
        diagonal = Segment(
            **ENDS,
            line_color=stage.by_role("line"),
            line_dash={"field": "dash"},
            line_width={"field": "width"},
        )
        source = stage.source("diagonal", *ENDS, "line", "dash", "width")
        stage.draw(diagonal, source, level="overlay")
        dot = Scatter(size="size", fill_alpha="alpha", line_color=None)
        source = stage.source("dot", "x", "y", "size", "alpha")
        stage.draw(dot, source, level="overlay", fill_color="text1")
