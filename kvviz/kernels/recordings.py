"""What was measured before: files of results with their provenance, shipped with the project."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = Path(__file__).parents[1]


def folder() -> Path:
    """Return where recordings lie: inside an installed package, or beside it in a checkout."""
    installed = PACKAGE / "assets" / "measured"
    return installed if installed.is_dir() else PACKAGE.parent / "assets" / "measured"


@cache
def recordings() -> tuple[dict[str, Any], ...]:
    """Return every recording, the newest first, each with its file's name as ``name``."""
    files = sorted(folder().glob("*.json"))
    read = [{"name": path.stem, **json.loads(path.read_text())} for path in files]
    return tuple(sorted(read, key=lambda recording: str(recording["date"]), reverse=True))
