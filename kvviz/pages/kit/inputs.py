"""Inputs of a scenario's settings, as its own declarations say."""

from collections.abc import Iterable
from typing import Any

from kvviz.engines.planning import in_force
from kvviz.memory.kinds import SETTING
from kvviz.pages.kit.components import Knob
from kvviz.pages.kit.html import short
from kvviz.settings.knobs import read
from kvviz.settings.scenario import Scenario

RATES = ("mfu", "mbu")  # known of the GPU until they are set


def bound(scenario: Scenario, name: str, kind: str, options: Iterable[Any] = ()) -> Knob:
    """Return an input of its own that follows and sets the scenario's `name`.

    Args:
        scenario: whose setting it is.
        name: the setting.
        kind: of the `Knob`.
        options: the values to choose from.
    """
    value, choices = in_force(scenario, name), [spelled(option) for option in options]
    declared = scenario.param[name]
    knob = Knob(kind=kind, label=declared.label, value=value, options=choices)
    knob.hint = hint(scenario, name)
    knob.param.watch(lambda event: scenario.param.update(**change(name, event.new)), "value")
    scenario.param.watch(lambda event: knob.param.update(value=event.new), name)
    return knob


def change(name: str, value: Any) -> dict[str, Any]:
    """Return the settings that an input changes: another engine begins with its own defaults.

    Raises:
        KnobError: the setting takes no such value.
    """
    setting = read(name, value)
    if name == "mode":
        return {name: setting, "engine_version": None, "utilization": None}
    return {name: setting}


def hint(scenario: Scenario, name: str) -> str:
    """Say how a setting's number is known, and what it is."""
    meaning = scenario.param[name].doc
    if name in RATES:
        known = scenario.efficiency
        return f"{known.kind}: {known.source}; {meaning}"
    return f"{SETTING}: {meaning}"


def spelled(option: Any) -> list[Any]:
    """Return a value to choose with its text: of a name what follows its owner's."""
    if isinstance(option, str):
        return [option, short(option)]
    return [option, f"{option:,}"]
