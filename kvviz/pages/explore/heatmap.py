"""The heat map: models down, GPUs across, and a cell for each pair."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import param

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import gpus
from kvviz.catalog.models.model import Model
from kvviz.engines.registry import find_engine
from kvviz.memory.kinds import kinds
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.html import many, short
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS
from kvviz.scene.explore.heatmap import Scale, palette
from kvviz.units import gib

HERE: Final = Path(__file__).parent
EXPLORE_CSS: Final = (HERE / "explore.css").read_text()
COMPUTED: Final = "computed; ≈ capacity assumed"
ASSUMED: Final = "assumed: engine overhead"
NEEDS, NO_SPLIT, UNKNOWN = -1, -2, -3  # what a cell is instead of a tone of the ramp


class HeatMap(Component):
    """A grid of cells to browse, filter by words and choose from; it scrolls on its own."""

    view = param.Dict(
        doc="heading; unit and kind of the numbers; rows and columns by name, label and note; row "
        "by row, each cell's tone (a place on the palette, or less than 0) and text; the legend"
    )
    chosen = param.List(doc="name of the chosen model and GPU")
    palette = param.List(palette(), constant=True, doc="[colour, ink] of every tone")

    sizing_mode = param.Selector(default="stretch_both")

    _esm = linked("explore/js/heatmap.js")
    _stylesheets = (CSS, EXPLORE_CSS)


def heat_map(session: ExploreSession) -> HeatMap:
    """Return the map, bound to the session."""
    view = HeatMap(view=_shown(session), chosen=_pair(session), css_classes=["map-host"])

    def show(*_events: object) -> None:
        view.param.update(view=_shown(session), chosen=_pair(session))

    def choose(*_events: object) -> None:
        view.param.update(chosen=_pair(session))
        if session.sort == "value":
            show()

    session.param.watch(show, ["reports", "shown", "find_model", "find_gpu", "sort", "sort_gpus"])
    session.scenario.param.watch(choose, ["model", "gpu"])
    view.param.watch(lambda event: session.choose(*event.new), "chosen")
    return view


def _pair(session: ExploreSession) -> list[str]:
    return [session.scenario.the_model.name, session.scenario.the_gpu.name]


def _shown(session: ExploreSession) -> dict[str, Any]:
    """Return what the map shows of the session's reports."""
    metric, workload = session.how, session.workload
    assumes = find_engine(workload.mode).assumes
    rows, columns = session.rows(), session.columns()
    cells = _cells(session, np.ix_(rows, columns))
    ends = [metric.spell(cells.scale.worst), metric.spell(cells.scale.best)]
    weights = session.reports.columns["weights_bytes"][:, 0, 0, 0, 0]
    return {
        "heading": metric.heading(workload),
        "unit": metric.unit(workload),
        "kind": metric.assumed(workload) or (ASSUMED if assumes else COMPUTED),
        "rows": [_row(session.reports.axes.models[i], int(weights[i])) for i in rows],
        "columns": [_column(gpus()[i], session) for i in columns],
        "tones": cells.tones,
        "texts": cells.texts,
        "legend": {"ends": ends, "gpus": workload.tp},
    }


@dataclass(frozen=True, slots=True)
class Cells:
    """What the cells say, row by row, and the scale of their tones."""

    scale: Scale
    tones: list[int]
    texts: list[str]


def _cells(session: ExploreSession, place: tuple[Any, ...]) -> Cells:
    reports, metric = session.reports, session.how
    values, fits, needed = (
        column[:, :, 0, 0, 0][place].ravel()
        for column in (metric.values(reports), metric.fits(reports), reports.column("gpus_needed"))
    )
    valid = np.broadcast_to(reports.valid, reports.axes.shape)[:, :, 0, 0, 0][place].ravel()
    known = valid & fits & np.isfinite(values)
    scale = Scale.over(values[known & (values < metric.most)], metric.low_is_best)
    tones = np.select([~valid, ~fits], [NO_SPLIT, NEEDS], UNKNOWN)
    tones[known] = scale.tones(values[known])
    texts = [
        metric.spell(value) if tone >= 0 else _without(tone, gpus)
        for value, tone, gpus in zip(values.tolist(), tones.tolist(), needed.tolist(), strict=True)
    ]
    return Cells(scale, tones.tolist(), texts)


def _without(tone: int, needed: int) -> str:
    """Return what a cell without a value says."""
    if tone == NO_SPLIT:
        return "n/a"
    if tone == UNKNOWN:
        return "?"
    return many(needed, "GPU") if needed else "no fit"


def _row(model: Model, weights: int) -> dict[str, str]:
    return {"name": model.name, "label": short(model.name), "note": gib(weights, 1)}


def _column(gpu: Gpu, session: ExploreSession) -> dict[str, Any]:
    """Return a GPU's heading; what tells it from others of its name is in the note."""
    kind = kinds(session.scenario, gpu)["capacity_bytes"]
    return {"name": gpu.name, "label": gpu.short_name, "note": _note(gpu), "kind": kind}


@cache
def _note(gpu: Gpu) -> str:
    same = [other for other in gpus() if label(other) == label(gpu)]
    return f"{gpu.memory_gb} GB" + (f" {gpu.form_factor}" if len(same) > 1 else "")


def label(gpu: Gpu) -> str:
    """Return a GPU's name with its memory, as in ``H100 80 GB``."""
    return f"{gpu.short_name} {gpu.memory_gb} GB"
