"""What is wrong with a request, as one sentence with the status that fits."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from kvviz.catalog.models.config import MAX_BYTES, ConfigError
from kvviz.catalog.names import UnknownName
from kvviz.settings.scenario import ScenarioError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY: Final = MAX_BYTES + 100_000  # a config of the largest size, and the settings around it


class Problem(BaseModel):
    """What was wrong, where, and what was expected."""

    detail: str = Field(description="one sentence")


class TooLarge(ValueError):  # noqa: N818 - it reads as what happened
    """An answer that would be too large."""


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "The body cannot be read."},
    404: {
        "model": Problem,
        "description": "The name is not in the catalog; the nearest names are given.",
    },
    413: {"model": Problem, "description": "The body, or its answer, would be too large."},
    422: {"model": Problem, "description": "A value is not valid for its field."},
}
"""The answers of an endpoint besides its good one."""

STATUS: Final[dict[type[Exception], int]] = {
    UnknownName: 404,
    TooLarge: 413,
    ConfigError: 422,
    ScenarioError: 422,
}


def name_problems(app: FastAPI) -> None:
    """Let `app` answer every error that a request can cause with one sentence."""
    for error, status in STATUS.items():
        app.add_exception_handler(error, _answer(status))
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(400, _unreadable)


def _answer(status: int) -> Callable[[Request, Exception], JSONResponse]:
    def answer(_request: Request, error: Exception) -> JSONResponse:
        return refusal(status, str(error))

    return answer


def refusal(status: int, sentence: str) -> JSONResponse:
    """Return the answer that says what is wrong."""
    return JSONResponse({"detail": sentence.removesuffix(".") + "."}, status)


def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Name the first field that is wrong."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return refusal(422, f"the body is not JSON: {first['ctx']['error']}")
    if first["type"].startswith("model_") and len(first["loc"]) == 1:
        return refusal(422, "the body: expected a JSON object, sent as application/json")
    where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return refusal(422, f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}")


def _unreadable(_request: Request, _error: Exception) -> JSONResponse:
    return refusal(400, "the body cannot be read: expected JSON in UTF-8, not nested too deep")


class BodyLimit:
    """Middleware that refuses a body as soon as more than `MAX_BODY` bytes of it are known."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Hand the request on, its body counted as it comes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = await _whole(receive, _announced(scope))
        if body is None:
            too_large = refusal(413, f"the body is larger than {MAX_BODY:,} bytes, the limit")
            await too_large(scope, receive, send)
            return
        await self.app(scope, _again(body, receive), send)


def _announced(scope: Message) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


async def _whole(receive: Receive, announced: int) -> bytes | None:
    """Return the body, or None where it is too large; no more than the limit is kept."""
    if announced > MAX_BODY:
        return None
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a channel that says the whole body once, and then what else comes."""
    said = False

    async def once() -> Message:
        nonlocal said
        if said:
            return await receive()
        said = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once
