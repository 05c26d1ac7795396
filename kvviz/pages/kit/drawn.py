"""Figures that follow a session, changed with the document unlocked whoever asks for it.

Panel handles some of a visitor's events without the document's lock: when one comes while the last
is still waiting. Its own components handle that; Bokeh refuses a change made straight to a figure
then, so such changes are made inside `unlocked`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import param
from panel.io import unlocked

from kvviz.scene.theme import THEMES, Theme


class Drawn(Protocol):
    """What can be painted in another theme."""

    def repaint(self, theme: Theme) -> None:
        """Give everything the theme's colours."""


def redraws(show: Callable[[], object]) -> Callable[..., None]:
    """Return `show` as a watcher that may change figures."""

    def watcher(*_events: Any) -> None:
        with unlocked():
            show()

    return watcher


def follow_theme(session: param.Parameterized, drawn: Sequence[Drawn]) -> None:
    """Repaint what is drawn, including later additions, whenever the session's theme changes."""

    @redraws
    def repaint() -> None:
        for each in drawn:
            each.repaint(THEMES[session.theme])

    session.param.watch(repaint, "theme")
