"""The command that serves the REST API."""

import re
from typing import Annotated, Final

import typer

from kvviz.cli.ports import check_free

ORIGIN: Final = re.compile(r"https?://[^\s/?#@]+", re.IGNORECASE)


def _origin(text: str) -> str:
    """Return a web origin as browsers spell it."""
    if not ORIGIN.fullmatch(text):
        raise typer.BadParameter(f"got {text!r}, expected an origin such as http://localhost:5006")
    return text.lower()


def api(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="port")] = 8000,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            parser=_origin,
            help="origin whose pages may call the API, such as http://localhost:5006; repeatable",
        ),
    ] = None,
) -> None:
    """Serve the REST API; its documentation is at /docs."""
    try:
        import uvicorn

        from kvviz.api.app import create_app
    except ImportError as error:
        raise typer.TyperException(
            f"the API needs {error.name}: pip install 'kvviz[api]'"
        ) from None
    check_free(host, port)
    typer.echo(
        f"The API is at http://{host}:{port}, its documentation at http://{host}:{port}/docs"
    )
    uvicorn.run(create_app(cors_origin or ()), host=host, port=port, log_level="warning")
