"""The pages on Panel's own server: each at the address of its name, the first at the root too."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

import panel as pn
from panel.command import Serve
from panel.io.application import build_applications
from panel.template import Template

from kvviz.pages import opened, pages


class PageServer(Serve):
    """Panel's command line for serving, with the pages in place of scripts."""

    def customize_applications(self, args: Namespace, _scripts: Any) -> dict[str, Any]:
        """Return what answers at each address."""
        addresses = {f"/{name}": _opener(name) for name in pages()}
        applications = build_applications(addresses)
        applications["/"] = applications[next(iter(addresses))]
        found: dict[str, Any] = super().customize_applications(args, applications)
        return found


def _opener(name: str) -> Callable[[], Template]:
    def page() -> Template:
        return opened(name)

    return page


def run(arguments: list[str]) -> None:
    """Serve the pages until the process is stopped.

    Args:
        arguments: of ``panel serve``, without a script.
    """
    pn.extension()
    parser = ArgumentParser(prog="kvviz serve")
    PageServer(parser=parser).invoke(parser.parse_args(arguments))
