"""The memory model over HTTP: estimates, capacity, and one cache kept in two ways."""

from typing import Annotated, Any, Final, get_type_hints

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, create_model

from kvviz.api.fields import fields_of, request_model
from kvviz.api.problems import PROBLEMS, TooLarge
from kvviz.catalog.models.config import model_from_config
from kvviz.memory import estimate
from kvviz.memory.answer import SAME, answer, capacity_answer
from kvviz.memory.comparison import Compared, Comparison, compare, held_blocks
from kvviz.memory.kinds import Kind
from kvviz.memory.report import MemoryReport
from kvviz.settings.scenario import Scenario

MOST_ROWS: Final = 65_536  # of a block table in one answer

router = APIRouter(tags=["memory"])

_CONFIG = Field(None, description="read the model from this config.json; `model` is only its label")
Settings = request_model(
    "Settings", {**fields_of(Scenario), "config": (dict[str, Any] | None, _CONFIG)}
)
CompareQuery = request_model("CompareQuery", fields_of(Comparison, typed=False))


class Assumed(BaseModel):
    """A figure that is assumed."""

    name: str
    value: float = Field(description="GiB")
    source: str


class KvGroup(BaseModel):
    """Layers that share a block table."""

    kind: str
    layers: int
    block_size: int = Field(description="tokens per block; 0 for recurrent state")
    block_bytes: int = Field(description="bytes of a block over all layers of the group")
    window: int | None = Field(description="most tokens a layer attends to")
    blocks_per_request: int = Field(description="blocks held by a request of max_model_len")


class Taken(BaseModel):
    """Bytes of one GPU that are neither weights nor KV cache."""

    loaded_extra: int = Field(description="rotary tables, vision tower, kernel padding")
    activation: int
    non_torch: int = Field(description="CUDA context and NCCL")
    graphs: int = Field(description="CUDA graphs, taken before the KV cache")


class Limits(BaseModel):
    """Limits the engine runs with, defaults filled in."""

    max_model_len: int
    utilization: float
    max_num_batched_tokens: int
    max_num_seqs: int
    prefix_caching: bool
    async_scheduling: bool
    source: str


_BUDGET: Any = {
    "engine_version": (str | None, Field(description="engine version whose rules are used")),
    "block_size": (int | None, Field(description="tokens per KV block")),
    "bytes_per_block": (int | None, Field(description="bytes of a block on one GPU")),
    "kv_budget_bytes": (int, Field(description="memory left for the KV cache on one GPU")),
    "kv_blocks": (int, Field(description="whole blocks that fit in it")),
    "kv_tokens": (
        int | None,
        Field(description="KV cache tokens as the engine reports them; null if `refused`"),
    ),
    "concurrency": (
        float | None,
        Field(description="concurrent requests of max_model_len; null if `refused`"),
    ),
    "concurrency_at_context": (
        float | None,
        Field(description="concurrent requests of this context"),
    ),
    "longest_sequence": (int, Field(description="longest request that fits, in tokens")),
    "kv_groups": (list[KvGroup], Field(description="layers that share a block table")),
    "taken": (Taken, Field(description="memory that is neither weights nor KV cache")),
    "limits": (Limits, Field(description="limits the engine runs with")),
    "refused": (
        str | None,
        Field(description="why there is too little memory, null if there is enough"),
    ),
    "assumptions": (list[Assumed], Field(description="assumptions behind these figures")),
}
Capacity = create_model(
    "Capacity",
    __doc__="Memory left for the KV cache on the tightest GPU.",
    model=(str, ...),
    gpu=(str, ...),
    mode=(str, ...),
    capacity_bytes=(int, Field(description="usable bytes of one GPU")),
    kind=(Kind, Field(description="how these figures are known")),
    **_BUDGET,
)

_REPORT: Any = {name: (get_type_hints(MemoryReport)[name], ...) for name in SAME}
Estimate = create_model(
    "Estimate",
    __doc__="Where the memory goes, in bytes.",
    model=(str, ...),
    gpu=(str, ...),
    warnings=(list[str], ...),
    **_REPORT,
    **_BUDGET,
)


@router.post(
    "/estimate", response_model=Estimate, response_model_exclude_unset=True, responses=PROBLEMS
)
def estimate_memory(settings: Settings) -> dict[str, Any]:  # type: ignore[valid-type]
    """Estimate where the memory goes, like `kvviz estimate --json`."""
    asked = scenario(settings)
    return answer(asked, estimate(asked))


@router.post("/capacity", response_model=Capacity, responses=PROBLEMS)
def find_capacity(settings: Settings) -> dict[str, Any]:  # type: ignore[valid-type]
    """Return the KV cache that fits: blocks, tokens and concurrent requests."""
    return capacity_answer(scenario(settings))


@router.get("/compare/memory", response_model=Compared, responses=PROBLEMS)
def compare_memory(query: Annotated[CompareQuery, Query()]) -> Compared:  # type: ignore[valid-type]
    """Compare a contiguous reservation with blocks on demand; `mb` in a name means MiB."""
    settings = Comparison(**query.model_dump())  # type: ignore[attr-defined]
    rows = held_blocks(settings) * settings.batch
    if rows > MOST_ROWS:
        raise TooLarge(f"the block table has {rows:,} rows; expected at most {MOST_ROWS:,}")
    return compare(settings)


def scenario(settings: BaseModel) -> Scenario:
    """Return the scenario that a body describes, its own model included.

    Raises:
        ConfigError: the config is not one of a known family, or wrong.
    """
    asked = settings.model_dump()
    config = asked.pop("config")
    if "context" not in settings.model_fields_set:
        del asked["context"]
    if config is None:
        return Scenario(**asked)
    own = {asked["model"]: model_from_config(config, asked["model"], "sent with the request")}
    return Scenario(own_models=own, **asked)
