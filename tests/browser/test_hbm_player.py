"""The player: one clock in the browser, which stands quite still when it is paused."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from kvviz.scene.hbm.strip import LEFT, RIGHT
from tests.browser.hbm_page import HbmPage

Visit = Callable[..., HbmPage]

TOKENS_A_SECOND = """async () => {
  const from = document.kvviz.row.when, start = performance.now()
  await new Promise((done) => setTimeout(done, 1200))
  return (document.kvviz.row.when - from) / (performance.now() - start) * 1000
}"""


@pytest.fixture(scope="module")
def shared(visit: Visit) -> HbmPage:
    """Return one page for all tests that only play."""
    return visit(viewport={"width": 1600, "height": 1000})  # all of it, without scrolling


@pytest.fixture
def hbm(shared: HbmPage) -> HbmPage:
    """Return the shared page as at first: paused at 4,096 at the usual speed, no focus."""
    shared.page.get_by_role("button", name="1×", exact=True).click()
    shared.pause()
    shared.seek(4096)
    shared.page.evaluate("document.activeElement.blur()")
    return shared


def wait_past(hbm: HbmPage, context: float) -> None:
    hbm.page.wait_for_function("n => document.kvviz.row.when > n", arg=context)


def test_opens_playing_at_the_scenarios_context(visit: Visit):
    hbm = visit()
    assert hbm.state()["playing"]
    assert hbm.state()["now"] == 4096
    assert hbm.row()["when"] >= 4096
    wait_past(hbm, 4200)
    assert not hbm.alert().count()
    hbm.close()


def test_nothing_moves_while_paused(hbm: HbmPage):
    hbm.play()
    wait_past(hbm, 4150)
    hbm.pause()
    row, images, before = hbm.row(), hbm.images(), hbm.page.screenshot()
    hbm.page.wait_for_timeout(600)
    assert hbm.page.screenshot() == before
    assert hbm.row() == row
    assert hbm.images() == images


def test_play_goes_on_from_where_it_was_paused(hbm: HbmPage):
    images = hbm.images()
    hbm.play()
    wait_past(hbm, 4096)
    assert hbm.row()["when"] < 5000
    wait_past(hbm, 4300)
    assert hbm.images() != images


def test_twice_the_speed_goes_four_times_as_fast_as_half(hbm: HbmPage):
    rates = {}
    for speed in ("½×", "2×"):
        button = hbm.page.get_by_role("button", name=speed)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        hbm.scrub(0)
        hbm.play()
        wait_past(hbm, hbm.row()["when"])
        rates[speed] = hbm.page.evaluate(TOKENS_A_SECOND)
        hbm.pause()
    assert rates["½×"] > 0
    assert 2.5 < rates["2×"] / rates["½×"] < 6


def test_dragging_on_the_strip_scrubs(hbm: HbmPage):
    box = hbm.page.locator(".strip .plot").bounding_box()
    left, width, y = box["x"] + LEFT, box["width"] - LEFT - RIGHT, box["y"] + box["height"] / 2
    mouse = hbm.page.mouse
    mouse.move(left + width / 4, y)
    mouse.down()
    quarter = hbm.state()["now"]
    mouse.move(left + width * 3 / 4, y, steps=4)
    three_quarters = hbm.state()["now"]
    mouse.move(left - 300, y, steps=2)
    beyond = hbm.state()["now"]
    mouse.up()
    mouse.move(left + width / 2, y)
    assert (quarter, three_quarters) == (pytest.approx(2048, abs=12), pytest.approx(6144, abs=12))
    assert beyond == 0 == hbm.state()["now"]


def test_the_context_slider_scrubs_and_pauses(hbm: HbmPage):
    hbm.play()
    hbm.scrub(6000)
    assert hbm.state()["now"] == 6000
    assert not hbm.state()["playing"]
    assert 6000 - 16 < hbm.row()["when"] <= 6000
    hbm.page.keyboard.press("ArrowRight")
    assert hbm.state()["now"] == 6001


def test_going_back_restores_exactly_the_earlier_cells(hbm: HbmPage):
    hbm.scrub(6000)
    later = hbm.images()
    hbm.scrub(2000)
    earlier = hbm.images()
    hbm.scrub(6000)
    assert hbm.images() == later != earlier


def test_space_plays_and_pauses(hbm: HbmPage):
    hbm.page.keyboard.press("Space")
    expect(hbm.page.get_by_role("button", name="Pause")).to_be_visible()
    hbm.page.keyboard.press("Space")
    expect(hbm.page.get_by_role("button", name="Play")).to_be_visible()


def test_arrows_move_the_playhead_by_64_and_with_shift_by_512(hbm: HbmPage):
    moves = {"ArrowRight": 64, "ArrowLeft": -64, "Shift+ArrowRight": 512, "Shift+ArrowLeft": -512}
    for key, tokens in moves.items():
        now = hbm.state()["now"]
        hbm.page.keyboard.press(key)
        assert hbm.state()["now"] == now + tokens, key


def test_arrows_move_the_playhead_right_after_the_pause_button(hbm: HbmPage):
    hbm.play()
    hbm.pause()  # which leaves the focus on the button
    now = hbm.state()["now"]
    hbm.page.keyboard.press("ArrowRight")
    assert hbm.state()["now"] == pytest.approx(now + 64, abs=1)


def test_nothing_is_sent_or_received_while_playing(hbm: HbmPage):
    hbm.play()
    wait_past(hbm, 4096)
    hbm.frames.clear()
    hbm.page.wait_for_timeout(3000)
    assert hbm.row()["when"] > 4200
    assert hbm.frames == []


def test_the_run_begins_again_at_its_end(hbm: HbmPage):
    hbm.scrub(8000)
    hbm.page.get_by_role("button", name="2×").click()
    hbm.play()
    hbm.page.wait_for_function("() => document.kvviz.row.when < 2000")
    hbm.pause()
    again, images = int(hbm.row()["when"]), hbm.images()
    hbm.scrub(8192)
    hbm.seek(again)
    assert hbm.images() == images


def test_reduced_motion_starts_paused(visit: Visit):
    hbm = visit(reduced_motion="reduce")
    assert not hbm.state()["playing"]
    before = hbm.page.screenshot()
    hbm.page.wait_for_timeout(600)
    assert hbm.row()["when"] == 4096
    assert hbm.page.screenshot() == before
    hbm.play()
    wait_past(hbm, 4096)
    hbm.close()


@pytest.mark.parametrize(
    "keys", ["Control+l", "Meta+l", "Alt+l", "Control+ArrowRight", "Control+Space"]
)
def test_keys_with_a_modifier_stay_the_browser_s(hbm: HbmPage, keys: str):
    theme = "document.documentElement.dataset.theme"
    hbm.seek(4096)
    before = hbm.page.evaluate(theme)
    hbm.page.get_by_role("switch").first.focus()
    hbm.page.keyboard.press(keys)
    assert hbm.row()["when"] == 4096
    assert hbm.page.evaluate(theme) == before
    assert not hbm.state()["playing"]


def test_a_held_space_is_one_press(hbm: HbmPage):
    hbm.seek(4096)
    for _ in range(4):
        hbm.page.keyboard.down("Space")
    hbm.page.keyboard.up("Space")
    assert hbm.state()["playing"]
    hbm.pause()


def test_space_opens_the_fold_that_has_the_focus(hbm: HbmPage):
    hbm.seek(4096)
    fold = hbm.page.locator("summary").filter(has_text="More settings")
    fold.focus()
    hbm.page.keyboard.press("Space")
    expect(hbm.page.locator("details.fold")).to_have_attribute("open", "")
    assert not hbm.state()["playing"]
    fold.press("Space")
    expect(hbm.page.locator("details.fold")).not_to_have_attribute("open", "")


def test_the_context_told_is_that_of_the_numbers(visit: Visit):
    hbm = visit("?batch=1024&run_length=131072&max_model_len=131072", reduced_motion="reduce")
    row = hbm.nearest_row(74_602)
    assert row < 74_602  # a long run has not a row for every token
    told = hbm.page.locator(".workload .context output")
    expect(told).to_have_text(f"{row:,}")
    assert hbm.value("Context").startswith(f"{row:,}")
    hbm.close()
