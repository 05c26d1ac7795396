"""The Explore page: its cells are the scalar path's numbers, and its controls do what they say."""

import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import chain
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, expect

from kvviz.catalog.gpus.shipped import find_gpu, gpu_names
from kvviz.catalog.models.config import model_from_config
from kvviz.catalog.models.shipped import find_model, model_names, models
from kvviz.cost.roofline import decode_step
from kvviz.memory import estimate
from kvviz.memory.answer import flat
from kvviz.memory.room import largest_batch, longest_context
from kvviz.pages.explore.metrics import short
from kvviz.pages.explore.session import FIRST_GPUS, FIRST_MODELS
from kvviz.settings.scenario import Scenario
from kvviz.units import GiB
from tests.browser.conftest import watch
from tests.browser.explore_page import ExplorePage
from tests.browser.hbm_page import HbmPage, number
from tests.browser.test_hbm_controls import LLAMA

Visit = Callable[..., ExplorePage]


@pytest.fixture(scope="module")
def explore(
    browser: Browser, browser_context_args: dict[str, Any], site: str, wrong: list[str]
) -> Iterator[Visit]:
    """Open the page as a new visitor, given a link's query and options of the browser context."""
    contexts = []

    def open_page(query: str = "", **options: Any) -> ExplorePage:
        context = browser.new_context(**{**browser_context_args, **options})
        contexts.append(context)
        return ExplorePage(watch(context.new_page(), wrong), site, query)

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(explore: Visit) -> Iterator[ExplorePage]:
    opened = explore()
    yield opened
    opened.close()


def first_look(**settings: Any) -> list[list[Scenario]]:
    """Return the scenarios of a first look, models and GPUs by size."""
    sized = sorted(FIRST_MODELS, key=lambda name: estimate(Scenario(model=name)).weights_bytes)
    by_memory = sorted(FIRST_GPUS, key=lambda name: (find_gpu(name).reported_mib, name))
    common = {"batch": 1, "context": 8192, **settings}
    return [[Scenario(model=m, gpu=g, **common) for g in by_memory] for m in sized]


def needs(scenario: Scenario) -> str:
    count = estimate(scenario).gpus_needed
    return f"{count} GPU{'s' * (count != 1)}" if count else "no fit"


def sequences(scenario: Scenario) -> str:
    return short(largest_batch(scenario)) if largest_batch(scenario) else needs(scenario)


def longest(scenario: Scenario) -> str:
    return short(longest_context(scenario)) if longest_context(scenario) else needs(scenario)


def rate(scenario: Scenario) -> str:
    seconds = decode_step(scenario, [scenario.context]).seconds[0]
    return short(scenario.batch / seconds) if estimate(scenario).fits else needs(scenario)


def per_watt(scenario: Scenario) -> str:
    seconds = decode_step(scenario, [scenario.context]).seconds[0]
    watts = scenario.the_gpu.tdp_w * scenario.tp
    return short(scenario.batch / seconds / watts) if estimate(scenario).fits else needs(scenario)


METRICS: list[tuple[str, str, dict[str, Any], Callable[[Scenario], str]]] = [
    ("Sequences", "", {}, sequences),
    ("Sequences", "?context=32768&tp=2", {"context": 32768, "tp": 2}, sequences),
    ("GPUs needed", "?batch=16", {"batch": 16}, lambda s: str(estimate(s).gpus_needed)),
    ("Longest context", "?kv_dtype=fp8", {"kv_dtype": "fp8"}, longest),
    ("Tokens/s", "?batch=8&weights_dtype=int4", {"batch": 8, "weights_dtype": "int4"}, rate),
    ("per watt", "?tp=4", {"tp": 4}, per_watt),
]


@pytest.mark.parametrize(("metric", "query", "settings", "spelled"), METRICS)
def test_every_cell_is_the_scalar_paths(explore, metric, query, settings, spelled):
    page = explore(query)
    page.show(metric)
    expected = [[spelled(scenario) for scenario in row] for row in first_look(**settings)]
    expect(page.cell("Llama-3.1-8B", "H200 141 GB")).to_have_text(expected[4][5])
    expect(page.page.get_by_role("gridcell")).to_have_text(list(chain.from_iterable(expected)))
    assert [text.split("-")[0] for text in page.rows()[:2]] == ["Llama", "Llama"]
    page.close()


def test_the_workload_is_set_by_the_controls(page):
    page.pick("Context", "65,536")
    expect(page.heading()).to_have_text("Sequences of 65,536 tokens that one GPU can hold at once")
    expect(page.cell("Llama-3.1-8B", "H100 80 GB")).to_have_text("8")
    page.pick("KV", "fp8")
    expect(page.cell("Llama-3.1-8B", "H100 80 GB")).to_have_text("16")
    page.pick("GPUs", "2")
    expect(page.heading()).to_contain_text("2 GPUs together")
    fp8 = Scenario(context=65536, max_model_len=65536, kv_dtype="fp8", tp=2)
    expect(page.cell("Llama-3.1-8B", "H100 80 GB")).to_have_text(str(largest_batch(fp8)))
    page.pick("GPUs", "3")
    expect(page.cell("Llama-3.1-8B", "H100 80 GB")).to_have_text("n/a")
    page.show("Tokens/s")
    page.pick("Batch size", "64")
    expect(page.heading()).to_contain_text("64 sequences of 65,536 tokens")
    page.page.wait_for_url("**batch=64**")
    for part in ("context=65536", "kv_dtype=fp8", "tp=3", "metric=rate", "batch=64"):
        expect(page.page).to_have_url(re.compile(part))
    again = page.cells()
    page.page.reload()
    expect(page.page.get_by_role("gridcell")).to_have_text(list(chain.from_iterable(again)))


def test_capacity_is_the_drivers_or_what_an_engine_leaves(page):
    page.pick("Engine", "vllm")
    page.pick("Utilization", "0.9")
    scenario = Scenario(mode="vllm", utilization=0.9, context=8192, batch=1)
    plan = estimate(scenario).plan
    cell = page.cell("Llama-3.1-8B", "H100 80 GB")
    expect(cell).to_have_text(str(int(plan.concurrency_at(scenario.context))))
    details = page.page.locator(".details")
    expect(details).to_contain_text("activation peak")
    expect(details.locator("em:not(.badge)").first).to_have_text("assumed")
    expect(page.page.locator(".arithmetic")).to_contain_text(f"{plan.blocks:,} blocks")


def test_an_engines_version_is_chosen_and_linked(page):
    expect(page.page.get_by_label("Version")).to_be_hidden()
    page.pick("Engine", "vllm")
    page.pick("Version", "0.20.1")
    page.page.wait_for_url("**engine_version=0.20.1**")
    scenario = Scenario(mode="vllm", engine_version="0.20.1", context=8192, batch=1)
    plan = estimate(scenario).plan
    assert plan.version == (0, 20, 1)
    cell = page.cell("Llama-3.1-8B", "H100 80 GB")
    expect(cell).to_have_text(str(int(plan.concurrency_at(scenario.context))))
    page.pick("Engine", "sglang")
    expect(page.page.get_by_label("Version")).to_have_value("newest")


def test_all_pairs_are_one_click_away(page):
    expect(page.page.get_by_role("gridcell")).to_have_count(9 * 8)
    page.press("Pairs", "All")
    expect(page.page.get_by_role("gridcell")).to_have_count(len(model_names()) * len(gpu_names()))
    expect(page.cell("Llama-3.1-8B", "H100 80 GB SXM5")).to_be_in_viewport()
    deepseek = Scenario(model="deepseek-ai/DeepSeek-V3.2", batch=1, context=8192)
    expect(page.cell("DeepSeek-V3.2", "H100 80 GB SXM5")).to_have_text(needs(deepseek))


def test_words_filter_both_sides_in_the_whole_catalog(page):
    page.find("Find models", "qwen moe")
    experts = {m.name for m in models() if any(g.part == "experts" for g in m.tensors)}
    expected = {name.split("/")[1] for name in experts if "qwen" in name.lower()}
    expect(page.page.locator("[role=rowheader]")).to_have_count(len(expected))
    assert set(page.rows()) == expected
    page.find("Find GPUs", "amd hbm3e")
    expect(page.page.locator("[role=columnheader] > span")).to_have_text(["MI325X", "MI355X"])
    page.find("Find models", "no such thing")
    expect(page.page.get_by_role("gridcell")).to_have_count(0)
    expect(page.page.locator(".map.nothing")).to_be_visible()
    expect(page.page).to_have_url(re.compile("find_model=no"))


def test_rows_and_columns_are_sorted(page):
    sizes = [estimate(row[0]).weights_bytes for row in first_look()]
    assert sizes == sorted(sizes)
    page.pick("Models by", "name")
    expect(page.page.locator("[role=rowheader] > span").first).to_have_text("Llama-2-7b-hf")
    assert page.rows() == sorted(page.rows(), key=str.casefold)
    page.pick("Models by", "selected GPU")
    expect(page.page.locator("[role=rowheader] > span").first).to_have_text("Llama-3.2-1B-Instruct")
    column = [row[page.columns().index("H100")] for row in page.cells()]
    counts = [int(text) for text in column if text.isdigit()]
    assert counts == sorted(counts, reverse=True)
    assert all("GPUs" in text for text in column[len(counts) :])
    page.pick("GPUs by", "year")
    expect(page.page.locator("[role=columnheader] > span").first).to_have_text("V100")


def test_a_cell_opens_its_details(page):
    page.choose("Llama-3.1-70B", "H200 141 GB")
    scenario = Scenario(
        model="meta-llama/Llama-3.1-70B", gpu="H200 SXM 141GB", batch=1, context=8192
    )
    report = estimate(scenario)
    details = page.page.locator(".details")
    expect(details.locator("h1")).to_have_text("Llama-3.1-70B on H200 141 GB")
    assert number(page.hero().inner_text()) == largest_batch(scenario)
    values = details.locator(".row > span:last-child").all_inner_texts()
    held = largest_batch(scenario) * report.kv["allocated_bytes"]
    left = report.capacity_bytes - report.weights_bytes - held
    gib = [round(count / GiB, 2) for count in (report.weights_bytes, held, left)]
    assert [number(value) for value in values] == gib
    expect(page.page.locator(".layers .strip > i")).to_have_count(80)
    expect(page.page.locator(".arithmetic math").last).to_contain_text(str(largest_batch(scenario)))
    expect(page.cell("Llama-3.1-70B", "H200 141 GB")).to_have_attribute("aria-selected", "true")
    expect(page.page).to_have_url(re.compile("model=meta-llama%2FLlama-3.1-70B"))


def test_layers_and_copies_are_drawn_by_their_kind(explore):
    page = explore("?model=Qwen/Qwen3-Next-80B-A3B-Instruct&shown=all&tp=8")
    strip = page.page.locator(".layers .strip")
    expect(strip.locator("i.full")).to_have_count(12)
    expect(strip.locator("i.linear")).to_have_count(36)
    expect(page.page.locator(".kinds")).to_contain_text("per sequence, fixed")
    gpus = page.page.locator(".split .gpu")
    expect(gpus).to_have_count(8)
    expect(gpus.locator("p i")).to_have_count(8)
    expect(gpus.locator("p i.copy")).to_have_count(6)  # 2 KV heads on 8 GPUs
    expect(page.page.locator(".split")).to_contain_text("4 times")
    page.close()


@pytest.mark.parametrize(
    "query", ["", "?tp=2", "?model=google/gemma-3-27b-it&mode=vllm&utilization=0.9"]
)
def test_open_in_hbm_lands_on_the_same_figures(explore, query):
    page = explore(query)
    values = page.page.locator(".details .row > span:last-child").all_inner_texts()
    weights, held = number(values[0]), number(values[1])
    page.page.locator("a.open").click()
    page.page.wait_for_function("() => document.kvviz?.row && document.kvviz?.state")
    hbm = object.__new__(HbmPage)
    hbm.page = page.page
    hbm.seek(8192)
    assert number(hbm.value("Weights")) == weights
    textbook = "mode" not in query  # an engine's groups hold more than the layers alone
    assert number(hbm.value("KV cache")) == held or not textbook
    assert number(hbm.value("Context")) == 8192
    assert number(hbm.value("GPUs needed")) == (2 if "tp" in query else 1)
    page.close()


def test_the_table_downloads_as_csv_and_parquet(page):
    page.pick("Context", "16,384")
    expect(page.cell("Llama-3.1-8B", "H100 80 GB")).to_have_text("32")
    csv = pd.read_csv(BytesIO(page.download("CSV")))
    parquet = pd.read_parquet(BytesIO(page.download("Parquet")))
    assert len(csv) == len(parquet) == 72
    pd.testing.assert_frame_equal(csv, parquet, check_exact=False, rtol=1e-12)
    row = csv[(csv.model == "meta-llama/Llama-3.1-8B") & (csv.gpu == "H100 SXM5 80GB")].iloc[0]
    report = flat(estimate(Scenario(context=16384, batch=1)))
    assert all(row[name] == value for name, value in report.items())
    assert row["sequences_at_once"] == 32


def test_a_config_of_ones_own_becomes_a_row(page):
    page.upload({"name": "config.json", "mimeType": "application/json",
                 "buffer": json.dumps(LLAMA).encode()})  # fmt: skip
    expect(page.page.locator("[role=rowheader] > span").first).to_have_text("your config.json")
    own = model_from_config(LLAMA, "mine")
    scenario = Scenario(model="mine", own_models={"mine": own}, batch=1, context=8192)
    expect(page.page.locator(".details h1")).to_contain_text("your config.json")
    expect(page.cell("your config.json", "H100 80 GB")).to_have_text(sequences(scenario))
    assert "model" not in page.page.url
    page.upload({"name": "config.json", "mimeType": "application/json", "buffer": b"{}"})
    expect(page.page.get_by_role("alert")).to_contain_text("model_type")


def test_a_link_opens_what_it_says_and_names_what_is_wrong(explore):
    page = explore("?model=qwen3-8b&gpu=L40S&metric=longest&theme=light&sort=sideways&batch=9999")
    expect(page.page.locator(".details h1")).to_have_text("Qwen3-8B on L40S 48 GB")
    alert = page.page.get_by_role("alert")
    expect(alert).to_contain_text("sort in the link")
    expect(alert).to_contain_text("batch in the link")
    theme = page.page.evaluate("document.documentElement.dataset.theme")
    assert theme == "light"
    page.close()


def test_keys_move_over_the_cells_and_say_what_they_hold(page):
    page.cell("Llama-3.1-8B", "H100 80 GB").focus()
    page.page.keyboard.press("ArrowRight")
    expect(page.page.locator(".details h1")).to_have_text("Llama-3.1-8B on A100 80 GB")
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowDown")
    expect(page.page.locator(".details h1")).to_have_text("Qwen3-14B on H200 141 GB")
    focused = page.page.locator("[role=gridcell]:focus")
    expect(focused).to_have_attribute(
        "aria-label", "Qwen3-14B on H200 141 GB: 90 sequences at once"
    )
    page.page.keyboard.press("End")
    page.page.keyboard.press("ArrowRight")
    expect(page.page.locator(".details h1")).to_contain_text("MI300X")
    expect(page.said()).to_contain_text("Qwen3-14B on MI300X 192 GB")
    expect(page.page.locator("[role=gridcell][tabindex='0']")).to_have_count(1)


def test_both_themes_and_reduced_motion(explore):
    page = explore(reduced_motion="reduce")
    cell = page.cell("Llama-3.1-8B", "H100 80 GB")
    assert cell.evaluate("cell => getComputedStyle(cell).transitionDuration") == "0s"
    colour = cell.evaluate("cell => getComputedStyle(cell).backgroundColor")
    page.page.get_by_role("button", name="Light theme").click()
    page.page.get_by_role("button", name="Dark theme").wait_for()
    assert cell.evaluate("cell => getComputedStyle(cell).backgroundColor") == colour
    page.page.wait_for_url("**theme=light**")
    page.close()


@pytest.mark.parametrize("size", [(390, 844), (1280, 720), (1600, 950)])
def test_the_page_is_never_wider_than_its_window(explore, size):
    page = explore(viewport={"width": size[0], "height": size[1]})
    page.press("Pairs", "All")
    expect(page.page.get_by_role("gridcell")).to_have_count(len(model_names()) * len(gpu_names()))
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.close()


def test_own_names_in_first_look_are_in_the_catalog():
    assert all(find_model(name).name == name for name in FIRST_MODELS)
    assert all(find_gpu(name).name == name for name in FIRST_GPUS)


def test_a_phone_has_whole_controls(explore):
    page = explore(viewport={"width": 390, "height": 844})
    for name in ("Context", "Weights", "Find models", "Models by", "Engine"):
        control = page.page.get_by_label(name, exact=True)
        expect(control).to_be_in_viewport(ratio=0.99)
        box = control.bounding_box()
        assert box["height"] >= 32, name
    for group in ("Show", "Pairs"):
        expect(page.page.get_by_role("radiogroup", name=group)).to_be_in_viewport(ratio=0.99)
    page.close()
