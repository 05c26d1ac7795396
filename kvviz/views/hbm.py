"""The HBM page's panels and its player, bound to a session."""

from collections.abc import Callable

import numpy as np
import panel as pn

from kvviz.memory.crossing import first_crossing
from kvviz.memory.kv import kv_width, layer_groups, lengths
from kvviz.scene.fleet import FleetScene
from kvviz.scene.hbm import HbmScene
from kvviz.scene.strip import Crossing, Strip, strip
from kvviz.scene.theme import THEMES
from kvviz.units import GiB
from kvviz.views import cards
from kvviz.views.components import CSS, LiveCard, Player
from kvviz.views.did_you_know import did_you_know
from kvviz.views.formula import formula
from kvviz.views.numbers import Columns, live_columns
from kvviz.views.session import Session


def panels(session: Session) -> pn.Column:
    """Return the left column: totals, formula and papers."""
    texts: list[Callable[[Session], str]] = [
        cards.info,
        lambda session: formula(session.scenario),
        cards.papers,
    ]
    children = [*(_card(session, text) for text in texts), did_you_know(session)]
    return pn.Column(*children, css_classes=["column"], stylesheets=[CSS])


def _card(session: Session, text: Callable[[Session], str]) -> LiveCard:
    card = LiveCard(html=text(session))
    session.param.watch(lambda _event: card.param.update(html=text(session)), "timeline")
    return card


def centre(session: Session) -> Player:
    """Return the player with scene and strip, reloaded whenever the session has a new record."""
    theme = THEMES[session.theme]
    scene, fleet, over_run = HbmScene(theme), FleetScene(theme), strip(theme)
    player = Player(
        scene=pn.pane.Bokeh(scene.figure, sizing_mode="stretch_both", margin=0),
        fleet=pn.pane.Bokeh(fleet.figure, sizing_mode="stretch_both", margin=0),
        strip=pn.pane.Bokeh(over_run.figure, sizing_mode="stretch_both", margin=0),
        strip_title="Memory over the run, GiB",
        start=session.scenario.context,
        sizing_mode="stretch_width",
    )

    def show(*_events: object) -> None:
        _show(session, scene, fleet, over_run, player)

    def repaint(*_events: object) -> None:
        scene.repaint(THEMES[session.theme])
        fleet.repaint(THEMES[session.theme])
        over_run.repaint(THEMES[session.theme])

    session.param.watch(show, "timeline")
    session.param.watch(repaint, "theme")
    show()
    return player


def _show(
    session: Session, scene: HbmScene, fleet: FleetScene, over_run: Strip, player: Player
) -> None:
    gpu, columns = session.scenario.the_gpu, live_columns(session)
    scene.show(gpu, session.pages)
    fleet.show(gpu, session.gpus_shown)
    layers = _layers(session, columns)
    capacity = session.room
    left = " left by the engine" if session.report.per_gpu["overhead"] else ""
    label = f"{gpu.short_name} capacity{left} {capacity / GiB:,.2f}"
    over_run.show(columns["when"], layers, (capacity, label), _crossing(session, capacity))
    player.param.update(banner=cards.banner(session), ledger=cards.ledger(session))
    player.load(session, columns, scene, fleet)


def _layers(session: Session, columns: Columns) -> Columns:
    """Return the strip's areas, bottom up; the cache in eight parts by sequence number mod 8."""
    return {
        "weights": columns["weights"],
        **_kv_by_colour(session, columns),
        "reserved": columns["unused"],
        "scores": columns["scores"],
        "avoided": columns["avoided"],
    }


def _kv_by_colour(session: Session, columns: Columns) -> Columns:
    scenario = session.scenario
    model = scenario.the_model
    now = lengths(columns["when"].astype(np.int64), scenario.batch, scenario.ragged)
    held = np.zeros(now.shape)
    for group in layer_groups(model, kv_width(scenario, model)):
        held += np.minimum(now, group.window) * (group.layers * group.bytes_per_token)
    held += session.report.state_bytes_per_sequence
    return {f"sequence{i}": held[:, i::8].sum(axis=1) for i in range(8)}


def _crossing(session: Session, capacity: int) -> Crossing | None:
    scenario = session.scenario
    context = first_crossing(scenario, capacity)
    if context is not None:
        when = f"full at {context:,} tokens" if context > 1 else "full from the start"
        return Crossing(context, when)
    without = first_crossing(scenario.replaced(flash=False), capacity)
    return Crossing(without, f"without Flash: full at {without:,} tokens") if without else None
