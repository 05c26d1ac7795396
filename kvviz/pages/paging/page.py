"""The Paging page, composed: one board in the shell, and the link that follows it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import param

from kvviz.catalog.models.shipped import model_names
from kvviz.catalog.models.tokens import MAX_TOKENIZER_BYTES
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.html import short
from kvviz.pages.kit.inputs import field, stepped
from kvviz.pages.kit.link import CATALOG, Carried, Given, Link
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS
from kvviz.pages.kit.page import Page
from kvviz.pages.kit.shell import Areas
from kvviz.pages.paging.cards import (
    counted,
    how,
    metrics,
    older_report,
    pool_header,
    pool_sentence,
    sentence,
)
from kvviz.pages.paging.cards import slot as slot_html
from kvviz.pages.paging.session import Joined, PagingSession, PagingSettings
from kvviz.pages.paging.table import table
from kvviz.scene.paging.layout import Grid, grid
from kvviz.settings.scenario import knobs

LENGTHS = (16, 64, 100, 128, 256, 512, 1000, 1024, 2048, 4096, 8192, 16_384, 32_768, 131_072)
BLOCKS = (1, 8, 16, 32, 64, 128, 256)
POOLS = (64, 256, 1024, 4096, 16_384, 65_536)
SHARES = (0.0, 0.25, 0.5, 0.5625, 0.75, 1.0)

Field = dict[str, Any]


class PagingBoard(Component):
    """The whole page below the header.

    A change comes as a message: ``{"set": [name, value]}``, ``{"text": ...}`` or the bytes of a
    dropped tokenizer.
    """

    fields = param.List(doc="the settings' inputs")
    problem = param.String(doc="what is wrong, in one sentence")
    older = param.String(older_report(), constant=True, doc="HTML on an older report's figures")
    text = param.String(doc="what was typed or pasted")
    counted = param.String(doc="HTML: the text's tokens and how they are known")
    how = param.String(doc="HTML: the three columns")
    parts = param.Dict({}, doc="HTML of the cards, empty until the comparison is shown")
    pool = param.Dict({}, doc="the grid's shape and the sequences' tokens")
    tables = param.Array(doc="physical blocks of all tables, one after the other")
    limit = param.Integer(MAX_TOKENIZER_BYTES + 1, doc="bytes of a tokenizer sent at most")
    answered = param.Integer(0, doc="messages that have been dealt with")
    revision = param.Integer(0, doc="moves when all of a new comparison is here")

    _esm = linked("paging/js/paging.js")
    _stylesheets = (CSS, Path(__file__).with_name("paging.css").read_text())


def board(session: PagingSession) -> PagingBoard:
    """Return the page's body, bound to the session."""
    view = PagingBoard()
    view.on_msg(lambda event: take(session, event.data, view))

    def follow(*_events: object) -> None:
        view.param.update(**_words(session))

    def show(*_events: object) -> None:
        if session.joined:
            view.param.update(**_picture(session, session.joined))
            view.revision += 1

    session.settings.param.watch(follow, list(session.settings.param))
    session.param.watch(follow, ["problem", "count", "text"])
    session.param.watch(show, "joined")
    follow()
    show()
    return view


def take(session: PagingSession, message: Any, view: PagingBoard) -> None:
    """Apply a message; nothing in it is trusted."""
    if isinstance(message, bytes):
        session.take_tokenizer(message)
    elif "text" in message:
        session.write(str(message["text"]))
    else:
        name, value = message["set"]
        session.set(name, value)
    view.param.update(**_words(session), answered=view.answered + 1)


def _words(session: PagingSession) -> dict[str, Any]:
    return {
        "fields": _fields(session),
        "problem": session.problem,
        "text": session.text,
        "counted": counted(session),
        "how": how(session.settings.block_size),
    }


def _fields(session: PagingSession) -> list[Field]:
    settings = session.settings
    names = {name: short(name) for name in model_names()}
    length = max(1, settings.sequence_length)
    shares = {
        share: f"{int(share * length):,} tokens" for share in stepped(SHARES, settings.shared)
    }
    return [
        _field(session, "model", names),
        _field(session, "sequence_length", _counts(LENGTHS, settings.sequence_length, " tokens")),
        _field(session, "max_model_len", _counts(LENGTHS[3:], settings.max_model_len)),
        _field(session, "block_size", _counts(BLOCKS, settings.block_size, " tokens")),
        _field(session, "num_blocks", _counts(POOLS, settings.num_blocks, " blocks")),
        _field(session, "sequences", {n: str(n) for n in (1, 2, 3)}),
        _field(session, "shared", shares),
    ]


def _field(session: PagingSession, name: str, options: Mapping[Any, str]) -> Field:
    declared = session.settings.param[name]
    bounds = list(declared.bounds) if isinstance(declared, param.Integer) else None
    return field(session.settings, name, "picker", options) | {"bounds": bounds}


def _counts(steps: Iterable[int], value: int, unit: str = "") -> dict[int, str]:
    return {step: f"{step:,}{unit}" for step in stepped(steps, value)}


def _picture(session: PagingSession, joined: Joined) -> dict[str, Any]:
    tables, size = joined.sharing.tables, session.settings.num_blocks
    return {
        "parts": {
            "said": sentence(joined.compared),
            "metrics": metrics(joined.compared),
            "slot": slot_html(session.settings, joined.compared),
            "pool": pool_header(joined),
            "table": table(joined),
        },
        "pool": {
            "blocks": size,
            "block": joined.compared.block_size,
            "wide": _shape(grid(size)),
            "narrow": _shape(grid(size, narrow=True)),
            "counts": [len(rows) for rows in tables],
            "tokens": list(joined.lengths[: len(tables)]),
            "said": pool_sentence(joined),
        },
        "tables": np.array([row.physical for row in joined.sharing.rows], dtype=np.int32),
    }


def _shape(shape: Grid) -> list[int]:
    return [shape.columns, shape.rows, shape.blocks_per_cell]


def opened(given: Given) -> PagingSession:
    """Return the session that a link asks for, its `problem` naming what is not valid."""
    return PagingSession(settings=PagingSettings(**given.of(PagingSettings)), **given.visit)


PAGE: Final = Page(
    name="paging",
    tab="Paging",
    title="one sequence, two ways to allocate its KV cache",
    place=2,
    link=Link(Carried(PagingSettings, "settings", knobs(PagingSettings), find=CATALOG)),
    opened=opened,
    follows=("settings",),
    areas=lambda session: Areas({"wide": board(session)}),
)
