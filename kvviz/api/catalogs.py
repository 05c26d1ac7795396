"""The catalogs over HTTP: the models and the GPUs, as the command line lists them."""

from typing import Any, get_type_hints

from fastapi import APIRouter
from pydantic import BaseModel, Field, create_model

from kvviz.api.problems import PROBLEMS
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import gpus
from kvviz.catalog.models.shipped import find_model, models
from kvviz.memory.listing import gpu_row, model_details, model_row

router = APIRouter(tags=["catalogs"])


class ModelRow(BaseModel):
    """One model of the catalog; bytes are in its own base dtype."""

    name: str = Field(description="the id, such as meta-llama/Llama-3.1-8B")
    family: str = Field(description="the config's model_type")
    parameters: int
    active_parameters: int = Field(description="parameters active per token")
    kv_bytes_per_token: int = Field(description="KV bytes per token over layers without a window")
    max_context: int = Field(description="the model's maximum context, in tokens")
    source: str = Field(description="where the config comes from")
    notes: list[str] = Field(description="what is not counted, or which default was used")


class LayerKind(BaseModel):
    """Layers of one model that attend and cache alike."""

    attention: str
    count: int = Field(description="number of such layers")
    kv_heads: int
    head_dim: int
    window: int | None = Field(description="most tokens a windowed or chunked layer holds")
    kv_bytes_per_token: int = Field(description="KV bytes per token in one such layer")


class ModelDetails(ModelRow):
    """One model with its sizes and its layers, counted by kind."""

    dtype: str
    hidden_size: int
    vocab_size: int
    heads: int = Field(description="query heads")
    layers: list[LayerKind]


_GPU_FIELDS: Any = {
    name: (list[str] if name == "unverified" else hint, ...)
    for name, hint in get_type_hints(Gpu).items()
}
GpuRow = create_model("GpuRow", __doc__=(Gpu.__doc__ or "").partition("\n")[0], **_GPU_FIELDS)


@router.get("/models", response_model=list[ModelRow])
def list_models() -> list[dict[str, Any]]:
    """List the models in the catalog."""
    return [model_row(model) for model in models()]


@router.get("/models/{model:path}", response_model=ModelDetails, responses=PROBLEMS)
def show_model(model: str) -> dict[str, Any]:
    """Return one model by its id, slash included, or by any unambiguous name."""
    return model_details(find_model(model))


@router.get("/gpus", response_model=list[GpuRow])  # type: ignore[valid-type]
def list_gpus() -> list[dict[str, Any]]:
    """List the GPUs in the catalog; `unverified` names figures not confirmed by the source."""
    return [gpu_row(gpu) for gpu in gpus()]
