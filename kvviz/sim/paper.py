"""Figure 2 of the PagedAttention paper, simulated: what KV memory holds under four policies."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from kvviz.catalog.published.workloads import SHAREGPT
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.shards.cache import cache_width, layer_bytes
from kvviz.sim.results.outcome import Outcome
from kvviz.sim.simulate import simulate
from kvviz.sim.workload.synthetic import synthetic
from kvviz.units import GiB

SOURCE: Final = "Kwon et al., PagedAttention, SOSP 2023, arXiv 2309.06180, figure 2"
ASSUMED: Final = (
    "log-normal lengths with the paper's means, 161 and 338 tokens, and a spread of 1 of their "
    "logarithms, at most 2,048 together; 1,000 requests, all arriving at the start, measured "
    "while any of them waits"
)
KV_BYTES: Final = 12 * GiB  # of an A100 with 40 GB: 7 slots of 2,048 tokens fill 91.1 % of it
BLOCK: Final = 16
SLOT: Final = 2048  # what OPT takes
REQUESTS: Final = 1_000
PAPER: Final = {  # token states, reserved, internal, external and other; % of the KV memory
    "Orca (Max)": (20.4, 13.3, 57.3, 8.9),
    "Orca (Pow2)": (26.8, 17.9, 13.6, 41.6),
    "Orca (Oracle)": (38.2, 25.2, 0.0, 36.6),
    "vLLM": (96.3, 0.0, 3.7, 0.0),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One policy's share of KV memory, in percent.

    Args:
        policy: as the paper calls it.
        ours: used, reserved, internal, and the rest.
        paper: the same in the paper; for vLLM it names used alone, and the rest is 3.7.
    """

    policy: str
    ours: tuple[float, float, float, float]
    paper: tuple[float, float, float, float]


@cache
def figure_2() -> tuple[Row, ...]:
    """Return the paper's rows beside ours: OPT-13B on an A100 with 40 GB, lengths of ShareGPT."""
    scenario = Scenario(model="facebook/opt-13b", gpu="A100 SXM4 40GB")
    model, number = scenario.the_model, cache_width(scenario.the_model, scenario.kv_dtype)
    workload = synthetic(SHAREGPT, REQUESTS, longest=SLOT - 1).at_once()
    return tuple(
        Row(policy, _shares(simulate(scenario, serving, workload)), PAPER[policy])
        for policy, serving in _servings(sum(layer_bytes(x, number) for x in model.layers)).items()
    )


def _servings(token_bytes: int) -> dict[str, Serving]:
    """Return the settings of the four policies; regions are counted in tokens."""
    tokens = KV_BYTES // token_bytes
    common = {"max_model_len": SLOT, "prefix_caching": False, "max_num_batched_tokens": 2560}
    orca = {"policy": "orca", "block_size": 1, "num_blocks": tokens + 1, "allocator": "buddy"}
    return {
        "Orca (Max)": Serving(**common, **orca, reservation="max"),
        "Orca (Pow2)": Serving(**common, **orca, reservation="pow2"),
        "Orca (Oracle)": Serving(**common, **orca, reservation="exact"),
        "vLLM": Serving(**common, block_size=BLOCK, num_blocks=tokens // BLOCK + 1),
    }


def _shares(outcome: Outcome) -> tuple[float, float, float, float]:
    """Return means over the time in which requests wait, of the whole pool, in percent."""
    totals = outcome.totals()
    wait = totals["waiting"][:-1] > 0
    seconds = np.diff(totals["when"]) * wait
    pool = (outcome.num_blocks - 1) * seconds.sum()
    used, reserved, internal = (
        float(100 * ((totals[part][1:] + totals[part][:-1]) / 2 * seconds).sum() / pool)
        for part in ("used", "reserved", "internal")
    )
    return used, reserved, internal, 100 - used - reserved - internal
