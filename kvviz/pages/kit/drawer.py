"""A button in the header, and the panel of explanations that it opens."""

from collections.abc import Callable
from pathlib import Path

import param

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS

DRAWER_CSS = Path(__file__).with_name("drawer.css").read_text()


class Drawer(Component):
    """A button that opens a dialog of HTML whose numbers follow the playhead.

    Its texts are requested when it opens: most visitors never open it.
    """

    label = param.String("About this picture", constant=True, doc="the button's text and title")
    html = param.String()

    _esm = linked("kit/js/drawer.js")
    _stylesheets: tuple[str, ...] = (CSS, DRAWER_CSS)


def answering(
    drawer: Drawer, texts: Callable[[], str], session: param.Parameterized, result: str
) -> Drawer:
    """Let a drawer show `texts` when it opens, and keep up with the session's `result` then."""
    drawer.on_msg(lambda _event: drawer.param.update(html=texts()))

    def follow(_event: object) -> None:
        drawer.html = texts() if drawer.html else ""

    session.param.watch(follow, result)
    return drawer
