"""Play, pause and speed controls of a page."""

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked


class Transport(Component):
    """Play, pause and speed; on a phone the context too."""

    _esm = linked("kit/js/dock.js")
