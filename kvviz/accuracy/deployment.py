"""One logged run as kvviz would describe it: model, GPU, split, dtypes and engine release."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from kvviz.accuracy.resolve import (
    Models,
    base_dtype,
    cache_width,
    find_device,
    weights_format,
)
from kvviz.accuracy.rows import Row, Untestable
from kvviz.accuracy.sglang import free_before, plain_token_bytes, states_in
from kvviz.catalog.dtypes import width
from kvviz.catalog.engine import (
    LOGGED,
    ROCM_GIB,
    V0,
    V1,
    Batch,
    Version,
    activation_gib,
    default_batch,
    engine_version,
    non_torch_gib,
    read_version,
    release,
)
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.memory.loaded import Loaded, computed_in, loaded, stored_as
from kvviz.memory.pages import BY_CONCURRENCY, PageLayout, logged_tokens, page_layout
from kvviz.memory.parallel import (
    stage_starts,
    stage_weights,
    valid_tensor_parallel,
)
from kvviz.units import GiB

DEFAULT_LENGTH = 8192


@dataclass(frozen=True)
class Deployment:
    """A run's settings, as far as a row tells them; what it lacks is asked for when it is needed.

    Args:
        row: the facts.
        models: configs that names are looked up in.
    """

    row: Row
    models: Models

    @cached_property
    def engine(self) -> str:
        """The engine: vllm, sglang, or another in lower case."""
        plain = self.row.text("engine").casefold().replace("-", "").replace(" ", "")
        return next((name for name in ("vllm", "sglang") if name in plain), plain)

    @cached_property
    def version(self) -> Version | None:
        """The engine's version, None where it is not given."""
        return read_version(self.row.text("engine_version"))

    @cached_property
    def model(self) -> Model:
        """The model in the run's base dtype."""
        found = self.models.find(self.row.text("model"))
        base = base_dtype(self.row.text("dtype"), found)
        return found if base == found.dtype else computed_in(found, base)

    @cached_property
    def stored(self) -> Model:
        """The model with its weights as the run stores them."""
        words = self.row.text("quantization")
        dtype = weights_format(words, self.row.text("model"), self.model)
        return self.model if dtype is None else stored_as(self.model, dtype)

    @cached_property
    def split(self) -> tuple[int, int]:
        """Tensor and pipeline sizes."""
        t, p = self.row.whole("tp", 1), self.row.whole("pp", 1)
        if t not in valid_tensor_parallel(self.model):
            raise Untestable(f"tp {t} does not divide {self.model.name}")
        if p > len(self.model.layers):
            raise Untestable(f"pp {p} is more than the layers of {self.model.name}")
        return t, p

    @cached_property
    def number(self) -> int:
        """Bytes of a cached number."""
        return cache_width(self.row.text("kv_dtype"), width(self.model.dtype))

    @cached_property
    def memory(self) -> int:
        """Bytes of the device, as the engine logged them or as the catalog has them."""
        total = self.row.number("total_gpu_memory_gib")
        return int(total * GiB) if total else self.gpu.cuda_bytes

    @cached_property
    def gpu(self) -> Gpu:
        """The GPU."""
        return find_device(self.row.text("gpu"), self.row.number("total_gpu_memory_gib"))

    @cached_property
    def length(self) -> int:
        """Tokens of the longest sequence: ``max_model_len``, else the model's own maximum."""
        return self.row.whole("max_model_len", self.model.max_context or DEFAULT_LENGTH)

    @cached_property
    def batch(self) -> Batch:
        """The profiling step: what the row gives, else the version's defaults for the GPU."""
        memory, name = self._device
        usual = default_batch(memory, name, self.runs, self.length)
        return Batch(
            self.row.whole("max_num_batched_tokens", usual.tokens),
            self.row.whole("max_num_seqs", usual.sequences),
        )

    @cached_property
    def runs(self) -> Version:
        """The version whose engine runs on this GPU; the best known one where none is given."""
        version = self.version or LOGGED
        if self.row.text("core") == "V0":
            return min(version, V0)
        try:
            return engine_version(version, self.gpu.architecture)
        except Untestable:
            return version

    @cached_property
    def _device(self) -> tuple[int, str]:
        """Bytes and name of the device, as far as they are known."""
        try:
            return self.memory, self.gpu.name
        except Untestable:  # no catalog has it
            return int((self.row.number("total_gpu_memory_gib") or 0) * GiB), self.row.text("gpu")

    @cached_property
    def by_concurrency(self) -> Version:
        """The version that tells what the log's tokens count, from the row itself if need be."""
        if self.version is not None:
            return self.version
        concurrency = self.row.number("max_concurrency")
        tokens, length = self.row.number("kv_tokens"), self.row.number("max_model_len")
        if concurrency and tokens and length:
            return (99, 0) if abs(concurrency * length / tokens - 1) < 0.01 else LOGGED
        return LOGGED

    # -- what is predicted

    def loaded(self) -> Loaded:
        """Return what the fullest GPU holds after loading."""
        return loaded(self.stored, *self.split)

    def activation_gib(self) -> float:
        """Return the assumed activation peak of the tightest stage."""
        if self.engine != "vllm":
            return 0.0
        return activation_gib(self.model, self.batch, self.split[0], self.runs)

    def non_torch_gib(self) -> float:
        """Return the assumed memory outside torch."""
        if self.engine != "vllm":
            return 0.0  # SGLang's share is of what was free before loading
        if self.runs < V1 and self._device[1].startswith("Instinct"):
            return ROCM_GIB
        return non_torch_gib(self.split[0], self.runs)

    def graphs_gib(self) -> float:
        """Return the assumed CUDA graphs taken before the cache."""
        eager = "enforce-eager" in self.row.text("note")
        vllm = self.engine == "vllm" and not eager
        return release(self.version or LOGGED).graphs if vllm else 0.0

    def requested(self) -> float:
        """Return the bytes that the engine may use: a share of the device.

        SGLang's is one of what was free before loading: what is free after, less the rest of the
        share (``profile_max_num_token``), is the same as the share less the weights.
        """
        share = self.row.positive("gpu_memory_utilization")
        if share > 1:
            raise Untestable(f"gpu_memory_utilization is {share:g}, not a share")
        if self.engine == "vllm":
            return share * self.memory
        logged = self.row.number("free_before_gib")
        return share * free_before(logged, 0 if logged else self.memory)

    def stage_rooms(self) -> list[int]:
        """Return what is left for the cache on a GPU of every pipeline stage."""
        if self.engine not in ("vllm", "sglang"):
            raise Untestable(f"how {self.row.text('engine')} sizes its cache is not modelled")
        t, p = self.split
        weights = stage_weights(self.stored, t, p, "native")
        beside = loaded(self.stored, t, p).beside
        overhead = (self.activation_gib() + self.non_torch_gib() + self.graphs_gib()) * GiB
        rooms = [self.requested() - overhead - held - beside for held in weights.tolist()]
        return [int(room - self.states(room)) for room in rooms]

    def states(self, room: float) -> float:
        """Return the bytes of `room` that an engine sets aside for recurrent states."""
        return states_in(self.model, room) if self.engine == "sglang" else 0.0

    def layouts(self) -> list[PageLayout | None]:
        """Return how every stage pages its layers."""
        t, p = self.split
        starts = stage_starts(len(self.model.layers), p).tolist()
        block = self.row.whole("block_size", 16)
        return [
            page_layout(self.model, self.model.layers[a:b], self.number, t, block)
            for a, b in pairwise(starts)
        ]

    def tokens_in(self, layout: PageLayout, budget: int) -> int:
        """Return the tokens that the engine's log says of a stage's budget in bytes."""
        blocks, version = layout.blocks(budget), self.by_concurrency
        if self.engine != "vllm":
            return blocks * layout.block
        return logged_tokens(layout, blocks, self.length, self.batch.tokens, version)

    def token_bytes(self, budget: int | None) -> float:
        """Return the bytes a token takes of the fullest stage, as the engine allocates it.

        Args:
            budget: bytes of the cache, None for as many as need be: what is rounded down to
                whole pages shows in small budgets.
        """
        if self.engine != "vllm":
            return self._plain_token_bytes()
        layouts = [layout for layout in self.layouts() if layout]
        if not layouts:
            raise Untestable(f"{self.model.name} caches no tokens")
        layout = max(layouts, key=lambda found: len(found.groups) * found.block_bytes)
        tokens = self.tokens_in(layout, budget) if budget else 0
        if budget and tokens:
            return budget / tokens
        if self.by_concurrency >= BY_CONCURRENCY:
            held = layout.sequence_blocks(self.length, self.batch.tokens, self.by_concurrency)
            return held * layout.block_bytes / self.length
        return len(layout.groups) * layout.block_bytes / layout.block

    def _plain_token_bytes(self) -> float:
        """Return the sum over the layers that cache tokens, as other engines allocate it."""
        return plain_token_bytes(self.model, self.number, *self.split)

    def budget(self) -> tuple[int, int]:
        """Return bytes and tokens of the cache: of the stage with the fewest tokens."""
        pairs = []
        for layout, room in zip(self.layouts(), self.stage_rooms(), strict=True):
            if layout is None:
                continue
            if self.engine == "vllm":
                pairs.append((self.tokens_in(layout, max(room, 0)), room))
            else:
                pairs.append((int(max(room, 0) / self._plain_token_bytes()), room))
        if not pairs:
            raise Untestable(f"{self.model.name} caches no tokens")
        tokens, room = min(pairs)
        return room, tokens
