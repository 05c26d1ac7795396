"""The picture tied to the report: cells read back from the browser against bytes computed here."""

from collections import Counter
from itertools import product
from math import ceil

import pytest
from playwright.sync_api import Page

from kvviz.catalog.gpus.shipped import gpus
from kvviz.memory import estimate
from kvviz.scene.hbm.raster import Cell
from kvviz.settings.scenario import Scenario
from tests.browser.hbm_page import HbmPage

TOGGLES = list(product((True, False), repeat=3))
SCENARIOS = [
    ("meta-llama/Llama-3.1-8B", "H100 SXM5 80GB", 4096),
    ("Qwen/Qwen3-8B", "GeForce RTX 4090", 777),
    ("meta-llama/Llama-2-7b-hf", "Instinct MI300X", 2049),
]


def expected_cells(scenario: Scenario) -> Counter:
    """Count cells by colour from the report's bytes and the lengths, one page after the other."""
    report = estimate(scenario)
    page = scenario.block_size * report.kv_bytes_per_token
    room = report.capacity_bytes // page
    codes = [Cell.WEIGHTS] * ceil(report.weights_bytes / page)
    used = [pages(length(scenario, i, scenario.context)) for i in range(scenario.batch)]
    held = [pages(tokens) for tokens in allocated_tokens(scenario)]
    # Each contiguous region starts on a page of its own; with paging nothing is rounded.
    rounded = sum(held) * page - report.kv["allocated_bytes"]
    assert 0 <= rounded < (1 if scenario.paged else scenario.batch * page)
    if scenario.paged:  # whichever pages they are, only the numbers by owner are told here
        assert len(codes) + sum(held) <= room
    for i, (taken, reserved) in enumerate(zip(used, held, strict=True)):
        codes += [Cell.SEQUENCE + i % 8] * taken + [Cell.RESERVED] * (reserved - taken)
    codes += [Cell.SCORES] * ceil(report.scores["bytes"] / page)
    codes += [Cell.FREE] * max(0, room - len(codes))
    return Counter(int(code) for code in codes[:room])


def length(scenario: Scenario, i: int, longest: int) -> int:
    share = 1 - scenario.ragged * i / (scenario.batch - 1)
    return ceil(longest * share)


def pages(tokens: int) -> int:
    return ceil(tokens / 16)


def allocated_tokens(scenario: Scenario) -> list[int]:
    batch = range(scenario.batch)
    if scenario.paged:
        static = scenario.batching == "static"
        return [length(scenario, 0 if static else i, scenario.context) for i in batch]
    if scenario.batching == "static":
        return [scenario.max_model_len for _ in batch]
    return [length(scenario, i, scenario.final_length) for i in batch]


def merged_weights(cells: Counter) -> Counter:
    """Weights alternate between two tones by layer; together they are one owner."""
    tones = cells.pop(Cell.WEIGHTS + 1, 0)
    cells[int(Cell.WEIGHTS)] += tones
    return +cells


@pytest.mark.parametrize(("model", "gpu", "tokens"), SCENARIOS)
def test_each_toggle_combination_shows_the_reports_cells(
    page: Page, site: str, model: str, gpu: str, tokens: int
):
    hbm = HbmPage(page, site)
    hbm.pause()
    hbm.choose("Model", model)
    hbm.choose("GPU", gpu)
    for flash, paged, continuous in TOGGLES:
        hbm.turn("FlashAttention", flash)
        hbm.turn("Paged KV cache", paged)
        hbm.turn("Continuous batching", continuous)
        hbm.seek(hbm.nearest_row(tokens))
        scenario = Scenario(
            model=model,
            gpu=gpu,
            context=int(hbm.row()["when"]),
            ragged=0.5,
            run_length=8192,
            flash=flash,
            paged=paged,
            batching="continuous" if continuous else "static",
        )
        cells, expected = merged_weights(hbm.cells()), expected_cells(scenario)
        # The rasters' last cells stand for no page and are blank, as free ones are.
        expected[int(Cell.FREE)] += cells.total() - expected.total()
        assert cells == +expected, (flash, paged, continuous)


def test_numbers_are_the_reports_numbers(page: Page, site: str):
    hbm = HbmPage(page, site)
    hbm.pause()
    hbm.seek(4096)
    report = estimate(Scenario(context=4096, ragged=0.5, run_length=8192))
    row = hbm.row()
    assert row["total"] == report.total_bytes
    assert row["kv_allocated"] == report.kv["allocated_bytes"]
    assert row["avoided"] == report.scores["avoided_bytes"]
    assert row["delta_paged"] == report.deltas["paged"]
    assert row["gpus"] == report.gpus_needed
    assert "32.0 GiB" in page.locator(".banner:visible").inner_text()


SITES = """() => Bokeh.documents[0].get_model_by_name("hbm").renderers
  .find((renderer) => renderer.name === "sites").data_source.data.x.length"""


def test_every_gpu_draws_its_active_sites(page: Page, site: str):
    hbm = HbmPage(page, site)
    hbm.pause()
    for gpu in gpus():
        hbm.choose("GPU", gpu.name)
        assert page.evaluate(SITES) == gpu.active_sites, gpu.name
        assert hbm.scene_texts().count("inactive site") == gpu.sites - gpu.active_sites, gpu.name
        assert len(hbm.images()) == gpu.active_sites, gpu.name
