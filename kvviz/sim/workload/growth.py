"""The growth workload: every sequence grows in step with the longest, page by page."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvviz.memory.deployment import gpus_needed
from kvviz.memory.kv import Tokens, final_lengths, lengths, regions, weights_of_sequences
from kvviz.memory.shard import Shard, fullest_shard
from kvviz.memory.share import share_kv, share_scores
from kvviz.memory.totals import deltas_of, summed, total_bytes
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences
from kvviz.timeline import Changes, State, Timeline

ROWS = 512  # totals rows of a run: 20 s of playing show 25 a second


@dataclass(frozen=True)
class _Cache:
    """How one sequence's tokens turn into pages; the same for every sequence.

    A sequence holds its recurrent state and, of every kind of layer, its tokens up to the window.
    With paging tokens count in whole blocks.
    """

    shard: Shard
    page_bytes: int
    step: int  # tokens that are allocated together: a block with paging, else one

    def pages(self, tokens: Tokens) -> Tokens:
        """Return the pages that a sequence of `tokens` fills."""
        return -(-self._bytes(-(-tokens // self.step)) // self.page_bytes)

    def first_tokens(self, pages: int) -> Tokens:
        """Return, for each of the first `pages`, the tokens from which a sequence holds it."""
        amounts = np.arange(pages, dtype=np.int64) * self.page_bytes
        steps = np.full(pages, -1, dtype=np.int64)
        start, edges = 0, sorted({-(-window // self.step) for window, _ in self.shard.token_bytes})
        steps[amounts < self.shard.state_bytes] = 0
        for edge in edges:
            slope = sum(s for w, s in self.shard.token_bytes if -(-w // self.step) > start)
            base = int(self._bytes(np.array([start]))[0])
            reached = start + (amounts - base) // (slope * self.step) + 1
            todo = (steps < 0) & (reached <= edge)
            steps[todo] = reached[todo]
            start = edge
        return np.where(steps > 0, (steps - 1) * self.step + 1, 0)

    def _bytes(self, steps: Tokens) -> Tokens:
        held = np.full(len(steps), self.shard.state_bytes, dtype=np.int64)
        for window, size in self.shard.token_bytes:
            held += np.minimum(steps, -(-window // self.step)) * self.step * size
        return held


def growth(scenario: Scenario, capacity: int, shard: Shard | None = None) -> Timeline:
    """Return the run from no token to the run length on the deployment's fullest GPU.

    Args:
        scenario: the deployment and its sequences.
        capacity: bytes to record page by page, from address 0.
        shard: what the fullest GPU holds of the model, where that is known already.

    Raises:
        ScenarioError: settings contradict each other.
        UnknownName: no catalog has the model or the GPU.
    """
    scenario.check()
    shard = shard or fullest_shard(scenario)
    page_bytes = shard.page_bytes(scenario.block_size)
    weights = _weights_changes(shard, page_bytes)
    start = int(weights.pages.sum())
    limit = capacity // page_bytes
    room = max(0, limit - start)
    cache = _Cache(shard, page_bytes, scenario.block_size if scenario.paged else 1)
    kv = (_paged if scenario.paged else _contiguous)(scenario, cache, room)
    kv = kv._replace(page=kv.page + np.uint32(start))
    changes = _joined(weights, kv)
    totals = growth_totals(scenario, shard)
    held = _held_pages(scenario, cache, totals["when"].astype(np.int64))
    totals["held_pages"] = (start + held).astype(np.float64)
    return Timeline("tokens", page_bytes, max(limit, start), changes, totals)


def growth_totals(scenario: Scenario, shard: Shard | None = None) -> dict[str, NDArray[np.float64]]:
    """Return the sums at up to 512 contexts, the scenario's among them.

    They are those of the fullest GPU; ``whole`` and ``gpus`` are the whole deployment's.
    """
    when, shard = _contexts(scenario), shard or fullest_shard(scenario)
    kv, matrices = share_kv(scenario, shard, when), share_scores(scenario, when)
    scores, alone = np.array(matrices, dtype=float), scenario.tp * scenario.pp == 1
    deltas = deltas_of(sequences(scenario), when, shard.token_bytes, kv, matrices)
    fixed = shard.fixed_bytes(scenario.batch)
    total = summed(fixed, kv, [] if scenario.flash else matrices)
    columns = {
        "when": when,
        "tokens": lengths(when, scenario.batch, scenario.ragged).sum(axis=-1),
        "kv_used": kv.used,
        "kv_allocated": kv.allocated,
        "kv_reserved": kv.reserved,
        "kv_internal": kv.internal,
        "scores": np.zeros(len(when)) if scenario.flash else scores,
        "avoided": scores if scenario.flash else np.zeros(len(when)),
        "total": np.array(total, dtype=float),
        "whole": np.array(total if alone else total_bytes(scenario, when), dtype=float),
        "gpus": gpus_needed(scenario, when),
        **{f"delta_{name}": np.array(delta, dtype=float) for name, delta in deltas.items()},
    }
    return {name: column.astype(np.float64) for name, column in columns.items()}


def _contexts(scenario: Scenario) -> Tokens:
    spread = np.linspace(1, scenario.final_length, min(ROWS, scenario.final_length))
    return np.union1d(np.ceil(spread).astype(np.int64), [scenario.context])


def _weights_changes(shard: Shard, page_bytes: int) -> Changes:
    layers = np.array([layer for layer, _ in shard.weight_runs])
    ends = -(-np.cumsum([size for _, size in shard.weight_runs]) // page_bytes)
    starts = np.concatenate([[0], ends[:-1]])
    return _changes(np.zeros(len(layers)), starts, ends - starts, layers, State.WEIGHTS)


def _paged(scenario: Scenario, cache: _Cache, room: int) -> Changes:
    """Pages on demand: allocated in the order in which the sequences reach them."""
    final = final_lengths(sequences(scenario))
    last = _contexts_within(scenario, cache, room)
    held = cache.pages(_padded(scenario, lengths(np.array(last), scenario.batch, scenario.ragged)))
    owner = np.repeat(np.arange(scenario.batch), held)
    index = np.arange(held.sum()) - np.repeat(np.cumsum(held) - held, held)
    tokens = cache.first_tokens(int(held.max()))[index]
    used_at = _when_reached(scenario, tokens, owner)
    static = scenario.batching == "static"
    taken_at = _when_reached(scenario, tokens, np.zeros_like(owner)) if static else used_at
    order = np.lexsort((owner, index, taken_at))[:room]
    page = np.arange(len(order))
    taken = _changes(taken_at[order], page, 1, owner[order], State.RESERVED)
    later = tokens[order] <= final[owner[order]]
    used = _changes(used_at[order][later], page[later], 1, owner[order][later], State.USED)
    return _merged(taken, used)


def _contiguous(scenario: Scenario, cache: _Cache, room: int) -> Changes:
    """One region per sequence from the start, filled as it grows."""
    size = cache.pages(regions(sequences(scenario)))
    start = np.cumsum(size) - size
    inside = start < room
    size, start = np.minimum(size, room - start)[inside], start[inside]
    owner = np.flatnonzero(inside)
    filled = np.minimum(cache.pages(final_lengths(sequences(scenario))[inside]), size)
    index = np.arange(filled.sum()) - np.repeat(np.cumsum(filled) - filled, filled)
    tokens = cache.first_tokens(int(filled.max(initial=0)))[index]
    sequence = np.repeat(owner, filled)
    page = np.repeat(start, filled) + index
    reserved = _changes(np.zeros(len(owner)), start, size, owner, State.RESERVED)
    used = _changes(_when_reached(scenario, tokens, sequence), page, 1, sequence, State.USED)
    return _merged(reserved, used)


def _contexts_within(scenario: Scenario, cache: _Cache, room: int) -> int:
    """Return the first context that takes more than `room` pages, at most the run length."""
    low, high = 0, scenario.final_length
    while low < high:
        middle = (low + high) // 2
        if _held_pages(scenario, cache, np.array([middle]))[0] > room:
            high = middle
        else:
            low = middle + 1
    return low


def _held_pages(scenario: Scenario, cache: _Cache, contexts: Tokens) -> Tokens:
    """Return the pages that all sequences hold at each context."""
    if not scenario.paged:
        return np.full(len(contexts), cache.pages(regions(sequences(scenario))).sum())
    now = lengths(contexts, scenario.batch, scenario.ragged)
    held: Tokens = cache.pages(_padded(scenario, now).ravel()).reshape(now.shape).sum(axis=-1)
    return held


def _padded(scenario: Scenario, now: Tokens) -> Tokens:
    """Under static batching every sequence takes pages as the longest, the first, does."""
    return np.broadcast_to(now[..., :1], now.shape) if scenario.batching == "static" else now


def _when_reached(scenario: Scenario, tokens: Tokens, owner: Tokens) -> Tokens:
    """Return the context at which a sequence has `tokens`, past the run where it never does."""
    share = weights_of_sequences(scenario.batch, scenario.ragged)[owner]
    never = scenario.final_length + 1
    # ceil(when * share) >= tokens; the division may round either way, so both neighbours are tried.
    with np.errstate(divide="ignore", invalid="ignore"):
        guess = np.where(share > 0, np.minimum((tokens - 1) / share, never), never)
    when = np.maximum(np.floor(guess).astype(np.int64) - 1, 0)
    for _ in range(3):
        when += np.ceil(when * share) < tokens
    return np.where(tokens > 0, np.minimum(when, never), 0)


def _changes(
    when: NDArray[np.generic],
    page: NDArray[np.generic],
    count: NDArray[np.generic] | int,
    owner: NDArray[np.generic],
    state: State,
) -> Changes:
    length = len(when)
    return Changes(
        when.astype(np.uint32),
        page.astype(np.uint32),
        np.broadcast_to(np.asarray(count, dtype=np.uint32), length),
        owner.astype(np.int16),
        np.full(length, state, dtype=np.uint8),
    )


def _joined(first: Changes, second: Changes) -> Changes:
    return Changes._make(np.concatenate([a, b]) for a, b in zip(first, second, strict=True))


def _merged(taken: Changes, used: Changes) -> Changes:
    """Sort by time, and drop a taking that is a use in the same moment."""
    both = _joined(taken, used)
    order = np.lexsort((both.state, both.page, both.when))
    when, page, count, owner, state = (column[order] for column in both)
    same = (when[:-1] == when[1:]) & (page[:-1] == page[1:]) & (count[:-1] == 1) & (count[1:] == 1)
    keep = np.append(~same, True) if len(when) else np.zeros(0, dtype=bool)
    return Changes(when[keep], page[keep], count[keep], owner[keep], state[keep])
