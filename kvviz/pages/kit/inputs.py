"""One setting as a native input: made from its declaration, bound to its value."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import param
from panel.io import hold

from kvviz.engines.planning import in_force
from kvviz.memory.kinds import SETTING
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.html import short
from kvviz.pages.kit.linker import linked
from kvviz.settings.knobs import read
from kvviz.settings.scenario import Scenario

Options = Iterable[Any] | Mapping[Any, str]
K = TypeVar("K", bound=param.Parameterized)


class Knob(Component):
    """One setting as a native input."""

    kind = param.Selector(
        default="slider",
        objects=["slider", "switch", "segment", "select", "pick", "search", "fold"],
    )
    label = param.String()
    value = param.Parameter()
    options = param.List(doc="[value, text] pairs")
    note = param.String(doc="HTML beneath a switch")
    hint = param.String(doc="what the setting is, shown on hover")

    _esm = linked("kit/js/knob.js")


def field(
    owner: param.Parameterized, name: str, kind: str, options: Options = (), hint: str = ""
) -> dict[str, Any]:
    """Return an input of the setting `name` as data, for a component that draws several.

    Args:
        owner: whose setting it is.
        name: the setting.
        kind: how it is drawn.
        options: the values to choose from, with their texts where they are called otherwise.
        hint: how its number is known and what it is, where that is not what is declared.
    """
    declared = owner.param[name]
    return {
        "kind": kind,
        "name": name,
        "label": declared.label,
        "hint": hint or (f"{SETTING}: {declared.doc}" if declared.doc else SETTING),
        "value": current(owner, name),
        "options": spelled(options),
    }


def bound(
    owner: param.Parameterized, name: str, kind: str, options: Options = (), **look: Any
) -> Knob:
    """Return an input that follows and sets the setting `name` of `owner`.

    Args:
        owner: whose setting it is.
        name: the setting.
        kind: of the `Knob`.
        options: the values to choose from, as for `field`.
        look: other parameters of the `Knob`.
    """
    told = field(owner, name, kind, options) | look
    del told["name"]
    return bind(Knob(**told), owner, name)


def slider(owner: param.Parameterized, name: str, steps: Iterable[Any], **look: Any) -> Knob:
    """Return a bound slider over `steps` and whatever value the setting has."""
    knob = bound(owner, name, "slider", stepped(steps, current(owner, name)), **look)

    def widen(event: Any) -> None:
        knob.options = spelled(stepped(steps, event.new))

    owner.param.watch(widen, name)
    return knob


def bind(knob: K, owner: param.Parameterized, name: str) -> K:
    """Let a component's value and the setting `name` of `owner` follow each other.

    A setting that is left to the engine stays so until another value than its default is chosen.
    """

    def choose(event: Any) -> None:
        if event.new != current(owner, name):
            put(owner, change(owner, name, event.new))

    knob.param.watch(choose, "value")
    owner.param.watch(lambda _event: knob.param.update(value=current(owner, name)), name)
    return knob


def put(owner: param.Parameterized, changes: Mapping[str, Any]) -> None:
    """Set settings of `owner`; all that follows from them goes to the browser in one message."""
    with hold():
        owner.param.update(**changes)


def current(owner: param.Parameterized, name: str) -> Any:
    """Return a setting's value, of a scenario's what is in force where it is left open."""
    return in_force(owner, name) if isinstance(owner, Scenario) else getattr(owner, name)


def change(owner: param.Parameterized, name: str, value: Any) -> dict[str, Any]:
    """Return the settings that an input changes: another engine begins with its own defaults.

    Raises:
        KnobError: a scenario's setting takes no such value.
    """
    if not isinstance(owner, Scenario):
        return {name: value}
    apart = {"engine_version": None, "utilization": None} if name == "mode" else {}
    return {name: read(name, value), **apart}


def stepped(steps: Iterable[Any], value: Any) -> list[Any]:
    """Return the steps and the value that is set, in order; what is left open comes last."""
    return sorted({*steps, value}, key=lambda step: (step is None, step or 0))


def spelled(options: Options) -> list[list[Any]]:
    """Return the [value, text] pairs of what there is to choose from."""
    if isinstance(options, Mapping):
        return [list(pair) for pair in options.items()]
    return [[option, spell(option)] for option in options]


def spell(option: Any) -> str:
    """Return what a value is called: a name without its owner, a number with its commas."""
    if option is None:
        return "auto"
    return short(option) if isinstance(option, str) else f"{option:,}".removesuffix(".0")
