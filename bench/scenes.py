"""The scenes that are played, from few pages to many, and how many pages change along their run."""

from dataclasses import dataclass
from math import ceil
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import numpy as np

from kvviz.pages.hbm.page import PAGE
from kvviz.scene.hbm.places import scene_places, scene_raster

RUN_SECONDS = 20  # of play at speed 1, as the player has it
FRAMES_A_SECOND = 60
LEAST_CHANGED = 0.01  # share of the pages that a frame has to repaint to be counted
MARGIN = 1.4  # the run is not even: this much faster than the mean needs

QUERIES: Final[dict[str, dict[str, Any]]] = {
    "8k": {"gpu": "T4", "batch": 8, "weights_dtype": "fp8"},
    "40k": {"batch": 64},
    "128k": {"gpu": "B300 SXM", "batch": 64, "run_length": 32_768},
    "512k": {"gpu": "B300 SXM", "batch": 64, "run_length": 32_768, "block_size": 4},
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A scenario by its link, and its run as the core computes it.

    Args:
        name: about how many pages it has.
        query: of the link that opens it.
        pages: on one GPU.
        cells: that the pages are drawn as.
        end: context at which the run ends.
        when: context of each change of pages, ascending.
        changed: pages changed up to and with each of them.
    """

    name: str
    query: str
    pages: int
    cells: int
    end: float
    when: np.ndarray
    changed: np.ndarray

    def changed_between(self, before: float, after: float) -> int:
        """Return the pages that change from one context to another; a new run changes all."""
        if after < before:
            return self.pages
        first, last = np.searchsorted(self.when, [before, after], side="right")
        return int(self.changed[last] - self.changed[first])

    def speed(self) -> int:
        """Return the speed at which every frame of 1/60 s changes enough pages to be counted."""
        a_frame = self.changed_between(0, self.end) / self.pages / (RUN_SECONDS * FRAMES_A_SECOND)
        return max(1, ceil(MARGIN * LEAST_CHANGED / a_frame))


def scene(name: str) -> Scene:
    """Return the scene `name`, computed as the page computes it."""
    query = urlencode(QUERIES[name])
    session = PAGE.visit(parse_qsl(query))
    if session.problem:
        raise ValueError(f"scene {name}: {session.problem}")
    gpu, changes = session.scenario.the_gpu, session.timeline.changes
    sites = scene_places(gpu, session.pages)["figure"]["sites"]["left"]
    cells = scene_raster(gpu, session.pages).cells * len(sites)
    changed = np.concatenate([[0], np.cumsum(changes.pages, dtype=np.int64)])
    end = float(session.timeline.totals["when"][-1])
    return Scene(name, query, session.pages, cells, end, changes.when, changed)
