"""The page's texts as HTML: what holds how much, in numbers that follow the playhead."""

from html import escape

from kvviz.catalog.model import Model
from kvviz.catalog.papers import PAPERS
from kvviz.memory.kv import kv_width, layer_groups, regions
from kvviz.scenario import Scenario
from kvviz.units import GiB, size
from kvviz.views.html import chip, live, row
from kvviz.views.session import Session

RATE = "computed from the roofline with assumed MFU and MBU: an estimate, not a measurement"


def short(name: str) -> str:
    """Return a model's name without its owner."""
    return name.rsplit("/", 1)[-1]


def info(session: Session) -> str:
    """Return the info panel: the total, and the parts it is made of."""
    scenario, report = session.scenario, session.report
    name = escape(scenario.the_gpu.short_name)
    rows = [
        row("Context", f"{live('when', 'count')} <small>of {scenario.final_length:,}</small>"),
        row("Allocation unit", allocation_unit(session)),
        row(f"Weights {chip('weights')}", f"{live('weights', 'gib')} <b>GiB</b>"),
        row(f"KV cache {chip('kv')}", f"{live('kv_allocated', 'gib')} <b>GiB</b>"),
        *_state_row(session),
        row("GPUs needed", _gpus(name, report.kinds["gpus_needed"])),
        row("Memory efficiency", live("efficiency", "percent", "computed: KV used / KV allocated")),
        row("Data type", _dtypes(scenario, scenario.the_model)),
        row("Decode", f"{live('tokens_per_second', 'count', RATE)} <small>tokens/s</small>"),
    ]
    return f"""
      <header><h1>{escape(short(scenario.model))}</h1><small>{_sequences(scenario.batch)}</small></header>
      <h2>Total memory</h2>
      <p class="hero" data-unless="over">{live("total", "gib")} <small>GiB</small></p>
      <p class="hero red" data-if="over">{live("total", "gib")} <small>GiB</small></p>
      <p class="before" data-if="over">one {name} holds {size(session.room)}
        <em class="tag">+{live("over", "gib")}</em></p>
      <p class="before" data-unless="over"><span data-if="avoided">
        <s>{live("without_flash", "gib")} GiB</s>
        <em class="tag">−{live("saved_share", "percent0")} with Flash</em></span></p>
      <div class="rows">{"".join(rows)}</div>"""


def _gpus(name: str, kind: str) -> str:
    return (
        f'<span data-if="gpus">{live("gpus", "count", kind)} <small>× {name}</small></span>'
        f'<span data-unless="gpus"><b class="red">no split fits</b></span>'
    )


def _sequences(batch: int) -> str:
    return f"{batch:,} sequence{'s' if batch > 1 else ''}"


def _state_row(session: Session) -> list[str]:
    if not session.report.state_bytes:
        return []
    return [row("Recurrent state", f"{live('state', 'gib')} <b>GiB</b>")]


def allocation_unit(session: Session) -> str:
    """Return what is allocated at once: a page of tokens, or a region of a sequence."""
    scenario, page = session.scenario, session.timeline.page_bytes
    if scenario.paged:
        return f"<b>{size(page)}</b> <small>page of {scenario.block_size}</small>"
    longest = int(regions(scenario).max())
    kv = scenario.the_model, kv_width(scenario, scenario.the_model)
    held = sum(g.layers * g.bytes_per_token * min(longest, g.window) for g in layer_groups(*kv))
    return f"<b>{size(held)}</b> <small>slot, contiguous</small>"


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
    """Return the headline: what is saved, or what does not fit and by how much."""
    return _too_much(session) + _saving(session)


def _too_much(session: Session) -> str:
    name = escape(session.scenario.the_gpu.short_name)
    parts = f"{live('weights', 'gib')} + {live('kv_allocated', 'gib')} + {live('scores', 'gib')}"
    if session.report.state_bytes:
        parts += f" + {live('state', 'gib')}"
    capacity = session.room / GiB
    return f"""
      <div class="banner over" data-if="over">
        <strong data-if="gpus">Needs {live("gpus", "count")} × {name}</strong>
        <strong data-unless="gpus">No split fits</strong>
        <span>{live("over", "gib")} GiB over</span>
        <p>{parts} = {live("total", "gib")} GiB<br>{live("total", "gib")} ÷ {capacity:,.2f},
        rounded up: {live("gpus_by_capacity", "count")} by capacity alone</p></div>"""


def _saving(session: Session) -> str:
    scenario, report = session.scenario, session.report
    if scenario.flash and report.scores["avoided_bytes"]:
        return f"""
          <div class="banner glow" data-unless="over"><strong>{live("avoided", "gib1")} GiB</strong>
          <span>saved by FlashAttention</span><p>{_score_arithmetic(scenario)}<br>
          one layer of prefill, never written to HBM</p></div>"""
    fits = f"fits one {escape(scenario.the_gpu.short_name)}"
    if scenario.paged and report.deltas["paged"] > 0:
        return f"""
          <div class="banner glow" data-unless="over">
          <strong>{live("delta_paged", "gib1")} GiB</strong><span>saved by the paged KV cache</span>
          <p>against one contiguous region a sequence,<br>
          sized by the policy “{scenario.reservation}”</p></div>"""
    return f"""
      <div class="banner plain" data-unless="over"><strong>{live("total", "gib")} GiB</strong>
      <span>{fits}, {live("free", "gib")} GiB free</span>
      <p>{live("weights", "gib")} weights + {live("kv_allocated", "gib")} KV cache<br>
      + {live("scores", "gib")} attention scores</p></div>"""


def _score_arithmetic(scenario: Scenario) -> str:
    model = scenario.the_model
    number = 4 if model.dtype == "fp32" else 2
    heads = max(layer.heads for layer in model.attending_layers())
    copies = f" × {scenario.score_multiple} copies" if scenario.score_multiple > 1 else ""
    if scenario.prefill == "chunk":
        shape = f"{heads} heads × {scenario.chunk:,} × {live('when', 'count')}"
        return f"{shape} scores × {number} B{copies}"
    return (
        f"{_sequences(scenario.batch)} × {heads} heads × "
        f"{live('when', 'count')}² scores × {number} B{copies}"
    )


def ledger(session: Session) -> str:
    """Return one line that adds up to the capacity; avoided scores come last, outside the sum."""
    entries = [("weights", "weights", "weights"), ("kv", "kv_used", "KV in use")]
    entries.append(("reserved", "unused", "reserved, unused"))
    if session.report.state_bytes:
        entries.append(("kv", "state", "recurrent state"))
    if not session.scenario.flash:
        entries.append(("red", "scores", "scores"))
    spans = [f"<span>{chip(c)} {text} {live(name, 'gib')}</span>" for c, name, text in entries]
    spans.append(f'<span data-unless="over">{chip("free")} free {live("free", "gib")}</span>')
    spans.append(f'<span data-if="over">{chip("wash")} does not fit {live("over", "gib")}</span>')
    overhead = session.report.per_gpu["overhead"]
    if overhead:
        taken = ", ".join(f"{item.name} {item.gib:.2f}" for item in session.report.assumed)
        spans.append(
            f'<span title="assumed: {taken} GiB">engine <b>{overhead / GiB:.2f}</b></span>'
        )
    if session.scenario.flash:
        spans.append(f"<span>{chip('ghost')} scores avoided {live('avoided', 'gib')}</span>")
    return f'<div class="ledger">{"".join(spans)}</div>'


def papers(session: Session) -> str:
    """Return links to the papers of what is switched on."""
    on = {
        "flash": session.scenario.flash,
        "paged": session.scenario.paged,
        "continuous": session.scenario.batching == "continuous",
    }
    links = [
        f'<a class="row" href="{p.url}" target="_blank" rel="noopener"><span>{p.name}</span>'
        f"<small>{p.citation}</small></a>"
        for name, p in PAPERS.items()
        if on[name]
    ]
    return (
        f"<h2>Papers</h2>{''.join(links)}" if links else "<h2>Papers</h2><p>All three are off.</p>"
    )
