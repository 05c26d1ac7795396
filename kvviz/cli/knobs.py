"""Command-line options made from the declarations of `Scenario`."""

import inspect
import math
from collections.abc import Callable
from typing import Annotated, Any

import param
import typer

from kvviz.scenario import Scenario, knobs

ARGUMENT = "model"  # the knob that is the command's argument, not an option
SHOWN = 60  # characters of a bad value that an error repeats

Command = Callable[..., None]


def with_knobs(command: Command) -> Command:
    """Give `command` an argument for the model and an option for every other knob.

    The command receives them by name through its ``**settings``.
    """
    own = inspect.signature(command).parameters.values()
    named = [item for item in own if item.kind is not inspect.Parameter.VAR_KEYWORD]
    made = [_parameter(name) for name in knobs()]
    command.__signature__ = inspect.Signature([*made, *named])  # type: ignore[attr-defined]
    return command


def _parameter(name: str) -> inspect.Parameter:
    knob = Scenario.param[name]
    if name == ARGUMENT:
        return _keyword(name, str, typer.Argument(help=knob.doc, metavar="MODEL"), ...)
    flag = f"--{name.replace('_', '-')}"
    if isinstance(knob, param.Boolean):
        flags = f"{flag}/--no-{flag[2:]}"
        return _keyword(name, bool, typer.Option(flags, help=knob.doc), knob.default)
    help_text = f"{knob.doc}; {_expected(knob)}" if isinstance(knob, param.Number) else knob.doc
    option = typer.Option(flag, help=help_text, metavar=_metavar(knob), parser=_reader(knob))
    return _keyword(name, str, option, knob.default)


def _keyword(name: str, kind: type, declared: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is ... else default,
        annotation=Annotated[kind, declared],
    )


def _reader(knob: param.Parameter) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            return _read(knob, value)
        except ValueError:
            raise typer.BadParameter(f"got {_cut(value)}, expected {_expected(knob)}") from None

    read.__name__ = _metavar(knob)
    return read


def _read(knob: param.Parameter, value: Any) -> Any:
    """Return the value that a text means to a knob, ValueError where it means none."""
    if isinstance(knob, param.Selector):
        if value not in knob.objects:
            raise ValueError
        return value
    if not isinstance(knob, param.Number):
        return value
    number = int(value) if isinstance(knob, param.Integer) else float(value)
    if not math.isfinite(number) or not _inside(knob, number):
        raise ValueError
    return number


def _inside(knob: param.Number, number: float) -> bool:
    low, high = knob.bounds
    with_low, with_high = knob.inclusive_bounds
    above = low is None or number > low or (with_low and number == low)
    return above and (high is None or number < high or (with_high and number == high))


def _expected(knob: param.Parameter) -> str:
    """Say what values a knob takes."""
    if isinstance(knob, param.Selector):
        return f"one of {', '.join(knob.objects)}"
    kind = "a whole number" if isinstance(knob, param.Integer) else "a number"
    low, high = (None if end is None else f"{end:,}".removesuffix(".0") for end in knob.bounds)
    if high is None:
        return f"{kind} of at least {low}"
    if not knob.inclusive_bounds[0]:
        return f"{kind} above {low} and at most {high}"
    return f"{kind} from {low} to {high}"


def _metavar(knob: param.Parameter) -> str:
    if isinstance(knob, param.Selector):
        return "|".join(knob.objects)
    if isinstance(knob, param.Integer):
        return "INTEGER"
    return "NUMBER" if isinstance(knob, param.Number) else "NAME"


def _cut(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")
