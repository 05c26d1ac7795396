"""The Paging page as a person handles it."""

from typing import Any

from playwright.sync_api import Locator, Page, expect


class PagingPage:
    """Opens the page, turns its settings and reads what it shows."""

    def __init__(self, page: Page, site: str, query: str = "") -> None:
        self.page = page
        page.set_default_timeout(10_000)
        page.goto(f"{site}/paging{query}")
        page.locator("div.paging").wait_for()

    def start(self) -> None:
        self.page.get_by_role("button", name="Show comparison").click()
        self.settled()

    def settled(self) -> None:
        """Wait until the comparison stands still."""
        self.page.locator(".shown").wait_for()
        expect(self.page.locator(".stage")).not_to_have_attribute("aria-busy", "true")
        expect(self.page.locator(".runs:not([hidden])")).to_have_count(1)
        expect(self.page.locator(".shown.reveal")).to_have_count(0)

    def picker(self, name: str) -> Locator:
        return self.page.locator(f".picker.{name} select")

    def choose(self, name: str, value: Any) -> None:
        self.picker(name).select_option(f"{value:g}" if isinstance(value, float) else str(value))
        self.answered()

    def type_number(self, name: str, value: Any) -> None:
        """Take "Other" and type a number of one's own."""
        self.picker(name).select_option("other")
        box = self.page.locator(f".picker.{name} input")
        box.fill(str(value))
        box.press("Enter")
        self.answered()

    def answered(self) -> None:
        expect(self.page.locator("div.paging.busy")).to_have_count(0)

    def figures(self) -> list[str]:
        """Return what the four cards say, with their units."""
        texts = self.page.locator(".metric p").all_inner_texts()
        return [" ".join(text.split()) for text in texts]

    def cell(self, block: int) -> tuple[float, float]:
        """Return the middle of a block's cell, in px from the canvas's corner."""
        box = self.page.locator(".pool canvas").bounding_box()
        assert box is not None
        columns = 128 if box["width"] >= 700 else 32
        size = box["width"] / columns
        return (block % columns + 0.5) * size, (block // columns + 0.5) * size

    def hover(self, block: int) -> str:
        """Point at a block of the usual pool; return what its tip says."""
        x, y = self.cell(block)
        self.page.locator(".pool canvas").hover(position={"x": x, "y": y})
        return self.tip()

    def tip(self) -> str:
        return " ".join(self.page.locator(".pool .tip").inner_text().split())

    def recoloured(self, block: int, old: tuple[int, ...]) -> None:
        """Wait until a block's cell no longer has the colour that it had."""
        for _ in range(100):
            if self.colour(block) != old:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"block {block} is still {old}")

    def colour_after(self, button: str, block: int) -> tuple[int, ...]:
        """Press a button; return a cell's colour on the first frame after, however late it is."""
        x, y = self.cell(block)
        script = """(canvas, [button, x, y]) => new Promise((done) => {
          const pressed = canvas.getRootNode().querySelector(`button[aria-label="${button}"]`)
          pressed.click()
          requestAnimationFrame(() => {
            const now = pressed.getRootNode().querySelector(".pool canvas")
            const ratio = now.width / now.clientWidth, pen = now.getContext("2d")
            done(Array.from(pen.getImageData(x * ratio, y * ratio, 1, 1).data))
          })
        })"""
        return tuple(self.page.locator(".pool canvas").evaluate(script, [button, x, y]))

    def colour(self, block: int) -> tuple[int, ...]:
        """Return the colour that the canvas shows in the middle of a block's cell."""
        x, y = self.cell(block)
        script = """(canvas, [x, y]) => {
          const ratio = canvas.width / canvas.clientWidth
          return Array.from(canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data)
        }"""
        return tuple(self.page.locator(".pool canvas").evaluate(script, [x, y]))
