"""A stand-in for a Hopper GPU: kernels are launched as ever, compiled for sm_90, and not run."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("torch")
triton = pytest.importorskip("triton")

from triton.backends import nvidia  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.runtime.jit import JITFunction  # noqa: E402

REGISTERS, SHARED_BYTES = 65_536, 233_472  # of an H100 multiprocessor
RESERVED_BYTES = 1024  # of shared memory, by the driver, for every program


class Compiled(NamedTuple):
    """One kernel as the assembler left it."""

    name: str
    grid: tuple
    registers: int  # of a thread
    spilled: int  # bytes of stack and local memory of a thread
    shared: int  # bytes
    warps: int
    ptx: str

    @property
    def resident(self):
        """How many programs a multiprocessor holds; registers go to warps in units of 256."""
        a_warp = -(-self.registers * 32 // 256) * 256
        by_registers = REGISTERS // (a_warp * self.warps)
        return min(by_registers, SHARED_BYTES // (self.shared + RESERVED_BYTES))


class _Driver:
    def get_current_device(self):
        return "sm_90 without a GPU"

    def get_current_stream(self, device=None):
        return 0

    def get_current_target(self):
        return GPUTarget("cuda", 90, 32)


@pytest.fixture
def compiled(monkeypatch):
    """Return a list that every launched kernel is added to; tensors may be of the meta device."""
    seen = []
    run = JITFunction.run

    def compile_only(function, *args, grid, warmup, **kwargs):
        kernel = run(function, *args, grid=grid, warmup=True, **kwargs)
        seen.append(_compiled(function.fn.__name__, grid, kernel))

    monkeypatch.setattr(JITFunction, "run", compile_only)
    monkeypatch.setattr(triton.runtime.driver, "_active", _Driver())
    return seen


def _compiled(name, grid, kernel):
    tool = Path(nvidia.__file__).with_name("bin") / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as binary:
        binary.write(kernel.asm["cubin"])
        binary.flush()
        words = [tool, "-res-usage", binary.name]
        report = subprocess.run(words, capture_output=True, text=True, check=True, timeout=600)
    found = re.search(r"REG:(\d+) STACK:(\d+).* LOCAL:(\d+)", report.stdout)
    registers, stack, local = map(int, found.groups())
    meta = kernel.metadata
    return Compiled(
        name, grid, registers, stack + local, meta.shared, meta.num_warps, kernel.asm["ptx"]
    )
