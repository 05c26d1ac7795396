"""The texts about the picture: short, escaped, and in the report's numbers."""

import re
from html import unescape

import numpy as np
import pytest

from kvviz import Scenario, estimate, find_model
from kvviz.catalog.measured.efficiency import KNEE, SOURCE
from kvviz.catalog.models.model import Layer, Model
from kvviz.memory.deployment import gpus_needed
from kvviz.memory.room import largest_batch, longest_context
from kvviz.pages.hbm.about import about
from kvviz.pages.hbm.session import Session
from kvviz.units import gib, size

WORDS = 60
HOSTILE = "<img src=x onerror=alert(1)>"
OTHERS = [
    {},
    {"model": "google/gemma-3-27b-it", "gpu": "GeForce RTX 4090", "batching": "static"},
    {"model": "deepseek-ai/DeepSeek-V3", "tp": 8, "mode": "vllm", "utilization": 0.9},
    {"model": "Qwen/Qwen3-8B", "gpu": "Instinct MI300X", "flash": False, "paged": False},
    {"model": "Qwen/Qwen3-Next-80B-A3B-Instruct", "batch": 1, "context": 100, "ragged": 0.5},
    {"model": "openai/gpt-oss-20b", "gpu": "Apple M4 Max", "prefill": "chunk"},
]


def session(**settings):
    found = Session(scenario=Scenario(**settings))
    assert not found.problem
    return found


def cards(found):
    """Return every card's text by its title."""
    sections = re.findall(r"<section.*?</section>", about(found), re.DOTALL)
    return dict(map(plain, sections))


def plain(section):
    title, rest = re.match(r".*?<h2>(.*?)</h2>(.*)", section, re.DOTALL).groups()
    spaced = re.sub(r"</(?:p|div|span)>", " ", rest)
    return title, " ".join(unescape(re.sub("<[^>]+>", "", spaced)).split())


@pytest.mark.parametrize("settings", OTHERS)
def test_every_card_is_short(settings):
    for title, text in cards(session(**settings)).items():
        assert len(f"{title} {text}".split()) <= WORDS, title


@pytest.mark.parametrize("settings", OTHERS)
def test_numbers_are_the_reports(settings):
    found = session(**settings)
    scenario, report, text = found.scenario, found.report, cards(found)
    n, later = scenario.context, estimate(scenario.replaced(context=2 * scenario.context))
    scores = [max(r.scores["bytes"], r.scores["avoided_bytes"]) for r in (report, later)]
    diagonal = text["Causal attention"]
    assert (
        f"triangle of {n * (n + 1) // 2:,} scores per head, in a square of n² = {n**2:,}"
        in diagonal
    )
    assert f"from {size(scores[0])} to {size(scores[1])}" in diagonal
    assert f"from {size(report.kv['used_bytes'])} to {size(later.kv['used_bytes'])}" in diagonal
    assert f"{size(report.kv['used_bytes'])} of KV cache" in text["Decode is one row"]
    for delta in report.deltas.values():
        assert gib(abs(delta)) in text["What each switch changes"]
    gpus = text["When one GPU is not enough"]
    assert f"{gib(report.total_bytes)} ÷ {gib(found.room)}" in gpus
    assert f"rounded up, is {report.gpus_by_capacity:,}." in gpus
    last = int(gpus_needed(scenario, np.array([scenario.final_length]))[0])
    assert re.search(
        rf"At {n:,} tokens it needs {report.gpus_needed} GPUs?, at [\d,]+ it needs {last} GPU", gpus
    )
    assert gib(report.capacity_bytes) in text["Computed"]


def test_a_decode_row_of_scores_is_the_prefills_matrix_over_its_rows():
    found = session()
    row = found.report.scores["avoided_bytes"] // found.scenario.context
    assert f"{size(row)} of scores" in cards(found)["Decode is one row"]


@pytest.mark.parametrize(
    "settings",
    [
        {"ragged": 0.5},
        {"model": "google/gemma-3-27b-it", "batch": 8, "context": 2000},
        {"model": "Qwen/Qwen3-Next-80B-A3B-Instruct", "gpu": "B200 SXM", "batch": 64},
        {"model": "meta-llama/Llama-3.1-70B", "tp": 2, "pp": 2, "batching": "static"},
        {"mode": "vllm", "utilization": 0.9, "paged": False, "flash": False},
    ],
)
def test_one_token_or_one_sequence_more_than_the_room_does_not_fit(settings):
    scenario = Scenario(**settings)
    text = cards(session(**settings))["When the KV cache fills the GPU"]
    longest, batch = longest_context(scenario), largest_batch(scenario)
    assert f"up to a context of {longest:,} tokens" in text
    assert f"{batch:,} sequences would fit" in text
    paged = scenario.replaced(paged=True, flash=True)
    for count, fits in ((longest, True), (longest + 1, False)):
        grown = paged.replaced(context=count, max_model_len=count, run_length=count)
        assert estimate(grown).fits == fits
    assert estimate(paged.replaced(batch=batch)).fits
    assert not estimate(paged.replaced(batch=batch + 1)).fits


def test_weights_that_fill_the_card_leave_no_room():
    found = session(model="meta-llama/Llama-3.1-70B")
    text = cards(found)["When the KV cache fills the GPU"]
    assert text.endswith("nothing is left for the KV cache.")
    assert longest_context(found.scenario) == largest_batch(found.scenario) == 0


def test_no_number_stays_when_everything_is_changed():
    one = cards(session(ragged=0.5))
    other = cards(session(**OTHERS[1], context=3000, batch=7, ragged=0.3))
    constant = {
        "How it is drawn",
        "Compute and memory overlap",
        "Not counted",
        "Peak score matrices alive at once",
    }
    for title in one.keys() - constant:
        shared = numbers(one[title]) & numbers(other[title])
        # Splits of a power of two of heads, and the shares of a run's first token and last.
        assert shared <= {"1", "2", "4", "8", "16", "32", "0.1%", "100.0%", "6.3%"}, title
    assert "3,000 tokens" in other["How it is drawn"]


def numbers(text):
    return set(re.findall(r"\d(?:[\d,]*\d)?(?:\.\d+)?%?", text))


@pytest.mark.parametrize("shares", [{}, {"mfu": 0.41, "mbu": 0.93}])
def test_assumptions_are_those_of_the_roofline(shares):
    found = session(**shares)
    reached, knee = (cards(found)[title] for title in ("Step times", "Compute and memory overlap"))
    assert all(f"{share:.0%}" in reached for share in (found.scenario.mfu, found.scenario.mbu))
    assert f"{2 ** (1 / KNEE):.2f} times" in knee
    assert SOURCE in knee
    assert ("as you set them" if shares else SOURCE) in reached


def test_what_an_engine_takes_is_listed_with_its_source():
    found = session(mode="vllm", activation_gib=1.25)
    text = plain(f"<h2></h2>{about(found)}")[1]
    for item in found.report.plan.assumptions:
        assert item.name in text
        assert item.source in text
        assert f"{item.gib:,.2f} GiB" in text
    assert "Assumed engine overhead" not in about(session())


def test_a_hostile_model_name_is_escaped():
    own = {HOSTILE: find_model("meta-llama/Llama-3.1-8B")}
    text = about(session(model=HOSTILE, own_models=own))
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_a_model_that_keeps_no_tokens_has_no_texts_on_a_cache():
    layer = Layer("ssm", 8, 0, 64, 0, state_values=4096, conv_values=64)
    kept = find_model("meta-llama/Llama-3.2-1B-Instruct")
    model = Model("toy", "mamba2", "bf16", "fp32", 64, 9, 512, (layer,), kept.tensors[:1], True)
    text = cards(session(model="toy", own_models={"toy": model}))
    assert "Causal attention" not in text
    assert "When the KV cache fills the GPU" not in text
    assert "When one GPU is not enough" in text


def test_live_numbers_are_columns_of_the_player():
    names = set(re.findall(r'data-live="(\w+)"', about(session())))
    assert names == {"when", "total", "efficiency"}
