"""The rarer settings where they enter, and controls that keep the keyboard's focus."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from kvviz.catalog.dtypes import CACHE_DTYPES, DTYPES
from kvviz.memory import estimate
from kvviz.units import SPACE
from tests.browser.hbm_page import HbmPage, number

Visit = Callable[..., HbmPage]
GIB = 2**30
FOCUSED = """() => {
  let element = document.activeElement
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
  return element?.closest("label, .toggle, .labelled")?.textContent ?? ""
}"""


@pytest.fixture
def hbm(visit: Visit) -> Iterator[HbmPage]:
    """Return a new visitor's page, paused at 4,096, nothing in motion."""
    page = visit(reduced_motion="reduce")
    page.seek(4096)
    yield page
    page.close()


def unfold(hbm: HbmPage) -> None:
    hbm.page.locator("summary", has_text="More settings").click()


def check_total(hbm: HbmPage, **settings: Any) -> None:
    report = estimate(hbm.scenario(**settings))
    assert number(hbm.hero()) == round(report.total_bytes / GIB, 2), settings
    assert hbm.row()["room"] == report.room, settings


def test_every_data_type_can_be_chosen(hbm: HbmPage):
    for label, name, kinds in (
        ("Weights, other types", "weights_dtype", set(DTYPES) - {"fp8", "int4"}),
        ("KV, other types", "kv_dtype", set(CACHE_DTYPES) - {"fp8"}),
    ):
        select = hbm.page.get_by_label(label)
        offered = select.locator("option").evaluate_all("all => all.map((one) => one.value)")
        assert set(offered) == kinds | {""}
        for kind in sorted(kinds):
            hbm.choose(label, kind)
            check_total(hbm, **{name: kind})
        hbm.press(label.partition(",")[0], "native" if name == "weights_dtype" else "auto")
    check_total(hbm)


def test_the_chunk_enters_with_chunked_prefill(hbm: HbmPage):
    unfold(hbm)
    chunk = hbm.page.get_by_role("slider", name="Chunk")
    expect(chunk).to_have_count(0)
    hbm.press("Prefill", "chunk")
    hbm.slide("Chunk", "512")
    scores = estimate(hbm.scenario(prefill="chunk", chunk=512)).scores["avoided_bytes"]
    assert hbm.row()["avoided"] == scores
    assert "min(512, 4,096)" in hbm.banner()
    hbm.press("Prefill", "whole")
    expect(chunk).to_have_count(0)


def test_what_the_engine_takes_is_assumed_until_it_is_set(hbm: HbmPage):
    unfold(hbm)
    peak = hbm.page.get_by_label("Activation peak")
    expect(peak).to_have_count(0)
    hbm.press("Engine", "vllm")
    check_total(hbm, mode="vllm")
    assumed = estimate(hbm.scenario(mode="vllm")).plan.assumptions[0]
    expect(peak).to_have_attribute("placeholder", f"{assumed.gib:.2f}")
    expect(peak).to_have_attribute("title", re.compile("assumed"))

    def put(text: str) -> None:
        peak.fill(text)
        peak.press("Tab")

    hbm.changing(lambda: put("3.5"))
    check_total(hbm, mode="vllm", activation_gib=3.5)
    expect(peak).to_have_attribute("title", re.compile("set by you"))
    hbm.changing(lambda: put(""))
    check_total(hbm, mode="vllm")
    put("2000")
    expect(hbm.alert()).to_contain_text("activation_gib")


def test_a_control_keeps_the_focus_when_the_page_answers(hbm: HbmPage):
    batch = hbm.page.get_by_role("slider", name="Batch size")
    batch.focus()
    for sequences in (48, 64):
        hbm.changing(lambda: hbm.page.keyboard.press("ArrowRight"))
        check_total(hbm, batch=sequences)
        assert "Batch size" in hbm.page.evaluate(FOCUSED)
    hbm.page.get_by_role("switch", name="FlashAttention").focus()
    hbm.changing(lambda: hbm.page.keyboard.press("Space"))
    assert "FlashAttention" in hbm.page.evaluate(FOCUSED)


@pytest.mark.parametrize(
    "query", ["?model=Qwen/Qwen3-Next-80B-A3B-Instruct&mode=vllm", "?flash=false&mode=vllm"]
)
def test_the_ledger_stays_on_one_line(visit: Visit, query: str):
    hbm = visit(query, reduced_motion="reduce")
    for width in (1600, 1280):
        hbm.page.set_viewport_size({"width": width, "height": 950})
        spans = hbm.page.locator(".ledger > span:visible")
        tops = {round(box["y"]) for box in (span.bounding_box() for span in spans.all())}
        assert len(tops) == 1
        last = spans.last.bounding_box()
        ledger = hbm.page.locator(".ledger").bounding_box()
        assert last["x"] + last["width"] <= ledger["x"] + ledger["width"] + 1
    hbm.close()


def test_numbers_on_the_scene_say_how_they_are_known(hbm: HbmPage):
    titles = dict(
        hbm.page.locator(".scene-layer .texts-over span[title]").evaluate_all(
            "all => all.map((one) => [one.textContent, one.title])"
        )
    )
    assert titles["8,156 pages"] == "computed"
    assert titles["6.4 GiB saved"] == "computed"
    assert titles[f">{SPACE}99%"].startswith("assumed")
    assert "differs from chip to chip" in titles["132 SMs in 8 GPCs"]


def test_totals_count_to_their_new_values_and_end_there(visit: Visit):
    hbm = visit()
    hbm.pause()
    hbm.seek(4096)
    before = number(hbm.hero())
    seen = hbm.page.evaluate(
        """async () => {
          const heros = [], look = () => document.kvviz.counting
          const switches = []
          const find = (root) => {
            for (const element of root.querySelectorAll("*")) {
              if (element.shadowRoot) find(element.shadowRoot)
              if (element.getAttribute("aria-label") === "FlashAttention") switches.push(element)
              if (element.classList.contains("hero")) heros.push(element)
            }
          }
          find(document)
          switches[0].click()
          const said = new Set(), start = performance.now()
          while (performance.now() - start < 1500) {
            const hero = heros.find((each) => each.isConnected && !each.hidden)
            if (hero) said.add(hero.textContent)
            await new Promise(requestAnimationFrame)
            if (hero && !hero.isConnected) heros.length = 0
            if (!heros.length) find(document)
          }
          return [...said]
        }"""
    )
    after = number(hbm.hero())
    assert after == round(estimate(hbm.scenario(flash=False)).total_bytes / GIB, 2)
    between = [number(text) for text in seen if before < number(text) < after]
    assert len(between) >= 2
    hbm.close()


def test_nothing_counts_where_less_motion_is_asked_for(hbm: HbmPage):
    hbm.turn("FlashAttention", False)
    assert not hbm.page.evaluate("document.kvviz.counting")
    check_total(hbm, flash=False)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_page_longer_than_the_window_has_one_ground(visit: Visit, theme: str):
    hbm = visit(f"?theme={theme}", reduced_motion="reduce")
    unfold(hbm)
    expect(hbm.page.get_by_role("slider", name="MBU")).to_be_visible()
    html, body = hbm.page.evaluate(
        "() => [document.documentElement, document.body]"
        ".map((each) => getComputedStyle(each).backgroundColor)"
    )
    assert html == body
    hbm.close()
