"""Measure the kernels: ``python -m kvviz.kernels --preset prefill``, with NumPy alone or torch."""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from kvviz.kernels.measuring.compare import Request, compare
from kvviz.kernels.measuring.plot import check_file, check_plot, draw_png
from kvviz.kernels.measuring.presets import DEVICES, NAMES, runs
from kvviz.kernels.measuring.provenance import THREADS
from kvviz.kernels.measuring.table import listing, text

BAD_INPUT: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a preset in a process with as many threads as asked for; return the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(given)
    if options.list:
        print(listing())
        return 0
    wanted = dict.fromkeys(THREADS, str(options.threads)) | {"KINETO_LOG_LEVEL": "5"}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        # The libraries read the number of threads when they are loaded, which is past.
        program = [sys.executable, "-m", "kvviz.kernels", *given]
        os.execve(sys.executable, program, os.environ | wanted)
    words = ("--preset", options.preset, "--device", options.device)
    command = " ".join(["kvviz", "kernels", *words, "--threads", str(options.threads)])
    try:
        if options.plot:
            check_plot(options.plot, options.preset)
        for option, path in (("--out", options.out), ("--plot", options.plot)):
            if path:
                check_file(option, path)
        for result in _results(options, command):
            _keep(result, options)
    except ValueError as error:
        print(f"kvviz: {error}.", file=sys.stderr)
        return BAD_INPUT
    if options.plot:
        draw_png(result, options.plot)
    print(json.dumps(result, indent=1) if options.json else text(result))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser("python -m kvviz.kernels", description=__doc__)
    made.add_argument("--preset", choices=NAMES, default="report")
    made.add_argument(
        "--list", action="store_true", help="list the kernels and the presets that measure them"
    )
    made.add_argument("--device", choices=DEVICES, default="cpu")
    made.add_argument(
        "--threads", type=int, default=1, help="CPU threads; with one, timings are steadiest"
    )
    made.add_argument("--json", action="store_true", help="print all figures as JSON")
    made.add_argument(
        "--out",
        type=Path,
        help="write the JSON to this file (default for all: assets/measured/<device>.json)",
    )
    made.add_argument("--plot", type=Path, help="draw the report or page preset as .png")
    return made


def _results(options: argparse.Namespace, command: str) -> Iterator[dict[str, Any]]:
    """Yield what there is of a run, at last all."""
    if options.preset == "page":
        yield compare(Request(), _tell, command)
    else:
        yield from runs(options.preset, options.device, command, _tell)


def _tell(doing: str, share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{share:4.0%} {doing}", end="" if share < 1 else "\r\033[K", file=sys.stderr)


def _keep(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Write what there is, so that a run that is cut short keeps it."""
    if path := options.out or (options.preset == "all" and place(result)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n")


def place(result: dict[str, Any]) -> Path:
    """Return the file of a device's recording, such as ``assets/measured/nvidia-h200.json``."""
    name = re.sub(r"[^a-z0-9]+", "-", result["device"].casefold())
    return Path("assets/measured") / f"{name.strip('-')}.json"


if __name__ == "__main__":
    sys.exit(main())
