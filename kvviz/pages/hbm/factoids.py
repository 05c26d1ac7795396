"""Facts worth knowing about a scenario: published ones, and ones computed from its numbers."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Final

import numpy as np

from kvviz.catalog.dtypes import width
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.catalog.models.shipped import find_model
from kvviz.catalog.published.factoids import Factoid, published_factoids
from kvviz.cost.roofline import decode_step
from kvviz.memory import MemoryReport
from kvviz.memory.kv import kv_width, layer_groups, regions
from kvviz.memory.scores import score_matrix_bytes
from kvviz.pages.kit.html import many
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences
from kvviz.shards.cache import layer_bytes, state_bytes
from kvviz.units import GB, GiB, gib, share, size

TEXT_BYTES: Final = 4  # assumed: characters of English text a token
COMPARED: Final = ("deepseek-ai/DeepSeek-V3", "meta-llama/Llama-3.1-405B")  # MLA against GQA


def factoids(scenario: Scenario, report: MemoryReport) -> tuple[Factoid, ...]:
    """Return the facts that apply to what is on screen, computed and published ones in turn."""
    seen = _on_screen(scenario)
    published = [fact for fact in published_factoids() if not fact.about or fact.about in seen]
    published.sort(key=lambda fact: not fact.about)  # what is about this very model or GPU first
    pairs = zip_longest(_computed(scenario, report), published)
    return tuple(fact for fact in chain.from_iterable(pairs) if fact)


def _on_screen(scenario: Scenario) -> set[str]:
    model = scenario.the_model
    kinds: set[str] = {layer.attention for layer in model.layers}
    shared = any(1 < layer.kv_heads < layer.heads for layer in model.attending_layers())
    return {scenario.the_gpu.short_name, *kinds, *(["gqa"] if shared else [])}


def _computed(scenario: Scenario, report: MemoryReport) -> Iterator[Factoid]:
    model = scenario.the_model
    if report.kv_bytes_per_token_all_layers:
        yield _chat(scenario)
        yield from _slot(scenario)
        yield _step(scenario)
        yield from _doubling(scenario, model)
        yield from _shared_heads(scenario, model)
        yield from _latent(scenario, model)
        yield from _windows(scenario, model)
    if report.kv_bytes_per_token:
        yield from _growth(report)
    yield from _experts(report)
    yield _reading(scenario.the_gpu)


def _fact(text: str, how: str) -> Factoid:
    return Factoid(text, f"computed: {how}", "computed")


def _sequence_bytes(scenario: Scenario, tokens: int) -> int:
    """Return the KV cache of one sequence of `tokens`."""
    groups = layer_groups(scenario.the_model, kv_width(scenario, scenario.the_model))
    return sum(g.layers * g.bytes_per_token * min(tokens, g.window) for g in groups)


def _times(ratio: float) -> str:
    """Spell a ratio with one decimal, and none where it is whole or large."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:,.1f}".removesuffix(".0")


def _chat(scenario: Scenario) -> Factoid:
    tokens = scenario.context
    text, kv = tokens * TEXT_BYTES, _sequence_bytes(scenario, tokens)
    return _fact(
        f"A chat of {many(tokens, 'token')} is about {size(text)} of text. Its KV cache "
        f"is {size(kv)}: {_times(kv / text)} times as much.",
        f"{TEXT_BYTES} B of text per token assumed",
    )


def _slot(scenario: Scenario) -> Iterator[Factoid]:
    slot, tokens = scenario.max_model_len, scenario.context
    if slot <= tokens:
        return
    taken = not scenario.paged and int(regions(sequences(scenario)).max()) == slot
    yield _fact(
        f"Reserving max_model_len, {slot:,} tokens, {'takes' if taken else 'would take'} "
        f"{size(_sequence_bytes(scenario, slot))}. The longest sequence here uses "
        f"{size(_sequence_bytes(scenario, tokens))} of it.",
        f"at {many(tokens, 'token')}",
    )


def _step(scenario: Scenario) -> Factoid:
    step, batch = decode_step(scenario, np.array([scenario.context])), scenario.batch
    moved = (step.weight_bytes[0] + step.kv_bytes[0]) * scenario.tp
    made = "one new token" if batch == 1 else f"{batch:,} new tokens, one per sequence"
    held = (
        "weights, KV cache and state" if state_bytes(scenario.the_model) else "weights and KV cache"
    )
    chosen = any(group.part == "experts" for group in scenario.the_model.tensors)
    evenly = ", experts assumed chosen evenly" if chosen else ""
    return _fact(
        f"One decode step moves {size(moved)} to or from memory to generate {made}.",
        f"{held} at {many(scenario.context, 'token')}{evenly}",
    )


def _doubling(scenario: Scenario, model: Model) -> Iterator[Factoid]:
    tokens = scenario.context
    short, long = score_matrix_bytes(scenario, model, [tokens, 2 * tokens])
    if not short:
        return
    kv = _sequence_bytes(scenario, 2 * tokens) / _sequence_bytes(scenario, tokens)
    yield _fact(
        f"At twice the context, the KV cache takes {_times(kv)} times the memory, and "
        f"one layer's attention scores take {_times(long / short)} times.",
        f"{2 * tokens:,} versus {many(tokens, 'token')}",
    )


def _shared_heads(scenario: Scenario, model: Model) -> Iterator[Factoid]:
    """Compare with keys and values of each query head's own, and with one pair for all."""
    number = kv_width(scenario, model)
    kinds = Counter(
        (layer_bytes(layer, number), layer.heads, layer.kv_heads)
        for layer in model.attending_layers()
        if layer.cached_values and layer.attention != "mla"
    )
    held = sum(count * size for (size, _, _), count in kinds.items())
    alone = sum(count * size * heads / kv for (size, heads, kv), count in kinds.items())
    single = sum(count * size / kv for (size, _, kv), count in kinds.items())
    how = ", ".join(sorted({f"{heads} to {kv}" for _, heads, kv in kinds}))
    if alone > held:
        yield _fact(
            f"Query heads share KV heads in this model: its KV cache is {_times(alone / held)} "
            f"times smaller than with a KV head for each query head.",
            f"query heads to KV heads, {how}",
        )
    elif held > single:
        yield _fact(
            f"Each of the {model.heads} query heads has its own KV head in this model. With one KV "
            f"head for all, the KV cache would be {_times(held / single)} times smaller.",
            f"query heads to KV heads, {how}",
        )


def _latent(scenario: Scenario, model: Model) -> Iterator[Factoid]:
    latent = next((layer for layer in model.layers if layer.attention == "mla"), None)
    if latent is None:
        return
    keys = latent.heads * latent.head_dim
    yield _fact(
        f"This model caches {latent.cached_values:,} numbers per token and layer. The keys of all "
        f"{latent.heads} heads alone would be {_times(keys / latent.cached_values)} times as many.",
        f"{latent.heads} heads × {latent.head_dim} = {keys:,}",
    )
    small, large = (_bf16_token_bytes(name) for name in COMPARED)
    names = [name.rpartition("/")[2] for name in COMPARED]
    yield _fact(
        f"A token of {names[0]} adds {size(small)} to the KV cache, one of {names[1]} "
        f"{size(large)}: {_times(large / small)} times as much.",
        "both in bf16, from their configs",
    )


def _bf16_token_bytes(name: str) -> int:
    return sum(layer_bytes(layer, width("bf16")) for layer in find_model(name).layers)


def _windows(scenario: Scenario, model: Model) -> Iterator[Factoid]:
    tokens = scenario.context
    windows = [layer.window for layer in model.layers if layer.window]
    if not windows or min(windows) >= tokens:
        return
    groups = layer_groups(model, kv_width(scenario, model))
    whole = sum(g.layers * g.bytes_per_token for g in groups) * tokens
    saved = whole / _sequence_bytes(scenario, tokens)
    yield _fact(
        f"{len(windows)} of {len(model.layers)} layers keep at most {many(max(windows), 'token')}. "
        f"If they kept all tokens, the KV cache would be {_times(saved)} times as large.",
        f"at {tokens:,} tokens",
    )


def _growth(report: MemoryReport) -> Iterator[Factoid]:
    token = report.kv_bytes_per_token
    yield _fact(
        f"Every token adds {size(token)} to the KV cache: {many(GiB // token, 'token')} fill "
        f"a GiB.",
        "layers that keep all tokens",
    )
    if token == report.kv_bytes_per_token_all_layers:
        yield _fact(
            f"Once all sequences together reach {report.weights_bytes // token + 1:,} tokens, the "
            f"KV cache is larger than the weights.",
            f"{gib(report.weights_bytes)} of weights",
        )


def _experts(report: MemoryReport) -> Iterator[Factoid]:
    used, held = report.active_parameters, report.parameters
    if used < held:
        yield _fact(
            f"A token uses {share(used / held, 0)} of this model's parameters, but all of "
            f"them have to be in memory.",
            f"{used / GB:,.1f} of {held / GB:,.1f} billion, from the config",
        )


def _reading(gpu: Gpu) -> Factoid:
    seconds = gpu.reported_bytes / (gpu.bandwidth_gb_s * GB)
    return _fact(
        f"Reading all {gib(gpu.reported_bytes)} of the {gpu.short_name} once takes at least "
        f"{seconds * 1000:,.1f} ms.",
        f"at its specified bandwidth of {gpu.bandwidth_gb_s:,.0f} GB/s",
    )
