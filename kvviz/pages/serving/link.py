"""The serving page's state in a URL: what a link opens with, and what of it was not valid."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import param

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.shipped import find_model
from kvviz.catalog.names import UnknownName
from kvviz.pages.serving.load import TRACE, Load
from kvviz.pages.serving.session import (
    HARDWARE,
    PAGE_DEFAULTS,
    SERVING_DEFAULTS,
    ServingSession,
)
from kvviz.settings.knobs import KnobError, cut, read
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving, serving_knobs
from kvviz.sim.policies import find_policy

LOAD: Final = tuple(name for name in Load.param if name != "name")
VIEW: Final = ("against", "theme", "follow", "at")
HOMES: Final[dict[str, type[param.Parameterized]]] = {
    **dict.fromkeys(HARDWARE, Scenario),
    **dict.fromkeys(serving_knobs(), Serving),
    **dict.fromkeys(LOAD, Load),
    **dict.fromkeys(VIEW, ServingSession),
}
UNSET: Final = "auto"


def open_link(pairs: Iterable[tuple[str, str]]) -> ServingSession:
    """Return the session that a link's query asks for, its `problem` naming what is not valid."""
    settings: dict[str, Any] = {}
    problems: list[str] = []
    for name, text in pairs:
        try:
            settings[name] = _value(name, text)
        except (KnobError, UnknownName) as error:
            problems.append(str(error))
    given = {home: _of(settings, home) for home in set(HOMES.values())}
    hardware = {"mode": PAGE_DEFAULTS["mode"]} | given[Scenario]
    scenario, serving = Scenario(**hardware), Serving(**SERVING_DEFAULTS | given[Serving])
    load, view = Load(**given[Load]), given[ServingSession]
    session = ServingSession(scenario=scenario, serving=serving, load=load, **view)
    if session.runs is None:
        problems.append(f"The link's settings cannot be served: {session.problem}")
        session = ServingSession(theme=session.theme)
    session.problem = " ".join(problems)
    return session


def _value(name: str, text: str) -> Any:
    """Return what a pair of a link means; raises `KnobError` or `UnknownName`."""
    if name not in HOMES:
        raise KnobError(f"{cut(name)} in the link is no setting.")
    if text == UNSET and HOMES[name].param[name].allow_None:
        return None
    try:
        value = read(name, text, HOMES[name])
    except KnobError as error:
        raise KnobError(f"{name} in the link: {error}.") from None
    if name == "policy":
        find_policy(value)
    if value == TRACE:
        raise KnobError("traffic in the link: a trace stays with its visitor.")
    if name == "model":
        return find_model(value).name
    return find_gpu(value).name if name == "gpu" else value


def _of(settings: Mapping[str, Any], home: type[param.Parameterized]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if HOMES[name] is home}


def link(session: ServingSession) -> dict[str, str]:
    """Return the query of a link to the session: all that differs from a plain visit.

    A trace stays with its visitor: a link cannot carry it.
    """
    parts = {Scenario: session.scenario, Serving: session.serving, Load: session.load}
    query = {"against": session.against}
    for name, home in HOMES.items():
        if home in parts:
            query[name] = _spelled(getattr(parts[home], name))
    usual = {
        name: _spelled(PAGE_DEFAULTS.get(name, HOMES[name].param[name].default)) for name in query
    }
    own = {"model": session.scenario.own_models, "traffic": (TRACE,)}
    return {
        name: text
        for name, text in query.items()
        if text != usual[name] and text not in own.get(name, ())
    }


def _spelled(value: Any) -> str:
    if value is None:
        return UNSET
    return str(value).lower() if isinstance(value, bool) else str(value)
