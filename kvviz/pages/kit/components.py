"""Browser components: what every page is made of."""

from hashlib import sha256
from typing import Any

import param
from panel.custom import JSComponent

from kvviz.pages.kit.look import CSS, Look


class Component(Look, JSComponent):
    """A browser component in the page's look, as wide as its column."""

    sizing_mode = param.Selector(default="stretch_width")

    _esm = "export function render() {}"
    _stylesheets: tuple[str, ...] = (CSS,)

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        """Mark the module as plain JavaScript, which needs no translation in the browser."""
        name = sha256(self._esm.encode()).hexdigest()
        return super()._get_properties(doc) | {"bundle": name}
