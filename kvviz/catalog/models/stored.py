"""What a quantization says of each matrix, and the widths that are known exactly."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.patterns import Names

WIDTHS: Final = {("float", 8): "fp8", ("int", 8): "int8", ("int", 4): "int4", ("float", 4): "fp4"}
GROUPED: Final = {  # 4-bit weights by the group that shares a scale; -1 is a whole row
    "int4": {128: "int4", 64: "int4g64", 32: "int4g32", -1: "int4ch"},
    "fp4": {16: "nvfp4", 32: "mxfp4"},
}

Rule = tuple[Names | None, str]
"""Modules, None for every linear one, and the dtype that they are stored in."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Which dtype each weight has in the checkpoint.

    Args:
        base: dtype of whatever is not quantized.
        rules: names of the modules that one dtype covers (None: every linear one), in order.
        kept: modules left in the base dtype.
        kept_parts: parts left in the base dtype, whatever their names.
        only: the one part quantized, or None.
        cache: dtype of the KV cache that the checkpoint asks for, or empty.
        notes: what the reader should know.
    """

    base: str
    rules: tuple[Rule, ...] = ()
    kept: Names | None = None
    kept_parts: frozenset[str] = frozenset()
    only: str | None = None
    cache: str = ""
    notes: tuple[str, ...] = ()

    def dtype(self, part: str, module: str) -> str:
        """Return the stored dtype of a linear matrix."""
        if not self.rules or part in self.kept_parts or self.only not in (None, part):
            return self.base
        if self.kept is not None and self.kept.match(module):
            return self.base
        found = (dtype for names, dtype in self.rules if names is None or names.match(module))
        return next(found, self.base)


def grouped(settings: Config, dtype: str, by_row: bool = False) -> str:
    """Return the 4-bit dtype of a group size: 128 for integers and 16 for floats unless given."""
    sizes = GROUPED[dtype]
    size = settings.values.get("group_size") or (-1 if by_row else next(iter(sizes)))
    if type(size) is not int or size not in sizes:
        raise settings.wrong("group_size", size, f"one of {', '.join(map(str, sizes))}")
    return sizes[size]


def refuse(settings: Config, keys: Iterable[str]) -> None:
    """Refuse keys that change sizes in a way that is not known.

    Raises:
        ConfigError: one of the keys holds something.
    """
    for key in keys:
        if settings.values.get(key):
            raise settings.wrong(key, settings.values[key], "nothing: its sizes are not known")


def cache_of_scheme(settings: Config) -> str:
    """Return the dtype of the KV cache that ``kv_cache_scheme`` asks for, empty where none.

    compressed-tensors and ModelOpt write an object, ModelOpt 0.31 the name of an algorithm.
    """
    found = settings.values.get("kv_cache_scheme")
    if found is None:
        return ""
    if isinstance(found, str):
        return _cache_of_name(settings, "kv_cache_scheme")
    scheme = settings.section("kv_cache_scheme")
    if scheme is None or (scheme.text("type"), scheme.values.get("num_bits")) != ("float", 8):
        raise settings.wrong("kv_cache_scheme", found, "8-bit float")
    return "fp8"


def cache_of_algorithm(settings: Config) -> str:
    """Return the dtype of the KV cache that ``kv_cache_quant_algo`` asks for, empty where none."""
    return _cache_of_name(settings, "kv_cache_quant_algo")


def _cache_of_name(settings: Config, key: str) -> str:
    name = settings.text(key)
    if name is not None and name.upper() != "FP8":
        raise settings.wrong(key, name, "FP8")
    return "fp8" if name else ""
