"""The serving page's right column: the followed request, and both policies' latencies."""

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.drawn import follow_theme, redraws
from kvviz.pages.kit.figure import Figure
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS, Column, Html
from kvviz.pages.serving.cards import badge
from kvviz.pages.serving.player import SERVING_CSS
from kvviz.pages.serving.session import ServingSession
from kvviz.scene.serving.histogram import mirrored
from kvviz.scene.theme import THEMES

SPREADS = {"ttft_s": "Time to first token", "tpot_s": "Time per output token"}


class RequestCard(Component):
    """The followed request's life, as the player tells it."""

    _esm = linked("serving/js/request.js")
    _stylesheets = (CSS, SERVING_CSS)


def figures(session: ServingSession) -> Column:
    """Return the column, bound to the session."""
    spreads = [_spread(session, name, title) for name, title in SPREADS.items()]
    return Column(RequestCard(), *spreads, css_classes=["column"], stylesheets=[SERVING_CSS])


def _spread(session: ServingSession, name: str, title: str) -> Column:
    plot = mirrored(name, THEMES[session.theme])

    @redraws
    def show() -> None:
        runs = session.runs
        plot.show(runs.a.requests[name].astype(float), runs.b.requests[name].astype(float))

    session.param.watch(show, "runs")
    follow_theme(session, [plot])
    show()
    head = (
        f'<header class="spread" title="simulated; dotted: medians"><h2>{title}</h2>'
        f"<span>{badge('A')} up {badge('B')} down</span></header>"
    )
    return Column(
        Html(head, stylesheets=[SERVING_CSS], sizing_mode="stretch_width"),
        Figure(plot.figure, sizing_mode="stretch_width"),
        css_classes=["card"],
        stylesheets=[SERVING_CSS],
    )
