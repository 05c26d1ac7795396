"""Cards of HTML that follow a visitor's state, with numbers that follow the playhead."""

from collections.abc import Callable
from typing import Any, TypeVar

import param

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.html import problem_text
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.session import PageSession

C = TypeVar("C", bound=Component)


class Text(Component):
    """HTML in the page's look."""

    html = param.String()
    css_class = param.String("card")

    _esm = linked("kit/js/text.js")


class LiveCards(Component):
    """Cards of HTML whose numbers follow the playhead, one below the other."""

    cards = param.List(doc="[name, HTML] pairs; the name is the card's CSS class")

    _esm = linked("kit/js/cards.js")


class LiveCard(Component):
    """A card of HTML whose numbers follow the playhead."""

    html = param.String()
    css_class = param.String("card")

    _esm = linked("kit/js/card.js")


def followed(
    card: C, text: Callable[[], Any], session: param.Parameterized, *names: str, of: str = "html"
) -> C:
    """Let a card show `text` whenever one of the session's `names` changes, and now.

    Args:
        card: what shows it.
        text: returns what to show.
        session: whose parameters are followed.
        names: of those parameters.
        of: the card's parameter that is shown.
    """

    def show(*_events: object) -> None:
        card.tell(**{of: text()})

    session.param.watch(show, list(names))
    show()
    return card


def problem_line(session: PageSession) -> Text:
    """Return the line that says what is wrong with the session's settings, if anything."""
    card = Text(css_class="problem")

    def show(*_events: object) -> None:
        card.tell(html=problem_text(session.problem), visible=bool(session.problem))

    session.param.watch(show, "problem")
    show()
    return card
