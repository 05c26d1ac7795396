"""How vLLM shares one pool of blocks among layers of several kinds: groups of equal pages."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from kvviz.engines.layout import KvGroup, Numbers, longest_held
from kvviz.engines.vllm.releases import PRINTS_CONCURRENCY, SCALES_BLOCKS, SPARES_A_BLOCK
from kvviz.engines.vllm.specs import CacheSettings, Spec
from kvviz.settings.version import Version

NEAR_GROUP: Final = (
    1.5  # the larger kind sets the size when it is under this many times the smaller
)
Cache = tuple[int, Spec]  # the layer's index, and one cache of it


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that share a block table.

    Args:
        layers: their indices, one for each cache that shares the table.
        spec: of each; where their pages differ, that of the first.
        pages: page bytes of each.
    """

    layers: tuple[int, ...]
    spec: Spec
    pages: tuple[int, ...]

    def page_bytes(self, layers: range) -> int:
        """Return the bytes per block of the group's layers that are in `layers`."""
        return sum(p for i, p in zip(self.layers, self.pages, strict=True) if i in layers)


def grouped(caches: list[Cache], version: Version) -> tuple[Group, ...]:
    """Return the groups of all caches of a model.

    One group if all need the same number of blocks; else pages are made equal, and each kind is
    split into groups of one size (``get_kv_cache_groups`` of vLLM 0.33).
    """
    if _of_one_type([spec for _, spec in caches]):
        layers, specs = zip(*caches, strict=True)
        return (Group(layers, specs[0], tuple(spec.page_bytes for spec in specs)),)
    largest = max(spec.page_bytes for _, spec in caches)
    kinds: dict[Spec, list[int]] = {}
    for layer, spec in caches:
        kinds.setdefault(_with_page(spec, largest, version), []).append(layer)
    size = group_size([len(layers) for layers in kinds.values()])
    return tuple(
        Group(part, spec, (largest,) * len(part))
        for spec, layers in kinds.items()
        for part in _parts(tuple(layers), size)
    )


def _of_one_type(specs: list[Spec]) -> bool:
    """Return whether all caches need the same blocks: all full, of one window, or of one state."""
    full = {"full_attention", "mla_attention"}
    alike = {
        (
            "full" if spec.kind in full else spec.kind,
            spec.block_size,
            spec.window,
            spec.page_bytes if spec.kind == "state" else 0,
        )
        for spec in specs
    }
    return len(alike) == 1


def _with_page(spec: Spec, largest: int, version: Version) -> Spec:
    """Return the cache in pages of the largest size: more tokens if it divides, else padded."""
    ratio, rest = divmod(largest, spec.page_bytes)
    scales = version >= SCALES_BLOCKS and not rest and spec.kind != "state"
    block = spec.block_size * ratio if scales else spec.block_size
    return replace(spec, block_size=block, page_bytes=largest)


def _parts(layers: tuple[int, ...], size: int) -> Iterable[tuple[int, ...]]:
    """Return the layers in as few groups of at most `size` as possible, dealt in turn."""
    count = -(-len(layers) // size)
    return (layers[first::count] for first in range(count))


def group_size(counts: list[int]) -> int:
    """Return the layers per group: as many as the smallest kind has, or the largest if near."""
    return max(counts) if max(counts) < NEAR_GROUP * min(counts) else min(counts)


@dataclass(frozen=True, slots=True)
class GroupedLayout:
    """One pool of blocks that every group allocates from.

    Args:
        all_groups: the groups of the whole model.
        block_size: tokens per block, before smaller pages got more.
        bytes_per_block: bytes per block on this pipeline stage: the widest group's.
        in_flight: most tokens of the steps in flight, which windows keep too.
        dcp: ranks that share the tokens of layers that keep all of them.
        version: of vLLM.
    """

    all_groups: tuple[Group, ...]
    block_size: int
    bytes_per_block: int
    in_flight: int
    dcp: int
    version: Version

    def blocks(self, kv_bytes: Numbers) -> Numbers:
        """Return the whole blocks in a budget."""
        return kv_bytes // self.bytes_per_block

    def per_request(self, length: Numbers) -> Numbers:
        """Return the blocks that a request of `length` tokens pins in all groups."""
        return sum(self._pinned(group.spec, length) for group in self.all_groups)

    def _pinned(self, spec: Spec, length: Numbers) -> Numbers:
        """Return the blocks of one group (``max_memory_usage_bytes`` of each kind of cache).

        A window may begin inside a block, so it spans one more.
        """
        if spec.kind == "state":
            return spec.states
        if spec.window is None:
            own = -(-length // self.dcp)
            return -(-own // spec.block_size)
        if spec.kind == "sliding_window":
            held = np.minimum(spec.window - 1 + self.in_flight, length)
            return -(-held // spec.block_size) + 1
        return -(-np.minimum(spec.window + self.in_flight, length) // spec.block_size)

    def tokens(self, blocks: Numbers, length: int) -> Numbers:
        """Return the tokens that vLLM logs as "KV cache size" for a pool of `blocks`.

        Up to 0.20.0 the blocks divided by the groups, times the block; since then the
        concurrency at max_model_len, times max_model_len.
        """
        if self.version < PRINTS_CONCURRENCY:
            return blocks // len(self.all_groups) * self.block_size
        printed = blocks / self.per_request(length) * length
        return np.asarray(printed).astype(np.int64)

    def concurrency(self, kv_bytes: Numbers, length: Numbers) -> Numbers:
        """Return how many sequences of `length` tokens the budget holds at once."""
        return self.blocks(kv_bytes) / self.per_request(length)

    def request_bytes(self, length: Numbers) -> Numbers:
        """Return the bytes of the budget that a request of `length` tokens uses."""
        return self.per_request(length) * self.bytes_per_block

    def holds(self, kv_bytes: Numbers, length: Numbers) -> Numbers:
        """Return whether vLLM starts: one sequence fits, since 0.29 besides the null block."""
        spare = 1 if self.version >= SPARES_A_BLOCK else 0
        return self.per_request(length) + spare <= self.blocks(kv_bytes)

    def longest(self, kv_bytes: int, most: int) -> int:
        """Return the longest sequence of up to `most` tokens that vLLM starts with, 0 if none."""
        return longest_held(self, kv_bytes, most)

    def groups(self, length: int) -> tuple[KvGroup, ...]:
        """Return the groups of layers, with the blocks a request of `length` tokens pins."""
        return tuple(
            KvGroup(
                group.spec.kind,
                len(group.layers),
                group.spec.block_size,
                sum(group.pages),
                group.spec.window,
                int(self._pinned(group.spec, length)),
            )
            for group in self.all_groups
        )


def stage_layouts(
    settings: CacheSettings, starts: list[int], in_flight: int
) -> tuple[GroupedLayout | None, ...]:
    """Return how every pipeline stage cuts its pool, None if none of its layers caches anything.

    Groups are those of the whole model; a stage has the layers of each that are on it
    (``_project_kv_cache_groups_to_worker``).

    Args:
        settings: what the caches depend on.
        starts: the first layer of every stage, and the end.
        in_flight: most tokens of the steps in flight.
    """
    caches = [
        (i, s) for i, layer in enumerate(settings.model.layers) for s in settings.specs(layer)
    ]
    if not caches:
        return (None,) * (len(starts) - 1)
    groups = grouped(caches, settings.version)
    stages = [range(a, b) for a, b in pairwise(starts)]
    sizes = [max(group.page_bytes(stage) for group in groups) for stage in stages]
    return tuple(
        GroupedLayout(groups, settings.block_size, size, in_flight, settings.dcp, settings.version)
        if size
        else None
        for size in sizes
    )
