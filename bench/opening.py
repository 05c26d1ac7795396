"""How long a page takes from the address to its first paint and its first movement."""

from statistics import median
from typing import Any

from playwright.sync_api import Browser

from bench.browser import opened, script
from bench.effort import Effort, turns
from bench.site import Site

PAINTED = '() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime'
ANIMATED = "() => window.benchAnimated"
SEEN = {"hbm": {"paint": PAINTED, "animation": ANIMATED}, "empty": {"paint": PAINTED}}


def opening(browser: Browser, site: Site, effort: Effort) -> list[dict[str, Any]]:
    """Return the medians in ms of both pages, opened in turns; ratios to the empty page's paint."""
    runs: dict[tuple[str, str], list[float]] = {}
    for _ in turns(effort.openings, effort.opening_seconds):
        for name in SEEN:
            for seen, took in _opened(browser, site, name).items():
                runs.setdefault((name, seen), []).append(took)
    empty = median(runs["empty", "paint"])
    return [
        {
            "page": name,
            "first": seen,
            "openings": len(took),
            "median_ms": median(took),
            "min_ms": min(took),
            "max_ms": max(took),
            "times_empty": median(took) / empty,
        }
        for (name, seen), took in runs.items()
    ]


def _opened(browser: Browser, site: Site, name: str) -> dict[str, float]:
    with opened(browser, f"{site.address}/{name}", before=script("watch")) as page:
        return {
            seen: float(page.wait_for_function(when).json_value())
            for seen, when in SEEN[name].items()
        }
