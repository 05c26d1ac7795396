"""The command that compares predictions with tables of logged and published facts."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from kvviz.accuracy.comparison import Comparison, Quantity
from kvviz.accuracy.validation import Summary, answer, by_quantity, validate
from kvviz.units import GiB, change, share


def show_validation(
    logs: Annotated[
        Path | None, typer.Option(metavar="CSV", help="table of engine start-up logs")
    ] = None,
    params: Annotated[
        Path | None, typer.Option(metavar="CSV", help="table of parameter counts")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="CSV", help="table of checkpoint sizes")
    ] = None,
    throughput: Annotated[
        Path | None, typer.Option(metavar="CSV", help="table of published throughputs")
    ] = None,
    configs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="folder of more configs, named org__model.json"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print exact figures as JSON")] = False,
) -> None:
    """Compare predictions with engine logs, checkpoints and published rates, row by row."""
    found = validate(
        logs=logs, params=params, weights=weights, throughputs=throughput, configs=configs
    )
    if as_json:
        typer.echo(json.dumps(answer(found), indent=2))
        return
    _show(by_quantity(found))


def _show(summaries: dict[Quantity, Summary]) -> None:
    from rich.table import Table  # not needed for JSON, and a third of the start

    from kvviz.cli.terminal import show

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("Quantity", "Rows", "Skipped", "Median", "Worst", "≤ 0.5%", "≤ 2%", "≤ 10%"):
        table.add_column(heading, justify="left" if heading == "Quantity" else "right")
    for name, found in summaries.items():
        shares = [_percent(part, 1) for part in found.within.values()]
        cells = (_percent(found.median, 2), _percent(found.worst, 1), *shares)
        table.add_row(name, str(found.rows), str(len(found.skipped)), *cells)
    show(table, "Predicted against logged and published")
    for name, found in summaries.items():
        _show_misses(name, found)
    _show_skipped(summaries)


def _percent(part: float | None, digits: int) -> str:
    return "" if part is None else share(part, digits)


def _show_misses(name: Quantity, found: Summary) -> None:
    from rich.table import Table

    from kvviz.cli.terminal import show

    if not found.misses:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("Row", "Model", "Predicted", "Actual", "Error", "Likely reason"):
        right = heading in ("Predicted", "Actual", "Error")
        table.add_column(heading, justify="right" if right else "left")
    for item in found.misses:
        pair = [spelled(name, value) for value in (item.predicted, item.logged)]
        table.add_row(item.row, item.model, *pair, change(item.error), item.reason)
    typer.echo("")
    show(table, f"{name}: errors above 2 %")


def spelled(quantity: Quantity, value: float | None) -> str:
    """Spell a figure of a quantity with its unit."""
    if value is None:
        return ""
    if quantity == "kv_bytes_per_token":
        return f"{value:,.0f} B"
    if quantity in ("weights", "kv_budget"):
        return f"{value / GiB:,.2f} GiB"
    return f"{value:,.0f}"


def _show_skipped(summaries: dict[Quantity, Summary]) -> None:
    typer.echo("\nNot compared")
    for name, found in summaries.items():
        for reason, rows in _reasons(found.skipped).items():
            typer.echo(f"  {name}: {rows} × {reason}")


def _reasons(skipped: tuple[Comparison, ...]) -> dict[str, int]:
    return dict(Counter(item.reason for item in skipped).most_common())
