"""What does not fit one GPU, on as many as it would take: one address space, spilled in order."""

import numpy as np
from bokeh.models import LinearColorMapper
from bokeh.plotting import figure

from kvviz.catalog.gpu import Gpu
from kvviz.scene.floorplan import SCENE_HEIGHT, SCENE_WIDTH, Floorplan, Rect, floorplan
from kvviz.scene.stage import BOX, Columns, Stage, boxes, scene_figure, segments
from kvviz.scene.theme import Theme

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


class FleetScene:
    """The figure of several GPUs, built once; `show` moves it to another GPU or number."""

    def __init__(self, theme: Theme) -> None:
        self.stage = Stage(scene_figure("fleet"))
        self.mapper = _mapper(theme.page_palette())
        self.washed = _mapper(theme.washed_palette())
        self.bar = _mapper([*theme.page_palette(), *theme.washed_palette()])
        self._draw_packages()
        self._draw_pages()
        self._draw_bar()
        self._draw_texts()
        self.repaint(theme)

    @property
    def figure(self) -> figure:
        """The Bokeh figure."""
        return self.stage.figure

    def repaint(self, theme: Theme) -> None:
        """Give every glyph the theme's colours."""
        self.stage.paint.apply(theme)
        pages, washed = theme.page_palette(), theme.washed_palette()
        self.mapper.palette, self.washed.palette = pages, washed
        self.bar.palette = [*pages, *washed]

    def show(self, gpu: Gpu, count: int) -> None:
        """Draw `count` packages of `gpu`, the first of which is there."""
        self.frames = _frames(count)
        plan = floorplan(gpu)
        self.packages = [_package(plan, frame) for frame in self.frames]
        sources = self.stage.sources
        for name, part in (("owned", slice(0, 1)), ("missing", slice(1, None))):
            sources[f"fleet_{name}"].data = boxes(self.frames[part])
            dies = [die for dies, _, _ in self.packages[part] for die in dies]
            sources[f"fleet_{name}_dies"].data = boxes(dies)
        sources["fleet_sites"].data = boxes([s for _, sites, _ in self.packages for s in sites])
        sources["fleet_spare"].data = boxes([s for _, _, spare in self.packages for s in spare])

    def places(self) -> dict[str, object]:
        """Return where the player draws what moves, y up."""
        return {
            "fleet_sites": boxes([site for _, sites, _ in self.packages for site in sites]),
            "frames": [[f.x, SCENE_HEIGHT - f.y, f.w, f.h] for f in self.frames],
            "middles": [_middle(dies) for dies, _, _ in self.packages],
            "bar": [BAR.x, SCENE_HEIGHT - BAR.bottom, BAR.w, BAR.h],
            "bar_columns": BAR_COLUMNS,
        }

    def _draw_packages(self) -> None:
        stage, plot = self.stage, self.stage.figure
        stage.paint(plot, background_fill_color="bg", border_fill_color="bg")
        looks = {
            "fleet_owned": ("package", "die_edge", "solid", 10),
            "fleet_missing": ("red_card", "red", "dashed", 10),
            "fleet_sites": ("free", "strong", "solid", 2),
            "fleet_spare": ("package", "strong", "dashed", 2),
            "fleet_owned_dies": ("die", "die_edge", "solid", 6),
            "fleet_missing_dies": ("die", "red", "dashed", 6),
        }
        for name, (fill, line, dash, radius) in looks.items():
            box = plot.rect(
                **BOX,
                source=stage.source(name, boxes([])),
                line_dash=dash,
                border_radius=radius,
                line_width=1.5,
                name=name,
            )
            stage.paint(box.glyph, fill_color=fill, line_color=line)

    def _draw_pages(self) -> None:
        for name, mapper in (("fleet_pages", self.mapper), ("fleet_spill", self.washed)):
            self.stage.figure.image(
                "image",
                x="left",
                y="bottom",
                dw="w",
                dh="h",
                source=self.stage.source(name, {**boxes([]), "image": []}),
                color_mapper=mapper,
                name=name,
            )

    def _draw_bar(self) -> None:
        stage, plot = self.stage, self.stage.figure
        ground = plot.rect(**BOX, source=stage.source("bar_ground", boxes([BAR])), line_color=None)
        stage.paint(ground.glyph, fill_color="free")
        bar: Columns = {name: [] for name in ("x", "y", "w", "h", "image")}
        plot.image(
            "image",
            x="x",
            y="y",
            dw="w",
            dh="h",
            source=stage.source("bar", bar),
            color_mapper=self.bar,
            name="bar",
        )
        for name, role, width in (("bar_ends", "text1", 2.5), ("bar_over", "red", 2)):
            source = stage.source(name, segments([]))
            line = plot.segment("x0", "y0", "x1", "y1", source=source, line_width=width, name=name)
            stage.paint(line.glyph, line_color=role)

    def _draw_texts(self) -> None:
        self.stage.texts("fleet_plain", "text1")
        self.stage.texts("fleet_red", "red_text")


Knots = tuple[tuple[float, ...], tuple[float, ...]]
Package = tuple[list[Rect], list[Rect], list[Rect]]  # dies, active sites, inactive sites


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


def _middle(dies: list[Rect]) -> list[float]:
    """Return the middle of a package's dies, y up."""
    left, right = min(die.x for die in dies), max(die.right for die in dies)
    top, bottom = min(die.y for die in dies), max(die.bottom for die in dies)
    return [(left + right) / 2, SCENE_HEIGHT - (top + bottom) / 2]
