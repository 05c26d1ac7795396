"""The serving page's left column: inputs made from the knobs' own declarations."""

from collections.abc import Iterable
from typing import Any

import param

from kvviz.catalog.gpus.shipped import gpu_names
from kvviz.catalog.models.shipped import model_names
from kvviz.catalog.published.workloads import TRAFFIC
from kvviz.engines.registry import engines
from kvviz.pages.kit.cards import LiveCard, Text, followed, problem_line
from kvviz.pages.kit.inputs import Knob, bound, slider, spelled, stepped
from kvviz.pages.kit.look import Column, Html, Row
from kvviz.pages.kit.versions import version_knob
from kvviz.pages.serving.cards import policy_name, requests_note, summary
from kvviz.pages.serving.load import TRACE
from kvviz.pages.serving.player import SERVING_CSS
from kvviz.pages.serving.session import MOST_BLOCKS, MOST_OUTPUT, ServingSession
from kvviz.pages.serving.trace import trace_upload
from kvviz.settings.scenario import Scenario
from kvviz.sim.policies import policies
from kvviz.units import GiB

POOLS = (501, 751, 1001, 1501, 2001, 3001, 5001, 10_001, None)
SEQUENCES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
BATCHED = (256, 512, 1024, 2048, 4096, 8192, 16_384)
LENGTHS = (2048, 3072, 4096, 4800, 6144, 8192, 16_384, 32_768)
COUNTS = (20, 40, 60, 80, 120, 160, 240, 320, 480, 640, 1000)
RATES = (1.0, 2.0, 4.0, 5.5, 8.0, 12.0, 16.0, 22.0, 30.0, 45.0, 60.0)
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
SMALL_SELECT = "select { font-size: 14px; letter-spacing: -.02em; padding: 0 20px 0 8px }"
TEXTS = (0, 128, 256, 512, 1024, 2048)


def controls(session: ServingSession) -> Column:
    """Return the column, bound to the session."""
    table = LiveCard(css_class="card table", stylesheets=[SERVING_CSS])
    followed(table, lambda: summary(session), session, "runs")
    return Column(
        _run(session),
        _engine(session),
        table,
        css_classes=["column"],
        stylesheets=[SERVING_CSS],
    )


def _card(*children: Any) -> Column:
    return Column(*children, css_classes=["card"], stylesheets=[SERVING_CSS])


def _heading(text: str) -> Html:
    return Html(f"<h2>{text}</h2>", stylesheets=[SERVING_CSS])


def _run(session: ServingSession) -> Column:
    scenario, load = session.scenario, session.load
    traffic = bound(load, "traffic", "select")
    followed(traffic, lambda: spelled(_traffic(session)), session, "trace", of="options")
    note = Text(css_class="note", stylesheets=[SERVING_CSS])
    followed(note, lambda: requests_note(session), session, "runs")
    return _card(
        _heading("Run and policies"),
        traffic,
        Row(
            _narrow(scenario, "model", model_names()),
            _narrow(scenario, "gpu", gpu_names()),
            css_classes=["two"],
            stylesheets=[SERVING_CSS],
        ),
        _folded("Rate, count, your own trace", *_requests(session), trace_upload(session), note),
        _policy(session, session.serving, "policy", "A"),
        _policy(session, session, "against", "B"),
        problem_line(session),
    )


def _narrow(scenario: Scenario, name: str, names: Iterable[str]) -> Knob:
    """A choice of names beside another one, in smaller letters."""
    return bound(scenario, name, "select", names, stylesheets=[SMALL_SELECT])


def _traffic(session: ServingSession) -> dict[str, str]:
    drawn = {name: f"{name.capitalize()}, synthetic" for name in TRAFFIC}
    own = {} if session.trace is None else {TRACE: f"Your trace: {session.trace.name}"}
    return drawn | own


def _requests(session: ServingSession) -> list[Knob]:
    """Return the knobs of the requests; those for drawn ones are hidden while a trace is served."""
    load = session.load
    drawn = [slider(load, "rate", RATES), slider(load, "shared_prompt", TEXTS)]
    drawn.append(slider(load, "seed", range(10)))
    speed = slider(load, "speed", SPEEDS)

    def choose(*_events: object) -> None:
        for knob in drawn:
            knob.visible = load.traffic != TRACE
        speed.visible = load.traffic == TRACE

    load.param.watch(choose, "traffic")
    choose()
    return [slider(load, "requests", COUNTS), *drawn, speed]


def _policy(session: ServingSession, owner: param.Parameterized, name: str, letter: str) -> Knob:
    """Return a choice of policies, called by what they would give."""

    def texts() -> list[list[str]]:
        return [
            [key, f"{letter}: {policy_name(session.serving, it.cache.on_demand, it.title)}"]
            for key, it in policies().items()
        ]

    knob = bound(owner, name, "select", label=f"Policy {letter}")
    given = ("block_size", "max_model_len", "reservation")
    return followed(knob, texts, session.serving, *given, of="options")


def _engine(session: ServingSession) -> Column:
    serving = session.serving
    caching = bound(serving, "prefix_caching", "switch")
    followed(caching, lambda: _hits(session), session, "runs", of="note")
    seldom = [
        slider(serving, "max_model_len", LENGTHS),
        slider(serving, "block_size", (1, 8, 16, 32, 64, 128)),
        bound(serving, "reservation", "segment", ("exact", "pow2", "max")),
        bound(serving, "allocator", "select", ("first-fit", "best-fit", "buddy")),
        bound(session.scenario, "mode", "segment", list(engines())),
        version_knob(session.scenario, "select"),
    ]
    return _card(
        _heading("Engine"),
        _pool(session),
        slider(serving, "max_num_seqs", SEQUENCES),
        slider(serving, "max_num_batched_tokens", BATCHED),
        caching,
        _folded("More settings", *seldom, _limits()),
    )


def _pool(session: ServingSession) -> Knob:
    """Return the slider of the pool's size: usable blocks, and the bytes that they take."""
    serving = session.serving

    def sizes() -> list[list[Any]]:
        run = session.runs.a
        steps = stepped(POOLS, serving.num_blocks)
        return [[n, _pool_text(n, run.timeline.page_bytes, run.blocks)] for n in steps]

    return followed(bound(serving, "num_blocks", "slider"), sizes, session, "runs", of="options")


def _pool_text(blocks: int | None, block_bytes: int, now: int) -> str:
    usable = now if blocks is None else blocks - 1  # one is the null block
    text = f"{usable:,} = {usable * block_bytes / GiB:,.2f} GiB"
    return f"all {text}" if blocks is None else text


def _hits(session: ServingSession) -> str:
    figures = session.runs.a.summary
    return (
        f"<small>cache hits under A</small>"
        f'<span title="simulated"><b>{figures["cached_tokens"]:,}</b> tokens</span>'
    )


def _limits() -> Html:
    text = (
        f"To keep a shared server quick, this page plays at most {MOST_BLOCKS:,} block allocations "
        f"and {MOST_OUTPUT:,} output tokens; kvviz simulate has no such limits."
    )
    return Html(f'<p class="foot">{text}</p>', stylesheets=[SERVING_CSS])


def _folded(label: str, *children: Any) -> Column:
    inside = Column(*children, visible=False, stylesheets=[SERVING_CSS])
    fold = Knob(kind="fold", label=label, value=False)
    fold.param.watch(lambda event: inside.param.update(visible=event.new), "value")
    return Column(fold, inside, stylesheets=[SERVING_CSS])
