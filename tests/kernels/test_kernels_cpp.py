"""Paged decode in C++: every head size and group, and machines on which it does not run."""

import os
import subprocess
import sys

import pytest

from tests.kernels.attention_oracle import error, randn

torch = pytest.importorskip("torch")
ops = pytest.importorskip("kvviz.kernels.torch.ops")
torch_cpp = pytest.importorskip("kvviz.kernels.torch.cpp")

BUILD = """
import torch
from kvviz.kernels.torch import cpp as torch_cpp
print(torch_cpp.obstacle(*[torch.zeros(1)] * 3))
"""
WITHOUT = """
import torch
from kvviz.kernels.torch import ops as torch_ops
q, cache, table, lengths = torch.ones(1, 2, 4), torch.ones(3, 2, 1, 4), torch.ones(1, 2), [3]
step = q, cache, cache, table.int(), torch.tensor(lengths, dtype=torch.int32)
try:
    torch_ops.paged_attention_decode(*step, backend="cpp")
except ValueError as refused:
    print(refused)
print(torch.equal(torch_ops.paged_attention_decode(*step), q))
"""


def _inputs(group=4, d=64, width=64, dtype=torch.float32):
    """Three sequences of 0, 37 and 100 tokens in pages of 8, whose caches are slices of one."""
    tokens = torch.from_numpy(randn(26, 8, 2, d + width)).to(dtype)
    table = torch.arange(39, dtype=torch.int32).flip(0).view(3, 13) % 26
    q = torch.from_numpy(randn(3, 2 * group, d, seed=1)).to(dtype)
    lengths = torch.tensor([0, 37, 100], dtype=torch.int32)
    return q, tokens[..., :d], tokens[..., d:], table, lengths


@pytest.fixture
def compiled():
    reason = torch_cpp.obstacle(*[torch.zeros(1)] * 3)
    if reason:
        pytest.skip(reason)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("group", [1, 2, 3, 7, 15, 16])
@pytest.mark.parametrize(("d", "width"), [(64, 64), (80, 16), (5, 33), (1, 1)])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 2e-6), (torch.bfloat16, 1e-2)])
def test_every_group_and_head_size_is_attended_to(group, d, width, dtype, bound):
    inputs = _inputs(group, d, width, dtype)
    exact = [x.double() if x.is_floating_point() else x for x in inputs]
    for window in (None, 20):
        out = ops.paged_attention_decode(*inputs, window=window, backend="cpp")
        expected = ops.gathered_attention_decode(*exact, window=window)
        assert error(out.double(), expected) <= bound


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("size", [1, 33, 300, 1500])
@pytest.mark.parametrize("window", [None, 1, 300, 1700, 10**9])
def test_pages_of_every_size_are_read_where_they_lie(size, window):
    table = torch.randperm(-(-3000 // size), generator=torch.Generator().manual_seed(0))[None]
    caches = [torch.from_numpy(randn(table.numel(), size, 2, 16, seed=seed)) for seed in (1, 2)]
    inputs = (torch.from_numpy(randn(1, 4, 16)), *caches, table, torch.tensor([2999]))
    expected = ops.gathered_attention_decode(
        *(x.double() if x.is_floating_point() else x for x in inputs), window=window
    )
    out = ops.paged_attention_decode(*inputs, window=window, backend="cpp")
    assert error(out, expected) <= 2e-6


@pytest.mark.usefixtures("compiled")
def test_no_sequence_is_no_output():
    q, k_cache, v_cache, table, lengths = _inputs()
    out = ops.paged_attention_decode(q[:0], k_cache, v_cache, table[:0], lengths[:0], backend="cpp")
    assert out.shape == (0, 8, 64)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_share_the_parts(threads):
    before, inputs = torch.get_num_threads(), _inputs()
    torch.set_num_threads(threads)
    try:
        out = ops.paged_attention_decode(*inputs, backend="cpp")
    finally:
        torch.set_num_threads(before)
    expected = ops.paged_attention_decode(*inputs, backend="operators")
    torch.testing.assert_close(out, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.usefixtures("compiled")
def test_what_it_cannot_read_is_one_sentence_and_left_to_the_operators():
    q, k_cache, v_cache, *pages = _inputs()
    apart = k_cache.transpose(2, 3).contiguous().transpose(2, 3)
    with pytest.raises(ValueError, match="a head's numbers 2 apart, expected side by side"):
        ops.paged_attention_decode(q, apart, v_cache, *pages, backend="cpp")
    with pytest.raises(ValueError, match=r"cpp does not run this here: q is torch\.float64"):
        ops.paged_attention_decode(
            *(x.double() for x in (q, k_cache, v_cache)), *pages, backend="cpp"
        )
    expected = ops.paged_attention_decode(q, k_cache, v_cache, *pages)
    torch.testing.assert_close(ops.paged_attention_decode(q, apart, v_cache, *pages), expected)
    with pytest.raises(ValueError, match="an input requires a gradient"):
        ops.paged_attention_decode(
            q.clone().requires_grad_(), k_cache, v_cache, *pages, backend="cpp"
        )
    with pytest.raises(ValueError, match="backend is 'fast', expected cpp or operators"):
        ops.paged_attention_decode(q, k_cache, v_cache, *pages, backend="fast")


@pytest.mark.parametrize(
    ("compiler", "told"),
    [
        ("no-such-compiler -m64", "there is no C++ compiler no-such-compiler here; CXX can name"),
        ("false", "false did not compile paged_decode.cpp: it ended with status 1"),
        ("true", "paged_decode.cpp could not be kept or loaded: "),
    ],
)
def test_without_a_compiler_the_operators_decode(compiler, told, tmp_path):
    environment = {"CXX": compiler, "TORCH_EXTENSIONS_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        **{"env": os.environ | environment, "capture_output": True, "text": True, "timeout": 600},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"backend cpp does not run this here: {told}")
    assert done.stdout.endswith("\nTrue\n")
    assert done.stdout.count("\n") == 2


@pytest.mark.usefixtures("compiled")
def test_a_compiler_may_be_named_with_its_options(tmp_path):
    environment = {"CXX": "c++ -g0", "TORCH_EXTENSIONS_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", BUILD],
        **{"env": os.environ | environment, "capture_output": True, "text": True, "timeout": 600},
    )
    assert done.stdout == "None\n", done.stdout + done.stderr


@pytest.mark.usefixtures("compiled")
def test_processes_that_compile_at_once_leave_one_whole_library(tmp_path):
    environment = os.environ | {"TORCH_EXTENSIONS_DIR": str(tmp_path)}
    command = [sys.executable, "-c", BUILD]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=600)[0].strip() for process in processes] == ["None"] * 2
    (library,) = (tmp_path / "kvviz").iterdir()
    assert library.suffix == ".so"
