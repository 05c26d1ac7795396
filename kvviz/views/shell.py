"""What every page shares: header with tabs, columns, and one theme for everything on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from panel.template import Template
from panel.viewable import Viewable

from kvviz.scene.theme import DARK, LIGHT

SHELL = (Path(__file__).parent / "shell.html").read_text()
TITLES: Final = {
    "hbm": "where every byte of GPU memory goes",
    "serving": "two schedulers, the same requests, the same memory",
}
TABS: Final = {  # by the name of the page's script, in the order of the header
    "hbm": "HBM",
    "serving": "Serving",
}


@dataclass(frozen=True)
class Areas:
    """What a page puts into the shell.

    Args:
        columns: the columns of its body, by CSS class; ``side`` becomes a drawer when narrow.
        tools: what stands at the end of the header, by name.
        dock: what stands in the header, or at the bottom of a phone, when there is no side column.
        drawer: what the button says that opens the side column when narrow.
    """

    columns: Mapping[str, Viewable]
    tools: Mapping[str, Viewable]
    dock: Viewable | None = None
    drawer: str = "Controls"


def shell(page: str, theme: str, areas: Areas) -> Template:
    """Return the page named `page`, opened in `theme`."""
    template = Template(SHELL)
    for name, value in _variables(page, theme, areas).items():
        template.add_variable(name, value)
    dock = {} if areas.dock is None else {"dock": areas.dock}
    for name, part in {**areas.columns, **areas.tools, **dock}.items():
        template.add_panel(name, part)
    return template


def _variables(page: str, theme: str, areas: Areas) -> dict[str, Any]:
    return {
        "dark": DARK.css(),
        "light": LIGHT.css(),
        "theme": theme,
        "here": page,
        "page_title": TITLES[page],
        "tabs": list(TABS.items()),
        "columns": list(areas.columns),
        "tools": list(areas.tools),
        "docked": areas.dock is not None,
        "drawer": areas.drawer,
    }
