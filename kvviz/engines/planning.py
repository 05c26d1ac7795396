"""From a deployment to a plan: the same arithmetic for every engine, for one cell or a grid."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from kvviz.catalog.models.model import Model
from kvviz.engines.base import Engine, Limits, Plan
from kvviz.engines.layout import Layout
from kvviz.engines.registry import find_engine
from kvviz.settings.deployment import Deployment
from kvviz.settings.scenario import Scenario
from kvviz.settings.version import Version, spelled
from kvviz.shards.weights import stage_weights


@lru_cache(maxsize=4096)
def plan(deployment: Deployment) -> Plan:
    """Return where every byte of the tightest GPU goes.

    Raises:
        UnknownName: there is no such engine.
    """
    return plan_under(find_engine(deployment.engine), deployment)


def plan_under(engine: Engine, deployment: Deployment) -> Plan:
    """Return the plan of `deployment` under `engine`, of the stage with the fewest blocks."""
    served = replace(deployment, model=engine.served(deployment.model))
    requested, taken = capacity_bytes(engine, served), engine.taken(served)
    weights = stage_weights(served.model, served.tp, served.pp, served.weights_dtype).tolist()
    left = [requested - taken.total - held for held in weights]
    rooms = [_cache(engine, served, room) for room in left]
    layouts = engine.layouts(served)
    blocks = [
        layout.blocks(max(room, 0)) if layout else 0
        for layout, room in zip(layouts, rooms, strict=True)
    ]
    cached = [stage for stage, layout in enumerate(layouts) if layout] or range(len(rooms))
    tightest = min(cached, key=lambda stage: (blocks[stage], rooms[stage]))
    layout, kv_bytes, count = layouts[tightest], rooms[tightest], blocks[tightest]
    unsupported, length = engine.unsupported(served), served.max_model_len
    refused = _refusal(engine, served, layout, kv_bytes)
    starts = layout is not None and not (refused or unsupported)
    return Plan(
        deployment=served,
        version=version_of(engine, served),
        limits=engine.limits(served),
        requested=requested,
        weights=weights[tightest],
        taken=taken,
        kv_bytes=kv_bytes,
        states=_aside(served, left[tightest], kv_bytes),
        layout=layout,
        blocks=count,
        tokens=int(layout.tokens(count, length)) if starts and layout else None,
        concurrency=float(layout.concurrency(kv_bytes, length)) if starts and layout else None,
        refused=refused,
        unsupported=unsupported,
        notes=(*_version_notes(engine, served), *engine.notes(served)),
    )


@lru_cache(maxsize=4096)
def room_bytes(deployment: Deployment, tp: int) -> int:
    """Return the bytes left for weights and KV cache on one of `tp` GPUs, at pp 1."""
    engine, split = find_engine(deployment.engine), replace(deployment, tp=tp, pp=1, dcp=1)
    served = replace(split, model=engine.served(split.model))
    return capacity_bytes(engine, served) - engine.taken(served).total


def capacity_bytes(engine: Engine, deployment: Deployment) -> int:
    """Return the bytes of one GPU that an engine may use."""
    return int(engine.memory(deployment) * engine.limits(deployment).utilization)


def _cache(engine: Engine, deployment: Deployment, left: int) -> int:
    """Return the bytes of the KV cache: as set, else what is left."""
    if deployment.kv_cache_memory_bytes is not None:
        return deployment.kv_cache_memory_bytes
    return int(engine.cache(deployment, left))


def _aside(deployment: Deployment, left: int, kv_bytes: int) -> int:
    """Return the bytes set aside for states; 0 if the KV cache size is set."""
    return 0 if deployment.kv_cache_memory_bytes is not None else left - kv_bytes


def _refusal(engine: Engine, deployment: Deployment, layout: Layout | None, kv_bytes: int) -> str:
    """Return why there is too little memory to start, empty if there is enough."""
    length, room = deployment.max_model_len, max(kv_bytes, 0)
    if layout is None or layout.holds(room, length):
        return ""
    longest = layout.longest(room, length)
    most = f"at most {longest:,}" if longest else "more memory for it"
    return (
        f"{engine.refuses}: its KV cache on {deployment.gpu.name} cannot hold one "
        f"sequence of max_model_len {length:,}; expected {most}"
    )


def _version_notes(engine: Engine, deployment: Deployment) -> tuple[str, ...]:
    """Return a note if the version's rules are unknown, or the engine has no versions."""
    asked, known = deployment.version, version_of(engine, deployment)
    if asked is None or asked == known:
        return ()
    if known is None:
        return (f"{engine.label} has no versions; {spelled(asked)} is ignored",)
    used = f"the rules of {spelled(known)}, the nearest known, are used"
    return (f"{engine.label} {spelled(asked)} is unknown; {used}",)


def served_model(scenario: Scenario) -> Model:
    """Return the scenario's model in the dtype that its engine computes in."""
    return find_engine(scenario.mode).served(scenario.the_model)


def in_force(scenario: Scenario, name: str) -> Any:
    """Return a setting's value: as set, else the engine's default if it has one."""
    value = getattr(scenario, name)
    if value is None and name in Limits.__dataclass_fields__:
        return getattr(plan(scenario.deployment).limits, name)
    return value


def version_of(engine: Engine, deployment: Deployment) -> Version | None:
    """Return the version whose rules are used: of those known the nearest to the one set."""
    if engine.newest is None:
        return None
    return min(max(deployment.version or engine.newest, engine.versions[0]), engine.newest)


def versioned(plan: Plan) -> str:
    """Spell a plan's engine with its version, as in ``vLLM 0.33.0``."""
    label = find_engine(plan.deployment.engine).label
    return f"{label} {spelled(plan.version)}" if plan.version else label
