"""The application: its endpoints, its documentation, and who may call it from a browser."""

from collections.abc import Sequence
from typing import Literal

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_swagger import patch_fastapi
from pydantic import BaseModel

from kvviz._version import __version__
from kvviz.api import catalogs, memory, simulation
from kvviz.api.problems import BodyLimit, name_problems

ABOUT = """Where every byte of a GPU's memory goes when a large language model runs.

Bytes are exact integers. GiB and MiB are 2^30 and 2^20 bytes; fields of `/compare/memory` whose
names end in `_mb` count MiB. An error is one sentence in `detail`."""


class Health(BaseModel):
    """That the server answers, and what it runs."""

    status: Literal["ok"] = "ok"
    version: str = __version__


def create_app(origins: Sequence[str] = ()) -> FastAPI:
    """Return the API.

    Args:
        origins: web origins, such as ``http://localhost:5006``, whose pages may call it.
    """
    app = FastAPI(
        title="kvviz",
        version=__version__,
        description=ABOUT,
        docs_url=None,  # these two would load their scripts from elsewhere
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.include_router(memory.router)
    app.include_router(simulation.router)
    app.include_router(catalogs.router)
    app.get("/health", tags=["server"])(health)
    name_problems(app)
    # Swagger UI comes with the package; without a validator it asks nobody else.
    patch_fastapi(app, swagger_ui_parameters={"tryItOutEnabled": True, "validatorUrl": None})
    app.add_middleware(BodyLimit)
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_headers=["*"],
                           allow_methods=["GET", "POST"])  # fmt: skip
    return app


def health() -> Health:
    """Say that the server answers."""
    return Health()
