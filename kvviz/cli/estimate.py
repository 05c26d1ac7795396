"""The command that estimates one scenario's memory, as a table or as JSON."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from kvviz.catalog.models.config import ConfigError, model_from_config, read_config
from kvviz.catalog.models.model import Model
from kvviz.cli.knobs import is_given, with_knobs
from kvviz.memory import estimate
from kvviz.memory.answer import answer
from kvviz.settings.scenario import Scenario


@with_knobs
def show_estimate(
    *,
    invocation: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="read the model from this config.json; MODEL is only its label"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print exact integers as JSON")] = False,
    **settings: Any,
) -> None:
    """Estimate MODEL's memory: weights, KV cache, attention scores, and the GPUs needed."""
    own = {} if config is None else {settings["model"]: _model(config, settings["model"])}
    if not is_given(invocation, "context"):
        del settings["context"]
    scenario = Scenario(own_models=own, **settings)
    report = estimate(scenario)
    if as_json:
        typer.echo(json.dumps(answer(scenario, report), indent=2))
        return
    # Rich takes a third of the start, and JSON needs none of it.
    from kvviz.cli.table import heading, remarks, report_table
    from kvviz.cli.terminal import show

    show(report_table(scenario, report), heading(scenario), remarks(scenario, report))


def _model(path: Path, label: str) -> Model:
    try:
        return model_from_config(read_config(path), label, str(path))
    except OSError as error:
        reason = f"cannot read {str(path)!r}: {error.strerror}"
    except ConfigError as error:
        reason = str(error)
    raise typer.BadParameter(reason, param_hint="'--config'")
