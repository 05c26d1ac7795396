"""Rows of a table of logs as `LoggedRun`s, the same values that a start-up log is read into."""

from kvviz.accuracy.planned import PlannedRun
from kvviz.accuracy.reasons import told
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.rows import Row
from kvviz.engines.fields import READ, typed
from kvviz.engines.logged import LoggedRun


def logged_run(row: Row) -> LoggedRun:
    """Return what a row says of a run; cells with an invalid value are ``unread``."""
    note, texts = row.text("note"), {name: row.text(name) for name in READ}
    found = typed({name: text for name, text in texts.items() if text})
    return LoggedRun(
        **{"engine": "", **found, "eager": "enforce-eager" in note},
        older_core=row.text("core") == "V0",
        lora="lora" in note.casefold(),
    )


def planned(row: Row, models: Models) -> PlannedRun:
    """Return the run of a row as kvviz plans it."""
    return PlannedRun(logged_run(row), models, told(row))
