"""The command that serves the pages through Panel's own server."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Annotated

import typer

from kvviz.cli.ports import check_free

INDEX = "hbm"


def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="port, 0 for any free one")] = 5006,
    address: Annotated[str, typer.Option(help="address to listen on")] = "localhost",
    allow_websocket_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST[:PORT]", help="host that browsers may come from, repeatable"),
    ] = None,
    num_procs: Annotated[int, typer.Option(min=1, max=1024, help="server processes")] = 1,
    show: Annotated[bool, typer.Option(help="open a browser")] = False,
) -> None:
    """Serve the pages; the root shows the HBM page."""
    check_free(address, port)
    from panel.command import Serve  # Panel and Bokeh load only when pages are served

    parser = ArgumentParser(prog="kvviz serve")
    command = Serve(parser=parser)
    arguments = [*map(str, page_scripts()), "--index", INDEX, "--port", str(port)]
    arguments += ["--address", address, "--num-procs", str(num_procs)]
    for origin in allow_websocket_origin or ():
        arguments += ["--allow-websocket-origin", origin]
    command.invoke(parser.parse_args([*arguments, "--show"] if show else arguments))


def page_scripts() -> list[Path]:
    """Return the pages' scripts: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = sorted((package / "apps").glob("*.py"))
    return installed or sorted((package.parent / "apps").glob("*.py"))
