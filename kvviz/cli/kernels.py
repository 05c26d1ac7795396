"""The command that measures the kernels, in a process of its own."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

PRESETS = "report|prefill|decode|memory|quant"


def measure_kernels(
    preset: Annotated[str, typer.Option(metavar=PRESETS, help="which shapes")] = "report",
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="where")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="of the CPU")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="all figures as JSON")] = False,
    out: Annotated[Path | None, typer.Option(help="write the JSON to this file")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="draw the report's four plots as .png or .html")
    ] = None,
) -> None:
    """Run attention kernels: time and peak memory, predicted and measured."""
    words = ["--preset", preset, "--device", device, "--threads", str(threads)]
    words += ["--json"] if as_json else []
    for flag, path in (("--out", out), ("--plot", plot)):
        words += [flag, str(path)] if path else []
    # A fresh process, so that threads can be chosen and nothing else holds memory.
    raise typer.Exit(subprocess.run([sys.executable, "-m", "kvviz.kernels", *words]).returncode)
