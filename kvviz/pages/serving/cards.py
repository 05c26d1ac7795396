"""The serving page's texts: both runs' results in sentences, a table and legends."""

from collections.abc import Callable
from html import escape
from typing import Any, Final

from kvviz.pages.kit.html import RIBBON, live, many, share
from kvviz.pages.serving.load import TRACE
from kvviz.pages.serving.served import Served
from kvviz.pages.serving.session import Runs, ServingSession
from kvviz.sim.pool import planned_for
from kvviz.sim.simulate import step_efficiency
from kvviz.timeline import State
from kvviz.units import GiB

SIMULATED: Final = "simulated"
TIMED: Final = "simulated; step time from a roofline with {kind} MFU and MBU"


def badge(letter: str) -> str:
    """Return the letter of a run, as it is marked everywhere."""
    return f'<i class="badge {letter.lower()}">{letter}</i>'


def headline(runs: Runs) -> str:
    """Return the page's first sentence: how many requests run at once in the same memory."""
    a, b = (run.summary["peak_running"] for run in (runs.a, runs.b))
    room = f"{runs.a.blocks * runs.a.timeline.page_bytes / GiB:,.2f} GiB"
    most = f"{a:,} {'request' if a == 1 else 'requests'} at once"
    if a == b:
        return f'<h1 title="{SIMULATED}">{most} under A and B, in {room}</h1>'
    compared = f"not {b:,}" if a > b else f"and {b:,} under B"
    return f'<h1 title="{SIMULATED}">{most}, {compared}, in the same {room}</h1>'


def outcome_line(runs: Runs) -> str:
    """Return the second sentence: when all are done, and the median time to first token."""
    count = len(runs.workload)
    done = f"All {count:,} done" if count > 1 else "Done"
    first = (run.summary["ttft_s"]["p50"] for run in (runs.a, runs.b))
    return (
        f'<p title="{TIMED.format(kind="assumed or fitted")}">{done} after '
        f"{_unlike(runs.a.seconds, runs.b.seconds)}; first token after {_unlike(*first)} "
        f"(median).</p>"
    )


def _unlike(a: float, b: float) -> str:
    """Say a time under A and, if it differs, under B."""
    ours, theirs = seconds(a), seconds(b)
    rest = "under both" if ours == theirs else f"not <b>{theirs}</b>"
    return f"<b>{ours}</b>{' ' if ours == theirs else ', '}{rest}"


def seconds(value: float | None) -> str:
    """Spell a time with three figures and its unit."""
    if value is None:
        return "none"
    if value < 0.9995:
        return f"{value * 1e3:.3g} ms"
    return f"{value:,.3g} s" if value < 1000 else f"{value:,.0f} s"


def policy_name(serving: Any, paged: bool, title: str) -> str:
    """Return a policy's name on this page, with the size of what it allocates."""
    if paged:
        return f"{title}, {serving.block_size} tokens per block"
    regions = {
        "max": f"{serving.max_model_len:,}-token regions",
        "pow2": "power-of-two regions",
        "exact": "exact regions",
    }
    return f"{title}, {regions[serving.reservation]}"


def title(run: Served, blocks_per_cell: int) -> str:
    """Return the line above a pool."""
    what = "blocks in order of number"
    if run.slot:
        slots = run.blocks // run.slot
        what = f"{slots:,} regions fill the pool" if slots > 1 else "one region fills the pool"
    if blocks_per_cell > 1:
        what = f"{blocks_per_cell:,} blocks per cell"
    name = policy_name(run.serving, run.paged, run.policy.title)
    return f"<strong>{escape(name)}</strong><small>{what}</small>"


def legend(run: Served, name: str) -> str:
    """Return the line below a pool, with numbers that follow the playhead."""
    reserved, free = '<i class="chip reserved"></i>', '<i class="chip free"></i>'
    in_use = f"<span>{RIBBON}in use {_number(name, 'held')}</span>"
    left = f"<span>{free}free {_number(name, 'free')}</span>"
    if not run.paged:
        left = left.replace("<span>", f'<span data-if="{name}_free">', 1)
        of = f"<b>of {run.blocks:,}</b>"
        unused = f"<span>{reserved}reserved, unused {_number(name, 'unused')} {of}</span>"
        return in_use + unused + left
    cached = f'<span><i class="chip cached"></i>cached, free {_number(name, "cached")}</span>'
    unfilled = f"<span>{reserved}unfilled {_number(name, 'unfilled', 'tenth')}</span>"
    shared = f'<span data-if="{name}_shared"><i class="chip shared"></i>shared '
    room = '<i class="two-lines"></i>' if _is_long(run) else ""  # so that nothing moves below
    return in_use + cached + left + unfilled + shared + f"{_number(name, 'shared')}</span>{room}"


def _is_long(run: Served) -> bool:
    """Whether the line below a pool may grow to two while it plays."""
    return run.blocks >= 10_000 or bool((run.timeline.changes.state == State.SHARED).any())


def _number(run: str, name: str, unit: str = "count") -> str:
    return live(f"{run}_{name}", unit, SIMULATED)


def summary(session: ServingSession) -> str:
    """Return the table of both runs, and of the cache at the playhead."""
    a, b = session.runs.a, session.runs.b
    timed = TIMED.format(kind=efficiency_kind(session))
    rows = [
        _compared("Output tokens/s", _pair(a, b, _rate), timed),
        _compared("TTFT median", _pair(a, b, _spread("ttft_s", "p50")), timed),
        _compared("TTFT p99", _pair(a, b, _spread("ttft_s", "p99")), timed),
        _compared("TPOT median", _pair(a, b, _spread("tpot_s", "p50")), timed),
        _compared("Preemptions", _pair(a, b, lambda it: f"{it['preemptions']:,}"), SIMULATED),
        _compared("Makespan", _pair(a, b, lambda it: seconds(it["makespan_s"])), timed),
    ]
    now = [
        _live("KV in use, GiB", "used_bytes", "gib"),
        _live("Reserved, GiB", "taken_bytes", "gib"),
        _live("Waste", "waste", "percent"),
    ]
    return (
        f"{_head('Whole run')}{''.join(rows)}<hr>{_head('KV cache now')}{''.join(now)}"
        f'<p class="foot">{_footnote(session)}</p>'
    )


def _footnote(session: ServingSession) -> str:
    found = step_efficiency(session.scenario, session.serving)
    known = "fitted to a run on this GPU" if found.kind == "measured" else "assumed"
    reached = f"MFU {share(found.mfu)}, MBU {share(found.mbu)}"
    notes = (f"{note}." for note in planned_for(session.scenario, session.serving).notes)
    rests = f"Simulated; step times from a roofline, {reached}: {known}."
    return " ".join([rests, *map(escape, notes)])


def efficiency_kind(session: ServingSession) -> str:
    """Say how the rates behind step times are known."""
    return step_efficiency(session.scenario, session.serving).kind


def _head(text: str) -> str:
    return f"<div class='ab head'><h2>{text}</h2>{badge('A')}{badge('B')}</div>"


def _pair(a: Served, b: Served, text: Callable[[dict[str, Any]], str]) -> tuple[str, str]:
    return text(a.summary), text(b.summary)


def _rate(figures: dict[str, Any]) -> str:
    return f"{figures['throughput_tokens_per_s']:,.0f}"


def _spread(name: str, which: str) -> Callable[[dict[str, Any]], str]:
    return lambda figures: seconds(figures[name][which])


def _compared(label: str, values: tuple[str, str], kind: str) -> str:
    a, b = values
    return f'<div class="ab" title="{kind}"><span>{label}</span><b>{a}</b><span>{b}</span></div>'


def _live(label: str, name: str, unit: str) -> str:
    a, b = (live(f"{run}_{name}", unit, SIMULATED) for run in "ab")
    return f'<div class="ab"><span>{label}</span>{a}{b}</div>'


def requests_note(session: ServingSession) -> str:
    """Return what is known of the requests: how many, from where, and what was left out."""
    work, load = session.runs.workload, session.load
    lines = [f"{many(len(work), 'request')}: {escape(work.name)}."]
    if session.trace is not None and load.traffic == TRACE:
        lines.append(f"The trace has {len(session.trace):,}.")
        lines += map(escape, work.notes)
    if out := work.left_out:
        lines.append(f"{many(len(out), 'row')} skipped; the first: {escape(out[0])}")
    return f'<p class="foot">{" ".join(lines)}</p>'
