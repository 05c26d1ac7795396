"""The pairs shown as a table with every figure of their reports, to take along."""

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from kvviz.atlas import Axes, reports
from kvviz.pages.explore.heatmap import EXPLORE_CSS
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS

if TYPE_CHECKING:
    import pandas as pd

NO_PARQUET: Final = "Parquet needs pyarrow: install kvviz[sweep]."


class Downloads(Component):
    """Buttons that save the table as a file in the browser."""

    _esm = linked("explore/js/downloads.js")
    _stylesheets = (CSS, EXPLORE_CSS)


def downloads(session: ExploreSession) -> Downloads:
    """Return the buttons, bound to the session."""
    buttons = Downloads()

    def answer(event: Any) -> None:
        form = "parquet" if event.data == "parquet" else "csv"
        try:
            content = as_file(session, form)
        except ImportError:
            session.problem = NO_PARQUET
            return
        buttons._send_msg({"name": f"kvviz-explore.{form}", "content": content})

    buttons.on_msg(answer)
    return buttons


def as_file(session: ExploreSession, form: str) -> bytes:
    """Return the table as the bytes of a ``csv`` or a ``parquet`` file.

    Raises:
        ImportError: Parquet without pyarrow.
    """
    table = frame(session)
    file = BytesIO()
    if form == "parquet":
        table.to_parquet(file)
    else:
        table.to_csv(file, index=False)
    return file.getvalue()


def frame(session: ExploreSession) -> "pd.DataFrame":
    """Return the pairs shown, in the order shown, one row each; a split that is not valid has none.

    Bytes are exact; names are those of `kvviz estimate`, with the names of parts put together.
    """
    import pandas as pd  # when a table is asked for, not when the page opens

    every = session.reports.axes
    axes: Axes = session.axes(
        models=tuple(every.models[i] for i in session.rows()),
        gpus=tuple(every.gpus[i] for i in session.columns()),
    )
    return pd.DataFrame(reports(axes).rows())
