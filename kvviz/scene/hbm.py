"""The GPU with its memory: every page a cell on the real floorplan, and the ghost of the scores."""

from dataclasses import dataclass, field

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
from bokeh.plotting import figure

from kvviz.catalog.gpu import Gpu
from kvviz.scene.floorplan import (
    SCENE_HEIGHT,
    SCENE_WIDTH,
    Anchor,
    Floorplan,
    Rect,
    floorplan,
    lanes,
    ports,
)
from kvviz.scene.paint import Paint
from kvviz.scene.raster import Raster, raster, site_pages
from kvviz.scene.theme import SANS, Theme

SOURCES = (
    *("sites", "spare", "grid", "pages", "dies", "lanes", "ports"),
    *("ghost", "names", "counts", "ghost_labels"),
)
GRID_STEP = 8  # px between the lines that mark free memory
TEXT = {"text_font": value(SANS), "text_font_size": "13px"}


@dataclass
class HbmScene:
    """The scene's figure, built once; `show` moves it to another GPU or page size.

    Geometry is in the design's pixels with y up, since Bokeh's ranges must increase.
    """

    figure: figure
    sources: dict[str, ColumnDataSource]
    mapper: LinearColorMapper
    paint: Paint = field(repr=False)
    raster: Raster = field(init=False)
    plan: Floorplan = field(init=False)

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.paint.apply(theme)
        self.mapper.palette = theme.page_palette()

    def show(self, gpu: Gpu, pages: int, page_label: str) -> None:
        """Draw `gpu` with `pages` in all; the player fills the cells."""
        self.plan = floorplan(gpu)
        active = [site for site in self.plan.sites if site.active]
        per_site = site_pages(pages, len(active))
        self.raster = raster(per_site[0], active[0].rect.w, active[0].rect.h)
        self._show_sites(per_site, page_label)
        self._show_dies(gpu)

    def active_boxes(self) -> dict[str, list[float]]:
        """Return where the sites with pages lie, as columns of the image glyph."""
        return _boxes([site.rect for site in self.plan.sites if site.active])

    def _show_sites(self, per_site: list[int], page_label: str) -> None:
        active = [site for site in self.plan.sites if site.active]
        spare = [site for site in self.plan.sites if not site.active]
        counts = [self._count(count, page_label) for count in per_site]
        self.sources["sites"].data = _boxes([site.rect for site in active])
        self.sources["spare"].data = _boxes([site.rect for site in spare])
        self.sources["grid"].data = _grid([site.rect for site in active])
        self.sources["names"].data = _texts(
            [(site.name_at, site.label) for site in active]
            + [(_centre(site.rect), "inactive site") for site in spare]
        )
        self.sources["counts"].data = _texts(
            [
                (site.count_at, count)
                for site, count in zip(active, counts, strict=True)
                if site.count_at
            ]
        )

    def _count(self, pages: int, page_label: str) -> str:
        each = self.raster.pages_per_cell
        return f"{pages:,} {page_label}" if each == 1 else f"{each} {page_label} a cell"

    def _show_dies(self, gpu: Gpu) -> None:
        self.sources["dies"].data = _boxes(list(self.plan.dies))
        paths = lanes(self.plan)
        self.sources["lanes"].data = {
            "x0": [lane.x0 for lane in paths],
            "x1": [lane.x1 for lane in paths],
            "y0": [SCENE_HEIGHT - lane.y0 for lane in paths],
            "y1": [SCENE_HEIGHT - lane.y1 for lane in paths],
        }
        self.sources["ports"].data = _boxes([port.rect for port in ports(self.plan)])


def hbm_scene(theme: Theme) -> HbmScene:
    """Build the figure with empty sources, under the names that the player looks up."""
    plot = _figure()
    sources = {name: ColumnDataSource(name=name) for name in SOURCES}
    mapper = LinearColorMapper(palette=theme.page_palette(), low=0, high=len(theme.page_palette()))
    scene = HbmScene(plot, sources, mapper, Paint())
    _draw_memory(scene)
    _draw_dies(scene)
    _draw_ghost(scene)
    _draw_text(scene)
    scene.repaint(theme)
    return scene


def _figure() -> figure:
    plot = figure(
        x_range=Range1d(0, SCENE_WIDTH),
        y_range=Range1d(0, SCENE_HEIGHT),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        lod_threshold=None,
        min_border=0,
        outline_line_color=None,
        name="hbm",
    )
    plot.axis.visible = False
    plot.grid.visible = False
    return plot


def _draw_memory(scene: HbmScene) -> None:
    paint, plot, sources = scene.paint, scene.figure, scene.sources
    paint(plot, background_fill_color="package", border_fill_color="package")
    box = {"x": "x", "y": "y", "width": "w", "height": "h"}
    site = plot.rect(**box, source=sources["sites"], border_radius=3, line_width=2, name="sites")
    paint(site.glyph, fill_color="free", line_color="strong")
    grid = plot.segment("x0", "y0", "x1", "y1", source=sources["grid"], name="grid")
    paint(grid.glyph, line_color="grid")
    # The player makes the images, in the browser.
    sources["pages"].data = {**_boxes([]), "image": []}
    plot.image(
        "image",
        x="left",
        y="bottom",
        dw="w",
        dh="h",
        source=sources["pages"],
        color_mapper=scene.mapper,
        name="pages",
    )
    spare = plot.rect(
        **box,
        source=sources["spare"],
        border_radius=3,
        line_dash=[5, 4],
        line_width=1.5,
        name="spare",
    )
    paint(spare.glyph, fill_color="package", line_color="strong")


def _draw_dies(scene: HbmScene) -> None:
    paint, plot, sources = scene.paint, scene.figure, scene.sources
    lane = plot.segment(
        "x0", "y0", "x1", "y1", source=sources["lanes"], line_width=1.5, name="lanes"
    )
    paint(lane.glyph, line_color="strong")
    box = {"x": "x", "y": "y", "width": "w", "height": "h"}
    die = plot.rect(**box, source=sources["dies"], border_radius=8, line_width=2, name="dies")
    paint(die.glyph, fill_color="die", line_color="die_edge")
    port = plot.rect(**box, source=sources["ports"], border_radius=2, line_color=None, name="ports")
    paint(port.glyph, fill_color="die_edge")


def _draw_ghost(scene: HbmScene) -> None:
    """The scores: on the die with FlashAttention, so here only their outline on the next pages."""
    source = scene.sources["ghost"]
    source.data = {"xs": [], "ys": []}
    ghost = scene.figure.patches(
        "xs",
        "ys",
        source=source,
        fill_alpha=0.13,
        hatch_pattern="right_diagonal_line",
        hatch_alpha=0.6,
        hatch_scale=13,
        hatch_weight=1.3,
        line_dash=[5, 3],
        line_width=1.5,
        name="ghost",
    )
    scene.paint(ghost.glyph, fill_color="red", hatch_color="red", line_color="red")


def _draw_text(scene: HbmScene) -> None:
    paint, plot, sources = scene.paint, scene.figure, scene.sources
    at = {"x": "x", "y": "y", "text": "text"}
    for name, role in (("names", "text2"), ("counts", "text3")):
        text = plot.text(
            **at, source=sources[name], text_align={"field": "align"}, name=name, **TEXT
        )
        paint(text.glyph, text_color=role)
    sources["ghost_labels"].data = {"x": [], "y": [], "text": []}
    label = plot.text(
        **at,
        source=sources["ghost_labels"],
        text_align="center",
        text_baseline="middle",
        text_font_style="bold",
        background_fill_alpha=0.88,
        padding=6,
        border_radius=6,
        name="ghost_labels",
        **TEXT,
    )
    paint(label.glyph, text_color="red_text", background_fill_color="bg")


def _boxes(rects: list[Rect]) -> dict[str, list[float]]:
    """Columns for `rect` (centres) and `image` (lower left corners)."""
    return {
        "x": [rect.x + rect.w / 2 for rect in rects],
        "y": [SCENE_HEIGHT - rect.y - rect.h / 2 for rect in rects],
        "left": [rect.x for rect in rects],
        "bottom": [SCENE_HEIGHT - rect.bottom for rect in rects],
        "w": [rect.w for rect in rects],
        "h": [rect.h for rect in rects],
    }


def _grid(rects: list[Rect]) -> dict[str, list[float]]:
    lines: list[tuple[float, float, float, float]] = []
    for rect in rects:
        top, bottom = SCENE_HEIGHT - rect.y, SCENE_HEIGHT - rect.bottom
        lines += [(x, bottom, x, top) for x in np.arange(rect.x, rect.right, GRID_STEP)[1:]]
        lines += [(rect.x, y, rect.right, y) for y in np.arange(bottom, top, GRID_STEP)[1:]]
    return dict(zip(("x0", "y0", "x1", "y1"), map(list, zip(*lines, strict=True)), strict=True))


def _texts(items: list[tuple[Anchor, str]]) -> dict[str, list[object]]:
    return {
        "x": [anchor.x for anchor, _ in items],
        "y": [SCENE_HEIGHT - anchor.y for anchor, _ in items],
        "align": [anchor.align for anchor, _ in items],
        "text": [text for _, text in items],
    }


def _centre(rect: Rect) -> Anchor:
    return Anchor(rect.x + rect.w / 2, rect.y + rect.h / 2 + 4, "center")
