"""The shipped catalog of GPUs, read from ``gpus.csv``, where every row names its source."""

import csv
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.names import find_named, plain

SAME_MEMORY: Final = 0.03  # of CUDA's total, between readings of one GPU

_RATES: Final = frozenset(
    ("bandwidth_gb_s", "l2_mb", "fp16_tflops", "fp8_tflops", "fp32_tflops", "link_gb_s")
)
_TEXTS: Final = frozenset(
    ("name", "vendor", "architecture", "memory_type", "site_kind", "form_factor", "source", "notes")
)


@cache
def gpus() -> tuple[Gpu, ...]:
    """Return every GPU of the catalog, in its order."""
    path = Path(__file__).with_name("gpus.csv")
    with path.open(encoding="utf-8", newline="") as rows:
        return tuple(_gpu(row) for row in csv.DictReader(rows))


def gpu_names() -> tuple[str, ...]:
    """Return the names of all GPUs of the catalog, in its order."""
    return tuple(gpu.name for gpu in gpus())


@lru_cache(maxsize=1024)
def find_gpu(name: str) -> Gpu:
    """Return the GPU a name means: its catalog name, or a short name that no other GPU has.

    Raises:
        UnknownName: the catalog has no such GPU; it names the nearest.
    """
    same_short = [gpu for gpu in gpus() if plain(gpu.short_name) == plain(name)]
    if len(same_short) == 1:
        return same_short[0]
    return find_named(name, {gpu.name: gpu for gpu in gpus()}, "GPU")


def gpu_of_device(device: str, total_bytes: int) -> Gpu | None:
    """Return the GPU that a driver's name and CUDA's total of bytes mean, None where none or two.

    Drivers write ``NVIDIA H100 80GB HBM3`` for what the catalog calls ``H100 SXM5 80GB``: the words
    of the short name and the memory must agree, and of several the one with most words in common
    is meant.
    """
    words = _words(device)
    same = [
        (len(words & _words(f"{gpu.name} {gpu.memory_type}")), gpu)
        for gpu in gpus()
        if _words(gpu.short_name) <= words
        and abs(gpu.cuda_bytes - total_bytes) < SAME_MEMORY * total_bytes
    ]
    best = max((score for score, _ in same), default=0)
    named = [gpu for score, gpu in same if score == best]
    return named[0] if len(named) == 1 else None


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", name.casefold()))


def _gpu(row: dict[str, str]) -> Gpu:
    return Gpu(**{field: _value(field, text) for field, text in row.items()})


def _value(field: str, text: str) -> Any:
    """Return what a cell of the table says; an empty figure is unknown."""
    if field == "unverified":
        return frozenset(text.split(";")) - {""}
    if field in _TEXTS:
        return text
    number = float if field in _RATES else int
    return number(text) if text else None
