"""What was measured of memory: beside its selector, on the ghost, and in the drawer."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.measured.memory import score_multiples
from tests.allocator_model import write_recording
from tests.browser.conftest import serving, watch
from tests.browser.hbm_page import HbmPage

pytest.importorskip("torch")

APP = """
from pathlib import Path
import panel as pn
from kvviz.catalog.measured import recordings as measured
measured.folder = lambda: Path({folder!r})
from kvviz.pages import opened
pn.extension()
opened("hbm").servable()
"""
H200 = "?gpu=H200%20SXM%20141GB"
Open = Callable[..., HbmPage]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that ships a recording of an H200, made in a folder of the test."""
    folder = tmp_path_factory.mktemp("recorded")
    write_recording(folder)
    (folder / "hbm.py").write_text(APP.format(folder=str(folder)))
    with serving(folder) as address:
        yield address


@pytest.fixture
def opened(browser: Browser, recorded: str, wrong: list[str]) -> Iterator[Open]:
    """Open the page of that server, nothing in motion."""
    contexts = []

    def open_page(query: str, address: str = recorded, width: int = 1600) -> HbmPage:
        size = {"width": width, "height": 950}
        context = browser.new_context(viewport=size, reduced_motion="reduce")
        contexts.append(context)
        return HbmPage(watch(context.new_page(), wrong), address, query)

    yield open_page
    for context in contexts:
        context.close()


def note(hbm: HbmPage) -> Locator:
    hbm.page.locator("summary", has_text="More settings").click()
    return hbm.page.locator(".measured")


def drawer(hbm: HbmPage) -> Locator:
    hbm.page.get_by_role("button", name="About this picture").click()
    dialog = hbm.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="What you see")).to_be_visible()
    return dialog


def test_a_gpu_s_own_peaks_stand_beside_the_selector(opened: Open) -> None:
    found = note(opened(H200))
    expect(found).to_contain_text("measured")
    expect(found).to_contain_text("on NVIDIA H200, 2026-11-20.")
    expect(found.locator(".row")).to_have_text(
        ["one line2.01", "Hugging Face eager (fp32 softmax)4.97", "SDPA flash0.03"]
    )


def test_they_follow_the_gpu_that_is_chosen(opened: Open) -> None:
    hbm = opened(H200)
    found = note(hbm)
    hbm.choose("GPU", "T4")
    expect(found).to_contain_text("on NVIDIA H200, 2026-11-20, not on the T4.")
    hbm.choose("Model", "openai-community/gpt2")  # computes in fp32, in which nothing was measured
    expect(found).to_have_count(0)


def test_the_selector_counts_copies_in_the_total(opened: Open) -> None:
    hbm = opened(H200 + "&flash=false")
    before = hbm.row()["scores"]
    hbm.page.locator("summary", has_text="More settings").click()
    hbm.slide("Peak score matrices alive at once", "5")
    assert hbm.row()["scores"] == 5 * before
    expect(hbm.shown(".banner")).to_be_visible()


def test_the_ghost_tells_them_on_hover(opened: Open) -> None:
    hbm = opened(H200)
    label = hbm.page.locator(".scene-layer .texts-over span", has_text="GiB saved").first
    box = label.bounding_box()
    assert box
    hbm.page.mouse.move(box["x"] - 12, box["y"] + box["height"] / 2)
    tip = hbm.page.locator(".tip")
    expect(tip).to_contain_text("attention scores would be here without FlashAttention")
    expect(tip).to_contain_text(
        "Measured on NVIDIA H200, 2026-11-20, score matrices alive at the peak: "
        "standard 2.01 to 4.97, flash 0.03."
    )


@pytest.mark.parametrize("width", [1600, 390])
def test_the_drawer_shows_the_allocator_where_it_was_recorded(opened: Open, width: int) -> None:
    dialog = drawer(opened(H200, width=width))
    for title in (
        "Peak score matrices alive at once",
        "A real allocator",
        "One growing tensor per sequence",
    ):
        expect(dialog.get_by_role("heading", name=title)).to_be_visible()
    pictures = dialog.locator("svg.allocator")
    expect(pictures).to_have_count(4)
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box
        assert box["width"] > 280
        assert box["height"] > 12
    expect(pictures.nth(1)).to_have_attribute(
        "aria-label", re.compile(r"^\d+ segments, [\d.]+\sGiB in all, of which [\d.]+\sGiB free")
    )
    assert pictures.nth(1).locator("rect.segment").count() > 10
    assert dialog.evaluate("d => d.querySelector('.texts').scrollWidth <= d.clientWidth")


def test_another_gpu_shows_no_allocator(opened: Open) -> None:
    dialog = drawer(opened("?gpu=T4&batch=1&model=openai-community/gpt2"))
    expect(dialog.locator("svg.allocator")).to_have_count(0)
    expect(dialog.get_by_role("heading", name="Peak score matrices alive at once")).to_have_count(0)


def test_the_project_s_own_peaks_are_a_cpu_s_and_say_so(opened: Open, site: str) -> None:
    known = score_multiples(find_gpu("H100 SXM5 80GB"))
    assert known
    found = note(opened("", address=site))
    expect(found).to_contain_text(f"on {known.place}, {known.date}, not on the H100")
    rows = [f"{row.name}{row.multiple:.2f}" for row in known.of("bf16")]
    expect(found.locator(".row")).to_have_text(rows)
