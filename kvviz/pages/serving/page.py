"""The serving page, composed: header, three columns, and the link that follows them."""

from typing import Final

import panel as pn
import param

from kvviz.pages.kit.drawer import Drawer, answering
from kvviz.pages.kit.page import Page
from kvviz.pages.kit.shell import Areas
from kvviz.pages.serving.about import about
from kvviz.pages.serving.controls import controls
from kvviz.pages.serving.figures import figures
from kvviz.pages.serving.link import LINK, opened
from kvviz.pages.serving.player import SERVING_CSS, player
from kvviz.pages.serving.session import ServingSession
from kvviz.pages.serving.turns import READER, SIMULATOR, Turns


class AboutRun(Drawer):
    """The button that opens the page's explanations."""

    label = param.String("About this run", constant=True)

    _stylesheets = (*Drawer._stylesheets, SERVING_CSS)


def areas(session: ServingSession) -> Areas:
    """Return what appears below the header, bound to the session."""
    if page := pn.state.curdoc:
        session.simulating, session.reading = Turns(page, SIMULATOR), Turns(page, READER)
    columns = {"panels": controls(session), "centre": player(session), "side": figures(session)}
    explained = answering(AboutRun(), lambda: about(session), session, "runs")
    return Areas(columns, {"about": explained}, drawer="Request")


PAGE: Final = Page(
    name="serving",
    tab="Serving",
    title="two schedulers, the same requests, the same memory",
    place=4,
    link=LINK,
    opened=opened,
    follows=("runs",),
    areas=areas,
)
