"""What links to the Explore page carry, and the link that opens the chosen pair on the HBM page."""

from typing import Final
from urllib.parse import urlencode

from kvviz.pages import find_page
from kvviz.pages.explore.session import EXPLORE_DEFAULTS, WORKLOAD, ExploreSession
from kvviz.pages.kit.html import many
from kvviz.pages.kit.link import CATALOG, Carried, Given, Link
from kvviz.settings.knobs import KnobError, cut
from kvviz.settings.scenario import Scenario, knobs

VIEW: Final = ("metric", "shown", "find_model", "find_gpu", "sort", "sort_gpus")
TAKEN: Final = (*(name for name in WORKLOAD if name in knobs()), "model", "gpu", "mfu", "mbu")
MOST_TEXT: Final = 200  # characters of a search that a link may carry
MOST_BATCH: Final = Scenario.param.batch.bounds[1]


def _search(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise KnobError(f"got {cut(text)}, expected at most {MOST_TEXT} characters")
    return text


LINK: Final = Link(
    Carried(
        *(Scenario, "scenario", TAKEN, EXPLORE_DEFAULTS),
        find=CATALOG,
        private={"model": lambda scenario: scenario.own_models},
    ),
    Carried(ExploreSession, "", VIEW, find=dict.fromkeys(("find_model", "find_gpu"), _search)),
)


def opened(given: Given) -> ExploreSession:
    """Return the session that a link asks for, its `problem` naming what is not valid."""
    scenario = Scenario(**{**EXPLORE_DEFAULTS, **given.of(Scenario)})
    return ExploreSession(scenario=scenario, **given.of(ExploreSession), **given.visit)


def hbm_link(workload: Scenario, sequences: int) -> str:
    """Return a link that opens the HBM page on the chosen pair with so many sequences."""
    if workload.model in workload.own_models:
        return '<p class="open">To open your own model in HBM, drop its config.json there.</p>'
    batch = max(1, min(sequences, MOST_BATCH))
    counted = workload.replaced(batch=batch, run_length=workload.context)  # as they were counted
    query = find_page("hbm").link.of(Scenario).query(counted)
    text, title = f"Open in HBM with {many(batch, 'sequence')}", "the same scenario, page by page"
    return f'<a class="open" href="hbm?{urlencode(query)}" title="{title}">{text}</a>'
