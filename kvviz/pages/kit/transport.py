"""Play, pause and speed of whatever plays on a page."""

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked


class Transport(Component):
    """Play, pause and speed; on a phone the context too."""

    _esm = linked("kit/js/dock.js")
