"""A start-up log on the accuracy page: what was read, the two stacks, and each GiB's row."""

from html import escape
from typing import Final

from kvviz.accuracy.entries import Entry
from kvviz.accuracy.explain import Explanation
from kvviz.pages.accuracy.cards import MINUS, engine_label, percent
from kvviz.pages.kit.html import RIBBON

PARTS: Final = {  # of the stack, in its order, with their colours
    "Weights": "weights",
    "Activation peak": "activation",
    "Non-PyTorch memory": "outside",
    "CUDA graphs": "graphs",
    "KV cache": "kv",
}
MARKS: Final = {
    "good": '<path d="M5 8.2l2.2 2.2L11.2 6"/>',
    "near": '<path d="M4.6 8.6q1.7-2.6 3.4 0t3.4 0" stroke-dasharray="2 1.4"/>',
    "off": '<path d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"/>',
    "alone": "",
}
WORDS: Final = {
    "good": "within 2%",
    "near": "within 10%",
    "off": "over 10%",
    "alone": "only one figure",
}


def read_card(found: Explanation) -> str:
    """Return what was recognized: model, GPU, version, and how many figures."""
    facts = found.facts
    engine = facts.get("engine", "")
    version = f"{engine_label(engine)} {facts.get('engine_version', '')}".strip()
    chips = (facts.get("model", "").rpartition("/")[2], facts.get("gpu", ""), version)
    split = "".join(
        f"<em>{name} {escape(facts[key])}</em>"
        for key, name in (("tp", "tensor parallel"), ("pp", "pipeline"))
        if facts.get(key, "1") != "1"
    )
    named = "".join(f"<em>{escape(chip)}</em>" for chip in chips if chip)
    count = sum(entry.logged is not None for entry in found.entries)
    return f'<div class="chips">{named}{split}<small>{count} values</small></div>'


def reconciled(found: Explanation) -> str:
    """Return the card of stacks and rows."""
    failure = (
        f'<p class="failure" role="alert">{escape(found.failure)}</p>' if found.failure else ""
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    rows = "".join(map(_row, found.entries))
    return (
        f"<header><strong>Reconciled, GiB</strong><small>{escape(found.sums)}</small></header>"
        f'{failure}{_stacks(found)}<div class="entries"><div class="entry head"><span></span>'
        f"<span></span><span>predicted</span><span>logged</span><span>error</span><span></span></div>"
        f"{rows}</div>{f'<ul>{notes}</ul>' if notes else ''}"
    )


def _stacks(found: Explanation) -> str:
    requested = found.entry("Requested")
    if requested is None:
        return ""
    asked = requested.logged or requested.predicted or 0.0
    total = found.total_gib or asked
    if not total:
        return ""
    bars = "".join(_bar(found, which, total) for which in ("logged", "predicted"))
    return (
        f'<div class="stacks"><span class="asked" style="left:{100 * asked / total:.2f}%">'
        f"<b>requested {asked:.2f}</b></span>{bars}"
        f"<p><span>0</span><span>{total:.2f} GiB</span></p></div>"
    )


def _bar(found: Explanation, which: str, total: float) -> str:
    parts = []
    for name, role in PARTS.items():
        entry = found.entry(name)
        size = getattr(entry, which) if entry else None
        if size and size > 0:
            words = _words(name, size) if size > 0.12 * total else ""
            parts.append(
                f'<i class="part {role}" style="width:{100 * size / total:.3f}%" '
                f'title="{name} {size:.2f} GiB, {which}">{words}</i>'
            )
    drawn = "".join(parts) or "<small>the log has no sizes</small>"
    return f'<small>{which}</small><div class="bar">{drawn}</div>'


def _words(name: str, size: float) -> str:
    return f"<span>{size:.2f} for cache</span>" if name == "KV cache" else "<span>weights</span>"


def _row(entry: Entry) -> str:
    role = PARTS.get(entry.name, "")
    chip = f'<i class="chip {role}"></i>' if role and role != "kv" else RIBBON if role else ""
    error = "" if entry.error is None else percent(entry.error, 2 if abs(entry.error) < 0.1 else 1)
    how = f"{entry.kind}: {entry.how}" if entry.how else entry.kind
    told = f"{how}; {entry.reason}" if entry.reason else how
    mark = f'<svg width="16" height="16" aria-label="{WORDS[entry.mark]}" role="img">' + (
        f'<circle cx="8" cy="8" r="7"/>{MARKS[entry.mark]}</svg>' if MARKS[entry.mark] else "</svg>"
    )
    return (
        f'<div class="entry {entry.mark}"><span>{chip}</span>'
        f'<span title="{escape(told)}"><strong>{entry.name}</strong><small>{escape(told)}</small>'
        f"</span>"
        f'<b title="{entry.kind}">{_spelled(entry, entry.predicted)}</b>'
        f'<span title="logged">{_spelled(entry, entry.logged)}</span>'
        f"<span>{escape(error)}</span>{mark}</div>"
    )


def _spelled(entry: Entry, value: float | None) -> str:
    if value is None:
        return ""
    digits = 2 if entry.unit in ("GiB", "x") else 0
    return f"{value:,.{digits}f}{'x' if entry.unit == 'x' else ''}".translate(MINUS)
