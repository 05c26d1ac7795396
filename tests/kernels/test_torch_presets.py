"""The presets with PyTorch here: its kernels beside NumPy's, with their errors and predictions."""

from functools import partial
from importlib.util import find_spec

import pytest

from kvviz.kernels.measuring import machine, measure, presets
from kvviz.kernels.measuring.call import preset_calls
from kvviz.kernels.measuring.compare import Request, compare
from kvviz.kernels.measuring.inputs import Decode, Prefill
from kvviz.kernels.measuring.table import text
from kvviz.kernels.records import kernels

torch = pytest.importorskip("torch")
torch_measure = pytest.importorskip("kvviz.kernels.measuring.torch_measure")
torch_presets = pytest.importorskip("kvviz.kernels.measuring.torch_presets")
cpp = pytest.importorskip("kvviz.kernels.torch.cpp")


COMPILED = ("flex", "flex_decode")  # takes longer than all the rest, and has a test of its own


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Measure small shapes once, on a machine whose rates are seen in a moment."""
    monkeypatch.setattr(measure, "MOST_REPEATS", 1)
    for module in (machine, torch_measure):
        monkeypatch.setattr(module, "GEMM", 64)
    monkeypatch.setattr(machine, "BIG", 2**20)
    monkeypatch.setattr(torch_measure, "MiB", 1024)
    monkeypatch.setattr(presets, "PREFILLS", (Prefill(256, 16, 2, 2),))
    monkeypatch.setattr(presets, "HELD", Prefill(256, 16, 2, 2))
    monkeypatch.setattr(presets, "DECODED", Decode(2, 256, 16, 4, 2, 16))
    monkeypatch.setattr(torch_presets, "preset_calls", partial(preset_calls, without=COMPILED))


def rows(result, number):
    return {row["name"]: row for row in result["groups"][number]["rows"]}


def test_prefill_sets_torch_beside_numpy():
    result = presets.run("prefill")
    assert [group["title"][-5:] for group in result["groups"]] == ["NumPy", "torch"]
    found = rows(result, 1)
    assert list(found)[:2] == ["torch eager", "torch SDPA flash"]
    for row in found.values():
        assert row["error"] < 2e-6
        assert row["flops"] == 4 * 2 * 256**2 * 16
        assert row["predicted_seconds"] > 0
    assert found["torch eager"]["bytes_difference"] == pytest.approx(0, abs=0.05)
    assert "torch eager" in text(result)


def test_decode_reads_pages_and_what_has_none():
    result = presets.run("decode")
    found, notes = rows(result, 1), result["groups"][1]["notes"]
    without = cpp.obstacle(*[torch.zeros(1)] * 3)
    first = [] if without else ["torch paged, C++"]
    assert list(found)[: len(first) + 2] == [*first, "torch paged tiles", "torch gather, then SDPA"]
    assert {"torch SDPA, contiguous", "torch SDPA, contiguous, heads folded"} <= set(found)
    assert all(row["error"] < 2e-6 for row in found.values())
    assert len({row["flops"] for row in found.values()}) == 1
    assert all("heads of a KV head as its queries" in note for note in notes[: len(first) + 1])
    assert any("is left out" in note for note in notes) == bool(without)


def test_a_kernel_that_does_not_run_here_is_left_out(monkeypatch):
    monkeypatch.setattr(cpp, "obstacle", lambda *_: "there is no compiler")
    result = presets.run("decode")
    assert "torch paged, C++" not in rows(result, 1)
    assert "torch paged, C++, is left out: there is no compiler." in result["groups"][1]["notes"]


def test_memory_in_every_dtype_with_a_causal_line_without_reference():
    result = presets.run("memory")
    assert [group["title"].rpartition(", ")[0][-4:] for group in result["groups"][1:]] == [
        *("fp32", "fp16", "bf16")
    ]
    found = rows(result, 1)
    assert list(found)[:4] == [kernels()[name].label for name in WAYS]
    assert found["SDPA math, causal"]["error"] is None
    assert found["SDPA math"]["error"] < 2e-6
    assert found["SDPA math, causal"]["flops"] < found["SDPA math"]["flops"]


WAYS = ("one_line", "named", "in_place", "hugging_face")


def test_the_page_runs_with_torch_in_bf16():
    request = Request("torch", 128, 16, 2, 32, ("standard", "paged", "flash"), "bf16")
    result = compare(request)
    found = rows(result, 0)
    assert list(found) == ["Standard", "Paged", "Flash tiles"]
    assert all(0 < row["error"] < 1e-2 for row in found.values())
    assert result["blocks"] == {}


@pytest.mark.skipif(not find_spec("triton"), reason="Triton is not here")
def test_on_a_gpu_triton_comes_before_torch():
    lines = Request("cuda").lines()
    assert {name: line.backend.library for name, line in lines.items()} == {
        "standard": "torch",
        "paged": "torch",
        "flash": "triton",
    }
