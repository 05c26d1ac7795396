"""The input for an engine's version; its choices change with the engine."""

from typing import Any

from kvviz.engines.registry import find_engine
from kvviz.pages.kit.inputs import Knob, change, field, put, spelled
from kvviz.settings.knobs import NEWEST
from kvviz.settings.scenario import Scenario
from kvviz.settings.version import spelled as version_text


def version_texts(scenario: Scenario) -> dict[str, str]:
    """Return the versions to choose from, by value: the first of each range with the same rules.

    The newest comes first, then the chosen one if it is not listed. Empty without versions.
    """
    known = [version_text(each) for each in reversed(find_engine(scenario.mode).versions)]
    asked = scenario.engine_version
    between = [asked] if asked and asked not in known else []
    newest = {NEWEST: f"newest, {known[0]}"} if known else {}
    return newest | {each: each for each in (*between, *known)}


def version_knob(scenario: Scenario, kind: str, **look: Any) -> Knob:
    """Return an input for the engine's version, hidden if the engine has none."""
    told = field(scenario, "engine_version", kind) | look
    del told["name"]
    knob = Knob(**told)

    def follow(*_events: object) -> None:
        texts, asked = version_texts(scenario), scenario.engine_version or NEWEST
        knob.param.update(visible=bool(texts), options=spelled(texts), value=asked)

    def choose(event: Any) -> None:
        put(scenario, change(scenario, "engine_version", event.new))

    follow()
    knob.param.watch(choose, "value")
    scenario.param.watch(follow, ["mode", "engine_version"])
    return knob
