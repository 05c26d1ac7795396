"""What links to the HBM page carry, and the session that one opens."""

from collections.abc import Mapping
from typing import Any, Final

from kvviz.memory.report import check
from kvviz.pages.hbm.session import PAGE_DEFAULTS, Session
from kvviz.pages.kit.link import CATALOG, Carried, Given, Link
from kvviz.pages.kit.session import PageSession
from kvviz.settings.scenario import RUN_FACTOR, Scenario, ScenarioError, knobs

LINK: Final = Link(
    Carried(
        *(Scenario, "scenario", knobs(), PAGE_DEFAULTS),
        find=CATALOG,
        private={"model": lambda scenario: scenario.own_models},
    )
)


def opened(given: Given) -> Session:
    """Return the session that a link asks for, its `problem` naming what is not valid."""
    scenario, contradictions = _scenario(given.of(Scenario))
    problems = [*given.problems, *contradictions]
    session = Session(scenario=scenario, **given.of(PageSession))
    # Of some settings nothing can be drawn, and here is no earlier picture to keep.
    if session.report is None:
        problems.append(f"The link cannot be drawn: {session.problem}.")
        session = Session(theme=session.theme)
    session.problem = " ".join(problems)
    return session


def _scenario(settings: Mapping[str, Any]) -> tuple[Scenario, list[str]]:
    """Return the scenario, or the usual one and the reason where the settings contradict."""
    asked = Scenario(**{**PAGE_DEFAULTS, **settings})
    if "run_length" not in settings:
        usual = PAGE_DEFAULTS["run_length"]
        run = usual if asked.context <= usual else RUN_FACTOR * asked.context
        asked.run_length = min(run, asked.max_model_len)
    try:
        check(asked)
    except ScenarioError as error:
        return Scenario(**PAGE_DEFAULTS), [f"The link's settings contradict each other: {error}."]
    return asked, []
