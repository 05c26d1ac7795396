"""What every page shares: header with tabs, columns, and one theme for everything on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Protocol

from bokeh.document import Document
from panel.io.state import state
from panel.template import Template
from panel.viewable import Viewable

from kvviz.pages.kit.linker import linked
from kvviz.scene.theme import DARK, LIGHT

HERE = Path(__file__).parent
SHELL: Final = Template((HERE / "shell.html").read_text()).template  # read once
BETWEEN: Final = linked("kit/js/between.js")


class Named(Protocol):
    """What the shell says about a page."""

    @property
    def name(self) -> str:
        """Its address."""

    @property
    def title(self) -> str:
        """What it is about."""


@dataclass(frozen=True)
class Areas:
    """What a page puts into the shell.

    Args:
        columns: the columns of its body, by CSS class, each one part or several, one below the
            other; ``side`` becomes a drawer when narrow.
        tools: what appears at the end of the header, by name, before the parts of every page.
        dock: what appears in the header, or at the bottom of a phone, when there is no side column.
        drawer: what the button says that opens the side column when narrow.
    """

    columns: Mapping[str, Viewable | Sequence[Viewable]]
    tools: Mapping[str, Viewable] = field(default_factory=dict)
    dock: Viewable | None = None
    drawer: str = "Controls"


def shell(page: Named, theme: str, tabs: Mapping[str, str], areas: Areas) -> Template:
    """Return a page, opened in `theme`, under a header with the `tabs` of all pages by name."""
    template = Shell(SHELL)
    parts = {name: _parts(name, column) for name, column in areas.columns.items()}
    for name, value in _variables(page, theme, tabs, areas, parts).items():
        template.add_variable(name, value)
    dock = {} if areas.dock is None else {"dock": areas.dock}
    columns = {name: part for column in parts.values() for name, part in column.items()}
    for name, part in {**columns, **areas.tools, **dock}.items():
        template.add_panel(name, part)
    return template


class Shell(Template):
    """A template whose parts come to the document together.

    Added one by one, each would make the document search all of its models again.
    """

    def _build_layout(self) -> Any:
        """Return the page's representation in a notebook, where it is never shown."""
        return [SimpleNamespace(object="")]

    def __repr__(self) -> str:  # a page is spelled out for every part that it gets
        return f"{type(self).__name__}({', '.join(self._render_items)})"

    def _init_doc(self, doc: Document | None = None, *args: Any, **options: Any) -> Document:
        document = doc or state.curdoc
        with document.models.freeze():
            return super()._init_doc(document, *args, **options)


def _parts(name: str, column: Viewable | Sequence[Viewable]) -> dict[str, Viewable]:
    """Return a column's parts by the names of their roots."""
    if isinstance(column, Viewable):
        return {name: column}
    return {f"{name}{number}": part for number, part in enumerate(column)}


def _variables(
    page: Named,
    theme: str,
    tabs: Mapping[str, str],
    areas: Areas,
    parts: Mapping[str, Mapping[str, Viewable]],
) -> dict[str, Any]:
    return {
        "dark": DARK.css(),
        "light": LIGHT.css(),
        "theme": theme,
        "between": BETWEEN,
        "here": page.name,
        "page_title": page.title,
        "tabs": list(tabs.items()),
        "columns": {name: list(column) for name, column in parts.items()},
        "tools": list(areas.tools),
        "docked": areas.dock is not None,
        "drawer": areas.drawer,
    }
