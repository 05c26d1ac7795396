"""The plain engine against step records of vLLM 0.33's own scheduler, and the whole command."""

import json
from pathlib import Path

import pytest

from kvviz.catalog.measured.efficiency import Efficiency
from kvviz.cli import main
from kvviz.cost.steps import StepCost
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.sim.cache.paged import PagedCache
from kvviz.sim.engine.step import StepEngine
from kvviz.sim.policies import find_policy
from kvviz.sim.simulate import simulate
from kvviz.sim.workload.traces import read_record, read_workload

SHARED = Path(__file__).parents[3] / "shared"
RECORDS = sorted((SHARED / "golden").glob("golden_*.json"))
SUMMARY = SHARED / "golden" / "azure_conv_first600.json"
CONVERSATIONS = SHARED / "traces" / "AzureLLMInferenceTrace_conv.csv"
needs_shared = pytest.mark.skipif(not SUMMARY.exists(), reason="no ../shared beside the project")


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_step_is_that_of_the_real_scheduler(path, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--workload", str(path), "--record", str(tmp_path / "steps.json")])
    assert not ended.value.code, capsys.readouterr().err
    ours = json.loads((tmp_path / "steps.json").read_text())["steps"]
    for wanted, done in zip(json.loads(path.read_text())["steps"], ours, strict=True):
        assert done == wanted, f"step {wanted['step']}"


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_pool_holds_its_invariants_at_every_step(path):
    workload, said = read_record(path)
    settings = said["settings"]
    serving = Serving(
        max_num_seqs=settings["max_num_seqs"],
        max_num_batched_tokens=settings["max_num_batched_tokens"],
        max_model_len=settings["max_model_len"],
        prefix_caching=settings["enable_prefix_caching"],
    )
    cost = StepCost(Scenario(), Efficiency())
    run = StepEngine(workload, serving, settings["num_blocks"], find_policy("vllm"), cost)
    assert isinstance(run.cache, PagedCache)
    for _ in run.steps():
        run.cache.pool.check(request.table for request in run.running)


@needs_shared
def test_a_run_on_real_lengths_ends_as_the_real_one_did():
    wanted = json.loads(SUMMARY.read_text())
    serving = Serving(
        num_blocks=wanted["num_blocks"],
        max_num_seqs=wanted["max_num_seqs"],
        max_num_batched_tokens=wanted["max_num_batched_tokens"],
        prefix_caching=False,
    )
    requests = read_workload(CONVERSATIONS).part(wanted["start"], wanted["requests"]).at_once()
    ours = simulate(Scenario(), serving, requests).summary()
    same = ("steps", "preemptions", "scheduled_tokens", "peak_running", "finish_sha")
    assert {name: ours[name] for name in same} == {name: wanted[name] for name in same}
