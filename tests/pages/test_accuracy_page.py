"""The accuracy page without a browser: its session, its texts, and its figures."""

import re

import pytest

from kvviz.accuracy.explain import explained
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.startup_log import read_log
from kvviz.accuracy.validation import shipped
from kvviz.pages.accuracy import cards
from kvviz.pages.accuracy.log import read_card, reconciled
from kvviz.pages.accuracy.session import (
    ALL,
    AS_LOGGED,
    MOST_TEXT,
    AccuracySession,
    choices,
    example,
)
from kvviz.scene.accuracy.errors import EDGE, Point, error_scatter
from kvviz.scene.theme import DARK, LIGHT


@pytest.fixture
def session():
    return AccuracySession()


def test_the_example_is_a_shipped_row(session):
    found = session.explanation
    assert found.facts["model"] == "moonshotai/Kimi-VL-A3B-Instruct"
    assert found.entry("KV tokens").logged == 1_426_368
    assert "it adds up" in found.sums
    assert {entry.kind for entry in found.entries} == {"computed", "assumed"}


def test_a_text_that_is_no_log_leaves_nothing_of_the_last(session):
    session.explain("nothing")
    assert (session.explanation, session.log) == (None, None)
    assert "start-up line" in session.problem
    session.explain(example())
    assert session.explanation is not None
    session.explain("  ")
    assert (session.explanation, session.problem) == (None, "")
    session.explain("x" * (MOST_TEXT + 1))
    assert "longer than the limit of 1,000,000" in session.problem
    session.explain("GPU KV cache size: 1,024 tokens")
    assert session.problem == ""
    assert session.explanation is not None


def test_what_the_log_leaves_out_can_be_chosen(session):
    session.explain(
        "Initializing a V1 LLM engine (v0.9.1) with config: model='served', max_seq_len=8192\n"
        "Model loading took 14.99 GiB and 4.2 seconds\nAvailable KV cache memory: 54.87 GiB\n"
        "GPU KV cache size: 449,488 tokens\n"
    )
    assert session.explanation.entry("Weights").predicted is None
    session.given_model = "meta-llama/Llama-3.1-8B"
    assert session.explanation.entry("Weights").mark == "good"
    assert session.explanation.entry("KV cache").predicted is None
    session.given_gpu = "H100 SXM5 80GB"
    assert session.explanation.entry("KV tokens").mark in ("good", "near")
    assert session.explanation.facts["gpu"] == "H100 SXM5 80GB"
    session.given_model = AS_LOGGED
    assert session.explanation.entry("Weights").predicted is None


def test_filters_narrow_the_logs_alone(session):
    every = session.shown()
    session.engine = "sglang"
    some = [item for item in session.shown() if item.file == "logs"]
    assert {item.engine.split()[0] for item in some} == {"sglang"}
    assert len([i for i in session.shown() if i.file != "logs"]) == len(
        [i for i in every if i.file != "logs"]
    )
    session.param.update(engine=ALL, gpu="Tesla T4", confidence="A")
    left = [item for item in session.shown() if item.file == "logs"]
    assert {item.gpu for item in left} == {"Tesla T4"}
    assert {item.confidence for item in left} <= {"A", "A-"}
    assert choices("gpu")[:2] == [ALL, "H100-80GB"]


def test_coverage_has_a_cell_for_every_log():
    html = cards.coverage(shipped())
    logs = {item.row for item in shipped() if item.file == "logs"}
    assert html.count("title=") == len(logs)
    counts = [int(number) for number in re.findall(r"<b>(\d+)</b>", html)]
    assert sum(counts) == len(logs)
    assert cards.coverage([]).count("cell good") == 1  # the legend's


def test_every_miss_is_listed_with_its_reason():
    html = cards.misses(shipped())
    off = [
        item
        for item in shipped()
        if item.quantity in cards.FROM_LOGS and not item.skipped and abs(item.error) > 0.02
    ]
    assert html.count("<tr title=") == len(off)
    assert "none" in cards.misses([])
    for item in off:
        assert cards.percent(item.error) in html


def test_tables_tell_every_quantity():
    html = cards.tables(shipped())
    assert all(name in html for name, _ in cards.NAMES.values())
    assert html.count("<section>") == 4


@pytest.mark.parametrize("value", ["<img src=x onerror=alert(1)>", "abc", "1e9", "-1", "&amp;"])
def test_nothing_of_a_log_becomes_html(value):
    text = (
        f"Initializing a V1 LLM engine (v0.19.0) with config: model='{value}', "
        f"tensor_parallel_size={value}, gpu_memory_utilization={value}, dtype={value}\n"
        f"GPU KV cache size: 1,024 tokens\nAvailable KV cache memory: 3.0 GiB\n"
        f"ValueError: CUDA out of memory. Tried to allocate 2.00 GiB {value}"
    )
    found = explained(read_log(text), Models({}))
    html = read_card(found) + reconciled(found)
    assert "<img" not in html


def test_points_fall_into_bands_and_far_ones_onto_the_edge():
    pair = error_scatter("weights", "weights1", (0.1, 1000.0), DARK)
    points = [
        Point(logged * (1 + error), logged, f"{error}", "L", "", "", "")
        for logged, error in ((10, 0.001), (20, -0.05), (30, 0.3), (40, -0.9), (50, -1.5))
    ]
    pair.show(points)
    assert [len(pair.sources[name].data["x"]) for name in ("good", "near", "far")] == [1, 1, 3]
    far = pair.sources["far"].data
    assert far["strip"][1:] == [-EDGE, -EDGE]
    assert far["marker"] == ["circle", "inverted_triangle", "inverted_triangle"]
    assert min(far["x"]) > 0.1
    pair.show([])
    assert not pair.sources["far"].data["x"]
    before = pair.scatter.background_fill_color
    pair.repaint(LIGHT)
    assert pair.scatter.background_fill_color != before
