"""A Bokeh figure among a page's parts."""

from typing import Any

import panel as pn


class Figure(pn.pane.Bokeh):
    """A figure as it is: Panel would search all of its models for scripts, and put a theme on each.

    The pages' figures have neither; their colours follow the session's theme by themselves.
    """

    margin = 0

    def _get_model(self, doc: Any, root: Any = None, parent: Any = None, comm: Any = None) -> Any:
        if root is None:
            return self.get_root(doc, comm)
        self._models[root.ref["id"]] = (self.object, parent)
        return self.object
