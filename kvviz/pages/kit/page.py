"""A page as a value: its names, its link, and how a visitor's state is displayed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import panel as pn
from panel.template import Template

from kvviz.pages.kit.header import share_button, theme_switch
from kvviz.pages.kit.link import Given, Link, Pairs
from kvviz.pages.kit.session import PageSession
from kvviz.pages.kit.shell import Areas, shell

S = TypeVar("S", bound=PageSession)


@dataclass(frozen=True)
class Page(Generic[S]):
    """A page of the site.

    Args:
        name: of its folder, and its address.
        tab: what its tab in the header says.
        title: what it is about, in the window's title.
        place: among the tabs, from the left.
        link: what its links carry.
        opened: returns the session that a link asks for, its `problem` naming what is not valid.
        follows: the session's parameters after whose change the link is another; where one is a
            set of settings, after a change of any of them.
        areas: returns what appears below the header, bound to a session.
    """

    name: str
    tab: str
    title: str
    place: int
    link: Link
    opened: Callable[[Given], S]
    follows: tuple[str, ...]
    areas: Callable[[S], Areas]

    def visit(self, pairs: Pairs) -> S:
        """Return the session that a URL's query asks for."""
        return self.opened(self.link.read(pairs))

    def query(self, session: S) -> dict[str, str]:
        """Return the query of a link to the session."""
        return self.link.write(session)

    def template(self, tabs: Mapping[str, str]) -> Template:
        """Return the page of a new visitor, in the state that the URL's query asks for.

        Args:
            tabs: what each page's tab says, by the page's name.
        """
        arguments = pn.state.session_args.items()
        session = self.visit(
            (name, values[-1].decode(errors="replace")) for name, values in arguments
        )
        areas = self.areas(session)
        everywhere = {
            "share": share_button(session, self.query, self.follows),
            "theme_switch": theme_switch(session),
        }
        areas = replace(areas, tools={**areas.tools, **everywhere})
        return shell(self, session.theme, tabs, areas)
