"""The serving page, composed: header, three columns, and the link that follows them."""

import panel as pn
import param
from panel.template import Template

from kvviz.pages.kit.components import Share
from kvviz.pages.kit.drawer import Drawer, answering
from kvviz.pages.kit.header import theme_switch
from kvviz.pages.kit.shell import Areas, shell
from kvviz.pages.serving.about import about
from kvviz.pages.serving.controls import controls
from kvviz.pages.serving.figures import figures
from kvviz.pages.serving.link import link, open_link
from kvviz.pages.serving.player import SERVING_CSS, player
from kvviz.pages.serving.session import ServingSession
from kvviz.pages.serving.turns import READER, SIMULATOR, Turns


class AboutRun(Drawer):
    """The button that opens the page's explanations."""

    label = param.String("About this run", constant=True)

    _stylesheets = (Drawer._stylesheets[0] + SERVING_CSS,)


def serving_page() -> Template:
    """Return the serving page of a new visitor, in the state that the URL's query asks for."""
    arguments = pn.state.session_args.items()
    session = open_link((name, values[-1].decode(errors="replace")) for name, values in arguments)
    if page := pn.state.curdoc:
        session.simulating, session.reading = Turns(page, SIMULATOR), Turns(page, READER)
    columns = {"panels": controls(session), "centre": player(session), "side": figures(session)}
    tools = {
        "about": about_button(session),
        "share": share_button(session),
        "theme_switch": theme_switch(session),
    }
    return shell("serving", session.theme, Areas(columns, tools, drawer="Request"))


def about_button(session: ServingSession) -> Drawer:
    """Return the button; its texts are those of the session's runs."""
    return answering(AboutRun(), lambda: about(session), session, "runs")


def share_button(session: ServingSession) -> Share:
    """Return the button that copies a link to the session's state; the address bar follows it."""
    share = Share(query=link(session), theme=session.theme, sizing_mode=None)

    def follow(*_events: object) -> None:
        share.param.update(query=link(session), theme=session.theme)

    session.param.watch(follow, ["runs", "theme"])
    return share
