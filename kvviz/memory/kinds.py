"""How each figure of a report is known: computed by formula, or resting on an assumption."""

from typing import Final, Literal

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.engines.registry import find_engine
from kvviz.settings.scenario import Scenario

Kind = Literal["computed", "simulated", "measured", "assumed"]
SETTING: Final = "a setting"  # how a number is known that is given, not found

COMPUTED: Final = (
    "parameters",
    "active_parameters",
    "kv_bytes_per_token",
    "kv_bytes_per_token_all_layers",
    "state_bytes_per_sequence",
    "weights_bytes",
    "weights_bytes_per_gpu",
    "kv",
    "state_bytes",
    "scores",
    "total_bytes",
    "efficiency",
    "deltas",
)
ON_CAPACITY: Final = (
    "capacity_bytes",
    "fits",
    "gpus_needed",
    "gpus_by_capacity",
    "gpus_tensor_parallel",
    "deployment",
)
ON_ENGINE: Final = (
    "block_size",
    "bytes_per_block",
    "kv_budget_bytes",
    "kv_blocks",
    "kv_tokens",
    "concurrency",
    "concurrency_at_context",
    "longest_sequence",
)


def kinds(scenario: Scenario, gpu: Gpu | None = None) -> dict[str, Kind]:
    """Return the kind of every figure of the scenario's report, or of the same on another GPU."""
    engine = find_engine(scenario.mode).assumes
    unverified = "reported_mib" in (gpu or scenario.the_gpu).unverified
    on_capacity: Kind = "assumed" if engine or unverified else "computed"
    answer: dict[str, Kind] = dict.fromkeys(COMPUTED, "computed")
    answer |= dict.fromkeys(ON_CAPACITY, on_capacity)
    answer["per_gpu"] = "assumed" if engine else "computed"
    answer |= dict.fromkeys(ON_ENGINE, on_capacity)
    fixed = scenario.kv_cache_memory_bytes is not None
    return answer | dict.fromkeys(ON_ENGINE, "computed") if fixed else answer
