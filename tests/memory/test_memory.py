"""The memory model against plain loops over sequences, layers, heads and tokens."""

from math import ceil

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.catalog.models.model import Layer, Model, Tensors
from kvviz.memory import estimate
from kvviz.memory.totals import kv_bytes, total_bytes
from kvviz.settings.scenario import Scenario

FULL = Layer("full", 8, 4, 4, 32)
SLIDING = Layer("sliding", 8, 4, 4, 32, window=5)
CHUNKED = Layer("chunked", 8, 2, 4, 16, window=24)
LATENT = Layer("mla", 8, 1, 6, 12, index_bytes=3)
LINEAR = Layer("linear", 8, 0, 4, 0, state_values=128, conv_values=24)
MLP = Layer("none", 0, 0, 0, 0)


def toy(*layers, tied=False):
    """A model whose tensors all divide by eight, so that every share is whole."""
    tensors = [Tensors("embedding", None, 1600, 0, "tp", False, "bf16")]
    for i, layer in enumerate(layers):
        tensors += [
            Tensors("attention", i, 512, 512, "tp", True, "bf16"),
            Tensors("attention", i, 64 * layer.kv_heads, 1, "kv", True, "bf16"),
            Tensors("mlp", i, 800 + 80 * i, 1, "tp", True, "fp8"),
            Tensors("norm", i, 48, 48, "none", False, "bf16"),
        ]
    tensors.append(Tensors("norm", None, 24, 24, "none", False, "bf16"))
    if not tied:
        tensors.append(Tensors("head", None, 1600, 1600, "tp", False, "bf16"))
    return Model("toy", "toy", "bf16", "fp32", 16, 100, 4096, layers, tuple(tensors), tied)


TOYS = [
    toy(FULL, FULL, FULL),
    toy(SLIDING, FULL, SLIDING, CHUNKED, FULL, tied=True),
    toy(LATENT, LATENT),
    toy(LINEAR, LINEAR, FULL, MLP, LINEAR, tied=True),
]
many = settings(max_examples=120)
fewer = settings(max_examples=25)
BYTES = {"auto": 2, "bf16": 2, "fp16": 2, "fp32": 4, "fp8": 1, "int8": 1}


@st.composite
def scenarios(draw, **fixed):
    context = draw(st.integers(1, 60))
    run_length = draw(st.integers(context, 90))
    options = {
        "own_models": {"toy": draw(st.sampled_from(TOYS))},
        "batch": draw(st.integers(1, 6)),
        "context": context,
        "run_length": run_length,
        "max_model_len": draw(st.integers(run_length, 150)),
        "ragged": draw(st.sampled_from([0.0, 0.3, 0.5, 1.0]) | st.floats(0, 1)),
        "kv_dtype": draw(st.sampled_from(list(BYTES))),
        "block_size": draw(st.integers(1, 20)),
        "batching": draw(st.sampled_from(["continuous", "static"])),
        "paged": draw(st.booleans()),
        "flash": draw(st.booleans()),
        "reservation": draw(st.sampled_from(["exact", "pow2", "max"])),
        "prefill": draw(st.sampled_from(["whole", "chunk"])),
        "chunk": draw(st.integers(1, 80)),
        "score_multiple": draw(st.integers(1, 5)),
    }
    return Scenario(model="toy", **{**options, **fixed})


def length(s, longest, i):
    return ceil(longest * (1 - s.ragged * i / (s.batch - 1))) if s.batch > 1 else longest


def region(s, final):
    if s.batching == "static" or s.reservation == "max":
        return s.max_model_len
    if s.reservation == "exact":
        return final
    power = 1
    while power < final:
        power *= 2
    return min(power, s.max_model_len)


def places(s, i, window):
    """Token places of sequence `i` in one layer: used, reserved, internal; token by token."""
    n, final = length(s, s.context, i), length(s, s.run_length, i)
    if s.paged:
        held = n if s.batching == "continuous" else s.context
        blocks = {token // s.block_size for token in range(min(held, window))}
        room, final = len(blocks) * s.block_size, 0  # nothing is reserved ahead
    else:
        room = min(region(s, final), window)
    kinds = [
        "used" if token < min(n, window) else "reserved" if token < final else "internal"
        for token in range(room)
    ]
    return [kinds.count(kind) for kind in ("used", "reserved", "internal")]


def brute_kv(s):
    sums = [0, 0, 0]
    for layer in s.the_model.layers:
        if layer.cached_values:
            size = layer.cached_values * BYTES[s.kv_dtype] + layer.index_bytes
            for i in range(s.batch):
                for k, count in enumerate(places(s, i, layer.window or 10**9)):
                    sums[k] += count * size
    return sums


def brute_scores(s, heads=8):
    if s.prefill == "chunk":
        return heads * min(s.chunk, s.context) * s.context * 2 * s.score_multiple
    return s.batch * heads * s.context**2 * 2 * s.score_multiple


def stored(group):
    return group.count * (1 if group.dtype == "fp8" else 2)


def brute_stages(s, t, p):
    """Weights, KV and state of a GPU on every stage, its heads found one by one."""
    model, stages, first = s.the_model, [], 0
    for k in range(p):
        size = len(model.layers) // p + (k < len(model.layers) % p)
        mine = range(first, first + size)
        first += size
        weights = kv = state = 0
        for group in model.tensors:
            copies = int(group.layer in mine)
            if group.layer is None:
                ends = {"embedding": [k == 0], "norm": [k == p - 1], "head": [k == p - 1]}
                copies = any(ends[group.part]) + (
                    group.part == "embedding" and model.tied and 0 < k == p - 1
                )
            heads = model.layers[group.layer or 0].kv_heads
            kept = {"tp": 1 / t, "none": 1, "kv": heads and heads_on_a_gpu(heads, t) / heads}
            weights += copies * round(stored(group) * kept[group.split])
        for layer in (model.layers[i] for i in mine):
            state += s.batch * (layer.state_values * 4 + layer.conv_values * 2) // t
            if layer.cached_values:
                size = layer.cached_values * BYTES[s.kv_dtype] + layer.index_bytes
                tokens = sum(sum(places(s, i, layer.window or 10**9)) for i in range(s.batch))
                kv += tokens * size * heads_on_a_gpu(layer.kv_heads, t) // layer.kv_heads
        stages.append((weights, kv, state))
    return stages


def heads_on_a_gpu(kv_heads, t, heads=8):
    """KV heads that the query heads of one GPU read."""
    return len({head * kv_heads // heads for head in range(heads // t)})


@many
@given(scenarios())
def test_kv_bytes_are_those_of_a_loop_over_layers_sequences_and_tokens(s):
    report = estimate(s)
    used, reserved, internal = brute_kv(s)
    assert report.kv["used_bytes"] == used
    assert report.kv["reserved_bytes"] == reserved
    assert report.kv["internal_bytes"] == internal
    assert report.kv["allocated_bytes"] == used + reserved + internal
    assert report.kv["tokens"] == sum(length(s, s.context, i) for i in range(s.batch))
    assert report.efficiency == used / (used + reserved + internal)
    assert 0 < report.efficiency <= 1


@many
@given(scenarios())
def test_the_total_is_weights_cache_state_and_scores(s):
    report, scores = estimate(s), brute_scores(s)
    model = s.the_model
    weights = sum(stored(group) for group in model.tensors)
    state = s.batch * sum(x.state_values * 4 + x.conv_values * 2 for x in model.layers)
    assert report.scores["bytes"] == (0 if s.flash else scores)
    assert report.scores["avoided_bytes"] == (scores if s.flash else 0)
    assert report.total_bytes == weights + sum(brute_kv(s)) + state + (not s.flash) * scores
    assert report.per_gpu["total"] == report.total_bytes
    assert report.gpus_by_capacity == 1


@many
@given(scenarios())
def test_a_delta_is_the_total_without_less_the_total_with(s):
    deltas = estimate(s).deltas
    pairs = {"continuous": ("batching", "continuous", "static"), "paged": ("paged", True, False)}
    for name, (knob, on, off) in {**pairs, "flash": ("flash", True, False)}.items():
        without = sum(brute_kv(s.replaced(**{knob: off}))) + (name == "flash") * brute_scores(s)
        saved = without - sum(brute_kv(s.replaced(**{knob: on})))
        assert deltas[name] == saved


@fewer
@given(scenarios())
def test_many_contexts_at_once_equal_one_by_one_and_never_shrink(s):
    contexts = np.arange(1, s.run_length + 1)
    together = total_bytes(s, contexts)
    assert together == sorted(together)
    assert together == [total_bytes(s, np.array([n]))[0] for n in contexts]
    columns = kv_bytes(s, contexts)
    assert (columns.used[s.context - 1], columns.reserved[s.context - 1]) == tuple(brute_kv(s)[:2])


@many
@given(scenarios(flash=False), st.sampled_from([1, 2, 4, 8]), st.integers(1, 5))
def test_the_fullest_gpu_of_every_split(s, t, p):
    p = min(p, len(s.the_model.layers))
    weights, kv, state = max(brute_stages(s, t, p), key=sum)
    found = estimate(s.replaced(tp=t, pp=p)).per_gpu
    assert sum(found[key] for key in ("weights", "kv", "state")) == weights + kv + state
    assert found["scores"] == brute_scores(s, 8 // t)


@fewer
@given(scenarios(), st.integers(1500, 90_000))
def test_gpus_needed_is_the_smallest_split_that_fits(s, room):
    capacity = s.the_gpu.reported_bytes
    s = s.replaced(utilization=room / capacity)
    layers = len(s.the_model.layers)
    fitting = [
        (t * p, -t, p)
        for t in (1, 2, 4, 8)
        for p in range(1, layers + 1)
        if max(sum(x) for x in brute_stages(s, t, p)) + (not s.flash) * brute_scores(s, 8 // t)
        <= int(capacity * (room / capacity))
    ]
    report = estimate(s)
    if not fitting:
        assert report.gpus_needed is None
        assert report.deployment is None
        return
    gpus, t, p = min(fitting)
    assert report.gpus_needed == gpus
    assert report.deployment == {"tp": -t, "pp": p}
    assert report.gpus_tensor_parallel == min((-t for _, t, p in fitting if p == 1), default=None)


def test_scores_and_cache_beyond_64_bits_stay_exact():
    context, batch = 16_777_213, 4095
    report = estimate(Scenario(context=context, max_model_len=context, batch=batch, flash=False))
    scores = batch * 32 * context * context * 2
    assert scores > 2**64
    blocks = (context + 15) // 16
    assert report.scores["bytes"] == report.per_gpu["scores"] == scores
    assert report.total_bytes == 16_060_522_496 + batch * blocks * 16 * 131_072 + scores
    assert report.per_gpu["total"] == report.total_bytes
    assert not report.fits
