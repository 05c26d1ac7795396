"""What stands on the dies: names, the triangle's legend and numbers, the meters."""

from kvviz.catalog.gpus.clusters import clusters
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.memory.kinds import SETTING
from kvviz.scene.hbm.die import DiePlan
from kvviz.scene.hbm.floorplan import Rect
from kvviz.scene.hbm.inside import Tile
from kvviz.scene.hbm.text import Text

LEGEND = (
    (Tile.TILE, "tile in SRAM"),
    (Tile.DONE, "done, discarded"),
    (Tile.AHEAD, "still to come"),
)
ROOM_FOR_LEGEND = 200  # px high
ROOM_FOR_BOUND = 140  # px wide
ROOM_FOR_SCORES = 300  # px wide, for what the scores are
ROOM_FOR_TITLE = 300  # px wide, for the units beside the name
NAMED, ROOM_FOR_SHARE = 56, 46  # px wide, beside a meter: for its name, and for "> 99%"
METERS = ("compute", "memory")
ROOFLINE = "assumed: roofline upper bound"


def die_texts(plan: DiePlan, gpu: Gpu) -> list[Text]:
    """Return the texts on the dies; those that the player writes among them."""
    return [*_title(plan, gpu), *_caches(plan, gpu), *_legend(plan), *_meters(plan, gpu)]


def phone_texts(plan: DiePlan, gpu: Gpu) -> list[Text]:
    """Return the few texts that a phone's dies have room for."""
    legend = plan.legend
    x, row = legend.x, legend.h / 78
    texts = [
        Text(plan.title.x, plan.title.y, die_name(gpu), bold=True, role="text1"),
        Text(
            x, legend.y + 22 * row, "context", 20, bold=True, role="text1", how=SETTING, live=True
        ),
        Text(x, legend.y + 41 * row, "end", role="text3", how=SETTING, live=True),
        Text(
            x, legend.y + 76 * row, "scores", bold=True, role="tile_text", how="computed", live=True
        ),
    ]
    if legend.w >= ROOM_FOR_SCORES:
        texts.append(Text(x, legend.y + 59 * row, "scores in memory"))
    return texts


def legend_chips(plan: DiePlan) -> list[tuple[Tile, Rect]]:
    """Return the squares beside the meanings of the tiles, where there is room for them."""
    if plan.legend.h < ROOM_FOR_LEGEND:
        return []
    x, y = plan.legend.x, plan.legend.y + 90
    return [(tile, Rect(x, y + 25 * line, 11, 11)) for line, (tile, _) in enumerate(LEGEND)]


def tracks(plan: DiePlan) -> list[Rect]:
    """Return the meters' tracks: prefill compute, prefill memory, decode compute and memory."""
    return [
        Rect(area.x + NAMED, area.y + 26 + 22 * line, area.w - NAMED - ROOM_FOR_SHARE, 9)
        for area in plan.meters
        for line in range(len(METERS))
    ]


def die_name(gpu: Gpu) -> str:
    """Return the die's own name where the catalog has it, as GH100, else the architecture's."""
    inner = gpu.architecture.partition("(")[2].partition(")")[0].split(",")[0]
    name = inner if inner and not inner[0].isdigit() else gpu.architecture.partition("(")[0]
    kind = {1: " die", 2: " package"}.get(gpu.dies, "")  # four dies leave no room for the word
    return name.strip() + kind


def _title(plan: DiePlan, gpu: Gpu) -> list[Text]:
    title, known = plan.title, clusters(gpu)
    texts = [Text(title.x, title.y, die_name(gpu), 15, bold=True, role="text1")]
    if gpu.sm_count:
        units, how = f"{gpu.sm_count} {_unit(gpu)}", f"from the catalog: {gpu.source}"
        if known and title.w >= ROOM_FOR_TITLE:
            units += f" in {known.active} {known.name}"
            how += f"; {known.source}. Which units are disabled differs from chip to chip."
        texts.append(Text(title.right, title.y, units, align="right", how=how))
    return texts


def _caches(plan: DiePlan, gpu: Gpu) -> list[Text]:
    share = f"{(gpu.l2_mb or 0) / max(1, len(plan.caches)):g} MB" if gpu.l2_mb else "size unknown"
    cached = "on-die SRAM" if gpu.vendor == "Intel" else "L2 cache"
    return [
        Text(
            cache.x + cache.w / 2,
            cache.y + cache.h / 2 + 5,
            f"{cached}, {share}",
            align="center",
            how=f"from the catalog: {gpu.source}",
        )
        for cache in plan.caches
    ]


def _legend(plan: DiePlan) -> list[Text]:
    area = plan.legend
    chips = zip(legend_chips(plan), LEGEND, strict=False)
    return [
        Text(area.x, area.y + 14, "Causal attention"),
        Text(area.x, area.y + 46, "context", 30, bold=True, role="text1", how=SETTING, live=True),
        Text(area.x, area.y + 70, "end", role="text3", how=SETTING, live=True),
        *(Text(chip.right + 8, chip.bottom, text) for (_, chip), (_, text) in chips),
        Text(area.x, area.bottom - 24, "scores in memory"),
        Text(
            area.x,
            area.bottom - 4,
            "scores",
            15,
            bold=True,
            role="tile_text",
            how="computed",
            live=True,
        ),
    ]


def _meters(plan: DiePlan, gpu: Gpu) -> list[Text]:
    texts: list[Text] = []
    for area, name in zip(plan.meters, ("Prefill", "Decode"), strict=True):
        texts.append(Text(area.x, area.y + 14, name, 14, bold=True, role="text1"))
        if area.w >= ROOM_FOR_BOUND:
            bound = f"{name.lower()}_bound"
            texts.append(Text(area.right, area.y + 14, bound, align="right", live=True))
        for line, (meter, label) in enumerate(zip(METERS, (_unit(gpu), "memory"), strict=True)):
            y, share = area.y + 38 + 22 * line, f"{name.lower()}_{meter}"
            number = Text(
                area.right, y, share, 13, "right", True, role="text1", how=ROOFLINE, live=True
            )
            texts += [Text(area.x, y, label), number]
    return texts


def _unit(gpu: Gpu) -> str:
    return {"NVIDIA": "SMs", "AMD": "CUs"}.get(gpu.vendor, "cores")
