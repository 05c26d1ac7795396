"""Command-line options made from the declarations of `Scenario`."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import param
import typer

from kvviz.knobs import KnobError, expected, read
from kvviz.scenario import Scenario, knobs

ARGUMENT = "model"  # the knob that is the command's argument, not an option

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
    help_text = f"{knob.doc}; {expected(name)}" if isinstance(knob, param.Number) else knob.doc
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
    def read_option(value: Any) -> Any:
        try:
            return read(knob.name, value)
        except KnobError as error:
            raise typer.BadParameter(str(error)) from None

    read_option.__name__ = _metavar(knob)
    return read_option


def _metavar(knob: param.Parameter) -> str:
    if isinstance(knob, param.Selector):
        return "|".join(knob.objects)
    if isinstance(knob, param.Integer):
        return "INTEGER"
    return "NUMBER" if isinstance(knob, param.Number) else "NAME"
