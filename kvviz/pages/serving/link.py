"""What links to the serving page carry, and the session that one opens."""

from typing import Final

from kvviz.pages.kit.link import CATALOG, Carried, Given, Link
from kvviz.pages.kit.session import PageSession
from kvviz.pages.serving.load import TRACE, Load
from kvviz.pages.serving.session import (
    HARDWARE,
    PAGE_DEFAULTS,
    SERVING_DEFAULTS,
    ServingSession,
)
from kvviz.settings.knobs import KnobError
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving, serving_knobs
from kvviz.sim.policies import find_policy

LOAD: Final = tuple(name for name in Load.param if name != "name")


def _policy(name: str) -> str:
    find_policy(name)
    return name


def _drawn(traffic: str) -> str:
    if traffic == TRACE:
        raise KnobError("a trace stays with its visitor")
    return traffic


LINK: Final = Link(
    Carried(
        *(Scenario, "scenario", HARDWARE, {"mode": PAGE_DEFAULTS["mode"]}),
        find=CATALOG,
        private={"model": lambda scenario: scenario.own_models},
    ),
    Carried(Serving, "serving", serving_knobs(), SERVING_DEFAULTS, find={"policy": _policy}),
    Carried(
        *(Load, "load", LOAD),
        find={"traffic": _drawn},
        private={"traffic": lambda _load: (TRACE,)},
    ),
    Carried(ServingSession, "", ("against",)),
    Carried(ServingSession, "", ("follow", "at"), written=False),
)


def opened(given: Given) -> ServingSession:
    """Return the session that a link asks for, its `problem` naming what is not valid."""
    problems = list(given.problems)
    session = ServingSession(
        scenario=Scenario(**{"mode": PAGE_DEFAULTS["mode"]} | given.of(Scenario)),
        serving=Serving(**SERVING_DEFAULTS | given.of(Serving)),
        load=Load(**given.of(Load)),
        **given.of(ServingSession, PageSession),
    )
    if session.runs is None:
        problems.append(f"The link's settings cannot be served: {session.problem}")
        session = ServingSession(theme=session.theme)
    session.problem = " ".join(problems)
    return session
