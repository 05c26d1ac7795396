"""The block pool of a simulation: from the engine's plan, or as set."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kvviz.engines.base import Plan
from kvviz.engines.planning import plan
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.serving import Serving
from kvviz.sim.policies import find_policy


@dataclass(frozen=True, slots=True)
class Pool:
    """Blocks that requests share, and the limits of the engine that allocates them.

    Args:
        serving: the settings, every limit filled in.
        blocks: blocks of the pool, the null block included.
        block_bytes: bytes of one on a GPU, all layers together.
        plan: the engine's plan; its pool is this one where no number of blocks was set.
    """

    serving: Serving
    blocks: int
    block_bytes: int
    plan: Plan

    def told(self) -> dict[str, int | None]:
        """Return what the engine leaves for the KV cache, None where the blocks were set."""
        if self.serving.num_blocks is not None:
            return dict.fromkeys(("kv_budget_bytes", "kv_blocks", "kv_tokens"))
        found = self.plan
        return {
            "kv_budget_bytes": found.kv_bytes,
            "kv_blocks": found.blocks,
            "kv_tokens": found.tokens,
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """The settings that the engine does not take as they are, and how the pool differs."""
        return (*self.plan.notes, *filter(None, [self._spanning()]))

    def _spanning(self) -> str:
        if self.serving.num_blocks is not None or len(self.plan.groups) < 2:
            return ""
        return (
            f"the engine has {len(self.plan.groups)} groups of layers with block tables of their "
            f"own; a block of the simulated pool spans them all, and the pool has as many tokens "
            f"as the engine reports"
        )


def the_pool(scenario: Scenario, serving: Serving) -> Pool:
    """Return the pool of a simulation: as set, or what the engine leaves for the KV cache.

    Layers that share one block table give the engine's own blocks; with several, a block is one of
    tokens in all of them, and there are as many as the engine says the pool holds tokens.

    Raises:
        ScenarioError: the engine cannot run the model, or leaves too few blocks.
        UnknownName: a catalog has no such entry.
    """
    planned = planned_for(scenario, serving)
    limits = planned.limits
    settled = serving.replaced(
        max_num_seqs=limits.max_num_seqs,
        max_num_batched_tokens=limits.max_num_batched_tokens,
        prefix_caching=limits.prefix_caching,
    )
    if serving.num_blocks is not None:
        return Pool(settled, serving.num_blocks, _block_bytes(planned, serving.block_size), planned)
    if planned.unsupported or planned.refused:
        raise ScenarioError(planned.unsupported or planned.refused)
    layout, size = planned.layout, serving.block_size
    if layout and len(planned.groups) == 1:
        size, blocks = layout.block_size, planned.blocks
    else:
        blocks = (planned.tokens or 0) // size
    if blocks < 2:
        raise ScenarioError(
            f"{scenario.the_model.name} leaves room for {blocks} KV blocks on "
            f"{scenario.the_gpu.name}; expected two at least, one of them the null block"
        )
    each = max(planned.kv_bytes, 0) // blocks
    return Pool(settled.replaced(block_size=size), blocks, each, planned)


def planned_for(scenario: Scenario, serving: Serving) -> Plan:
    """Return the engine's plan under the limits of `serving`."""
    return plan(
        replace(
            scenario.deployment,
            block_size=serving.block_size,
            max_model_len=serving.max_model_len,
            max_num_batched_tokens=serving.max_num_batched_tokens,
            max_num_seqs=serving.max_num_seqs,
            prefix_caching=serving.prefix_caching,
        )
    )


def _block_bytes(planned: Plan, size: int) -> int:
    """Return the bytes of a block of `size` tokens in all layers that cache any."""
    groups = [group for group in planned.groups if group.block_size]
    return sum(group.block_bytes * size // group.block_size for group in groups)


def scenario_for(settings: Mapping[str, Any], policy: str) -> Scenario:
    """Return the scenario of a simulation, under the policy's own engine unless one is set."""
    mode = settings.get("mode") or find_policy(policy).engine
    return Scenario(**{**settings, "mode": mode})
