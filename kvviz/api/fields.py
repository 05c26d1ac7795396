"""Request models made from the declarations of the settings, so that both say the same."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

import param
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kvviz.choices import choices
from kvviz.settings.knobs import RENAMED, cut, expected
from kvviz.settings.parameters import Named, VersionKnob
from kvviz.settings.scenario import knobs
from kvviz.settings.version import read_version

Check = Callable[[Any], Any]


def request_model(title: str, fields: Mapping[str, Any]) -> type[BaseModel]:
    """Return a model with these fields, as pydantic's ``create_model`` takes them, and no other."""
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    validators: Any = {"old_names": model_validator(mode="before")(_in_new_names)}
    return create_model(title, __config__=config, __validators__=validators, **fields)


def _in_new_names(given: Any) -> Any:
    """Return what was sent under the names that settings have now; old names still work."""
    if not isinstance(given, Mapping):
        return given
    return {RENAMED.get(name, name): value for name, value in given.items()}


def fields_of(
    of: type[param.Parameterized], names: Iterable[str] | None = None, typed: bool = True
) -> dict[str, Any]:
    """Return a field for every setting that a class declares, or for those named.

    Args:
        of: the class.
        names: the settings, all where it is None.
        typed: whether values come as JSON, so that a number or a switch is not text.
    """
    return {name: _field(of, name, typed) for name in (knobs(of) if names is None else names)}


def _field(of: type[param.Parameterized], name: str, typed: bool) -> tuple[Any, Any]:
    """Return the setting's type, with its check, and what the schema says of it."""
    knob = of.param[name]

    def check(value: Any, inner: Check) -> Any:
        """Take what the declaration takes, and say of anything else what was expected."""
        try:
            if typed and not _of_type(knob, value):
                raise TypeError
            return inner(value)
        except (TypeError, ValidationError):
            says = {"got": cut(value), "expected": expected(name, of)}
            raise PydanticCustomError("knob", "got {got}, expected {expected}", says) from None

    annotation: Any = Annotated[_annotation(knob), WrapValidator(check)]
    told: dict[str, Any] = {"title": knob.label, "description": knob.doc, **_bounds(knob)}
    if isinstance(knob, Named):
        told["json_schema_extra"] = {"enum": list(choices(knob))}
    return annotation, Field(knob.default, **told)


def _annotation(knob: param.Parameter) -> Any:
    kind = _kind(knob)
    return kind | None if knob.allow_None else kind


def _kind(knob: param.Parameter) -> Any:
    if isinstance(knob, param.Boolean):
        return bool
    if isinstance(knob, param.Selector):
        return Literal[tuple(knob.objects)]
    if not isinstance(knob, param.Number):
        return str
    return int if isinstance(knob, param.Integer) else float


def _bounds(knob: param.Parameter) -> dict[str, Any]:
    if not isinstance(knob, param.Number):
        return {}
    low, high = knob.bounds
    least = "ge" if knob.inclusive_bounds[0] else "gt"
    return {name: end for name, end in ((least, low), ("le", high)) if end is not None}


def _of_type(knob: param.Parameter, value: Any) -> bool:
    """Tell whether a JSON value has the setting's type: true is no number, and "1" neither."""
    if value is None:
        return bool(knob.allow_None)
    if isinstance(knob, param.Boolean):
        return isinstance(value, bool)
    if isinstance(knob, VersionKnob):
        return isinstance(value, str) and read_version(value) is not None
    if isinstance(knob, param.Number):
        return not isinstance(value, bool | str)
    return True
