"""How checkpoints of each quantization method but ModelOpt's store their matrices."""

from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.patterns import Names
from kvviz.catalog.models.stored import WIDTHS, Storage, cache_of_scheme, grouped


def fp8(settings: Config, base: str) -> Storage:
    """Read block or channel fp8 as DeepSeek, MiniMax and Llama-405B ship it."""
    listed = settings.words("modules_to_not_convert") + settings.words("ignored_layers")
    kept = Names(listed, "quantization_config.modules_to_not_convert")
    return Storage(base, ((None, "fp8"),), kept, frozenset({"router", "head"}))


def mxfp4(settings: Config, base: str) -> Storage:
    """Read mxfp4 as gpt-oss ships it: expert matrices only."""
    listed = settings.words("modules_to_not_convert")
    kept = Names(listed, "quantization_config.modules_to_not_convert")
    return Storage(base, ((None, "mxfp4"),), kept, only="experts")


def compressed(settings: Config, base: str) -> Storage:
    """Read compressed-tensors: groups of targets, and the names they ignore.

    A checkpoint whose KV cache alone is quantized has no group.
    """
    cache = cache_of_scheme(settings)
    groups = settings.section("config_groups")
    only_cache = cache and groups is not None and not groups.values
    rules = () if only_cache else compressed_rules(settings)
    kept = Names(settings.words("ignore"), "quantization_config.ignore")
    return Storage(base, rules, kept, cache=cache)


def compressed_rules(settings: Config) -> tuple[tuple[Names | None, str], ...]:
    """Return the modules that each of ``config_groups`` covers, with their dtype."""
    groups = settings.section("config_groups")
    if groups is None or not groups.values:
        raise settings.missing("config_groups", "an object with at least one group")
    found = (groups.section(str(key)) for key in groups.values)
    return tuple((_targets(group), weights_dtype(group)) for group in found if group is not None)


def _targets(group: Config) -> Names | None:
    """Return the modules a group covers; None for every linear one."""
    targets = group.words("targets")
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
    bits = settings.whole("bits", high=32)
    if ("int", bits) not in WIDTHS:
        raise settings.wrong("bits", bits, "4 or 8")
    key = "modules_to_not_convert"
    kept = Names(settings.words(key), settings.prefix + key)
    head = frozenset[str]() if settings.flag("lm_head", False) else frozenset({"head"})
    dtype = "int8" if bits == 8 else grouped(settings, "int4")
    return Storage(base, ((None, dtype),), kept, head | {"router"})


def bitsandbytes(settings: Config, base: str) -> Storage:
    """Read bitsandbytes, which covers every linear matrix but the head."""
    eight, four = settings.flag("load_in_8bit", False), settings.flag("load_in_4bit", False)
    if eight == four:
        raise settings.wrong("load_in_4bit", four, f"{not eight}, as load_in_8bit is {eight}")
    kept = Names(settings.words("llm_int8_skip_modules"), settings.prefix + "llm_int8_skip_modules")
    four_bit = "nf4" if settings.flag("bnb_4bit_use_double_quant", False) else "bnb4"
    return Storage(base, ((None, "int8" if eight else four_bit),), kept, frozenset({"head"}))
