"""The command line: estimates, catalogs, kernels, and the servers of the pages and of the API."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from kvviz._version import __version__
from kvviz.accuracy.rows import FactsError
from kvviz.accuracy.startup_log import LogError
from kvviz.catalog.models.config import ConfigError
from kvviz.catalog.names import UnknownName
from kvviz.cli.api import api
from kvviz.cli.catalogs import show_gpus, show_models
from kvviz.cli.estimate import show_estimate
from kvviz.cli.explain import show_explanation
from kvviz.cli.kernels import measure_kernels
from kvviz.cli.serve import serve
from kvviz.cli.simulate import show_simulation
from kvviz.cli.sweep import run_sweep
from kvviz.cli.validate import show_validation
from kvviz.settings.scenario import ScenarioError

__all__ = ["app", "main"]

BAD_INPUT = 2

app = typer.Typer(
    name="kvviz", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.command("estimate")(show_estimate)
app.command("models")(show_models)
app.command("gpus")(show_gpus)
app.command("simulate")(show_simulation)
app.command("kernels")(measure_kernels)
app.command("sweep")(run_sweep)
app.command("serve")(serve)
app.command("api")(api)
app.command("validate")(show_validation)
app.command("explain")(show_explanation)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="show the version")] = False,
) -> None:
    """Where every byte of a GPU's memory goes when a large language model runs."""
    if version:
        typer.echo(f"kvviz {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit: with 2 and one sentence on stderr where the input is bad."""
    command = typer.main.get_command(app)
    try:
        status = command.main(arguments, prog_name="kvviz", standalone_mode=False)
    except typer.TyperException as error:
        _refuse(error.format_message())
    except (ConfigError, FactsError, LogError, ScenarioError, UnknownName) as error:
        _refuse(str(error))
    except typer.Abort:
        sys.exit(130)  # what shells expect after an interrupt
    sys.exit(status)


def _refuse(message: str) -> None:
    sentence = " ".join(message.split()).removesuffix(".")
    print(f"kvviz: {sentence}.", file=sys.stderr)
    sys.exit(BAD_INPUT)
