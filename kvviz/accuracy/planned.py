"""A logged run as kvviz plans it: its deployment, and its engine's plan."""

from dataclasses import dataclass
from functools import cached_property

from kvviz.accuracy.devices import find_device, unknown_device
from kvviz.accuracy.resolve import Models, base_dtype, cache_dtype, weights_format
from kvviz.accuracy.rows import Untestable, positive
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.engines.base import Engine, Plan
from kvviz.engines.layout import Layout
from kvviz.engines.logged import LoggedRun
from kvviz.engines.planning import plan_under
from kvviz.engines.registry import engine_called
from kvviz.settings.deployment import USUAL_BLOCK, Deployment
from kvviz.settings.version import Version, read_version
from kvviz.shards.loaded import Loaded, computed_in, loaded, stored_as
from kvviz.shards.split import valid_tensor_parallel
from kvviz.units import GiB

DEFAULT_LENGTH = 8192
MANY_BLOCKS = 2**24  # enough that rounding down to whole blocks does not matter


@dataclass(frozen=True)
class PlannedRun:
    """A logged run's settings and plan; what the log lacks is an error only when it is needed.

    Args:
        logged: what the log says.
        models: configs that names are looked up in.
        told: the source's own reason for differences, in one phrase; empty if it gives none.
    """

    logged: LoggedRun
    models: Models
    told: str = ""

    def known(self, *names: str) -> LoggedRun:
        """Return what is logged, after checking that these fields could be read.

        Raises:
            Untestable: one of them was given, with an invalid value.
        """
        for name in names:
            if name in self.logged.unread:
                raise Untestable(self.logged.unread[name])
        return self.logged

    def positive(self, name: str) -> float:
        """Return a logged figure; raises `Untestable` if it is missing or not above 0."""
        return positive(name, getattr(self.known(name), name))

    @cached_property
    def engine(self) -> Engine:
        """The engine that ran.

        Raises:
            Untestable: its rules are not known.
        """
        found = engine_called(self.logged.engine)
        if found is None:
            raise Untestable(f"how {self.logged.engine} sizes its KV cache is not modelled")
        return found

    @cached_property
    def version(self) -> Version | None:
        """The engine's version, None if it is not given."""
        return read_version(self.logged.engine_version)

    @cached_property
    def model(self) -> Model:
        """The model in the run's base dtype."""
        found = self.models.find(self.logged.model)
        base = base_dtype(self.logged.dtype, found)
        return found if base == found.dtype else computed_in(found, base)

    @cached_property
    def stored(self) -> Model:
        """The model with its weights as the run stores them."""
        dtype = weights_format(self.logged.quantization, self.logged.model, self.model)
        return self.model if dtype is None else stored_as(self.model, dtype)

    @cached_property
    def split(self) -> tuple[int, int]:
        """Tensor and pipeline sizes."""
        logged = self.known("tp", "pp")
        t, p = logged.tp or 1, logged.pp or 1
        if t not in valid_tensor_parallel(self.model):
            raise Untestable(f"tp {t} does not divide {self.model.name}")
        if p > len(self.model.layers):
            raise Untestable(f"pp {p} exceeds the layers of {self.model.name}")
        return t, p

    @cached_property
    def gpu(self) -> Gpu:
        """The GPU."""
        return find_device(self.logged.gpu, self.known("total_gpu_memory_gib").total_gpu_memory_gib)

    @cached_property
    def memory(self) -> int:
        """Bytes of the device, as logged, else from the catalog."""
        return self._bytes("total_gpu_memory_gib") or self.gpu.cuda_bytes

    def _bytes(self, name: str) -> int | None:
        """Return the bytes of a logged size in GiB, None if it is not logged."""
        logged = getattr(self.known(name), name)
        return None if logged is None else int(positive(name, logged) * GiB)

    @cached_property
    def length(self) -> int:
        """Tokens of the longest sequence: ``max_model_len``, else the model's own maximum."""
        logged = self.known("max_model_len").max_model_len
        return logged or self.model.max_context or DEFAULT_LENGTH

    @cached_property
    def deployment(self) -> Deployment:
        """The run as an engine's deployment; its utilization may be unknown."""
        t, p = self.split
        logged = self.known("block_size", "max_num_batched_tokens", "max_num_seqs")
        return Deployment(
            model=self.stored,
            gpu=self._device,
            tp=t,
            pp=p,
            kv_dtype=cache_dtype(logged.kv_dtype),
            engine=self.engine.name,
            version=self.version or self.engine.logged_without_version(self._prints_concurrency),
            max_model_len=self.length,
            block_size=logged.block_size or USUAL_BLOCK,
            utilization=self._share,
            max_num_batched_tokens=logged.max_num_batched_tokens,
            max_num_seqs=logged.max_num_seqs,
            memory_bytes=self._bytes("total_gpu_memory_gib"),
            free_bytes=self._bytes("free_before_gib"),
            eager=bool(logged.eager),
            older_core=logged.older_core,
        )

    @property
    def _share(self) -> float | None:
        """The fraction of the memory that the engine may use, None if it is not logged."""
        share = self.known("gpu_memory_utilization").gpu_memory_utilization
        if share is not None and not 0 < share <= 1:
            raise Untestable(
                f"gpu_memory_utilization is {share:g}, not a fraction above 0 and up to 1"
            )
        return share

    @cached_property
    def _device(self) -> Gpu:
        """The GPU, as far as it is known."""
        try:
            return self.gpu
        except Untestable:  # it is not in the catalog
            total = self._bytes("total_gpu_memory_gib") or 0
            return unknown_device(self.logged.gpu, total)

    @cached_property
    def _prints_concurrency(self) -> bool:
        """Whether the logged tokens are the concurrency times max_model_len."""
        logged = self.known("max_concurrency", "kv_tokens", "max_model_len")
        if logged.max_concurrency and logged.kv_tokens and logged.max_model_len:
            printed = logged.max_concurrency * logged.max_model_len
            return abs(printed / logged.kv_tokens - 1) < 0.01
        return False

    # -- what is predicted

    def loaded(self) -> Loaded:
        """Return what the fullest GPU holds after loading."""
        return loaded(self.stored, *self.split)

    @cached_property
    def plan(self) -> Plan:
        """The engine's plan; its requested bytes mean nothing if utilization is unknown."""
        return plan_under(self.engine, self.deployment)

    @cached_property
    def sized(self) -> Plan:
        """The plan of a run whose memory and utilization are known."""
        self.positive("gpu_memory_utilization")
        if self.deployment.free_bytes is None:
            _ = self.memory  # raises if it is not known
        return self.plan

    @property
    def layout(self) -> Layout:
        """How the tightest stage cuts its KV cache into blocks."""
        if self.plan.layout is None:
            raise Untestable(f"{self.model.name} caches no tokens")
        return self.plan.layout

    def token_bytes(self, budget: int | None) -> float:
        """Return the bytes per token on the tightest stage, as the engine allocates them.

        Args:
            budget: bytes of the KV cache, None for a very large one: in small ones, rounding
                down to whole blocks changes the result.
        """
        layout = self.layout
        whole = budget or layout.bytes_per_block * MANY_BLOCKS
        tokens = int(layout.tokens(layout.blocks(whole), self.length))
        if not tokens:
            return self.token_bytes(None)
        return whole / tokens

    def budget(self) -> tuple[int, int]:
        """Return bytes and tokens of the KV cache on the tightest stage."""
        plan, layout = self.sized, self.layout
        return plan.kv_bytes, int(layout.tokens(plan.blocks, self.length))
