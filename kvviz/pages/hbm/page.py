"""The HBM page, composed: header, three columns, and the link that follows them."""

from typing import Final

from kvviz.pages.hbm.about import about
from kvviz.pages.hbm.controls import controls
from kvviz.pages.hbm.did_you_know import did_you_know
from kvviz.pages.hbm.link import LINK, opened
from kvviz.pages.hbm.panels import centre, panels
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.drawer import Drawer, answering
from kvviz.pages.kit.page import Page
from kvviz.pages.kit.shell import Areas
from kvviz.pages.kit.transport import Transport


def areas(session: Session) -> Areas:
    """Return what appears below the header, bound to the session."""
    columns = {
        "panels": (panels(session), did_you_know(session)),
        "centre": centre(session),
        "side": controls(session),
    }
    explained = answering(Drawer(), lambda: about(session), session, "timeline")
    return Areas(columns, {"about": explained}, dock=Transport())


PAGE: Final = Page(
    name="hbm",
    tab="HBM",
    title="where every byte of GPU memory goes",
    place=1,
    link=LINK,
    opened=opened,
    follows=("timeline",),
    areas=areas,
)
