"""What viewers who watch a page play cost the server: processor time and memory."""

import time
from typing import Any

from playwright.sync_api import Browser, Page

from bench.browser import PLAYING, opened
from bench.effort import Effort
from bench.site import PRODUCT, Site, serving
from bench.viewers import Crowd

SETTLE_SECONDS = 2
MB = 1e6


def server(browser: Browser, effort: Effort) -> list[dict[str, Any]]:
    """Return a row for each size of the crowd, of whom one is a real browser."""
    with serving(PRODUCT) as site, opened(browser, f"{site.address}/hbm") as page:
        page.wait_for_function(PLAYING)
        deadline = time.monotonic() + effort.coming_seconds
        with Crowd(site.address, "hbm") as crowd:
            rows = [_grown(site, crowd, page, size, deadline, effort) for size in effort.crowds]
    for row in rows:
        row["mb_a_viewer"] = _more(rows[0], row)
    return rows


def _grown(
    site: Site, crowd: Crowd, page: Page, size: int, deadline: float, effort: Effort
) -> dict[str, Any]:
    before, worked = len(crowd), site.cpu_seconds()
    crowd.grow(size - 1, deadline + effort.crowd_seconds * effort.crowds.index(size))
    came = len(crowd) - before
    opening = 1000 * (site.cpu_seconds() - worked) / came if came else None
    page.wait_for_timeout(1000 * SETTLE_SECONDS)
    watched = _watched(site, crowd, page, effort.crowd_seconds)
    return {"wanted": size, "viewers": len(crowd) + 1, "cpu_ms_to_open": opening, **watched}


def _watched(site: Site, crowd: Crowd, page: Page, seconds: float) -> dict[str, float]:
    messages, worked, start = crowd.messages, site.cpu_seconds(), time.monotonic()
    page.wait_for_timeout(1000 * seconds)
    lasted = time.monotonic() - start
    return {
        "cpu_percent": 100 * (site.cpu_seconds() - worked) / lasted,
        "messages": crowd.messages - messages,
        "rss_mb": site.rss_bytes() / MB,
    }


def _more(first: dict[str, Any], row: dict[str, Any]) -> float | None:
    """Return the memory that each viewer after the first adds."""
    more = row["viewers"] - first["viewers"]
    return (row["rss_mb"] - first["rss_mb"]) / more if more else None
