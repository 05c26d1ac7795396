"""The Kernels page: it opens with results, runs, can be stopped, and refuses what is too large."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kvviz.kernels.measuring.recordings import recordings
from tests.browser.conftest import watch

SECONDS = 90_000  # ms that a small run may take on a busy machine
SMALL = "?n=256&d=32&heads=2&block=64"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BARS = """name => Bokeh.documents[0].get_model_by_name(name + " bars").data"""


@pytest.fixture
def open_page(browser: Browser, site: str, wrong: list[str]) -> Iterator[Callable[..., Page]]:
    """Open the page as a new visitor, with a link's query."""
    contexts = []

    def visit(query: str = "", width: int = 1600, height: int = 950) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = watch(context.new_page(), wrong)
        page.goto(f"{site}/kernels{query}")
        expect(page.get_by_role("button", name="Run")).to_be_visible(timeout=30_000)
        return page

    yield visit
    for context in contexts:
        context.close()


def figures(page: Page) -> list[list[str]]:
    rows = page.locator(".figures").first.locator("tr").all()
    return [row.locator("td").all_inner_texts() for row in rows[1:]]


def slide(page: Page, label: str, step: int) -> None:
    page.get_by_role("slider", name=label).fill(str(step))


def test_it_opens_with_a_recording_and_says_so(open_page: Callable[..., Page]) -> None:
    page = open_page()
    recorded = next(r for r in recordings() if r["preset"] == "page")
    rows = recorded["groups"][0]["rows"]
    shown = figures(page)
    assert [row[0].strip() for row in shown] == [row["name"] for row in rows]
    for cells, row in zip(shown, rows, strict=True):
        assert cells[1] == f"{row['peak_bytes'] / 2**20:,.2f} MiB"
    expect(page.locator(".run .note")).to_contain_text(f"Recorded on {recorded['device']}")
    bars = page.evaluate(BARS, "memory")
    assert list(bars["value"]) == pytest.approx([row["peak_bytes"] / 2**20 for row in rows])


def test_a_run_replaces_the_recording(open_page: Callable[..., Page]) -> None:
    page = open_page(SMALL)
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    note = page.locator(".run .note")
    expect(note).to_contain_text("Measured on", timeout=SECONDS)
    peak = page.locator(".figures").first.locator("td").nth(1)
    expect(peak).to_have_text(re.compile(r"^0\."), timeout=SECONDS)
    shown = {
        cells[0].strip(): float(cells[1].split()[0].replace(",", "")) for cells in figures(page)
    }
    scores = 2 * 256**2 * 4 / 2**20
    assert scores < shown["Standard"] < 1.6 * scores
    assert shown["Flash tiles"] < shown["Paged"] < shown["Standard"]
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save kernels.json").click()
    result = json.loads(Path(saved.value.path()).read_text())
    assert result["request"]["n"] == 256
    assert all(row["error"] < 2e-6 for row in result["groups"][0]["rows"])


def test_a_run_can_be_stopped_and_another_started(open_page: Callable[..., Page]) -> None:
    page = open_page("?n=4096&d=128&heads=8")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".run .doing")).not_to_be_empty()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Run")).to_be_visible()
    expect(page.locator(".run .note")).to_contain_text("Recorded on")
    for label, step in (("Tokens, n", 0), ("Heads", 0)):
        slide(page, label, step)
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".run .note")).to_contain_text("Measured on", timeout=SECONDS)


def test_what_is_too_large_is_refused_with_the_limit(open_page: Callable[..., Page]) -> None:
    page = open_page("?n=8192&heads=8")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text(
        re.compile(r"Standard would hold 2\.\d+ GiB at once, over the limit of 1 GiB")
    )
    for name in ("Standard", "Paged", "Flash tiles"):
        page.get_by_role("switch", name=name).click()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text("No kernel is chosen")


def test_a_link_opens_what_it_says_and_names_what_it_does_not_know(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("?n=1000&d=32&paged=false&colour=red")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("n in the link: got '1000', expected one of 256, 512")
    expect(alert).to_contain_text("'colour' in the link is not a setting")
    expect(page.get_by_role("switch", name="Paged")).to_have_attribute("aria-checked", "false")
    slide(page, "Head size, d", 0)
    page.wait_for_function("new URLSearchParams(location.search).get('d') === '16'")
    assert "paged=false" in page.url


def test_paged_says_whose_name_it_is_beside_real_paged_decode(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    paged = page.locator(".kernel", has=page.get_by_role("switch", name="Paged"))
    expect(paged.locator("small")).to_have_text("blocks of queries, not of KV cache")
    expect(page.get_by_text("Real paged decode: see Recordings.")).to_be_visible()
    expect(page.locator(".recording", has_text="--preset decode")).to_have_count(1)


def test_light_and_dark_repaint_the_figures(open_page: Callable[..., Page]) -> None:
    page = open_page()
    dark = page.evaluate(BARS, "memory")["colour"]
    page.get_by_role("button", name="Light theme").click()
    page.wait_for_function(
        "dark => Bokeh.documents[0].get_model_by_name('memory bars').data.colour[0] !== dark",
        arg=dark[0],
    )
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_the_tiles_play_and_stop_where_asked(open_page: Callable[..., Page]) -> None:
    page = open_page()
    card = page.locator(".walk")
    expect(card.locator("rect.done")).not_to_have_count(0)  # it plays by itself
    page.get_by_role("slider", name="Tile").fill("35")
    expect(card.locator("rect.done")).to_have_count(35)
    expect(card.locator("rect.skipped")).to_have_count(64 - 36)
    expect(card.locator(".aside")).to_contain_text("queries 56 to 63, keys 56 to 63")


@pytest.mark.parametrize(("width", "height"), [(1600, 950), (1280, 720), (390, 844)])
def test_no_screen_scrolls_sideways(
    open_page: Callable[..., Page], width: int, height: int
) -> None:
    page = open_page("", width, height)
    expect(page.locator(".chart")).to_have_count(6)
    assert page.evaluate(OVERFLOW) <= 0


def test_every_recording_opens_to_its_figures(open_page: Callable[..., Page]) -> None:
    page = open_page()
    lines = page.locator(".recording")
    expect(lines).to_have_count(len(recordings()))
    memory = lines.filter(has_text="--preset memory")
    expect(memory).to_contain_text("cpu_memory")
    eager = memory.locator("tr", has_text="Hugging Face eager").last
    expect(eager).to_be_hidden()
    memory.locator("summary").click()
    expect(eager).to_be_visible()
    (group,) = [
        group
        for found in recordings()
        if found["name"] == "cpu_memory"
        for group in found["groups"][-1:]
    ]
    (row,) = [row for row in group["rows"] if row["name"].startswith("Hugging Face")]
    headings = memory.locator("table").last.locator("th").all_text_contents()
    copies = eager.locator("td").nth(headings.index("score matrices"))
    expect(copies).to_have_text(f"{row['peak_multiple']:.2f}")
    decode = lines.filter(has_text="--preset decode")
    decode.locator("summary").click()
    expect(decode).to_contain_text("Times are predicted from rates measured in the same run")
    assert page.evaluate(OVERFLOW) <= 0
