"""The page's shell: header, three columns, and one theme for everything on it."""

from pathlib import Path

import panel as pn
from panel.template import Template

from kvviz.scene.theme import DARK, LIGHT
from kvviz.views.components import Share, ThemeSwitch, Transport
from kvviz.views.controls import controls
from kvviz.views.drawer import about_button
from kvviz.views.hbm import centre, panels
from kvviz.views.link import link, open_link
from kvviz.views.session import Session

SHELL = (Path(__file__).parent / "shell.html").read_text()


def hbm_page() -> Template:
    """Return the HBM page of a new visitor, in the state that the URL's query asks for."""
    arguments = pn.state.session_args.items()
    session = open_link((name, values[-1].decode(errors="replace")) for name, values in arguments)
    page = Template(SHELL)
    page.add_variable("dark", DARK.css())
    page.add_variable("light", LIGHT.css())
    page.add_variable("theme", session.theme)
    page.add_panel("panels", panels(session))
    page.add_panel("centre", centre(session))
    page.add_panel("controls", controls(session))
    switch = ThemeSwitch(theme=session.theme, sizing_mode=None)
    switch.param.watch(lambda event: session.param.update(theme=event.new), "theme")
    page.add_panel("theme_switch", switch)
    page.add_panel("dock", Transport())
    page.add_panel("about", about_button(session))
    page.add_panel("share", share_button(session))
    return page


def share_button(session: Session) -> Share:
    """Return the button that copies a link to the session's state; the address bar follows it."""
    share = Share(query=link(session), theme=session.theme, sizing_mode=None)

    def follow(*_events: object) -> None:
        share.param.update(query=link(session), theme=session.theme)

    session.param.watch(follow, ["timeline", "theme"])
    return share
