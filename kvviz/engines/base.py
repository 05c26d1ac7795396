"""What every engine defines: its defaults, and the rules for a plan of a GPU's memory."""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.engines.layout import KvGroup, Layout, Numbers
from kvviz.engines.logged import Failure, LoggedRun
from kvviz.settings.deployment import Deployment
from kvviz.settings.version import Version
from kvviz.units import GiB


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that was neither computed nor measured here.

    Args:
        name: what it is.
        gib: its value in GiB.
        source: where it comes from, or that it was set by the user.
    """

    name: str
    gib: float
    source: str

    @property
    def column(self) -> str:
        """Its column in a table."""
        return f"assumed_{re.sub(r'[^a-z]+', '_', self.name.casefold())}_gib"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that an engine runs with, every default filled in.

    Args:
        utilization: fraction of the GPU's memory that it may use.
        max_num_batched_tokens: most tokens per step.
        max_num_seqs: most sequences running at once.
        prefix_caching: whether blocks of the same content are kept for later requests.
        async_scheduling: whether a step is scheduled while the previous one still runs.
        source: where the defaults come from.
    """

    utilization: float
    max_num_batched_tokens: int
    max_num_seqs: int
    prefix_caching: bool
    async_scheduling: bool
    source: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes on one GPU that are neither the text model's weights nor KV cache.

    Args:
        extra: loaded beside the text model's weights: rotary tables, vision tower, padding.
        activation: peak of the activations.
        non_torch: of CUDA and NCCL, outside PyTorch's allocator.
        graphs: CUDA graphs captured before the KV cache.
        assumptions: the assumed ones, with their sources.
    """

    extra: int = 0
    activation: int = 0
    non_torch: int = 0
    graphs: int = 0
    assumptions: tuple[Assumption, ...] = ()

    @property
    def total(self) -> int:
        """Their sum."""
        return self.extra + self.activation + self.non_torch + self.graphs


@dataclass(frozen=True, slots=True)
class Plan:
    """Where every byte of the tightest GPU goes under an engine.

    Args:
        deployment: what was planned.
        version: as set, else the engine's newest; None if it has none either.
        limits: the limits that the engine runs with.
        requested: bytes that the engine may use.
        weights: the text model's weights.
        taken: what is neither weights nor KV cache.
        kv_bytes: what is left for the KV cache; may be negative.
        states: bytes set aside for recurrent states, if they have a pool of their own.
        layout: how it is cut into blocks, None if the model caches nothing.
        blocks: whole blocks in it.
        tokens: tokens that the engine says it holds, None if it does not start or caches nothing.
        concurrency: sequences of max_model_len at once, None in the same cases.
        refused: why there is too little memory, in one sentence; empty if there is enough.
        unsupported: why the engine cannot run the deployment at all; empty if it can.
        notes: settings that the engine changes or ignores, and what is not modelled.
    """

    deployment: Deployment
    version: Version | None
    limits: Limits
    requested: int
    weights: int
    taken: Taken
    kv_bytes: int
    states: int
    layout: Layout | None
    blocks: int
    tokens: int | None
    concurrency: float | None
    refused: str
    unsupported: str
    notes: tuple[str, ...]

    @property
    def room(self) -> int:
        """Bytes for the model: weights and KV cache."""
        return self.requested - self.taken.total

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """The plan's assumed numbers."""
        return self.taken.assumptions

    @property
    def groups(self) -> tuple[KvGroup, ...]:
        """The groups of layers at max_model_len."""
        return self.layout.groups(self.deployment.max_model_len) if self.layout else ()

    def concurrency_at(self, length: int) -> float:
        """Return how many sequences of `length` tokens the KV cache holds at once."""
        if self.layout is None:
            return float("inf")
        return float(self.layout.concurrency(max(self.kv_bytes, 0), length))

    def longest(self, most: int) -> int:
        """Return the longest sequence of up to `most` tokens that the KV cache holds, 0 if none."""
        return self.layout.longest(max(self.kv_bytes, 0), most) if self.layout else most


class Engine(Protocol):
    """A serving engine's rules for memory.

    Args:
        name: its name in settings.
        label: its name in texts.
        versions: first version of each supported range, ascending; empty if it has none.
        newest: the default version, None if it has no versions.
        assumes: whether the size of its KV cache depends on assumed numbers.
        share_of: what the utilization is a fraction of, in words.
        refuses: what a refusal for lack of memory begins with, such as "vLLM would not start".
    """

    name: str
    label: str
    versions: tuple[Version, ...]
    newest: Version | None
    assumes: bool
    share_of: str
    refuses: str

    def limits(self, deployment: Deployment) -> Limits:
        """Return the limits of a deployment: as set, else the defaults of version and GPU."""

    def logged_without_version(self, prints_concurrency: bool) -> Version | None:
        """Return the version that is assumed for a log that does not name one.

        Args:
            prints_concurrency: whether its tokens are the concurrency times max_model_len.
        """

    def default_share(self, version: Version | None) -> float | None:
        """Return the default utilization of a version, None if it depends on the GPU."""

    def alike(self, gpu: Gpu) -> Hashable:
        """Return a key that is equal for GPUs that the engine treats alike, except for capacity."""

    def served(self, model: Model) -> Model:
        """Return the model in the dtype that the engine computes in."""

    def memory(self, deployment: Deployment) -> int:
        """Return the bytes of one GPU that the utilization is a fraction of."""

    def taken(self, deployment: Deployment) -> Taken:
        """Return what one GPU holds besides weights and KV cache."""

    def cache(self, deployment: Deployment, left: Numbers) -> Numbers:
        """Return the bytes of the KV cache, out of those `left` after weights and `taken`."""

    def layouts(self, deployment: Deployment) -> tuple[Layout | None, ...]:
        """Return how each pipeline stage cuts its KV cache into blocks."""

    def unsupported(self, deployment: Deployment) -> str:
        """Return why the engine cannot run the deployment at all, empty if it can."""

    def reason(self, quantity: str, model: Model, too_low: bool) -> str:
        """Return the likely reason why a prediction differs from a log, empty if none is known.

        Args:
            quantity: ``weights`` or ``kv_tokens``.
            model: the model.
            too_low: whether the prediction is below the log.
        """

    def notes(self, deployment: Deployment) -> tuple[str, ...]:
        """Return what it changes, ignores or does not model, one sentence each."""

    def read(self, log: str) -> LoggedRun | None:
        """Return what a start-up log says, None if no line of it is this engine's."""

    def failure(self, line: str) -> Failure | None:
        """Return why a start failed if a line of the log says so, else None."""


def gib_bytes(gib: float) -> int:
    """Return whole bytes of a size in GiB."""
    return round(gib * GiB)
