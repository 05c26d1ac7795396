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


_BUDGET: Any = {
    "kv_budget_bytes": (int, Field(description="what one GPU leaves for the KV cache")),
    "kv_blocks": (int, Field(description="whole blocks in it")),
    "kv_tokens": (int, Field(description="token places in them")),
    "concurrency": (float, Field(description="sequences of this context at once")),
    "concurrency_at_max_length": (float, Field(description="sequences of max_length at once")),
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
_VLLM: Any = {name: (declared, Field(None)) for name, (declared, _) in _BUDGET.items()}
Estimate = create_model(
    "Estimate",
    __doc__="Where the memory goes, in bytes; the KV budget comes with mode vllm only.",
    model=(str, ...),
    gpu=(str, ...),
    warnings=(list[str], ...),
    **_REPORT,
    **_VLLM,
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
    if config is None:
        return Scenario(**asked)
    own = {asked["model"]: model_from_config(config, asked["model"], "sent with the request")}
    return Scenario(own_models=own, **asked)
