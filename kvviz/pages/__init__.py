"""The pages by name: every folder here except the shared kit is one."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from panel.template import Template

from kvviz.catalog.names import find_named
from kvviz.pages.kit.page import Page

KIT: Final = "kit"


@cache
def pages() -> dict[str, Page[Any]]:
    """Return every page by its name, in the order of the header's tabs."""
    folders = [each.name for each in iter_modules(__path__) if each.ispkg and each.name != KIT]
    found = [import_module(f"{__name__}.{name}.page").PAGE for name in folders]
    return {page.name: page for page in sorted(found, key=lambda page: page.place)}


def find_page(name: str) -> Page[Any]:
    """Return the page called `name`; raises `UnknownName` with the nearest names."""
    return find_named(name, pages(), "page")


def opened(name: str) -> Template:
    """Return the page `name` for a new visitor, in the state that the URL's query asks for."""
    return find_page(name).template({page.name: page.tab for page in pages().values()})
