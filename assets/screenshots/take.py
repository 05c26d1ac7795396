"""Take the screenshots beside this file: `python assets/screenshots/take.py`, run by hand."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.browser.conftest import launch_args, serving  # noqa: E402
from tests.browser.hbm_page import HbmPage  # noqa: E402

CONTEXT = 4096
DESKTOP, PHONE = {"width": 1600, "height": 950}, {"width": 390, "height": 844}
SHOTS = {
    "hbm.png": ("", DESKTOP),
    "hbm_light.png": ("?theme=light", DESKTOP),
    "hbm_several.png": ("?flash=false&paged=false&batching=static&reservation=max", DESKTOP),
    "hbm_phone.png": ("", PHONE),
}
PAGES = ("serving", "explore")
SETTLED = 4000  # milliseconds after which a page has drawn itself


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser that the tests use."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**launch_args())
        yield chromium
        chromium.close()


def take(chromium: Browser, site: str, name: str) -> Path:
    """Save one screenshot of the page standing still at `CONTEXT`."""
    query, viewport = SHOTS[name]
    context = chromium.new_context(viewport=viewport, reduced_motion="reduce")
    hbm = HbmPage(context.new_page(), site, query)
    assert hbm.row()["when"] == CONTEXT
    assert not hbm.state()["playing"]
    hbm.page.evaluate("document.fonts.ready")
    hbm.page.wait_for_timeout(500)  # the last plot has drawn itself
    hbm.page.screenshot(path=HERE / name)
    context.close()
    return HERE / name


def take_page(chromium: Browser, site: str, name: str) -> Path:
    """Save one screenshot of another page as it opens, standing still."""
    context = chromium.new_context(viewport=DESKTOP, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{site}/{name}")
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=HERE / f"{name}.png")
    context.close()
    return HERE / f"{name}.png"


def main() -> None:
    """Take them all, and say how large each is."""
    with serving() as site, browser() as chromium:
        taken = [take(chromium, site, name) for name in SHOTS]
        taken += [take_page(chromium, site, name) for name in PAGES]
        for path in taken:
            print(f"{path.name}: {path.stat().st_size / 1024:,.0f} KiB")


if __name__ == "__main__":
    main()
