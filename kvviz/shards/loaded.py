"""What an engine loads besides the text model's weights: rotary tables, vision tower, padding."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from kvviz.catalog.dtypes import storage_bytes, width
from kvviz.catalog.models.model import Model, Tensors
from kvviz.shards.weights import stage_weights

MXFP4_MULTIPLE: Final = 256  # the kernels' multiple of an expert's inner width


@dataclass(frozen=True, slots=True)
class Loaded:
    """Bytes on one GPU of the fullest pipeline stage once the model is loaded.

    Args:
        weights: the text model's tensors.
        tower: vision tower and projector; 0 where there is none, or of a kind not counted.
        rotary: tables of cosines and sines, whole on every GPU.
        padding: what kernels add to the experts' widths.
    """

    weights: int
    tower: int
    rotary: int
    padding: int

    @property
    def total(self) -> int:
        """All of it: the engine's "model loading took"."""
        return self.weights + self.tower + self.rotary + self.padding

    @property
    def beside(self) -> int:
        """Everything that is not a tensor of the text model."""
        return self.total - self.weights


@lru_cache(maxsize=4096)
def loaded(model: Model, t: int = 1, p: int = 1) -> Loaded:
    """Return what one GPU holds of `model` split over `t` x `p` after loading, weights as stored.

    The tower is divided like the text model's matrices and sits on the first stage.
    """
    rotary = model.rotary_values * width(model.dtype)
    weights = int(stage_weights(model, t, p, "native").max())
    return Loaded(weights, tower_bytes(model, t), rotary, _padding(model, t) // p)


def tower_bytes(model: Model, t: int = 1) -> int:
    """Return the bytes of the vision tower on one of `t` GPUs, 0 where its kind is not known."""
    return -(-(model.tower_parameters or 0) * width(model.dtype) // t)


def _padding(model: Model, t: int) -> int:
    groups = (g for g in model.tensors if g.part == "experts" and g.dtype == "mxfp4" and g.linear)
    return sum(_padded(model, group, t) for group in groups)


def _padded(model: Model, group: Tensors, t: int) -> int:
    """Return the bytes that rounding an expert's inner width up adds."""
    router = sum(g.count for g in model.tensors if g.layer == group.layer and g.part == "router")
    experts = router // model.hidden_size
    wide = group.count // (3 * experts * model.hidden_size) // t
    more = -wide % MXFP4_MULTIPLE
    return storage_bytes(group.count // t // wide * more, group.dtype)


def stored_as(model: Model, dtype: str) -> Model:
    """Return the model with its linear tensors stored in `dtype`, the others as they are."""
    tensors = (replace(group, dtype=dtype) if group.linear else group for group in model.tensors)
    return replace(model, tensors=tuple(tensors))


@lru_cache(maxsize=256)
def computed_in(model: Model, dtype: str) -> Model:
    """Return the model in another base dtype: activations, cache, and all that was in the old."""
    tensors = (
        replace(group, dtype=dtype) if group.dtype == model.dtype else group
        for group in model.tensors
    )
    return replace(model, dtype=dtype, tensors=tuple(tensors))
