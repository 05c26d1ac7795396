"""Kinds of settings that Param has not: a name that a registry knows, and a version."""

from typing import Any, ClassVar

import param

from kvviz.settings.version import read_version


class Named(param.String):
    """A name that a registry knows.

    Args:
        names: the registry: ``engines`` or ``policies``; it lies above the settings.
    """

    __slots__ = ["names"]
    _slot_defaults: ClassVar[dict[str, Any]] = dict(param.String._slot_defaults, names="")

    def __init__(self, default: str, *, names: str = "", **declared: Any) -> None:
        super().__init__(default, **declared)
        self.names = names


class VersionKnob(param.String):
    """A version, as a text with two or three numbers; None for the newest."""

    def __init__(self, default: str | None = None, **declared: Any) -> None:
        super().__init__(default, **{"allow_None": True, **declared})

    def _validate_value(self, val: Any, allow_None: bool) -> None:  # noqa: N803
        super()._validate_value(val, allow_None)
        if val is not None and read_version(val) is None:
            raise ValueError(f"{self.name} is {val!r}, not a version; expected one such as 0.33.0")
