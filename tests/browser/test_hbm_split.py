"""Several GPUs that share a model: the page shows one of them, and says so."""

from collections import Counter
from collections.abc import Callable
from math import ceil

from playwright.sync_api import expect

from kvviz.memory import estimate
from kvviz.memory.shard import fullest_shard
from kvviz.scene.hbm.places import scene_raster
from kvviz.scene.hbm.raster import Cell
from tests.browser.hbm_page import HbmPage, number

Visit = Callable[..., HbmPage]
GIB = 2**30


def in_gib(count: int) -> float:
    return round(count / GIB, 2)


def check_share(hbm: HbmPage, **split: int) -> None:
    """Compare what the page says of one GPU with the report's fullest GPU."""
    scenario = hbm.scenario(**split)
    report = estimate(scenario)
    assert number(hbm.hero()) == in_gib(report.per_gpu["total"])
    assert number(hbm.value("Weights")) == in_gib(report.per_gpu["weights"])
    assert number(hbm.value("KV cache")) == in_gib(report.per_gpu["kv"])
    assert number(hbm.value("Total before split")) == in_gib(report.total_bytes)
    assert hbm.ledger()["free"] == in_gib(report.room - hbm.row()["total"])
    shard = fullest_shard(scenario)
    page = shard.page_bytes(scenario.block_size)
    cells = Counter(code for image in hbm.images() for code in image)
    weights = cells[Cell.WEIGHTS] + cells[Cell.WEIGHTS + 1]
    if scene_raster(scenario.the_gpu, report.room // page).pages_per_cell == 1:
        assert weights == ceil(shard.weights_bytes / page)


def test_tensor_parallel_shows_one_of_the_gpus(visit: Visit):
    hbm = visit()
    hbm.seek(4096)
    hbm.choose("Tensor parallel", "2")
    assert "GPU 1 of 2, each holds as much" in hbm.scene_texts()
    check_share(hbm, tp=2)
    assert "32 sequences × 16 heads" in hbm.banner()
    assert "on one of 2 GPUs: 64 KiB/token" in hbm.page.locator(".formula").inner_text()
    hbm.choose("Tensor parallel", "1")
    assert "Total memory" in hbm.page.locator(".info").inner_text()
    assert not any("GPU 1 of" in text for text in hbm.scene_texts())
    hbm.close()


def test_a_link_opens_a_split_and_tells_of_one_that_does_not_divide(visit: Visit):
    hbm = visit("?tp=4&pp=2&context=4096")
    hbm.seek(4096)
    assert "GPU 1 of 8, the fullest" in hbm.scene_texts()
    check_share(hbm, tp=4, pp=2)
    hbm.page.wait_for_function("() => location.search.includes('tp=4')")
    hbm.close()
    broken = visit("?tp=3")
    expect(broken.alert()).to_contain_text("tp 3 does not divide")
    assert broken.row()["total"] > 0
    broken.close()


def test_more_gpus_than_kv_heads_hold_copies(visit: Visit):
    hbm = visit("?tp=16&context=4096")
    hbm.seek(4096)
    check_share(hbm, tp=16)
    assert "every KV head on 2 GPUs" in hbm.page.locator(".formula").inner_text()
    hbm.close()


def test_a_model_that_cannot_be_split_so_says_so_and_keeps_the_picture(visit: Visit):
    hbm = visit("?tp=32&context=4096")
    hbm.seek(4096)
    row = hbm.row()
    hbm.page.get_by_label("Model", exact=True).select_option("google/gemma-3-4b-it")
    expect(hbm.alert()).to_contain_text("tp 32 does not divide google/gemma-3-4b-it")
    assert hbm.row() == row
    hbm.choose("Tensor parallel", "2")
    expect(hbm.alert()).to_have_count(0)
    hbm.close()


def test_the_switches_say_which_gpu_their_figures_are_of(visit: Visit):
    hbm = visit("?tp=2", reduced_motion="reduce")
    expect(hbm.page.locator(".toggles h2 small")).to_have_text("saves now, on GPU 1")
    assert hbm.delta("FlashAttention") == -in_gib(int(hbm.row()["avoided"]))
    hbm.close()
