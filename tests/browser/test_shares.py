"""Shares in the browser: all or nothing only where they are, spelled as Python spells them."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from kvviz.memory import estimate
from kvviz.pages.kit.linker import linked
from kvviz.units import share
from tests.browser.hbm_page import HbmPage

SHARES = [0, 1e-17, 1e-9, 0.0004, 0.004, 0.5, 0.9949, 0.996, 0.9994, 0.9999, 1 - 1e-9, 1, 1.0002]
SPELL = """async ([code, unit, shares]) => {
  const {SPELL} = await import(URL.createObjectURL(new Blob([code], {type: "text/javascript"})))
  return shares.map(SPELL[unit])
}"""


def spelled(page: Page, unit: str) -> list[str]:
    return page.evaluate(SPELL, [linked("kit/js/numbers.js"), unit, SHARES])


def test_the_browser_spells_shares_as_python_does(page: Page):
    assert spelled(page, "percent") == [share(part) for part in SHARES]
    assert spelled(page, "percent0") == [share(part, 0) for part in SHARES]
    falls = [share(-part, 0).replace("-", "−") for part in SHARES]
    assert spelled(page, "fall") == falls


def test_an_efficiency_just_below_all_is_not_all(visit: Callable[..., HbmPage]):
    hbm = visit("?batch=1&context=20009&run_length=32768", reduced_motion="reduce")
    efficiency = estimate(hbm.scenario(batch=1, run_length=32_768)).efficiency
    assert 0.9995 < efficiency < 1
    told = hbm.page.locator(".info [data-live=efficiency]")
    expect(told).to_have_text("> 99.9%")
    hbm.close()
