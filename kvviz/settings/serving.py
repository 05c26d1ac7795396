"""Every knob of the serving simulation, once: options, widgets, links and schemas use these."""

from typing import Any, Final

import param

from kvviz.settings.parameters import Named
from kvviz.settings.scenario import ScenarioError

HARDWARE: Final = (
    "model",
    "gpu",
    "tp",
    "weights_dtype",
    "kv_dtype",
    "mode",
    "engine_version",
    "utilization",
    "async_scheduling",
    "kv_cache_memory_bytes",
    "activation_gib",
    "non_torch_gib",
    "cuda_graphs_gib",
)
"""The knobs of a scenario that serving has a use for."""


class Serving(param.Parameterized):
    """How requests are served: the policy and the limits of the engine.

    None leaves a limit to the engine's own default for the GPU: `sim.pool` fills it in before a
    scheduler sees it.
    """

    policy: str = Named("vllm", names="policies", label="Policy", doc="scheduling policy, by name")
    num_blocks: int | None = param.Integer(
        None,
        bounds=(2, 100_000_000),
        allow_None=True,
        label="Block pool",
        doc="KV blocks in the pool, null block included (default: as many as fit)",
    )
    block_size: int = param.Integer(
        16, bounds=(1, 4096), label="Block size", doc="tokens per KV block"
    )
    max_num_seqs: int = param.Integer(
        None,
        bounds=(1, 65_536),
        softbounds=(1, 1024),
        allow_None=True,
        label="Max sequences",
        doc="most sequences running at once (default: the engine's for the GPU)",
    )
    max_num_batched_tokens: int = param.Integer(
        None,
        bounds=(1, 16_777_216),
        softbounds=(256, 16_384),
        allow_None=True,
        label="Max batched tokens",
        doc="most tokens computed in one step (default: the engine's for the GPU)",
    )
    max_model_len: int = param.Integer(
        16_384,
        bounds=(2, 16_777_216),
        softbounds=(1024, 131_072),
        label="Max model length",
        doc="most tokens of prompt plus output; also what reservation max reserves",
    )
    prefix_caching: bool = param.Boolean(
        None,
        allow_None=True,
        label="Prefix caching",
        doc="reuse cached blocks for requests with the same prefix (default: the engine's)",
    )
    reservation: str = param.Selector(
        default="max",
        objects=["exact", "pow2", "max"],
        label="Reservation",
        doc="what is reserved per request without paging: prompt plus output, the output rounded "
        "up to a power of two, or max_model_len",
    )
    allocator: str = param.Selector(
        default="first-fit",
        objects=["first-fit", "best-fit", "buddy"],
        label="Allocator",
        doc="how regions are placed in memory without paging",
    )

    mfu: float | None = param.Number(
        None,
        bounds=(0.01, 1.0),
        allow_None=True,
        label="MFU",
        doc="fraction of peak FLOP/s that matrix products reach (default: measured on this GPU if "
        "available, else assumed)",
    )
    mbu: float | None = param.Number(
        None,
        bounds=(0.01, 1.0),
        allow_None=True,
        label="MBU",
        doc="fraction of memory bandwidth that reads reach (default: measured on this GPU if "
        "available, else assumed)",
    )
    overhead_s: float | None = param.Number(
        None,
        bounds=(0, 10),
        allow_None=True,
        label="Step overhead",
        doc="extra seconds per step (default: fitted on this GPU if available, else 0)",
    )

    def check(self) -> None:
        """Raise `ScenarioError` where two settings contradict each other."""
        tokens, sequences = self.max_num_batched_tokens, self.max_num_seqs
        if tokens is not None and sequences is not None and tokens < sequences:
            raise ScenarioError(
                f"max_num_batched_tokens {tokens:,} is less than "
                f"max_num_seqs {sequences:,}; expected at least one token per sequence, as in vLLM"
            )

    def replaced(self, **changes: Any) -> "Serving":
        """Return a copy with some settings changed."""
        return Serving(**{**self.settings(), **changes})

    def settings(self) -> dict[str, Any]:
        """Return every knob's value by its name."""
        return {name: getattr(self, name) for name in serving_knobs()}


def serving_knobs() -> tuple[str, ...]:
    """Return the names of the settings, in the order they are declared."""
    return tuple(name for name in Serving.param if name != "name")
