"""The Explore page as a person handles it, and as its cells can be read back."""

from typing import Any

from playwright.sync_api import Locator, Page, expect


class ExplorePage:
    """Opens the page, turns its controls and reads what it shows."""

    def __init__(self, page: Page, site: str, query: str = "") -> None:
        self.page = page
        page.set_default_timeout(10_000)
        page.goto(f"{site}/explore{query}")
        page.get_by_role("gridcell").first.wait_for()
        expect(page.locator(".details h1")).not_to_be_empty()
        expect(page.locator(".split")).to_be_visible()

    def close(self) -> None:
        self.page.context.close()

    # -- controls

    def show(self, metric: str) -> None:
        self.press("Show", metric)

    def press(self, group: str, option: str) -> None:
        radio = self.page.get_by_role("radiogroup", name=group).get_by_role("radio", name=option)
        radio.click()
        expect(radio).to_have_attribute("aria-checked", "true")

    def pick(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def find(self, label: str, words: str) -> None:
        self.page.get_by_label(label, exact=True).fill(words)

    def upload(self, file: Any) -> None:
        self.page.locator("input[type=file]").set_input_files(file)

    def choose(self, model: str, gpu: str) -> None:
        self.cell(model, gpu).click()
        expect(self.page.locator(".details h1")).to_have_text(f"{model} on {gpu}")

    def download(self, form: str) -> bytes:
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=f"Table as {form}").click()
        return waiting.value.path().read_bytes()

    # -- what it shows

    def cell(self, model: str, gpu: str) -> Locator:
        """Return a pair's cell; the GPU as its heading reads, such as ``H100 80 GB``."""
        return self.page.locator(f'[role=gridcell][aria-label^="{model} on {gpu}"]')

    def rows(self) -> list[str]:
        return self.page.locator("[role=rowheader] > span").all_inner_texts()

    def columns(self) -> list[str]:
        return self.page.locator("[role=columnheader] > span").all_inner_texts()

    def cells(self) -> list[list[str]]:
        """Return every cell's text, row by row."""
        texts, wide = self.page.get_by_role("gridcell").all_inner_texts(), len(self.columns())
        return [texts[i : i + wide] for i in range(0, len(texts), wide)]

    def heading(self) -> Locator:
        return self.page.locator(".heat h1")

    def hero(self) -> Locator:
        return self.page.locator(".details .hero")

    def said(self) -> Locator:
        return self.page.locator(".said")
