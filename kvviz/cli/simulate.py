"""The command that simulates serving a trace or a synthetic workload."""

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from kvviz.catalog.names import find_named
from kvviz.catalog.published.workloads import CONVERSATION, TRAFFIC
from kvviz.cli.knobs import Command, is_given, option, with_parameters
from kvviz.settings.knobs import KnobError, read
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import HARDWARE, Serving, serving_knobs
from kvviz.sim.pool import scenario_for
from kvviz.sim.results.outcome import Outcome
from kvviz.sim.simulate import simulate, steps
from kvviz.sim.workload.synthetic import DEFAULT_REQUESTS, synthetic
from kvviz.sim.workload.traces import TraceError, four_characters, read_record, tokenizer
from kvviz.sim.workload.workload import Workload

LONG: Final = 20_000  # requests from which a run shows how far it is


def with_serving_knobs(command: Command) -> Command:
    """Give a command the hardware and serving knobs, through its ``**settings``."""
    hardware = [option(name) if name != "mode" else own_engine() for name in HARDWARE]
    return with_parameters(
        command, [*hardware, *(option(name, Serving) for name in serving_knobs())]
    )


def own_engine() -> inspect.Parameter:
    """Return the option of the engine, by default the policy's own."""
    return option("mode").replace(default=None)


@with_serving_knobs
def show_simulation(
    *,
    context: typer.Context,
    trace: Annotated[Path | None, typer.Option(help="request trace, in any known format")] = None,
    workload: Annotated[
        Path | None, typer.Option(help="scheduler record to take requests and settings from")
    ] = None,
    traffic: Annotated[
        str, typer.Option(metavar="|".join(TRAFFIC), help="traffic to draw from without a file")
    ] = CONVERSATION.name,
    requests: Annotated[int, typer.Option(min=1, help="requests to draw")] = DEFAULT_REQUESTS,
    rate: Annotated[
        float | None,
        typer.Option(min=1e-6, help="requests per second to draw, instead of the traffic's"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="random seed")] = 0,
    start: Annotated[int, typer.Option(min=0, help="requests to skip at the start")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="most requests to serve")] = None,
    all_at_once: Annotated[
        bool, typer.Option("--all-at-once", help="all requests arrive at the start")
    ] = False,
    keep_good: Annotated[
        bool, typer.Option("--keep-good", help="skip rows that cannot be read")
    ] = False,
    count_tokens: Annotated[
        Path | None,
        typer.Option(help="tokenizer.json for traces of text (default: 4 characters per token)"),
    ] = None,
    record: Annotated[Path | None, typer.Option(help="write every step to this JSON file")] = None,
    requests_to: Annotated[
        Path | None, typer.Option(help="write a row per request to this CSV or Parquet file")
    ] = None,
    totals_to: Annotated[
        Path | None, typer.Option(help="write the engine over time to this CSV or Parquet file")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the figures as JSON")] = False,
    **settings: Any,
) -> None:
    """Simulate serving with a real scheduler: queueing, preemptions, latency and throughput."""
    if trace and workload:
        raise typer.BadParameter("expected --trace or --workload, not both")
    if path := trace or workload:
        served, said = _read(path, keep_good, count_tokens)
    else:
        served, said = (
            synthetic(find_named(traffic, TRAFFIC, "traffic"), requests, seed, rate=rate),
            {},
        )
    given = {name for name in settings if is_given(context, name)}
    settings |= {name: value for name, value in _engine(said).items() if name not in given}
    served = served.part(start, limit)
    served = served.at_once() if all_at_once else served
    scenario = scenario_for({name: settings[name] for name in HARDWARE}, settings["policy"])
    serving = Serving(**{name: settings[name] for name in serving_knobs()})
    with _progress(len(served)) as tell:
        outcome = simulate(scenario, serving, served, tell=tell)
    if record:
        _write(record, steps(scenario, serving, served))
    _save(outcome.requests_frame, requests_to)
    _save(outcome.totals_frame, totals_to)
    _show(scenario, outcome, as_json)


def _read(path: Path, keep_good: bool, tokens: Path | None) -> tuple[Workload, dict[str, Any]]:
    count = tokenizer(tokens) if tokens else four_characters
    try:
        served, said = read_record(path, keep_good=keep_good, count_tokens=count)
    except (OSError, TraceError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise typer.BadParameter(f"{path}: {reason}") from None
    for sentence in (*served.notes, *served.left_out):
        typer.echo(f"kvviz: {sentence}", err=True)
    return served, dict(said)


def _engine(said: dict[str, Any]) -> dict[str, Any]:
    """Return a scheduler record's settings as knobs; settings without a knob must be 0."""
    recorded = dict(said.get("settings", {}))
    if "enable_prefix_caching" in recorded:
        recorded["prefix_caching"] = str(recorded.pop("enable_prefix_caching"))
    known = {}
    for name, value in recorded.items():
        if name not in serving_knobs():
            if value:
                raise typer.BadParameter(f"setting {name} of the record is {value}, expected 0")
            continue
        try:
            known[name] = read(name, value, Serving)
        except KnobError as error:
            raise typer.BadParameter(f"setting {name} of the record: {error}") from None
    return known


@contextmanager
def _progress(requests: int) -> Iterator[Callable[[int], None]]:
    """Show how many requests have finished, on a terminal, if there are many."""
    if requests < LONG:
        yield lambda ended: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("requests served", total=requests)
        yield lambda ended: bar.update(task, completed=ended)


def _write(path: Path, done: Iterator[dict[str, Any]]) -> None:
    """Write a record step by step: a long run has more of them than memory."""
    try:
        with path.open("w") as file:
            file.write('{"steps": [')
            for number, step in enumerate(done):
                file.write((", " if number else "") + json.dumps(step))
            file.write("]}")
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None


def _save(frame: Callable[[], Any], path: Path | None) -> None:
    if path is None:
        return
    if path.suffix not in (".csv", ".parquet"):
        raise typer.BadParameter(f"{path}: expected a name that ends in .csv or .parquet")
    try:
        if path.suffix == ".csv":
            frame().to_csv(path, index=False)
        else:
            frame().to_parquet(path, index=False)
    except ImportError:
        raise typer.BadParameter("Parquet needs pyarrow: install kvviz[sweep]") from None
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None


def _show(scenario: Scenario, outcome: Outcome, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(outcome.summary(), indent=2))
        return
    from kvviz.cli.run_table import heading, run_table
    from kvviz.cli.terminal import show

    notes = [*outcome.workload.notes, *outcome.pool.notes]
    show(run_table(outcome), heading(scenario, outcome), notes)
