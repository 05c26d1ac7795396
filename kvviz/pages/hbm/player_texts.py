"""The player's texts as HTML: banner, summary and ledger, in numbers that follow the playhead."""

from html import escape

from kvviz.catalog.dtypes import width
from kvviz.engines.planning import served_model
from kvviz.memory.kinds import SETTING
from kvviz.pages.hbm.cards import on_capacity
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.html import chip, live, many
from kvviz.settings.scenario import Scenario
from kvviz.units import GiB, size

FROM_CONFIG = "from the settings and the model’s config"
ROOM_FOR_WORDS = 6  # entries of the ledger, two of which take turns, that have room for their names

Entry = tuple[str, str, str, str, str]  # attributes, chip, name, its short form, number


def banner(session: Session) -> str:
    """Return the headline: what is saved, or by how much it does not fit."""
    return _too_much(session) + _saving(session)


def _parts(session: Session) -> list[tuple[str, str]]:
    """Return the parts that add up to the total: each one's live number in GiB, and its name."""
    parts = {"weights": "weights", "kv_allocated": "KV cache", "scores": "attention scores"}
    if session.report.state_bytes:
        parts["state"] = "recurrent state"
    return [(live(column, "gib"), name) for column, name in parts.items()]


def _too_much(session: Session) -> str:
    name, capacity = escape(session.scenario.the_gpu.short_name), session.room / GiB
    numbers = " + ".join(number for number, _ in _parts(session))
    kind = session.report.kinds["capacity_bytes"]
    rounded = (
        f"<br>on {session.which_gpu}"
        if session.which_gpu
        else f"""<br>{live("total", "gib")} ÷ <b title="{kind}">{capacity:,.2f}</b>, rounded up:
        {on_capacity(session, "gpus_by_capacity", "count")} by capacity alone"""
    )
    return f"""
      <div class="banner over" data-if="over">
        <strong data-if="gpus">Needs {on_capacity(session, "gpus", "count")} × {name}</strong>
        <strong data-unless="gpus">Does not fit</strong>
        <span><span data-unless="gpus">at any TP × PP: </span>
          {on_capacity(session, "over", "gib")} GiB over</span>
        <p>{numbers} = {live("total", "gib")} GiB {rounded}</p></div>"""


def _saving(session: Session) -> str:
    scenario, report = session.scenario, session.report
    if scenario.flash and report.scores["avoided_bytes"]:
        each = " on each GPU" if scenario.tp > 1 else ""
        how = f"{_score_arithmetic(scenario)} <br>one layer of prefill{each}, never written to HBM"
        glow = _glow("avoided", "FlashAttention", how)
        return f'<div data-unless="over">{glow}</div>'
    if scenario.paged:
        glow = _glow("delta_paged", "the paged KV cache", _without_pages(scenario))
        plain = f'<div data-unless="delta_paged">{_plain(session)}</div>'
        return f'<div data-unless="over">{glow}{plain}</div>'
    return f'<div data-unless="over">{_plain(session)}</div>'


def _glow(column: str, by: str, how: str) -> str:
    return f"""
      <div class="banner glow" data-if="{column}"><strong>{live(column, "size")}</strong>
      <span>saved by {by}</span><p title="{FROM_CONFIG}">{how}</p></div>"""


def _without_pages(scenario: Scenario) -> str:
    if scenario.batching == "static":
        reserved = many(scenario.max_model_len, "token")
        return f"against max_model_len, {reserved}, <br>reserved per sequence throughout"
    sized = f"reservation policy “{scenario.reservation}”"
    return f"against one contiguous region per sequence, <br>{sized}"


def _plain(session: Session) -> str:
    name = escape(session.scenario.the_gpu.short_name)
    first, second, *others = (f"{number} {what}" for number, what in _parts(session))
    return f"""
      <div class="banner plain"><strong>{live("total", "gib")} GiB</strong>
      <span>fits one {name}, {on_capacity(session, "free", "gib")} GiB free</span>
      <p>{first} + {second} <br>+ {" + ".join(others)}</p></div>"""


def _score_arithmetic(scenario: Scenario) -> str:
    model, now = served_model(scenario), live("when", "count", SETTING)
    heads = many(max(layer.heads for layer in model.attending_layers()) // scenario.tp, "head")
    copies = f" × {scenario.score_multiple} copies" if scenario.score_multiple > 1 else ""
    bytes_each = f"scores × {width(model.dtype)} B{copies}"
    if scenario.prefill == "chunk":
        return f"{heads} × min({scenario.chunk:,}, {now}) × {now} {bytes_each}"
    return f"{many(scenario.batch, 'sequence')} × {heads} × {now}² {bytes_each}"


def summary(session: Session) -> str:
    """Return what stays in view on a phone: the total, the saving, and a bar of the capacity."""
    room = size(session.room)
    parts = [("weights", "weights"), ("kv", "kv_used"), ("reserved", "unused")]
    if session.report.state_bytes:
        parts.append(("kv", "state"))
    parts.append(("red", "scores") if not session.scenario.flash else ("ghost", "avoided"))
    bar = "".join(
        f'<i class="{chip}" data-width="{column}" data-of="room"></i>' for chip, column in parts
    )
    return f"""
      <p><span><b class="total" data-live="total" data-unit="gib"></b> of {room}</span>
      <span class="red" data-if="over">{on_capacity(session, "over", "gib")} over</span>
      <span class="red" data-unless="over"><span data-if="avoided">{live("avoided", "gib")}
      saved</span></span></p><div class="bar">{bar}</div>"""


def ledger(session: Session) -> str:
    """Return one line that adds up to the capacity; avoided scores come last, outside the sum."""
    entries = [*_ledger_parts(session), *_ledger_rest(session)]
    crowded = len(entries) > ROOM_FOR_WORDS
    spans = [
        f"<span {when}>{mark} {short if crowded else name} {number}</span>"
        for when, mark, name, short, number in entries
    ]
    return f'<div class="ledger{" crowded" if crowded else ""}">{"".join(spans)}</div>'


def _ledger_parts(session: Session) -> list[Entry]:
    entries = [("weights", "weights", "weights", "weights"), ("kv", "kv_used", "KV in use", "KV")]
    entries.append(("reserved", "unused", "reserved, unused", "unused"))
    if session.report.state_bytes:
        entries.append(("kv", "state", "recurrent state", "state"))
    if not session.scenario.flash:
        entries.append(("red", "scores", "scores", "scores"))
    return [("", chip(c), name, short, live(column, "gib")) for c, column, name, short in entries]


def _ledger_rest(session: Session) -> list[Entry]:
    """Return what is free or over capacity, what the engine takes, and the avoided scores."""
    free, over = (on_capacity(session, name, "gib") for name in ("free", "over"))
    entries = [
        ('data-unless="over"', chip("free"), "free", "free", free),
        ('data-if="over"', chip("wash"), "does not fit", "too much", over),
    ]
    overhead = session.report.per_gpu["overhead"]
    if overhead:
        taken = ", ".join(f"{item.name} {item.gib:.2f}" for item in session.report.plan.assumptions)
        number = f"<b>{overhead / GiB:.2f}</b>"
        entries.append((f'title="assumed: {taken} GiB"', "", "engine", "engine", number))
    if session.scenario.flash:
        avoided = live("avoided", "gib")
        entries.append(("", chip("ghost"), "scores avoided", "avoided", avoided))
    return entries
