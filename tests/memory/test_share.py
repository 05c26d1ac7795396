"""One GPU's share of a deployment, along the run: what the report says of the fullest GPU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.memory import estimate
from kvviz.memory.shard import fullest_shard
from kvviz.memory.share import share_kv, share_scores, share_total
from kvviz.memory.totals import deltas_of, kv_bytes, layer_sizes, total_bytes
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences
from kvviz.sim.workload.growth import growth_totals

MODELS = ["meta-llama/Llama-3.1-8B", "google/gemma-3-27b-it", "deepseek-ai/DeepSeek-V3"]
SPLITS = [(1, 1), (2, 1), (4, 2), (16, 1), (1, 3)]
switches = st.fixed_dictionaries(
    {
        "flash": st.booleans(),
        "paged": st.booleans(),
        "batching": st.sampled_from(["static", "continuous"]),
        "ragged": st.sampled_from([0.0, 0.5]),
    }
)


@settings(max_examples=30)
@given(st.sampled_from(MODELS), switches, st.integers(1, 8192))
def test_one_gpu_holds_all_of_it(model, chosen, context):
    scenario = Scenario(model=model, run_length=8192, context=context, **chosen)
    shard, contexts = fullest_shard(scenario), np.array([1, context])
    assert share_total(scenario, shard, contexts) == total_bytes(scenario, contexts)
    whole, own = kv_bytes(scenario, contexts), share_kv(scenario, shard, contexts)
    scores, held = share_scores(scenario, contexts), sequences(scenario)
    of_whole = deltas_of(held, contexts, layer_sizes(scenario), whole, scores)
    assert deltas_of(held, contexts, shard.token_bytes, own, scores) == of_whole
    for name in ("used", "allocated", "reserved", "internal"):
        assert (getattr(own, name) == getattr(whole, name)).all()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("tp", "pp"), SPLITS)
@settings(max_examples=6)
@given(chosen=switches)
def test_at_the_context_it_is_the_reports_fullest_gpu(model, tp, pp, chosen):
    scenario = Scenario(model=model, tp=tp, pp=pp, run_length=8192, **chosen)
    per_gpu = estimate(scenario).per_gpu
    shard, contexts = fullest_shard(scenario), np.array([scenario.context])
    assert share_total(scenario, shard, contexts) == [per_gpu["total"]]
    assert share_kv(scenario, shard, contexts).allocated.tolist() == [per_gpu["kv"]]
    assert shard.weights_bytes == per_gpu["weights"]


def test_the_runs_totals_are_the_fullest_gpus_and_the_whole_beside_them():
    scenario = Scenario(tp=4, pp=2, flash=False)
    totals, report = growth_totals(scenario), estimate(scenario)
    row = totals["when"].tolist().index(scenario.context)
    assert totals["total"][row] == report.per_gpu["total"]
    assert totals["kv_allocated"][row] == report.per_gpu["kv"]
    assert totals["scores"][row] == report.per_gpu["scores"]
    assert totals["whole"][row] == report.total_bytes
    assert totals["gpus"][row] == report.gpus_needed


def test_on_one_gpu_the_runs_deltas_are_the_reports():
    scenario = Scenario(ragged=0.5, reservation="pow2")
    totals, report = growth_totals(scenario), estimate(scenario)
    row = totals["when"].tolist().index(scenario.context)
    assert {name: totals[f"delta_{name}"][row] for name in report.deltas} == report.deltas
