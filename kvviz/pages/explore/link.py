"""The page's state in a URL, and the link that opens the chosen pair on the HBM page."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.shipped import find_model
from kvviz.catalog.names import UnknownName
from kvviz.pages.explore.session import EXPLORE_DEFAULTS, WORKLOAD, ExploreSession
from kvviz.pages.hbm.session import PAGE_DEFAULTS
from kvviz.pages.kit.html import many
from kvviz.settings.knobs import cut, from_query, to_query
from kvviz.settings.scenario import Scenario

VIEW: Final = ("metric", "shown", "find_model", "find_gpu", "sort", "sort_gpus", "theme")
TAKEN: Final = (*WORKLOAD, "model", "gpu", "mfu", "mbu")
MOST_TEXT: Final = 200  # characters of a search that a link may carry
MOST_BATCH: Final = Scenario.param.batch.bounds[1]


def open_link(pairs: Iterable[tuple[str, str]]) -> ExploreSession:
    """Return the session that a link's query asks for, its `problem` naming what is not valid."""
    query, view, problems = dict(pairs), {}, []
    for name in VIEW:
        if name not in query:
            continue
        text, known = query.pop(name), getattr(ExploreSession.param[name], "objects", None)
        if known is not None and text not in known:
            problems.append(f"{name} in the link: got {cut(text)}, expected {', '.join(known)}.")
        else:
            view[name] = text[:MOST_TEXT]
    settings, wrong = from_query(query.items())
    for name in [name for name in settings if name not in TAKEN]:
        problems.append(f"{name} in the link is no setting of this page.")
        del settings[name]
    for name, find in (("model", find_model), ("gpu", find_gpu)):
        try:
            settings |= {name: find(settings[name]).name} if name in settings else {}
        except UnknownName as unknown:
            problems.append(str(unknown))
            del settings[name]
    scenario = Scenario(**{**EXPLORE_DEFAULTS, **settings})
    return ExploreSession(scenario=scenario, problem=" ".join(problems + wrong), **view)


def link(session: ExploreSession) -> dict[str, str]:
    """Return the query of a link to the session: all that differs from a plain visit."""
    query = to_query(session.scenario, EXPLORE_DEFAULTS)
    if session.scenario.model in session.scenario.own_models:
        del query["model"]  # an uploaded model stays with its visitor
    view = {name: getattr(session, name) for name in VIEW if name != "theme"}
    usual = {name: ExploreSession.param[name].default for name in view}
    return query | {name: value for name, value in view.items() if value != usual[name]}


def hbm_link(workload: Scenario, sequences: int) -> str:
    """Return a link that opens the HBM page on the chosen pair with so many sequences."""
    if workload.model in workload.own_models:
        return '<p class="open">A model of your own opens in HBM by its config.json there.</p>'
    batch = max(1, min(sequences, MOST_BATCH))
    there = workload.replaced(batch=batch)
    text, title = f"Open in HBM with {many(batch, 'sequence')}", "the same scenario, page by page"
    query: dict[str, Any] = to_query(there, PAGE_DEFAULTS)
    return f'<a class="open" href="hbm?{urlencode(query)}" title="{title}">{text}</a>'
