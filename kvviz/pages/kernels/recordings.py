"""The shipped recordings: where each was made, and what it measured and predicted."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

from kvviz.catalog.measured.recordings import Recording, recordings
from kvviz.kernels.measuring.provenance import set_in
from kvviz.kernels.measuring.table import duration
from kvviz.pages.kernels.texts import known, signed
from kvviz.units import MiB

COLUMNS: Final[Mapping[str, tuple[str, str, Callable[[Any], str]]]] = {
    "seconds_minimum": ("Best time", "b", duration),
    "predicted_seconds": ("predicted", "span", duration),
    "seconds_difference": ("off by", "span", signed),
    "peak_bytes": ("Peak memory", "b", lambda count: f"{count / MiB:,.2f} MiB"),
    "predicted_bytes": ("predicted", "span", lambda count: f"{count / MiB:,.2f} MiB"),
    "peak_multiple": ("score matrices", "b", "{:.2f}".format),
    "error": ("Error", "span", "{:.1e}".format),
}  # by what a row of a recording calls it: heading, element, spelling
VERSIONS: Final = ("driver", "cuda", "cudnn", "python", "numpy", "torch", "triton")


def recorded() -> str:
    """Return every recording as a line that expands to its figures, the newest first."""
    return "<h3>Recordings</h3>" + "".join(map(_recording, recordings()))


def _recording(found: Recording) -> str:
    parts = "".join(map(_group, found.facts.get("groups", ())))
    return f"""<details class="recording"><summary><b>{escape(found.name)}</b>
      <span>{escape(found.device)}</span><span>{found.date[:10]}</span>
      <code>{escape(found.command)}</code></summary>
      <p>{escape(_machine(found))}.</p>{parts}</details>"""


def _machine(found: Recording) -> str:
    facts = found.facts
    threads = f", {facts['threads']} of {facts['cores']} threads" if facts.get("threads") else ""
    where = f"{found.device}, {facts['memory']}" if "memory" in facts else found.device + threads
    if load := facts.get("load"):
        where += f", load {load[0]:.1f} at the start"
    versions = [f"{name} {facts[name]}" for name in VERSIONS if facts.get(name)]
    return "; ".join(filter(None, (where, ", ".join(versions), set_in(facts))))


def _group(group: dict[str, Any]) -> str:
    rows = group["rows"]
    shown = [name for name in COLUMNS if any(row.get(name) is not None for row in rows)]
    heads = "".join(f"<th>{head}</th>" for head in ("Kernel", *(COLUMNS[n][0] for n in shown)))
    lines = "".join(_line(row, shown) for row in rows)
    notes = "".join(f"<p>{escape(note)}</p>" for note in group["notes"])
    rates = _rates(group["rates"]) if group["rates"] else ""
    return (
        f"<h4>{escape(group['title'])}</h4>{rates}"
        f'<div class="table"><table class="figures"><tr>{heads}</tr>{lines}</table></div>{notes}'
    )


def _rates(rates: dict[str, Any]) -> str:
    """Say what times were predicted from: the machine's own rates, measured in the same run."""
    rows = {
        "copy": f"{rates['copy_bytes_s'] / 1e9:,.1f} GB/s",
        "read": f"{rates['read_bytes_s'] / 1e9:,.1f} GB/s",
        "matmul": f"{rates['gemm_flops'] / 1e9:,.0f} GFLOP/s",
    }
    said = ", ".join(f"{what} {rate}" for what, rate in rows.items())
    bound = "" if rates["products"] else ", as lower bounds"
    return f"<p>Times are predicted from rates measured in the same run{bound}: {said}.</p>"


def _line(row: dict[str, Any], shown: list[str]) -> str:
    cells = (
        f"<td><{element}>{known(row.get(name), spelled)}</{element}></td>"
        for name in shown
        for _, element, spelled in [COLUMNS[name]]
    )
    return f"<tr><td>{escape(row['name'])}</td>{''.join(cells)}</tr>"
