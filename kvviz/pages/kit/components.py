"""Browser components: what every page is made of."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from kvviz.catalog.models.config import MAX_BYTES

PAGES = Path(__file__).parents[1]
CSS = (PAGES / "kit" / "kvviz.css").read_text()


class Component(JSComponent):
    """A browser component in the page's look, as wide as its column."""

    sizing_mode = param.Selector(default="stretch_width")

    _esm = "export function render() {}"
    _stylesheets = (CSS,)

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        """Say that the module is plain JavaScript, which the browser need not translate first."""
        name = sha256(self._esm.encode()).hexdigest()
        return super()._get_properties(doc) | {"bundle": name}


def scripts(*names: str) -> str:
    """Return browser modules as one, so that each component carries what it calls.

    Args:
        names: their paths in `kvviz/pages`.
    """
    return "\n".join((PAGES / name).read_text() for name in names)


class LiveCards(Component):
    """Cards of HTML whose numbers follow the playhead, one below the other."""

    cards = param.List(doc="[name, HTML] pairs; the name is the card's CSS class")

    _esm = scripts("kit/js/live.js", "kit/js/cards.js")


class LiveCard(Component):
    """A card of HTML whose numbers follow the playhead."""

    html = param.String()
    css_class = param.String("card")

    _esm = scripts("kit/js/live.js", "kit/js/card.js")


class Knob(Component):
    """One setting as a native input."""

    kind = param.Selector(
        default="slider",
        objects=["slider", "switch", "segment", "select", "pick", "search", "fold"],
    )
    label = param.String()
    value = param.Parameter()
    options = param.List(doc="[value, text] pairs")
    note = param.String(doc="HTML beneath a switch, with live numbers")
    hint = param.String(doc="what the setting is, shown on hover")

    _esm = scripts("kit/js/live.js", "kit/js/knob.js")


class Upload(Component):
    """A place to drop a ``config.json``; its bytes arrive as a message."""

    limit = param.Integer(MAX_BYTES + 1, doc="bytes sent at most: one more than is read")

    _esm = scripts("kit/js/upload.js", "kit/js/drop.js")


class Transport(Component):
    """Play, pause and speed; on a phone the context too."""

    _esm = scripts("kit/js/live.js", "kit/js/playhead.js", "kit/js/transport.js", "kit/js/dock.js")


class Share(Component):
    """A button that copies a link to the page's state, the playhead's context included."""

    query = param.Dict({}, doc="settings that differ from a plain visit's")
    theme = param.String("dark")

    _esm = scripts("kit/js/live.js", "kit/js/share.js")


class ThemeSwitch(Component):
    """A button between dark and light."""

    theme = param.Selector(default="dark", objects=["dark", "light"])

    _esm = scripts("kit/js/live.js", "kit/js/theme.js")
