"""Browser components: what every page is made of."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from kvviz.pages.kit.look import CSS, Look

PAGES = Path(__file__).parents[1]


class Component(Look, JSComponent):
    """A browser component in the page's look, as wide as its column."""

    sizing_mode = param.Selector(default="stretch_width")

    _esm = "export function render() {}"
    _stylesheets: tuple[str, ...] = (CSS,)

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
