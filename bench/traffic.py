"""What goes over the websocket: nothing while a page plays, and the new record after a change."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page

from bench.browser import PLAYING, Traffic, opened
from bench.controls import link_query, slide, switch
from bench.effort import Effort
from bench.site import Site

MB = 1e6
SETTLE_MS = 1500
ROUND = 6  # three switches off and on again


def traffic(browser: Browser, site: Site, effort: Effort) -> list[dict[str, Any]]:
    """Return messages while playing and bytes a change, for the plain page and a large scene."""
    rows = []
    for name in effort.controlled:
        seen = Traffic()
        with opened(browser, f"{site.address}/hbm?{link_query(name)}", seen) as page:
            page.wait_for_function(PLAYING)
            page.wait_for_timeout(SETTLE_MS)
            still = _still(page, seen, effort.still_seconds)
            flips = [_bytes(page, seen, switch, number) for number in range(ROUND)]
            slides = [_bytes(page, seen, slide, number) for number in range(2)]
        rows.append({"scene": name, **still, **_sizes("switch", flips), **_sizes("slider", slides)})
    return rows


def _still(page: Page, seen: Traffic, seconds: float) -> dict[str, Any]:
    before = seen.received + seen.sent
    page.wait_for_timeout(1000 * seconds)
    return {"playing_seconds": seconds, "messages": seen.received + seen.sent - before}


def _bytes(page: Page, seen: Traffic, change: Callable[[Page, int], float], number: int) -> int:
    before = seen.received_bytes
    change(page, number)
    page.wait_for_timeout(300)
    return seen.received_bytes - before


def _sizes(control: str, sizes: list[int]) -> dict[str, float]:
    return {
        f"{control}_mean_mb": sum(sizes) / len(sizes) / MB,
        f"{control}_max_mb": max(sizes) / MB,
    }
