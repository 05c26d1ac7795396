"""The strip's labels: beside one another at every width, never over one another."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.hbm_page import HbmPage

Visit = Callable[..., HbmPage]
WIDTHS = (900, 1000, 1024, 1100, 1280, 1600, 390)
LINKS = {
    "saved": "",
    "early": "batch=128",
    "late": "batch=22",
    "over": "flash=false",
    "long name": "gpu=RTX%20PRO%206000%20Blackwell&batch=64",
    "engine": "mode=vllm",
}
OVERLAPS = """(labels) => {
  const boxes = labels.map((label) => [label.textContent, label.getBoundingClientRect()])
  const shared = (from, to, a, b) => Math.min(a[to], b[to]) - Math.max(a[from], b[from])
  const meet = (a, b) => shared("left", "right", a, b) > 1 && shared("top", "bottom", a, b) > 3
  return boxes.flatMap(([text, box], i) => boxes.slice(i + 1)
    .filter(([, other]) => meet(box, other)).map(([other]) => `${text} | ${other}`))
}"""


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_no_label_lies_over_another(visit: Visit, link: str):
    hbm = visit(f"?{link}", reduced_motion="reduce")
    labels = hbm.page.locator(".marks span")
    expect(labels.first).to_contain_text("capacity")
    found = {}
    for width in WIDTHS:
        hbm.page.set_viewport_size({"width": width, "height": 800})
        hbm.page.wait_for_function(
            """width => innerWidth === width && new Promise((done) =>
              requestAnimationFrame(() => requestAnimationFrame(() => done(true))))""",
            arg=width,
        )
        if over := labels.evaluate_all(OVERLAPS):
            found[width] = over
    hbm.close()
    assert not found
