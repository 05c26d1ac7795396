"""The drawer of explanations and the card of facts, on a page of their own."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

APP = """
import panel as pn
from panel.template import Template
from kvviz.scene.theme import DARK
from kvviz.pages.hbm.did_you_know import did_you_know
from kvviz.pages.hbm.page import areas
from kvviz.pages.hbm.session import Session

pn.extension()
session = Session()
page = Template('''{% extends base %}
{% block contents %}<style>:root { {{ dark }} } body { margin: 0; background: var(--bg) }</style>
<div style="width: 296px">{{ embed(roots.about) }}{{ embed(roots.fact) }}</div>{% endblock %}''')
page.add_variable("dark", DARK.css())
page.add_panel("about", areas(session).tools["about"])
page.add_panel("fact", did_you_know(session))
page.servable()
"""
SAY = """([name, detail]) => {
  document.kvviz = {...document.kvviz, [name]: detail}
  document.dispatchEvent(new CustomEvent("kvviz:" + name, {detail}))
}"""
ROW = {"when": 1234, "total": 2**31, "efficiency": 0.5}
TURN_MS = 12_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app: Path = tmp_path_factory.mktemp("about") / "texts.py"
    app.write_text(APP)
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(app), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            yield answering(f"http://localhost:{port}/texts")
        finally:
            server.terminate()


def answering(address: str, tries: int = 300) -> str:
    """Return `address` once something answers there."""
    for _ in range(tries):
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return address
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(address)


@pytest.fixture
def texts(page: Page, address: str) -> Page:
    """The page, its clock in the test's hands."""
    page.set_default_timeout(10_000)
    page.clock.install()
    page.goto(address)
    expect(fact(page)).to_be_visible()
    return page


def fact(page: Page) -> Locator:
    return page.locator(".fact button")


def opened(page: Page) -> Locator:
    page.get_by_role("button", name="About this picture").click()
    dialog = page.get_by_role("dialog", name="About this picture")
    expect(dialog).to_be_visible()
    return dialog


def play(page: Page, on: bool) -> None:
    page.evaluate(SAY, ["state", {"playing": on}])


@pytest.mark.parametrize("way", ["Escape", "cross", "beside"])
def test_the_drawer_closes_and_gives_the_focus_back(texts: Page, way: str):
    dialog = opened(texts)
    if way == "Escape":
        texts.keyboard.press("Escape")
    elif way == "cross":
        dialog.get_by_role("button", name="Close").click()
    else:
        texts.mouse.click(300, 500)
    expect(dialog).to_be_hidden()
    expect(texts.get_by_role("button", name="About this picture")).to_be_focused()


def test_a_click_inside_leaves_the_drawer_open(texts: Page):
    dialog = opened(texts)
    dialog.get_by_role("heading", name="Causal attention").click()
    expect(dialog).to_be_visible()


def test_the_drawer_stands_at_the_right_over_the_full_height(texts: Page):
    box = opened(texts).bounding_box()
    assert box == {"x": 1600 - 420, "y": 0, "width": 420, "height": 950}
    texts.set_viewport_size({"width": 390, "height": 844})
    assert texts.get_by_role("dialog").bounding_box() == {
        "x": 0,
        "y": 0,
        "width": 390,
        "height": 844,
    }


@pytest.mark.parametrize("width", [1600, 390])
def test_no_text_is_cut_or_small(texts: Page, width: int):
    texts.set_viewport_size({"width": width, "height": 844})
    dialog = opened(texts)
    assert not dialog.evaluate("""dialog => [...dialog.querySelectorAll(".texts *")]
      .filter((e) => e.getBoundingClientRect().right > innerWidth
        || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline"
        || parseFloat(getComputedStyle(e).fontSize) < 13).map((e) => e.outerHTML)""")


def test_the_numbers_follow_the_playhead(texts: Page):
    texts.evaluate(SAY, ["row", ROW])
    dialog = opened(texts)
    expect(dialog).to_contain_text("at 1,234 tokens: 2.00 GiB")
    texts.evaluate(SAY, ["row", {**ROW, "when": 2345}])
    expect(dialog).to_contain_text("at 2,345 tokens: 2.00 GiB")


def test_keys_in_the_drawer_do_not_reach_the_player(texts: Page):
    texts.evaluate("document.addEventListener('keydown', (e) => { window.pressed = e.key })")
    opened(texts)
    texts.keyboard.press("ArrowDown")
    assert texts.evaluate("window.pressed") is None


def test_a_fact_shows_its_source_and_gives_way_to_the_next(texts: Page):
    first = fact(texts).inner_text()
    assert "computed: " in first
    fact(texts).click()
    second = fact(texts).inner_text()
    assert "arXiv" in second
    assert second != first
    fact(texts).press("Enter")
    assert fact(texts).inner_text() not in (first, second)


def test_facts_turn_while_playing_and_stand_still_when_paused(texts: Page):
    first = fact(texts).inner_text()
    texts.clock.fast_forward(2 * TURN_MS)
    assert fact(texts).inner_text() == first
    play(texts, True)
    texts.clock.fast_forward(TURN_MS + 100)
    second = fact(texts).inner_text()
    assert second != first
    play(texts, False)
    texts.clock.fast_forward(2 * TURN_MS)
    assert fact(texts).inner_text() == second


def test_facts_do_not_turn_where_less_motion_is_asked_for(texts: Page):
    texts.emulate_media(reduced_motion="reduce")
    first = fact(texts).inner_text()
    play(texts, True)
    texts.clock.fast_forward(2 * TURN_MS)
    assert fact(texts).inner_text() == first


def test_the_card_hides_where_it_would_hang_out_of_the_window(texts: Page):
    texts.set_viewport_size({"width": 1600, "height": 80})
    expect(fact(texts)).to_be_hidden()
    texts.set_viewport_size({"width": 1400, "height": 80})
    expect(fact(texts)).to_be_visible()
    texts.set_viewport_size({"width": 1600, "height": 950})
    expect(fact(texts)).to_be_visible()
