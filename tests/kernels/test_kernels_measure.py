"""Measuring: peaks known beforehand, costs by hand, results that say where and when."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

from kvviz.kernels import flash_attention, paged_attention, standard_attention
from kvviz.kernels.kernel import loaded, path
from kvviz.kernels.measuring.call import Call
from kvviz.kernels.measuring.compare import MOST_BYTES, Request, compare
from kvviz.kernels.measuring.costs import cost_of
from kvviz.kernels.measuring.inputs import Decode, Prefill
from kvviz.kernels.measuring.machine import Rates, predicted_seconds
from kvviz.kernels.measuring.measure import measure, measure_performance
from kvviz.kernels.measuring.meter import step_peaks
from kvviz.kernels.measuring.recordings import recordings
from kvviz.kernels.measuring.table import listing
from kvviz.kernels.numpy.mla import mla_decode
from kvviz.kernels.numpy.paged import gathered_attention_decode, paged_attention_decode
from kvviz.kernels.numpy.textbook import textbook_attention
from kvviz.kernels.records import kernels, on_page
from kvviz.units import KiB
from tests.kernels.attention_oracle import randn

BARE = ("param", "panel", "bokeh", "typer", "rich", "pandas", "torch", "triton", "matplotlib")


def allocate(count):
    held = np.zeros(count, np.uint8)
    again = held.copy()
    del held
    return again


def test_the_peak_is_all_that_is_held_at_once():
    result = measure_performance(allocate, 3_000_000)
    assert result.peak_bytes == pytest.approx(6_000_000, rel=0.01)
    assert result.output_bytes == 3_000_000
    assert result.peak_method == "tracemalloc"
    assert 0 < result.seconds_minimum <= result.seconds_median
    assert result.repeats >= 3
    assert (result.flops, result.error, result.predicted_bytes) == (None, None, None)


def test_flops_of_full_and_causal_attention_by_hand():
    q, k, v = Prefill(256, 64, 4, 2).inputs()
    named = {"Q": q, "K": k, "V": v}
    full = 4 * 4 * 256 * 256 * 64  # two products, 2 a multiply-add, of 4 heads
    assert kernels()["standard"].cost(named).flops == full
    assert kernels()["standard"].cost(named | {"causal": True}).flops == full
    causal = kernels()["flash"].cost(named | {"causal": True, "block_m": 64, "block_n": 64})
    assert causal.flops == full * (1 + 2 + 3 + 4) / 16  # tiles on or below the diagonal
    blocks = kernels()["paged"].cost(named | {"causal": True, "block_size": 64})
    assert blocks.flops == causal.flops


def test_a_decode_step_reads_its_pages_once():
    inputs = Decode(2, 100, 8, 4, 2, 16).inputs()
    names = ("q", "k_cache", "v_cache", "block_table", "seq_lens")
    cost = kernels()["paged_decode"].cost(dict(zip(names, inputs, strict=True)))
    pages = 2 * 7 * 16 * 2 * 8 * 4 * 2  # sequences, pages, tokens, heads, d, bytes, K and V
    assert cost.bytes_moved == pages + 2 * (2 * 4 * 8 * 4)
    assert cost.flops == 4 * 2 * 100 * 4 * 8


def test_a_step_over_latents_by_hand():
    q, rope, table = np.ones((2, 4, 8), "f"), np.ones((2, 4, 2), "f"), np.zeros((2, 3), int)
    cache, w_uk, w_uv = np.ones((7, 4, 8), "f"), np.ones((4, 8, 6), "f"), np.ones((4, 5, 6), "f")
    cost = cost_of(mla_decode, q, rope, cache, w_uk, w_uv, table, np.array([5, 9]))
    scores = 4 * (5 + 9)
    assert cost.scores == scores
    assert cost.flops == 2 * scores * (6 + 2 + 6) + 2 * 2 * 4 * (8 * 6 + 6 * 5)
    read = 5 * 4 * 8 + q.size + rope.size + w_uk.size + w_uv.size  # pages, and all the rest once
    assert cost.bytes_moved == 4 * (read + 2 * 4 * 5)
    assert cost.peak_bytes is None


def test_only_kernels_on_their_own_inputs_have_a_cost():
    assert cost_of(np.add, 1, 2) is None
    assert cost_of(lambda q, k, v: q, *Prefill(8, 4, 1, 1).inputs()) is None
    step = partial(paged_attention_decode, window=3)
    inputs = Decode(1, 20, 8, 2, 1, 4).inputs()
    assert cost_of(step, *inputs).scores == 2 * 3
    assert cost_of(step, *inputs) == Call("it", step, inputs).the_cost()


def test_every_kernel_that_is_listed_can_be_loaded():
    extras = [name for name in ("torch", "triton") if find_spec(name)]
    for kernel in kernels().values():
        for backend in kernel.backends:
            if backend.library in ("numpy", *extras):
                found = loaded(backend.function)
                assert callable(found)
                assert path(found) == backend.path
                assert all(
                    callable(loaded(each)) for each in (backend.arguments, backend.peak) if each
                )
        assert f"\n{kernel.name} " in listing()


@pytest.mark.parametrize(
    ("kernel", "rest"),
    [
        (textbook_attention, ()),
        (standard_attention, ()),
        (paged_attention, (128,)),
        (flash_attention, ()),
    ],
)
def test_formulas_predict_the_peak(kernel, rest):
    inputs = Prefill(1024, 64, 4, 4).inputs()
    (result,) = measure([Call("it", kernel, (*inputs, *rest))], seconds=0)
    assert result.bytes_difference == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize(("n", "heads", "block"), [(256, 1, 512), (256, 1, 32), (1024, 2, 128)])
@pytest.mark.parametrize(
    ("kernel", "sizes"),
    [
        (standard_attention, ()),
        (paged_attention, ("block_size",)),
        (flash_attention, ("block_m", "block_n")),
    ],
)
def test_formulas_predict_the_peak_with_masks(kernel, sizes, n, heads, block):
    """Of few scores the masks are a large part."""
    inputs, settings = Prefill(n, 16, heads, heads).inputs(), dict.fromkeys(sizes, block)
    call = Call("it", kernel, inputs, settings | {"causal": True})
    (result,) = measure([call], seconds=0)
    assert result.bytes_difference == pytest.approx(0, abs=0.12)


@pytest.mark.parametrize(
    "tile", [(20, 20), (20, 32), (32, 20), (32, 32), (64, 24), (256, 512)], ids=str
)
@pytest.mark.parametrize(("n", "heads", "d"), [(100, 1, 64), (150, 2, 64), (512, 2, 128)])
@pytest.mark.parametrize("causal", [False, True])
def test_formulas_count_every_array_of_small_tiles(causal, n, heads, d, tile):
    """What is left are Python's own objects, which tracemalloc sees too."""
    inputs = Prefill(n, d, heads, heads).inputs(np.float64)
    sides = dict(zip(("block_m", "block_n"), tile, strict=True))
    call = Call("it", flash_attention, inputs, {**sides, "causal": causal})
    (result,) = measure([call], seconds=0)
    assert 0 < result.peak_bytes - result.predicted_bytes < 9 * KiB


@pytest.mark.parametrize("tile", [(20, 20), (64, 24), (256, 512)], ids=str)
@pytest.mark.parametrize("masks", [{}, {"window": 40}, {"causal": True, "window": 40}], ids=str)
@pytest.mark.parametrize(("n", "keys", "width"), [(500, 64, 16), (64, 500, 64), (300, 300, 128)])
def test_formulas_count_tiles_of_any_shape(n, keys, width, masks, tile):
    arrays = randn(4, n, 64), randn(2, keys, 64), randn(2, keys, width)
    call = Call(
        "it", flash_attention, arrays, dict(zip(("block_m", "block_n"), tile, strict=True)) | masks
    )
    (result,) = measure([call], seconds=0)
    assert abs(result.peak_bytes - result.predicted_bytes) < 10 * KiB


def test_copies_in_float32_have_no_formula():
    inputs = Prefill(128, 16, 1, 1).inputs(np.float16)
    assert Call("it", flash_attention, inputs).the_cost().peak_bytes is None


@pytest.mark.parametrize("kernel", [paged_attention_decode, gathered_attention_decode])
def test_formulas_predict_the_peak_of_decoding(kernel):
    (result,) = measure([Call("it", kernel, Decode(2, 4096, 64, 8, 2, 16).inputs())], seconds=0)
    assert result.bytes_difference == pytest.approx(0, abs=0.1)


def test_flash_holds_a_three_hundredth_of_standard():
    inputs = Prefill(2048, 64, 1, 1).inputs()
    calls = [Call(f.__name__, f, inputs) for f in (standard_attention, flash_attention)]
    standard, flash = (r.peak_bytes - r.output_bytes for r in measure(calls, seconds=0))
    assert standard > 15 * flash  # 300 × at n 8,192: the one grows with n², the other not


def test_a_sum_of_parts_or_the_larger_of_two():
    cost = kernels()["standard"].cost(dict(zip("QKV", Prefill(64, 16, 1, 1).inputs(), strict=True)))
    bound = Rates(copy_bytes_s=1e9, read_bytes_s=2e9, gemm_flops=1e9)
    assert predicted_seconds(cost, bound) == max(cost.flops / 1e9, cost.bytes_moved / 2e9)
    parts = replace(bound, fresh_bytes_s=1e6, products={"wide": 1e8}, scores={"wide": 1e-8})
    expected = cost.flops / 1e8 + cost.scores * 1e-8 + cost.fresh_bytes / 1e6
    assert predicted_seconds(cost, parts) == pytest.approx(expected)


def test_errors_are_against_the_reference():
    q, k, v = (randn(2, 50, 8, seed=seed) for seed in range(3))
    exact = standard_attention(*(array.astype(np.float64) for array in (q, k, v)))
    calls = [
        Call("right", flash_attention, (q, k, v), reference=exact),
        Call("wrong", lambda: 1.01 * exact, reference=exact),
    ]
    right, wrong = measure(calls, seconds=0)
    assert right.error < 2e-6
    assert wrong.error == pytest.approx(0.01)


def test_each_step_has_its_own_peak():
    def steps():
        for size in (1_000_000, 4_000_000, 2_000_000):
            held = np.zeros(size, np.uint8)
            del held
            yield

    assert [peak for _, peak in step_peaks(steps())] == pytest.approx([1e6, 4e6, 2e6], rel=0.05)


def test_torch_is_measured_too():
    torch = pytest.importorskip("torch")
    ops = pytest.importorskip("kvviz.kernels.torch.ops")
    q, k, v = (torch.randn(1, 2, 512, 32) for _ in range(3))
    result = measure_performance(ops.standard_attention, q, k, v)
    assert result.peak_method == "torch profiler"
    assert 2 < result.peak_bytes / (2 * 512**2 * 4) < 2.3  # two copies of the scores
    assert result.flops == 4 * 2 * 512**2 * 32


def test_a_request_beyond_the_limits_is_refused_before_it_runs():
    assert not Request().refusal()
    large = Request(n=8192, heads=32)
    assert "over the limit of 1 GiB" in large.refusal()
    held = {name: large.cost(line).peak_bytes for name, line in large.lines().items()}
    assert held["standard"] > MOST_BYTES > held["flash"]
    slow = replace(large, kernels=("flash",), d=256)
    assert "TFLOP, over the limit of 1.0" in slow.refusal()
    assert "No kernel is chosen" in Request(kernels=()).refusal()
    with pytest.raises(ValueError, match="Standard would hold"):
        compare(large)


def test_a_kernel_that_is_not_written_for_a_device_is_refused(monkeypatch):
    numpy_alone = replace(kernels()["standard"], backends=kernels()["standard"].backends[:1])
    page = {**on_page(), "alone": replace(numpy_alone, name="alone", label="Alone")}
    monkeypatch.setattr("kvviz.kernels.measuring.compare.on_page", lambda: page)
    assert not Request(kernels=("alone",)).refusal()
    assert Request("torch", kernels=("alone",)).refusal() == "Alone is not written for CPU, PyTorch"


def test_lengths_beside_n_are_shorter_than_it():
    result = compare(Request(n=256, d=16, heads=1, block=512, kernels=("flash",)))
    assert [point["n"] for point in result["scaling"]["Flash tiles"]] == [32, 64, 128]


def test_a_request_counts_the_scores_that_torch_holds_twice():
    """As much is refused as is really held: eager attention has weights beside its scores."""
    request = Request(n=8192, d=32, heads=3, kernels=("standard",))
    assert not request.refusal()
    assert "Standard would hold 1.6" in replace(request, device="torch").refusal()
    torch = pytest.importorskip("torch")
    ops = pytest.importorskip("kvviz.kernels.torch.ops")
    inputs = [torch.from_numpy(array)[None] for array in Prefill(1024, 32, 2, 2).inputs()]
    performance = measure([Call("eager", ops.standard_attention, inputs, {"causal": True})])[0]
    scores = 2 * 1024**2 * 4
    assert performance.peak_bytes == pytest.approx(2 * scores + 2 * 1024**2, rel=0.05)


def test_a_comparison_holds_all_that_the_page_shows():
    told = []
    request = Request(n=256, d=16, heads=2, block=64)
    result = compare(request, lambda doing, share: told.append(share))
    rows = {row["name"]: row for row in result["groups"][0]["rows"]}
    assert list(rows) == ["Standard", "Paged", "Flash tiles"]
    assert all(row["error"] < 2e-6 for row in rows.values())
    assert told == sorted(told)
    assert np.sum(result["pattern"], axis=1) == pytest.approx(1, abs=1e-3)
    assert {len(series) for series in result["blocks"].values()} == {4}
    assert max(result["blocks"]["paged"]) == pytest.approx(rows["Paged"]["peak_bytes"], rel=0.05)
    assert [point["n"] for point in result["scaling"]["Standard"]] == [64, 128]
    assert json.loads(json.dumps(result))["request"]["n"] == 256


def test_recordings_say_where_when_and_how():
    found = recordings()
    assert {"report", "page"} <= {recording["preset"] for recording in found}
    for recording in found:
        assert recording["device"]
        assert recording["date"].startswith("20")
        assert recording["command"].startswith("kvviz kernels --preset ")
        for group in recording["groups"]:
            errors = [row["error"] for row in group["rows"] if row["error"] is not None]
            assert errors


SMALL = """
from kvviz.kernels.measuring import machine, measure, presets
from kvviz.kernels.measuring.inputs import Decode, Prefill
machine.GEMM, machine.BIG, measure.MOST_REPEATS = 64, 2**20, 1
presets.PREFILLS, presets.HELD = (Prefill(96, 16, 2, 2),), Prefill(256, 16, 2, 2)
presets.DECODED, presets.QUANTIZED = Decode(2, 40, 16, 4, 2, 8), Decode(1, 40, 16, 4, 2, 8)
"""


def bare(*arguments, before=""):
    """Run the presets in a process where only NumPy can be imported."""
    program = (
        "import sys, runpy; sys.argv[0] = 'kernels'\n"
        f"for name in {BARE!r}: sys.modules[name] = None\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name: None if name in {BARE!r} else find(name)\n"
        f"import os; os.execve = lambda *words: None\n{before}\n"
        "runpy.run_module('kvviz.kernels', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_the_older_report_runs_on_a_bare_machine(tmp_path):
    done = bare("--preset", "report", "--out", str(tmp_path / "out.json"))
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    rows = [{row["name"]: row for row in group["rows"]} for group in result["groups"]]
    mib = [{name: row["peak_bytes"] / 2**20 for name, row in group.items()} for group in rows]
    assert mib[0]["standard, as written"] == pytest.approx(0.293, abs=0.003)
    assert mib[0]["paged, as written"] == pytest.approx(0.123, abs=0.003)
    assert mib[1]["standard, as written"] == pytest.approx(0.580, abs=0.005)
    saved = 1 - mib[1]["local blocks, as written"] / mib[1]["standard, as written"]
    assert saved == pytest.approx(0.787, abs=0.005)
    assert rows[0]["paged, as written"]["error"] > 1
    assert rows[0]["paged, exact"]["error"] < 1e-15
    assert "78.7%" in done.stdout


def test_every_preset_runs_on_a_bare_machine(tmp_path):
    done = bare("--preset", "all", "--out", str(tmp_path / "out.json"), before=SMALL)
    assert done.returncode == 0, done.stderr
    groups = json.loads((tmp_path / "out.json").read_text())["groups"]
    starts = (
        "The older",
        "What its",
        "Prefill",
        "Decode",
        "Peak memory in",
        "KV quant",
        "KV quant",
    )
    assert all(g["title"].startswith(start) for g, start in zip(groups, starts, strict=True))
    rows = [row for group in groups[2:5] for row in group["rows"]]
    assert [row["name"] for row in rows[:3]] == [
        *("NumPy standard", "NumPy paged (blocks of queries)", "NumPy flash")
    ]
    assert all(row["error"] < 1e-6 for row in rows)
    assert all(row["predicted_bytes"] and row["flops"] for row in rows)
    assert all(row["predicted_seconds"] for group in groups[:4] for row in group["rows"])
    assert [row["peak_multiple"] > 1 for row in groups[4]["rows"][:2]] == [True, True]
    assert groups[5]["rows"][0]["error"] < 1e-6 < groups[5]["rows"][-1]["error"] < 0.3
    assert all(title in done.stdout for title in (group["title"] for group in groups))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "memory", "--plot", "x.png"], "preset 'memory' has no plots"),
        (["--plot", "x.svg"], "expected a name that ends in .png"),
        (["--plot", "x.png"], "a .png needs matplotlib: install kvviz[plot]"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(arguments, words):
    done = bare(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
