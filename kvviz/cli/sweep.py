"""The command that simulates a grid of models, GPUs, policies and rates into one table."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from kvviz.catalog.names import find_named
from kvviz.catalog.published.workloads import CONVERSATION, TRAFFIC
from kvviz.cli.knobs import Command, option, with_parameters
from kvviz.cli.simulate import own_engine
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import HARDWARE, Serving, serving_knobs
from kvviz.sim.policies import policies
from kvviz.sim.sweep import (
    Grid,
    Requests,
    SweepError,
    check_name,
    dask_cluster,
    local_processes,
    sweep,
    write_table,
)
from kvviz.sim.workload.synthetic import DEFAULT_REQUESTS
from kvviz.sim.workload.traces import TraceError

MODEL: Final = Scenario.param.model.default
GPU: Final = Scenario.param.gpu.default
POLICY: Final = Serving.param.policy.default
AXES: Final = ("model", "gpu", "policy")
SHARED: Final = tuple(name for name in HARDWARE if name not in AXES)
ALIKE: Final = tuple(name for name in serving_knobs() if name not in AXES)


def _with_shared_knobs(command: Command) -> Command:
    """Give a command the knobs that are the same in every cell, through its ``**settings``."""
    hardware = [option(name) if name != "mode" else own_engine() for name in SHARED]
    return with_parameters(command, [*hardware, *(option(name, Serving) for name in ALIKE)])


@_with_shared_knobs
def run_sweep(
    *,
    out: Annotated[Path, typer.Option(help="write a row per cell to this CSV or Parquet file")],
    model: Annotated[list[str], typer.Option(help="models, comma-separated or repeated")] = [MODEL],  # noqa: B006
    gpu: Annotated[list[str], typer.Option(help="GPUs, comma-separated or repeated")] = [GPU],  # noqa: B006
    policy: Annotated[
        list[str],
        typer.Option(metavar="|".join(policies()), help="policies, comma-separated or repeated"),
    ] = [POLICY],  # noqa: B006
    rate: Annotated[
        list[str] | None,
        typer.Option(
            help="requests per second, comma-separated or repeated (default: the requests' own)"
        ),
    ] = None,
    traffic: Annotated[
        str, typer.Option(metavar="|".join(TRAFFIC), help="traffic to draw from without a file")
    ] = CONVERSATION.name,
    requests: Annotated[int, typer.Option(min=1, help="requests to draw")] = DEFAULT_REQUESTS,
    seed: Annotated[int, typer.Option(min=0, help="random seed, the same in every cell")] = 0,
    trace: Annotated[Path | None, typer.Option(help="request trace, in any known format")] = None,
    start: Annotated[int, typer.Option(min=0, help="requests of the trace to skip")] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="most requests of the trace to serve")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="processes (default: one per core)")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="run on this Dask scheduler's workers, tcp://HOST:PORT")
    ] = None,
    **settings: Any,
) -> None:
    """Simulate every MODEL, GPU, POLICY and RATE; the same command resumes an interrupted sweep."""
    if jobs and scheduler:
        raise typer.BadParameter("expected --jobs or --scheduler, not both")
    drawn = Requests(find_named(traffic, _traffics(), "traffic"), requests, seed)
    grid = Grid(
        models=_each(model),
        gpus=_each(gpu),
        policies=_each(policy),
        rates=tuple(map(_rate, _each(rate))) if rate else (None,),
        requests=_of_trace(trace, start, limit) if trace else drawn,
        scenario={name: settings[name] for name in SHARED},
        serving={name: settings[name] for name in ALIKE},
    )
    place = dask_cluster(scheduler) if scheduler else local_processes(jobs or os.cpu_count() or 1)
    try:
        check_name(out)
        with _progress(len(grid)) as tell:
            rows = sweep(grid, out.with_name(f"{out.name}.cells.jsonl"), place, tell)
        write_table(rows, out)
    except SweepError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        raise typer.BadParameter(f"{error.filename or out}: {error.strerror}") from None
    reasons = sum(bool(row["reason"]) for row in rows)
    typer.echo(f"{out}: {len(rows):,} cells, {reasons:,} of them cannot run, each with its reason")


def _each(given: list[str]) -> tuple[str, ...]:
    names = [name.strip() for text in given for name in text.split(",")]
    if not all(names):
        raise typer.BadParameter(f"got {','.join(given)!r}, expected comma-separated names")
    return tuple(names)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1e-6 <= rate <= 1e9:
        raise typer.BadParameter(
            f"got {text!r}, expected requests per second from 0.000001 to 1,000,000,000",
            param_hint="'--rate'",
        )
    return rate


def _traffics() -> dict[str, str]:
    return {name: name for name in TRAFFIC}


def _of_trace(path: Path, start: int, limit: int | None) -> Requests:
    try:
        return Requests.of_trace(path, start, limit)
    except (OSError, TraceError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise typer.BadParameter(f"{path}: {reason}") from None


@contextmanager
def _progress(cells: int) -> Iterator[Callable[[int], None]]:
    """Show how many cells are done, on a terminal."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("cells", total=cells)
        yield lambda done: bar.update(task, completed=done)
