"""Which requests come to the serving page: drawn from published statistics, or a trace's rows."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import param

from kvviz.catalog.published.workloads import CONVERSATION, TRAFFIC
from kvviz.sim.workload.synthetic import SystemPrompts, synthetic
from kvviz.sim.workload.workload import Workload

TRACE: Final = "trace"  # as traffic: the rows of the visitor's own file
PROMPTS: Final = 4  # texts that prompts begin with, where they begin alike
MOST_REQUESTS: Final = 2_000


class Load(param.Parameterized):
    """Every knob of the requests, once."""

    traffic: str = param.Selector(
        default=CONVERSATION.name,
        objects=[*TRAFFIC, TRACE],
        label="Traffic",
        doc="published statistics to draw requests from, or your trace",
    )
    requests: int = param.Integer(
        120, bounds=(1, MOST_REQUESTS), label="Requests", doc="most requests to serve"
    )
    rate: float = param.Number(
        22.0, bounds=(0.01, 10_000), label="Requests per second", doc="mean rate of drawn requests"
    )
    seed: int = param.Integer(
        0, bounds=(0, 2**32 - 1), label="Seed", doc="random seed of drawn requests"
    )
    shared_prompt: int = param.Integer(
        0,
        bounds=(0, 65_536),
        label="Shared prompt",
        doc=f"tokens of a system prompt that prompts start with, one of {PROMPTS}",
    )
    speed: float = param.Number(
        1.0,
        bounds=(0.01, 1_000),
        label="Trace speed",
        doc="replay speed, as a multiple of the trace's clock",
    )

    def copied(self) -> "Load":
        """Return the same settings, which nobody changes."""
        return Load(
            **{name: value for name, value in self.param.values().items() if name != "name"}
        )


def workload(load: Load, max_model_len: int, trace: Workload | None) -> Workload:
    """Return the requests that `load` asks for; `trace` is what the visitor gave.

    Prompts are drawn again where they leave no room for an output.

    Raises:
        ValueError: prompts are longer than that on average.
    """
    if load.traffic == TRACE and trace is not None:
        part = trace.part(0, load.requests)
        arrival = part.arrival
        if not part.in_steps and load.speed != 1:
            arrival = np.rint(arrival / load.speed).astype(np.int64)
        return replace(part, arrival=arrival)
    texts: dict[str, Any] = {}
    if load.shared_prompt:
        texts["system_prompts"] = SystemPrompts(PROMPTS, load.shared_prompt)
    longest = max_model_len - 1 - load.shared_prompt
    drawn = {"rate": load.rate, "longest": longest, **texts}
    return synthetic(TRAFFIC[load.traffic], load.requests, load.seed, **drawn)
