"""What the Kernels page says in words and figures about the results on it."""

import csv
import io
import json
from base64 import b64encode
from html import escape
from typing import Any, Final

from kvviz.kernels.measuring.compare import ITEM
from kvviz.kernels.measuring.provenance import set_in
from kvviz.kernels.measuring.recordings import recordings
from kvviz.kernels.measuring.table import duration
from kvviz.scene.kernels.figure import colour
from kvviz.units import MiB, change, size

Result = dict[str, Any]
Row = dict[str, Any]
LEGEND: Final = '<i class="bar"></i> measured <i class="mark"></i> predicted'


def rows(result: Result) -> dict[str, Row]:
    """Return the results on the page by kernel."""
    return {row["name"]: row for row in result["groups"][0]["rows"]}


def table(result: Result) -> str:
    """Return the numeric table: predicted, measured, difference."""
    heads = ("Kernel", "Peak memory", "predicted", "off by", "Time", "predicted", "off by")
    found = rows(result)
    base = found.get("Standard")
    lines = [_line(row, base) for row in found.values()]
    cells = "".join(f"<th>{head}</th>" for head in (*heads, "Error", "Memory vs. standard"))
    return f'<table class="figures"><tr>{cells}</tr>{"".join(lines)}</table>'


def _line(row: Row, base: Row | None) -> str:
    against = "not run"
    if base is row:
        against = "baseline"
    elif base:
        against = f"<b>{signed(row['peak_bytes'] / base['peak_bytes'] - 1)}</b>"
    cells = (
        f'<i class="dot" style="background: var({colour(row["name"])})"></i>{row["name"]}',
        f"<b>{row['peak_bytes'] / MiB:,.2f} MiB</b>",
        known(row["predicted_bytes"], lambda count: f"{count / MiB:,.2f} MiB"),
        known(row["bytes_difference"], lambda part: signed(part, 2)),
        f"<b>{duration(row['seconds_minimum'])}</b>",
        known(row["predicted_seconds"], duration),
        known(row["seconds_difference"], signed),
        known(row["error"], "{:.1e}".format),
        against,
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def method(result: Result, recorded: bool) -> str:
    """Return how the results were measured and from which rates they were predicted."""
    found = list(rows(result).values())
    repeats = sorted({row["repeats"] for row in found})
    runs = f"{repeats[0]}" if len(repeats) == 1 else f"{repeats[0]} to {repeats[-1]}"
    seen = found[0]["peak_method"]
    said = f"<p>{_problem(result['request'])}: best of {runs} runs. "
    said += f"Peak memory above the inputs, by {seen}.</p>"
    where = "Recorded on" if recorded else "Measured on"
    made = f", with {escape(words)}" if (words := set_in(result)) else ""
    said += f"<p>{where} {place(result)}, {result['date'][:10]}{made}.</p>"
    return said + "<hr>" + _rates(result["groups"][0]["rates"])


def _problem(asked: dict[str, Any]) -> str:
    heads = _count(asked["heads"], "head")
    return (
        f"n {asked['n']:,}, d {asked['d']}, {heads}, blocks of {asked['block']}, {asked['dtype']}"
    )


def _rates(rates: dict[str, Any]) -> str:
    gemm, read = rates["gemm_flops"] / 1e9, rates["read_bytes_s"] / 1e9
    if not rates["products"]:
        return (
            "<p>Predicted as a lower bound, from rates benchmarked first</p>"
            f"<p><b>{gemm:,.0f} GFLOP/s</b> large matmul<br><b>{read:,.0f} GB/s</b> reads</p>"
        )
    products, scores = rates["products"], rates["scores"]
    return (
        "<p>Predicted from rates benchmarked first</p>"
        f"<p><b>{products['wide'] / 1e9:.0f} GFLOP/s</b> wide products<br>"
        f"<b>{products['tile'] / 1e9:.0f} GFLOP/s</b> in tiles<br>"
        f"<b>{scores['wide'] * 1e9:.2f} and {scores['tile'] * 1e9:.2f} ns</b> per softmax score<br>"
        f"<b>{rates['fresh_bytes_s'] / 1e9:.1f} GB/s</b> into fresh memory</p>"
    )


def place(result: Result) -> str:
    """Return where a result was measured."""
    threads = "" if "cuda" in result else ", one thread" if result["threads"] == 1 else ""
    library = "torch" if result.get("request", {}).get("device") in ("torch", "cuda") else "numpy"
    return f"{escape(result['device'])}{threads}, {library} {result[library]}"


def discussion(result: Result) -> str:
    """Return what the results mean, with their own numbers."""
    found, asked = rows(result), result["request"]
    said = [
        f"The scores of {_count(asked['heads'], 'head')} and {asked['n']:,} tokens are "
        f"{size(asked['heads'] * asked['n'] ** 2 * ITEM[asked['dtype']])}. Standard attention "
        "holds them all at once, attention by blocks of queries one row of blocks, and flash tiles "
        f"one tile. Peak memory above the output was {_above(found)}."
    ]
    if {"Standard", "Flash tiles"} <= set(found):
        said.append(_against(found["Standard"], found["Flash tiles"]))
    if {"Paged", "Flash tiles"} <= set(found):
        said.append(_blocks(found["Paged"], found["Flash tiles"]))
    said.append(_older())
    return "<h3>What this says</h3>" + "".join(f"<p>{line}</p>" for line in said)


def _above(found: dict[str, Row]) -> str:
    told = (f"{size(_held(row))} for {name}" for name, row in found.items())
    return ", ".join(told)


def _held(row: Row) -> int:
    return max(int(row["peak_bytes"] - row["output_bytes"]), 0)


def _against(standard: Row, flash: Row) -> str:
    ratio, products = (flash[key] / standard[key] for key in ("seconds_minimum", "flops"))
    said = f"Flash tiles take {ratio:.2f} × the time of standard attention here"
    if products < 1:
        said += f", with {products:.2f} × the multiplications: fully masked tiles are skipped"
    if ratio < 1:
        return f"{said}. Scores that stay in cache are not read from memory again."
    return f"{said}. Standard has fewer steps, which pays off while its scores fit in cache."


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}" + "s" * (number != 1)


def _blocks(paged: Row, flash: Row) -> str:
    ratio = paged["seconds_minimum"] / flash["seconds_minimum"]
    return (
        f"Blocks of queries need no online softmax; they take {ratio:.2f} × the time of flash "
        "tiles. Their row of scores grows with n, a tile does not."
    )


def _older() -> str:
    """Return what an older report's "paged" attention got wrong, from the recorded repetition."""
    report = next((r for r in recordings() if r["preset"] == "report"), None)
    notes = [note for group in report["groups"] for note in group["notes"]] if report else []
    return " ".join(["An older report, measured again.", *map(escape, notes)]) if notes else ""


def downloads(result: Result) -> str:
    """Return links that save the results: all of them as JSON, the figures as CSV."""
    found = rows(result).values()
    text = io.StringIO()
    names = [name for name in next(iter(found)) if name != "load"]
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(found)
    files = {
        "kernels.json": ("application/json", json.dumps(result)),
        "kernels.csv": ("text/csv", text.getvalue()),
    }
    links = (
        f'<a download="{name}" href="data:{kind};base64,{b64encode(content.encode()).decode()}">'
        f"Save {name}</a>"
        for name, (kind, content) in files.items()
    )
    return f'<div class="downloads">{"".join(links)}</div>'


def signed(part: float, digits: int = 1) -> str:
    """Spell a share with its sign as HTML, as in ``−11.6%``."""
    return escape(change(part, digits).replace("-", "−"))


def known(value: Any, spelled: Any) -> str:
    """Spell a figure that not every kernel has."""
    return "unknown" if value is None else str(spelled(value))
