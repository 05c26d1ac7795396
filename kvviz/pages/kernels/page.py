"""The Kernels page, composed: controls, four plots, the table, and what is below."""

from collections.abc import Callable
from typing import Any, Final

import panel as pn

from kvviz.kernels.kernel import Kernel
from kvviz.kernels.measuring.compare import DTYPES
from kvviz.kernels.measuring.table import duration
from kvviz.kernels.records import on_page
from kvviz.pages.kernels import texts
from kvviz.pages.kernels.components import OWN_CSS, ChartCard, Check, KernelCard, RunButton, Tiles
from kvviz.pages.kernels.link import CHOICES, LINK, opened
from kvviz.pages.kernels.numbers import blocks, digits, mib, scaling, time_unit
from kvviz.pages.kernels.recordings import recorded
from kvviz.pages.kernels.session import PROBLEM, KernelSession, devices
from kvviz.pages.kernels.tiles import BLOCKS, tiles
from kvviz.pages.kit.cards import followed
from kvviz.pages.kit.drawn import follow_theme, redraws
from kvviz.pages.kit.figure import Figure
from kvviz.pages.kit.inputs import bind, bound, spelled
from kvviz.pages.kit.look import Column, Html
from kvviz.pages.kit.page import Page
from kvviz.pages.kit.shell import Areas
from kvviz.scene.kernels.bars import bars, pair
from kvviz.scene.kernels.figure import colour
from kvviz.scene.kernels.lines import Lines, lines
from kvviz.scene.kernels.pattern import pattern
from kvviz.scene.theme import THEMES
from kvviz.units import MiB

DECODE = "Real paged decode: see Recordings."
PATTERN = (
    '<p>attention weight<span class="ramp"></span>'
    '<span class="ends"><i>0</i><i>0.5</i><i>1</i></span></p><p>Each row sums to 1.<br>'
    "Blank cells are later tokens, hidden by the causal mask.</p>"
)


def _controls(session: KernelSession) -> Column:
    where = bound(session, "device", "select", devices())
    dtype = bound(session, "dtype", "segment")
    followed(dtype, lambda: spelled(DTYPES[session.device]), session, "device", of="options")
    switches = [_switch(session, kernel) for kernel in on_page().values()]
    return Column(
        _card(
            "Device",
            where,
            dtype,
            KernelCard(html="GPUs appear here when found.", css_class="device"),
        ),
        _card(
            "Problem",
            *(bound(session, name, "slider", session.param[name].objects) for name in PROBLEM),
        ),
        _card("Kernels", *switches, KernelCard(html=DECODE, css_class="device")),
        _run_button(session),
        css_classes=["column"],
    )


def _card(title: str, *children: Any) -> Column:
    return Column(Html(f"<h2>{title}</h2>"), *children, css_classes=["card"])


def _switch(session: KernelSession, kernel: Kernel) -> Check:
    chosen, own = getattr(session, kernel.name), colour(kernel.label)
    check = Check(label=kernel.label, note=kernel.note, colour=own, value=chosen)
    return bind(check, session, kernel.name)


def _run_button(session: KernelSession) -> RunButton:
    note = texts.method(session.result, session.recorded)
    button = RunButton(note=note, problem=session.problem)
    followed = ["busy", "doing", "share", "problem"]
    session.param.watch(
        lambda *events: button.param.update(**{event.name: event.new for event in events}), followed
    )
    session.param.watch(
        lambda event: button.param.update(note=texts.method(event.new, session.recorded)), "result"
    )
    button.on_msg(
        lambda event: pn.state.execute(session.run) if event.data == "run" else session.cancel()
    )
    return button


def _results(session: KernelSession) -> Column:
    return Column(
        Column(*_charts(session), css_classes=["charts"], stylesheets=[OWN_CSS]),
        _told(session, texts.table, "card wide"),
        Column(*_below(session), css_classes=["charts"], stylesheets=[OWN_CSS]),
        KernelCard(html=recorded(), css_class="card wide"),
        css_classes=["column"],
    )


def _said(result: dict[str, Any]) -> str:
    return texts.discussion(result) + texts.downloads(result)


def _told(
    session: KernelSession, text: Callable[[dict[str, Any]], str], css_class: str
) -> KernelCard:
    box = KernelCard(css_class=css_class, margin=0)
    return followed(box, lambda: text(session.result), session, "result")


def _charts(session: KernelSession) -> list[ChartCard]:
    theme = THEMES[session.theme]
    weights, memory = pattern(theme), bars(theme, "memory")
    time, held = bars(theme, "time"), lines(theme, "blocks", log=False)
    cards = [
        _chart("Attention pattern", weights, note="first 20 tokens, head 0", aside=PATTERN),
        _chart("Peak memory, MiB", memory, note=texts.LEGEND),
        _chart("Time, seconds", time, note=texts.LEGEND),
        _chart("Memory per block, MiB", held),
    ]

    def show() -> None:
        result, found = session.result, texts.rows(session.result)
        weights.show(result["pattern"])
        peaks = pair(found, "peak_bytes", "predicted_bytes", MiB)
        memory.show(*peaks, digits(min(peaks[0].values()), 3))
        unit, cards[2].heading = time_unit(found)
        times = pair(found, "seconds_minimum", "predicted_seconds", unit)
        time.show(*times, digits(min(times[0].values()), 2))
        held.show(blocks(result), mib)
        asked = result["request"]
        count = -(-asked["n"] // asked["block"])
        _remark(held, found)
        cards[3].note = (
            f"{count} query blocks of {asked['block']} tokens" if count > 1 else "one query block"
        )
        cards[0].aside = f"{PATTERN}<p><small>Random Q and K, d = {asked['d']}, seed 0</small></p>"
        cards[3].aside = (
            "" if result["blocks"] else "<p>Memory per block is measured with NumPy only.</p>"
        )
        for card, key in ((cards[1], "peak_bytes"), (cards[2], "seconds_minimum")):
            card.told = ", ".join(f"{name} {row[key]:,.4g}" for name, row in found.items())

    _follow(session, show, weights, memory, time, held)
    return cards


def _remark(held: Lines, found: dict[str, Any]) -> None:
    """Say what all kernels hold, and what standard does, far above the rest."""
    output, top = next(iter(found.values()))["output_bytes"] / MiB, held.figure.y_range.end
    held.level(output)
    if not held.curves.data["name"]:
        held.remark([])
        return
    beneath = output - 0.07 * top
    told = beneath if beneath > 0.04 * top else output + 0.07 * top
    said = [(0.0, told, f"{mib(output)} of that is the output", "text3")]
    if "Standard" in found:
        whole = found["Standard"]["peak_bytes"] / MiB
        off = ", off scale" if whole > top else ""
        said.append((0.0, 0.94 * top, f"Standard holds {mib(whole)}{off}", "red_text"))
    held.remark(said)


def _below(session: KernelSession) -> list[Any]:
    theme = THEMES[session.theme]
    time, memory = (lines(theme, f"scaling {what}", log=True) for what in ("time", "memory"))

    def show() -> None:
        curves = scaling(session.result)
        time.show({name: (n, s) for name, (n, s, _) in curves.items()}, duration)
        memory.show({name: (n, m) for name, (n, _, m) in curves.items()}, mib)

    _follow(session, show, time, memory)
    return [
        _chart("Time against n, seconds", time, note="both axes logarithmic"),
        _chart("Peak memory against n, MiB", memory, note="both axes logarithmic"),
        Tiles(tiles=tiles(), blocks=BLOCKS, margin=0),
        _told(session, _said, "card discussion"),
    ]


def _follow(session: KernelSession, show: Callable[..., None], *drawn: Any) -> None:
    """Show results whenever there are new ones, and repaint for another theme."""
    session.param.watch(redraws(show), "result")
    follow_theme(session, drawn)
    show()


def _chart(heading: str, drawn: Any, note: str = "", aside: str = "") -> ChartCard:
    pane = Figure(drawn.figure, sizing_mode="stretch_both")
    return ChartCard(margin=0, heading=heading, note=note, aside=aside, told=heading, chart=pane)


def areas(session: KernelSession) -> Areas:
    """Return what appears below the header, bound to the session, whose run ends with it."""
    pn.state.on_session_destroyed(lambda _context: session.cancel())
    return Areas({"panels": _controls(session), "centre": _results(session)})


PAGE: Final = Page(
    name="kernels",
    tab="Kernels",
    title="attention that really runs",
    place=3,
    link=LINK,
    opened=opened,
    follows=CHOICES,
    areas=areas,
)
