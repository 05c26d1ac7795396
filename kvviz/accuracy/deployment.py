"""One logged run as kvviz would describe it: a deployment, and the plan of its engine."""

from dataclasses import dataclass
from functools import cached_property

from kvviz.accuracy.resolve import (
    Models,
    base_dtype,
    cache_dtype,
    find_device,
    unknown_device,
    weights_format,
)
from kvviz.accuracy.rows import Row, Untestable
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.engines.base import Engine, Layout, Plan
from kvviz.engines.planning import plan_under
from kvviz.engines.registry import engines
from kvviz.settings import deployment as settings
from kvviz.settings.version import Version, read_version
from kvviz.shards.loaded import Loaded, computed_in, loaded, stored_as
from kvviz.shards.split import valid_tensor_parallel
from kvviz.units import GiB

DEFAULT_LENGTH = 8192
MANY_BLOCKS = 2**24  # enough that what is rounded down does not show


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
    def engine(self) -> Engine:
        """The engine that ran.

        Raises:
            Untestable: its rules are not known.
        """
        plain = self.row.text("engine").casefold().replace("-", "").replace(" ", "")
        known = [found for name, found in engines().items() if found.versions and name in plain]
        if not known:
            raise Untestable(f"how {self.row.text('engine')} sizes its cache is not modelled")
        return known[0]

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
    def gpu(self) -> Gpu:
        """The GPU."""
        return find_device(self.row.text("gpu"), self.row.number("total_gpu_memory_gib"))

    @cached_property
    def memory(self) -> int:
        """Bytes of the device, as the engine logged them or as the catalog has them."""
        total = self.row.number("total_gpu_memory_gib")
        return int(total * GiB) if total else self.gpu.cuda_bytes

    @cached_property
    def length(self) -> int:
        """Tokens of the longest sequence: ``max_model_len``, else the model's own maximum."""
        return self.row.whole("max_model_len", self.model.max_context or DEFAULT_LENGTH)

    @cached_property
    def deployment(self) -> settings.Deployment:
        """The run as an engine is asked for it; its share of the memory need not be known."""
        t, p = self.split
        row, share = self.row, self.row.number("gpu_memory_utilization")
        if share is not None and not 0 < share <= 1:
            raise Untestable(f"gpu_memory_utilization is {share:g}, not a share")
        total, free = row.number("total_gpu_memory_gib"), row.number("free_before_gib")
        return settings.Deployment(
            model=self.stored,
            gpu=self._device,
            tp=t,
            pp=p,
            kv_dtype=cache_dtype(row.text("kv_dtype")),
            engine=self.engine.name,
            version=self.version or self.engine.logged_without_version(self._prints_concurrency),
            max_model_len=self.length,
            block_size=row.whole("block_size", settings.USUAL_BLOCK),
            utilization=share,
            max_num_batched_tokens=row.whole("max_num_batched_tokens", 0) or None,
            max_num_seqs=row.whole("max_num_seqs", 0) or None,
            memory_bytes=int(total * GiB) if total else None,
            free_bytes=int(free * GiB) if free else None,
            eager="enforce-eager" in row.text("note"),
            older_core=row.text("core") == "V0",
        )

    @cached_property
    def _device(self) -> Gpu:
        """The GPU, as far as it is known."""
        try:
            return self.gpu
        except Untestable:  # no catalog has it
            total = self.row.number("total_gpu_memory_gib") or 0
            return unknown_device(self.row.text("gpu"), int(total * GiB))

    @cached_property
    def _prints_concurrency(self) -> bool:
        """Whether the logged tokens are the concurrency times max_model_len."""
        concurrency = self.row.number("max_concurrency")
        tokens, length = self.row.number("kv_tokens"), self.row.number("max_model_len")
        if concurrency and tokens and length:
            return abs(concurrency * length / tokens - 1) < 0.01
        return False

    # -- what is predicted

    def loaded(self) -> Loaded:
        """Return what the fullest GPU holds after loading."""
        return loaded(self.stored, *self.split)

    @cached_property
    def plan(self) -> Plan:
        """The plan of the engine; its requested bytes mean nothing where no share is known."""
        return plan_under(self.engine, self.deployment)

    @cached_property
    def sized(self) -> Plan:
        """The plan of a run whose memory and share of it are known."""
        self.row.positive("gpu_memory_utilization")
        if self.deployment.free_bytes is None:
            _ = self.memory  # raises where it is not known
        return self.plan

    @property
    def layout(self) -> Layout:
        """How the tightest stage cuts its cache into blocks."""
        if self.plan.layout is None:
            raise Untestable(f"{self.model.name} caches no tokens")
        return self.plan.layout

    def token_bytes(self, budget: int | None) -> float:
        """Return the bytes a token takes of the tightest stage, as the engine allocates it.

        Args:
            budget: bytes of the cache, None for as many as need be: what is rounded down to
                whole blocks shows in small budgets.
        """
        layout = self.layout
        whole = budget or layout.bytes_per_block * MANY_BLOCKS
        tokens = int(layout.tokens(layout.blocks(whole), self.length))
        if not tokens:
            return self.token_bytes(None)
        return whole / tokens

    def budget(self) -> tuple[int, int]:
        """Return bytes and tokens of the cache of the tightest stage."""
        plan, layout = self.sized, self.layout
        return plan.kv_bytes, int(layout.tokens(plan.blocks, self.length))
