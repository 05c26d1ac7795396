"""The GPU with its memory: each page a cell on the real floorplan, and the ghost of the scores.

The figure is drawn once; a GPU's `places` say where everything is, and the player puts it
there. What moves is on the overlay, a canvas of its own: the rest is not painted again with it.
"""

from bokeh.models import Image, LinearColorMapper, Patches, Plot, Rect, Scatter, Segment

from kvviz.scene.hbm.inside import Inside
from kvviz.scene.hbm.stage import BOX, BOX_COLUMNS, ENDS, IMAGE, IMAGES, Stage, scene_figure
from kvviz.scene.theme import Theme

GRID_STEP = 8  # px between the lines that mark free memory


class HbmScene:
    """The scene's figure, its sources empty until the player fills them."""

    def __init__(self, theme: Theme) -> None:
        self.stage = Stage(scene_figure("hbm"))
        palette, streams = theme.page_palette(), _streams(theme)
        self.mapper = LinearColorMapper(palette=palette, low=0, high=len(palette))
        self.tones = LinearColorMapper(palette=streams, low=0, high=len(streams))
        self._draw_memory()
        self._draw_boards()
        self._draw_ghost()
        self._draw_particles()
        self.inside = Inside(self.stage, theme)
        self.repaint(theme)

    @property
    def figure(self) -> Plot:
        """The Bokeh figure."""
        return self.stage.figure

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.stage.repaint(theme)
        self.mapper.palette = theme.page_palette()
        self.tones.palette = _streams(theme)
        self.inside.repaint(theme)

    def _draw_memory(self) -> None:
        stage = self.stage
        site = Rect(
            **BOX,
            border_radius=3,
            line_width=2,
            hatch_pattern="cross",
            hatch_scale=GRID_STEP,
            hatch_weight=1,
        )
        roles = {"fill_color": "free", "line_color": "strong", "hatch_color": "grid"}
        stage.draw(site, stage.source("sites", *BOX_COLUMNS), **roles)
        image = Image(**IMAGE, color_mapper=self.mapper)
        stage.draw(image, stage.source("pages", *IMAGES), level="overlay")

    def _draw_boards(self) -> None:
        """The dies, and all that stands still on and beside them; the lanes to the memory."""
        self.stage.draw_boxes("dies", radius=8)
        lane = Segment(**ENDS, line_width=1.5)
        self.stage.draw(lane, self.stage.source("lanes", *ENDS), line_color="line")
        self.stage.draw_boxes("boxes", radius=3)

    def _draw_particles(self) -> None:
        moving = self.stage.source("particles", *ENDS, "tone")
        tone = {"field": "tone", "transform": self.tones}
        tail = Segment(**ENDS, line_color=tone, line_alpha=0.45, line_width=4)
        head = Scatter(x="x1", y="y1", size=7, fill_color=tone, line_color=None)
        for glyph in (tail, head):
            self.stage.draw(glyph, moving, level="overlay")

    def _draw_ghost(self) -> None:
        """The scores: with FlashAttention on the chip, so here only the outline they would have."""
        ghost = Patches(
            xs="xs",
            ys="ys",
            fill_alpha=0.13,
            hatch_pattern="right_diagonal_line",
            hatch_alpha=0.6,
            hatch_scale=13,
            hatch_weight=1.3,
            line_dash=[5, 3],
            line_width=1.5,
        )
        roles = dict.fromkeys(("fill_color", "hatch_color", "line_color"), "red")
        self.stage.draw(ghost, self.stage.source("ghost", "xs", "ys"), level="overlay", **roles)


def _streams(theme: Theme) -> list[str]:
    """Return a particle's colours: weights, then the sequences."""
    return [theme.weights1, *theme.sequences]
