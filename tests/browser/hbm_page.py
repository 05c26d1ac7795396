"""The HBM page as a person handles it, and as its rasters can be read back."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, WebSocket, expect

from kvviz.pages.hbm.session import PAGE_DEFAULTS
from kvviz.settings.scenario import Scenario

READ_CELLS = """() => {
  const scene = Bokeh.documents[0].get_model_by_name("hbm")
  const {data} = scene.renderers.find((renderer) => renderer.name === "pages").data_source
  return data.image.map((image) => Array.from(image))
}"""

# The step at which a slider says `text`; only its label moves while it is sought.
FIND_STEP = """(input, text) => {
  const shown = input.parentElement.querySelector("b")
  for (let step = 0; step <= input.max; step++) {
    input.value = step
    input.dispatchEvent(new Event("input"))
    if (shown.textContent === text) return step
  }
  throw new Error(`no step says ${text}`)
}"""


class HbmPage:
    """Opens the page, turns its knobs and reads what it shows."""

    def __init__(self, page: Page, site: str, query: str = "") -> None:
        self.page = page
        self.frames: list[str] = []  # what went over the page's connection, either way
        page.on("websocket", self._listen)
        page.set_default_timeout(10_000)
        page.goto(f"{site}/hbm{query}")
        page.wait_for_function("() => document.kvviz?.row && document.kvviz?.state")

    def _listen(self, socket: WebSocket) -> None:
        for way in ("framesent", "framereceived"):
            socket.on(way, lambda frame, way=way: self.frames.append(f"{way} {frame[:200]}"))

    def close(self) -> None:
        self.page.context.close()

    # -- playing

    def pause(self) -> None:
        self._press("Pause", "Play")

    def play(self) -> None:
        self._press("Play", "Pause")

    def _press(self, name: str, then: str) -> None:
        """Press a transport's button, if there is one of that name, until it says `then`."""
        button = self.page.get_by_role("button", name=name, exact=True).first
        if button.count():
            button.click()
        expect(self.page.get_by_role("button", name=then, exact=True).first).to_be_visible()

    def seek(self, context: int) -> None:
        """Stand still at `context`, which has a row of its own."""
        self.scrub(context)
        self.page.wait_for_function("n => document.kvviz.row.when === n", arg=context)

    def scrub(self, context: int) -> None:
        self.page.get_by_role("slider", name="Context", exact=True).fill(str(context))

    def nearest_row(self, context: int) -> int:
        """Return the last context with a row of its own that is not after `context`."""
        self.scrub(context)
        return int(self.row()["when"])

    # -- knobs

    def turn(self, name: str, on: bool) -> None:
        switch = self.page.get_by_role("switch", name=name)
        if (switch.get_attribute("aria-checked") == "true") != on:
            self.changing(switch.click)

    def choose(self, label: str, option: str) -> None:
        select = self.page.get_by_label(label, exact=True)
        if select.input_value() != option:
            self.changing(lambda: select.select_option(option))

    def press(self, group: str, option: str) -> None:
        radios = self.page.get_by_role("radiogroup", name=group)
        self.changing(radios.get_by_role("radio", name=option).click)

    def slide(self, label: str, text: str) -> None:
        self.changing(lambda: self.slide_only(label, text))

    def slide_only(self, label: str, text: str) -> None:
        """Move a slider to where it says `text`, whether or not a new record follows."""
        slider = self.page.get_by_role("slider", name=label)
        slider.fill(str(slider.evaluate(FIND_STEP, text)))

    def upload(self, file: Any) -> None:
        self.page.locator("input[type=file]").set_input_files(file)

    def changing(self, act: Callable[[], object]) -> None:
        """Do `act` and wait until the new record is on the page."""
        revision = self.page.evaluate("document.kvviz.state.revision")
        act()
        self.page.wait_for_function(
            "n => document.kvviz.state.revision > n && !document.kvviz.counting", arg=revision
        )

    # -- what it shows

    def row(self) -> dict[str, float]:
        return self.page.evaluate("document.kvviz.row")

    def state(self) -> dict[str, Any]:
        return self.page.evaluate("document.kvviz.state")

    def images(self) -> list[list[int]]:
        """Return every site's cells, row after row from the lowest."""
        return self.page.evaluate(READ_CELLS)

    def cells(self) -> Counter:
        """Return how many cells of all sites have each colour code."""
        return Counter(code for image in self.images() for code in image)

    def scenario(self, **changes: Any) -> Scenario:
        """Return what the page starts with, at the playhead's context, and `changes`."""
        return Scenario(**{**PAGE_DEFAULTS, "context": int(self.row()["when"]), **changes})

    def value(self, label: str) -> str:
        """Return what the info panel says next to `label`."""
        line = self.page.locator(".rows > .row").filter(has_text=re.compile(rf"^\s*{label}"))
        return line.locator("> span").last.inner_text()

    def hero(self) -> str:
        return self.shown(".hero").inner_text()

    def banner(self) -> str:
        return self.shown(".banner").inner_text()

    def ledger(self) -> dict[str, float]:
        """Return the ledger's entries in GiB."""
        spans = self.page.locator(".ledger > span:visible").all_inner_texts()
        return {" ".join(span.split()[:-1]): number(span.split()[-1]) for span in spans}

    def delta(self, switch: str) -> float:
        """Return what a switch says that it saves (negative) or costs, in GiB."""
        toggle = self.page.locator(".toggle").filter(has_text=switch)
        return number(toggle.locator(".note span").inner_text())

    def scene_texts(self) -> list[str]:
        """Return what stands on the GPU's scene."""
        return self.page.locator(".scene-layer .texts-over span").all_inner_texts()

    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def shown(self, selector: str) -> Locator:
        return self.page.locator(f"{selector}:visible")


def number(text: str) -> float:
    """Return the first number in a text, as the page spells numbers."""
    found = re.search(r"[-−+]?[\d,]*\.?\d+", text)
    assert found, text
    return float(found.group().replace(",", "").replace("−", "-"))
