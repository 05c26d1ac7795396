"""Play, pause and speed of whatever plays on a page."""

from kvviz.pages.kit.components import Component, scripts


class Transport(Component):
    """Play, pause and speed; on a phone the context too."""

    _esm = scripts("kit/js/live.js", "kit/js/playhead.js", "kit/js/transport.js", "kit/js/dock.js")
