"""How checkpoints of each quantization method but ModelOpt's store their matrices."""

import re
from typing import Final

from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.patterns import Names
from kvviz.catalog.models.stored import WIDTHS, Rule, Storage, cache_of_scheme, grouped, refuse

MIXES: Final = ("quant_algo", "moe_quant_algo", "quantized_layers", "config_groups")
"""Keys by which a file of one method stores some layers by another."""
PARTS: Final = ("extra_config", "modules_in_block_to_quantize", "inside_layer_modules")
"""Keys by which GPTQ and AutoRound treat some modules in their own way."""
QUARK: Final = {"fp8_e4m3": "fp8", "int8": "int8", "int4": "int4", "uint4": "int4", "fp4": "fp4"}
QUARK_PARTS: Final = ("layer_quant_config", "layer_type_quant_config", "kv_cache_quant_config")
MAX_RULES: Final = 1_000


def fp8(settings: Config, base: str) -> Storage:
    """Read block or channel fp8 as DeepSeek, MiniMax and Llama-405B ship it."""
    refuse(settings, MIXES)
    listed = settings.words("modules_to_not_convert") + settings.words("ignored_layers")
    kept = Names(listed, "quantization_config.modules_to_not_convert")
    return Storage(base, ((None, "fp8"),), kept, frozenset({"router", "head"}))


def mxfp4(settings: Config, base: str) -> Storage:
    """Read mxfp4 as gpt-oss ships it: expert matrices only."""
    refuse(settings, MIXES)
    listed = settings.words("modules_to_not_convert")
    kept = Names(listed, "quantization_config.modules_to_not_convert")
    return Storage(base, ((None, "mxfp4"),), kept, only="experts")


def compressed(settings: Config, base: str) -> Storage:
    """Read compressed-tensors: groups of targets, and the names they ignore.

    A checkpoint whose KV cache alone is quantized has no group.
    """
    sparse = settings.section("sparsity_config")
    if sparse is not None and sparse.text("format") not in (None, "dense"):
        raise sparse.wrong("format", sparse.text("format"), "dense")
    cache = cache_of_scheme(settings)
    groups = settings.section("config_groups")
    only_cache = cache and groups is not None and not groups.values
    rules = () if only_cache else compressed_rules(settings)
    kept = Names(settings.words("ignore"), "quantization_config.ignore")
    return Storage(base, rules, kept, cache=cache)


def compressed_rules(settings: Config) -> tuple[Rule, ...]:
    """Return the modules that each of ``config_groups`` covers, with their dtype."""
    groups = settings.section("config_groups")
    if groups is None or not groups.values:
        raise settings.missing("config_groups", "an object with at least one group")
    found = (groups.section(str(key)) for key in groups.values)
    return tuple((_targets(group), weights_dtype(group)) for group in found if group is not None)


def _targets(group: Config) -> Names | None:
    """Return the modules a group covers; None for every linear one."""
    targets = group.words("targets")
    for name in targets:
        if name != "Linear" and re.fullmatch(r"[A-Z]\w*", name):
            raise group.wrong("targets", name, "Linear or names of modules")
    return None if "Linear" in targets else Names(targets, group.prefix + "targets")


def weights_dtype(group: Config) -> str:
    """Return the dtype of a group's weights."""
    weights = group.section("weights")
    if weights is None:
        raise group.missing("weights", "an object with num_bits and type")
    kind, bits = weights.text("type") or "int", weights.whole("num_bits", high=32)
    if (kind, bits) not in WIDTHS:
        known = ", ".join(f"{bits}-bit {kind}" for kind, bits in WIDTHS)
        raise weights.wrong("num_bits", bits, f"one of {known} (the type is {kind!r})")
    by_row = weights.text("strategy") in ("channel", "tensor")
    return WIDTHS[kind, bits] if bits == 8 else grouped(weights, WIDTHS[kind, bits], by_row)


def gptq(settings: Config, base: str) -> Storage:
    """Read GPTQ, AWQ or AutoRound: the layers' matrices, not the router, the head if it says so."""
    refuse(settings, PARTS)
    if settings.text("data_type") not in (None, "int"):
        raise settings.wrong("data_type", settings.text("data_type"), "int")
    dtype = _integer(settings, settings)
    key = "modules_to_not_convert"
    kept = Names(settings.words(key), settings.prefix + key)
    head = frozenset[str]() if settings.flag("lm_head", False) else frozenset({"head"})
    rules = (*_dynamic(settings, base), (None, dtype))
    return Storage(base, rules, kept, head | {"router"})


def _integer(settings: Config, default: Config) -> str:
    """Return the dtype of whole numbers, whose bits and group size may be the file's `default`."""
    keys = ("bits", "group_size")
    values = {key: settings.values.get(key, default.values.get(key)) for key in keys}
    found = Config(values, prefix=settings.prefix)
    bits = found.whole("bits", high=32)
    if ("int", bits) not in WIDTHS:
        raise found.wrong("bits", bits, "4 or 8")
    return "int8" if bits == 8 else grouped(found, "int4")


def _dynamic(settings: Config, base: str) -> list[Rule]:
    """Return GPTQModel's overrides by pattern: ``-:`` leaves alone, ``+:`` or nothing changes.

    The first that matches from a name's start counts, as in vLLM's ``get_dynamic_override``.
    """
    dynamic, rules = settings.section("dynamic"), list[Rule]()
    if dynamic is None:
        return rules
    if len(dynamic.values) > MAX_RULES:
        raise settings.wrong("dynamic", dynamic.values, f"at most {MAX_RULES:,} patterns")
    for key in dynamic.values:
        names = Names(["re:" + key.removeprefix("+:").removeprefix("-:")], dynamic.prefix + key)
        override = dynamic.section(key)
        left = key.startswith("-:") or override is None
        rules.append((names, base if left or override is None else _integer(override, settings)))
    return rules


def quark(settings: Config, base: str) -> Storage:
    """Read AMD Quark with one setting for all layers: fp8, int8, int4, or fp4 by 32 (mxfp4)."""
    refuse(settings, QUARK_PARTS)
    export = settings.section("export")
    if export is not None:
        refuse(export, ("kv_cache_group",))
    whole = settings.section("global_quant_config")
    weight = None if whole is None else whole.section("weight")
    if weight is None:
        raise settings.missing("global_quant_config.weight", "an object with a dtype")
    kept = Names(settings.words("exclude"), settings.prefix + "exclude")
    return Storage(base, ((None, _quark_dtype(weight)),), kept)


def _quark_dtype(weight: Config) -> str:
    """Return the dtype that Quark's weights have."""
    name = weight.text("dtype")
    if name not in QUARK:
        raise weight.wrong("dtype", name, f"one of {', '.join(QUARK)}")
    if QUARK[name] not in ("int4", "fp4"):
        return QUARK[name]
    weight.whole("group_size")
    return grouped(weight, QUARK[name])


def bitsandbytes(settings: Config, base: str) -> Storage:
    """Read bitsandbytes, which covers every linear matrix but the head."""
    eight, four = settings.flag("load_in_8bit", False), settings.flag("load_in_4bit", False)
    if eight == four:
        raise settings.wrong("load_in_4bit", four, f"{not eight}, as load_in_8bit is {eight}")
    kept = Names(settings.words("llm_int8_skip_modules"), settings.prefix + "llm_int8_skip_modules")
    four_bit = "nf4" if settings.flag("bnb_4bit_use_double_quant", False) else "bnb4"
    return Storage(base, ((None, "int8" if eight else four_bit),), kept, frozenset({"head"}))
