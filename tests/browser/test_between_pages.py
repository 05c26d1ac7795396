"""From page to page: the theme goes along in the link, and a phone has a select for the tabs."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kvviz.pages import pages
from tests.browser.conftest import watch

TABS = {page.name: page.tab for page in pages().values()}
Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}}
# Every theme that a page ever took, and whether there was anything to see by then.
NOTE_THEMES = """window.themes = []
new MutationObserver(() => themes.push([document.documentElement.dataset.theme, !!document.body]))
  .observe(document, {attributes: true, subtree: true, attributeFilter: ["data-theme"]})"""
PAST_EDGE = """() => [...document.querySelectorAll("header.top *")]
  .filter((part) => part.getBoundingClientRect().right > innerWidth).length"""
CUT = "(select) => select.scrollWidth > select.clientWidth"


@pytest.fixture
def open_page(browser: Browser, site: str, wrong: list[str]) -> Iterator[Open]:
    """Open a page of the site as a new visitor."""
    contexts = []

    def visit(path: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1600, "height": 950}, **options})
        contexts.append(context)
        context.add_init_script(NOTE_THEMES)
        page = watch(context.new_page(), wrong)
        page.set_default_timeout(15_000)
        page.goto(f"{site}/{path}")
        return page

    yield visit
    for context in contexts:
        context.close()


def check_light(page: Page) -> None:
    """Check that the server drew the page in light, and that it never was anything else."""
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    themes = page.evaluate("themes")
    assert themes[0] == ["light", False]
    assert {theme for theme, _ in themes} == {"light"}


def test_the_theme_goes_along_to_every_tab(open_page: Open):
    page = open_page("hbm")
    page.get_by_role("button", name="Light theme").click()
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    for name, label in [*list(TABS.items())[1:], ("hbm", "HBM")]:
        page.get_by_role("link", name=label, exact=True).click()
        expect(page).to_have_url(re.compile(rf"/{name}\?theme=light"))
        check_light(page)


def test_dark_again_is_dark_everywhere(open_page: Open):
    page = open_page("paging?theme=light")
    check_light(page)
    page.get_by_role("button", name="Dark theme").click()
    expect(page.get_by_role("button", name="Light theme")).to_be_visible()
    page.get_by_role("link", name="Accuracy").click()
    expect(page).to_have_url(re.compile("/accuracy$"))
    expect(page.get_by_role("button", name="Light theme")).to_be_visible()


def test_a_link_opened_by_key_or_beside_carries_the_theme(open_page: Open):
    page = open_page("paging")
    tab = page.get_by_role("link", name="Kernels")
    tab.focus()
    page.get_by_role("button", name="Light theme").dispatch_event("click")
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    with page.context.expect_page() as opened:
        tab.click(modifiers=["ControlOrMeta"])
    expect(opened.value).to_have_url(re.compile(r"/kernels\?theme=light"))
    opened.value.close()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/kernels\?theme=light"))
    check_light(page)


def test_the_pair_of_the_map_opens_in_the_theme_that_it_was_chosen_in(open_page: Open):
    page = open_page("explore?theme=light")
    page.locator("a.open").click()
    expect(page).to_have_url(re.compile(r"/hbm\?.*\bbatch=\d+.*&theme=light"))
    check_light(page)


@pytest.mark.parametrize("name", TABS)
def test_a_phone_has_a_select_for_the_tabs(open_page: Open, name: str):
    page = open_page(name, **PHONE)
    select = page.get_by_role("combobox", name="Page", exact=True)
    expect(select).to_have_value(name)
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.get_by_role("button", name="Light theme")).to_be_visible()
    assert page.evaluate(PAST_EDGE) == 0
    assert not select.evaluate(CUT)
    assert select.bounding_box()["height"] == 44


def test_the_select_opens_the_page_in_the_theme_and_is_right_after_back(open_page: Open):
    page = open_page("hbm?theme=light", **PHONE)
    select = page.get_by_role("combobox", name="Page", exact=True)
    offered = select.locator("option").all_inner_texts()
    assert offered == list(TABS.values())
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    select.select_option(label="Accuracy")
    expect(page).to_have_url(re.compile(r"/accuracy\?theme=light"))
    expect(select).to_have_value("accuracy")
    check_light(page)
    page.go_back()
    expect(page).to_have_url(re.compile("/hbm"))
    expect(select).to_have_value("hbm")


def test_wider_than_a_phone_there_are_tabs(open_page: Open):
    page = open_page("serving", viewport={"width": 768, "height": 1000})
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    expect(page.get_by_role("combobox", name="Page", exact=True)).to_be_hidden()
    assert page.locator("header.top nav").evaluate("(n) => n.scrollWidth <= n.clientWidth")
