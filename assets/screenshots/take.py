"""Take the screenshots beside this file: `python assets/screenshots/take.py`, run by hand."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "tests" / "browser")]

from conftest import launch_args, serving  # noqa: E402
from hbm_page import HbmPage  # noqa: E402

CONTEXT = 4096
DESKTOP, PHONE = {"width": 1600, "height": 950}, {"width": 390, "height": 844}
SHOTS = {
    "hbm.png": ("", DESKTOP),
    "hbm_light.png": ("?theme=light", DESKTOP),
    "hbm_several.png": ("?flash=false&paged=false&batching=static&reservation=max", DESKTOP),
    "hbm_phone.png": ("", PHONE),
}


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


def main() -> None:
    """Take them all, and say how large each is."""
    with serving() as site, browser() as chromium:
        for name in SHOTS:
            path = take(chromium, site, name)
            print(f"{path.name}: {path.stat().st_size / 1024:,.0f} KiB")


if __name__ == "__main__":
    main()
