"""A trace of the visitor's own: received in pieces, up to a limit, and read when it is whole."""

from typing import Any

import param

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked
from kvviz.pages.serving.session import MOST_TRACE_BYTES, ServingSession


class TraceUpload(Component):
    """A place to drop a request trace; its bytes arrive as messages, piece by piece."""

    limit = param.Integer(MOST_TRACE_BYTES, doc="bytes sent at most, and one more to see that")
    problem = param.String(doc="what is wrong with the trace, in one sentence")
    partial = param.Boolean(False, doc="whether its other rows could be kept")
    revision = param.Integer(0, doc="moves when a trace has been read, or not")

    _esm = linked("serving/js/trace.js")


class Incoming:
    """Pieces of one file; those of an earlier file are dropped when another begins."""

    def __init__(self) -> None:
        self.name, self.size, self.content = "", 0, bytearray()

    def begin(self, name: str, length: int) -> None:
        """Expect a file."""
        self.name, self.size, self.content = name, length, bytearray()

    def add(self, piece: bytes) -> None:
        """Keep a piece, as far as the limit goes."""
        self.content += piece[: MOST_TRACE_BYTES + 1 - len(self.content)]

    @property
    def too_large(self) -> bool:
        """Whether it has more than may be read."""
        return max(self.size, len(self.content)) > MOST_TRACE_BYTES


def trace_upload(session: ServingSession) -> TraceUpload:
    """Return the place to drop a trace, bound to the session."""
    upload, incoming = TraceUpload(), Incoming()

    def hear(event: Any) -> None:
        told = event.data
        if not isinstance(told, dict):
            incoming.add(bytes(told))
        elif "name" in told:
            incoming.begin(str(told["name"]), int(told["size"]))
        elif "keep" in told:
            session.keep_good()
        else:
            _take(session, incoming)

    def show(_event: Any) -> None:
        upload.param.update(
            problem=session.broken, partial=session.partial, revision=upload.revision + 1
        )

    upload.on_msg(hear)
    session.param.watch(show, "given")
    return upload


def _take(session: ServingSession, incoming: Incoming) -> None:
    if incoming.too_large:
        session.refuse(
            f"{incoming.name} has {incoming.size:,} bytes; expected at most {MOST_TRACE_BYTES:,}."
        )
        return
    session.give(bytes(incoming.content), incoming.name)
