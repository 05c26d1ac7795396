"""What was measured before, as the results that a run gives."""

from typing import Any

from kvviz.catalog.measured import recordings as measured


def recordings() -> tuple[dict[str, Any], ...]:
    """Return every recording, the newest first, each with its file's name as ``name``."""
    return tuple({"name": found.name, **found.facts} for found in measured.recordings())
