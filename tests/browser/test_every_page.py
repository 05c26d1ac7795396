"""Every page in a browser: all of its components are drawn, and nothing is said in the console."""

import pytest
from playwright.sync_api import Page, expect

from kvviz.pages import pages

DRAWN = """() => {
  const views = [...Bokeh.index.query((view) => view.model.esm)]
  return views.length > 2 && views.every((view) => view.container?.childElementCount)
}"""


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", pages())
def test_every_component_of_a_page_is_drawn(page: Page, site: str, name: str, theme: str):
    page.goto(f"{site}/{name}?theme={theme}", timeout=60_000)
    page.wait_for_function(DRAWN, timeout=60_000)
    other = {"dark": "Light theme", "light": "Dark theme"}[theme]
    page.get_by_role("button", name=other).click()
    expect(page.get_by_role("button", name=other)).to_be_hidden(timeout=60_000)


def test_a_component_that_fails_says_in_which_module(page: Page, site: str, wrong: list[str]):
    traces: list[str] = []
    page.on("pageerror", lambda error: traces.append(error.stack or ""))
    page.goto(f"{site}/paging", timeout=60_000)
    page.wait_for_function(DRAWN, timeout=60_000)
    page.evaluate("document.dispatchEvent(new CustomEvent('kvviz:command', {detail: null}))")
    assert "kvviz/kit/js/theme.linked.js:" in traces[0]
    wrong.clear()
