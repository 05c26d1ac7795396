"""Browser components: the player that moves over a timeline by itself, and what listens to it."""

from pathlib import Path
from typing import Any

import numpy as np
import param
from panel.custom import Child, JSComponent

from kvviz.catalog.config import MAX_BYTES
from kvviz.memory.kv import weights_of_sequences
from kvviz.scenario import Scenario
from kvviz.scene.fleet import FleetScene
from kvviz.scene.hbm import HbmScene
from kvviz.scene.raster import BAND, Cell, Raster
from kvviz.scene.strip import BOTTOM, LEFT, RIGHT, TOP
from kvviz.views.numbers import Columns
from kvviz.views.session import Session

HERE = Path(__file__).parent
CSS = (HERE / "kvviz.css").read_text()


class Component(JSComponent):
    """A browser component in the page's look, as wide as its column."""

    sizing_mode = param.Selector(default="stretch_width")

    _esm = "export function render() {}"
    _stylesheets = (CSS,)


def scripts(*names: str) -> str:
    """Return browser modules as one, so that each component carries what it calls."""
    return "\n".join((HERE / name).read_text() for name in names)


class Player(Component):
    """Banner, scene, ledger and strip, played by the browser.

    The timeline's changes and totals travel once, as typed arrays; `revision` moves after them.
    """

    scene = Child(doc="figure of the GPU")
    fleet = Child(doc="figure of several GPUs, for a run that does not fit one")
    strip = Child(doc="figure of the memory over the run")
    banner = param.String(doc="HTML with live numbers")
    ledger = param.String(doc="HTML with live numbers")
    strip_title = param.String()
    when = param.Array(doc="changes: context")
    page = param.Array(doc="changes: first page")
    pages = param.Array(doc="changes: how many pages")
    owner = param.Array(doc="changes: sequence or layer")
    state = param.Array(doc="changes: what the page is to its owner")
    columns = param.List(doc="names of the totals")
    totals = param.Array(doc="totals, column after column")
    layout = param.Dict(doc="pages, cells and codes of the rasters")
    places = param.Dict(doc="where in the scene the moving parts are drawn")
    fill_order = param.Array(doc="where in a raster each cell lies")
    margins = param.Dict(
        {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        doc="px around the strip's plot",
    )
    start = param.Integer(doc="context at which the player first stands")
    autoplay = param.Boolean(True)
    revision = param.Integer(0, doc="moves when all of a new record is here")

    _esm = scripts("live.js", "pages.js", "inside.js", "fleet.js", "inspect.js", "player.js")
    _stylesheets = (CSS,)

    def load(self, session: Session, columns: Columns, scene: HbmScene, fleet: FleetScene) -> None:
        """Send the session's record, and where and in which shape the scenes show it."""
        self.param.update(
            **session.timeline.changes._asdict(),
            columns=list(columns),
            totals=np.concatenate(list(columns.values())),
            layout=_layout(session, scene.raster),
            places={**scene.places(), **fleet.places()},
            fill_order=scene.raster.fill_order(),
        )
        self.revision += 1


def _layout(session: Session, raster: Raster) -> dict[str, Any]:
    return {
        "pages": session.pages * session.gpus_shown,
        "gpu_pages": session.pages,
        "gpus": session.gpus_shown,
        "gpu": session.scenario.the_gpu.short_name,
        "capacity": session.room,
        "page_bytes": session.timeline.page_bytes,
        **_growth(session.scenario),
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


class LiveCard(Component):
    """A card of HTML whose numbers follow the playhead."""

    html = param.String()
    css_class = param.String("card")

    _esm = scripts("live.js", "card.js")


class Knob(Component):
    """One setting as a native input."""

    kind = param.Selector(
        default="slider",
        objects=["slider", "switch", "segment", "select", "pick", "search", "fold"],
    )
    label = param.String()
    value = param.Parameter()
    options = param.List(doc="[value, text] pairs")
    note = param.String(doc="HTML beneath a switch, with live numbers")

    _esm = scripts("live.js", "knob.js")


class Upload(Component):
    """A place to drop a ``config.json``; its text arrives as a message."""

    limit = param.Integer(
        MAX_BYTES + 1, doc="bytes sent at most: enough to see that it is too large"
    )

    _esm = scripts("upload.js")


class Transport(Component):
    """Play, pause and speed."""

    _esm = scripts("live.js", "transport.js")


class Playhead(Component):
    """The context at the playhead, as a slider."""

    _esm = scripts("live.js", "playhead.js")


class Share(Component):
    """A button that copies a link to the page's state, the playhead's context included."""

    query = param.Dict({}, doc="settings that differ from a plain visit's")
    theme = param.String("dark")

    _esm = scripts("live.js", "share.js")


class ThemeSwitch(Component):
    """A button between dark and light."""

    theme = param.Selector(default="dark", objects=["dark", "light"])

    _esm = scripts("live.js", "theme.js")
