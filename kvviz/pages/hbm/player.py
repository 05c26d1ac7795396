"""The player: banner, scene, ledger and strip, moved over a run by the browser itself."""

from typing import Any

import numpy as np
import param
from numpy.typing import NDArray
from panel.custom import Child

from kvviz.memory.kv import weights_of_sequences
from kvviz.pages.hbm.copies import copies_hint
from kvviz.pages.hbm.numbers import Columns
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked
from kvviz.scene.hbm.fleet import fleet_places
from kvviz.scene.hbm.places import scene_places, scene_raster
from kvviz.scene.hbm.raster import BAND, Cell
from kvviz.scene.hbm.strip import BOTTOM, LEFT, RIGHT, TOP
from kvviz.settings.scenario import Scenario


class Player(Component):
    """Banner, scene, ledger and strip.

    The run's changes and totals travel once, as typed arrays; `revision` moves after them.
    """

    scene = Child(doc="figure of the GPU")
    fleet = Child(
        doc="figure of several GPUs, for a run that does not fit one; None until one came"
    )
    strip = Child(doc="figure of the memory over the run")
    summary = param.String(doc="HTML with live numbers, in sight where the scene is not")
    banner = param.String(doc="HTML with live numbers")
    ledger = param.String(doc="HTML with live numbers")
    strip_title = param.String()
    when = param.Array(doc="changes: context")
    page = param.Array(doc="changes: first page")
    pages = param.Array(doc="changes: how many pages")
    owner = param.Array(doc="changes: sequence or layer")
    state = param.Array(doc="changes: what the page is to its owner")
    columns = param.List(doc="names of the totals")
    totals = param.Array(doc="totals that change along the run, column after column")
    constants = param.Dict({}, doc="totals that do not")
    layout = param.Dict(doc="pages, cells and codes of the rasters")
    places = param.Dict(doc="where on the scene what is drawn")
    fleet_places = param.Dict(doc="where on the scene of several GPUs what is drawn")
    marks = param.Dict({}, doc="the strip's labels and the top of its axis")
    margins = param.Dict(
        {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        doc="px around the strip's plot",
    )
    start = param.Integer(doc="context at which the player first stands")
    autoplay = param.Boolean(True)
    revision = param.Integer(0, doc="moves when all of a new record is here")

    _render_policy = "manual"  # a figure that comes later is put beside the rest
    _esm = linked("hbm/js/stage.js")

    def load(self, session: Session, columns: Columns, **texts: Any) -> None:
        """Send the session's run with its texts, and where and in which shape it is shown."""
        gpu = session.scenario.the_gpu
        changing, constants = _told_apart(columns)
        changes = session.timeline.changes._asdict()
        self.tell(
            **texts,
            **{name: _compact(column) for name, column in changes.items()},
            columns=list(changing),
            totals=np.concatenate(list(changing.values())),
            constants=constants,
            layout=_layout(session),
            places=scene_places(gpu, session.pages),
            fleet_places=fleet_places(gpu, session.gpus_shown),
            revision=self.revision + 1,
        )


def _told_apart(columns: Columns) -> tuple[Columns, dict[str, float]]:
    """Return the columns that change, contexts always, and the value of each that does not."""
    still = {
        name: float(column[0])
        for name, column in columns.items()
        if name != "when" and np.array_equal(column, column[:1].repeat(len(column)), equal_nan=True)
    }
    return {name: columns[name] for name in columns if name not in still}, still


def _compact(column: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return whole numbers in the smallest type that holds them all."""
    low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    types = (np.iinfo(kind) for kind in ("u1", "i1", "u2", "i2", "u4", "i4"))
    return column.astype(next(kind.dtype for kind in types if kind.min <= low <= high <= kind.max))


def _layout(session: Session) -> dict[str, Any]:
    raster = scene_raster(session.scenario.the_gpu, session.pages)
    return {
        "pages": session.pages * session.gpus_shown,
        "gpu_pages": session.pages,
        "gpus": session.gpus_shown,
        "gpu": session.scenario.the_gpu.short_name,
        "which_gpu": session.which_gpu,
        "capacity": session.room,
        "capacity_kind": session.report.kinds["gpus_needed"],
        "page_bytes": session.timeline.page_bytes,
        **_growth(session.scenario),
        "copies": copies_hint(session.scenario),
        "pages_per_cell": raster.pages_per_cell,
        "columns": raster.columns,
        "rows": raster.rows,
        "band": BAND,
        "codes": {cell.name.lower(): int(cell) for cell in Cell},
    }


def _growth(scenario: Scenario) -> dict[str, Any]:
    """Return what tells a page's tokens: its block, and every sequence's share of the longest."""
    model = scenario.the_model
    kinds = {(layer.window, bool(layer.state_values)) for layer in model.layers if layer.heads}
    return {
        "layers": len(model.layers),
        "mfu": scenario.mfu,
        "mbu": scenario.mbu,
        "rates_kind": scenario.efficiency.kind,
        "block": scenario.block_size,
        "shares": weights_of_sequences(scenario.batch, scenario.ragged).tolist(),
        "page_tokens": kinds == {(None, False)},  # else pages of several kinds share a sequence
    }
