"""How vLLM lays the pages of layers of several kinds, and which tokens its start-up log counts."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from kvviz.catalog.engine import LOGGED, Version
from kvviz.catalog.models.model import Layer, Model
from kvviz.memory.parallel import layer_kv_bytes, layer_state_bytes

NEAR_GROUP: Final = 1.5  # vLLM pads to the larger kind when it is under this many times the smaller
BY_CONCURRENCY: Final[Version] = (0, 23)  # from here on the log's tokens are concurrency x length
TWO_STATES: Final[Version] = (0, 24)  # from here on prefix caching keeps a second state a sequence
WHOLE_BLOCKS: Final = 16  # a page that must hold a state is widened by this many tokens


@dataclass(frozen=True, slots=True)
class PageGroup:
    """Layers of one kind that take the pages of one group.

    Args:
        layers: how many, before any padding.
        window: tokens that one holds at most per sequence, None for all.
        state: whether they hold a fixed state instead of tokens.
    """

    layers: int
    window: int | None
    state: bool


@dataclass(frozen=True, slots=True)
class PageLayout:
    """A pool of pages that every group takes from; a page spans one layer of each in a slot.

    Args:
        groups: the groups, each of at most `slots` layers.
        slots: layers that a block of the pool spans.
        block: tokens in a page.
        page_bytes: bytes of one layer's page.
    """

    groups: tuple[PageGroup, ...]
    slots: int
    block: int
    page_bytes: int

    @property
    def block_bytes(self) -> int:
        """Bytes that one block of the pool takes."""
        return self.slots * self.page_bytes

    def blocks(self, budget: int) -> int:
        """Return the whole blocks in a budget of bytes."""
        return budget // self.block_bytes

    def sequence_blocks(self, length: int, batched: int, version: Version = LOGGED) -> int:
        """Return the blocks that one sequence of `length` tokens holds at most.

        A windowed group holds what a step may still read, window - 1 + `batched` tokens, over one
        page more; a state takes a page, and a second one where prefix caching keeps it.
        """
        return sum(self._held(group, length, batched, version) for group in self.groups)

    def _held(self, group: PageGroup, length: int, batched: int, version: Version) -> int:
        whole = -(-length // self.block)
        if group.state:
            return 2 if version >= TWO_STATES else 1
        if group.window is None:
            return whole
        return min(whole, -(-min(group.window - 1 + batched, length) // self.block) + 1)


def page_layout(
    model: Model, layers: tuple[Layer, ...], number: int, t: int, block: int = 16
) -> PageLayout | None:
    """Return how vLLM pages `layers` on one of `t` GPUs, None where no layer caches tokens.

    Kinds form groups of one size: the smallest number of layers of a kind, or the largest if that
    is under 1.5 x the smallest (``kv_cache_utils._get_kv_cache_groups_uniform_page_size``). All
    pages are of one size: beside recurrent layers a page holds as many tokens as fill their state,
    and smaller pages are padded.

    Args:
        model: for the dtypes of its states.
        layers: of one pipeline stage.
        number: bytes of one cached number.
        t: tensor parallel size.
        block: tokens in a page, where no state asks for more.
    """
    kinds = Counter(
        (layer.attention, layer.window, bool(layer.state_values or layer.conv_values))
        for layer in layers
        if layer.cached_values or layer.state_values or layer.conv_values
    )
    token = max((layer_kv_bytes(layer, number, t) for layer in layers), default=0)
    if not token:
        return None
    state = max((layer_state_bytes(model, layer, t) for layer in layers), default=0)
    block = max(block, -(-state // (token * WHOLE_BLOCKS)) * WHOLE_BLOCKS) if state else block
    slots = group_size(list(kinds.values()))
    groups = tuple(
        PageGroup(min(slots, count - first), window, is_state)
        for (_, window, is_state), count in kinds.items()
        for first in range(0, count, slots)
    )
    return PageLayout(groups, slots, block, token * block)


def group_size(counts: list[int]) -> int:
    """Return the layers of a group: the smallest kind's, or the largest's if that is near."""
    return max(counts) if max(counts) < NEAR_GROUP * min(counts) else min(counts)


def logged_tokens(
    layout: PageLayout, blocks: int, length: int, batched: int, version: Version = LOGGED
) -> int:
    """Return the tokens that vLLM's line "GPU KV cache size" says of a pool of `blocks`.

    Up to 0.22 the blocks divided by the groups, times the block; from 0.23 on the concurrency at
    `length` times `length`.
    """
    if version < BY_CONCURRENCY:
        return blocks // len(layout.groups) * layout.block
    return int(blocks / layout.sequence_blocks(length, batched, version) * length)
