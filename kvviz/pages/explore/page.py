"""The Explore page, composed: controls, the map, and the chosen pair in full."""

from collections.abc import Callable
from typing import Final

from kvviz.pages.explore.arithmetic import arithmetic
from kvviz.pages.explore.contexts import contexts
from kvviz.pages.explore.details import Pair, details, pair
from kvviz.pages.explore.heatmap import EXPLORE_CSS, heat_map
from kvviz.pages.explore.layers import layers
from kvviz.pages.explore.link import LINK, VIEW, opened
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.explore.split import split
from kvviz.pages.explore.toolbar import filters, toolbar
from kvviz.pages.kit.cards import Text, problem_line
from kvviz.pages.kit.look import CSS, Column, Html, Row
from kvviz.pages.kit.page import Page
from kvviz.pages.kit.shell import Areas


class PairCard(Text):
    """A card of HTML in this page's look."""

    _stylesheets = (CSS, EXPLORE_CSS)


def body(session: ExploreSession) -> Column:
    """Return all that is below the header, bound to the session."""
    told = cards(
        session, {"details": details, "arithmetic": arithmetic, "layers": layers, "split": split}
    )
    look = {"stylesheets": [EXPLORE_CSS]}
    beside = Column(
        told["details"], told["arithmetic"], contexts(session), css_classes=["beside"], **look
    )
    left = Column(heat_map(session), css_classes=["left"], **look)
    below = Row(told["layers"], told["split"], css_classes=["below"], **look)
    title = Html("<h1>What fits where</h1>", css_classes=["page-title"], margin=(5, 10), **look)
    head = Row(title, toolbar(session), css_classes=["head"], **look)
    middle = Row(left, beside, css_classes=["middle"], **look)
    return Column(
        head,
        filters(session),
        problem_line(session),
        middle,
        below,
        css_classes=["explore"],
        **look,
    )


def cards(session: ExploreSession, texts: dict[str, Callable[[Pair], str]]) -> dict[str, PairCard]:
    """Return a card for each text of the chosen pair; they follow it together."""
    now = pair(session)
    told = {
        name: PairCard(html=text(now), css_class=f"card {name}") for name, text in texts.items()
    }

    def follow(*_events: object) -> None:
        changed = pair(session)
        for name, text in texts.items():
            told[name].html = text(changed)

    session.param.watch(follow, "reports")
    session.scenario.param.watch(follow, ["model", "gpu"])
    return told


PAGE: Final = Page(
    name="explore",
    tab="Explore",
    title="what fits where",
    place=5,
    link=LINK,
    opened=opened,
    follows=(*VIEW, "scenario"),
    areas=lambda session: Areas({"wide": body(session)}),
)
