"""The end of every page's header: the share button and the theme switch."""

from collections.abc import Callable, Iterable
from typing import Any

import param

from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.session import PageSession


class Share(Component):
    """A button that copies a link to the page's state, the playhead's context included."""

    query = param.Dict({}, doc="settings that differ from the defaults")
    theme = param.String("dark")

    _esm = linked("kit/js/share.js")


class ThemeSwitch(Component):
    """A button between dark and light."""

    theme = param.Selector(default="dark", objects=["dark", "light"])

    _esm = linked("kit/js/theme.js")


def share_button(
    session: PageSession, query: Callable[[Any], dict[str, str]], follows: Iterable[str]
) -> Share:
    """Return the button that copies a link to the session; the address bar follows it.

    Args:
        session: whose link it is.
        query: returns the link's query.
        follows: the session's parameters after whose change it is another.
    """
    share = Share(query=query(session), theme=session.theme, sizing_mode=None)

    def follow(*_events: object) -> None:
        share.param.update(query=query(session), theme=session.theme)

    names = list(follows)
    session.param.watch(follow, [*names, "theme"])
    for settings in (getattr(session, name) for name in names):
        if isinstance(settings, param.Parameterized):
            settings.param.watch(follow, list(settings.param))
    return share


def theme_switch(session: PageSession) -> ThemeSwitch:
    """Return the switch between dark and light, and let the session follow it."""
    switch = ThemeSwitch(theme=session.theme, sizing_mode=None)
    switch.param.watch(lambda event: session.param.update(theme=event.new), "theme")
    return switch
