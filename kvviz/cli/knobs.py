"""Command-line options made from the declarations of knobs."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import param
import typer

from kvviz.settings.knobs import KnobError, expected, read
from kvviz.settings.scenario import Scenario, knobs

ARGUMENT = "model"  # the knob that is an estimate's argument, not an option

Command = Callable[..., None]
Knobs = type[param.Parameterized]


def with_knobs(command: Command) -> Command:
    """Give `command` an argument for the model and an option for every other knob of a scenario.

    The command receives them by name through its ``**settings``.
    """
    argument = _keyword(ARGUMENT, str, typer.Argument(help=_help(ARGUMENT), metavar="MODEL"), ...)
    options = [option(name) for name in knobs() if name != ARGUMENT]
    return with_parameters(command, [argument, *options])


def with_parameters(command: Command, made: Iterable[inspect.Parameter]) -> Command:
    """Put parameters before the command's own; it receives them through its ``**settings``."""
    own = inspect.signature(command).parameters.values()
    named = [item for item in own if item.kind is not inspect.Parameter.VAR_KEYWORD]
    command.__signature__ = inspect.Signature([*made, *named])  # type: ignore[attr-defined]
    return command


def option(name: str, of: Knobs = Scenario) -> inspect.Parameter:
    """Return a knob of a class as a command's option."""
    knob, flag = of.param[name], f"--{name.replace('_', '-')}"
    if isinstance(knob, param.Boolean):
        flags = f"{flag}/--no-{flag[2:]}"
        return _keyword(name, bool, typer.Option(flags, help=knob.doc), knob.default)
    declared = typer.Option(
        flag, help=_help(name, of), metavar=_metavar(knob), parser=_reader(knob, of)
    )
    return _keyword(name, str, declared, knob.default)


def _help(name: str, of: Knobs = Scenario) -> str:
    knob = of.param[name]
    return f"{knob.doc}; {expected(name, of)}" if isinstance(knob, param.Number) else knob.doc


def _keyword(name: str, kind: type, declared: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is ... else default,
        annotation=Annotated[kind, declared],
    )


def _reader(knob: param.Parameter, of: Knobs) -> Callable[[Any], Any]:
    def read_option(value: Any) -> Any:
        try:
            return read(knob.name, value, of)
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
