"""The texts behind "About this run": what is drawn, how it is known, and the paper's table."""

from html import escape

from kvviz.pages.kit.html import chip, share, text_card
from kvviz.pages.serving.load import TRACE
from kvviz.pages.serving.session import ServingSession
from kvviz.sim.paper import ASSUMED, SOURCE, figure_2
from kvviz.sim.policies import policies
from kvviz.sim.simulate import step_efficiency

PARTS = ("token states", "reserved", "internal", "external, other")


def about(session: ServingSession) -> str:
    """Return the explanations as cards of HTML."""
    return "".join(
        [_seen(session), _policies(), paper_table(), _times(session), _requests(session)]
    )


def _seen(session: ServingSession) -> str:
    run = session.runs.a
    return text_card(
        "What you see",
        f"<p>Two pools of {run.blocks:,} KV blocks of {run.serving.block_size} tokens serve the "
        f"same requests on one clock. Each cell is one block, or several if the pool is large, in "
        f"order of block number; the null block, 0, is left out. {chip('kv')} holds a request’s "
        f"tokens, coloured by request number mod 8; a dimmed cell with a dot is free but still "
        f"cached; a small square is shared; {chip('reserved')} is reserved but not used yet.</p>",
    )


def _policies() -> str:
    each = " ".join(f"{escape(it.title)}: {escape(it.about)}" for it in policies().values())
    return text_card("The policies", f"<p>{each} Same model, same GPU, same memory.</p>")


def paper_table() -> str:
    """Return the paper's figure 2 beside what the simulation gives."""
    head = "".join(f"<th>{part}</th>" for part in PARTS)
    rows = []
    for line in figure_2():
        ours = "".join(
            f"<td><b>{share(value / 100, 1).rstrip('%')}</b></td>" for value in line.ours
        )
        paper = "".join(f"<td>{value:.1f}</td>" for value in line.paper)
        rows.append(f"<tr><th rowspan=2>{escape(line.policy)}</th>{ours}<td>ours</td></tr>")
        rows.append(f"<tr>{paper}<td>paper</td></tr>")
    return text_card(
        "The PagedAttention paper’s figure 2",
        f"<p>Percent of KV cache memory: OPT-13B on an A100 with 40 GB. Simulated here with "
        f"{escape(ASSUMED)}.</p>",
        f'<table class="paper"><tr><th></th>{head}<th></th></tr>{"".join(rows)}</table>',
        f"<p><small>{escape(SOURCE)}. For vLLM the paper gives only token states; the other 3.7 "
        f"are listed under internal.</small></p>",
        kind="simulated; lengths assumed",
    )


def _times(session: ServingSession) -> str:
    found = step_efficiency(session.scenario, session.serving)
    return text_card(
        "Step times",
        f"<p>Which requests each step serves is simulated exactly. How long a step takes is a "
        f"roofline: compute at {share(found.mfu)} of peak FLOP/s (MFU), memory at "
        f"{share(found.mbu)} of the bandwidth (MBU), plus {found.overhead_s * 1e3:g} ms per step; "
        f"{found.kind}. Source: {escape(found.source)}.</p>",
        kind=f"{found.kind} MFU and MBU",
    )


def _requests(session: ServingSession) -> str:
    work = session.runs.workload
    notes = " ".join(escape(note) for note in work.notes)
    longest = session.serving.max_model_len
    drawn = (
        f"Prompts that leave no room for output in {longest:,} tokens are redrawn."
        if session.load.traffic != TRACE
        else ""
    )
    return text_card(
        "The requests", f"<p>{len(work):,} requests: {escape(work.name)}. {notes} {drawn}</p>"
    )
