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

_CONFIG = Field(
    None, description="a config.json of your own to read the model from; `model` is its label"
)
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
    block_size: int = Field(description="tokens in a block, 0 of a state")
    block_bytes: int = Field(description="bytes of a block in all of its layers")
    window: int | None = Field(description="tokens that a layer attends to at most")
    blocks_per_request: int = Field(description="blocks that a request of max_model_len pins")


class Taken(BaseModel):
    """Bytes of one GPU that are neither weights nor KV cache."""

    loaded_extra: int = Field(description="rotary tables, vision tower, padding of kernels")
    activation: int
    non_torch: int = Field(description="CUDA context and NCCL")
    graphs: int = Field(description="CUDA graphs captured before the KV cache")


class Limits(BaseModel):
    """What the engine runs with, its defaults filled in."""

    max_model_len: int
    utilization: float
    max_num_batched_tokens: int
    max_num_seqs: int
    prefix_caching: bool
    async_scheduling: bool
    source: str


_BUDGET: Any = {
    "engine_version": (str | None, Field(description="version whose rules are taken")),
    "block_size": (int | None, Field(description="tokens in a KV block")),
    "bytes_per_block": (int | None, Field(description="bytes of a block on one GPU")),
    "kv_budget_bytes": (int, Field(description="what one GPU leaves for the KV cache")),
    "kv_blocks": (int, Field(description="whole blocks in it")),
    "kv_tokens": (
        int | None,
        Field(description="tokens that the engine says it holds; null where it would not start"),
    ),
    "concurrency": (
        float | None,
        Field(description="requests of max_model_len at once; null where it would not start"),
    ),
    "concurrency_at_context": (float | None, Field(description="requests of this context at once")),
    "longest_sequence": (int, Field(description="tokens of the longest request that fits")),
    "kv_groups": (list[KvGroup], Field(description="layers that share a block table")),
    "taken": (Taken, Field(description="what is neither weights nor KV cache")),
    "limits": (Limits, Field(description="what the engine runs with")),
    "refused": (str | None, Field(description="why the engine would not start")),
    "assumptions": (list[Assumed], Field(description="what was assumed for it")),
}
Capacity = create_model(
    "Capacity",
    __doc__="What the tightest GPU leaves for the KV cache.",
    model=(str, ...),
    gpu=(str, ...),
    mode=(str, ...),
    capacity_bytes=(int, Field(description="bytes of one GPU that may be used")),
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
    """Say where the memory goes, as `kvviz estimate --json` does."""
    asked = scenario(settings)
    return answer(asked, estimate(asked))


@router.post("/capacity", response_model=Capacity, responses=PROBLEMS)
def find_capacity(settings: Settings) -> dict[str, Any]:  # type: ignore[valid-type]
    """Say what the GPU leaves for the KV cache: blocks, tokens, and sequences at once."""
    return capacity_answer(scenario(settings))


@router.get("/compare/memory", response_model=Compared, responses=PROBLEMS)
def compare_memory(query: Annotated[CompareQuery, Query()]) -> Compared:  # type: ignore[valid-type]
    """Compare a contiguous slot with blocks on demand; `mb` in a name means MiB."""
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
