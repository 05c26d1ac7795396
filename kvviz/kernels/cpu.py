"""What this machine's processor is called, and what it can do."""

import platform
import sys
from pathlib import Path


def cpu_name() -> str:
    """Return the processor's model as Linux names it, else as Python does."""
    return _cpu_fact("model name") or platform.processor() or sys.platform


def cpu_instructions() -> str:
    """Return what the processor can do as Linux lists it, which its name need not tell, or ""."""
    return _cpu_fact("flags") or _cpu_fact("Features")


def _cpu_fact(name: str) -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
