"""The left column's cards as HTML: what holds how much, in numbers that follow the playhead."""

from html import escape

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
        <em class="tag">+{on_capacity(session, "over", "gib")}</em></p>
      <p class="before" data-unless="over"><span data-if="saved_share" data-above="{HALF_PERCENT}">
        <s>{live("without_flash", "gib")} GiB</s>
        <em class="tag">{saved} with Flash</em></span></p>
      <div class="rows">{"".join(rows)}</div>{_notes(session)}"""


def _given(text: str) -> str:
    return f'<small title="{SETTING}">{text}</small>'


def on_capacity(session: Session, name: str, unit: str) -> str:
    """Return a live number that is known no better than the GPU's capacity."""
    return live(name, unit, session.report.kinds["gpus_needed"])


def _gpus(session: Session, name: str) -> str:
    needed = on_capacity(session, "gpus", "count")
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
    kv = (model.cache_dtype or model.dtype) if scenario.kv_dtype == "auto" else scenario.kv_dtype
    if weights == kv:
        return f"<b>{kv}</b> <small>weights and KV</small>"
    return f"<b>{weights}</b> <small>weights,</small> <b>{kv}</b> <small>KV</small>"


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
