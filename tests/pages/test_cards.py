"""The cards' texts: symbols that are true of the scenario, and every number with its kind."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from kvviz import Scenario, find_model
from kvviz.catalog.models.model import Layer, Model
from kvviz.pages.hbm import cards, player_texts
from kvviz.pages.hbm.about import about
from kvviz.pages.hbm.factoids import factoids
from kvviz.pages.hbm.formula import formula
from kvviz.pages.hbm.insights import insights
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.html import many
from kvviz.units import GiB, gib

ROOT = Path(__file__).parents[2]
HYBRID = "Qwen/Qwen3-Next-80B-A3B-Instruct"
SCOUT = "meta-llama/Llama-4-Scout-17B-16E-Instruct"
ON_CAPACITY = {"over", "free", "gpus", "gpus_by_capacity"}
CAPACITIES = [{}, {"mode": "vllm"}]


def session(**settings):
    found = Session(scenario=Scenario(**settings))
    assert not found.problem
    return found


def plain(html):
    """Return the text; a live number is its column's name in braces, a subscript follows a _."""
    html = re.sub(r'data-live="(\w+)"[^>]*>', r">{\1}", html)
    html = re.sub(r"<msub><mi>(\w+)</mi><mi>(\w+)</mi></msub>", r"\1_\2", html)
    return " ".join(unescape(re.sub("<[^>]+>", "", re.sub("</(?:p|h2|math)>", " ", html))).split())


def stateful():
    """Return a model of one state layer, which caches no token."""
    layer = Layer("ssm", 8, 0, 64, 0, state_values=4096, conv_values=64)
    kept = find_model("meta-llama/Llama-3.2-1B-Instruct")
    return Model("toy", "mamba2", "bf16", "fp32", 64, 9, 512, (layer,), kept.tensors[:1], True)


@pytest.mark.parametrize(
    ("settings", "title", "symbols"),
    [
        ({}, "KV cache in use", "M_used=2LH_kvdb·∑n_i"),
        ({"paged": False}, "KV cache, reserved in advance", "M_KV=2LH_kvdb·∑r_i"),
        (
            {"paged": False, "batching": "static"},
            "KV cache, reserved in advance",
            "M_KV=2LH_kvdb·B·n_limit",
        ),
        ({"batching": "static"}, "KV cache, padded to the longest", "M_KV=2LH_kvdb·B·⌈n_max⌉"),
        ({"model": "deepseek-ai/DeepSeek-V3"}, "in use", "M_used=Lm·∑n_i m=(d_c+d_r)b"),
        ({"model": "deepseek-ai/DeepSeek-V3.2"}, "in use", "M_used=Lm·∑n_i m=(d_c+d_r)b+d_x"),
        ({"model": "mistralai/Mistral-7B-v0.1"}, "in use", "M_used=2LH_kvdb·t t=∑min(n_i,w)"),
        (
            {"model": "google/gemma-3-27b-it"},
            "in use",
            "M_used=∑kL_km_k·t_k m_k=2H_kd_kb t_k=∑min(n_i,w_k)",
        ),
        (
            {"model": SCOUT, "paged": False, "batching": "static"},
            "reserved",
            "M_KV=∑kL_km_k·t_k m_k=2H_kd_kb t_k=B·min(n_limit,w_k)",
        ),
    ],
)
def test_the_symbols_are_those_of_the_settings(settings, title, symbols):
    text = plain(formula(Scenario(**settings)))
    assert title in text
    assert symbols in text


def test_blocks_are_explained_where_they_are_rounded_to():
    assert "whole blocks of 32 tokens" in formula(Scenario(batching="static", block_size=32))
    assert "whole blocks" not in formula(Scenario())


def test_every_kind_of_layer_has_its_line():
    text = plain(formula(Scenario(model="google/gemma-3-27b-it")))
    assert "2 · 52 · 16 · 128 · 2 B = 416 KiB/token, 1,024-token window" in text
    assert "2 · 10 · 16 · 128 · 2 B = 80 KiB/token, all tokens" in text


def test_keys_and_values_of_one_projection_are_both_cached():
    text = plain(formula(Scenario(model="google/gemma-4-26B-A4B")))
    assert "2 · 5 · 2 · 512 · 2 B = 20 KiB/token" in text


def test_every_number_of_the_formula_has_its_kind():
    html = formula(Scenario())
    assert '<p title="computed: KV used / KV allocated">' in html
    assert re.findall(r"<b(?![^>]*title)[^>]*>", html) == []


def test_a_chunk_is_no_longer_than_the_context():
    text = plain(player_texts.banner(session(prefill="chunk")))
    assert "32 heads × min(2,048, {when}) × {when} scores × 2 B" in text


@pytest.mark.parametrize("settings", [{}, {"paged": False, "flash": False}])
def test_banners_add_up_with_the_recurrent_state(settings):
    found = session(model=HYBRID, **settings)
    too_much = "{weights} + {kv_allocated} + {scores} + {state} = {total} GiB"
    assert too_much in plain(player_texts.banner(found))
    if settings:
        fits = "{weights} weights + {kv_allocated} KV cache + {scores} attention scores + {state} "
        assert f"{fits}recurrent state" in plain(player_texts.banner(found))
    assert "recurrent state" not in player_texts.banner(session(flash=False))


def test_without_pages_static_batching_takes_the_slot():
    static = session(flash=True, batching="static", model="toy", own_models={"toy": stateful()})
    assert "max_model_len, 32,768 tokens" in player_texts.banner(static)
    unscored = session(model="toy", own_models={"toy": stateful()})
    assert "reservation policy “exact”" in player_texts.banner(unscored)
    assert "max_model_len, 32,768 tokens" in player_texts.banner(
        session(flash=False, batching="static")
    )


def test_a_saving_is_claimed_only_while_there_is_one():
    html = player_texts.banner(session(flash=False))
    assert 'class="banner glow" data-if="delta_paged"' in html
    assert '<div data-unless="delta_paged">' in html


def test_savings_are_spelled_in_a_unit_that_fits():
    assert 'data-live="avoided" data-unit="size"' in player_texts.banner(session())
    assert 'data-live="delta_paged" data-unit="size"' in player_texts.banner(session(flash=False))
    assert 'data-if="saved_share" data-above="0.005"' in cards.info(session())


def test_scores_take_the_width_of_the_models_dtype():
    wide = replace(find_model("meta-llama/Llama-3.2-1B-Instruct"), dtype="fp32")
    assert "scores × 4 B" in player_texts.banner(session(model="wide", own_models={"wide": wide}))


@pytest.mark.parametrize("settings", CAPACITIES)
def test_what_rests_on_the_capacity_is_known_no_better(settings):
    found = session(**settings)
    kind = found.report.kinds["gpus_needed"]
    assert kind == ("assumed" if settings else "computed")
    html = cards.info(found) + player_texts.banner(found) + player_texts.ledger(found)
    html += player_texts.banner(session(flash=False, paged=False, **settings))
    shown = re.findall(r'data-live="(\w+)"[^>]* title="([^"]*)"', html)
    assert {name for name, _ in shown} >= ON_CAPACITY
    assert {title for name, title in shown if name in ON_CAPACITY} == {kind}
    assert f'<span title="{kind}">{found.room / GiB:,.2f}</span>' in html
    assert f'<b title="{kind}">{found.room / 2**30:,.2f}</b>' in html


def test_a_rate_is_assumed_and_only_of_what_fits():
    html = cards.info(session(mfu=0.41, mbu=0.93))
    assert 'title="assumed: roofline with MFU 41% and MBU 93%; ' in html
    assert "activations and interconnect are not counted, kernel launches only where fitted" in html
    assert '<span data-if="over"><b class="red">does not fit</b></span>' in html
    assert '<span data-unless="over"><b data-live="tokens_per_second"' in html


def test_an_allocation_unit_has_its_kind():
    for paged in (True, False):
        assert cards.allocation_unit(session(paged=paged)).startswith('<b title="computed">')


def test_a_model_without_cached_tokens_has_no_pages():
    found = session(model="toy", own_models={"toy": stateful()})
    assert plain(cards.allocation_unit(found)) == "no blocks: state only"


def test_notes_and_warnings_end_the_card():
    assert "note-line" not in cards.info(session())
    found = session(model="google/gemma-3-4b-it", max_model_len=262_144, run_length=262_144)
    last = cards.info(found).rpartition("<p ")[2]
    assert last.startswith('class="note-line" title="run length 262,144 exceeds')
    assert all(last.count(note) == 2 for note in found.scenario.the_model.notes)


def test_notes_are_escaped():
    noted = replace(find_model("meta-llama/Llama-3.2-1B-Instruct"), notes=('<b>"x"</b>',))
    html = cards.info(session(model="toy", own_models={"toy": noted}))
    assert '<b>"x"' not in html
    assert html.count("&lt;b&gt;&quot;x&quot;&lt;/b&gt;") == 2


def test_the_sequences_may_stand_below_a_long_name():
    assert '<header class="wrap">' in cards.info(session())
    assert '<small title="a setting">1 sequence</small>' in cards.info(session(batch=1))


@pytest.mark.parametrize("settings", CAPACITIES)
def test_gpus_by_capacity_divide_by_what_the_engine_leaves(settings):
    found = session(**settings)
    text = unescape("".join(insights(found))).replace("\xa0", " ")
    said = f"{gib(found.report.total_bytes)} ÷ {gib(found.room)}, rounded up, is "
    assert f"{said}{found.report.gpus_by_capacity:,}." in text
    assert ("<small>assumed</small>" in text) == bool(settings)


def test_chunks_and_windows_are_told_apart():
    assert "(36 layers: its own chunk of 8,192)" in about(session(model=SCOUT))
    assert "(52 layers: the last 1,024)" in about(session(model="google/gemma-3-27b-it"))


def test_one_is_singular():
    assert (many(1, "token"), many(2, "token")) == ("1 token", "2 tokens")
    found = session(context=1, batch=1, run_length=1, max_model_len=1)
    facts = " ".join(f.text + f.source for f in factoids(found.scenario, found.report))
    assert not re.search(r"(?<![\d,.])1 (?:tokens|sequences)", plain(about(found)) + facts)


def test_the_drawer_says_what_is_assumed_and_what_is_left_out():
    text = plain(about(session()))
    assert "Every number here is computed unless it is marked otherwise" in text
    assert "kernel launches are included only where fitted to a run on this GPU" in text
    assert "Capacity is" in text
    assert "Capacity, assumed, is" in plain(about(session(mode="vllm")))
    assert "assumed: experts chosen evenly" in plain(about(session(model=HYBRID)))


@pytest.mark.parametrize("split", [{"tp": 2}, {"pp": 2}])
def test_a_step_moves_the_same_bytes_however_they_are_split(split):
    def moved(**settings):
        found = session(model="meta-llama/Llama-3.1-8B", **settings)
        facts = factoids(found.scenario, found.report)
        card = next(card for card in insights(found) if "Why long contexts" in card)
        return card, next(fact.text for fact in facts if "decode step" in fact.text)

    assert moved(**split) == moved()


def test_measured_is_a_run_and_the_capacity_a_fact():
    readme = (ROOT / "README.md").read_text()
    assert "- **Measured**: from a kernel or an engine that ran on a device" in readme
    assert "its driver.\n" not in readme
