"""The texts behind "About this picture": what is drawn, what it shows, how each number is known."""

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
    """Return the explanations as cards of HTML; their figures hold at the scenario's context."""
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
        f"<p>{escape(short(scenario.model))} on {escape(which)}. A cell is "
        f"{many(each, 'page')} of {size(session.timeline.page_bytes)}. Now, "
        f"at {live('when', 'count')} tokens: {live('total', 'gib')} GiB.</p>",
        f'<div class="rows">{"".join(_legend(scenario, session.gpus_shown > 1))}</div>',
    )


def _legend(scenario: Scenario, spills: bool) -> list[str]:
    name = escape(scenario.the_gpu.short_name)
    scores = (f"{chip('red')} red", "attention scores, one layer’s")
    if scenario.flash:
        scores = (f"{chip('ghost')} red hatch", "scores that FlashAttention never writes")
    return [
        row(f"{chip('weights')} purple", "weights, its two tones by layer"),
        row(f"{chip('kv')} eight colours", "sequences, in turn"),
        row(f"{chip('reserved')} grey", "reserved, still empty"),
        row(*scores),
        *([row(f"{chip('wash')} red wash", f"does not fit one {name}")] if spills else []),
    ]


def _rules(scenario: Scenario) -> str:
    sites = scenario.the_gpu.active_sites
    where = f"Page p is drawn on memory site p mod {sites}; hardware interleaves finer than that. "
    context = many(scenario.context, "token")
    return text_card(
        "How it is drawn",
        f"<p>{where if sites > 1 else ''}A contiguous region starts on a page of its own. Dies and "
        f"memory are not to scale. The figures below hold at {context}, the "
        f"context that is set, where they do not say otherwise.</p>",
    )


def _computed(session: Session) -> str:
    scenario, gpu = session.scenario, session.scenario.the_gpu
    how = ", assumed," if session.report.kinds["capacity_bytes"] == "assumed" else ""
    used_share = session.report.plan.limits.utilization
    capacity = f"Capacity{how} is {gib(session.report.capacity_bytes)}"
    used = f", of which {share(used_share)} may be used" if used_share < 1 else ""
    return text_card(
        "Computed",
        f"<p>Every number here is computed unless it is marked assumed: by formula from the "
        f"model’s config and the settings, exactly; only what is shown is rounded. "
        f"{capacity}: what {_reported(scenario, gpu)}{used}.</p>",
    )


def _reported(scenario: Scenario, gpu: Gpu) -> str:
    name = escape(gpu.short_name)
    if find_engine(scenario.mode).assumes:
        doubt = " (assumed: no reading is known)" if gpu.cuda_total_assumed else ""
        return f"CUDA reports on the {name}{doubt}"
    doubt = " (not confirmed by its source)" if "reported_mib" in gpu.unverified else ""
    return f"the driver of the {name} reports{doubt}"


def _steps(scenario: Scenario) -> list[str]:
    """Return what step times rest on: the shares that are reached, and the knee."""
    known = scenario.efficiency
    reached = text_card(
        "How fast a step is",
        f"<p>Matrix products reach {share(scenario.mfu)} of the peak rate (MFU) and reads "
        f"{share(scenario.mbu)} of the bandwidth (MBU), {escape(known.source)}.</p>",
        kind=known.kind,
    )
    knee = text_card(
        "Where both count",
        f"<p>A step whose arithmetic takes as long as its reads takes {2 ** (1 / KNEE):.2f} times "
        f"as long, an exponent of {KNEE} at the knee: {SOURCE}.</p>",
        kind="assumed",
    )
    return [reached, knee]


def _engine(session: Session) -> list[str]:
    """Return what mode vllm assumes besides, one card a source."""
    rows: dict[str, list[str]] = {}
    for item in session.report.plan.assumptions:
        rows.setdefault(item.source, []).append(row(item.name, f"<b>{item.gib:,.2f} GiB</b>"))
    return [
        text_card(
            "Assumed of the engine",
            f"<p>On each GPU, from {escape(source)}.</p>",
            f'<div class="rows">{"".join(lines)}</div>',
        )
        for source, lines in rows.items()
    ]


def _left_out(scenario: Scenario) -> str:
    missing = "Activations, the CUDA context and the holes in the framework’s allocator are"
    if find_engine(scenario.mode).assumes:
        missing = "Beyond what is assumed of the engine, the holes in its allocator are"
    return text_card(
        "Left out",
        f"<p>{missing} not counted: a real run takes "
        f"somewhat more. Step times count launches only where a run on the GPU was fitted, and "
        f"neither activations nor links between "
        f"GPUs.</p>",
    )
