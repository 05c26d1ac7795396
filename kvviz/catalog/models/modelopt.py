"""Checkpoints of NVIDIA ModelOpt: settings in ``config.json`` or in the sidecar beside it.

ModelOpt up to 0.29 writes only the sidecar ``hf_quant_config.json``; later ones write both.
"""

from typing import Final

from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.methods import compressed_rules, weights_dtype
from kvviz.catalog.models.patterns import Names
from kvviz.catalog.models.stored import (
    Rule,
    Storage,
    cache_of_algorithm,
    cache_of_scheme,
    grouped,
)

ALGORITHMS: Final = {
    "FP8": "fp8",
    "FP8_PER_CHANNEL_PER_TOKEN": "fp8",
    "FP8_PB_WO": "fp8",
    "NVFP4": "nvfp4",
    "W4A16_NVFP4": "nvfp4",
    "W4A16_AWQ": "int4",
}
NOTHING_KEPT: Final = (
    "the quantization lists no excluded module: every matrix but routers and head is quantized"
)
MIXED: Final = "MIXED_PRECISION"
KNOWN: Final = frozenset(
    {
        *("quant_method", "quant_algo", "quantization", "producer", "config_groups"),
        *("quantized_layers", "exclude_modules", "ignore", "group_size"),
        *("kv_cache_quant_algo", "kv_cache_scheme", "has_zero_point", "pre_quant_scale"),
        *("smoothquant_val", "clamp_val", "use_meta_recipe"),
    }
)


def modelopt(settings: Config, base: str) -> Storage:
    """Read ModelOpt's settings: one algorithm, or one for each layer (``MIXED_PRECISION``).

    NVFP4 has 4-bit values and an fp8 scale for each 16; the fp32 scales of a whole matrix, and
    those of FP8, a few bytes each, are not counted.
    """
    inner = settings.section("quantization") or settings
    _check(inner)
    listed = inner.words("exclude_modules") + inner.words("ignore")
    kept = Names(listed, inner.prefix + "exclude_modules")
    cache = cache_of_algorithm(inner) or cache_of_scheme(inner)
    if inner.text("quant_algo") == MIXED:
        return Storage(base, _mixed(inner), kept, cache=cache)
    if cache and not inner.has("quant_algo"):
        return Storage(base, cache=cache)
    rules = ((None, _plain(inner)),)
    parts = frozenset({"router", "head"})
    return Storage(base, rules, kept, parts, cache=cache, notes=() if listed else (NOTHING_KEPT,))


def _check(inner: Config) -> None:
    """Refuse a key that is not known, as it may change sizes."""
    for key, value in inner.values.items():
        if key not in KNOWN and value is not None:
            need = "nothing: it is not known of ModelOpt"
            raise inner.wrong(str(key), value, need)


def _plain(inner: Config) -> str:
    """Return the dtype of a checkpoint with one algorithm, checked against its groups."""
    dtype = _algorithm(inner, [*ALGORITHMS, MIXED])
    groups = {weights_dtype(group) for group in _groups(inner)}
    if groups - {dtype} and not (inner.text("quant_algo") == "W4A16_AWQ" and len(groups) == 1):
        found = ", ".join(sorted(groups))
        raise inner.wrong("config_groups", found, f"{dtype}, as quant_algo says")
    return next(iter(groups), dtype)


def _groups(inner: Config) -> list[Config]:
    """Return the groups of ``config_groups``, none where there are none."""
    groups = inner.section("config_groups")
    found = [] if groups is None else [groups.section(str(key)) for key in groups.values]
    return [group for group in found if group is not None]


def _algorithm(settings: Config, known: list[str]) -> str:
    """Return the dtype that an algorithm stores, with its group size."""
    name = settings.text("quant_algo")
    if name not in ALGORITHMS:
        raise settings.wrong("quant_algo", name, f"one of {', '.join(known)}")
    dtype = ALGORITHMS[name]
    if dtype == "nvfp4" and settings.values.get("group_size") not in (None, 16):
        raise settings.wrong("group_size", settings.values["group_size"], "16")
    return grouped(settings, "int4") if dtype == "int4" else dtype


def _mixed(inner: Config) -> tuple[Rule, ...]:
    """Return the modules of each dtype: ``quantized_layers``, or else ``config_groups``."""
    layers = inner.section("quantized_layers")
    if layers is None:
        return compressed_rules(inner)
    listed: dict[str, list[str]] = {}
    for name in layers.values:
        layer = layers.section(name) or Config({}, prefix=f"{layers.prefix}{name}.")
        listed.setdefault(_algorithm(layer, list(ALGORITHMS)), []).append(name)
    if not listed:
        raise inner.wrong("quantized_layers", {}, "at least one layer")
    return tuple((Names(names, layers.prefix), dtype) for dtype, names in listed.items())
