"""Every control changes what it says, and the page's words are the report's numbers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from kvviz.catalog.models.config import model_from_config
from kvviz.catalog.published.papers import PAPERS
from kvviz.memory import MemoryReport, estimate
from kvviz.pages.hbm.toggles import TOGGLES
from kvviz.pages.kit.upload import UPLOAD_NAME
from kvviz.settings.scenario import Scenario
from tests.browser.hbm_page import HbmPage, number

Visit = Callable[..., HbmPage]
GIB = 2**30
SWITCHES = {name: toggle.label for name, toggle in TOGGLES.items()}
SCENARIOS: list[dict[str, Any]] = [
    {"context": 4096},
    {"model": "Qwen/Qwen3-8B", "gpu": "L40S", "batch": 8, "context": 3000, "kv_dtype": "fp8"},
    {"flash": False, "paged": False, "batching": "static", "context": 4096},
    {"model": "meta-llama/Llama-3.1-70B", "gpu": "GeForce RTX 4090", "context": 2048},
    {"model": "openai-community/gpt2", "batch": 1, "context": 777, "flash": False},
]
LLAMA = {
    "model_type": "llama",
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 12,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "vocab_size": 32000,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


@pytest.fixture
def hbm(visit: Visit) -> Iterator[HbmPage]:
    """Return a new visitor's page, paused at 4,096."""
    page = visit()
    page.seek(4096)
    yield page
    page.close()


def check_numbers(hbm: HbmPage, scenario: Scenario) -> MemoryReport:
    """Compare every number that the page spells with the report."""
    report = estimate(scenario)
    over = report.total_bytes - report.capacity_bytes
    assert number(hbm.hero()) == in_gib(report.total_bytes)
    assert number(hbm.value("Weights")) == in_gib(report.weights_bytes)
    assert number(hbm.value("KV cache")) == in_gib(report.kv["allocated_bytes"])
    assert number(hbm.value("KV used / allocated")) == round(100 * report.efficiency, 1)
    assert number(hbm.value("Context")) == scenario.context
    if report.gpus_needed:
        assert number(hbm.value("GPUs needed")) == report.gpus_needed
    else:
        assert "does not fit at any" in hbm.value("GPUs needed")
    check_ledger(hbm.ledger(), report)
    for name, switch in SWITCHES.items():
        assert hbm.delta(switch) == -in_gib(report.deltas[name]), name
    if over > 0:
        assert f"{in_gib(over):,.2f} GiB over" in hbm.banner()
    return report


def check_ledger(ledger: dict[str, float], report: MemoryReport) -> None:
    unused = report.kv["reserved_bytes"] + report.kv["internal_bytes"]
    free = report.capacity_bytes - report.total_bytes
    expected = {
        "weights": report.weights_bytes,
        "KV in use": report.kv["used_bytes"],
        "reserved, unused": unused,
        "scores avoided": report.scores["avoided_bytes"],
        "scores": report.scores["bytes"],
        "free" if free >= 0 else "does not fit": abs(free),
    }
    del expected["scores" if report.scores["avoided_bytes"] else "scores avoided"]
    assert ledger == {name: in_gib(count) for name, count in expected.items()}


def in_gib(count: int) -> float:
    return round(count / GIB, 2)


@pytest.mark.parametrize("settings", SCENARIOS, ids=lambda settings: urlencode(settings)[:40])
def test_every_number_is_the_reports(visit: Visit, settings: dict[str, Any]):
    hbm = visit(f"?{urlencode(settings)}")
    hbm.seek(settings["context"])
    check_numbers(hbm, hbm.scenario(**settings))
    hbm.close()


def test_sliders_set_batch_run_length_and_slot(hbm: HbmPage):
    hbm.slide("Batch size", "64")
    check_numbers(hbm, hbm.scenario(batch=64))
    expect(hbm.page.get_by_text("64 sequences", exact=True)).to_be_visible()
    hbm.slide("Run length", "16,384")
    assert hbm.state()["end"] == 16384
    assert "of 16,384" in hbm.value("Context")
    context = hbm.page.get_by_role("slider", name="Context", exact=True)
    expect(context).to_have_attribute("max", "16384")
    hbm.turn("Paged KV cache", False)
    hbm.turn("Continuous batching", False)
    hbm.slide("Max model length", "65,536")
    hbm.seek(4096)
    changed = {"batch": 64, "run_length": 16384, "paged": False, "batching": "static"}
    check_numbers(hbm, hbm.scenario(max_model_len=65536, **changed))


def test_data_types_set_the_bytes_of_weights_and_cache(hbm: HbmPage):
    native = check_numbers(hbm, hbm.scenario())
    assert hbm.value("Data type") == "bf16 weights and KV"
    hbm.press("Weights", "fp8")
    report = check_numbers(hbm, hbm.scenario(weights_dtype="fp8"))
    linear = sum(group.count for group in hbm.scenario().the_model.tensors if group.linear)
    assert native.weights_bytes - report.weights_bytes == linear  # 2 bytes become 1
    hbm.press("KV", "fp8")
    both = check_numbers(hbm, hbm.scenario(weights_dtype="fp8", kv_dtype="fp8"))
    assert both.kv["used_bytes"] * 2 == native.kv["used_bytes"]
    assert hbm.value("Data type") == "fp8 weights and KV"
    assert hbm.value("Allocation unit").startswith("1 MiB block")


def test_model_and_gpu_set_names_and_numbers(hbm: HbmPage):
    hbm.choose("Model", "Qwen/Qwen3-8B")
    expect(hbm.page.get_by_role("heading", level=1)).to_have_text("Qwen3-8B")
    hbm.choose("GPU", "Instinct MI300X")
    report = check_numbers(hbm, hbm.scenario(model="Qwen/Qwen3-8B", gpu="Instinct MI300X"))
    assert "MI300X" in hbm.value("GPUs needed")
    label = hbm.page.locator(".strip .marks").inner_text()
    assert f"{report.capacity_bytes / GIB:,.2f}" in label


def test_flash_off_writes_the_scores_to_memory(hbm: HbmPage):
    assert "32.0 GiB\nsaved by FlashAttention" in hbm.banner()
    assert "4,096² scores × 2 B" in hbm.banner()
    without = estimate(hbm.scenario(flash=False)).total_bytes
    assert number(hbm.shown(".before s").inner_text()) == in_gib(without)
    hbm.turn("FlashAttention", False)
    assert "saved by FlashAttention" not in hbm.banner()
    assert not hbm.shown(".before s").count()
    check_numbers(hbm, hbm.scenario(flash=False))
    hbm.turn("FlashAttention", True)
    check_numbers(hbm, hbm.scenario())


def test_paging_off_reserves_in_advance(hbm: HbmPage):
    heading = hbm.page.get_by_role("heading", name="KV cache ")
    expect(heading).to_have_text("KV cache in use")
    hbm.turn("Paged KV cache", False)
    expect(heading).to_have_text("KV cache, reserved in advance")
    assert "region" in hbm.value("Allocation unit")
    check_numbers(hbm, hbm.scenario(paged=False))


def test_all_off_leaves_no_papers_and_says_how_many_gpus_it_needs(hbm: HbmPage):
    on = dict.fromkeys(SWITCHES, True)
    for name, switch in SWITCHES.items():
        hbm.turn(switch, False)
        on[name] = False
        shown = hbm.page.locator("a.row").evaluate_all("links => links.map((link) => link.href)")
        assert shown == [paper.url for key, paper in PAPERS.items() if on[key]]
    scenario = hbm.scenario(flash=False, paged=False, batching="static")
    report = check_numbers(hbm, scenario)
    assert report.total_bytes > report.capacity_bytes
    assert f"Needs {report.gpus_needed} × H100" in hbm.banner()
    assert f"{report.gpus_by_capacity} by capacity alone" in hbm.banner()
    assert "red" in hbm.shown(".hero").get_attribute("class")


def test_contradicting_settings_say_so_and_keep_the_last_good_picture(hbm: HbmPage):
    row, images = hbm.row(), hbm.images()
    hbm.slide_only("Run length", "65,536")
    expect(hbm.alert()).to_have_count(1)
    sentence = hbm.alert().inner_text()
    assert "65,536" in sentence
    assert "32,768" in sentence
    assert (hbm.row(), hbm.images()) == (row, images)
    hbm.slide("Max model length", "131,072")
    expect(hbm.alert()).to_have_count(0)
    assert hbm.state()["end"] == 65536


def config(**changes: Any) -> dict[str, Any]:
    """Return a file of a small model, for the page's file input."""
    values = {key: value for key, value in {**LLAMA, **changes}.items() if value is not None}
    return named(json.dumps(values))


def named(text: str) -> dict[str, Any]:
    return {"name": "config.json", "mimeType": "application/json", "buffer": text.encode()}


def test_an_uploaded_config_is_the_model(hbm: HbmPage):
    hbm.changing(lambda: hbm.upload(config()))
    name = UPLOAD_NAME
    expect(hbm.page.get_by_label("Model", exact=True)).to_have_value(name)
    expect(hbm.page.get_by_role("heading", level=1)).to_have_text(name)
    model = model_from_config(LLAMA, name, "uploaded")
    check_numbers(hbm, hbm.scenario(model=name, own_models={name: model}))
    deeper = model_from_config({**LLAMA, "num_hidden_layers": 24}, name, "uploaded")
    scenario = hbm.scenario(model=name, own_models={name: deeper})
    hbm.changing(lambda: hbm.upload(config(num_hidden_layers=24)))
    check_numbers(hbm, scenario)
    expect(hbm.alert()).to_have_count(0)


BAD = {
    "not JSON": (named("hello"), "JSON"),
    "a list": (named("[1, 2]"), "object"),
    "a missing key": (config(num_attention_heads=None), "num_attention_heads"),
    "a bad number": (config(hidden_size=-5), "hidden_size"),
    "an unknown family": (config(model_type="my<b>own</b>"), "my<b>own</b>"),
    "not UTF-8": (named("") | {"buffer": b'{"a": "\xff"}'}, "UTF-8"),
    "nested too deep": (named('{"a":' * 10_000 + "1" + "}" * 10_000), "nest"),
}


def test_bad_uploads_say_what_is_wrong_and_leave_the_page_usable(hbm: HbmPage, tmp_path: Path):
    images = hbm.images()
    huge = {f"100 MB of {fill!r}": (of_100_mb(tmp_path, fill), "10 MB") for fill in (b" ", b"\0")}
    for what, (file, names) in {**BAD, **huge}.items():
        hbm.upload(file)
        expect(hbm.alert(), what).to_contain_text(names, timeout=20_000)
        assert one_sentence(hbm.alert().inner_text()), what
        assert hbm.images() == images, what
        assert hbm.page.locator(".banner:visible").count() == 1, what
        hbm.upload(named("[]"))
        expect(hbm.alert(), what).to_contain_text("list")
    still_usable(hbm)


def of_100_mb(folder: Path, fill: bytes) -> Path:
    path = folder / f"{fill[0]}.json"
    with path.open("wb") as file:
        for _ in range(100):
            file.write(fill * 1_000_000)
    return path


def one_sentence(text: str) -> bool:
    return text.endswith(".") and len(text) < 250 and "Traceback" not in text and "\n" not in text


def still_usable(hbm: HbmPage) -> None:
    """Play, turn a switch, and upload what is right: the alert goes."""
    hbm.play()
    hbm.page.wait_for_function("n => document.kvviz.row.when > n", arg=hbm.row()["when"])
    hbm.seek(4096)
    hbm.turn("FlashAttention", False)
    check_numbers(hbm, hbm.scenario(flash=False))
    hbm.changing(lambda: hbm.upload(config()))
    expect(hbm.alert()).to_have_count(0)


def test_two_visitors_do_not_share_their_settings(visit: Visit):
    first, second = visit(), visit()
    first.seek(4096)
    context = second.nearest_row(2048)
    first.turn("FlashAttention", False)
    first.slide("Batch size", "8")
    check_numbers(first, first.scenario(flash=False, batch=8))
    check_numbers(second, second.scenario(context=context))
    expect(second.page.get_by_text("32 sequences", exact=True)).to_be_visible()
    expect(first.page.get_by_text("8 sequences", exact=True)).to_be_visible()
    for page in (first, second):
        page.close()


def test_small_amounts_come_in_their_own_unit(visit: Visit):
    hbm = visit("?batch=1&context=1&run_length=2&max_model_len=512", reduced_motion="reduce")
    notes = hbm.page.locator(".toggle .note > span").all_inner_texts()
    assert [note.strip() for note in notes] == ["−64 B", "+1.8 MiB", "0.00 GiB"]
    assert hbm.value("KV cache") == "2.0 MiB"
    expect(hbm.page.locator(".before s")).to_be_hidden()  # nothing to strike out: it is as much
    hbm.close()
