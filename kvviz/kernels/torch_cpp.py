"""Paged decode in C++ on a CPU, compiled for this machine when it is first asked for."""

import os
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import torch
from torch import Tensor

from kvviz.kernels.provenance import cpu_name

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
    longest = int(seq_lens.max()) if len(seq_lens) else 0
    seen = longest if window is None else min(longest, window + k_cache.shape[1])
    shape = (-(-seen // part), *q.shape[:2])
    outputs = q.new_zeros((*shape, v_cache.shape[-1]), dtype=torch.float32)
    lse = q.new_full(shape, -torch.inf, dtype=torch.float32)
    table, lengths = (x.to(torch.int32).contiguous() for x in (block_table, seq_lens))
    torch.ops.kvviz.paged_decode(
        *(q.contiguous(), k_cache, v_cache, table, lengths, scale, window or longest, part),
        *(outputs, lse),
    )
    return outputs, lse


def obstacle(q: Tensor, k_cache: Tensor, v_cache: Tensor) -> str | None:
    """Return why C++ does not decode these here, None if it does; compiles it the first time."""
    if q.device.type != "cpu":
        return f"q is on {q.device}, expected the CPU"
    if q.dtype not in DTYPES:
        return f"q is {q.dtype}, expected torch.float32, torch.float16 or torch.bfloat16"
    for name, cached in (("k_cache", k_cache), ("v_cache", v_cache)):
        if cached.stride(-1) != 1 and cached.shape[-1] > 1:
            return f"{name} has a head's numbers {cached.stride(-1)} apart, expected side by side"
    return _unloaded()


@cache
def _unloaded() -> str | None:
    """Load the compiled operator; return why that cannot be, None once it is."""
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        return "there is no C++ compiler here, which CXX or the command c++ would name"
    try:
        torch.ops.load_library(_compiled(compiler))  # type: ignore[no-untyped-call]
    except subprocess.SubprocessError as failed:
        told = str(getattr(failed, "stderr", None) or failed).splitlines()
        errors = [line for line in told if "error" in line] or told
        return f"{compiler} did not compile {SOURCE.name}: {errors[0].strip()}"
    except OSError as failed:
        return f"{SOURCE.name} could not be kept or loaded: {failed.__cause__ or failed}"
    return None


def _compiled(compiler: str) -> Path:
    """Return the operator's library, compiled unless it is there from an earlier run.

    It lies where torch keeps its own extensions, under all that its code depends on. Processes may
    compile at the same time: each does so in a folder of its own and moves the library in whole.
    """
    command = [compiler, *_flags(), "-o"]
    facts = (command, SOURCE.read_text(), torch.__version__, cpu_name())
    home = Path(os.environ.get("TORCH_EXTENSIONS_DIR") or _home())
    library = home / "kvviz" / f"paged_decode_{sha256(repr(facts).encode()).hexdigest()[:16]}.so"
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / library.name
            subprocess.run(
                [*command, str(made)], check=True, capture_output=True, text=True, timeout=SECONDS
            )
            made.replace(library)
    return library


def _home() -> str:
    from torch.utils.cpp_extension import get_default_build_root  # takes a while to import

    return str(get_default_build_root())


def _flags() -> list[str]:
    from torch.utils.cpp_extension import include_paths, library_paths

    vectors = torch.backends.cpu.get_cpu_capability()  # as torch's own kernels here
    return [
        *("-std=c++20", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"),
        *(f"-DCPU_CAPABILITY={vectors}", f"-DCPU_CAPABILITY_{vectors}"),
        *(f"-I{path}" for path in include_paths()),
        *(f"-L{path}" for path in library_paths()),
        *(str(SOURCE), "-lc10", "-ltorch_cpu"),  # libraries after what uses them
    ]
