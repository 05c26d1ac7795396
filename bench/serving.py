"""How fast serving is simulated: ``python -m bench.serving [--quick] [--out FILE]``."""

import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bench.effort import FULL, QUICK, Effort, turns
from bench.provenance import provenance
from bench.simulated import ENGINES
from bench.table import table
from bench.targets import serving_targets

Rows = list[dict[str, Any]]

TRACE: Final = Path(__file__).parents[2] / "shared" / "traces" / "AzureLLMInferenceTrace_conv.csv"
TRACE_REQUESTS: Final = 19_366
SECONDS: Final = 600  # for one simulation
PEERS: Final = (  # the same replay on such a machine: name, iterations a second, requests a second
    ("Vidur, linear regression", 7_600, 918),
    ("BLIS", 10_300, 940),
    ("100 lines of Python, a step at a time", 17_000, None),
)
FASTEST: Final = max(requests for _, _, requests in PEERS if requests)
FITTED_FROM: Final = 10_000  # requests: shorter runs are mostly their own beginning and end
REPLAY: Final = "Replay of an hour of conversations, Llama-3-8B on an A100 (figures by CPU time)"
GROWTH: Final = "Growth with the number of requests, synthetic conversations, totals"


def replay(effort: Effort) -> Rows:
    """Return a row for each engine over the whole trace, and over its start beside the plain one.

    Engines take turns, each time in a process of its own. Where the trace is not beside the
    project, as many requests are drawn from its statistics.
    """
    whole = [(name, TRACE_REQUESTS) for name in ENGINES if name != "plain"]
    runs = [*whole, *((name, effort.plain_requests) for name in ENGINES)]
    took: dict[tuple[str, int], Rows] = {run: [] for run in runs}
    for _ in range(effort.replays):
        for run in runs:
            took[run].append(_simulated(*run, TRACE if TRACE.exists() else None))
    _expect_same_ends(took, effort.plain_requests)
    measured = [_speed(name, times) for (name, _), times in took.items()]
    return [*measured, *map(_peer, PEERS)]


def _simulated(name: str, requests: int, trace: Path | None) -> dict[str, Any]:
    call = [sys.executable, "-m", "bench.simulated", name, str(requests)]
    out = subprocess.check_output([*call, *([str(trace)] if trace else [])], timeout=SECONDS)
    told: dict[str, Any] = json.loads(out)
    return told


def _expect_same_ends(took: dict[tuple[str, int], Rows], requests: int) -> None:
    """Raise where two engines do not serve the same requests to the nanosecond."""
    ends = {name: took[name, requests][0]["end_ns"] for name in ENGINES}
    if len(set(ends.values())) > 1:
        raise ValueError(f"the engines end at different times: {ends}")


def _speed(name: str, times: Rows) -> dict[str, Any]:
    cpu = statistics.median(run["cpu_s"] for run in times)
    first = times[0]
    return {
        "engine": name,
        "workload": "trace" if TRACE.exists() else "synthetic",
        "requests": first["requests"],
        "cpu_s": cpu,
        "cpu_min_s": min(run["cpu_s"] for run in times),
        "wall_s": statistics.median(run["wall_s"] for run in times),
        "requests_s": first["requests"] / cpu,
        "iterations_s": first["steps"] / cpu,
        "sequence_steps_s": first["sequence_steps"] / cpu,
        "times_peer": first["requests"] / cpu / FASTEST,
        "mb": statistics.median(run["mb"] for run in times),
        "changes": first["changes"],
    }


def _peer(peer: tuple[str, int, int | None]) -> dict[str, Any]:
    name, iterations, requests = peer
    known = {"engine": name, "workload": "trace, measured before", "requests": TRACE_REQUESTS}
    speed = {"requests_s": requests, "iterations_s": iterations}
    told = ("cpu_s", "cpu_min_s", "wall_s", "requests_s", "iterations_s", "sequence_steps_s")
    return known | {name: speed.get(name) for name in (*told, "times_peer", "mb", "changes")}


def growth(effort: Effort) -> Rows:
    """Return a row for each number of requests, with time and memory of each request.

    `exponent` is k of (n log n)^k, fitted to all rows up to this one.
    """
    rows: Rows = []
    for requests in effort.growth_requests:
        rounds = turns(effort.replays, effort.growth_seconds, least=1)
        times = [_simulated("totals", requests, None) for _ in rounds]
        cpu = min(run["cpu_s"] for run in times)
        rows.append(
            {
                "requests": requests,
                "cpu_min_s": cpu,
                "wall_min_s": min(run["wall_s"] for run in times),
                "us_a_request": cpu / requests * 1e6,
                "mb": times[0]["mb"],
                "bytes_a_request": times[0]["mb"] * 1e6 / requests,
            }
        )
        rows[-1]["exponent"] = _exponent(rows)
    return rows


def _exponent(rows: Rows) -> float | None:
    known = [row for row in rows if row["requests"] >= FITTED_FROM]
    if len(known) < 2:
        return None
    sizes = [row["requests"] for row in known]
    work = [math.log(size * math.log(size)) for size in sizes]
    return statistics.linear_regression(work, [math.log(row["cpu_min_s"]) for row in known]).slope


def main(
    quick: Annotated[bool, typer.Option(help="small and short: orders of magnitude")] = False,
    out: Annotated[Path | None, typer.Option(help="JSON file to write")] = None,
) -> None:
    """Measure how fast serving is simulated; print tables, and write them where it is said."""
    effort, results = QUICK if quick else FULL, {}
    for title, work in ((REPLAY, replay), (GROWTH, growth)):
        results[work.__name__] = work(effort)
        print(table(title, results[work.__name__]), flush=True)
    reached = serving_targets(results)
    print(table("Targets", reached))
    record = {"provenance": provenance("none"), "targets": reached, **results}
    if out:
        out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
