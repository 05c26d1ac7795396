"""The accuracy page, composed: scatters, coverage, misses and tables; a log and its stack."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import param

from kvviz.accuracy.comparison import Comparison
from kvviz.catalog.gpus.shipped import gpu_names
from kvviz.catalog.models.shipped import model_names
from kvviz.pages.accuracy import cards
from kvviz.pages.accuracy.log import read_card, reconciled
from kvviz.pages.accuracy.session import AS_LOGGED, MOST_TEXT, AccuracySession, choices
from kvviz.pages.kit.cards import Text, followed
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.drawn import follow_theme, redraws
from kvviz.pages.kit.figure import Figure
from kvviz.pages.kit.html import short
from kvviz.pages.kit.inputs import Knob, bound
from kvviz.pages.kit.link import Carried, Link
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS, Column, Row
from kvviz.pages.kit.page import Page
from kvviz.pages.kit.shell import Areas
from kvviz.scene.accuracy.errors import ErrorScatter, Point, error_scatter
from kvviz.scene.theme import THEMES
from kvviz.settings.knobs import KnobError, cut
from kvviz.units import GiB, KiB

OWN_CSS: Final = Path(__file__).with_name("accuracy.css").read_text()
ROW_CSS: Final = (
    ":host { display: grid !important; gap: 8px 26px;"
    " grid-template-columns: repeat(auto-fit, minmax(WIDTH, 1fr)) }"
)
MOST_SPANS: Final = 2_000  # figures of a log that are marked where they stand
PANELS: Final = {  # by quantity: colour, bytes of the axis's unit, its name, and the axis's ends
    "kv_bytes_per_token": ("sequence0", KiB, "KiB", (5.0, 700.0)),
    "weights": ("weights1", GiB, "GiB", (0.15, 700.0)),
    "kv_tokens": ("sequence4", 1000, "k tokens", (3.0, 20_000.0)),
}
FILTERS: Final = ("engine", "gpu", "confidence")
GIVEN: Final = {"given_model": ("Model", model_names), "given_gpu": ("GPU", gpu_names)}


class AccuracyCard(Text):
    """A card of HTML in this page's look."""

    _stylesheets = (CSS, OWN_CSS)


class Paste(Component):
    """A box for a start-up log; its text arrives as a message."""

    text = param.String(doc="the log at the start")
    html = param.String(doc="what was read of it")
    spans = param.List(doc="[line, from, to] of the figures that were read, lines from 1")
    problem = param.String()
    answered = param.Integer(0, doc="texts that have been dealt with")
    limit = param.Integer(MOST_TEXT, doc="characters sent at most")
    note = param.String(
        f"Read only by this server and not stored; at most {MOST_TEXT:,} characters."
    )

    _esm = linked("accuracy/js/paste.js")
    _stylesheets = (CSS, OWN_CSS)


def results(session: AccuracySession) -> Column:
    """Return the wide column: the results over the shipped rows."""
    return Column(
        _shown(session, cards.title, "title"),
        _scatters(session),
        _shown(session, cards.coverage, "card"),
        _shown(session, cards.misses, "card misses"),
        _shown(session, cards.tables, "card"),
        css_classes=["column"],
    )


def _shown(
    session: AccuracySession, html: Callable[[Sequence[Comparison]], str], css: str
) -> AccuracyCard:
    """Return a card that follows the filters."""
    return followed(AccuracyCard(css_class=css), lambda: html(session.shown()), session, *FILTERS)


def _scatters(session: AccuracySession) -> Column:
    legend = AccuracyCard(html=_legend(), css_class="title-line")
    panels = [_panel(session, quantity) for quantity in PANELS]
    row = Row(*panels, stylesheets=[ROW_CSS.replace("WIDTH", "210px")], sizing_mode="stretch_width")
    return Column(legend, row, css_classes=["card"], sizing_mode="stretch_width")


def _legend() -> str:
    bands = "".join(
        f'<span><i class="band" style="background:var(--{role})"></i>{words}</span>'
        for role, words in (("strong", "± 2%"), ("line", "± 10%"))
    )
    rings = "".join(
        f'<span><i class="ring" style="border-color:var(--{role})"></i>{words}</span>'
        for role, words in (("text2", "over 2%"), ("red", "over 10%"))
    )
    return (
        f"<header><strong>Logged against predicted, log scales</strong>"
        f'<span class="legend">{bands}{rings}</span></header>'
    )


def _panel(session: AccuracySession, quantity: str) -> Column:
    role, unit, spelled, ends = PANELS[quantity]
    pair = error_scatter(quantity, role, ends, THEMES[session.theme])
    head = AccuracyCard(html="", css_class="panel-head")

    @redraws
    def show() -> None:
        shown = session.shown()
        pair.show(_points(shown, quantity, unit))
        head.html = cards.panel_head(shown, quantity)

    session.param.watch(show, list(FILTERS))
    follow_theme(session, [pair])
    show()
    words = f'<p class="axis"><span>↑ logged</span><span>predicted, {spelled}</span></p>'
    caption = AccuracyCard(html=words, css_class="")
    return Column(head, *_panes(pair), caption, sizing_mode="stretch_width")


def _panes(pair: ErrorScatter) -> list[Any]:
    return [
        Figure(plot, sizing_mode="stretch_width", height=plot.height)
        for plot in (pair.scatter, pair.strip)
    ]


def _points(shown: Sequence[Comparison], quantity: str, unit: float) -> list[Point]:
    return [_point(item, unit) for item in cards.of(shown, quantity)]


def _point(item: Comparison, unit: float) -> Point:
    assert item.predicted is not None
    assert item.logged is not None
    kind = "assumed" if item.quantity == "kv_tokens" else "computed"
    pair = [cards.figure(item.quantity, value) for value in (item.predicted, item.logged)]
    return Point(
        item.predicted / unit,
        item.logged / unit,
        f"{item.row}: {item.model}",
        item.row if item.file == "logs" else item.model.rpartition("/")[2],
        ", ".join(filter(None, (item.gpu, item.engine))) or "checkpoint",
        f"predicted {pair[0]} ({kind}), actual {pair[1]}, {cards.percent(item.error, 2)}",
        item.reason,
    )


def reading(session: AccuracySession) -> Column:
    """Return the narrow column: filters, the box for a log, and the log reconciled."""
    filters = Row(
        *(_filter(session, name) for name in FILTERS),
        sizing_mode="stretch_width",
    )
    paste = Paste(text=session.text)
    card = AccuracyCard(html="")

    def show(*_events: object) -> None:
        found = session.explanation
        spans = [list(span) for span in session.log.spans[:MOST_SPANS]] if session.log else []
        read = read_card(found) if found else ""
        paste.param.update(html=read, spans=spans, problem=session.problem)
        card.param.update(html=reconciled(found) if found else "")

    session.param.watch(show, ["explanation", "problem"])

    def take(text: object) -> None:
        session.explain(str(text))
        paste.answered += 1

    paste.on_msg(lambda event: take(event.data))
    show()
    known = Row(*(_given(session, name) for name in GIVEN), sizing_mode="stretch_width")
    return Column(filters, paste, known, card, css_classes=["column"])


def _given(session: AccuracySession, name: str) -> Knob:
    """Return a list of what may be taken instead of what the log says, or leaves out."""
    label, names = GIVEN[name]
    options = {AS_LOGGED: f"{label}: {AS_LOGGED}"} | {n: short(n) for n in names()}
    return bound(session, name, "select", options, stylesheets=[OWN_CSS])


def _filter(session: AccuracySession, name: str) -> Knob:
    """Return a list of what a filter offers."""
    label = session.param[name].label
    options = {choice: f"{label}: {choice}" for choice in choices(name)}
    return bound(session, name, "select", options, stylesheets=[OWN_CSS])


def _offered(name: str, choice: str) -> str:
    """Return a filter's choice; raises `KnobError` where it is not offered."""
    if choice not in choices(name):
        raise KnobError(f"got {cut(choice)}, expected one of {', '.join(choices(name))}")
    return choice


def areas(session: AccuracySession) -> Areas:
    """Return what appears below the header, bound to the session."""
    return Areas({"results": results(session), "reading": reading(session)})


PAGE: Final = Page(
    name="accuracy",
    tab="Accuracy",
    title="predicted against what engines logged",
    place=6,
    link=Link(
        Carried(
            *(AccuracySession, "", FILTERS),
            find={name: partial(_offered, name) for name in FILTERS},
        )
    ),
    opened=lambda given: given.session(AccuracySession),
    follows=FILTERS,
    areas=areas,
)
