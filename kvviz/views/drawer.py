"""The button "About this picture" and the panel that it opens."""

import param

from kvviz.views.about import about
from kvviz.views.components import CSS, HERE, Component, scripts
from kvviz.views.session import Session


class Drawer(Component):
    """A button that opens a dialog of HTML whose numbers follow the playhead."""

    label = param.String("About this picture", constant=True, doc="the button's text and title")
    html = param.String()

    _esm = scripts("live.js", "drawer.js")
    _stylesheets = (CSS + (HERE / "drawer.css").read_text(),)


def about_button(session: Session) -> Drawer:
    """Return the button; its texts are those of the session's scenario."""
    drawer = Drawer(html=about(session))
    session.param.watch(lambda _event: drawer.param.update(html=about(session)), "timeline")
    return drawer
