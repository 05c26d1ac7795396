"""The "Did you know" card, which turns its facts over while the run plays."""

import param

from kvviz.catalog.published.factoids import Factoid
from kvviz.pages.hbm.factoids import factoids
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.cards import followed
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.drawer import DRAWER_CSS
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS


class DidYouKnow(Component):
    """A card that shows one fact at a time; it hides where it would hang out of the window."""

    facts = param.List(doc="text, source and kind of each, in the order in which they are shown")

    _esm = linked("hbm/js/rotate.js")
    _stylesheets = (CSS, DRAWER_CSS)


def did_you_know(session: Session) -> DidYouKnow:
    """Return the card with the facts that apply to the session's scenario."""
    return followed(DidYouKnow(), lambda: _facts(session), session, "timeline", of="facts")


def _facts(session: Session) -> list[dict[str, str]]:
    facts = factoids(session.scenario, session.report)
    return [{"text": fact.text, "source": fact.source, "kind": _kind(fact)} for fact in facts]


def _kind(fact: Factoid) -> str:
    """Say how a fact's numbers are known; the source of a computed one says so itself."""
    return fact.source if fact.kind == "computed" else f"published, not computed: {fact.source}"
