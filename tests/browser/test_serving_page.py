"""The serving page in a browser: what it draws is what was simulated."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kvviz.pages.serving.page import PAGE
from kvviz.pages.serving.session import Runs
from kvviz.scene.serving.gantt import LANES
from kvviz.scene.serving.pool import PoolCell, pool_grid, pool_palette
from kvviz.scene.theme import DARK, LIGHT
from kvviz.sim.results.lives import Phase
from kvviz.timeline import State
from tests.browser.conftest import watch

MIDDLES = """(canvas, [columns, rows]) => {
  const {width, height} = canvas
  const {data} = canvas.getContext("2d").getImageData(0, 0, width, height)
  const hex = (byte) => byte.toString(16).padStart(2, "0")
  return Array.from(canvas.codes, (_, cell) => {
    const x = Math.floor(((cell % columns) + 0.45) * width / columns)
    const y = Math.floor((Math.floor(cell / columns) + 0.45) * height / rows)
    const from = 4 * (y * width + x)
    return "#" + Array.from(data.slice(from, from + 3), hex).join("")
  })
}"""


PAINTS = """async () => {
  let frames = 0, paints = 0
  for (const name of ["gantt", "overview"]) {
    const [first] = Bokeh.documents[0].get_model_by_name(name).renderers
    const view = Bokeh.index.find_one(first), {paint} = view
    view.paint = function (...given) { paints++; return paint.apply(this, given) }
  }
  document.dispatchEvent(new CustomEvent("kvviz:command", {detail: {play: true}}))
  await new Promise((done) => {
    const tick = () => (++frames < 60 ? requestAnimationFrame(tick) : done())
    requestAnimationFrame(tick)
  })
  return [frames, paints]
}"""


class ServingPage:
    """Opens the page, plays it and reads what it shows."""

    def __init__(self, page: Page, site: str, query: str = "") -> None:
        self.page = page
        self.frames: list[str] = []
        page.on("websocket", self._listen)
        page.set_default_timeout(10_000)
        page.goto(f"{site}/serving{query}")
        page.wait_for_function("() => document.kvviz?.row && document.kvviz?.state")

    def _listen(self, socket: Any) -> None:
        for way in ("framesent", "framereceived"):
            socket.on(way, lambda frame, way=way: self.frames.append(f"{way} {frame[:200]}"))

    def pause(self) -> None:
        if self.state()["playing"]:
            self.page.get_by_role("button", name="Pause").click()
        expect(self.page.get_by_role("button", name="Play", exact=True)).to_be_visible()

    def seek(self, seconds: float) -> None:
        self.page.evaluate(
            "seek => document.dispatchEvent(new CustomEvent('kvviz:command', {detail: {seek}}))",
            seconds,
        )

    def changing(self, act: Callable[[], object]) -> None:
        """Do `act` and wait until new runs are on the page."""
        revision = self.state()["revision"]
        act()
        self.page.wait_for_function("n => document.kvviz.state.revision > n", arg=revision)

    def row(self) -> dict[str, float]:
        return self.page.evaluate("document.kvviz.row")

    def state(self) -> dict[str, Any]:
        return self.page.evaluate("document.kvviz.state")

    def lanes(self) -> tuple[int, int]:
        """The requests whose lanes are seen: the first and the last."""
        title = self.page.locator(".requests h2").inner_text()
        first, last = re.findall(r"\d+", title)
        return int(first), int(last)

    def told(self) -> dict[str, Any]:
        return self.page.evaluate("document.kvviz.request")

    def cells(self, run: str) -> list[int]:
        """The codes of a pool's cells, in reading order."""
        return self.canvas(run).evaluate("canvas => Array.from(canvas.codes)")

    def canvas(self, run: str) -> Locator:
        return self.page.locator(f'.pool[data-run="{run}"] canvas')

    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def upload(self, name: str, text: str) -> None:
        if not self.page.locator("input[type=file]").is_visible():
            self.page.get_by_role("button", name="Rate, count, your own trace").click()
        file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
        self.page.locator("input[type=file]").set_input_files(file)


@pytest.fixture(scope="module")
def open_page(
    browser: Browser, browser_context_args: dict[str, Any], site: str, wrong: list[str]
) -> Iterator[Callable[..., ServingPage]]:
    """Open the page as a new visitor, given a link's query and options of the context."""
    contexts = []

    def opened(query: str = "", **options: Any) -> ServingPage:
        context = browser.new_context(**{**browser_context_args, **options})
        contexts.append(context)
        return ServingPage(watch(context.new_page(), wrong), site, query)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def shared(open_page: Callable[..., ServingPage]) -> ServingPage:
    return open_page()


@pytest.fixture
def serving(shared: ServingPage) -> ServingPage:
    """The shared page, paused, with A's requests shown."""
    shared.pause()
    return shared


@pytest.fixture(scope="module")
def runs() -> Runs:
    """What a plain visit simulates."""
    return PAGE.visit([]).runs


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what a page will show."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def drawn(runs: Runs, run: str, seconds: float) -> list[int]:
    """Return the cells that a pool should have, from the record itself."""
    own = runs.a if run == "a" else runs.b
    pages = own.timeline.at(int(seconds * 1e9 / own.ns_per_unit + 1e-6))
    owner, state = pages.owner[1:].astype(int), pages.state[1:]
    held = np.isin(state, (State.USED, State.SHARED))
    shown = np.select(
        [held, state == State.CACHED, state == State.RESERVED],
        [PoolCell.HELD + owner % 8, PoolCell.CACHED + owner % 8, PoolCell.RESERVED],
        PoolCell.FREE,
    )
    return shown.tolist()


def test_both_pools_are_the_record_at_any_time(serving: ServingPage, runs: Runs):
    for seconds in (9.3, 2.0, 0.0, 15.0, 30.0, runs.seconds):
        serving.seek(seconds)
        for run in "ab":
            assert serving.cells(run) == drawn(runs, run, seconds), (run, seconds)


def test_cells_have_the_colours_of_what_they_hold(serving: ServingPage, runs: Runs):
    grid, palette = pool_grid(runs.a.blocks, runs.b.slot), pool_palette(DARK)
    for seconds in (12.0, 9.3, 0.5):  # there, back, and back again
        serving.seek(seconds)
        for run in "ab":
            seen = serving.canvas(run).evaluate(MIDDLES, [grid.columns, grid.rows])
            for code, colour in zip(drawn(runs, run, seconds), seen, strict=True):
                held = code - 8 if PoolCell.CACHED <= code < PoolCell.FOLLOWED else code
                assert colour == palette[held].lower()  # a cached block has a dot in its middle


def test_the_counts_are_the_outcomes(serving: ServingPage, runs: Runs):
    for seconds in (1.5, 9.3, 20.0):
        serving.seek(seconds)
        row = serving.row()
        for run, own in (("a", runs.a), ("b", runs.b)):
            start, end = own.lives.start / 1e9, own.lives.end / 1e9
            now = own.lives.phase[(start <= seconds) & (seconds < end)]
            runs_now = np.isin(now, (Phase.PREFILL, Phase.DECODE)).sum()
            assert row[f"{run}_running"] == runs_now
            assert row[f"{run}_waiting"] == len(now) - runs_now
            assert row[f"{run}_ended"] == (own.requests["end_s"] <= seconds).sum()
            totals = own.timeline.row(seconds * 1e9 / own.ns_per_unit)
            assert row[f"{run}_used_bytes"] == totals["used"] * own.timeline.page_bytes
            state = own.timeline.at(int(seconds * 1e9 / own.ns_per_unit + 1e-6)).state[1:]
            assert row[f"{run}_held"] == np.isin(state, (State.USED, State.SHARED)).sum()


def test_the_shown_counts_and_the_headline_say_so(serving: ServingPage, runs: Runs):
    serving.seek(9.3)
    row, page = serving.row(), serving.page
    shown = page.locator('.pool[data-run="a"] .counts').inner_text()
    assert str(int(row["a_running"])) in shown
    assert str(int(row["a_waiting"])) in shown
    peaks = [run.summary["peak_running"] for run in (runs.a, runs.b)]
    headline = page.get_by_role("heading", level=1).first.inner_text()
    assert headline.startswith(f"{peaks[0]} requests at once, not {peaks[1]},")


def test_it_opens_playing_and_plays_without_the_server(open_page: Callable[..., ServingPage]):
    page = open_page()
    assert page.state()["playing"]
    page.page.wait_for_timeout(1500)
    start, before = page.row()["when"], len(page.frames)
    page.page.wait_for_function("n => document.kvviz.row.when > n + 0.5", arg=start)
    assert page.frames[before:] == []
    page.page.context.close()


def test_paused_nothing_moves(serving: ServingPage):
    serving.seek(5.0)
    before = serving.page.screenshot()
    serving.page.wait_for_timeout(400)
    assert serving.page.screenshot() == before


def test_keys_play_and_scrub(serving: ServingPage):
    page, end = serving.page, serving.state()["end"]
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    assert serving.state()["playing"]
    page.keyboard.press("Space")
    assert not serving.state()["playing"]
    serving.seek(5.0)
    for key, by in {
        "ArrowRight": 1 / 200,
        "ArrowLeft": -1 / 200,
        "Shift+ArrowRight": 1 / 20,
    }.items():
        now = serving.state()["now"]
        page.keyboard.press(key)
        assert serving.state()["now"] == pytest.approx(now + by * end)


def test_keys_with_a_modifier_and_of_a_list_are_not_the_player_s(serving: ServingPage):
    page, theme = serving.page, "document.documentElement.dataset.theme"
    serving.seek(5.0)
    before = page.evaluate(theme)
    page.get_by_role("button", name="B", exact=True).focus()
    for key in ("Control+l", "Alt+ArrowRight", "Meta+l"):
        page.keyboard.press(key)
    assert page.evaluate(theme) == before
    assert serving.state()["now"] == 5.0
    assert not serving.state()["playing"]


def test_dragging_over_the_run_scrubs(serving: ServingPage, runs: Runs):
    box = serving.page.locator(".over .plot").bounding_box()
    left, width, y = box["x"] + 58, box["width"] - 74, box["y"] + 40
    serving.page.mouse.move(left + width / 4, y)
    serving.page.mouse.down()
    quarter = serving.state()["now"]
    serving.page.mouse.move(left + width / 2, y, steps=3)
    serving.page.mouse.up()
    assert quarter == pytest.approx(runs.seconds / 4, rel=0.02)
    assert serving.state()["now"] == pytest.approx(runs.seconds / 2, rel=0.02)


def test_a_click_on_a_block_follows_its_request(serving: ServingPage, runs: Runs):
    serving.seek(9.3)
    owner = runs.a.timeline.at(9_300_000).owner
    block = int(np.flatnonzero(owner >= 0)[700])
    grid = pool_grid(runs.a.blocks, runs.b.slot)
    box = serving.page.locator('.pool[data-run="a"] .cells').bounding_box()
    x = ((block - 1) % grid.columns + 0.5) / grid.columns * box["width"]
    y = ((block - 1) // grid.columns + 0.5) / grid.rows * box["height"]
    serving.page.mouse.move(box["x"] + x, box["y"] + y)
    assert f"Block {block:,}" in serving.page.locator(".tip").inner_text()
    serving.page.mouse.click(box["x"] + x, box["y"] + y)
    assert serving.state()["followed"] == owner[block]
    expect(
        serving.page.get_by_role("heading", name=f"Request {owner[block]}", exact=True)
    ).to_be_visible()
    assert serving.told()["count"] == (owner == owner[block]).sum()


def test_a_lane_tells_of_its_request_and_is_followed_by_a_click(serving: ServingPage, runs: Runs):
    serving.seek(9.3)
    own, now = runs.a, 9_300_000_000
    decoding = (own.lives.phase == Phase.DECODE) & (own.lives.start <= now) & (now < own.lives.end)
    first, last = serving.lanes()
    request = next(r for r in own.lives.request[decoding].tolist() if first <= r <= last)
    box = serving.page.locator(".requests .window").bounding_box()
    y = box["y"] + (request - first + 0.5) * box["height"] / LANES
    serving.page.mouse.move(box["x"] + box["width"] / 2, y)
    held = (own.timeline.at(9_300_000).owner == request).sum()
    tip = serving.page.locator(".tip")
    expect(tip).to_contain_text(f"Request {request} decoding")
    expect(tip).to_contain_text(f"tokens in the cache, {held} blocks")
    expect(tip).to_contain_text(f"ends at {own.requests['end_s'][request]:.2f} s")
    serving.page.mouse.click(box["x"] + box["width"] / 2, y)
    assert serving.state()["followed"] == request
    expect(serving.page.locator(".lanes b")).to_have_text(f"#{request}")


def test_playing_paints_no_figure_frame_by_frame(serving: ServingPage):
    serving.seek(2.0)
    frames, paints = serving.page.evaluate(PAINTS)
    serving.pause()
    assert frames >= 60
    assert paints <= 4  # a new sheet now and then


def test_a_followed_decode_says_its_tokens(serving: ServingPage, runs: Runs):
    lives = runs.a.lives
    row = int(np.flatnonzero(lives.phase == Phase.DECODE)[60])
    step = int(lives.step[row]) + 7
    request, now = int(lives.request[row]), runs.a.step_ends[step - 1] / 1e9
    serving.seek(now)
    serving.page.evaluate(
        "follow => document.dispatchEvent(new CustomEvent('kvviz:command', {detail: {follow}}))",
        request,
    )
    assert serving.told()["tokens"] == lives.tokens[row] + 7


def test_the_other_policys_requests(serving: ServingPage, runs: Runs):
    which = serving.page.get_by_role("group", name="Policy shown")
    which.get_by_role("button", name="B").click()
    serving.seek(9.3)
    expect(serving.page.locator(".step")).to_contain_text(f"of {runs.b.summary['steps']:,}")
    which.get_by_role("button", name="A").click()
    expect(serving.page.locator(".step")).to_contain_text(f"of {runs.a.summary['steps']:,}")


def test_a_trace_is_served_and_a_broken_row_is_said(open_page: Callable[..., ServingPage]):
    page = open_page("?at=0.5")
    rows = "".join(f"{0.05 * i},{100 + i},20\n" for i in range(30))
    page.upload("bad.csv", "arrival_s,prompt,output\n" + rows + "2,many,20\n")
    expect(page.alert()).to_contain_text("Line 32: prompt is 'many', expected a whole number")
    page.changing(lambda: page.page.get_by_role("button", name="Keep the good rows").click())
    expect(page.page.locator(".live.note")).to_contain_text("1 row skipped; the first: Line 32")
    assert page.page.evaluate("document.kvviz.row.a_ended + document.kvviz.row.a_running") <= 30
    page.changing(lambda: page.upload("good.csv", "arrival_s,prompt,output\n" + rows))
    expect(page.alert()).to_have_count(0)
    page.upload("huge.csv", "x" * (16 * 2**20 + 2))
    expect(page.alert()).to_contain_text("has 16,777,218 bytes; expected at most 16,777,216.")
    page.page.context.close()


def test_a_change_of_policy_serves_anew(open_page: Callable[..., ServingPage]):
    page = open_page("?requests=40")
    page.changing(lambda: page.page.get_by_label("Policy B", exact=True).select_option("static"))
    page.pause()
    fresh = PAGE.visit([("requests", "40"), ("against", "static")]).runs
    page.seek(3.0)
    assert page.cells("b") == drawn(fresh, "b", 3.0)
    page.page.wait_for_url("**against=static**")
    page.page.context.close()


def test_a_link_opens_where_it_says(open_page: Callable[..., ServingPage]):
    page = open_page("?at=4.2&follow=17&theme=light&num_blocks=1001&foo=1", reduced_motion="reduce")
    state = page.state()
    assert (state["playing"], state["now"], state["followed"]) == (False, 4.2, 17)
    expect(page.alert()).to_contain_text("'foo' in the link is not a setting of this page.")
    assert page.page.evaluate("document.documentElement.dataset.theme") == "light"
    assert len(page.cells("a")) >= 1000
    page.page.context.close()


def test_the_theme_changes_every_figure(serving: ServingPage):
    def free() -> str:
        grid = pool_grid(1500, 300)
        return serving.canvas("a").evaluate(MIDDLES, [grid.columns, grid.rows])[-1]

    serving.seek(0)
    assert free() == DARK.free.lower()
    serving.page.get_by_role("button", name="Light theme").click()
    wait_until(lambda: free() == LIGHT.free.lower())
    serving.page.get_by_role("button", name="Dark theme").click()
    wait_until(lambda: free() == DARK.free.lower())


def test_the_papers_table_stands_beside_ours(serving: ServingPage):
    serving.page.get_by_role("button", name="About this run").click()
    table = serving.page.get_by_role("table")
    expect(table).to_contain_text("Orca (Max)")
    for figure in ("20.4", "26.8", "38.2", "96.3"):
        expect(table).to_contain_text(figure)
    serving.page.keyboard.press("Escape")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_nothing_is_wider_than_the_screen(
    open_page: Callable[..., ServingPage], width: int, height: int
):
    page = open_page("?at=5", viewport={"width": width, "height": height})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    names = json.loads(
        page.page.evaluate(
            "JSON.stringify([...document.querySelectorAll('[role=img]')].map((e) => e.ariaLabel))"
        )
    )
    assert all(names)
    page.page.context.close()
