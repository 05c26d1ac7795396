"""Browser components: what every page is made of."""

from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import param
from panel.custom import JSComponent
from param.parameterized import discard_events

from kvviz.pages.kit.look import CSS, Look


class Component(Look, JSComponent):
    """A browser component in the page's look, as wide as its column."""

    sizing_mode = param.Selector(default="stretch_width")

    _esm = "export function render() {}"
    _stylesheets: tuple[str, ...] = (CSS,)

    def tell(self, **values: Any) -> None:
        """Set parameters and send the browser those that differ, all in one event.

        Param would compare lists and dicts item by item, a hundred times slower than `==`.
        """
        new = {name: told for name, told in values.items() if not _alike(getattr(self, name), told)}
        if new:
            with discard_events(self):
                self.param.update(**new)
            self.param.trigger(*new)

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        """Mark the module as plain JavaScript, which needs no translation in the browser."""
        return super()._get_properties(doc) | {"bundle": _digest(self._esm)}

    @classmethod
    def _patch_datamodel_ref(cls, props: Any, ref: str) -> None:
        """Tag the data for its removal, without Panel's search of its figures for other data."""
        tag = f"__ref:{ref}"
        if tag not in props.tags:
            props.tags.append(tag)


@cache
def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _alike(old: Any, new: Any) -> bool:
    """Return whether the browser would see no difference."""
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return old is new or (old.dtype == new.dtype and np.array_equal(old, new))
    return type(old) is type(new) and bool(old == new)
