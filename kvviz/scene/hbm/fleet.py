"""A run too large for one GPU, drawn across as many GPUs as it needs, filled in order."""

from functools import lru_cache
from typing import Any

import numpy as np
from bokeh.models import Image, LinearColorMapper, Plot, Segment
from bokeh.models import Rect as RectGlyph

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.scene.hbm.floorplan import SCENE_HEIGHT, SCENE_WIDTH, Floorplan, Rect, floorplan
from kvviz.scene.hbm.stage import (
    BOX,
    BOX_COLUMNS,
    ENDS,
    IMAGE,
    IMAGES,
    Look,
    Stage,
    boxes,
    dressed,
    scene_figure,
)
from kvviz.scene.theme import ROLES, Theme

MOST = 8  # packages that can still be read; more are counted in words
GAP, TITLE, PACKAGES_HIGH = 11, 26, 396
BAR = Rect(0, 452, SCENE_WIDTH, 64)
BAR_COLUMNS = SCENE_WIDTH // 2
# Across a package the stacks get the room that the die has on its own scene.
_STACK_X = (
    (0.0, 18.0, 222.0, 272.0, 672.0, 722.0, 926.0, 944.0),
    (0.0, 0.04, 0.38, 0.41, 0.59, 0.62, 0.96, 1.0),
)
_CHIP_X = ((0.0, 944.0), (0.0, 1.0))
# A package is there, missing, or not needed at this context.
PACKAGES = {
    "owned": (Look("package", "die_edge"), Look("die", "die_edge")),
    "missing": (Look("red_card", "red", "dashed"), Look("die", "red", "dashed")),
    "later": (Look("package", "strong", "dashed"), Look("die", "strong", "dashed")),
}


class FleetScene:
    """The figure of several GPUs, its sources empty until the player fills them."""

    def __init__(self, theme: Theme) -> None:
        self.stage = Stage(scene_figure("fleet"))
        self.mapper = _mapper(theme.page_palette())
        self.washed = _mapper(theme.washed_palette())
        self.bar = _mapper([*theme.page_palette(), *theme.washed_palette()])
        self._draw_packages()
        self._draw_pages()
        self._draw_bar()
        self.repaint(theme)

    @property
    def figure(self) -> Plot:
        """The Bokeh figure."""
        return self.stage.figure

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.stage.repaint(theme)
        pages, washed = theme.page_palette(), theme.washed_palette()
        self.mapper.palette, self.washed.palette = pages, washed
        self.bar.palette = [*pages, *washed]

    def _draw_packages(self) -> None:
        """Packages with their dies, the sites on them, and the ground of the bar."""
        stage = self.stage
        stage.draw_boxes("fleet_boxes", radius=6)
        grid = {"hatch_pattern": "cross", "hatch_scale": 8, "hatch_weight": 1}
        site = RectGlyph(**BOX, border_radius=2, line_width=1.5, **grid)
        roles = {"fill_color": "free", "line_color": "strong", "hatch_color": "grid"}
        stage.draw(site, stage.source("fleet_sites", *BOX_COLUMNS), **roles)

    def _draw_pages(self) -> None:
        for name, mapper in (("fleet_pages", self.mapper), ("fleet_spill", self.washed)):
            source = self.stage.source(name, *IMAGES)
            self.stage.draw(Image(**IMAGE, color_mapper=mapper), source, level="overlay")

    def _draw_bar(self) -> None:
        stage = self.stage
        bar = stage.source("bar", *IMAGES)
        stage.draw(Image(**IMAGE, color_mapper=self.bar), bar, level="overlay")
        mark = Segment(**ENDS, line_color=stage.by_role("line"), line_width=2.2)
        stage.draw(mark, stage.source("bar_marks", *ENDS, "line"), level="overlay")


Knots = tuple[tuple[float, ...], tuple[float, ...]]
Package = tuple[list[Rect], list[Rect], list[Rect]]  # dies, active sites, inactive sites


@lru_cache(maxsize=64)
def fleet_places(gpu: Gpu, count: int) -> dict[str, Any]:
    """Return where the player draws `count` packages of `gpu`, y up; not to be changed."""
    frames, plan = _frames(count), floorplan(gpu)
    packages = [_package(plan, frame) for frame in frames]
    sites = boxes([site for _, sites, _ in packages for site in sites])
    dies = [boxes(dies) for dies, _, _ in packages]
    return {
        "sites": sites,
        "frames": boxes(frames),
        "dies": dies,
        "spare": [boxes(spare) for _, _, spare in packages],
        "ground": dressed([(Look("free"), [BAR])]),
        "looks": {name: [look.codes() for look in looks] for name, looks in PACKAGES.items()},
        "spare_look": Look("package", "strong", "dashed").codes(),
        "lines": {"ends": ROLES.index("text1"), "over": ROLES.index("red")},
        "bar": [BAR.x, SCENE_HEIGHT - BAR.bottom, BAR.w, BAR.h],
        "columns": BAR_COLUMNS,
    }


def _mapper(palette: list[str]) -> LinearColorMapper:
    return LinearColorMapper(palette=palette, low=0, high=len(palette))


def _frames(count: int) -> list[Rect]:
    """Return the packages' frames: one row of up to three, or rows of four."""
    across = count if count <= 3 else 4
    down = -(-count // across)
    w = (SCENE_WIDTH - GAP * (max(across, 3) - 1)) / max(across, 3)
    h = (PACKAGES_HIGH - GAP * (down - 1)) / down - TITLE
    inset = (SCENE_WIDTH - across * w - GAP * (across - 1)) / 2
    return [
        Rect(inset + i % across * (w + GAP), TITLE + i // across * (h + TITLE + GAP), w, h)
        for i in range(count)
    ]


def _package(plan: Floorplan, frame: Rect) -> Package:
    knots = _STACK_X if plan.site_kind == "stack" and len(plan.sites) > 1 else _CHIP_X
    active = [_placed(site.rect, frame, knots) for site in plan.sites if site.active]
    spare = [_placed(site.rect, frame, knots) for site in plan.sites if not site.active]
    return [_placed(die, frame, knots) for die in plan.dies], active, spare


def _placed(rect: Rect, frame: Rect, knots: Knots) -> Rect:
    left, right = frame.x + frame.w * np.interp([rect.x, rect.right], *knots)
    top, bottom = (frame.y + frame.h * y / SCENE_HEIGHT for y in (rect.y, rect.bottom))
    return Rect(float(left), top, float(right - left), bottom - top)
