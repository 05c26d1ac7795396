"""Looking closer: links, several GPUs, a page under the pointer, one site with all its pages."""

from collections import Counter
from math import ceil

from playwright.sync_api import Page, expect

from kvviz.memory import estimate
from kvviz.scene.hbm.fleet import MOST
from kvviz.scene.hbm.raster import Cell
from kvviz.settings.scenario import Scenario
from tests.browser.hbm_page import READ_CELLS, HbmPage

FLEET_CELLS = """() => {
  const fleet = Bokeh.documents[0].get_model_by_name("fleet")
  const images = (name) => fleet.renderers.find((r) => r.name === name).data_source.data.image
  return [...images("fleet_pages"), ...images("fleet_spill")].map((image) => Array.from(image))
}"""
PALETTE = """() => Bokeh.documents[0].get_model_by_name("hbm").renderers
  .find((r) => r.name === "pages").glyph.color_mapper.palette"""
ALL_OFF = "?flash=false&paged=false&batching=static&context=4096"


def site_point(page: Page, site: int) -> tuple[float, float]:
    """Return where the lower left of a site lies in the window, a little inside it."""
    box = page.locator(".scene[role=img]").bounding_box()
    x, y = page.evaluate(
        """site => {
          const {data} = Bokeh.documents[0].get_model_by_name("hbm").renderers
            .find((r) => r.name === "pages").data_source
          return [data.left[site] + 3, data.bottom[site] + 3]
        }""",
        site,
    )
    return box["x"] + x / 944 * box["width"], box["y"] + (1 - y / 572) * box["height"]


def test_what_does_not_fit_is_on_the_gpus_it_would_take(page: Page, site: str):
    hbm = HbmPage(page, site, ALL_OFF)
    hbm.pause()
    hbm.seek(4096)
    report = estimate(
        Scenario(
            flash=False, paged=False, batching="static", context=4096, ragged=0.5, run_length=8192
        )
    )
    assert not report.fits
    expect(page.locator(".scene.spilled")).to_have_count(1)
    found = Counter(code for image in page.evaluate(FLEET_CELLS) for code in image)
    page_bytes = 16 * report.kv_bytes_per_token
    weights = found[Cell.WEIGHTS] + found[Cell.WEIGHTS + 1]
    cache = sum(found[Cell.SEQUENCE + i] for i in range(8)) + found[Cell.RESERVED]
    assert weights == ceil(report.weights_bytes / page_bytes)
    assert cache == report.kv["allocated_bytes"] // page_bytes
    assert found[Cell.SCORES] == ceil(report.scores["bytes"] / page_bytes)
    assert f"Needs {report.gpus_needed} × H100" in hbm.banner()


def test_several_gpus_come_with_the_first_run_that_needs_them(page: Page, site: str):
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    hbm = HbmPage(page, site)
    hbm.pause()
    hbm.seek(4096)
    assert page.evaluate("Bokeh.documents[0].get_model_by_name('fleet') === null")
    assert not [url for url in loaded if "es-module-shims" in url or "bokeh-gl" in url]
    page.get_by_role("button", name="Light theme").click()
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    hbm.turn("Paged KV cache", False)
    hbm.turn("FlashAttention", False)
    hbm.slide("Batch size", "128")
    expect(page.locator(".scene.spilled .fleet-layer canvas").first).to_be_visible()
    palette = page.evaluate(
        """() => Bokeh.documents[0].get_model_by_name("fleet").renderers
          .find((r) => r.name === "fleet_pages").glyph.color_mapper.palette"""
    )
    assert palette == page.evaluate(PALETTE)
    assert hbm.row()["when"] == 4096
    end = hbm.scenario(paged=False, flash=False, batch=128, context=8192, run_length=8192)
    sites = len(page.evaluate(READ_CELLS)) * min(MOST, estimate(end).gpus_by_capacity)
    page.wait_for_function(f"n => ({FLEET_CELLS})().length === n", arg=sites)  # one by one


def test_a_link_opens_the_state_and_a_broken_one_says_what_was_not_valid(page: Page, site: str):
    hbm = HbmPage(page, site, "?gpu=rtx%204090&batch=4&theme=light&context=2048&color=red&chunk=-1")
    hbm.pause()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.get_by_label("GPU", exact=True).input_value() == "GeForce RTX 4090"
    alert = page.get_by_role("alert").inner_text()
    assert "'color' in the link is not a setting" in alert
    assert "chunk in the link" in alert
    hbm.turn("FlashAttention", False)
    page.wait_for_function("() => location.search.includes('flash=false')")
    again = page.evaluate("location.search")
    reopened = HbmPage(page, site, again)
    assert (
        page.get_by_role("switch", name="FlashAttention").get_attribute("aria-checked") == "false"
    )
    assert reopened.row()["weights"] == estimate(Scenario(gpu="rtx 4090")).weights_bytes


def test_a_page_tells_its_number_its_owner_and_its_tokens(page: Page, site: str):
    hbm = HbmPage(page, site)
    hbm.pause()
    hbm.seek(4096)
    page.mouse.move(*site_point(page, 2))
    tip = page.locator(".tip")
    expect(tip).to_contain_text("weights")
    expect(tip).to_contain_text("2 MiB")
    x, y = site_point(page, 0)
    page.mouse.move(x, y - 50)
    expect(tip).to_contain_text("of 16 tokens")
    expect(tip).to_contain_text("allocated at context")


def test_a_site_opens_with_every_page_and_closes(page: Page, site: str):
    hbm = HbmPage(page, site)
    hbm.pause()
    page.mouse.click(*site_point(page, 3))
    caption = page.locator(".zoom figcaption")
    expect(caption).to_have_text("HBM3 stack 3: 8,156 pages, one per cell")
    page.keyboard.press("Escape")
    expect(caption).to_be_hidden()


def test_the_diagonal_is_explained_where_it_stands(page: Page, site: str):
    hbm = HbmPage(page, site)
    hbm.pause()
    box = page.locator(".scene[role=img]").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.45)
    expect(page.locator(".tip")).to_contain_text("attends to itself and to all earlier tokens")


def test_l_changes_the_theme_and_space_plays_after_a_slider_too(page: Page, site: str):
    hbm = HbmPage(page, site)
    hbm.pause()
    page.locator("body").press("l")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")
    slider = page.get_by_role("slider", name="Batch size")
    slider.focus()
    slider.press("l")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    slider.press(" ")
    page.wait_for_function("() => document.kvviz.state.playing")
    hbm.pause()
    at, revision = hbm.state()["now"], hbm.state()["revision"]
    slider.press("ArrowRight")  # is the slider's own
    page.wait_for_function("n => document.kvviz.state.revision > n", arg=revision)
    assert hbm.state()["now"] == at


FAINT = """(canvas) => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  let faint = 0
  for (let i = 3; i < data.length; i += 4) faint += data[i] > 60 && data[i] < 100
  return faint / (data.length / 4)
}"""


def test_an_opened_site_shows_where_avoided_scores_would_be(page: Page, site: str):
    hbm = HbmPage(page, site, "?context=4096")
    hbm.seek(4096)
    share = hbm.row()["avoided"] / hbm.row()["room"]
    page.mouse.click(*site_point(page, 3))
    canvas = page.locator(".zoom canvas")
    assert 0.5 * share < canvas.evaluate(FAINT) < 1.05 * share  # cells have gaps and soft edges
    page.keyboard.press("Escape")
    hbm.turn("FlashAttention", False)
    page.mouse.click(*site_point(page, 3))
    assert canvas.evaluate(FAINT) < 0.25 * share


def test_an_opened_site_follows_the_window(page: Page, site: str):
    hbm = HbmPage(page, site)
    hbm.pause()
    page.mouse.click(*site_point(page, 3))
    expect(page.locator(".zoom canvas")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_function("""() => {
      let canvas
      const seen = (root) => root.querySelectorAll("*").forEach((one) => {
        if (one.shadowRoot) seen(one.shadowRoot)
        if (one.matches(".zoom canvas")) canvas = one
      })
      seen(document)
      return innerWidth === 1280 && canvas.width === canvas.clientWidth
        && canvas.height === canvas.clientHeight
    }""")
