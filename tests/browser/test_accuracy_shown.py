"""The accuracy page in a browser: rows compared, a pasted log explained, errors said."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kvviz.accuracy.validation import by_quantity, shipped
from tests.browser.conftest import watch
from tests.browser.hbm_page import number

FITS = 20_000  # ms
LOG = """
(EngineCore pid=1) INFO 04-22 [core.py:105] Initializing a V1 LLM engine (v0.19.0) with config: \
model='microsoft/phi-4', dtype=torch.bfloat16, max_seq_len=8192, tensor_parallel_size=1
worker init memory snapshot: free_memory=78.68GiB, total_memory=79.19GiB
Initial free memory: 78.68 GiB; Requested memory: 0.950000 (util), 75.23 GiB
Model loading took 27.39 GiB memory and 25.389797 seconds
torch peak memory increase: 1.52GiB; non-torch forward increase memory: 0.25GiB
Available KV cache memory: 46.08 GiB
GPU KV cache size: 241,568 tokens
Maximum concurrency for 8,192 tokens per request: 29.49x
"""
FAILED = LOG + "ValueError: No available memory for the cache blocks. Try increasing"


@pytest.fixture
def opened(
    browser: Browser, browser_context_args: dict[str, Any], site: str, wrong: list[str]
) -> Iterator[Page]:
    """Return a new visitor's page."""
    context = browser.new_context(**browser_context_args)
    page = watch(context.new_page(), wrong)
    page.set_default_timeout(FITS)
    page.goto(f"{site}/accuracy")
    expect(page.get_by_text("Reconciled, GiB")).to_be_visible()
    expect(page.get_by_text("Coverage, one cell per log")).to_be_visible()
    yield page
    context.close()


def entry(page: Page, name: str, logged: str) -> tuple[str, float]:
    """Return a row's predicted figure and its error in %, once it says what was logged."""
    row = page.locator(".entry").filter(
        has=page.locator("strong", has_text=re.compile(f"^{name}$"))
    )
    expect(row.locator("> span[title=logged]")).to_have_text(logged)
    return row.locator("> b").inner_text(), number(row.locator("> span").last.inner_text())


def test_it_opens_with_the_shipped_rows_and_an_example(opened: Page) -> None:
    summaries = by_quantity(shipped())
    found = summaries["kv_bytes_per_token"]
    near = round(found.within["within_2"] * found.rows)
    expect(opened.get_by_text(f"{near} of {found.rows} within 2%")).to_be_visible()
    logs = {item.row for item in shipped() if item.file == "logs"}
    expect(opened.locator(".cells .cell")).to_have_count(len(logs))
    counts = opened.locator(".legend b").all_inner_texts()[-4:]
    assert sum(map(int, counts)) == len(logs)
    entry(opened, "Weights", "30.74")
    assert abs(entry(opened, "KV cache", "41.32")[1]) < 2


def test_a_pasted_log_is_explained(opened: Page) -> None:
    box = opened.get_by_label("Engine log")
    box.fill(LOG)
    expect(opened.locator(".chips")).to_contain_text("phi-4")
    assert entry(opened, "Requested", "75.23")[0] == "75.23"
    assert abs(entry(opened, "KV tokens", "241,568")[1]) < 1
    expect(opened.get_by_text("it adds up")).to_be_visible()
    marks = opened.locator(".paper mark")
    expect(marks.first).to_have_text("79.19")
    expect(marks.filter(has_text="241,568")).to_have_count(1)
    box.press("End")
    box.press_sequentially(" ")
    expect(marks.filter(has_text="241,568")).to_have_count(1)  # gone, and back
    expect(opened.locator(".entry .chip.activation")).to_be_visible()
    expect(opened.locator(".entry small", has_text="assumed").nth(2)).to_be_visible()


def test_a_failed_start_and_a_text_that_is_no_log(opened: Page) -> None:
    box = opened.get_by_label("Engine log")
    box.fill(FAILED)
    expect(opened.get_by_role("alert").filter(has_text="no KV cache block")).to_be_visible()
    box.fill("hello")
    problem = opened.get_by_role("alert").filter(has_text="start-up line; expected lines such as")
    expect(problem).to_be_visible()
    expect(opened.locator(".chips")).to_have_count(0)  # nothing of the last log stays
    opened.get_by_role("button", name="Clear").click()
    expect(box).to_have_value("")
    expect(problem).to_be_hidden()


def test_a_gpu_that_the_log_leaves_out_is_chosen(opened: Page) -> None:
    box = opened.get_by_label("Engine log")
    box.fill("\n".join(line for line in LOG.splitlines() if "79.19" not in line))
    expect(opened.get_by_text("KV cache: the GPU is not named")).to_be_visible()
    opened.get_by_label("GPU of the log").select_option("H100 SXM5 80GB")
    expect(opened.get_by_text("KV cache: the GPU is not named")).to_be_hidden()
    expect(opened.locator(".chips")).to_contain_text("H100 SXM5 80GB")


def test_too_long_a_text_is_not_sent(opened: Page) -> None:
    opened.get_by_label("Engine log").fill("x" * 1_000_001)
    expect(opened.get_by_role("alert").filter(has_text="1,000,000 characters")).to_be_visible()


def test_filters_change_every_card_and_the_link(opened: Page) -> None:
    cells = opened.locator(".cells .cell")
    expect(cells.nth(100)).to_be_visible()
    opened.get_by_label("Engine", exact=True).select_option("sglang")
    expect(opened.locator(".ends")).to_contain_text("SGLang 4")
    expect(cells).to_have_count(4)
    opened.wait_for_url("**engine=sglang**")
    opened.reload()
    expect(cells).to_have_count(4)


def test_the_theme_repaints_page_and_figures(opened: Page) -> None:
    colour = "() => getComputedStyle(document.body).backgroundColor"
    plot = """() => Bokeh.documents[0].get_model_by_name("weights-scatter").background_fill_color"""
    dark, drawn = opened.evaluate(colour), opened.evaluate(plot)
    opened.get_by_role("button", name="Light theme").click()
    opened.wait_for_function(f"old => ({plot})() !== old", arg=drawn)
    opened.wait_for_function(f"old => ({colour})() !== old", arg=dark)


def test_a_dot_tells_its_row(opened: Page) -> None:
    opened.wait_for_function(
        """() => {
          const figure = Bokeh.documents[0].get_model_by_name("kv_bytes_per_token-scatter")
          const frame = figure && Bokeh.index.find_one_by_id(figure.id)?.frame
          return frame?.bbox.width > 0 && frame.bbox.height > 0
        }"""
    )
    place = opened.evaluate(
        """() => {
          const figure = Bokeh.documents[0].get_model_by_name("kv_bytes_per_token-scatter")
          const view = Bokeh.index.find_one_by_id(figure.id)
          const dots = figure.renderers.find((renderer) => renderer.name === "good")
          const {x, y} = dots.data_source.data
          const box = view.el.getBoundingClientRect()
          const frame = view.frame
          return [box.x + frame.x_scale.compute(x[0]), box.y + frame.y_scale.compute(y[0])]
        }"""
    )
    opened.mouse.move(place[0] - 30, place[1])
    opened.mouse.move(*place)
    expect(opened.get_by_text("(computed), actual").first).to_be_visible()


@pytest.mark.parametrize("size", [(1600, 950), (1280, 720), (390, 844)])
def test_nothing_is_wider_than_the_page(
    browser: Browser, site: str, wrong: list[str], size: tuple[int, int]
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = watch(context.new_page(), wrong)
    page.goto(f"{site}/accuracy?theme=light")
    expect(page.get_by_text("Reconciled, GiB")).to_be_visible(timeout=FITS)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    context.close()
