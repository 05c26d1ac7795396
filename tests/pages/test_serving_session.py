"""The serving page's state: its runs, its limits, its links and traces of the visitor's own."""

import numpy as np
import pytest

from kvviz.pages.serving.about import paper_table
from kvviz.pages.serving.cards import headline, legend, outcome_line, seconds, summary
from kvviz.pages.serving.columns import opening, play_columns, totals
from kvviz.pages.serving.load import Load, workload
from kvviz.pages.serving.page import PAGE
from kvviz.pages.serving.session import MOST_BLOCKS, ServingSession
from kvviz.pages.serving.trace import Incoming

GOOD = b"arrival_s,prompt,output\n0,50,6\n1,60,7\n"
BAD = GOOD + b"2,some,8\n"


@pytest.fixture(scope="module")
def plain() -> ServingSession:
    return ServingSession()


def test_a_plain_visit_shows_one_policy_beat_the_other(plain: ServingSession):
    a, b = plain.runs.a.summary, plain.runs.b.summary
    assert plain.problem == ""
    assert a["makespan_s"] < b["makespan_s"] / 2
    assert a["ttft_s"]["p50"] < b["ttft_s"]["p50"] / 2
    assert a["preemptions"] > 0
    assert a["peak_running"] > b["peak_running"] == plain.runs.b.blocks // plain.runs.b.slot
    assert f"{a['peak_running']} requests at once, not 5, in the same 2.93 GiB" in headline(
        plain.runs
    )
    assert f"{a['throughput_tokens_per_s']:,.0f}" in summary(plain)
    assert "of 1,500" in legend(plain.runs.b, "b")
    follow, start = opening(plain.runs)
    assert plain.runs.a.requests["preemptions"][follow] > 0
    assert start < plain.runs.a.requests["scheduled_s"][follow]


def test_a_link_carries_all_that_differs_and_opens_it_again():
    query = {
        "model": "Qwen/Qwen3-8B",
        "against": "static",
        "requests": "20",
        "rate": "5.0",
        "num_blocks": "2001",
        "prefix_caching": "false",
        "shared_prompt": "256",
        "reservation": "pow2",
    }
    session = PAGE.visit([*query.items(), ("at", "1.5"), ("follow", "3"), ("theme", "light")])
    assert session.problem == ""
    assert PAGE.query(session) == query
    assert (session.at, session.follow, session.theme) == (1.5, 3, "light")
    assert PAGE.query(PAGE.visit(PAGE.query(session).items())) == query
    assert PAGE.query(ServingSession()) == {}


def test_what_the_gpu_has_left_can_be_linked():
    session = PAGE.visit([("num_blocks", "auto"), ("requests", "5"), ("gpu", "RTX 4090")])
    assert session.serving.num_blocks is None
    assert session.runs.a.blocks > 1_500
    assert PAGE.query(session)["num_blocks"] == "auto"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("colour", "red", "'colour' in the link is not a setting of this page."),
        ("rate", "fast", "rate in the link: got 'fast', expected a number from 0.01 to 10,000."),
        ("policy", "vlm", "vlm"),
        ("against", "x", "against in the link: got 'x', expected one of orca, static, vllm."),
        ("theme", "x", "theme in the link: got 'x', expected one of dark, light."),
        ("traffic", "trace", "a trace stays with its visitor"),
        ("at", "-1", "at in the link: got '-1', expected a number from 0"),
        ("max_model_len", "100", "cannot be served"),
        ("num_blocks", "100", "cannot be served"),
    ],
)
def test_a_broken_link_says_what_is_not_valid_and_opens_the_rest(name: str, text: str, says: str):
    session = PAGE.visit([(name, text), ("requests", "10")])
    assert says in session.problem
    assert session.runs is not None


def test_too_much_work_is_refused_and_the_last_runs_stay():
    session = PAGE.visit([("requests", "10")])
    runs = session.runs
    session.load.requests = 2_000
    assert f"at most {MOST_BLOCKS:,} blocks" in session.problem
    assert session.runs is runs
    session.load.requests = 12
    assert session.problem == ""
    assert len(session.runs.workload) == 12


def test_a_trace_is_served_and_its_bad_rows_are_the_visitors_choice():
    session = PAGE.visit([("requests", "10")])
    session.give(BAD, "mine.csv")
    assert session.broken.startswith("Line 4: prompt is 'some'")
    assert session.partial
    assert len(session.runs.workload) == 10
    session.keep_good()
    assert (session.broken, session.partial) == ("", False)
    assert session.runs.workload.prompt.tolist() == [50, 60]
    assert "traffic" not in PAGE.query(session)
    session.load.speed = 4.0
    assert session.runs.workload.arrival.tolist() == [0, 250_000_000]
    session.give(b"hello", "mine.csv")
    assert "not a known format" in session.broken or "no request" in session.broken


def test_pieces_of_a_file_are_kept_up_to_the_limit():
    incoming = Incoming()
    incoming.begin("a.csv", 6)
    incoming.add(b"abc")
    incoming.add(b"def")
    assert (bytes(incoming.content), incoming.too_large) == (b"abcdef", False)
    incoming.begin("b.csv", 2**40)
    assert (bytes(incoming.content), incoming.too_large) == (b"", True)


def test_what_is_sent_is_what_happened(plain: ServingSession):
    run = plain.runs.a
    sent = play_columns(run, plain.runs.seconds, 100)
    assert sent["changes"]["when"].dtype == np.uint32
    assert sent["counts"]["ended"][-1] == len(plain.runs.workload)
    assert len(sent["steps"]) == run.summary["steps"]
    first = sent["requests"]["first"].astype(int)
    assert (sent["lives"]["request"][first] == np.arange(len(plain.runs.workload))).all()
    rows = totals(run)
    assert (rows["taken_bytes"] <= run.blocks * run.timeline.page_bytes).all()
    assert (rows["waste"] >= 0).all()


def test_shared_prompts_are_hit():
    alike = PAGE.visit([("requests", "30"), ("shared_prompt", "512")])
    assert alike.runs.a.summary["prefix_hit_rate"] > 0.1
    assert workload(Load(shared_prompt=0, requests=3), 4800, None).contents is None


def test_times_are_spelled_with_three_figures():
    assert [seconds(value) for value in (0.0123, 0.99999, 1.5, 35.92, 1234.5, None)] == [
        "12.3 ms", "1 s", "1.5 s", "35.9 s", "1,234 s", "none",
    ]  # fmt: skip


def test_the_papers_table_names_both_sides():
    table = paper_table()
    assert table.count("<td>paper</td>") == table.count("<td>ours</td>") == 4
    assert "assumed" in table


def test_what_is_alike_is_not_told_apart():
    alike = PAGE.visit([("policy", "orca"), ("against", "orca"), ("requests", "10")]).runs
    assert "requests at once under A and B, in 2.93 GiB" in headline(alike)
    assert outcome_line(alike).count(" under both") == 2
    assert "not <b>" not in outcome_line(alike)
