"""Score matrices alive at once: the measured peaks of attention implementations."""

from html import escape

from kvviz.catalog.measured.memory import ScoreMultiple, ScoreMultiples, score_multiples
from kvviz.engines.planning import served_model
from kvviz.pages.kit.html import row, text_card
from kvviz.settings.scenario import Scenario

Known = tuple[ScoreMultiples, tuple[ScoreMultiple, ...]]


def copies_card(scenario: Scenario) -> list[str]:
    """Return the card of measured peaks, in score matrices; none where nothing was measured."""
    known = _known(scenario)
    if known is None:
        return []
    return [
        text_card("Peak score matrices alive at once", *_figures(scenario, *known), kind="measured")
    ]


def copies_note(scenario: Scenario) -> str:
    """Return the same figures for the note beside the selector, empty where there are none."""
    known = _known(scenario)
    if known is None:
        return ""
    return f'<small class="kind">measured</small> {"".join(_figures(scenario, *known))}'


def copies_hint(scenario: Scenario) -> str:
    """Return one sentence on the avoided scores, empty where nothing was measured."""
    known = _known(scenario)
    if known is None:
        return ""
    found, rows = known
    flash = [row.multiple for row in rows if "flash" in row.name.casefold()]
    standard = [row.multiple for row in rows if "flash" not in row.name.casefold()]
    said = [
        f"{who} {_span(held)}" for who, held in (("standard", standard), ("flash", flash)) if held
    ]
    where = _where(scenario, found)
    return f"Measured on {where}, score matrices alive at the peak: {', '.join(said)}."


def _known(scenario: Scenario) -> Known | None:
    """Return what was measured in the model's own dtype, None where nothing was."""
    found = score_multiples(scenario.the_gpu)
    rows = found.of(served_model(scenario).dtype) if found else ()
    return (found, rows) if found and rows else None


def _figures(
    scenario: Scenario, found: ScoreMultiples, rows: tuple[ScoreMultiple, ...]
) -> tuple[str, str]:
    shape = f"{rows[0].dtype}, n {rows[0].n:,}"
    lines = (
        row(escape(each.name), f'<b title="measured">{each.multiple:.2f}</b>') for each in rows
    )
    return (
        f'<p title="measured">Peak memory above the inputs, in score matrices, {shape}, on '
        f"{_where(scenario, found)}.</p>",
        f'<div class="rows">{"".join(lines)}</div>',
    )


def _where(scenario: Scenario, found: ScoreMultiples) -> str:
    """Return the device and the date, saying so where it is not the GPU that is set."""
    other = "" if found.own else f", not on the {scenario.the_gpu.short_name}"
    return escape(f"{found.place}, {found.date}{other}")


def _span(held: list[float]) -> str:
    low, high = f"{min(held):.2f}", f"{max(held):.2f}"
    return low if low == high else f"{low} to {high}"
