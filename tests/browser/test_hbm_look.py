"""How the page looks and reads: two themes, every screen, every name, and the coarse rasters."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.memory import estimate
from kvviz.scene.hbm.floorplan import floorplan
from kvviz.scene.hbm.raster import BAND, Cell, Raster, raster, site_pages
from kvviz.scene.theme import DARK, LIGHT, Theme
from kvviz.sim.workload.growth import growth
from kvviz.timeline import State
from tests.browser.hbm_page import HbmPage

Visit = Callable[..., HbmPage]
Box = dict[str, Any]

SCREENS = [(1600, 950), (1280, 720), (1920, 1080), (3840, 2160), (390, 844)]
CARDS = ".card, .banner, .scene, .ledger, .side .transport-bar, header.top"
HEADER = "header.top > :not(.end, .dock), header.top .end button, header.top .end label"
CONTROLS = "button, input, select, a[href], summary, [role=slider]"
PALETTE = """() => {
  const scene = Bokeh.documents[0].get_model_by_name("hbm")
  return scene.renderers.find((renderer) => renderer.name === "pages").glyph.color_mapper.palette
}"""
BOXES = """(elements) => elements.filter((element) => element.checkVisibility()).map((element) => {
  const {left, top, right, bottom} = element.getBoundingClientRect()
  const what = element.ariaLabel || element.textContent.trim().slice(0, 30) || element.className
  return {left, top, right, bottom, what: `${element.tagName} ${what}`}
})"""
DEEPEST = """() => {
  let element = document.activeElement
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
  return element?.kvvizNumber ?? -1
}"""
SMALL_TEXTS = """() => {
  const small = [], seen = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) seen(element.shadowRoot)
      const words = [...element.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE)
        .map((n) => n.textContent.trim()).join(" ").trim()
      const size = parseFloat(getComputedStyle(element).fontSize)
      if (words && size < 13 && element.checkVisibility()) small.push(`${words} at ${size} px`)
    }
  }
  seen(document.body)
  return small
}"""


@pytest.fixture(scope="module")
def shared(visit: Visit) -> HbmPage:
    """Return one page for all tests that change no setting."""
    return visit()


@pytest.fixture
def hbm(shared: HbmPage) -> HbmPage:
    """Return the shared page paused at 4,096, dark, on the usual screen."""
    show_on(shared, 1600, 950)
    shared.seek(4096)
    return shared


def show_on(hbm: HbmPage, width: int, height: int) -> None:
    """Resize the window, and wait until the scene has taken its new place."""
    hbm.page.set_viewport_size({"width": width, "height": height})
    hbm.page.wait_for_function(
        """width => new Promise((done) => {
          requestAnimationFrame(() => requestAnimationFrame(() => done(innerWidth === width)))
        })""",
        arg=width,
    )


def boxes(hbm: HbmPage, selector: str) -> list[Box]:
    return hbm.page.locator(selector).evaluate_all(BOXES)


def overlaps(found: list[Box]) -> list[tuple[str, str]]:
    """Return the pairs that overlap by more than a pixel, where neither lies inside the other."""
    return [
        (a["what"], b["what"])
        for a, b in combinations(found, 2)
        if overlapping(a, b) and not inside(a, b) and not inside(b, a)
    ]


def overlapping(a: Box, b: Box) -> bool:
    across = min(a["right"], b["right"]) - max(a["left"], b["left"])
    down = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
    return across > 1 and down > 1


def inside(a: Box, b: Box) -> bool:
    return (
        a["left"] >= b["left"] - 1
        and a["right"] <= b["right"] + 1
        and a["top"] >= b["top"] - 1
        and a["bottom"] <= b["bottom"] + 1
    )


def test_the_page_has_a_title(hbm: HbmPage):
    expect(hbm.page).to_have_title("kvviz: where every byte of GPU memory goes")
    assert hbm.page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: "x".join(map(str, screen)))
def test_nothing_overlaps_or_scrolls_sideways(hbm: HbmPage, screen: tuple[int, int]):
    show_on(hbm, *screen)
    wide = hbm.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    cards = boxes(hbm, CARDS)
    assert len(cards) >= 6
    assert overlaps(cards) == []
    phone = screen[0] < 900  # there the dock lies at the foot of the window
    header = boxes(hbm, HEADER if phone else f"{HEADER}, .dock")
    assert overlaps(header) == []
    assert all(box["left"] >= 0 and box["right"] <= screen[0] for box in cards + header)
    assert all(box["top"] >= 0 and box["bottom"] <= 60 for box in header)
    if phone:
        assert [round(box["bottom"]) for box in boxes(hbm, ".dock")] == [screen[1]]


def check_theme(hbm: HbmPage, theme: Theme) -> None:
    hbm.page.wait_for_function(
        "card => getComputedStyle(document.documentElement).getPropertyValue('--card') === card",
        arg=theme.card,
    )
    background = hbm.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == f"rgb{rgb(theme.bg)}"
    hbm.page.wait_for_function(f"wanted => ({PALETTE})()[1] === wanted", arg=theme.weights1)
    assert hbm.page.evaluate(PALETTE) == theme.page_palette()


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def test_the_theme_button_switches_colours_and_rasters(hbm: HbmPage):
    images = hbm.images()
    check_theme(hbm, DARK)
    hbm.page.get_by_role("button", name="Light theme").click()
    check_theme(hbm, LIGHT)
    assert hbm.images() == images
    hbm.page.get_by_role("button", name="Dark theme").click()
    check_theme(hbm, DARK)


def unnamed(hbm: HbmPage) -> list[str]:
    """Return the roles of controls and pictures that a screen reader could not name."""
    session = hbm.page.context.new_cdp_session(hbm.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    roles = {"button", "checkbox", "slider", "switch", "radio", "combobox", "link", "image"}
    named = [node for node in nodes if node.get("role", {}).get("value") in roles]
    assert len(named) > 20
    return [
        node["role"]["value"]
        for node in named
        if not node["ignored"] and not node["name"].get("value")
    ]


def test_every_control_has_a_name(hbm: HbmPage):
    assert unnamed(hbm) == []


TO_THE_START = """() => {
  document.body.tabIndex = -1 // else what had the focus last is where Tab goes on from
  document.body.focus()
  document.body.removeAttribute("tabindex")
}"""


def unreached(hbm: HbmPage) -> list[str]:
    """Return the visible controls that Tab does not come to."""
    found = hbm.page.locator(CONTROLS).evaluate_all(
        """(elements) => elements.filter((element) => element.checkVisibility())
          .map((element, i) => {
            element.kvvizNumber = i
            return element.outerHTML.slice(0, 90)
          })"""
    )
    hbm.page.evaluate(TO_THE_START)
    reached = set()
    for _ in range(len(found) + 5):
        hbm.page.keyboard.press("Tab")
        reached.add(hbm.page.evaluate(DEEPEST))
    return [text for i, text in enumerate(found) if i not in reached]


def test_every_control_is_reached_by_tab(hbm: HbmPage):
    assert unreached(hbm) == []


def test_the_scene_is_an_image_that_says_its_numbers(hbm: HbmPage):
    scene = hbm.page.get_by_role("img", name="GPU memory at 4,096 tokens")
    expect(scene).to_be_visible()
    report = estimate(hbm.scenario())
    said = scene.get_attribute("aria-label")
    parts = report.weights_bytes, report.kv["allocated_bytes"]
    for count in (*parts, report.capacity_bytes - report.total_bytes):
        assert f"{count / 2**30:,.2f} GiB" in said
    hbm.scrub(2000)
    assert hbm.page.locator(".scene").get_attribute("aria-label") != said


def test_click_targets_are_24_px_or_more(hbm: HbmPage):
    targets = "button, select, input[type=range], a[href], label.dropzone, .strip"
    for screen in ((1600, 950), (390, 844)):
        show_on(hbm, *screen)
        small = [
            box["what"]
            for box in boxes(hbm, targets)
            if box["right"] - box["left"] < 24 or box["bottom"] - box["top"] < 24
        ]
        assert small == [], screen


def test_no_text_is_under_13_px(hbm: HbmPage):
    for screen in ((1600, 950), (1280, 720), (390, 844)):
        show_on(hbm, *screen)
        assert hbm.page.evaluate(SMALL_TEXTS) == [], screen


def test_the_drawer_opens_and_closes_and_its_controls_work(visit: Visit):
    hbm = visit(viewport={"width": 1280, "height": 720})
    side = hbm.page.locator(".side")
    expect(side).to_be_hidden()
    hbm.page.get_by_text("Controls", exact=True).click()
    expect(side).to_be_visible()
    box = side.bounding_box()
    assert (box["x"] + box["width"], box["y"] + box["height"]) == (1280, 720)
    hbm.seek(4096)
    hbm.turn("FlashAttention", False)
    assert hbm.ledger()["scores"] == 32.0
    side.get_by_role("button", name="2×").click()
    side.get_by_role("button", name="Play").click()
    hbm.pause()
    assert hbm.state()["speed"] == 2
    hbm.page.get_by_text("Controls", exact=True).click()
    expect(side).to_be_hidden()
    hbm.close()


def test_the_drawer_is_opened_and_closed_by_keyboard(hbm: HbmPage):
    show_on(hbm, 1280, 720)
    assert unreached(hbm) == []
    hbm.page.evaluate(TO_THE_START)
    hbm.page.keyboard.press("Tab")  # the drawer comes first
    hbm.page.keyboard.press("Space")
    expect(hbm.page.locator(".side")).to_be_visible()
    assert not hbm.state()["playing"]
    assert unreached(hbm) == []
    hbm.page.get_by_text("Controls", exact=True).click()
    expect(hbm.page.locator(".side")).to_be_hidden()


COARSE = {
    "model": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "gpu": "B200 SXM",
    "batch": 384,
    "context": 4096,
}


def test_a_coarse_cell_shows_who_has_most_of_its_pages(visit: Visit):
    hbm = visit(f"?{urlencode(COARSE)}")
    hbm.seek(4096)
    scenario = hbm.scenario(**COARSE)
    capacity = estimate(scenario).capacity_bytes
    timeline = growth(scenario, capacity)
    pages = timeline.at(4096)
    codes = codes_of(pages.owner, pages.state)[: capacity // timeline.page_bytes]
    sites = [site.rect for site in floorplan(find_gpu("B200 SXM")).sites if site.active]
    shape = raster(site_pages(len(codes), len(sites))[0], sites[0].w, sites[0].h)
    assert shape.pages_per_cell > 1
    assert f"{shape.pages_per_cell} pages per cell" in hbm.scene_texts()
    images, tied = hbm.images(), 0
    assert len(images) == len(sites)
    for i, image in enumerate(images):
        tied += check_majorities(codes[i :: len(sites)], image, shape)
    assert tied < sum(map(len, images)) / 10  # else almost any picture would do
    assert len(Counter(code for image in images for code in image)) > 8
    hbm.close()


def codes_of(owner: np.ndarray, state: np.ndarray) -> np.ndarray:
    weights, sequence = Cell.WEIGHTS + (owner & 1), Cell.SEQUENCE + owner % 8
    held = [state == State.WEIGHTS, state == State.RESERVED, state == State.USED]
    return np.select(held, [weights, np.full_like(owner, Cell.RESERVED), sequence], Cell.FREE)


def check_majorities(codes: np.ndarray, image: list[int], shape: Raster) -> int:
    """Compare a site's cells with its pages' codes; return how many are ties: either way."""
    each, ties = shape.pages_per_cell, 0
    blank = np.array(image)
    for cell, at in enumerate(fill_order(shape)):
        votes = Counter(codes[cell * each : (cell + 1) * each].tolist()).most_common()
        winners = [code for code, count in votes if count == votes[0][1]]
        assert image[at] in winners, (cell, votes)
        ties += len(winners) > 1
        blank[at] = Cell.FREE
    assert not blank.any()
    return ties


def fill_order(shape: Raster) -> np.ndarray:
    """Return where in the image each cell lies: bands from the bottom, column by column, up."""
    row, column = np.mgrid[: shape.rows, : shape.columns]  # both (rows, columns)
    order = np.lexsort((row.ravel(), column.ravel(), (row // BAND).ravel()))
    return order[: shape.cells]


BESIDE_THE_CARD = """() => {
  const out = [], lines = ".card p, .row, .note, math, .ledger > span"
  const wider = (line) => line.clientWidth && line.scrollWidth > line.clientWidth + 1
  const seen = (root) => {
    for (const line of root.querySelectorAll("*")) {
      if (line.shadowRoot) seen(line.shadowRoot)
      if (!line.matches(lines) || !line.checkVisibility()) continue
      const card = (line.closest(".card, .ledger") ?? root.host).getBoundingClientRect()
      if (line.getBoundingClientRect().right > card.right || wider(line)) out.push(line.textContent)
    }
  }
  seen(document)
  return out
}"""


@pytest.mark.parametrize(
    "query",
    [
        "?model=deepseek-ai/DeepSeek-V3&gpu=Instinct MI300X",
        "?batch=1024&context=65536&run_length=131072&max_model_len=131072",
        "?flash=false&paged=false&batching=static",
    ],
)
def test_long_numbers_stay_in_their_cards(visit: Visit, query: str):
    hbm = visit(query, reduced_motion="reduce")
    assert hbm.page.evaluate(BESIDE_THE_CARD) == []
    hbm.close()


@pytest.mark.parametrize("width", [900, 1024, 1200, 1400])
def test_the_header_has_room_between_the_usual_screens(hbm: HbmPage, width: int):
    show_on(hbm, width, 720)
    header = boxes(hbm, f"header.top > svg, {HEADER}, .dock")
    assert overlaps(header) == []
    assert all(box["right"] <= width for box in header)
