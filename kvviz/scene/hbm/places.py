"""Where everything lies on a GPU's scene, for the player: y up, the same for all visitors."""

from functools import lru_cache
from typing import Any, Final

import numpy as np

from kvviz.catalog.gpus.clusters import clusters
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.scene.hbm.die import DiePlan, die_plan, phone_plan
from kvviz.scene.hbm.die_texts import die_texts, legend_chips, phone_texts, tracks
from kvviz.scene.hbm.floorplan import SCENE_HEIGHT, Floorplan, Rect, Site, floorplan
from kvviz.scene.hbm.inside import Tile
from kvviz.scene.hbm.lanes import lanes, ports
from kvviz.scene.hbm.raster import Raster, raster, site_pages
from kvviz.scene.hbm.stage import Look, boxes, dressed, segments
from kvviz.scene.hbm.text import Text
from kvviz.scene.hbm.units import compute_units
from kvviz.scene.theme import ROLES

PARTICLES: Final = 60  # at the full bandwidth
SQUARES: Final = 32  # along the triangle: each stands for (run length / 32) squared scores
PHONE_SQUARES: Final = 16
INACTIVE: Final = "inactive site"
DIE, PORT, CACHE = Look("die", "die_edge"), Look("die_edge"), Look("sm_idle")
SPARE, CLUSTER = Look("package", "strong", "dashed"), Look(line="line")
MISSING = Look(line="line")

Line = tuple[float, float, float, float]


@lru_cache(maxsize=64)
def scene_places(gpu: Gpu, pages: int) -> dict[str, Any]:
    """Return where the player draws what, with `pages` on the GPU; not to be changed.

    ``figure`` has the columns of the sources that stay, ``wide`` and ``phone`` what the dies hold
    on a screen of that shape.
    """
    plan = floorplan(gpu)
    active = active_sites(plan)
    paths = [(a.x0, SCENE_HEIGHT - a.y0, a.x1, SCENE_HEIGHT - a.y1) for a in lanes(plan)]
    return {
        "figure": {
            "sites": boxes([site.rect for site in active]),
            "dies": dressed([(DIE, list(plan.dies))]),
            "lanes": segments(paths),
        },
        "site_names": [site.label for site in active],
        "lanes": paths,
        "which_at": _which_at(plan),
        "particles": PARTICLES,
        "tiles": {tile.name.lower(): int(tile) for tile in Tile},
        "roles": {role: number for number, role in enumerate(ROLES)},
        "wide": _wide(gpu, plan, pages),
        "phone": _phone(gpu, plan),
    }


@lru_cache(maxsize=64)
def scene_raster(gpu: Gpu, pages: int) -> Raster:
    """Return the raster of the GPU's first memory site, which none exceeds."""
    sites = active_sites(floorplan(gpu))
    return raster(site_pages(pages, len(sites))[0], sites[0].rect.w, sites[0].rect.h)


def active_sites(plan: Floorplan) -> list[Site]:
    """Return the sites that hold memory in use."""
    return [site for site in plan.sites if site.active]


def _which_at(plan: Floorplan) -> list[Any]:
    """Return where it says which of several GPUs this is: above the dies, or beside the chips."""
    if plan.site_kind == "chip":
        return [8, SCENE_HEIGHT - 16, "left"]
    left, right = min(die.x for die in plan.dies), max(die.right for die in plan.dies)
    return [(left + right) / 2, SCENE_HEIGHT - 17, "center"]


def _wide(gpu: Gpu, floor: Floorplan, pages: int) -> dict[str, Any]:
    plan = die_plan(floor.dies)
    texts = [*_site_texts(gpu, floor, pages), *die_texts(plan, gpu)]
    return _dies(gpu, floor, plan, SQUARES) | {"texts": [text.row() for text in texts]}


def _phone(gpu: Gpu, floor: Floorplan) -> dict[str, Any]:
    plan = phone_plan(floor.dies)
    names = [
        Text(site.name_at.x, site.name_at.y, f"stack {number}", align=site.name_at.align)
        for number, site in enumerate(active_sites(floor))
        if floor.site_kind == "stack"
    ]
    spare = [
        Text(site.name_at.x, site.name_at.y, "inactive", align="center", role="text3")
        for site in floor.sites
        if not site.active
    ]
    texts = [*names, *spare, *phone_texts(plan, gpu)]
    return _dies(gpu, floor, plan, PHONE_SQUARES) | {"texts": [text.row() for text in texts]}


def _dies(gpu: Gpu, floor: Floorplan, plan: DiePlan, squares: int) -> dict[str, Any]:
    units = compute_units(plan.banks, gpu.sm_count or 0, clusters(gpu))
    tiles, chips = zip(*legend_chips(plan), strict=True) if legend_chips(plan) else ((), ())
    cells = [*units.there, *chips]
    side = plan.triangle
    return {
        "figure": {
            "boxes": dressed(
                [
                    (SPARE, [site.rect for site in floor.sites if not site.active]),
                    (PORT, [port.rect for port in ports(floor)]),
                    (CLUSTER, units.clusters),
                    (MISSING, units.missing),
                    (CACHE, list(plan.caches)),
                ]
            ),
            "units": boxes(cells)
            | {"tone": [int(Tile.AHEAD)] * len(units.there) + [int(tile) for tile in tiles]},
            "squares": segments(_square_lines(side, squares)),
        },
        "working": len(units.there),
        "triangle": [side.x, SCENE_HEIGHT - side.bottom, side.w, side.h],
        "tracks": boxes(tracks(plan)),
        "squares": squares,
    }


def _site_texts(gpu: Gpu, floor: Floorplan, pages: int) -> list[Text]:
    """Return the sites' names, and their pages where there is room."""
    each = scene_raster(gpu, pages).pages_per_cell
    active = active_sites(floor)
    texts: list[Text] = []
    for site, count in zip(active, site_pages(pages, len(active)), strict=True):
        name, at = site.name_at, site.count_at
        texts.append(Text(name.x, name.y, site.label, align=name.align))
        if at:
            said = f"{count:,} pages" if each == 1 else f"{each} pages per cell"
            texts.append(Text(at.x, at.y, said, 13, at.align, role="text3", how="computed"))
    spare = [site for site in floor.sites if not site.active]
    for site in spare:
        name = site.name_at
        texts.append(Text(name.x, name.y, INACTIVE, align="center", role="text3"))
    if spare:
        name = spare[-1].name_at
        texts.append(
            Text(
                name.x,
                name.y + 18,
                _sum(gpu),
                align="center",
                role="text3",
                how=f"from the catalog: {gpu.source}",
            )
        )
    return texts


def _sum(gpu: Gpu) -> str:
    return f"{gpu.active_sites} × {gpu.gb_per_site} GB = {gpu.active_sites * gpu.gb_per_site} GB"


def _square_lines(side: Rect, squares: int) -> list[Line]:
    """Lines between squares, from the diagonal to the left and to the top."""
    bottom, across, up = SCENE_HEIGHT - side.bottom, side.w / squares, side.h / squares
    steps = np.arange(squares + 1).tolist()
    rows = [(side.x, bottom + i * up, side.x + i * across, bottom + i * up) for i in steps]
    return rows + [
        (side.x + i * across, bottom + i * up, side.x + i * across, bottom + side.h) for i in steps
    ]
