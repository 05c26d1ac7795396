"""Kinds of settings that Param lacks: a registry's name, a version, a fraction of a rate."""

from typing import Any, ClassVar

import param

from kvviz.catalog.measured.recordings import efficiency
from kvviz.settings.version import read_version, respelled


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
    """A version, set as a text with two or three numbers, kept with three; None for the newest."""

    def __init__(self, default: str | None = None, **declared: Any) -> None:
        super().__init__(default, **{"allow_None": True, **declared})

    def _validate_value(self, val: Any, allow_None: bool) -> None:  # noqa: N803
        super()._validate_value(val, allow_None)
        if val is not None and read_version(val) is None:
            raise ValueError(f"{self.name} is {val!r}, not a version; expected one such as 0.33.0")

    def __set__(self, scenario: Any, val: Any) -> None:
        """Set the version; every spelling of it becomes the same one."""
        known = isinstance(val, str) and read_version(val)
        super().__set__(scenario, respelled(val) if known else val)


class Share(param.Number):
    """A fraction of one of the GPU's rates: as set, else as known for the chosen GPU."""

    def __get__(self, scenario: Any, owner: Any = None) -> Any:
        """Return the fraction: as set, else as known."""
        share = super().__get__(scenario, owner)
        if share is None and scenario is not None:
            return getattr(efficiency(scenario.the_gpu), self.name)
        return share

    def as_set(self, scenario: param.Parameterized) -> float | None:
        """Return the fraction as set, None if it is not set."""
        share: float | None = super().__get__(scenario, type(scenario))
        return share
