"""The command that measures the kernels, in a process of its own."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from kvviz.kernels.measuring.plot import PLOTTED, check_file
from kvviz.kernels.measuring.presets import NAMES
from kvviz.kernels.measuring.table import listing


def measure_kernels(
    preset: Annotated[
        str, typer.Option(metavar="|".join(NAMES), help="what to measure")
    ] = "report",
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="device to run on")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="print all figures as JSON")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="list the kernels and the presets that measure them")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="write the JSON to this file")] = None,
    plot: Annotated[Path | None, typer.Option(help="draw the four plots as .png or .html")] = None,
) -> None:
    """Run attention kernels and compare measured time and peak memory with predictions."""
    if listed:
        typer.echo(listing())
        return
    words = ["--preset", preset, "--device", device, "--threads", str(threads)]
    words += ["--json"] if as_json else []
    if plot is None or plot.suffix != ".html":
        _run([*words, *_path("--out", out), *_path("--plot", plot)])
        return
    if preset not in PLOTTED:
        raise typer.BadParameter(f"preset {preset!r} has no plots", param_hint="'--plot'")
    try:
        check_file("--plot", plot)  # before the run, which would be lost
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with TemporaryDirectory() as folder:
        result = out or Path(folder) / "result.json"
        _run([*words, *_path("--out", result)])
        # What draws lies above the command line, so it is a program of its own.
        _program("kvviz.scene.kernels.report", [str(result), str(plot)])


def _run(words: list[str]) -> None:
    # A fresh process, so that threads can be chosen and nothing else holds memory.
    _program("kvviz.kernels", words)


def _program(module: str, words: list[str]) -> None:
    status = subprocess.run([sys.executable, "-m", module, *words]).returncode
    if status:
        raise typer.Exit(status)


def _path(flag: str, path: Path | None) -> list[str]:
    return [] if path is None else [flag, str(path)]
