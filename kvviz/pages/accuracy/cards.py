"""The accuracy page's texts as HTML: title, coverage, misses, and tables by model, GPU, engine."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Final

from kvviz import units
from kvviz.accuracy.comparison import Comparison, Quantity
from kvviz.accuracy.validation import Summary, summarised
from kvviz.engines.registry import engines
from kvviz.pages.kit.html import share
from kvviz.units import GiB, KiB, change

FROM_LOGS: Final[tuple[Quantity, ...]] = ("kv_bytes_per_token", "weights", "kv_tokens")
NAMES: Final[dict[str, tuple[str, str]]] = {  # what a quantity is called, and its colour
    "kv_bytes_per_token": ("KV per token", "seq0"),
    "weights": ("Weights", "weights1"),
    "kv_tokens": ("KV pool", "seq4"),
    "kv_budget": ("KV budget", "seq4"),
    "parameters": ("Parameters", "text2"),
    "throughput": ("Throughput", "text2"),
}
UNPLANNED: Final = {"trtllm": "TensorRT-LLM"}  # engines that are measured here, not planned
BANDS: Final = (("good", "within 2%", 0.02), ("near", "2 to 10%", 0.1), ("far", "over 10%", 1e9))
MINUS: Final = str.maketrans("-", "−")


def of(comparisons: Iterable[Comparison], quantity: str) -> list[Comparison]:
    """Return the comparisons of one quantity that were made."""
    return [item for item in comparisons if item.quantity == quantity and not item.skipped]


def figure(quantity: str, value: float) -> str:
    """Spell a quantity's value with its unit."""
    if quantity == "kv_bytes_per_token":
        return f"{value / KiB:,.1f} KiB"
    if quantity in ("weights", "kv_budget"):
        return f"{value / GiB:,.2f} GiB".translate(MINUS)
    return f"{value:,.0f}"


def percent(error: float, digits: int = 1) -> str:
    """Spell an error with its sign."""
    return change(error, digits).translate(MINUS)


def title(comparisons: Sequence[Comparison]) -> str:
    """Return the page's heading with the median error of the KV bytes per token."""
    found = summarised(of(comparisons, "kv_bytes_per_token"))
    median = "" if found.median is None else f"KV per token: median error {share(found.median, 2)}"
    return f"<h1>Predicted against what engines logged</h1><p>{median}</p>"


def panel_head(comparisons: Sequence[Comparison], quantity: str) -> str:
    """Return the heading of one scatter: how many of its rows lie within 2 %."""
    found = of(comparisons, quantity)
    near = sum(abs(item.error) <= BANDS[0][2] for item in found)
    name, colour = NAMES[quantity]
    return (
        f'<header><strong><i class="dot" style="background:var(--{colour})"></i>{name}</strong>'
        f'<span title="figures within 2%"><b>{near} of {len(found)}</b> within 2%</span></header>'
    )


def coverage(comparisons: Sequence[Comparison]) -> str:
    """Return one cell per log, by the worst error of its quantities; none is left out."""
    logs: dict[tuple[str, str], list[Comparison]] = {}
    for item in comparisons:
        if item.file == "logs" and item.quantity in FROM_LOGS:
            logs.setdefault((item.engine.partition(" ")[0], item.row), []).append(item)
    cells = {key: _worst(items) for key, items in logs.items()}
    counts = {name: sum(band == name for _, band in cells.values()) for name, _, _ in BANDS}
    none = len(cells) - sum(counts.values())
    legend = "".join(
        f'<span><i class="cell {name}"></i>{words} <b>{counts[name]}</b></span>'
        for name, words, _ in BANDS
    )
    legend += f'<span><i class="cell none"></i>nothing to compare <b>{none}</b></span>'
    engines = list(dict.fromkeys(engine for engine, _ in cells))
    groups = "".join(
        _group([(cells[key], logs[key]) for key in cells if key[0] == engine]) for engine in engines
    )
    sizes = [(engine_label(e), sum(key[0] == e for key in cells)) for e in engines]
    first, *others = (f"{name} {count}" for name, count in sizes) if sizes else [""]
    return (
        f"<header><strong>Coverage, one cell per log</strong>"
        f'<span class="legend">{legend}</span></header><div class="cells">{groups}</div>'
        f'<p class="ends"><span>{escape(first)}</span><span>{escape(", ".join(others))}</span></p>'
    )


def _worst(items: Sequence[Comparison]) -> tuple[float, str]:
    errors = [abs(item.error) for item in items if not item.skipped]
    if not errors:
        return 2e9, "none"
    worst = max(errors)
    return worst, next(name for name, _, most in BANDS if worst <= most)


def _group(found: list[tuple[tuple[float, str], list[Comparison]]]) -> str:
    found.sort(key=lambda cell: cell[0][0])
    cells = "".join(
        f'<i class="cell {band}" title="{escape(_cell_title(items, worst))}"></i>'
        for (worst, band), items in found
    )
    return f'<div style="flex:{len(found)}">{cells}</div>'


def _cell_title(items: Sequence[Comparison], worst: float) -> str:
    first = items[0]
    tested = [item for item in items if not item.skipped]
    told = f"worst error {units.share(worst, 2)}" if tested else items[-1].reason
    return f"{first.row} {first.model}, {first.engine}: {told}"


def misses(comparisons: Sequence[Comparison]) -> str:
    """Return every error above 2 % except those of throughput, the largest first."""
    found = summarised(i for i in comparisons if i.quantity in FROM_LOGS).misses
    rows = "".join(map(_miss, found)) or '<tr><td colspan="7">none</td></tr>'
    return (
        f"<header><strong>Errors over 2%</strong><small>{len(found)}, largest first</small>"
        f"</header>"
        f'<div class="scroll" tabindex="0"><table><thead><tr><th>log</th><th>model</th>'
        f'<th>quantity</th><th class="n">predicted</th><th class="n">actual</th>'
        f'<th class="n">error</th><th>reason</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _miss(item: Comparison) -> str:
    name, colour = NAMES[item.quantity]
    assert item.predicted is not None
    assert item.logged is not None
    far = " far" if abs(item.error) > BANDS[1][2] else ""
    unknown = ' class="unknown"' if item.reason.startswith("not explained") else ""
    row = item.row if item.file == "logs" else "checkpoint"
    reason = escape(item.reason)
    return (
        f'<tr title="{escape(item.source)}"><td class="dim">{escape(row)}</td>'
        f"<td>{escape(item.model.rpartition('/')[2])}</td>"
        f'<td><i class="dot" style="background:var(--{colour})"></i>{name}</td>'
        f'<td class="n">{figure(item.quantity, item.predicted)}</td>'
        f'<td class="n">{figure(item.quantity, item.logged)}</td>'
        f'<td class="n{far}">{escape(percent(item.error))}</td>'
        f'<td{unknown} title="{reason}">{reason}</td></tr>'
    )


def tables(comparisons: Sequence[Comparison]) -> str:
    """Return the shares by quantity, by model, by GPU and by engine version."""
    logs = [i for i in comparisons if i.quantity in FROM_LOGS and i.file == "logs"]
    by = (
        ("By quantity", lambda item: NAMES[item.quantity][0], comparisons),
        ("By model", lambda item: item.model.rpartition("/")[2], logs),
        ("By GPU", lambda item: item.gpu or "not named", logs),
        ("By engine", lambda item: _engine(item.engine), logs),
    )
    inner = "".join(_table(name, key, items) for name, key, items in by)
    return (
        f'<div class="tables">{inner}</div><p>Weights, KV per token and parameters are computed. '
        f"The KV pool also rests on assumed overheads of the engine release, throughput on an "
        f"assumed roofline whose three constants were fitted to these 50 rates. Error = "
        f"(predicted − actual) / actual.</p>"
    )


def engine_label(name: str) -> str:
    """Return an engine as a person reads it."""
    planned = engines().get(name)
    return planned.label if planned else UNPLANNED.get(name, name)


def _engine(text: str) -> str:
    name, _, version = text.partition(" ")
    return f"{engine_label(name)} {'.'.join(version.lstrip('v').split('.')[:2])}".strip()


def _table(name: str, key: Callable[[Comparison], str], items: Sequence[Comparison]) -> str:
    groups: dict[str, list[Comparison]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    found = {label: summarised(group) for label, group in groups.items()}
    rows = "".join(
        _share_row(label, found[label])
        for label in sorted(found, key=lambda text: -found[text].rows)
        if found[label].rows
    )
    skipped = sum(not summary.rows for summary in found.values())
    more = f"<small>{skipped} with nothing to compare</small>" if skipped else ""
    return (
        f'<section><h2>{name}</h2><div class="scroll" tabindex="0"><table><thead><tr><th></th>'
        f'<th class="n">figures</th><th class="n">median</th><th class="n">worst</th>'
        f'<th class="n">≤ 2%</th></tr></thead><tbody>{rows}</tbody></table></div>{more}</section>'
    )


def _share_row(label: str, found: Summary) -> str:
    near = found.within["within_2"] or 0.0
    return (
        f'<tr><td title="{escape(label)}">{escape(label)}</td><td class="n">{found.rows}</td>'
        f'<td class="n">{share(found.median or 0, 2)}</td>'
        f'<td class="n">{share(found.worst or 0, 1)}</td>'
        f'<td class="n">{share(near)}</td></tr>'
    )
