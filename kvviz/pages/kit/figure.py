"""A Bokeh figure among a page's parts."""

from typing import Any

import panel as pn


class Figure(pn.pane.Bokeh):
    """A figure shown unchanged: Panel would search its models for scripts and theme each.

    The pages' figures have no scripts, and set their colours by the session's theme themselves.
    """

    margin = 0

    def _get_model(self, doc: Any, root: Any = None, parent: Any = None, comm: Any = None) -> Any:
        if root is None:
            return self.get_root(doc, comm)
        self._models[root.ref["id"]] = (self.object, parent)
        return self.object
