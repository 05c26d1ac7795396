"""What happens on the dies: units at work, the triangle of scores, and how busy a step is."""

from enum import IntEnum

import numpy as np
from bokeh.models import LinearColorMapper

from kvviz.catalog.gpu import Gpu
from kvviz.scene.die import DiePlan, compute_units, die_name, die_plan
from kvviz.scene.floorplan import SCENE_HEIGHT, Floorplan, Rect
from kvviz.scene.stage import BOX, Columns, Stage, boxes, segments
from kvviz.scene.theme import Theme

SQUARES = 32  # along the triangle's side: each stands for (run length / 32) squared scores


class Tile(IntEnum):
    """What a square of scores is."""

    NONE = 0
    BEYOND = 1
    AHEAD = 2
    DONE = 3
    TILE = 4
    SOLID = 5


LEGEND = (
    (Tile.TILE, "tile in SRAM"),
    (Tile.DONE, "done, dropped"),
    (Tile.AHEAD, "still to do"),
)
ROOM_FOR_LEGEND = 200  # px high
ROOM_FOR_BOUND = 140  # px wide


class Inside:
    """The dies' contents: built once, moved to another GPU by `show`, animated by the player."""

    def __init__(self, stage: Stage, theme: Theme) -> None:
        self.stage = stage
        palette = theme.tile_palette()
        self.mapper = LinearColorMapper(palette=palette, low=0, high=len(palette))
        self._draw_units()
        self._draw_triangle()
        self._draw_meters()
        self._draw_texts()

    def repaint(self, theme: Theme) -> None:
        """Give the squares the theme's colours."""
        self.mapper.palette = theme.tile_palette()

    def show(self, gpu: Gpu, floorplan: Floorplan) -> None:
        """Lay the contents out on the GPU's dies."""
        self.plan = die_plan(floorplan.dies)
        sources = self.stage.sources
        units = compute_units(self.plan, gpu.sm_count or 0)
        tones = [int(Tile.BEYOND)] * len(units)
        sources["units"].data = {**boxes(units), "tone": tones}
        sources["caches"].data = boxes(list(self.plan.caches))
        sources["squares"].data = segments(_square_lines(self.plan.triangle))
        sources["diagonal"].data = segments([_diagonal(self.plan.triangle)])
        sources["tracks"].data = boxes(_tracks(self.plan))
        sources["legend"].data = _legend(self.plan)
        sources["labels"].data = _labels(self.plan, gpu)

    def places(self) -> dict[str, object]:
        """Return where the moving parts lie, for the player: y up."""
        side = self.plan.triangle
        return {
            "triangle": [side.x, SCENE_HEIGHT - side.bottom, side.w, side.h],
            "tracks": [[t.x, SCENE_HEIGHT - t.y - t.h / 2, t.w, t.h] for t in _tracks(self.plan)],
            "texts": live_texts(self.plan),
            "squares": SQUARES,
            "tiles": {tile.name.lower(): int(tile) for tile in Tile},
        }

    def _draw_units(self) -> None:
        stage, tone = self.stage, {"field": "tone", "transform": self.mapper}
        source = stage.source("units", {**boxes([]), "tone": []})
        stage.figure.rect(
            **BOX, source=source, fill_color=tone, line_color=None, level="overlay", name="units"
        )
        cache = stage.figure.rect(
            **BOX, source=stage.source("caches", boxes([])), line_color=None, name="caches"
        )
        stage.paint(cache.glyph, fill_color="sm_idle")

    def _draw_triangle(self) -> None:
        stage, plot = self.stage, self.stage.figure
        source = stage.source("tiles", {"image": [], "x": [], "y": [], "w": [], "h": []})
        plot.image(
            "image",
            x="x",
            y="y",
            dw="w",
            dh="h",
            source=source,
            color_mapper=self.mapper,
            level="overlay",
            name="tiles",
        )
        lines = {"squares": ("die", 1.0, "solid"), "diagonal": ("text3", 1.2, "dotted")}
        for name, (role, width, dash) in lines.items():
            line = plot.segment(
                "x0",
                "y0",
                "x1",
                "y1",
                source=stage.source(name, segments([])),
                line_width=width,
                line_dash=dash,
                level="overlay",
                name=name,
            )
            stage.paint(line.glyph, line_color=role)
        walked = plot.segment(
            "x0",
            "y0",
            "x1",
            "y1",
            source=stage.source("walked", segments([])),
            line_width=2,
            level="overlay",
            name="walked",
        )
        stage.paint(walked.glyph, line_color="text1")
        dot = stage.source("dot", {"x": [], "y": []})
        look = {"line_color": None, "level": "overlay", "name": "dot"}
        for size, alpha in ((24, 0.25), (11, 1.0)):
            mark = plot.scatter("x", "y", source=dot, size=size, fill_alpha=alpha, **look)
            stage.paint(mark.glyph, fill_color="text1")

    def _draw_meters(self) -> None:
        stage = self.stage
        legend = stage.source("legend", {**boxes([]), "tone": []})
        tone = {"field": "tone", "transform": self.mapper}
        stage.figure.rect(
            **BOX, source=legend, fill_color=tone, line_color=None, border_radius=2, name="legend"
        )
        empty: Columns = {"x": [], "y": [], "w": [], "h": []}
        for name, role in (("tracks", "off"), ("levels", "on")):
            source = stage.source(name, empty)
            bar = stage.figure.rect(
                **BOX, source=source, border_radius=4, line_color=None, level="overlay", name=name
            )
            stage.paint(bar.glyph, fill_color=role)

    def _draw_texts(self) -> None:
        self.stage.texts("labels", "text2")
        self.stage.texts("facts", "text1")


Text = tuple[float, float, str, str, str, str]  # x, y down, text, size, style, align


def _text_columns(texts: list[Text]) -> Columns:
    columns = list(zip(*texts, strict=True)) if texts else [()] * 6
    x, y, text, size, style, align = map(list, columns)
    y = [SCENE_HEIGHT - down for down in y]
    return {"x": x, "y": y, "text": text, "size": size, "style": style, "align": align}


def _labels(plan: DiePlan, gpu: Gpu) -> Columns:
    """Return the texts that stay: names, the legend, the meters' headings."""
    title, small = plan.title, ("13px", "normal")
    texts: list[Text] = [(title.x, title.y, die_name(gpu), "15px", "bold", "left")]
    if gpu.sm_count:
        texts.append((title.right, title.y, f"{gpu.sm_count} {_unit(gpu)}", *small, "right"))
    share = f"{(gpu.l2_mb or 0) / max(1, len(plan.caches)):g} MB" if gpu.l2_mb else "size not known"
    cached = "on-die SRAM" if gpu.vendor == "Intel" else "L2 cache"
    for cache in plan.caches:
        at = cache.x + cache.w / 2, cache.y + cache.h / 2 + 5
        texts.append((*at, f"{cached}, {share}", *small, "center"))
    for area, name in zip(plan.meters, ("Prefill", "Decode"), strict=True):
        texts.append((area.x, area.y + 14, name, "14px", "bold", "left"))
        for line, meter in enumerate((_unit(gpu), "memory")):
            texts.append((area.x, area.y + 38 + 22 * line, meter, *small, "left"))
    legend = plan.legend
    texts.append((legend.x, legend.bottom - 24, "scores in memory", *small, "left"))
    for _, text, chip in _legend_rows(plan):
        texts.append((chip.right + 8, chip.bottom, text, *small, "left"))
    return _text_columns(
        [*texts, (plan.legend.x, plan.legend.y + 14, "Causal attention", *small, "left")]
    )


def _unit(gpu: Gpu) -> str:
    return {"NVIDIA": "SMs", "AMD": "CUs"}.get(gpu.vendor, "cores")


def live_texts(plan: DiePlan) -> list[list[object]]:
    """Return the places of the texts that the player writes: (key, x, y up, size, style, align)."""
    legend = plan.legend
    texts: list[tuple[str, float, float, str, str, str]] = [
        ("context", legend.x, legend.y + 46, "28px", "bold", "left"),
        ("end", legend.x, legend.y + 70, "13px", "normal", "left"),
        ("scores", legend.x, legend.bottom - 4, "15px", "bold", "left"),
    ]
    for area, name in zip(plan.meters, ("prefill", "decode"), strict=True):
        if area.w >= ROOM_FOR_BOUND:
            texts.append((f"{name}_bound", area.right, area.y + 14, "13px", "normal", "right"))
        for line, meter in enumerate(("compute", "memory")):
            at = area.right, area.y + 38 + 22 * line
            texts.append((f"{name}_{meter}", *at, "13px", "bold", "right"))
    return [[key, x, SCENE_HEIGHT - y, *rest] for key, x, y, *rest in texts]


def _legend_rows(plan: DiePlan) -> list[tuple[Tile, str, Rect]]:
    """Return the meanings of the squares, where the legend has room for them."""
    if plan.legend.h < ROOM_FOR_LEGEND:
        return []
    x, y = plan.legend.x, plan.legend.y + 90
    return [
        (tile, text, Rect(x, y + 25 * line, 11, 11)) for line, (tile, text) in enumerate(LEGEND)
    ]


def _legend(plan: DiePlan) -> Columns:
    rows = _legend_rows(plan)
    return {**boxes([chip for _, _, chip in rows]), "tone": [int(tile) for tile, _, _ in rows]}


def _tracks(plan: DiePlan) -> list[Rect]:
    """Return the meters' tracks: prefill compute, prefill memory, decode compute and memory."""
    return [
        Rect(area.x + 60, area.y + 26 + 22 * line, area.w - 60 - 42, 9)
        for area in plan.meters
        for line in range(2)
    ]


def _square_lines(side: Rect) -> list[tuple[float, float, float, float]]:
    """Lines between squares, from the diagonal to the left and to the top."""
    bottom, step = SCENE_HEIGHT - side.bottom, side.w / SQUARES
    marks = np.arange(SQUARES + 1) * step
    across = [(side.x, bottom + m, side.x + m, bottom + m) for m in marks]
    up = [(side.x + m, bottom + m, side.x + m, bottom + side.h) for m in marks]
    return across + up


def _diagonal(side: Rect) -> tuple[float, float, float, float]:
    bottom = SCENE_HEIGHT - side.bottom
    return side.x, bottom, side.right, bottom + side.h
