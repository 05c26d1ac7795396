"""The controls that the benchmark turns, and how long the page takes to show what they change."""

from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from bench.browser import PLAYING, opened, script
from bench.effort import Effort, turns
from bench.scenes import scene
from bench.site import Site
from kvviz.pages.hbm.toggles import TOGGLES

SWITCHES = [toggle.label for toggle in TOGGLES.values()]
SLIDER = "Batch"
PAUSE_MS = 150  # between two changes


def link_query(name: str) -> str:
    """Return the query of a scene, of the plain page for ``default``."""
    return "" if name == "default" else scene(name).query


def switch(page: Page, number: int) -> float:
    """Flip the switch whose turn it is; return the ms until the page shows it."""
    name = SWITCHES[number % len(SWITCHES)]
    return _painted(page, "switch", name, None)


def slide(page: Page, number: int) -> float:
    """Move the batch slider one step up, or the next time down; return the ms until it shows."""
    slider = page.get_by_role("slider", name=SLIDER).first
    value = int(slider.input_value()) + (-1 if number % 2 else 1)
    return _painted(page, "slider", SLIDER, str(value))


def _painted(page: Page, role: Any, name: str, value: str | None) -> float:
    control = page.get_by_role(role, name=name).first
    took = float(control.evaluate(script("painted"), value))
    page.wait_for_timeout(PAUSE_MS)
    return took


def answers(browser: Browser, site: Site, effort: Effort) -> list[dict[str, Any]]:
    """Return how long clicks and settings take to show, for the plain page and a large scene."""
    rows = []
    for name in effort.controlled:
        with opened(browser, f"{site.address}/hbm?{link_query(name)}") as page:
            page.wait_for_function(PLAYING)
            page.wait_for_timeout(PAUSE_MS)
            slides = [
                slide(page, turn) for turn in turns(effort.changes, effort.change_seconds / 4)
            ]
            flips = [switch(page, turn) for turn in turns(effort.changes, effort.change_seconds)]
        rows += [_row(name, "switch", flips), _row(name, "slider", slides)]
    return rows


def _row(name: str, control: str, took: list[float]) -> dict[str, Any]:
    middle, late = np.percentile(took, [50, 95])
    facts = {"scene": name, "control": control, "changes": len(took)}
    return {**facts, "p50_ms": float(middle), "p95_ms": float(late)}
