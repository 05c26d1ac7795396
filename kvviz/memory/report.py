"""One scenario's memory, exact to the byte, with what each optimisation alone would change."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.models.model import Model
from kvviz.engines.base import Plan
from kvviz.engines.planning import plan, served_model
from kvviz.memory.deployment import smallest_deployments
from kvviz.memory.kinds import Kind, kinds
from kvviz.memory.kv import kv_width, layer_groups, lengths
from kvviz.memory.parallel import Places, allocated_places, fullest_gpu
from kvviz.memory.scores import score_matrix_bytes
from kvviz.memory.totals import (
    KvBytes,
    deltas_of,
    kv_places_bytes,
    layer_sizes,
    summed,
    weights_bytes,
)
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.sequences import Sequences, sequences
from kvviz.shards.cache import state_bytes
from kvviz.shards.split import valid_tensor_parallel
from kvviz.units import gib


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """What `estimate` returns; sizes in bytes, for the whole deployment unless named per GPU."""

    parameters: int
    active_parameters: int
    kv_bytes_per_token: int
    kv_bytes_per_token_all_layers: int
    state_bytes_per_sequence: int
    weights_bytes: int
    weights_bytes_per_gpu: int
    per_gpu: dict[str, int]
    kv: dict[str, int]
    state_bytes: int
    scores: dict[str, int]
    total_bytes: int
    capacity_bytes: int
    fits: bool
    gpus_needed: int | None
    gpus_by_capacity: int
    gpus_tensor_parallel: int | None
    deployment: dict[str, int] | None
    efficiency: float
    deltas: dict[str, int]
    kinds: dict[str, Kind]
    plan: Plan
    context: int
    past_own_maximum: bool
    warnings: tuple[str, ...]

    @property
    def room(self) -> int:
        """Bytes of one GPU left for the model: its capacity minus the engine's overhead."""
        return self.plan.room


def estimate(scenario: Scenario) -> MemoryReport:
    """Return the scenario's memory at its context.

    Raises:
        ScenarioError: settings contradict each other or the model does not split that way.
        UnknownName: no catalog has the model or the GPU.
    """
    planned = check(scenario)
    model, contexts = served_model(scenario), np.array([scenario.context], dtype=np.int64)
    held, sizes = sequences(scenario), layer_sizes(scenario)
    kv, places = kv_places_bytes(held, contexts, sizes), allocated_places(held, model, contexts)
    matrix = score_matrix_bytes(scenario, model, [scenario.context])
    fixed = weights_bytes(scenario) + state_bytes(model) * scenario.batch
    total = summed(fixed, kv, [] if scenario.flash else matrix)[0]
    per_gpu = _per_gpu(scenario, planned, contexts, places)
    deltas = deltas_of(held, contexts, sizes, kv, matrix)
    return MemoryReport(
        parameters=model.parameters,
        active_parameters=model.active_parameters,
        **_per_token(scenario, model),
        weights_bytes=weights_bytes(scenario),
        weights_bytes_per_gpu=per_gpu["weights"],
        per_gpu=per_gpu,
        kv=_kv_row(held, kv, contexts),
        state_bytes=state_bytes(model) * scenario.batch,
        scores=_scores_row(scenario, matrix[0]),
        total_bytes=total,
        capacity_bytes=planned.requested,
        fits=per_gpu["total"] <= planned.requested,
        gpus_by_capacity=-(-total // planned.room),
        **_deployment(scenario, contexts, places),
        efficiency=efficiency(int(kv.used[0]), int(kv.allocated[0])),
        deltas={name: delta[0] for name, delta in deltas.items()},
        kinds=kinds(scenario),
        plan=planned,
        context=scenario.context,
        past_own_maximum=scenario.final_length > model.max_context,
        warnings=_warnings(scenario, planned),
    )


def _per_token(scenario: Scenario, model: Model) -> dict[str, Any]:
    groups = layer_groups(model, kv_width(scenario, model))
    return {
        "kv_bytes_per_token": sum(g.layers * g.bytes_per_token for g in groups if g.grows),
        "kv_bytes_per_token_all_layers": sum(g.layers * g.bytes_per_token for g in groups),
        "state_bytes_per_sequence": state_bytes(model),
    }


def _deployment(scenario: Scenario, contexts: NDArray[np.int64], places: Places) -> dict[str, Any]:
    """Return the GPUs needed, how they split, and how many tensor parallel alone needs."""
    t, p = smallest_deployments(scenario, contexts, True, places)[0].tolist()
    alone = t
    if p > 1:  # without stages another size is the smallest
        alone = int(smallest_deployments(scenario, contexts, False, places)[0, 0])
    return {
        "gpus_needed": t * p or None,
        "gpus_tensor_parallel": alone or None,
        "deployment": {"tp": t, "pp": p} if t else None,
    }


def efficiency(used: int, allocated: int) -> float:
    """Return used / allocated, 1 where nothing is allocated."""
    return used / allocated if allocated else 1.0


def _per_gpu(
    scenario: Scenario, planned: Plan, contexts: NDArray[np.int64], places: Places
) -> dict[str, int]:
    model = served_model(scenario)
    gpu = fullest_gpu(scenario, model, scenario.tp, scenario.pp, contexts, places)
    scores = score_matrix_bytes(scenario, model, [scenario.context], scenario.tp)[0]
    sizes = {
        "weights": int(gpu.weights[0]),
        "kv": int(gpu.kv[0]),
        "state": int(gpu.state[0]),
        "scores": 0 if scenario.flash else scores,
        "overhead": planned.taken.total,
    }
    return {**sizes, "total": sum(sizes.values())}


def _scores_row(scenario: Scenario, matrix: int) -> dict[str, int]:
    return {
        "bytes": 0 if scenario.flash else matrix,
        "avoided_bytes": matrix if scenario.flash else 0,
        "multiple": scenario.score_multiple,
    }


def _kv_row(held: Sequences, kv: KvBytes, contexts: NDArray[np.int64]) -> dict[str, int]:
    return {
        "used_bytes": int(kv.used[0]),
        "allocated_bytes": int(kv.allocated[0]),
        "reserved_bytes": int(kv.reserved[0]),
        "internal_bytes": int(kv.internal[0]),
        "external_bytes": 0,  # nothing is freed while sequences only grow, so no hole opens
        "tokens": int(lengths(contexts, held.batch, held.ragged).sum()),
    }


def check(scenario: Scenario) -> Plan:
    """Return the scenario's plan.

    Raises:
        ScenarioError: settings contradict each other or the model does not split that way.
        UnknownName: no catalog has the model, the GPU or the engine.
    """
    scenario.check()
    model, sizes = served_model(scenario), valid_tensor_parallel(served_model(scenario))
    if scenario.tp not in sizes:
        raise ScenarioError(
            f"tp {scenario.tp} does not divide {model.name}: {model.heads} heads, "
            f"{model.kv_heads} KV heads; expected one of {', '.join(map(str, sizes))}"
        )
    if scenario.pp > len(model.layers):
        raise ScenarioError(
            f"pp {scenario.pp} exceeds the {len(model.layers)} layers of {model.name}; "
            f"expected at most one stage per layer"
        )
    return _checked(plan(scenario.deployment), scenario.gpu)


def _checked(planned: Plan, gpu: str) -> Plan:
    """Return the plan; raise `ScenarioError` where it has no room or its engine cannot run it."""
    if planned.unsupported:
        raise ScenarioError(planned.unsupported)
    if not planned.requested:
        raise ScenarioError(
            f"utilization {planned.limits.utilization:g} leaves no memory of {gpu}; "
            f"expected a larger fraction"
        )
    if planned.room <= 0:
        raise ScenarioError(
            f"the engine's overhead of {gib(planned.taken.total)} uses up the "
            f"{gib(planned.requested)} of {gpu}; expected less overhead or a larger GPU"
        )
    return planned


def _warnings(scenario: Scenario, planned: Plan) -> tuple[str, ...]:
    limit, warnings = served_model(scenario).max_context, [*planned.notes]
    if planned.refused:
        warnings.insert(0, planned.refused)
    if scenario.final_length > limit:
        warnings.append(
            f"run length {scenario.final_length:,} exceeds the {limit:,} tokens that "
            f"{scenario.the_model.name} supports"
        )
    return tuple(warnings)
