"""The Paging page, composed: one board in the shell, and the link that follows it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import param
from panel.template import Template

from kvviz.catalog.models.shipped import model_names
from kvviz.catalog.models.tokens import MAX_TOKENIZER_BYTES
from kvviz.memory.kinds import SETTING
from kvviz.pages.kit.components import CSS, Component, Share, scripts
from kvviz.pages.kit.header import theme_switch
from kvviz.pages.kit.html import short
from kvviz.pages.kit.shell import Areas, shell
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
from kvviz.pages.paging.session import Joined, PagingSession, open_paging, paging_link
from kvviz.pages.paging.table import table
from kvviz.scene.paging.layout import Grid, grid

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
    older = param.String(older_report(), constant=True, doc="HTML on the older report's figures")
    text = param.String(doc="what was typed or pasted")
    counted = param.String(doc="HTML: the text's tokens and how they are known")
    how = param.String(doc="HTML: the three columns")
    parts = param.Dict({}, doc="HTML of the cards, empty until the comparison is shown")
    pool = param.Dict({}, doc="the grid's shape and the sequences' tokens")
    tables = param.Array(doc="physical blocks of all tables, one after the other")
    limit = param.Integer(MAX_TOKENIZER_BYTES + 1, doc="bytes of a tokenizer sent at most")
    answered = param.Integer(0, doc="messages that have been dealt with")
    revision = param.Integer(0, doc="moves when all of a new comparison is here")

    _esm = scripts("paging/js/fields.js", "paging/js/pool.js", "paging/js/paging.js")
    _stylesheets = (CSS + Path(__file__).with_name("paging.css").read_text(),)


def paging_page() -> Template:
    """Return the Paging page of a new visitor, in the state that the URL's query asks for."""
    arguments = pn.state.session_args.items()
    session = open_paging((name, values[-1].decode(errors="replace")) for name, values in arguments)
    tools = {"share": _share_button(session), "theme_switch": theme_switch(session)}
    return shell("paging", session.theme, Areas({"wide": board(session)}, tools))


def _share_button(session: PagingSession) -> Share:
    share = Share(query=paging_link(session), theme=session.theme, sizing_mode=None)

    def follow(*_events: object) -> None:
        share.param.update(query=paging_link(session), theme=session.theme)

    session.settings.param.watch(follow, list(session.settings.param))
    session.param.watch(follow, "theme")
    return share


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
    """Do what a message says; nothing in it is trusted."""
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
    names = [[name, short(name)] for name in model_names()]
    length = max(1, settings.sequence_length)
    shares = [
        [share, f"{int(share * length):,} tokens"] for share in _with(SHARES, settings.shared)
    ]
    return [
        _field(session, "model", names),
        _field(session, "sequence_length", _counts(LENGTHS, settings.sequence_length, " tokens")),
        _field(session, "max_model_len", _counts(LENGTHS[3:], settings.max_model_len)),
        _field(session, "block_size", _counts(BLOCKS, settings.block_size, " tokens")),
        _field(session, "num_blocks", _counts(POOLS, settings.num_blocks, " blocks")),
        _field(session, "sequences", [[n, str(n)] for n in (1, 2, 3)]),
        _field(session, "shared", shares),
    ]


def _field(session: PagingSession, name: str, options: list[list[Any]]) -> Field:
    declared = session.settings.param[name]
    return {
        "name": name,
        "label": declared.label,
        "hint": f"{SETTING}: {declared.doc}",
        "value": getattr(session.settings, name),
        "options": options,
        "bounds": list(declared.bounds) if isinstance(declared, param.Integer) else None,
    }


def _with(steps: Iterable[Any], value: Any) -> list[Any]:
    return sorted({*steps, value})


def _counts(steps: Iterable[int], value: int, unit: str = "") -> list[list[Any]]:
    return [[step, f"{step:,}{unit}"] for step in _with(steps, value)]


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
