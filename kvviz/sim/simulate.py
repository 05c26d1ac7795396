"""Serving a workload: settings, model and GPU in, a run out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kvviz.catalog.measured import recordings as measured
from kvviz.catalog.measured.efficiency import Efficiency
from kvviz.cost.steps import StepCost
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.serving import Serving
from kvviz.sim.engine.run import Engine
from kvviz.sim.engine.step import StepEngine
from kvviz.sim.policies import find_policy
from kvviz.sim.pool import the_pool
from kvviz.sim.results.outcome import Outcome, outcome_of
from kvviz.sim.workload.workload import Workload


def simulate(
    scenario: Scenario,
    serving: Serving,
    workload: Workload,
    record: bool = False,
    tell: Callable[[int], None] = lambda ended: None,
) -> Outcome:
    """Return the run of `workload` on the scenario's model and GPUs.

    Args:
        scenario: model, GPU, dtypes, tensor parallel size, and how capacity is counted.
        serving: policy and limits of the engine.
        workload: the requests.
        record: whether every block's history is kept; else totals alone.
        tell: called now and then with how many requests have finished.

    Raises:
        ScenarioError: settings contradict each other, or a request can never be served.
        UnknownName: a catalog has no such entry.
    """
    pool = the_pool(scenario, serving)
    check(pool.serving, workload, pool.blocks)
    efficiency = step_efficiency(scenario, serving)
    cost, policy = StepCost(scenario, efficiency), find_policy(serving.policy)
    start = time.perf_counter()
    engine = Engine(workload, pool.serving, pool.blocks, policy, cost, record)
    engine.run(tell)
    return outcome_of(engine, workload, pool, efficiency, time.perf_counter() - start)


def steps(scenario: Scenario, serving: Serving, workload: Workload) -> Iterator[dict[str, Any]]:
    """Yield what the plain engine does at every step, as a scheduler record says it.

    Raises:
        ScenarioError: settings contradict each other, or a request can never be served.
        UnknownName: a catalog has no such entry.
    """
    pool = the_pool(scenario, serving)
    check(pool.serving, workload, pool.blocks)
    cost, policy = (
        StepCost(scenario, step_efficiency(scenario, serving)),
        find_policy(serving.policy),
    )
    engine = StepEngine(workload, pool.serving, pool.blocks, policy, cost)
    names = workload.ids or tuple(map(str, range(len(workload))))
    for number, step in enumerate(engine.steps()):
        yield {
            "step": number,
            "scheduled": {names[index]: new for index, new in step.scheduled.items()},
            "computed": {names[index]: done for index, done in step.computed.items()},
            "preempted": [names[index] for index in step.preempted],
            "finished": sorted((names[index] for index in step.finished), key=_by_number),
            "free_blocks": step.free_blocks,
            "blocks": {names[index]: table for index, table in step.blocks.items()},
        }


def _by_number(name: str) -> tuple[bool, int, str]:
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


def step_efficiency(scenario: Scenario, serving: Serving) -> Efficiency:
    """Return MFU, MBU and overhead: as set, else as known for the GPU, else as assumed."""
    own = {"mfu": serving.mfu, "mbu": serving.mbu, "overhead_s": serving.overhead_s}
    given = {name: value for name, value in own.items() if value is not None}
    known = measured.efficiency(scenario.the_gpu)
    if not given:
        return known
    return replace(known, **given, kind="assumed", source="set by the user")


def check(serving: Serving, workload: Workload, num_blocks: int) -> None:
    """Raise `ScenarioError` where settings contradict each other, or a request never fits."""
    serving.check()
    if not len(workload):
        raise ScenarioError(
            f"{workload.name} has no requests left to serve; expected a start before the last one"
        )
    longest = serving.max_model_len
    if (late := np.flatnonzero(workload.prompt >= longest)).size:
        raise ScenarioError(
            f"request {_name(workload, late[0])} has a prompt of "
            f"{workload.prompt[late[0]]:,} tokens; expected fewer than max_model_len {longest:,}"
        )
    last = np.minimum(workload.prompt + workload.output, longest)
    cache = find_policy(serving.policy).cache
    most, needs = cache.largest(serving, num_blocks, workload.prompt, last)
    if (large := np.flatnonzero(needs > most)).size:
        raise ScenarioError(
            f"request {_name(workload, large[0])} needs {needs[large[0]]:,} blocks by its end; "
            f"expected at most the {most:,} that one request can have of {num_blocks:,}"
        )


def _name(workload: Workload, index: int) -> str:
    return repr(workload.ids[index]) if workload.ids else f"{index:,}"
