"""The whole state in a URL: what a link opens with, and what of it was not valid."""

from collections.abc import Iterable
from typing import Any

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.shipped import find_model
from kvviz.catalog.names import UnknownName
from kvviz.engines.registry import find_engine
from kvviz.memory.report import check
from kvviz.pages.hbm.session import PAGE_DEFAULTS, Session
from kvviz.pages.kit.link import read_theme
from kvviz.settings.knobs import from_query, to_query
from kvviz.settings.scenario import RUN_FACTOR, Scenario, ScenarioError


def open_link(pairs: Iterable[tuple[str, str]]) -> Session:
    """Return the session that a link's query asks for, its `problem` naming what is not valid."""
    query = dict(pairs)
    theme, problems = read_theme(query)
    settings, invalid = from_query(query.items())
    problems += invalid
    for name, find in (("model", find_model), ("gpu", find_gpu), ("mode", find_engine)):
        try:
            settings |= {name: find(settings[name]).name} if name in settings else {}
        except UnknownName as unknown:
            problems.append(str(unknown))
            del settings[name]
    scenario, contradictions = _scenario(settings)
    problems += contradictions
    session = Session(scenario=scenario, theme=theme)
    # Of some settings nothing can be drawn, and here is no earlier picture to keep.
    if session.report is None:
        problems.append(f"The link cannot be drawn: {session.problem}.")
        session = Session(theme=theme)
    session.problem = " ".join(problems)
    return session


def _scenario(settings: dict[str, Any]) -> tuple[Scenario, list[str]]:
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


def link(session: Session) -> dict[str, str]:
    """Return the query of a link to the session: all that differs from a plain visit.

    An uploaded model stays with its visitor: a link cannot carry it.
    """
    query = to_query(session.scenario, PAGE_DEFAULTS)
    if session.scenario.model in session.scenario.own_models:
        del query["model"]
    return query
