"""The texts of "About this picture": what is drawn, what it shows, how each number is known."""

from html import escape

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.measured.efficiency import KNEE, SOURCE
from kvviz.engines.registry import find_engine
from kvviz.pages.hbm.allocator import allocator_cards
from kvviz.pages.hbm.copies import copies_card
from kvviz.pages.hbm.insights import insights
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.html import chip, live, many, row, share, short, text_card
from kvviz.scene.hbm.places import scene_raster
from kvviz.settings.scenario import Scenario
from kvviz.units import gib, size


def about(session: Session) -> str:
    """Return the explanations as cards of HTML; their figures are for the scenario's context."""
    known = [
        _computed(session),
        *_steps(session.scenario),
        *_engine(session),
        _left_out(session.scenario),
    ]
    seen = [*copies_card(session.scenario), *allocator_cards(session.scenario)]
    picture = [_picture(session), _rules(session.scenario)]
    return "".join([*picture, *insights(session), *seen, *known])


def _picture(session: Session) -> str:
    scenario, name = session.scenario, session.scenario.the_gpu.short_name
    gpus = scenario.tp * scenario.pp
    each = scene_raster(scenario.the_gpu, session.pages).pages_per_cell
    which = f"the fullest of {gpus} × {name}" if gpus > 1 else f"one {name}"
    return text_card(
        "What you see",
        f"<p>{escape(short(scenario.model))} on {escape(which)}. One cell is "
        f"{many(each, 'page')} of {size(session.timeline.page_bytes)}. Now, "
        f"at {live('when', 'count')} tokens: {live('total', 'gib')} GiB.</p>",
        f'<div class="rows">{"".join(_legend(scenario, session.gpus_shown > 1))}</div>',
    )


def _legend(scenario: Scenario, spills: bool) -> list[str]:
    name = escape(scenario.the_gpu.short_name)
    scores = (f"{chip('red')} red", "attention scores of one layer")
    if scenario.flash:
        scores = (f"{chip('ghost')} red hatch", "scores that FlashAttention never writes")
    return [
        row(f"{chip('weights')} purple", "weights; two shades, by layer"),
        row(f"{chip('kv')} eight colours", "KV cache, by sequence"),
        row(f"{chip('reserved')} grey", "reserved, not used yet"),
        row(*scores),
        *([row(f"{chip('wash')} red wash", f"does not fit one {name}")] if spills else []),
    ]


def _rules(scenario: Scenario) -> str:
    sites = scenario.the_gpu.active_sites
    where = f"Page p is drawn on memory site p mod {sites}; real GPUs interleave more finely. "
    context = many(scenario.context, "token")
    return text_card(
        "How it is drawn",
        f"<p>{where if sites > 1 else ''}A contiguous region starts on a new page. Dies and "
        f"memory are not to scale. Unless they say otherwise, the figures below are for a "
        f"context of {context}, as set.</p>",
    )


def _computed(session: Session) -> str:
    scenario, gpu = session.scenario, session.scenario.the_gpu
    how = ", assumed," if session.report.kinds["capacity_bytes"] == "assumed" else ""
    used_share = session.report.plan.limits.utilization
    capacity = f"Capacity{how} is {gib(session.report.capacity_bytes)}"
    used = f"; {share(used_share)} of it may be used" if used_share < 1 else ""
    return text_card(
        "Computed",
        f"<p>Every number here is computed unless it is marked otherwise: exactly, by formula, "
        f"from the model’s config and the settings. Only the display is rounded. "
        f"{capacity}, as {_reported(scenario, gpu)}{used}.</p>",
    )


def _reported(scenario: Scenario, gpu: Gpu) -> str:
    name = escape(gpu.short_name)
    if find_engine(scenario.mode).assumes:
        doubt = " (assumed: no measured value is known)" if gpu.cuda_total_assumed else ""
        return f"CUDA reports it on the {name}{doubt}"
    doubt = " (not confirmed by its source)" if "reported_mib" in gpu.unverified else ""
    return f"the {name}’s driver reports it{doubt}"


def _steps(scenario: Scenario) -> list[str]:
    """Return what step times rest on: MFU, MBU, and the knee of the roofline."""
    known = scenario.efficiency
    reached = text_card(
        "Step times",
        f"<p>Matrix products reach {share(scenario.mfu)} of peak FLOP/s (MFU) and reads "
        f"{share(scenario.mbu)} of the memory bandwidth (MBU): {escape(known.source)}.</p>",
        kind=known.kind,
    )
    knee = text_card(
        "Compute and memory overlap",
        f"<p>When compute and memory take equally long, the step takes {2 ** (1 / KNEE):.2f} times "
        f"as long as either alone (an exponent of {KNEE} at the roofline’s knee): {SOURCE}.</p>",
        kind="assumed",
    )
    return [reached, knee]


def _engine(session: Session) -> list[str]:
    """Return what the engine's plan assumes, one card per source."""
    rows: dict[str, list[str]] = {}
    for item in session.report.plan.assumptions:
        rows.setdefault(item.source, []).append(row(item.name, f"<b>{item.gib:,.2f} GiB</b>"))
    return [
        text_card(
            "Assumed engine overhead",
            f"<p>On each GPU, from {escape(source)}.</p>",
            f'<div class="rows">{"".join(lines)}</div>',
        )
        for source, lines in rows.items()
    ]


def _left_out(scenario: Scenario) -> str:
    missing = "Activations, the CUDA context and allocator fragmentation are"
    if find_engine(scenario.mode).assumes:
        missing = "Beyond the assumed engine overhead, allocator fragmentation is"
    return text_card(
        "Not counted",
        f"<p>{missing} not counted: a real run takes somewhat more. Step times leave out "
        f"activations and interconnect; kernel launches are included only where fitted to a run "
        f"on this GPU.</p>",
    )
