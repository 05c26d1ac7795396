"""The benchmark's command line: ``python -m bench [--quick] [--out FILE]``."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.browser import chromium
from bench.controls import answers
from bench.effort import FULL, QUICK
from bench.frames import frames
from bench.grid import grid
from bench.opening import opening
from bench.provenance import provenance
from bench.server import server
from bench.serving import GROWTH, REPLAY, growth, replay
from bench.site import COMPARED, PRODUCT, serving
from bench.table import table
from bench.targets import Results, targets
from bench.traffic import traffic

TITLES = {
    "grid": "Estimates of the full grid",
    "frames": "Frames that repaint at least 1 % of the pages",
    "answers": "From a change to the frame that shows it",
    "traffic": "Websocket",
    "opening": "Opening in a cold browser",
    "server": "Server, viewers playing",
    "replay": REPLAY,
    "growth": GROWTH,
}


def measure(quick: bool) -> tuple[dict[str, object], Results]:
    """Return where it was measured, and every measurement's rows; print each as it is done."""
    effort = QUICK if quick else FULL
    results: Results = {"grid": grid(effort)}
    _tell("grid", results)
    with chromium() as browser:
        where = provenance(browser.version)
        with serving([*PRODUCT, *COMPARED]) as site:
            for work in (frames, answers, traffic, opening):
                results[work.__name__] = work(browser, site, effort)
                _tell(work.__name__, results)
        results["server"] = server(browser, effort)
        _tell("server", results)
    for simulate in (replay, growth):
        results[simulate.__name__] = simulate(effort)
        _tell(simulate.__name__, results)
    where["load_after"] = [round(load, 2) for load in os.getloadavg()]
    return where, results


def _tell(name: str, results: Results) -> None:
    print(table(TITLES[name], results[name]), flush=True)


def main(
    quick: Annotated[bool, typer.Option(help="small and short: orders of magnitude")] = False,
    out: Annotated[Path, typer.Option(help="JSON file to write")] = Path("bench-results.json"),
) -> None:
    """Measure how fast the pages are; print tables and write them with their provenance."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers and browsers end too
    where, results = measure(quick)
    reached = targets(results)
    print(table("Targets", reached))
    for fact, value in where.items():
        print(f"{fact:12}{value}")
    record = {"provenance": where, "targets": reached, **results}
    out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
