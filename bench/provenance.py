"""Where and with what the numbers were measured."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("kvviz", "panel", "bokeh", "param", "numpy", "tornado", "playwright")


def provenance(browser: str) -> dict[str, Any]:
    """Return the machine, the versions and the command; `browser` is the browser's version."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", "-m", "bench", *sys.argv[1:]]),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "os": platform.platform(),
        "python": platform.python_version(),
        "chromium": browser,
        **{name: version(name) for name in PACKAGES},
    }


def _cpu() -> str:
    """Return the processor's model as Linux names it, else as Python does."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
