"""The HBM page, composed: header, three columns, and the link that follows them."""

import panel as pn
from panel.template import Template

from kvviz.pages.hbm.about import about
from kvviz.pages.hbm.controls import controls
from kvviz.pages.hbm.did_you_know import did_you_know
from kvviz.pages.hbm.link import link, open_link
from kvviz.pages.hbm.panels import centre, panels
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.components import Share, Transport
from kvviz.pages.kit.drawer import Drawer, answering
from kvviz.pages.kit.header import theme_switch
from kvviz.pages.kit.shell import Areas, shell


def hbm_page() -> Template:
    """Return the HBM page of a new visitor, in the state that the URL's query asks for."""
    arguments = pn.state.session_args.items()
    session = open_link((name, values[-1].decode(errors="replace")) for name, values in arguments)
    columns = {
        "panels": (panels(session), did_you_know(session)),
        "centre": centre(session),
        "side": controls(session),
    }
    tools = {
        "about": about_button(session),
        "share": share_button(session),
        "theme_switch": theme_switch(session),
    }
    return shell("hbm", session.theme, Areas(columns, tools, dock=Transport()))


def about_button(session: Session) -> Drawer:
    """Return the button; its texts are those of the session's scenario."""
    return answering(Drawer(), lambda: about(session), session, "timeline")


def share_button(session: Session) -> Share:
    """Return the button that copies a link to the session's state; the address bar follows it."""
    share = Share(query=link(session), theme=session.theme, sizing_mode=None)

    def follow(*_events: object) -> None:
        share.param.update(query=link(session), theme=session.theme)

    session.param.watch(follow, ["timeline", "theme"])
    return share
