"""The HBM page as a person handles it, and as its rasters can be read back."""

from collections import Counter
from collections.abc import Callable

from playwright.sync_api import Page, expect

READ_CELLS = """() => {
  const scene = Bokeh.documents[0].get_model_by_name("hbm")
  const {data} = scene.renderers.find((renderer) => renderer.name === "pages").data_source
  return data.image.map((image) => Array.from(image))
}"""


class HbmPage:
    """Opens the page, turns its knobs and reads what it shows."""

    def __init__(self, page: Page, site: str, query: str = "") -> None:
        self.page = page
        page.set_default_timeout(10_000)
        page.goto(f"{site}/hbm{query}")
        page.wait_for_function("() => document.kvviz?.row && document.kvviz?.state")

    def pause(self) -> None:
        button = self.page.get_by_role("button", name="Pause")
        if button.count():
            button.click()
        expect(self.page.get_by_role("button", name="Play")).to_be_visible()

    def seek(self, context: int) -> None:
        slider = self.page.get_by_role("slider", name="Context", exact=True)
        slider.fill(str(context))
        self.page.wait_for_function("n => document.kvviz.row.when === n", arg=context)

    def turn(self, name: str, on: bool) -> None:
        switch = self.page.get_by_role("switch", name=name)
        if (switch.get_attribute("aria-checked") == "true") != on:
            self.changing(switch.click)

    def choose(self, label: str, option: str) -> None:
        select = self.page.get_by_label(label, exact=True)
        if select.input_value() != option:
            self.changing(lambda: select.select_option(option))

    def changing(self, act: Callable[[], object]) -> None:
        """Do `act` and wait until the new record is on the page."""
        revision = self.page.evaluate("document.kvviz.state.revision")
        act()
        self.page.wait_for_function("n => document.kvviz.state.revision > n", arg=revision)

    def row(self) -> dict[str, float]:
        return self.page.evaluate("document.kvviz.row")

    def nearest_row(self, context: int) -> int:
        """Return the last context with a row of its own that is not after `context`."""
        slider = self.page.get_by_role("slider", name="Context", exact=True)
        slider.fill(str(context))
        self.page.wait_for_timeout(100)
        return int(self.row()["when"])

    def images(self) -> list[list[int]]:
        """Return every site's cells, row after row from the lowest."""
        return self.page.evaluate(READ_CELLS)

    def cells(self) -> Counter:
        """Return how many cells of all sites have each colour code."""
        return Counter(code for image in self.images() for code in image)
