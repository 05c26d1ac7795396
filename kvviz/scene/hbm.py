"""The GPU with its memory: every page a cell on the real floorplan, and the ghost of the scores."""

import numpy as np
from bokeh.models import LinearColorMapper
from bokeh.plotting import figure

from kvviz.catalog.gpu import Gpu
from kvviz.scene.floorplan import (
    SCENE_HEIGHT,
    Anchor,
    Floorplan,
    Rect,
    Site,
    floorplan,
    lanes,
    ports,
)
from kvviz.scene.inside import Inside
from kvviz.scene.raster import Raster, raster, site_pages
from kvviz.scene.stage import BOX, FONT, Stage, boxes, scene_figure, segments
from kvviz.scene.theme import Theme

GRID_STEP = 8  # px between the lines that mark free memory
PARTICLES = 60  # at the full bandwidth


class HbmScene:
    """The scene's figure, built once; `show` moves it to another GPU or page size."""

    raster: Raster
    plan: Floorplan

    def __init__(self, theme: Theme) -> None:
        self.stage = Stage(scene_figure("hbm"))
        palette = theme.page_palette()
        self.mapper = LinearColorMapper(palette=palette, low=0, high=len(palette))
        streams = [theme.weights1, *theme.sequences]
        self.tones = LinearColorMapper(palette=streams, low=0, high=len(streams))
        self._draw_memory()
        self._draw_dies()
        self._draw_lanes()
        self._draw_ghost()
        self._draw_names()
        self.inside = Inside(self.stage, theme)
        self.repaint(theme)

    @property
    def figure(self) -> figure:
        """The Bokeh figure."""
        return self.stage.figure

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.stage.paint.apply(theme)
        self.mapper.palette = theme.page_palette()
        self.inside.repaint(theme)
        self.tones.palette = [theme.weights1, *theme.sequences]

    def show(self, gpu: Gpu, pages: int) -> None:
        """Draw `gpu` with `pages` in all; the player fills the cells."""
        self.plan = floorplan(gpu)
        active = self._active()
        per_site = site_pages(pages, len(active))
        self.raster = raster(per_site[0], active[0].rect.w, active[0].rect.h)
        self._show_sites(active, per_site)
        sources = self.stage.sources
        sources["dies"].data = boxes(list(self.plan.dies))
        sources["lanes"].data = segments(self._lanes())
        sources["ports"].data = boxes([port.rect for port in ports(self.plan)])
        self.inside.show(gpu, self.plan)

    def places(self) -> dict[str, object]:
        """Return where the player draws what moves, y up."""
        return {
            "site_names": [site.label for site in self._active()],
            "sites": boxes([site.rect for site in self._active()]),
            "lanes": self._lanes(),
            "particles": PARTICLES,
            **self.inside.places(),
        }

    def _active(self) -> list[Site]:
        return [site for site in self.plan.sites if site.active]

    def _lanes(self) -> list[tuple[float, float, float, float]]:
        height = SCENE_HEIGHT
        return [(lane.x0, height - lane.y0, lane.x1, height - lane.y1) for lane in lanes(self.plan)]

    def _show_sites(self, active: list[Site], per_site: list[int]) -> None:
        spare = [site for site in self.plan.sites if not site.active]
        sources = self.stage.sources
        sources["sites"].data = boxes([site.rect for site in active])
        sources["spare"].data = boxes([site.rect for site in spare])
        sources["grid"].data = segments(_grid([site.rect for site in active]))
        sources["names"].data = _texts(
            [(site.name_at, site.label) for site in active]
            + [(_centre(site.rect), "inactive site") for site in spare]
        )
        counts = zip(active, per_site, strict=True)
        sources["counts"].data = _texts(
            [(site.count_at, self._count(pages)) for site, pages in counts if site.count_at]
        )

    def _count(self, pages: int) -> str:
        each = self.raster.pages_per_cell
        return f"{pages:,} pages" if each == 1 else f"{each} pages a cell"

    def _draw_memory(self) -> None:
        stage, plot = self.stage, self.figure
        stage.paint(plot, background_fill_color="package", border_fill_color="package")
        site = plot.rect(
            **BOX,
            source=stage.source("sites", boxes([])),
            border_radius=3,
            line_width=2,
            name="sites",
        )
        stage.paint(site.glyph, fill_color="free", line_color="strong")
        grid = plot.segment(
            "x0", "y0", "x1", "y1", source=stage.source("grid", segments([])), name="grid"
        )
        stage.paint(grid.glyph, line_color="grid")
        plot.image(
            "image",
            x="left",
            y="bottom",
            dw="w",
            dh="h",
            source=stage.source("pages", {**boxes([]), "image": []}),
            color_mapper=self.mapper,
            name="pages",
        )
        spare = plot.rect(
            **BOX,
            source=stage.source("spare", boxes([])),
            border_radius=3,
            line_dash=[5, 4],
            line_width=1.5,
            name="spare",
        )
        stage.paint(spare.glyph, fill_color="package", line_color="strong")

    def _draw_dies(self) -> None:
        die = self.figure.rect(
            **BOX,
            source=self.stage.source("dies", boxes([])),
            border_radius=8,
            line_width=2,
            name="dies",
        )
        self.stage.paint(die.glyph, fill_color="die", line_color="die_edge")

    def _draw_lanes(self) -> None:
        stage, plot, ends = self.stage, self.figure, ("x0", "y0", "x1", "y1")
        lane = plot.segment(
            *ends, source=stage.source("lanes", segments([])), line_width=1.5, name="lanes"
        )
        stage.paint(lane.glyph, line_color="line")
        port = plot.rect(
            **BOX,
            source=stage.source("ports", boxes([])),
            border_radius=2,
            line_color=None,
            name="ports",
        )
        stage.paint(port.glyph, fill_color="die_edge")
        moving = stage.source("particles", {**segments([]), "tone": []})
        tone = {"field": "tone", "transform": self.tones}
        plot.segment(
            *ends, source=moving, line_color=tone, line_alpha=0.45, line_width=4, level="overlay"
        )
        plot.scatter(
            "x1",
            "y1",
            source=moving,
            size=7,
            fill_color=tone,
            line_color=None,
            level="overlay",
            name="particles",
        )

    def _draw_ghost(self) -> None:
        """The scores: with FlashAttention on the chip, so here only the outline they would have."""
        ghost = self.figure.patches(
            "xs",
            "ys",
            source=self.stage.source("ghost", {"xs": [], "ys": []}),
            fill_alpha=0.13,
            hatch_pattern="right_diagonal_line",
            hatch_alpha=0.6,
            hatch_scale=13,
            hatch_weight=1.3,
            line_dash=[5, 3],
            line_width=1.5,
            name="ghost",
        )
        self.stage.paint(ghost.glyph, fill_color="red", hatch_color="red", line_color="red")

    def _draw_names(self) -> None:
        stage, at = self.stage, {"x": "x", "y": "y", "text": "text", "text_font": FONT}
        for name, role in (("names", "text2"), ("counts", "text3")):
            text = self.figure.text(
                **at,
                text_align={"field": "align"},
                text_font_size="13px",
                source=stage.source(name, _texts([])),
                name=name,
            )
            stage.paint(text.glyph, text_color=role)
        label = self.figure.text(
            **at,
            text_align="center",
            text_baseline="middle",
            text_font_size="13px",
            text_font_style="bold",
            background_fill_alpha=0.88,
            padding=6,
            border_radius=6,
            source=stage.source("ghost_labels", {"x": [], "y": [], "text": []}),
            name="ghost_labels",
        )
        stage.paint(label.glyph, text_color="red_text", background_fill_color="bg")


def _grid(rects: list[Rect]) -> list[tuple[float, float, float, float]]:
    lines: list[tuple[float, float, float, float]] = []
    for rect in rects:
        top, bottom = SCENE_HEIGHT - rect.y, SCENE_HEIGHT - rect.bottom
        lines += [(x, bottom, x, top) for x in np.arange(rect.x, rect.right, GRID_STEP)[1:]]
        lines += [(rect.x, y, rect.right, y) for y in np.arange(bottom, top, GRID_STEP)[1:]]
    return lines


def _texts(items: list[tuple[Anchor, str]]) -> dict[str, list[object]]:
    return {
        "x": [anchor.x for anchor, _ in items],
        "y": [SCENE_HEIGHT - anchor.y for anchor, _ in items],
        "align": [anchor.align for anchor, _ in items],
        "text": [text for _, text in items],
    }


def _centre(rect: Rect) -> Anchor:
    return Anchor(rect.x + rect.w / 2, rect.y + rect.h / 2 + 4, "center")
