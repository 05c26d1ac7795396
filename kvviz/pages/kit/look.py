"""How parts of a page look: style sheets that a document holds once and all parts share."""

from pathlib import Path
from typing import Any, Final

import panel as pn
from bokeh.models import InlineStyleSheet
from panel.io.state import state

CSS: Final = Path(__file__).with_name("kvviz.css").read_text()


class Look:
    """A part whose inline style sheets are the document's, shared with all parts of that look."""

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        found: dict[str, Any] = super()._get_properties(doc)  # type: ignore[misc]
        if doc is None:
            return found
        held = state._stylesheets[doc]  # where Panel keeps a document's imported sheets

        def shared(sheet: Any) -> Any:
            if not isinstance(sheet, str):
                return sheet
            if sheet not in held:
                held[sheet] = InlineStyleSheet(css=sheet)
            return held[sheet]

        return found | {"stylesheets": [shared(sheet) for sheet in found["stylesheets"]]}


class Column(Look, pn.Column):
    """Parts stacked vertically."""

    _stylesheets = (*pn.Column._stylesheets, CSS)


class Row(Look, pn.Row):
    """Parts side by side."""

    _stylesheets = (*pn.Row._stylesheets, CSS)


class Html(Look, pn.pane.HTML):
    """HTML that does not change."""

    _stylesheets = (*pn.pane.HTML._stylesheets, CSS)
    margin = 0
