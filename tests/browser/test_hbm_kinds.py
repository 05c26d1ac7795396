"""Every number of the page says on hover how it is known; names, symbols and counters need not."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from kvviz.catalog.gpus.shipped import gpus
from kvviz.catalog.models.shipped import model_names
from kvviz.pages.kit.html import short
from tests.browser.hbm_page import HbmPage

Visit = Callable[..., HbmPage]
FOLDED = "summary:has-text('More settings')"
# What stands on the page with a digit in it, each with the title that a pointer finds there.
READ = """() => {
  const found = []
  const titled = (element) => {
    while (element && !element.title) element = element.parentElement ?? element.getRootNode().host
    return element?.title ?? ""
  }
  const read = (root) => {
    for (const element of root.querySelectorAll("*:not(style, script, option, math *)")) {
      if (element.shadowRoot) read(element.shadowRoot)
      const words = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
        .map((node) => node.textContent.trim()).join(" ").trim()
      if (/\\d/.test(words) && element.checkVisibility()) found.push([words, titled(element)])
    }
  }
  read(document.body)
  return found
}"""
NAMES = {short(name) for name in model_names()} | {gpu.short_name for gpu in gpus()}
NO_NUMBER = re.compile(
    r"\w+ stack \d|chip \d+|GPU \d|\d|[A-Z]+\d+ die|"  # places and dies
    r"bf16|.*\(fp32 softmax\)|[½12]×|\d+ of \d+|"  # types, speeds, which of the facts
    r".*’\d\d(, \d{4}\.\d{5})?"  # papers
)
KIND = re.compile(r"(computed|simulated|measured|assumed|published|a setting|from the)\b")


@pytest.fixture
def open_page(visit: Visit) -> Iterator[Callable[[str], HbmPage]]:
    opened = []

    def one(query: str = "") -> HbmPage:
        opened.append(visit(query, reduced_motion="reduce"))
        return opened[-1]

    yield one
    for page in opened:
        page.close()


def is_name(words: str) -> bool:
    """Whether words with a digit are no number: names, alone or in a phrase, and counters."""
    bare = re.sub("|".join(map(re.escape, sorted(NAMES, key=len, reverse=True))), "", words)
    return not re.search(r"\d", bare) or bool(NO_NUMBER.fullmatch(words))


@pytest.mark.parametrize(
    "query",
    ["", "?flash=false&paged=false&context=131072&max_model_len=131072&run_length=131072"],
    ids=["fits", "spilled"],
)
def test_every_number_says_how_it_is_known(open_page: Callable[..., HbmPage], query: str):
    hbm = open_page(query)
    hbm.page.locator(FOLDED).click()
    expect(hbm.page.get_by_role("slider", name="MFU")).to_be_visible()
    numbers = [pair for pair in hbm.page.evaluate(READ) if not is_name(pair[0])]
    assert len(numbers) > 40
    assert [pair for pair in numbers if not KIND.match(pair[1])] == []


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", "assumed: matrix-product profiles"),
        ("?gpu=rtx%204090", "measured: fitted to a run"),
        ("?mfu=0.5", "assumed: as you set them"),
    ],
)
def test_what_a_gpu_reaches_is_assumed_or_measured(
    open_page: Callable[..., HbmPage], query: str, kind: str
):
    hbm = open_page(query)
    hbm.page.locator(FOLDED).click()
    for label in ("MFU", "MBU"):
        slider = hbm.page.locator("label.slider", has_text=label)
        expect(slider).to_have_attribute("title", re.compile(f"^{kind}"))


def test_facts_say_whether_they_are_computed_here(open_page: Callable[..., HbmPage]):
    hbm = open_page()
    fact = hbm.page.locator(".fact button")
    kinds = set()
    for _ in range(4):
        title, source = fact.get_attribute("title"), fact.locator("cite").inner_text()
        assert title.endswith(f"{source}. Click for the next fact.")
        kinds.add(title.partition(":")[0])
        before = fact.inner_text()
        fact.click()
        expect(fact).not_to_have_text(before)
    assert kinds == {"computed", "published, not computed"}
