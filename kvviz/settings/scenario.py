"""Every knob of kvviz, once: widgets, command-line options, URLs and schemas come from here."""

from dataclasses import replace
from typing import Any, Final

import param

from kvviz.catalog.dtypes import CACHE_DTYPES, DTYPES
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.measured.efficiency import Efficiency
from kvviz.catalog.measured.recordings import efficiency
from kvviz.catalog.models.model import Model
from kvviz.catalog.models.shipped import find_model
from kvviz.settings.deployment import USUAL_BLOCK, Deployment
from kvviz.settings.engine import EngineKnobs
from kvviz.settings.parameters import Share
from kvviz.settings.version import read_version

RUN_FACTOR = 2  # the default run length is this many times the context
DEPLOYED: Final = (
    "tp",
    "pp",
    "dcp",
    "weights_dtype",
    "kv_dtype",
    "max_model_len",
    "block_size",
    "utilization",
    "max_num_batched_tokens",
    "max_num_seqs",
    "prefix_caching",
    "async_scheduling",
    "kv_cache_memory_bytes",
    "activation_gib",
    "non_torch_gib",
    "cuda_graphs_gib",
)
"""The knobs that an engine's plan depends on, beside model, GPU, engine and version."""


class ScenarioError(ValueError):
    """Settings that contradict each other, in one sentence."""


class Scenario(EngineKnobs):
    """One deployment: a model on GPUs, and the sequences it holds.

    Lengths are in tokens: `context` is the length of the longest sequence at the playhead,
    `run_length` its length when finished, `max_model_len` the most that the engine accepts.
    """

    model: str = param.String(
        "meta-llama/Llama-3.1-8B", label="Model", doc="model, by catalog name"
    )
    gpu: str = param.String("H100 SXM5 80GB", label="GPU", doc="GPU, by catalog name")
    tp: int = param.Integer(
        1, bounds=(1, 1024), label="Tensor parallel", doc="tensor parallel size"
    )
    pp: int = param.Integer(
        1, bounds=(1, 1024), label="Pipeline parallel", doc="pipeline parallel size"
    )
    batch: int = param.Integer(
        32, bounds=(1, 4096), softbounds=(1, 256), label="Batch size", doc="sequences in the batch"
    )
    context: int = param.Integer(
        4096,
        bounds=(1, 16_777_216),
        softbounds=(1, 131_072),
        label="Context",
        doc="current length of the longest sequence, in tokens (default: 4,096, at most "
        "max_model_len)",
    )
    run_length: int | None = param.Integer(
        None,
        bounds=(1, 16_777_216),
        softbounds=(1024, 131_072),
        allow_None=True,
        label="Run length",
        doc="final length of the longest sequence, in tokens (default: twice the context, at most "
        "max_model_len)",
    )
    max_model_len: int = param.Integer(
        32_768,
        bounds=(1, 16_777_216),
        softbounds=(1024, 131_072),
        label="Max model length",
        doc="longest sequence that the engine accepts, in tokens; without paging, what static "
        "batching and reservation max reserve per sequence",
    )
    ragged: float = param.Number(
        0.0,
        bounds=(0.0, 1.0),
        label="Length spread",
        doc="how much shorter the shortest sequence is than the longest, 0 to 1",
    )
    weights_dtype: str = param.Selector(
        default="native",
        objects=["native", *DTYPES],
        label="Weights",
        doc="dtype of the linear weights",
    )
    kv_dtype: str = param.Selector(
        default="auto", objects=["auto", *CACHE_DTYPES], label="KV", doc="dtype of the KV cache"
    )
    block_size: int = param.Integer(
        USUAL_BLOCK, bounds=(1, 4096), label="Block size", doc="tokens per KV block"
    )
    batching: str = param.Selector(
        default="continuous",
        objects=["continuous", "static"],
        label="Batching",
        doc="continuous: no padding; static: all sequences padded to the longest",
    )
    paged: bool = param.Boolean(
        True, label="Paged KV cache", doc="KV cache in blocks, allocated on demand"
    )
    flash: bool = param.Boolean(True, label="FlashAttention", doc="attention scores stay on chip")
    reservation: str = param.Selector(
        default="exact",
        objects=["exact", "pow2", "max"],
        label="Reservation",
        doc="what is reserved per sequence without paging: its final length, the next power of "
        "two, or max_model_len",
    )
    prefill: str = param.Selector(
        default="whole",
        objects=["whole", "chunk"],
        label="Prefill",
        doc="each prompt in one pass, or in chunks",
    )
    chunk: int = param.Integer(
        2048, bounds=(1, 1_048_576), label="Chunk", doc="tokens per prefill chunk"
    )
    score_multiple: int = param.Integer(
        1,
        bounds=(1, 16),
        label="Peak score matrices alive at once",
        doc="score matrices that the attention code keeps alive at its peak",
    )
    mfu: float = Share(
        None,
        bounds=(0.01, 1.0),
        allow_None=True,
        label="MFU",
        doc="fraction of peak FLOP/s that matrix products reach (default: measured on this GPU if "
        "available, else assumed)",
    )
    mbu: float = Share(
        None,
        bounds=(0.01, 1.0),
        allow_None=True,
        label="MBU",
        doc="fraction of memory bandwidth that reads reach (default: measured on this GPU if "
        "available, else assumed)",
    )
    seed: int = param.Integer(0, bounds=(0, None), label="Seed", doc="random seed")
    own_models: dict[str, Model] = param.Dict({}, precedence=-1, doc="models of the user's own")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        if "context" not in params:
            self.context = min(self.context, self.max_model_len)

    @property
    def the_model(self) -> Model:
        """The model's facts; raises `UnknownName` where no catalog has it."""
        return self.own_models.get(self.model) or find_model(self.model)

    @property
    def the_gpu(self) -> Gpu:
        """The GPU's facts; raises `UnknownName` where no catalog has it."""
        return find_gpu(self.gpu)

    @property
    def final_length(self) -> int:
        """Tokens of the longest sequence when finished."""
        if self.run_length is not None:
            return self.run_length
        return min(RUN_FACTOR * self.context, self.max_model_len)

    def check(self) -> None:
        """Raise `ScenarioError` where two settings contradict each other."""
        if self.context > self.final_length:
            limit = "max_model_len" if self.run_length is None else "run_length"
            raise ScenarioError(
                f"context {self.context:,} is longer than {limit} {self.final_length:,}; "
                f"expected at most that many tokens"
            )
        if self.final_length > self.max_model_len:
            raise ScenarioError(
                f"run_length {self.final_length:,} is longer than max_model_len "
                f"{self.max_model_len:,}; expected at most that many tokens"
            )
        if self.tp % self.dcp:
            raise ScenarioError(
                f"dcp {self.dcp} does not divide tp {self.tp}; expected one of its divisors"
            )

    @property
    def deployment(self) -> Deployment:
        """What an engine is asked to run; the sequences are no part of it."""
        asked = {name: getattr(self, name) for name in DEPLOYED}
        version = read_version(self.engine_version) if self.engine_version else None
        return Deployment(
            model=self.the_model, gpu=self.the_gpu, engine=self.mode, version=version, **asked
        )

    def replaced(self, **changes: Any) -> "Scenario":
        """Return a copy with some settings changed."""
        own = {name: v for name, v in self.settings().items() if v != getattr(Scenario, name)}
        return Scenario(**{**own, "own_models": self.own_models, **changes})

    @property
    def efficiency(self) -> Efficiency:
        """What steps reach on the GPU, and how that is known."""
        known = efficiency(self.the_gpu)
        shares = (self.param.mfu.as_set(self), self.param.mbu.as_set(self))
        if shares == (None, None):
            return known
        return replace(known, mfu=self.mfu, mbu=self.mbu, kind="assumed", source="as you set them")

    def settings(self) -> dict[str, Any]:
        """Return every knob's value by its name, None where it is left to what is known."""
        return {name: as_set(self, name) for name in knobs()}


def as_set(settings: param.Parameterized, name: str) -> Any:
    """Return a knob's value, None where it is left to what is known of the GPU."""
    knob = settings.param[name]
    return knob.as_set(settings) if isinstance(knob, Share) else getattr(settings, name)


def knobs(of: type[param.Parameterized] = Scenario) -> tuple[str, ...]:
    """Return the names of the settings that a class declares, in their order."""
    return tuple(
        name for name in of.param if name != "name" and (of.param[name].precedence or 0) >= 0
    )
