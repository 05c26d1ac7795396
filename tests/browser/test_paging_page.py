"""The Paging page in a browser: start, replay, settings, tips, and the API's own numbers."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tokenizers import Tokenizer, models, pre_tokenizers

from kvviz.memory.comparison import Comparison, compare
from kvviz.units import share
from tests.browser.conftest import watch
from tests.browser.paging_page import PagingPage

ROOT = Path(__file__).parents[2]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
Visit = Callable[..., PagingPage]

# Presses the start; the classes of what then stands on the stage, until the comparison does.
WATCH_STAGE = """stage => new Promise(done => {
  const seen = []
  new MutationObserver(() => {
    seen.push(stage.firstElementChild.className)
    if (seen.at(-1).includes("shown")) done(seen)
  }).observe(stage, {childList: true})
  stage.querySelector("button").click()
})"""


@pytest.fixture(scope="module")
def open_paging(
    browser: Browser, browser_context_args: dict[str, Any], site: str, wrong: list[str]
) -> Iterator[Visit]:
    """Open the page as a new visitor, given a link's query and options of the context."""
    contexts = []

    def open_page(query: str = "", **options: Any) -> PagingPage:
        context = browser.new_context(**{**browser_context_args, **options})
        contexts.append(context)
        return PagingPage(watch(context.new_page(), wrong), site, query)

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def paging(open_paging: Visit) -> Iterator[PagingPage]:
    """Return a new visitor's page with the comparison shown, still from the start."""
    page = open_paging("?shown=true", reduced_motion="reduce")
    page.settled()
    yield page
    page.page.context.close()


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """Serve the API on a free port; return its address."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    words = ["-c", "from kvviz.cli import main; main()", "api", "--host", "localhost"]
    command = [sys.executable, *words, "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT) as server:
        try:
            address = f"http://localhost:{port}"
            _wait_for(address, server)
            yield address
        finally:
            server.terminate()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        assert server.poll() is None
        assert time.monotonic() < end
        try:
            httpx.get(address + "/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return


def as_shown(found: dict[str, Any]) -> list[str]:
    """Spell the API's figures as the cards do."""
    memory = ("traditional_memory_mb", "paged_memory_mb", "memory_saved_mb")
    return [
        *(f"{found[name]:,.2f} MiB" for name in memory),
        share(found["utilization_percent"] / 100, 2).replace("%", " %"),
    ]


# -- start, loading, replay


def test_the_page_opens_with_a_start_and_shows_the_comparison(open_paging: Visit) -> None:
    paging = open_paging()
    expect(paging.page).to_have_title(re.compile("two ways to allocate its KV cache"))
    expect(paging.page.get_by_role("link", name="Paging")).to_have_attribute("aria-current", "page")
    expect(paging.page.locator(".metric")).to_have_count(0)
    expect(paging.page.get_by_role("button", name="Replay")).to_be_hidden()
    paging.choose("block_size", 32)
    expect(paging.page).to_have_url(re.compile("block_size=32"))
    paging.choose("block_size", 16)
    paging.start()
    status = paging.page.get_by_role("status").filter(has_text="Reserving 2,048 tokens takes")
    expect(status).to_have_count(1)
    assert paging.figures() == ["44.00 MiB", "2.75 MiB", "41.25 MiB", "0.78 %"]
    expect(paging.page).to_have_url(re.compile("shown=true"))
    assert "22.00 MB and 87.5%" in paging.page.locator(".older").inner_text()


def test_the_older_report_is_explained_in_one_line(paging: PagingPage) -> None:
    older = paging.page.locator(".older")
    expect(older).to_contain_text("max_model_len 1,024")
    box = older.bounding_box()
    assert box is not None
    assert box["height"] < 24


def test_it_waits_visibly_and_reveals_card_by_card(open_paging: Visit) -> None:
    paging = open_paging()
    seen = paging.page.locator(".stage").evaluate(WATCH_STAGE)
    assert (seen[0], seen[-1]) == ("skeleton", "shown reveal")
    delays = paging.page.locator(".metric").evaluate_all(
        "cards => cards.map(card => getComputedStyle(card).animationDelay)"
    )
    assert delays == ["0s", "0.08s", "0.16s", "0.24s"]
    paging.settled()


def test_replay_fills_the_grid_again(open_paging: Visit) -> None:
    paging = open_paging("?shown=true&sequence_length=256&sequences=1")
    paging.settled()
    last = compare(Comparison(sequence_length=256)).blocks[-1].physical
    full = paging.colour(last)
    assert paging.colour_after("Replay", last) != full  # 16 blocks, one every 40 ms
    paging.settled()
    assert paging.colour(last) == full


def test_less_motion_means_none(open_paging: Visit) -> None:
    paging = open_paging("?shown=true&sequence_length=512", reduced_motion="reduce")
    paging.page.locator(".shown").wait_for()
    last = compare(Comparison(sequence_length=512)).blocks[-1].physical
    free = paging.colour(0)
    expect(paging.page.locator(".runs:not([hidden])")).to_have_count(1)
    assert paging.colour(last) != free
    animations = paging.page.locator(".metric").first.evaluate(
        "card => card.getAnimations().length"
    )
    assert animations == 0


# -- numbers


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"max_model_len": 1024},
        {"model": "Qwen/Qwen3-8B", "sequence_length": 1000, "block_size": 32, "num_blocks": 256},
        {"model": "google/gemma-3-4b-it", "sequence_length": 4096, "max_model_len": 8192},
    ],
)
def test_the_numbers_are_the_apis(open_paging: Visit, api: str, asked: dict[str, Any]) -> None:
    found = httpx.get(api + "/compare/memory", params=asked).json()
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    paging = open_paging(f"?shown=true&{query}", reduced_motion="reduce")
    paging.settled()
    assert paging.figures() == as_shown(found)
    for row in found["blocks"][:4]:
        said = paging.hover(row["physical"])
        assert said.startswith(f"block {row['physical']}: A, logical {row['logical']}")
        assert f"{row['tokens']} of {found['block_size']} tokens" in said
    paging.page.context.close()


def test_every_setting_changes_what_is_shown(paging: PagingPage, api: str) -> None:
    asked = {"sequence_length": 256, "max_model_len": 4096, "block_size": 32, "num_blocks": 256}
    for name, value in asked.items():
        paging.choose(name, value)
    paging.choose("model", "meta-llama/Llama-3.1-8B")
    asked_of_api = {**asked, "model": "meta-llama/Llama-3.1-8B"}
    found = httpx.get(api + "/compare/memory", params=asked_of_api).json()
    assert paging.figures() == as_shown(found)
    paging.type_number("sequence_length", 333)
    found = httpx.get(api + "/compare/memory", params={**asked_of_api, "sequence_length": 333})
    assert paging.figures() == as_shown(found.json())
    expect(paging.page).to_have_url(re.compile("sequence_length=333"))
    expect(paging.page).to_have_url(re.compile("model=meta-llama%2FLlama-3.1-8B"))


def test_the_tip_tells_whose_block_it_is(paging: PagingPage) -> None:
    blocks = [row.physical for row in compare(Comparison()).blocks]
    assert paging.hover(blocks[0]) == (
        f"block {blocks[0]}: A, logical 0; B, logical 0; C, logical 0 16 of 16 tokens, 3 references"
    )
    assert (
        paging.hover(blocks[7]) == f"block {blocks[7]}: A, logical 7 16 of 16 tokens, 1 reference"
    )
    assert paging.hover(500) == "block 500 is free"


def test_the_grid_is_walked_by_keyboard(paging: PagingPage) -> None:
    first = compare(Comparison()).blocks[0].physical
    canvas = paging.page.locator(".pool canvas")
    assert "8 of 1,024 blocks hold sequence A" in (canvas.get_attribute("aria-label") or "")
    canvas.focus()
    canvas.press("ArrowRight")
    assert paging.tip().startswith(f"block {first}:")
    canvas.press("ArrowDown")
    assert paging.tip().startswith(f"block {first + 128}")
    canvas.press("Escape")
    expect(paging.page.locator(".pool .tip")).to_be_hidden()


def test_sharing_saves_blocks_and_a_write_copies_one(paging: PagingPage) -> None:
    tables = paging.page.locator(".tables")
    expect(tables).to_contain_text("3 sequences: 19 logical, 11 physical")
    expect(tables).to_contain_text("sharing saves 8 blocks, 2.75 MiB")
    expect(tables).to_contain_text("reference count 3")
    paging.choose("shared", 0.5625)
    expect(tables).to_contain_text("copy on write: 2 blocks copied")
    paging.choose("shared", 0.0)
    expect(tables).to_contain_text("sharing saves nothing here")
    paging.choose("sequences", 1)
    expect(tables.locator("svg:visible .box.logical")).to_have_count(8)


# -- what is wrong


def test_a_pool_that_is_exhausted_says_so_and_keeps_the_last_picture(paging: PagingPage) -> None:
    paging.type_number("num_blocks", 7)
    alert = paging.page.get_by_role("alert")
    expect(alert).to_contain_text("num_blocks 7 is too small a pool")
    assert paging.figures()[0] == "44.00 MiB"
    paging.type_number("num_blocks", 9)
    expect(alert).to_be_hidden()
    expect(paging.page.locator(".badge.full")).to_have_text("B waits: 1 block short")


def test_a_broken_link_says_what_is_not_valid(open_paging: Visit) -> None:
    paging = open_paging("?block_size=0&colour=red&model=tinylama")
    alert = paging.page.get_by_role("alert")
    for said in ("block_size in the link: got '0'", "'colour' in the link", "TinyLlama-1.1B"):
        expect(alert).to_contain_text(said)
    paging.start()
    assert paging.figures()[0] == "44.00 MiB"


# -- the text


def test_a_text_becomes_the_sequence(paging: PagingPage, tmp_path: Path) -> None:
    paging.page.get_by_role("button", name="Text", exact=True).click()
    counted = paging.page.locator(".counted")
    expect(counted).to_contain_text("token counts are estimates")
    paging.page.get_by_role("textbox", name="Text of sequence A").fill("word " * 80)
    expect(counted).to_have_text("About 100 tokens, estimated: 4 characters per token assumed.")
    expect(paging.picker("sequence_length")).to_have_value("100")
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    words.save(str(path))
    paging.page.locator("input[type=file]").set_input_files(path)
    expect(counted).to_have_text("80 tokens, counted by the file dropped here.")
    expect(paging.page.locator(".metric.paged header")).to_contain_text("80 tokens")


# -- how it looks


def test_a_link_opens_in_light_and_the_switch_repaints(open_paging: Visit) -> None:
    paging = open_paging("?shown=true&theme=light", reduced_motion="reduce")
    paging.settled()
    light = paging.colour(0)
    paging.page.get_by_role("button", name="Dark theme").click()
    paging.page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    expect(paging.page).not_to_have_url(re.compile("theme"))
    paging.recoloured(0, light)
    paging.page.keyboard.press("l")
    paging.page.wait_for_function("document.documentElement.dataset.theme === 'light'")


@pytest.mark.parametrize("size", [(1600, 950), (1280, 720), (390, 844)])
def test_nothing_is_wider_than_the_window(open_paging: Visit, size: tuple[int, int]) -> None:
    width, height = size
    viewport = {"width": width, "height": height}
    paging = open_paging("?shown=true", viewport=viewport, reduced_motion="reduce")
    paging.settled()
    assert paging.page.evaluate("document.documentElement.scrollWidth") <= width
    small = paging.page.locator("div.paging :is(p, small, b, span, h2):visible").evaluate_all(
        "all => all.filter(el => el.textContent && parseFloat(getComputedStyle(el).fontSize) < 13)"
        ".map(el => el.textContent)"
    )
    assert small == []


def test_a_phone_has_its_own_grid_and_diagram(open_paging: Visit) -> None:
    paging = open_paging("?shown=true", **PHONE, reduced_motion="reduce")
    paging.settled()
    parts = [
        paging.page.locator(name).first.bounding_box() for name in (".pickers", ".stage", ".how")
    ]
    for above, below in pairwise(parts):
        assert above is not None
        assert below is not None
        assert below["y"] - above["y"] - above["height"] >= 8
    block = compare(Comparison()).blocks[0].physical
    assert paging.hover(block).startswith(f"block {block}: A, logical 0")
    expect(paging.page.locator(".table-grid .narrow svg")).to_be_visible()
    expect(paging.page.locator(".table-grid .wide svg")).to_be_hidden()
    for target in paging.page.locator(".picker:visible, div.paging button:visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 32


def test_every_control_has_a_name_and_every_picture_a_sentence(paging: PagingPage) -> None:
    for picker in paging.page.locator(".picker").all():
        assert picker.locator("span").inner_text()
    for name in ("Model", "Sequence", "Max", "Block", "Pool", "Sequences", "Shared prompt"):
        expect(paging.page.get_by_role("combobox", name=name, exact=True)).to_be_visible()
    pictures = paging.page.locator("div.paging [role=img]:visible")
    expect(pictures).to_have_count(3)
    for picture in pictures.all():
        assert len(picture.get_attribute("aria-label") or "") > 30


def test_the_apis_documentation_asks_nobody_else(page: Any, api: str) -> None:
    page.goto(api + "/docs")
    expect(page.get_by_text("/compare/memory").first).to_be_visible()
