"""Knobs in other spellings: text from a command line or a URL, and a JSON schema."""

import math
from typing import Any

import param

from kvviz.settings.parameters import VersionKnob
from kvviz.settings.scenario import Scenario, knobs
from kvviz.settings.version import respelled

SHOWN = 60  # characters of a bad value that an error repeats
NEWEST = "newest"  # a version that is not set
RENAMED = {"max_length": "max_model_len", "max_seq_len": "max_model_len"}
"""Old names of settings, with their current names; the old ones still work."""
SWITCH = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


class KnobError(ValueError):
    """A value that a knob does not take: what was given, and what was expected."""


def read(name: str, text: Any, of: type[param.Parameterized] = Scenario) -> Any:
    """Return the value that `text` means to the knob `name` of a class.

    Raises:
        KnobError: it means none, or one out of bounds; nothing is clamped.
    """
    try:
        return _read(of.param[name], text)
    except (ValueError, KeyError):
        raise KnobError(f"got {cut(text)}, expected {expected(name, of)}") from None


def _read(knob: param.Parameter, text: Any) -> Any:
    if isinstance(knob, param.Boolean):
        return SWITCH[str(text).lower()]
    if isinstance(knob, VersionKnob):
        return None if text == NEWEST else respelled(text)
    if isinstance(knob, param.Selector):
        return {str(each): each for each in knob.objects}[str(text)]
    if not isinstance(knob, param.Number):
        return text
    number = int(text) if isinstance(knob, param.Integer) else float(text)
    if not math.isfinite(number) or not _inside(knob, number):
        raise ValueError
    return number


def _inside(knob: param.Number, number: float) -> bool:
    low, high = knob.bounds
    above = low is None or number > low or (number == low and knob.inclusive_bounds[0])
    return above and (high is None or number <= high)


def expected(name: str, of: type[param.Parameterized] = Scenario) -> str:
    """Say which values the knob `name` of a class takes."""
    knob = of.param[name]
    if isinstance(knob, param.Boolean):
        return "on or off"
    if isinstance(knob, param.Selector):
        return f"one of {', '.join(map(str, knob.objects))}"
    if isinstance(knob, VersionKnob):
        return f"a version such as 0.33.0, or {NEWEST}"
    if not isinstance(knob, param.Number):
        return "a name"
    kind = "a whole number" if isinstance(knob, param.Integer) else "a number"
    low, high = (None if end is None else f"{end:,}".removesuffix(".0") for end in knob.bounds)
    if high is None:
        return f"{kind} of at least {low}"
    if not knob.inclusive_bounds[0]:
        return f"{kind} above {low} and at most {high}"
    return f"{kind} from {low} to {high}"


def renamed(old: str) -> str:
    """Say what a setting is called now."""
    return f"{old} is now called {RENAMED[old]}."


def schema(of: type[param.Parameterized] = Scenario) -> dict[str, Any]:
    """Return the settings as a JSON schema, with their bounds, choices, defaults and meanings."""
    return {
        "type": "object",
        "properties": {name: _schema(of.param[name]) for name in knobs(of)},
        "additionalProperties": False,
    }


def like(name: str, **changes: Any) -> Any:
    """Return a new declaration of the knob `name`, with some of what it declares changed."""
    knob = Scenario.param[name]
    slots = ("default", "bounds", "softbounds", "inclusive_bounds", "label", "doc")
    kept = {slot: getattr(knob, slot) for slot in slots if hasattr(knob, slot)}
    if isinstance(knob, param.Selector):
        kept["objects"] = list(knob.objects)  # a declaration's own list grows when it is passed on
    return type(knob)(**{**kept, **changes})


def _schema(knob: param.Parameter) -> dict[str, Any]:
    told: dict[str, Any] = {"title": knob.label, "description": knob.doc, "default": knob.default}
    if isinstance(knob, param.Boolean):
        return told | {"type": ["boolean", "null"] if knob.allow_None else "boolean"}
    if isinstance(knob, param.Selector):
        return told | {"enum": list(knob.objects)}
    if not isinstance(knob, param.Number):
        return told | {"type": ["string", "null"] if knob.allow_None else "string"}
    kind = "integer" if isinstance(knob, param.Integer) else "number"
    least = "minimum" if knob.inclusive_bounds[0] else "exclusiveMinimum"
    ends = zip((least, "maximum"), knob.bounds, strict=True)
    bounds = {name: end for name, end in ends if end is not None}
    return told | bounds | {"type": [kind, "null"] if knob.allow_None else kind}


def cut(value: Any) -> str:
    """Return a value as an error repeats it: quoted, and not at length."""
    text = str(value)
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")
