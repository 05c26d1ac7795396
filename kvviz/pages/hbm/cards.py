"""The page's texts as HTML: what holds how much, in numbers that follow the playhead."""

from html import escape

from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Model
from kvviz.catalog.published.papers import PAPERS
from kvviz.engines.planning import served_model
from kvviz.memory.kinds import SETTING
from kvviz.memory.kv import regions
from kvviz.pages.hbm.session import Session
from kvviz.pages.hbm.toggles import TOGGLES
from kvviz.pages.kit.html import chip, live, many, row, short
from kvviz.pages.kit.pooled import pooled_note
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences
from kvviz.units import GiB, share, size

ROOFLINE = "assumed: roofline upper bound"
FROM_CONFIG = "from the settings and the model’s config"
HALF_PERCENT = 0.005  # a smaller share is not worth a line


def info(session: Session) -> str:
    """Return the info panel: the total, and the parts it is made of."""
    scenario, report = session.scenario, session.report
    name = escape(scenario.the_gpu.short_name)
    rows = [
        row(
            "Context", f"{live('when', 'count', SETTING)} {_given(f'of {scenario.final_length:,}')}"
        ),
        row("Allocation unit", allocation_unit(session)),
        row(f"Weights {chip('weights')}", live("weights", "amount")),
        row(f"KV cache {chip('kv')}", live("kv_allocated", "amount")),
        *_state_row(session),
        *_whole_row(session),
        row("GPUs needed", _gpus(session, name)),
        row(
            "KV used / allocated", live("efficiency", "percent", "computed: KV used / KV allocated")
        ),
        row("Data type", _dtypes(scenario, served_model(scenario))),
        row("Decode", _decode(scenario)),
    ]
    saved = live("saved_share", "fall")
    return f"""
      <header class="wrap"><h1>{escape(short(scenario.model))}</h1>
        <small title="{SETTING}">{many(scenario.batch, "sequence")}</small></header>
      <h2>{session.which_gpu or "Total memory"}</h2>
      <p class="hero" data-unless="over">{live("total", "gib")} <small>GiB</small></p>
      <p class="hero red" data-if="over">{live("total", "gib")} <small>GiB</small></p>
      <p class="before" data-if="over">one {name} holds
        <span title="{report.kinds["capacity_bytes"]}">{session.room / GiB:,.2f}</span>
        <em class="tag">+{_on_capacity(session, "over", "gib")}</em></p>
      <p class="before" data-unless="over"><span data-if="saved_share" data-above="{HALF_PERCENT}">
        <s>{live("without_flash", "gib")} GiB</s>
        <em class="tag">{saved} with Flash</em></span></p>
      <div class="rows">{"".join(rows)}</div>{_notes(session)}"""


def _given(text: str) -> str:
    return f'<small title="{SETTING}">{text}</small>'


def _on_capacity(session: Session, name: str, unit: str) -> str:
    """Return a live number that is known no better than the GPU's capacity."""
    return live(name, unit, session.report.kinds["gpus_needed"])


def _gpus(session: Session, name: str) -> str:
    needed = _on_capacity(session, "gpus", "count")
    return (
        f'<span data-if="gpus">{needed} <small>× {name}</small></span>'
        f'<span data-unless="gpus"><b class="red wrapped">'
        f"does not fit at any TP&nbsp;×&nbsp;PP</b></span>"
    )


def _decode(scenario: Scenario) -> str:
    known = scenario.efficiency
    whose = f", {escape(known.source)}" if known.kind == "measured" else ""
    how = (
        f"assumed: roofline with MFU {share(known.mfu, 0)} and MBU {share(known.mbu, 0)}{whose}; "
        f"activations and interconnect are not counted, kernel launches only where fitted to a "
        f"run on that GPU"
    )
    rate = live("tokens_per_second", "count", how)
    return (
        f'<span data-unless="over">{rate} <small>tokens/s</small></span>'
        f'<span data-if="over"><b class="red">does not fit</b></span>'
    )


def _notes(session: Session) -> str:
    pooled = pooled_note(session.scenario)
    notes = (
        *session.report.warnings,
        *filter(None, [pooled]),
        *served_model(session.scenario).notes,
    )
    if not notes:
        return ""
    text = escape("; ".join(notes))
    return f'<p class="note-line" title="{text}">{text}</p>'


def _state_row(session: Session) -> list[str]:
    if not session.report.state_bytes:
        return []
    return [row("Recurrent state", live("state", "amount"))]


def _whole_row(session: Session) -> list[str]:
    """Return the whole deployment's total where only one of its GPUs is shown."""
    if not session.which_gpu:
        return []
    how = "computed: the whole model before the split; copies on several GPUs are counted once"
    return [row("Total before split", f"{live('whole', 'gib', how)} <b>GiB</b>")]


def allocation_unit(session: Session) -> str:
    """Return what is allocated at once: a block of tokens, or a region for a sequence."""
    scenario, page = session.scenario, session.timeline.page_bytes
    if not session.report.kv_bytes_per_token_all_layers:
        return "<small>no blocks: state only</small>"
    if scenario.paged:
        return f'<b title="computed">{size(page)}</b> {_given(f"block of {scenario.block_size}")}'
    longest = int(regions(sequences(scenario)).max())
    sizes = session.results.shard.token_bytes
    held = sum(added * min(longest, window) for window, added in sizes)
    return f'<b title="computed">{size(held)}</b> <small>region</small>'


def _dtypes(scenario: Scenario, model: Model) -> str:
    weights = scenario.weights_dtype
    if weights == "native":
        counts: dict[str, int] = {}
        for group in model.tensors:
            counts[group.dtype] = counts.get(group.dtype, 0) + group.count
        weights = max(counts, key=lambda dtype: counts[dtype])
    kv = model.dtype if scenario.kv_dtype == "auto" else scenario.kv_dtype
    if weights == kv:
        return f"<b>{kv}</b> <small>weights and KV</small>"
    return f"<b>{weights}</b> <small>weights,</small> <b>{kv}</b> <small>KV</small>"


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
        {_on_capacity(session, "gpus_by_capacity", "count")} by capacity alone"""
    )
    return f"""
      <div class="banner over" data-if="over">
        <strong data-if="gpus">Needs {_on_capacity(session, "gpus", "count")} × {name}</strong>
        <strong data-unless="gpus">Does not fit</strong>
        <span><span data-unless="gpus">at any TP × PP: </span>
          {_on_capacity(session, "over", "gib")} GiB over</span>
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
        slot = many(scenario.max_model_len, "token")
        return f"against max_model_len, {slot}, <br>reserved per sequence throughout"
    sized = f"reservation policy “{scenario.reservation}”"
    return f"against one contiguous region per sequence, <br>{sized}"


def _plain(session: Session) -> str:
    name = escape(session.scenario.the_gpu.short_name)
    first, second, *others = (f"{number} {what}" for number, what in _parts(session))
    return f"""
      <div class="banner plain"><strong>{live("total", "gib")} GiB</strong>
      <span>fits one {name}, {_on_capacity(session, "free", "gib")} GiB free</span>
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
      <span class="red" data-if="over">{_on_capacity(session, "over", "gib")} over</span>
      <span class="red" data-unless="over"><span data-if="avoided">{live("avoided", "gib")}
      saved</span></span></p><div class="bar">{bar}</div>"""


ROOM_FOR_WORDS = 6  # entries of the ledger, two of which take turns, that have room for their names


def ledger(session: Session) -> str:
    """Return one line that adds up to the capacity; avoided scores come last, outside the sum."""
    entries = [*_ledger_parts(session), *_ledger_rest(session)]
    crowded = len(entries) > ROOM_FOR_WORDS
    spans = [
        f"<span {when}>{mark} {short if crowded else name} {number}</span>"
        for when, mark, name, short, number in entries
    ]
    return f'<div class="ledger{" crowded" if crowded else ""}">{"".join(spans)}</div>'


Entry = tuple[str, str, str, str, str]  # attributes, chip, name, its short form, number


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
    free, over = (_on_capacity(session, name, "gib") for name in ("free", "over"))
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


def papers(session: Session) -> str:
    """Return links to the papers behind the optimisations that are on."""
    links = [
        f'<a class="row" href="{p.url}" target="_blank" rel="noopener"><span>{p.name}</span>'
        f"<small>{p.citation}</small></a>"
        for name, p in PAPERS.items()
        if TOGGLES[name].is_on(session.scenario)
    ]
    listed = "".join(links) or "<p>All three optimisations are off.</p>"
    return f"<details open><summary><h2>Papers</h2></summary>{listed}</details>"


def rates(session: Session) -> str:
    """Return the meters of a step as rows: a phone's dies have no room for them."""
    rows = []
    for step in ("prefill", "decode"):
        busy = (live(f"{step}_{meter}", "percent0", ROOFLINE) for meter in ("compute", "memory"))
        rows.append(row(step.capitalize(), "compute {}, memory {}".format(*busy)))
    return f"""<details open><summary><h2>Prefill, decode</h2></summary>
      <div class="rows">{"".join(rows)}</div></details>"""
