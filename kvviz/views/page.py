"""The page's shell: header, three columns, and one theme for everything on it."""

from pathlib import Path

from panel.template import Template

from kvviz.scene.theme import DARK, LIGHT
from kvviz.views.components import ThemeSwitch
from kvviz.views.controls import controls
from kvviz.views.hbm import centre, panels
from kvviz.views.session import Session

SHELL = (Path(__file__).parent / "shell.html").read_text()


def hbm_page(session: Session | None = None) -> Template:
    """Return the HBM page of a new visitor, or of `session`."""
    session = session or Session()
    page = Template(SHELL)
    page.add_variable("dark", DARK.css())
    page.add_variable("light", LIGHT.css())
    page.add_variable("theme", session.theme)
    page.add_panel("panels", panels(session))
    page.add_panel("centre", centre(session))
    page.add_panel("controls", controls(session))
    switch = ThemeSwitch(theme=session.theme)
    switch.param.watch(lambda event: session.param.update(theme=event.new), "theme")
    page.add_panel("theme_switch", switch)
    return page
