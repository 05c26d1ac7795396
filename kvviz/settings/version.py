"""Versions of engines, as numbers that compare."""

import re

Version = tuple[int, int, int]


def read_version(text: str) -> Version | None:
    """Return the numbers of a version such as ``v0.16.1rc1.dev111``, None where it has none.

    ``0.1.dev4927`` is what a build without tags calls itself, whatever it is.
    """
    found = re.match(r"\s*v?(?!0\.1\.dev)(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def spelled(version: Version) -> str:
    """Spell a version, as in ``0.33.0``."""
    return ".".join(map(str, version))


def respelled(text: str) -> str:
    """Return the one spelling of a version, whatever its own; raises ValueError if it is none."""
    found = read_version(text)
    if found is None:
        raise ValueError(f"{text!r} is not a version")
    return spelled(found)
