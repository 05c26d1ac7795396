"""Facts worth knowing: sources for what others published, the report's numbers for the rest."""

import re

import pytest

from kvviz import Scenario, estimate, find_model, models
from kvviz.catalog.published.factoids import published_factoids
from kvviz.pages.hbm.factoids import factoids
from kvviz.units import GiB, size

HOSTILE = "<img src=x onerror=alert(1)>"
SOURCE = re.compile(r"arXiv \d{4}\.\d{5}|vLLM blog, 2023-06-20|OSDI 2022")
LENGTH = 150  # characters that the card has room for


def facts(**settings):
    scenario = Scenario(**settings)
    return factoids(scenario, estimate(scenario))


def computed(**settings):
    """Return the computed facts' texts as one, and the report they are of."""
    scenario = Scenario(**settings)
    report = estimate(scenario)
    texts = [fact.text for fact in factoids(scenario, report) if fact.kind == "computed"]
    return "\n".join(texts), report


@pytest.mark.parametrize("fact", published_factoids(), ids=lambda fact: fact.text[:30])
def test_a_published_fact_names_where_it_was_published(fact):
    assert SOURCE.search(fact.source)
    assert fact.kind == "published"


@pytest.mark.parametrize("model", [model.name for model in models()])
def test_every_fact_is_short_plain_and_sourced(model):
    found = facts(model=model)
    assert len({fact.text for fact in found}) == len(found)
    for fact in found:
        assert fact.source
        assert fact.kind in ("published", "computed")
        assert len(fact.text) <= LENGTH
        assert not set("<>&\n") & set(fact.text + fact.source)


def test_a_hostile_model_name_reaches_no_fact():
    scenario = Scenario(model=HOSTILE, own_models={HOSTILE: find_model("meta-llama/Llama-3.1-8B")})
    assert not any("<" in fact.text for fact in factoids(scenario, estimate(scenario)))


def test_both_kinds_take_turns():
    assert [fact.kind for fact in facts()[:6]] == ["computed", "published"] * 3


def test_a_fact_about_one_gpu_or_attention_appears_only_with_it():
    assert any("H100" in f.text for f in facts(gpu="H100 SXM5 80GB") if f.kind == "published")
    for fact in facts(gpu="L4", model="meta-llama/Llama-2-7b-hf"):
        assert not fact.about
    assert any(fact.about == "mla" for fact in facts(model="deepseek-ai/DeepSeek-V3"))


@pytest.mark.parametrize("context", [1000, 4096])
@pytest.mark.parametrize("model", ["meta-llama/Llama-3.1-8B", "Qwen/Qwen3-8B"])
def test_numbers_are_the_reports(model, context):
    text, _ = computed(model=model, context=context)
    alone = estimate(Scenario(model=model, context=context, batch=1))
    slot = estimate(Scenario(model=model, context=32_768, batch=1))
    used = alone.kv["used_bytes"]
    assert f"A chat of {context:,} tokens is about {size(4 * context)} of text." in text
    assert f"cache is {size(used)}: {used / (4 * context):,.0f} times as much" in text
    assert f"32,768 tokens, would take {size(slot.kv['used_bytes'])}." in text
    assert f"adds {size(alone.kv_bytes_per_token)} to the KV cache" in text
    assert f"{GiB // alone.kv_bytes_per_token:,} tokens fill a GiB" in text


def test_tokens_that_outweigh_the_weights_do_so_by_the_last_of_them():
    text, report = computed()
    tokens = int(re.search(r"together reach ([\d,]+) tokens", text)[1].replace(",", ""))
    assert tokens * report.kv_bytes_per_token > report.weights_bytes
    assert (tokens - 1) * report.kv_bytes_per_token <= report.weights_bytes


def test_a_slot_reserves_only_where_it_is_taken():
    assert "tokens, would take" in computed(paged=False)[0]
    assert "tokens, takes" in computed(paged=False, batching="static")[0]
    assert "tokens, takes" in computed(paged=False, reservation="max")[0]
    assert "max_model_len" not in computed(context=4096, max_model_len=4096)[0]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("meta-llama/Llama-3.1-8B", "its KV cache is 4 times smaller"),
        ("meta-llama/Llama-2-7b-hf", "would be 32 times smaller"),
        ("deepseek-ai/DeepSeek-V3", "all 128 heads alone would be 42.7 times as many"),
        ("deepseek-ai/DeepSeek-V3", "DeepSeek-V3 adds 68.62 KiB"),
        ("google/gemma-3-27b-it", "52 of 62 layers keep at most 1,024 tokens"),
        ("deepseek-ai/DeepSeek-V3", "A token uses 6% of this model's parameters"),
    ],
)
def test_what_a_models_attention_saves(model, said):
    assert said in computed(model=model)[0]


def test_windows_save_what_a_cache_of_all_tokens_would_take_more():
    text, report = computed(model="google/gemma-3-27b-it", batch=1, context=8192)
    ratio = 8192 * report.kv_bytes_per_token_all_layers / report.kv["used_bytes"]
    assert f"the KV cache would be {ratio:.1f} times as large" in text
