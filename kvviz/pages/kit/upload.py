"""A visitor's own ``config.json``: where to drop it, and the model it describes."""

from typing import Final

import param

from kvviz.catalog.models.config import MAX_BYTES, model_from_config, read_config
from kvviz.catalog.models.model import Model
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked

UPLOAD_NAME: Final = "your config.json"
MOST_SENT: Final = MAX_BYTES + 1  # bytes of a file: one more than is read, to see that it is longer


class Upload(Component):
    """A place to drop a ``config.json``; its bytes arrive as a message."""

    limit = param.Integer(MOST_SENT, doc="bytes sent at most")

    _esm = linked("kit/js/drop.js")


def uploaded(content: bytes | str, name: str = UPLOAD_NAME) -> Model:
    """Return the model of a visitor's own ``config.json``; raises `ConfigError` for a bad one."""
    return model_from_config(read_config(content), name, "uploaded")
