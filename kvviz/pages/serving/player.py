"""The centre of the serving page: two pools, requests over time and the whole run."""

from pathlib import Path
from typing import Any

import numpy as np
import param
from panel.custom import Child

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.drawn import follow_theme, redraws
from kvviz.pages.kit.figure import Figure
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS
from kvviz.pages.serving.cards import headline, legend, outcome_line, title
from kvviz.pages.serving.columns import longest_queue, opening, play_columns
from kvviz.pages.serving.session import Runs, ServingSession
from kvviz.scene.serving import overview as strip
from kvviz.scene.serving.gantt import LANES, gantt
from kvviz.scene.serving.overview import overview
from kvviz.scene.serving.pool import PoolCell, PoolGrid, pool_grid, pool_palette
from kvviz.scene.theme import THEMES

SERVING_CSS = Path(__file__).with_name("serving.css").read_text()
LONG = 1.5  # of a median life: the window of the requests over time is as long at least


class ServingPlayer(Component):
    """Headline, pools, requests and overview, played by the browser; it paints the pools itself.

    Both runs travel once, as typed arrays; `revision` moves after them.
    """

    gantt = Child(doc="figure of requests over time")
    overview = Child(doc="figure of the whole run")
    headline = param.String(doc="HTML")
    titles = param.List(doc="HTML above each pool")
    legends = param.List(doc="HTML below each pool, with live numbers")
    a = param.Dict({}, doc="A's run as arrays")
    b = param.Dict({}, doc="B's run as arrays")
    grid = param.Dict({}, doc="cells of a pool")
    palette = param.List(doc="colours of cells by their code")
    layout = param.Dict({}, doc="sizes and codes")
    seconds = param.Number(1.0, doc="until both have ended")
    window = param.Number(1.0, doc="seconds of requests seen at once")
    start = param.Number(0.0, doc="second at which the player first stands")
    follow = param.Integer(0, doc="request that is followed first")
    autoplay = param.Boolean(True)
    revision = param.Integer(0, doc="moves when all of both runs is here")

    _esm = linked("serving/js/stage.js")
    _stylesheets = (CSS, SERVING_CSS)

    def load(self, runs: Runs, tick: float) -> None:
        """Send both runs, and the shape in which they are shown; a time is named each `tick`."""
        longest, (follow, start), grid = longest_queue(runs), opening(runs), _grid(runs)
        self.param.update(
            a=play_columns(runs.a, runs.seconds, longest),
            b=play_columns(runs.b, runs.seconds, longest),
            grid=_cells(grid),
            layout=_layout(runs) | {"tick": tick},
            seconds=runs.seconds,
            window=window(runs),
            headline=headline(runs) + outcome_line(runs),
            titles=[title(run, grid.blocks_per_cell) for run in (runs.a, runs.b)],
            legends=[legend(run, name) for run, name in ((runs.a, "a"), (runs.b, "b"))],
            follow=follow,
            start=start,
        )
        self.revision += 1


def _grid(runs: Runs) -> PoolGrid:
    return pool_grid(runs.a.blocks, runs.b.slot or runs.a.slot)


def _cells(grid: PoolGrid) -> dict[str, Any]:
    return {
        "blocks": grid.blocks,
        "each": grid.blocks_per_cell,
        "columns": grid.columns,
        "rows": grid.rows,
        "marked": grid.marked,
    }


def _layout(runs: Runs) -> dict[str, Any]:
    serving = runs.a.serving
    return {
        "codes": {cell.name.lower(): int(cell) for cell in PoolCell},
        "lanes": LANES,
        "block_size": serving.block_size,
        "longest": serving.max_model_len,
        "requests": len(runs.workload),
        "paged": [runs.a.paged, runs.b.paged],
        "policies": [runs.a.policy.title, runs.b.policy.title],
        "overview": {"left": strip.LEFT, "right": strip.RIGHT},
    }


def window(runs: Runs) -> float:
    """Return the seconds of requests to see at once: their lives, and as many arrivals as lanes."""
    rows = runs.a.requests
    life = float(np.median(rows["latency_s"].astype(np.float64)))
    gaps = np.diff(rows["queued_s"].astype(np.float64))
    arrivals = LANES * float(gaps.mean()) if len(gaps) else 0.0
    return min(max(LONG * life, arrivals), runs.seconds) or 1e-6


def player(session: ServingSession) -> ServingPlayer:
    """Return the player, reloaded whenever the session has new runs."""
    theme = THEMES[session.theme]
    figures = (gantt(theme), overview(theme))
    requests, over_run = figures
    shown = [Figure(it.figure, sizing_mode="stretch_both") for it in figures]
    centre = ServingPlayer(gantt=shown[0], overview=shown[1], palette=pool_palette(theme))

    @redraws
    def show() -> None:
        runs = session.runs
        over_run.show(runs.seconds, runs.a.blocks, longest_queue(runs))
        centre.load(runs, requests.show(window(runs)))

    def recolour(*_events: object) -> None:
        centre.palette = pool_palette(THEMES[session.theme])

    session.param.watch(show, "runs")
    session.param.watch(recolour, "theme")
    follow_theme(session, figures)
    show()
    if session.follow is not None and session.follow < len(session.runs.workload):
        centre.follow = session.follow
    if session.at is not None:
        centre.start = min(session.at, session.runs.seconds)
    return centre
