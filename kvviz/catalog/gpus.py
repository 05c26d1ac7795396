"""The shipped catalog of GPUs, read from ``gpus.csv``, where every row names its source."""

import csv
from functools import cache
from pathlib import Path
from typing import Any, Final

from kvviz.catalog.gpu import Gpu
from kvviz.catalog.names import find_named, plain

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


def find_gpu(name: str) -> Gpu:
    """Return the GPU a name means: its catalog name, or a short name that no other GPU has.

    Raises:
        UnknownName: the catalog has no such GPU; it names the nearest.
    """
    same_short = [gpu for gpu in gpus() if plain(gpu.short_name) == plain(name)]
    if len(same_short) == 1:
        return same_short[0]
    return find_named(name, {gpu.name: gpu for gpu in gpus()}, "GPU")


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
