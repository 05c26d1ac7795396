"""The command that serves the pages through Panel's own server."""

from typing import Annotated

import typer

from kvviz.cli.ports import check_free


def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="port, or 0 for any free one")
    ] = 5006,
    address: Annotated[str, typer.Option(help="address to listen on")] = "localhost",
    allow_websocket_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST[:PORT]", help="host whose browsers may connect; repeatable"),
    ] = None,
    num_procs: Annotated[int, typer.Option(min=1, max=1024, help="server processes")] = 1,
    show: Annotated[bool, typer.Option(help="open a browser window")] = False,
) -> None:
    """Serve the pages; the root shows the HBM page."""
    check_free(address, port)
    from kvviz.pages.server import run  # Panel and Bokeh load only when pages are served

    arguments = ["--port", str(port), "--address", address, "--num-procs", str(num_procs)]
    for origin in allow_websocket_origin or ():
        arguments += ["--allow-websocket-origin", origin]
    run([*arguments, "--show"] if show else arguments)
