"""The serving simulation over HTTP, within bounds that a request can be answered in."""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from kvviz.api.fields import fields_of, request_model
from kvviz.api.problems import PROBLEMS, TooLarge
from kvviz.catalog.measured.efficiency import Efficiency
from kvviz.catalog.published.workloads import CONVERSATION, TRAFFIC
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.serving import HARDWARE, Serving, serving_knobs
from kvviz.sim.pool import scenario_for, the_pool
from kvviz.sim.simulate import simulate
from kvviz.sim.workload.synthetic import DEFAULT_REQUESTS, synthetic
from kvviz.sim.workload.workload import Workload

MOST_REQUESTS: Final = 5_000
MOST_TOKENS: Final = 10_000_000  # of all prompts and outputs together
MOST_BLOCKS: Final = 1_000_000  # of the pool
MOST_SECONDS: Final = 10  # that a run may take

router = APIRouter(tags=["serving"])

_WORKLOAD: Any = {
    "traffic": (
        Literal[tuple(TRAFFIC)],
        Field(CONVERSATION.name, description="traffic to draw requests from"),
    ),
    "requests": (
        Annotated[int, Field(strict=True, ge=1, le=MOST_REQUESTS)],
        Field(DEFAULT_REQUESTS, description="requests to draw"),
    ),
    "rate": (
        Annotated[float, Field(strict=True, ge=1e-6, le=1e6)] | None,
        Field(None, description="requests per second, instead of the traffic's own"),
    ),
    "all_at_once": (
        Annotated[bool, Field(strict=True)],
        Field(False, description="all requests arrive at the start"),
    ),
}
_ENGINE: Any = {
    "mode": (str | None, Field(None, description="engine (default: the policy's own)")),
}
SimulateSettings = request_model(
    "SimulateSettings",
    fields_of(Scenario, (*HARDWARE, "seed")) | fields_of(Serving) | _WORKLOAD | _ENGINE,
)
Spread = dict[str, float | None]


class PoolUse(BaseModel):
    """How the block pool was used over the run."""

    blocks: int = Field(description="blocks in the pool, null block included")
    block_size: int
    block_bytes: int
    kv_budget_bytes: int | None = Field(description="memory left for the KV cache")
    kv_blocks: int | None = Field(description="blocks the engine has in it")
    kv_tokens: int | None = Field(description="KV cache tokens as the engine reports them")
    peak_blocks: int = Field(description="peak blocks in use")
    shares: dict[str, float] = Field(
        description="fractions of the pool, averaged over time; they add up to 1"
    )


class Simulation(BaseModel):
    """Figures of a run: simulated, with step times from the rates in `efficiency`."""

    requests: int
    steps: int
    preemptions: int
    scheduled_tokens: int
    peak_running: int
    peak_waiting: int
    finish_sha: str = Field(
        description="hash of the step at which each request ended, 16 hex digits"
    )
    makespan_s: float
    ttft_s: Spread = Field(description="time to first token, seconds: mean, percentiles, maximum")
    tpot_s: Spread = Field(description="time per output token, seconds")
    latency_s: Spread = Field(description="end-to-end latency, seconds")
    throughput_tokens_per_s: float
    throughput_requests_per_s: float
    prefix_hit_rate: float = Field(
        description="prefix cache hits, as a fraction of the tokens looked up"
    )
    cached_tokens: int
    prompt_tokens: int
    lost_tokens: int = Field(
        description="tokens recomputed after preemption, not counting those still in the cache"
    )
    kv: PoolUse
    efficiency: Efficiency
    wall_s: float = Field(description="wall-clock seconds of the simulation")


@router.post("/simulate", response_model=Simulation, responses=PROBLEMS)
def simulate_serving(settings: SimulateSettings) -> dict[str, Any]:  # type: ignore[valid-type]
    """Simulate serving with a real scheduler, like `kvviz simulate --json`."""
    asked = settings.model_dump()  # type: ignore[attr-defined]
    scenario = scenario_for({name: asked[name] for name in HARDWARE}, asked["policy"])
    serving = Serving(**{name: asked[name] for name in serving_knobs()})
    served = _drawn(asked)
    _bound(scenario, serving, served)
    return simulate(scenario, serving, served, tell=_until(MOST_SECONDS)).summary()


def _drawn(asked: dict[str, Any]) -> Workload:
    traffic = TRAFFIC[asked["traffic"]]
    try:
        drawn = synthetic(traffic, asked["requests"], asked["seed"], rate=asked["rate"])
    except ValueError as error:
        raise ScenarioError(str(error)) from None
    return drawn.at_once() if asked["all_at_once"] else drawn


def _until(seconds: float) -> Callable[[int], None]:
    """Return what a run tells how far it is, and is stopped by where it takes too long."""
    end = time.monotonic() + seconds

    def tell(ended: int) -> None:
        if time.monotonic() > end:
            raise TooLarge(
                f"the run takes over {seconds} s, {ended:,} requests had ended by then; "
                f"expected fewer requests, or larger steps"
            )

    return tell


def _bound(scenario: Scenario, serving: Serving, served: Workload) -> None:
    """Raise `TooLarge` where a run would take too long or too much memory."""
    tokens = int(np.sum(served.prompt) + np.sum(served.output))
    if tokens > MOST_TOKENS:
        raise TooLarge(f"the requests have {tokens:,} tokens; expected at most {MOST_TOKENS:,}")
    blocks = the_pool(scenario, serving).blocks
    if blocks > MOST_BLOCKS:
        raise TooLarge(f"the pool has {blocks:,} blocks; expected at most {MOST_BLOCKS:,}")
