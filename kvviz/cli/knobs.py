"""Command-line options made from the declarations of knobs."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Annotated, Any

import param
import typer

from kvviz.choices import choices
from kvviz.settings.knobs import RENAMED, KnobError, expected, read
from kvviz.settings.parameters import Named, VersionKnob
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
    """Put parameters before the command's own; it receives them through its ``**settings``.

    An option's old name still works, and says the new one.
    """
    own = inspect.signature(command).parameters.values()
    named = [item for item in own if item.kind is not inspect.Parameter.VAR_KEYWORD]
    made = list(made)
    declared = {item.name: item for item in made}
    old = {before: now for before, now in RENAMED.items() if now in declared}

    @wraps(command)
    def run(**given: Any) -> None:
        for before, now in old.items():
            value = given.pop(before)
            if value is not None:
                typer.echo(f"kvviz: {_flag(before)} is now called {_flag(now)}", err=True)
                given[now] = value
        command(**given)

    hidden = [
        _hidden(before, next(i for i in made if i.name == now)) for before, now in old.items()
    ]
    run.__signature__ = inspect.Signature([*made, *named, *hidden])  # type: ignore[attr-defined]
    return run


def is_given(invocation: typer.Context, name: str) -> bool:
    """Return whether an option was given, not left to its default."""
    source = invocation.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _hidden(name: str, now: inspect.Parameter) -> inspect.Parameter:
    """Return an option under its old name, which help does not list."""
    declared = now.annotation.__metadata__[0]
    again = typer.Option(_flag(name), hidden=True, parser=declared.parser)
    return _keyword(name, str, again, None)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def option(name: str, of: Knobs = Scenario) -> inspect.Parameter:
    """Return a knob of a class as a command's option."""
    knob, flag = of.param[name], _flag(name)
    if isinstance(knob, param.Boolean):
        flags = f"{flag}/--no-{flag[2:]}"
        kind = bool | None if knob.allow_None else bool
        return _keyword(name, kind, typer.Option(flags, help=knob.doc), knob.default)
    declared = typer.Option(
        flag, help=_help(name, of), metavar=_metavar(knob), parser=_reader(knob, of)
    )
    return _keyword(name, str, declared, knob.default)


def _help(name: str, of: Knobs = Scenario) -> str:
    knob = of.param[name]
    return f"{knob.doc}; {expected(name, of)}" if isinstance(knob, param.Number) else knob.doc


def _keyword(name: str, kind: Any, declared: Any, default: Any) -> inspect.Parameter:
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
    if isinstance(knob, param.Selector | Named):
        return "|".join(choices(knob) if isinstance(knob, Named) else knob.objects)
    if isinstance(knob, param.Integer):
        return "INTEGER"
    if isinstance(knob, VersionKnob):
        return "VERSION"
    return "NUMBER" if isinstance(knob, param.Number) else "NAME"
