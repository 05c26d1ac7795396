"""What stands at the end of every page's header."""

import param

from kvviz.pages.kit.components import ThemeSwitch


def theme_switch(session: param.Parameterized) -> ThemeSwitch:
    """Return the switch between dark and light, and let the session follow it."""
    switch = ThemeSwitch(theme=session.theme, sizing_mode=None)
    switch.param.watch(lambda event: session.param.update(theme=event.new), "theme")
    return switch
