"""Paged decode in C++ on a CPU, compiled for this machine when it is first asked for."""

import os
import platform
import shlex
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import torch
from torch import Tensor

from kvviz.kernels.cpu import cpu_instructions

SOURCE: Final = Path(__file__).with_name("paged_decode.cpp")
DTYPES: Final = (torch.float32, torch.float16, torch.bfloat16)
SECONDS: Final = 300  # that a compiler may take; it takes about six


def decode_states(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    block_table: Tensor,
    seq_lens: Tensor,
    *,
    scale: float,
    window: int | None,
    part: int,
) -> tuple[Tensor, Tensor]:
    """Return the attention to each part of every sequence, and its log-sum-exp, in float32.

    Only where `obstacle` finds none.

    Args:
        q: (batch, heads, d), float32, float16 or bfloat16.
        k_cache: (blocks, block size, KV heads, d), the dtype of `q`.
        v_cache: (blocks, block size, KV heads, d of V), the dtype of `q`.
        block_table: (batch, max blocks) integers; none is checked.
        seq_lens: (batch,) integers; none is checked.
        scale: factor of the scores.
        window: only the last so many tokens.
        part: tokens of a part, a multiple of the block size.

    Returns:
        (parts, batch, heads, d of V) and (parts, batch, heads); zeros and -inf where a sequence has
        no token.
    """
    longest = max(seq_lens.tolist(), default=0)
    shape = (count_parts(longest, window, k_cache.shape[1], part), *q.shape[:2])
    outputs = q.new_zeros((*shape, v_cache.shape[-1]), dtype=torch.float32)
    lse = q.new_full(shape, -torch.inf, dtype=torch.float32)
    table, lengths = (x.to(torch.int32).contiguous() for x in (block_table, seq_lens))
    torch.ops.kvviz.paged_decode(
        *(q.contiguous(), k_cache, v_cache, table, lengths),
        *(scale, min(window or longest, longest), part, outputs, lse),
    )
    return outputs, lse


def count_parts(longest: int, window: int | None, block_size: int, part: int) -> int:
    """Return how many parts of `part` tokens the longest sequence has, from a page's start on."""
    seen = longest if window is None else min(longest, window + block_size)
    return -(-seen // part)


def obstacle(q: Tensor, k_cache: Tensor, v_cache: Tensor) -> str | None:
    """Return why C++ does not decode these here, None if it does; compiles it the first time."""
    if q.device.type != "cpu":
        return f"q is on {q.device}, expected the CPU"
    if q.dtype not in DTYPES:
        return f"q is {q.dtype}, expected torch.float32, torch.float16 or torch.bfloat16"
    if torch.is_grad_enabled() and any(x.requires_grad for x in (q, k_cache, v_cache)):
        return "an input requires a gradient, which this kernel does not compute"
    for name, cached in (("k_cache", k_cache), ("v_cache", v_cache)):
        if cached.stride(-1) != 1 and cached.shape[-1] > 1:
            return f"{name} has a head's numbers {cached.stride(-1)} apart, expected side by side"
    return _unloaded()


@cache
def _unloaded() -> str | None:
    """Load the compiled operator; return why that cannot be, None once it is."""
    if hasattr(torch.ops.kvviz, "paged_decode"):
        return None  # a second library of the same operator would end the process
    name, *options = shlex.split(os.environ.get("CXX", "")) or ["c++"]
    compiler = shutil.which(name)
    if compiler is None:
        return f"there is no C++ compiler {name} here; CXX can name another"
    try:
        torch.ops.load_library(_compiled([compiler, *options]))  # type: ignore[no-untyped-call]
    except subprocess.TimeoutExpired:
        return f"{name} took more than {SECONDS} s over {SOURCE.name}"
    except subprocess.CalledProcessError as failed:
        errors = [line.strip() for line in failed.stderr.splitlines() if "error" in line]
        told = errors[0] if errors else f"it ended with status {failed.returncode}"
        return f"{name} did not compile {SOURCE.name}: {told}"
    except OSError as failed:
        return f"{SOURCE.name} could not be kept or loaded: {failed.__cause__ or failed}"
    return None


def _compiled(compiler: list[str]) -> Path:
    """Return the operator's library, compiled unless it is there from an earlier run.

    It lies where torch keeps its own extensions, under all that its code depends on. Processes may
    compile at the same time: each does so in a folder of its own and moves the library in whole.
    """
    command = [*compiler, *_flags(), "-o"]
    facts = (
        command,
        SOURCE.read_text(),
        torch.__version__,
        cpu_instructions() or platform.processor(),
    )
    library = _home() / f"paged_decode_{sha256(repr(facts).encode()).hexdigest()[:16]}.so"
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / library.name
            _run([*command, str(made)])
            made.replace(library)
    return library


def _run(command: list[str]) -> None:
    subprocess.run(
        command, check=True, timeout=SECONDS, capture_output=True, text=True, errors="replace"
    )


def _flags() -> list[str]:
    vectors = torch.backends.cpu.get_cpu_capability()  # as torch's own kernels here
    home = Path(torch.__file__).parent
    return [
        *("-std=c++20", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"),
        *(f"-DCPU_CAPABILITY={vectors}", f"-DCPU_CAPABILITY_{vectors}"),
        f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}",
        *(f"-I{home / 'include'}", f"-I{home / 'include/torch/csrc/api/include'}"),
        *(f"-L{home / 'lib'}", str(SOURCE), "-lc10", "-ltorch_cpu"),  # libraries after their users
    ]


def _home() -> Path:
    """Return where compiled operators are kept: among torch's own, as its extensions are."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(
        os.environ.get("TORCH_EXTENSIONS_DIR") or Path(caches) / "torch_extensions", "kvviz"
    )
