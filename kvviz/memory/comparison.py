"""One sequence's KV cache allocated in two ways: max_model_len in advance, or blocks on demand."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import param

from kvviz.memory.kv import kv_width, layer_groups
from kvviz.memory.tables import Row, block_table, free_list
from kvviz.memory.totals import kv_bytes
from kvviz.settings.knobs import like
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.units import MiB

DEFAULT_MODEL: Final = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
SAME: Final = ("sequence_length", "max_model_len", "block_size", "num_blocks", "batch")
"""Settings that a comparison repeats."""


class Comparison(param.Parameterized):
    """Sequences of equal length, what each may reserve, and a pool of blocks."""

    model: str = like("model", default=DEFAULT_MODEL)
    sequence_length: int = like(
        "context", default=128, label="Sequence", doc="current length of each sequence, in tokens"
    )
    max_model_len: int = like("max_model_len", default=2048, label="Max")
    block_size: int = like("block_size", label="Block", doc="tokens per KV block")
    num_blocks: int = param.Integer(
        1024, bounds=(1, 1_048_576), label="Pool", doc="KV blocks in the pool, all of them usable"
    )
    dtype: str = like("kv_dtype")
    batch: int = like("batch", default=1)

    def scenario(self, **changes: Any) -> Scenario:
        """Return the same sequences as a scenario that has room up to max_model_len."""
        known = {
            "model": self.model,
            "context": self.sequence_length,
            "run_length": self.max_model_len,
            "max_model_len": self.max_model_len,
            "block_size": self.block_size,
            "kv_dtype": self.dtype,
            "batch": self.batch,
        }
        return Scenario(**{**known, **changes})

    def check(self) -> None:
        """Raise `ScenarioError` where the sequences are longer than max_model_len."""
        if self.sequence_length > self.max_model_len:
            raise ScenarioError(
                f"sequence_length {self.sequence_length:,} is longer than "
                f"max_model_len {self.max_model_len:,}; expected at most that many tokens"
            )


def _said(text: str) -> dict[str, str]:
    """Return what a figure means, as its field keeps it for schemas and titles."""
    return {"description": text}


@dataclass(frozen=True, slots=True)
class Compared:
    """Both layouts side by side; names with ``mb`` count MiB, 2^20 bytes."""

    traditional_memory_mb: float = field(
        metadata=_said("MiB reserved up front for max_model_len tokens (mb here means MiB)")
    )
    paged_memory_mb: float = field(
        metadata=_said(
            "MiB of the blocks in use, with the unfilled end of the last one (mb here means MiB)"
        )
    )
    memory_saved_mb: float = field(metadata=_said("MiB that paging saves (mb here means MiB)"))
    memory_saved_percent: float = field(
        metadata=_said("MiB saved by paging, in % of the reserved memory")
    )
    traditional_waste_percent: float = field(
        metadata=_said("reserved memory that holds no token yet, in %")
    )
    wasted_tokens: int = field(metadata=_said("token positions reserved but not used"))
    num_blocks: int = field(metadata=_said("blocks in the pool"))
    block_size: int = field(metadata=_said("tokens per block"))
    blocks_used: int = field(metadata=_said("blocks in use"))
    blocks_free: int = field(metadata=_said("free blocks in the pool"))
    utilization_percent: float = field(metadata=_said("blocks in use, in % of the pool"))
    sequence_length: int = field(metadata=_said("current length of each sequence, in tokens"))
    max_model_len: int = field(metadata=_said("tokens reserved for a sequence without paging"))
    batch: int = field(metadata=_said("sequences"))
    model: str = field(metadata=_said("the model's catalog name"))
    dtype: str = field(metadata=_said("dtype of the KV cache"))
    kv_bytes_per_token: int = field(
        metadata=_said(
            "bytes a token adds over all layers, including windowed layers that are not full yet"
        )
    )
    blocks: list[Row] = field(
        metadata=_said(
            "the block table, sequence by sequence, over an example free list like the one left by "
            "finished sequences; it is the same every time"
        )
    )
    warnings: list[str] = field(metadata=_said("limits of these figures"))


def compare(settings: Comparison) -> Compared:
    """Return what reserving in advance and blocks on demand take for the same sequences.

    A model with windowed layers holds at most the window in those, either way; recurrent state is
    the same in both and not counted.

    Raises:
        ScenarioError: a sequence is longer than max_model_len, or the pool has too few blocks.
        UnknownName: no catalog has the model.
    """
    settings.check()
    slots, paged = (_allocated(settings, paged) for paged in (False, True))
    used, places = held_tokens(settings) * settings.batch, held_blocks(settings) * settings.batch
    pool_check(settings, places)
    scenario = settings.scenario()
    model = scenario.the_model
    return Compared(
        traditional_memory_mb=slots.allocated / MiB,
        paged_memory_mb=paged.allocated / MiB,
        memory_saved_mb=(slots.allocated - paged.allocated) / MiB,
        memory_saved_percent=100 * (slots.allocated - paged.allocated) / slots.allocated,
        traditional_waste_percent=100 * (slots.allocated - slots.used) / slots.allocated,
        wasted_tokens=held_tokens(settings, settings.max_model_len) * settings.batch - used,
        blocks_used=places,
        blocks_free=settings.num_blocks - places,
        utilization_percent=100 * places / settings.num_blocks,
        **{name: getattr(settings, name) for name in SAME},
        model=model.name,
        dtype=(model.cache_dtype or model.dtype) if settings.dtype == "auto" else settings.dtype,
        kv_bytes_per_token=token_bytes(settings),
        blocks=_tables(settings),
        warnings=_warnings(settings),
    )


@dataclass(frozen=True, slots=True)
class _Bytes:
    used: int
    allocated: int


def _allocated(settings: Comparison, paged: bool) -> _Bytes:
    scenario = settings.scenario(paged=paged, reservation="max")
    kv = kv_bytes(scenario, np.array([settings.sequence_length]))
    return _Bytes(int(kv.used[0]), int(kv.allocated[0]))


def token_bytes(settings: Comparison) -> int:
    """Return the bytes that one token adds in all layers together."""
    scenario = settings.scenario()
    model = scenario.the_model
    groups = layer_groups(model, kv_width(scenario, model))
    return sum(group.layers * group.bytes_per_token for group in groups)


def block_bytes(settings: Comparison) -> int:
    """Return the bytes of one block, in all the layers that hold the most tokens."""
    scenario = settings.scenario()
    model, most = scenario.the_model, window(settings)
    groups = layer_groups(model, kv_width(scenario, model))
    token = sum(g.layers * g.bytes_per_token for g in groups if g.window == most)
    return token * settings.block_size


def window(settings: Comparison) -> int:
    """Return the most tokens that any layer of the model holds of a sequence."""
    scenario = settings.scenario()
    model = scenario.the_model
    return max(g.window for g in layer_groups(model, kv_width(scenario, model)))


def held_tokens(settings: Comparison, tokens: int | None = None) -> int:
    """Return the places that a sequence of so many tokens (default: its own) takes."""
    return min(settings.sequence_length if tokens is None else tokens, window(settings))


def held_blocks(settings: Comparison) -> int:
    """Return the blocks of one sequence, in the layers that hold the most."""
    return -(-held_tokens(settings) // settings.block_size)


def pool_check(settings: Comparison, needed: int) -> None:
    """Raise `ScenarioError` where the pool has fewer than the `needed` blocks."""
    if needed > settings.num_blocks:
        raise ScenarioError(
            f"num_blocks {settings.num_blocks:,} is too small a pool: {settings.batch:,} x "
            f"{settings.sequence_length:,} tokens need {needed:,} blocks of "
            f"{settings.block_size:,}; expected at least that many"
        )


def _tables(settings: Comparison) -> list[Row]:
    free = iter(free_list(settings.num_blocks))
    tokens, size = held_tokens(settings), settings.block_size
    return [
        row for index in range(settings.batch) for row in block_table(index, tokens, size, free)
    ]


def _warnings(settings: Comparison) -> list[str]:
    scenario, most = settings.scenario(), window(settings)
    model, warnings = scenario.the_model, []
    if settings.max_model_len > model.max_context:
        warnings.append(
            f"max_model_len {settings.max_model_len:,} exceeds the {model.max_context:,} tokens "
            f"that {model.name} supports"
        )
    if most < settings.sequence_length:
        warnings.append(f"every layer keeps only the last {most:,} tokens of a sequence")
    groups = layer_groups(model, kv_width(scenario, model))
    for group in groups:
        if group.window < min(most, settings.max_model_len):
            warnings.append(
                f"{group.layers} of {sum(g.layers for g in groups)} layers keep at most "
                f"{group.window:,} tokens either way; the blocks are those of the other layers"
            )
    return warnings
