"""The page on a phone: one column in the order it is read, all in reach of a thumb."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from playwright.sync_api import expect

from kvviz.memory import estimate
from tests.browser.hbm_page import HbmPage, number

Visit = Callable[..., HbmPage]
ORDER = [
    *(".scene", ".banner:visible", ".info", ".toggles", ".strip", ".ledger", ".set-up"),
    *(".workload", ".types", ".formula", ".rates", ".papers", ".fact"),
]
TOUCHED = (
    ".controls select:not(.more), .seg, .controls .slider, .controls .toggle, "
    ".fold summary, .rates summary"
)
TEXT_BOXES = """(spans) => spans.filter((span) => span.textContent).map((span) => {
  const {left, right, top, bottom} = span.getBoundingClientRect()
  return {left, right, top, bottom, text: span.textContent}
})"""
BOTTOM_BAR = {".play": (52, 48), ".speed": (64, 48)}


@pytest.fixture(scope="module")
def shared(visit: Visit) -> HbmPage:
    return visit(viewport={"width": 390, "height": 844}, reduced_motion="reduce")


@pytest.fixture
def hbm(shared: HbmPage) -> HbmPage:
    """Return the shared page, at its top and standing at 4,096."""
    shared.page.evaluate("scrollTo(0, 0)")
    shared.seek(4096)
    return shared


def over(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether one text is written over another; lines may touch."""
    across = min(a["right"], b["right"]) - max(a["left"], b["left"])
    return across > 1 and min(a["bottom"], b["bottom"]) - max(a["top"], b["top"]) > 3


def top(hbm: HbmPage, selector: str) -> float:
    box = hbm.page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["y"]


def test_the_cards_stand_in_the_order_in_which_they_are_read(hbm: HbmPage):
    tops = {selector: top(hbm, selector) for selector in ORDER}
    assert sorted(tops, key=lambda selector: tops[selector]) == ORDER


def test_the_total_stays_in_sight_once_the_scene_is_gone(hbm: HbmPage):
    summary = hbm.page.locator(".summary")
    expect(summary).to_be_hidden()
    hbm.page.locator(".ledger").scroll_into_view_if_needed()
    expect(summary).to_be_visible()
    box = summary.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 56, 390, 64)
    report = estimate(hbm.scenario())
    assert number(summary.inner_text()) == round(report.total_bytes / 2**30, 2)
    assert "32.00 saved" in summary.inner_text()
    bar = summary.locator(".bar").bounding_box()
    weights = summary.locator(".bar .weights").bounding_box()
    assert weights["width"] / bar["width"] == pytest.approx(
        report.weights_bytes / report.room, abs=0.01
    )
    hbm.page.evaluate("scrollTo(0, 0)")
    expect(summary).to_be_hidden()


def test_the_bottom_bar_has_play_context_and_speed(hbm: HbmPage):
    dock = hbm.page.locator(".dock")
    box = dock.bounding_box()
    assert (box["y"], box["height"]) == (844 - 88, 88)
    for part, (width, height) in BOTTOM_BAR.items():
        found = dock.locator(part).bounding_box()
        assert (found["width"], found["height"]) == (width, height), part
    dock.get_by_role("slider", name="Context").fill("6000")
    assert hbm.state()["now"] == 6000
    dock.get_by_role("combobox", name="Speed").select_option("2")
    assert hbm.state()["speed"] == 2
    dock.get_by_role("combobox", name="Speed").select_option("1")


def test_what_is_touched_is_42_px_high(hbm: HbmPage):
    heights = hbm.page.locator(TOUCHED).evaluate_all(
        """(elements) => elements.filter((element) => element.checkVisibility())
          .map((element) => [element.outerHTML.slice(0, 60), element.offsetHeight])"""
    )
    assert len(heights) >= 10
    assert [found for found in heights if found[1] < 42] == []


def test_the_strips_labels_are_not_cut(hbm: HbmPage):
    labels = hbm.page.locator(".marks span")
    texts = labels.all_inner_texts()
    assert any("5,105" in text for text in texts)
    for box in (label.bounding_box() for label in labels.all()):
        assert box["x"] >= 16
        assert box["x"] + box["width"] <= 390 - 16


def test_the_dies_are_laid_out_for_the_phone(hbm: HbmPage):
    texts = hbm.scene_texts()
    assert "stack 0" in texts
    assert "6.4 saved" in texts
    assert "4,096" in texts
    assert not any("Prefill" in text for text in texts)
    hbm.page.set_viewport_size({"width": 1600, "height": 950})
    hbm.page.wait_for_function("() => innerWidth === 1600")
    expect(hbm.page.locator(".scene-layer .texts-over")).to_contain_text("8,156 pages")
    assert "Prefill" in hbm.scene_texts()
    hbm.page.set_viewport_size({"width": 390, "height": 844})
    expect(hbm.page.locator(".scene-layer .texts-over")).to_contain_text("6.4 saved")


@pytest.mark.parametrize(
    "query",
    [
        "?model=deepseek-ai/DeepSeek-V3&gpu=Instinct MI300X",
        "?model=google/gemma-3-27b-it&gpu=GeForce RTX 5090",
        "?model=Qwen/Qwen3-Next-80B-A3B-Instruct&gpu=H200 SXM 141GB",
        "?batch=1024&context=65536&run_length=131072&max_model_len=131072",
        "?flash=false&paged=false&batching=static",
    ],
)
def test_the_texts_of_several_gpus_stand_apart(visit: Visit, query: str):
    hbm = visit(query, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    layer = hbm.page.locator(".spilled .fleet-layer .texts-over")
    expect(layer).to_contain_text("One address space")
    boxes = layer.locator("span").evaluate_all(TEXT_BOXES)
    scene = hbm.page.locator(".scene").bounding_box()
    assert scene is not None
    outside = [
        b for b in boxes if b["left"] < scene["x"] or b["right"] > scene["x"] + scene["width"]
    ]
    assert outside == []
    assert [(a["text"], b["text"]) for a, b in combinations(boxes, 2) if over(a, b)] == []
    hbm.close()


def test_rates_that_are_not_known_say_so(visit: Visit):
    hbm = visit(
        "?gpu=Apple M4 Max", viewport={"width": 390, "height": 844}, reduced_motion="reduce"
    )
    expect(hbm.page.locator(".rates .row").first).to_contain_text("memory unknown")
    hbm.close()
