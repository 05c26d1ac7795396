"""The grid says, cell for cell and figure for figure, what one estimate after another says."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.grid import CONTEXTS, DTYPES, SIZES, differing, drawn, one_by_one, scenario_at
from kvviz.atlas import Axes, reports
from kvviz.atlas.facts import alike, facts
from kvviz.catalog.gpus.shipped import find_gpu, gpus
from kvviz.catalog.models.shipped import find_model, models
from kvviz.memory.deployment import deployments
from kvviz.memory.room import largest_batch, longest_context
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.shards.split import valid_tensor_parallel

LONGEST = max(CONTEXTS)
WORKLOADS = [
    {},
    {"batch": 1},
    {"flash": False, "batch": 3},
    {"flash": False, "prefill": "chunk", "score_multiple": 5},
    {"paged": False, "reservation": "pow2"},
    {"batching": "static", "paged": False},
    {"block_size": 24, "utilization": 0.83, "mfu": 0.5, "mbu": 0.6},
    {"mode": "vllm", "utilization": 0.9, "batch": 8},
    {"mode": "vllm", "non_torch_gib": 10.5, "activation_gib": 12.0, "run_length": LONGEST},
]
LLAMA, H100 = find_model("meta-llama/Llama-3.1-8B"), find_gpu("H100 SXM5 80GB")


def small(workload=None, **axes):
    usual = {"models": (LLAMA,), "gpus": (H100,), "dtypes": (("native", "auto"),)}
    return Axes(workload or Scenario(batch=1), **{**usual, "contexts": (8192,), **axes})


@pytest.fixture(scope="module")
def full():
    workload = Scenario(max_model_len=LONGEST)
    return reports(Axes(workload, models(), gpus(), DTYPES, CONTEXTS, SIZES))


@pytest.mark.slow
def test_random_cells_are_the_estimates(full):
    for cell in drawn(full, 800):
        scenario = scenario_at(full.axes, cell)
        assert not differing(full.cell(*cell), one_by_one(scenario)), scenario


@pytest.mark.slow
@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
def test_every_workload_is_the_estimates(workload):
    base = Scenario(**{"max_model_len": LONGEST, **workload})
    done = reports(Axes(base, models(), gpus(), DTYPES, CONTEXTS[::3], SIZES))
    for cell in drawn(done, 60):
        scenario = scenario_at(done.axes, cell)
        alone = one_by_one(scenario)
        assert not differing(done.cell(*cell), alone), scenario
        assert alone.keys() <= done.columns.keys()


@pytest.mark.slow
@pytest.mark.parametrize("workload", WORKLOADS[:3] + WORKLOADS[6:8], ids=str)
def test_room_is_what_a_search_finds(workload):
    base = Scenario(**{"max_model_len": LONGEST, **workload})
    done = reports(Axes(base, models(), gpus(), DTYPES, CONTEXTS[::3], SIZES))
    for cell in drawn(done, 50):
        scenario, figures = scenario_at(done.axes, cell), done.cell(*cell)
        most = Scenario.param.batch.bounds[1]
        assert min(figures["sequences_at_once"], most) == largest_batch(scenario)
        assert figures["longest_context"] == longest_context(scenario)


@pytest.mark.parametrize("model", ["microsoft/Phi-3-mini-4k-instruct", "openai/gpt-oss-20b"])
def test_windows_between_blocks_bound_the_context(model):
    """Windows of 2,047 and 128 tokens are no whole numbers of blocks of 24."""
    for share in np.linspace(0.0885, 0.17, 12):
        workload = Scenario(model=model, batch=1, block_size=24, utilization=share)
        found = reports(small(workload, models=(find_model(model),)))
        assert found.cell(0, 0, 0, 0, 0)["longest_context"] == longest_context(workload)


def test_sizes_that_do_not_split_the_heads_are_masked(full):
    for model, valid in zip(full.axes.models, full.valid[:, 0, 0, 0], strict=True):
        sizes = valid_tensor_parallel(model)
        assert valid.tolist() == [t in sizes for t in SIZES]
    rows = full.rows()
    lengths = {len(column) for column in rows.values()}
    assert lengths == {int(np.broadcast_to(full.valid, full.axes.shape).sum())}
    assert {"model", "gpu", "weights_dtype", "kv_dtype", "context", "tp"} <= rows.keys()
    assert {size for size in rows["tp"].tolist() if size in (3, 5, 6, 7)} == {3, 5, 6}


def test_a_row_is_its_cell():
    done = reports(small(models=models()[:4], gpus=gpus()[:3], tps=(1, 2, 3), contexts=(512, 1024)))
    rows, cells = done.rows(), np.argwhere(np.broadcast_to(done.valid, done.axes.shape))
    for i, cell in enumerate(cells.tolist()):
        assert rows["model"][i] == done.axes.models[cell[0]].name
        assert rows["tp"][i] == done.axes.tps[cell[4]]
        figures = done.cell(*cell)
        assert all(np.array_equal(rows[n][i], figures[n], equal_nan=n[0] in "dt") for n in figures)


def test_an_engine_that_leaves_no_room_masks_the_cell():
    workload = Scenario(mode="vllm", activation_gib=40.0)
    done = reports(small(workload, gpus=(find_gpu("L4"), H100)))
    assert done.valid[0, :, 0, 0, 0].tolist() == [False, True]


def test_the_design_target_by_hand():
    """Llama-3.1-8B on an H100: (79.65 - 14.96) GiB / 1 GiB for 8,192 tokens, rounded down."""
    figures = reports(small()).cell(0, 0, 0, 0, 0)
    assert figures["sequences_at_once"] == 64
    assert figures["gpus_needed"] == 1


@given(st.integers(1, 4096), st.sampled_from(models()), st.integers(1, 100_000))
@settings(max_examples=25)
def test_more_of_anything_is_never_less(batch, model, context):
    workload = Scenario(max_model_len=262_144, batch=batch)
    done = reports(small(workload, models=(model,), contexts=(context, context + 1)))
    columns = done.columns
    assert (np.diff(columns["total_bytes"], axis=3) >= 0).all()
    assert (np.diff(columns["sequences_at_once"], axis=3) <= 0).all()
    allocated = columns["kv_used_bytes"] + columns["kv_reserved_bytes"]
    assert (allocated + columns["kv_internal_bytes"] == columns["kv_allocated_bytes"]).all()


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_alike_layers_are_all_layers_and_deployments_keep_their_order(model):
    assert sorted(chain(*alike(model))) == list(range(len(model.layers)))
    stages = facts(model, (("native", "auto"),)).stages
    assert [tuple(pair) for pair in stages.pairs.tolist()] == deployments(model)
    assert (np.add.reduceat(stages.first, stages.begin) >= 1).all()


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ({"gpus": ()}, "empty axis"),
        ({"workload": Scenario(ragged=0.5)}, "ragged 0.5"),
        ({"workload": Scenario(pp=2)}, "pp 2"),
        ({"contexts": (8192, 40_000)}, "40,000"),
        (
            {
                "workload": Scenario(
                    batch=4096, max_model_len=2**24, flash=False, score_multiple=16
                ),
                "contexts": (2**24,),
            },
            "64 bits",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_grid_cannot_hold_is_said(axes, says):
    with pytest.raises(ScenarioError, match=says):
        reports(small(**axes))
