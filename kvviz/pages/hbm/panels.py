"""The HBM page's cards and its player, bound to a session."""

from typing import Any

import numpy as np

from kvviz.memory.kv import lengths
from kvviz.pages.hbm import cards, player_texts
from kvviz.pages.hbm.formula import formula
from kvviz.pages.hbm.numbers import Columns
from kvviz.pages.hbm.player import Player
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.cards import LiveCards, followed
from kvviz.pages.kit.drawn import Drawn, follow_theme, redraws
from kvviz.pages.kit.figure import Figure
from kvviz.scene.hbm.fleet import FleetScene
from kvviz.scene.hbm.gpu import HbmScene
from kvviz.scene.hbm.strip import Crossing, Strip
from kvviz.scene.theme import THEMES


def panels(session: Session) -> LiveCards:
    """Return the left column's cards: totals, formula and papers."""
    return followed(LiveCards(), lambda: _cards(session), session, "timeline", of="cards")


def _cards(session: Session) -> list[list[str]]:
    return [
        ["info", cards.info(session)],
        ["formula", formula(session.scenario, session.results.shard)],
        ["rates", cards.rates(session)],
        ["papers", cards.papers(session)],
    ]


def centre(session: Session) -> Player:
    """Return the player with scene and strip, reloaded whenever the session has a new record."""
    theme = THEMES[session.theme]
    strip = Strip(theme)
    hbm = HbmScene(theme)
    figures: list[Drawn] = [hbm, strip]
    player = Player(
        scene=_pane(hbm),
        strip=_pane(strip),
        strip_title="Memory over the run, GiB",
        start=session.scenario.context,
    )

    @redraws
    def show() -> None:
        # Most runs fit one GPU: the figure of several is drawn for the first that does not.
        if session.gpus_shown > 1 and player.fleet is None:
            fleet = FleetScene(THEMES[session.theme])
            figures.append(fleet)
            player.fleet = _pane(fleet)
        _show(session, strip, player)

    session.param.watch(show, "timeline")
    follow_theme(session, figures)
    show()
    return player


def _pane(drawn: HbmScene | FleetScene | Strip) -> Figure:
    return Figure(drawn.figure, sizing_mode="stretch_both")


def _show(session: Session, strip: Strip, player: Player) -> None:
    columns = session.results.columns
    crossing = _crossing(session)
    axis = strip.show(columns["when"], _layers(session, columns), session.room, crossing)
    player.load(
        session,
        columns,
        summary=player_texts.summary(session),
        banner=player_texts.banner(session),
        ledger=player_texts.ledger(session),
        marks=_marks(session, axis, crossing),
    )


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
    scenario, shard = session.scenario, session.results.shard
    now = lengths(columns["when"].astype(np.int64), scenario.batch, scenario.ragged)
    held = np.full(now.shape, float(shard.state_bytes))
    for window, size in shard.token_bytes:
        held += np.minimum(now, window) * size
    return {f"sequence{i}": held[:, i::8].sum(axis=1) for i in range(8)}


def _crossing(session: Session) -> Crossing | None:
    context, without = session.results.full_at, session.results.full_without_flash
    if context is not None:
        when = f"full at {context:,} tokens" if context > 1 else "full from the start"
        return Crossing(context, when, when)
    if without is None:
        return None
    said = f"without Flash: full at {without:,} tokens"
    return Crossing(without, said, f"no Flash: full at {without:,}")


def _marks(session: Session, axis: dict[str, float], crossing: Crossing | None) -> dict[str, Any]:
    """Return the strip's labels: every capacity's at its line, and the first crossing's."""
    name, size = session.scenario.the_gpu.short_name, axis["capacity"]
    how = session.report.kinds["capacity_bytes"]
    left = " left by the engine" if session.report.per_gpu["overhead"] else ""
    labels: list[dict[str, Any]] = [
        {"at": None, "gib": size, "text": f"{name} capacity{left} {size:,.2f}", "role": "text1"},
        *(
            {"at": None, "gib": number * size, "text": f"{number} × {name}", "role": "text1"}
            for number in range(2, int(axis["capacities"]) + 1)
        ),
    ]
    labels[0]["short"] = f"capacity {size:,.1f}"
    if crossing:
        share = crossing.context / session.scenario.final_length
        said = {"text": crossing.text, "short": crossing.short, "role": "red-text"}
        labels.append({"at": share, "gib": size, **said, "below": True})
    early = crossing is not None and crossing.context < session.scenario.final_length / 2
    return {
        "top": axis["top"],
        "early": early,
        "labels": [
            {"how": how, "short": label["text"], "below": False} | label for label in labels
        ],
    }
