"""One plan: every command, endpoint and page says the same of an engine's KV cache, exactly."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from kvviz.accuracy.explain import explained
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.startup_log import read_log
from kvviz.api.app import create_app
from kvviz.atlas import Axes, reports
from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.shipped import model_names, models
from kvviz.cli import app
from kvviz.engines.planning import plan, versioned
from kvviz.engines.registry import engines, find_engine
from kvviz.memory import estimate
from kvviz.memory.answer import answer, capacity_answer
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.serving import Serving
from kvviz.settings.version import spelled
from kvviz.shards.split import valid_tensor_parallel
from kvviz.sim.pool import the_pool
from kvviz.units import GiB

GPUS = ("H100 SXM5 80GB", "H200 SXM 141GB", "B200 SXM")
LENGTH = 8192
VERSIONED = [(name, v) for name, e in engines().items() for v in e.versions]
SETTINGS = {"batch": 1, "context": 1024, "max_model_len": LENGTH}


def scenarios(engine, version):
    """Every model on each GPU, at the smallest tensor-parallel size at which the engine starts."""
    for model in models():
        for gpu in GPUS:
            for tp in valid_tensor_parallel(model):
                asked = Scenario(
                    model=model.name,
                    gpu=gpu,
                    tp=tp,
                    mode=engine,
                    engine_version=spelled(version),
                    **SETTINGS,
                )
                found = plan(asked.deployment)
                if found.unsupported:
                    break
                if found.room > 0 and not found.refused:
                    yield asked, found
                    break


@pytest.mark.parametrize(
    ("engine", "version"), VERSIONED, ids=lambda v: v if isinstance(v, str) else spelled(v)
)
def test_everything_says_the_same(engine, version):
    """KV bytes, blocks and tokens of the report, /capacity, a simulation's pool and the grid."""
    told = {}
    for asked, found in scenarios(engine, version):
        here = (found.kv_bytes, found.blocks, found.tokens)
        rows = [capacity_answer(asked)]
        if version == find_engine(engine).newest:
            rows.append(answer(asked, estimate(asked)))
        for row in rows:
            assert (row["kv_budget_bytes"], row["kv_blocks"], row["kv_tokens"]) == here
        pool = the_pool(asked, Serving(max_model_len=LENGTH, prefix_caching=None))
        assert tuple(pool.told().values()) == here
        if len(found.groups) == 1:
            assert pool.blocks == found.blocks
        told[asked.model, asked.gpu, asked.tp] = (*here, found.concurrency)
    assert len(told) > 200
    assert told == in_the_grid(engine, version, told)


def in_the_grid(engine, version, told):
    """The same cells as Explore has them, from one grid for each size."""
    found = {}
    for tp in sorted({key[2] for key in told}):
        here = [key for key in told if key[2] == tp]
        names = list(dict.fromkeys(key[0] for key in here))
        axes = Axes(
            Scenario(mode=engine, engine_version=spelled(version), **SETTINGS),
            tuple(model for model in models() if model.name in names),
            tuple(map(find_gpu, GPUS)),
            (("native", "auto"),),
            (SETTINGS["context"],),
            (tp,),
        )
        grid = reports(axes)
        columns = [grid.column(f"budget_{n}") for n in ("bytes", "blocks", "tokens", "concurrency")]
        for m, model in enumerate(axes.models):
            for g, gpu in enumerate(GPUS):
                if (model.name, gpu, tp) in told:
                    found[model.name, gpu, tp] = tuple(c[m, g, 0, 0, 0].item() for c in columns)
    return found


@pytest.mark.parametrize("engine", [name for name, e in engines().items() if e.versions])
def test_the_command_and_the_endpoints_answer_with_the_plan(engine):
    runner, client = CliRunner(), TestClient(create_app())
    version = find_engine(engine).newest
    every = [pair for i, pair in enumerate(scenarios(engine, version)) if i % 12 == 0]
    assert len(every) > 15
    for asked, found in every:
        here = (found.kv_bytes, found.blocks, found.tokens, found.concurrency)
        names = ("kv_budget_bytes", "kv_blocks", "kv_tokens", "concurrency")
        options = [asked.model, "--mode", engine, "--gpu", asked.gpu, "--tp", str(asked.tp)]
        options += ["--max-model-len", str(LENGTH), "--context", "1024", "--batch", "1", "--json"]
        shown = json.loads(runner.invoke(app, ["estimate", *options]).stdout)
        assert tuple(shown[name] for name in names) == here
        body = {"model": asked.model, "gpu": asked.gpu, "tp": asked.tp, "mode": engine, **SETTINGS}
        for path in ("/estimate", "/capacity"):
            answered = client.post(path, json=body).json()
            assert tuple(answered[name] for name in names) == here


def test_a_simulation_says_which_pool_it_had():
    found = plan(Scenario(mode="vllm", max_model_len=4096).deployment)
    options = ["simulate", "--requests", "3", "--max-model-len", "4096", "--json"]
    kv = json.loads(CliRunner().invoke(app, options).stdout)["kv"]
    assert (kv["kv_budget_bytes"], kv["kv_blocks"], kv["kv_tokens"]) == (
        found.kv_bytes,
        found.blocks,
        found.tokens,
    )
    assert kv["blocks"] == found.blocks
    fixed = CliRunner().invoke(app, [*options, "--num-blocks", "700"]).stdout
    assert json.loads(fixed)["kv"]["kv_blocks"] is None


def test_a_simulation_runs_with_the_engines_limits():
    pool = the_pool(Scenario(mode="vllm"), Serving())
    assert (pool.serving.max_num_batched_tokens, pool.serving.max_num_seqs) == (8192, 1024)
    assert pool.serving.prefix_caching
    small = the_pool(Scenario(mode="vllm", gpu="RTX 4090", model="Qwen3-0.6B"), Serving())
    assert (small.serving.max_num_batched_tokens, small.serving.max_num_seqs) == (2048, 256)
    own = the_pool(Scenario(mode="vllm"), Serving(max_num_seqs=7))
    assert own.serving.max_num_seqs == 7


def test_a_simulation_is_refused_where_the_engine_would_not_start():
    tight = Scenario(mode="vllm", model="gemma-3-27b-it")
    with pytest.raises(ScenarioError, match=r"vLLM would not start: .* at most"):
        the_pool(tight, Serving(max_model_len=131_072))


def test_what_is_refused_or_ignored_is_in_the_engines_words():
    tight = Scenario(mode="textbook", model="Qwen/Qwen2.5-72B", gpu="RTX 4090")
    said = plan(replace(tight.deployment, version=(0, 99, 0)))
    room = "its KV cache on GeForce RTX 4090 cannot hold one sequence"
    assert said.refused.startswith(f"the deployment does not fit: {room} of max_model_len")
    assert (said.version, versioned(said)) == (None, "Textbook")
    assert said.notes == ("Textbook has no versions; 0.99.0 is ignored",)


@pytest.mark.parametrize(
    ("asked", "known"), [((0, 99, 0), (0, 33, 0)), ((0, 3, 2), (0, 5, 0)), ((0, 19, 1), (0, 19, 1))]
)
def test_a_version_that_is_unknown_is_not_named_as_the_one_planned(asked, known):
    found = plan(replace(Scenario(mode="vllm").deployment, version=asked))
    assert versioned(found) == f"vLLM {spelled(known)}"
    used = f"the rules of {spelled(known)}, the nearest known, are used"
    told = f"vLLM {spelled(asked)} is unknown; {used}"
    assert found.notes == (() if asked == known else (told,))


def log_of(asked, found):
    """What the engine would print at its start: settings, and the totals it begins from."""
    deployment, gpu = found.deployment, found.deployment.gpu
    return (
        f"INFO Initializing a V1 LLM engine (v{spelled(found.version)}) with config: "
        f"model='{asked.model}', dtype={deployment.model.dtype}, max_seq_len={LENGTH}, "
        f"tensor_parallel_size={asked.tp}, pipeline_parallel_size=1\n"
        f"INFO NVIDIA {gpu.name.replace(' ', '-')}\n"
        f"INFO gpu_memory_utilization={found.limits.utilization}\n"
        f"INFO Free memory on device (70.0/{gpu.cuda_bytes / GiB} GiB) on startup.\n"
        f"INFO GPU KV cache size: {found.tokens:,} tokens\n"
        f"INFO Maximum concurrency for {LENGTH:,} tokens per request: {found.concurrency:.2f}x\n"
    )


@pytest.mark.parametrize("version", [v for name, v in VERSIONED if name == "vllm" and v > (0, 8)])
def test_explain_predicts_the_plan(version):
    every = [pair for i, pair in enumerate(scenarios("vllm", version)) if i % 20 == 0]
    for asked, found in every:
        given = {
            "gpu": asked.gpu,
            "model": asked.model,
            "gpu_memory_utilization": found.limits.utilization,
        }
        told = explained(read_log(log_of(asked, found)), Models({}), given)
        here = (found.kv_bytes / GiB, found.blocks, found.tokens)
        names = ("KV cache", "KV blocks", "KV tokens")
        assert tuple(told.entry(name).predicted for name in names) == here, asked.model


def test_the_newest_version_is_the_default_everywhere():
    for name, engine in engines().items():
        if engine.versions:
            asked = Scenario(mode=name)
            assert plan(asked.deployment).version == engine.newest
            newest = replace(asked.deployment, version=engine.newest)
            assert plan(newest).blocks == plan(asked.deployment).blocks


def test_the_catalog_has_models_of_every_kind():
    assert len(model_names()) >= 75
    assert np.unique([model.family for model in models()]).size > 25
