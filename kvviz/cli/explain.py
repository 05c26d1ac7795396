"""The command that reconciles an engine's start-up log with what is predicted."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from kvviz.accuracy.entries import Entry
from kvviz.accuracy.explain import Explanation, explained
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.startup_log import MAX_BYTES, read_log, read_log_file
from kvviz.catalog.models.config import ConfigError, model_from_config, read_config
from kvviz.engines.logged import LoggedRun
from kvviz.units import change

FACTS = (
    "model",
    "gpu",
    "engine",
    "engine_version",
    "tp",
    "pp",
    "dtype",
    "quantization",
    "kv_dtype",
)


def show_explanation(
    logfile: Annotated[
        Path, typer.Argument(metavar="LOGFILE", help="start-up log, or - for stdin")
    ],
    model: Annotated[str, typer.Option(help="model, if the log does not name it")] = "",
    config: Annotated[
        Path | None, typer.Option(help="config.json of a model that is not in the catalog")
    ] = None,
    gpu: Annotated[str, typer.Option(help="GPU, by catalog name")] = "",
    tp: Annotated[int | None, typer.Option(min=1, help="tensor parallel size")] = None,
    pp: Annotated[int | None, typer.Option(min=1, help="pipeline parallel size")] = None,
    dtype: Annotated[str, typer.Option(help="dtype the model runs in")] = "",
    quantization: Annotated[str, typer.Option(help="quantization of the weights")] = "",
    kv_dtype: Annotated[str, typer.Option(help="dtype of the KV cache")] = "",
    max_model_len: Annotated[
        int | None, typer.Option(min=1, help="longest sequence, in tokens")
    ] = None,
    utilization: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="gpu_memory_utilization")
    ] = None,
    version: Annotated[str, typer.Option(help="engine version")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print exact figures as JSON")] = False,
) -> None:
    """Reconcile a vLLM or SGLang start-up log: each GiB logged, predicted, and why they differ."""
    settings = {
        "model": model or ("config.json" if config else ""),
        "gpu": gpu,
        "tp": tp,
        "pp": pp,
        "dtype": dtype,
        "quantization": quantization,
        "kv_dtype": kv_dtype,
        "max_model_len": max_model_len,
        "gpu_memory_utilization": utilization,
        "engine_version": version,
    }
    given = {name: value for name, value in settings.items() if value not in (None, "")}
    found = explained(_log(logfile), _models(config, str(settings["model"])), given)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
        return
    _show(found)


def _log(path: Path) -> LoggedRun:
    if str(path) == "-":
        return read_log(sys.stdin.read(MAX_BYTES))
    return read_log_file(path)


def _models(config: Path | None, name: str) -> Models:
    if config is None:
        return Models({})
    try:
        return Models({name: model_from_config(read_config(config), name, str(config))})
    except OSError as error:
        reason = f"cannot read {str(config)!r}: {error.strerror}"
    except ConfigError as error:
        reason = str(error)
    raise typer.BadParameter(reason, param_hint="'--config'")


def _plain(found: Explanation) -> dict[str, Any]:
    entries = [{**asdict(entry), "error": entry.error} for entry in found.entries]
    return {
        "facts": dict(found.facts),
        "entries": entries,
        "sums": found.sums,
        "failure": found.failure,
        "notes": list(found.notes),
    }


def _show(found: Explanation) -> None:
    from rich.table import Table  # not needed for JSON, and a third of the start

    from kvviz.cli.terminal import show

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("Figure", "Predicted", "Logged", "Error", "Kind", "How, and the likely reason"):
        right = heading in ("Predicted", "Logged", "Error")
        table.add_column(heading, justify="right" if right else "left")
    for entry in found.entries:
        off = "" if entry.error is None else change(entry.error, 2)
        pair = (spelled(entry, entry.predicted), spelled(entry, entry.logged))
        told = "; ".join(part for part in (entry.how, entry.reason) if part)
        table.add_row(entry.name, *pair, off, entry.kind, told)
    heading = ", ".join(f"{key} {found.facts[key]}" for key in FACTS if found.facts.get(key))
    remarks = [text for text in (found.failure, found.sums, *found.notes) if text]
    show(table, heading, remarks)


def spelled(entry: Entry, value: float | None) -> str:
    """Spell a figure of a log in its unit."""
    if value is None:
        return ""
    units = {"GiB": f"{value:,.2f} GiB", "x": f"{value:,.2f}x"}
    return units.get(entry.unit, f"{value:,.0f}")
