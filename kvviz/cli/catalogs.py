"""The commands that list the catalogs, as tables or as JSON."""

import json
from typing import Annotated, Any

import typer

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import gpus
from kvviz.catalog.models.shipped import models
from kvviz.memory.listing import gpu_row, model_row
from kvviz.units import size

AsJson = Annotated[bool, typer.Option("--json", help="print exact figures as JSON")]

GPU_COLUMNS: dict[str, tuple[str, str]] = {
    "reported_mib": ("Memory", "MiB"),
    "memory_type": ("Type", ""),
    "bandwidth_gb_s": ("Bandwidth", "GB/s"),
    "active_sites": ("Sites", ""),
    "fp16_tflops": ("16-bit", "TFLOP/s"),
    "fp8_tflops": ("fp8", "TFLOP/s"),
    "fp32_tflops": ("fp32", "TFLOP/s"),
    "tdp_w": ("TDP", "W"),
}
"""Fields of a GPU in the table, with their heading and unit."""


def show_models(as_json: AsJson = False) -> None:
    """List the models in the catalog."""
    rows = [model_row(model) for model in models()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    headings = ("Model", "Family", "Parameters", "Active", "KV per token", "Max context", "Source")
    cells = [_model_cells(row) for row in rows]
    _show(headings, cells, right={"Parameters", "Active", "KV per token", "Max context"})


def show_gpus(as_json: AsJson = False) -> None:
    """List the GPUs in the catalog; a ? marks a figure that its source does not confirm."""
    if as_json:
        typer.echo(json.dumps([gpu_row(gpu) for gpu in gpus()], indent=2))
        return
    headings = [f"{title} {unit}".strip() for title, unit in GPU_COLUMNS.values()]
    cells = [[gpu.name, *(_gpu_cell(gpu, field) for field in GPU_COLUMNS)] for gpu in gpus()]
    _show(("GPU", *headings), cells, right=set(headings) - {"Type"})


def _model_cells(row: dict[str, Any]) -> list[str]:
    return [
        row["name"],
        row["family"],
        _billions(row["parameters"]),
        _billions(row["active_parameters"]),
        size(row["kv_bytes_per_token"]),
        f"{row['max_context']:,}",
        row["source"],
    ]


def _billions(count: int) -> str:
    return f"{count / 1e9:,.2f} B"


def _gpu_cell(gpu: Gpu, field: str) -> str:
    value = getattr(gpu, field)
    text = "" if value is None else value if isinstance(value, str) else f"{value:,g}"
    return text + " ?" if field in gpu.unverified else text


def _show(headings: tuple[str, ...], rows: list[list[str]], right: set[str]) -> None:
    from rich.table import Table  # not needed for JSON, and a third of the start

    from kvviz.cli.terminal import show

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in right else "left",
            no_wrap=heading != "Source",  # the only column that a narrow terminal shortens
        )
    for row in rows:
        table.add_row(*row)
    show(table)
