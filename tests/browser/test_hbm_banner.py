"""The banner's headline and arithmetic: all inside it, on three lines at most, at every width."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.hbm_page import HbmPage

Visit = Callable[..., HbmPage]
WIDTHS = (900, 960, 1000, 1099, 1100, 1199, 1200, 1280, 1499, 1500, 1600)
LONG = "context=131072&max_model_len=131072&run_length=131072"
LINKS = {
    "saved": "",
    "longest arithmetic": f"{LONG}&batch=1&tp=2&prefill=chunk&chunk=16384&score_multiple=4",
    "longest name": f"{LONG}&batch=512&gpu=RTX%20PRO%206000%20Blackwell",
    "state": "model=Qwen/Qwen3-Next-80B-A3B-Instruct&flash=false",
    "fits": "flash=false&paged=false",
}
# The boxes of the banner's texts, and the lines that they make up: what is as high is one.
READ = """(banner) => {
  const walker = document.createTreeWalker(banner, NodeFilter.SHOW_TEXT), boxes = []
  const text = document.createRange(), edge = banner.getBoundingClientRect()
  while (walker.nextNode()) {
    text.selectNodeContents(walker.currentNode)
    boxes.push(...[...text.getClientRects()].filter((box) => box.width > 1))
  }
  const middles = boxes.map((box) => (box.top + box.bottom) / 2).sort((a, b) => a - b)
  const past = (box) =>
    box.left < edge.left || box.right > edge.right || box.bottom > edge.bottom
  return {
    lines: middles.filter((y, i) => !i || y - middles[i - 1] > 9).length,
    out: boxes.filter(past).length,
  }
}"""


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_the_banner_holds_its_words_on_three_lines(visit: Visit, link: str):
    hbm = visit(f"?{link}", reduced_motion="reduce")
    banner = hbm.shown(".banner")
    expect(banner).to_have_count(1)
    found: dict[int, dict[str, Any]] = {}
    for width in WIDTHS:
        hbm.page.set_viewport_size({"width": width, "height": 800})
        hbm.page.wait_for_function("width => innerWidth === width", arg=width)
        found[width] = banner.evaluate(READ)
    hbm.close()
    wrong = {at: read for at, read in found.items() if read["out"] or read["lines"] > 3}
    assert not wrong


def test_the_step_meters_stay_inside_their_card(visit: Visit):
    hbm = visit(f"?{LINKS['longest name']}", viewport={"width": 1000, "height": 800})
    rows = hbm.page.locator(".rates .row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("%")
    over = rows.evaluate_all("rows => rows.map((row) => row.scrollWidth - row.clientWidth)")
    hbm.close()
    assert over == [0, 0]
