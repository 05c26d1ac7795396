"""How a checkpoint stores each matrix: its base dtype, unless its quantization says otherwise."""

import re
from dataclasses import dataclass
from typing import Final

from kvviz.catalog.models.fields import Config, ConfigError, shown

BASE_DTYPES: Final = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "half": "fp16"}
METHODS: Final = (
    "fp8",
    "fbgemm_fp8",
    "mxfp4",
    "compressed-tensors",
    "gptq",
    "awq",
    "auto-round",
    "bitsandbytes",
    "modelopt",
)
WIDTHS: Final = {("float", 8): "fp8", ("int", 8): "int8", ("int", 4): "int4", ("float", 4): "fp4"}
GROUPED: Final = {  # 4-bit weights by the group that shares a scale; -1 is a whole row
    "int4": {128: "int4", 64: "int4g64", 32: "int4g32", -1: "int4ch"},
    "fp4": {16: "nvfp4", 32: "mxfp4"},
}


class Names:
    """Module names as quantization settings list them: whole, in part, with ``*``, or ``re:``."""

    def __init__(self, listed: list[str], key: str) -> None:
        self._plain = {_without_wrapper(name) for name in listed if not _is_pattern(name)}
        patterns = sorted({name for name in listed if _is_pattern(name)})
        if len(patterns) > 1_000:
            found = f"lists {len(patterns):,} patterns"
            raise ConfigError(f"Config key '{key}' {found}, expected at most 1,000.")
        self._patterns = [_compiled(name, key) for name in patterns]

    def match(self, module: str) -> bool:
        """Tell whether a module such as ``model.layers.0.mlp.gate`` is among the names."""
        steps = module.split(".")
        spans = ((i, j) for i in range(len(steps)) for j in range(i + 1, len(steps) + 1))
        if any(".".join(steps[i:j]) in self._plain for i, j in spans):
            return True
        forms = (module, f"language_model.{module}", f"model.language_model.{module[6:]}")
        return any(pattern.search(form) for pattern in self._patterns for form in forms)


@dataclass(frozen=True, slots=True)
class Storage:
    """Which dtype each weight has in the checkpoint.

    Args:
        base: dtype of whatever is not quantized.
        rules: names of the modules that one dtype covers (None: every linear one), in order.
        kept: modules left in the base dtype.
        kept_parts: parts left in the base dtype, whatever their names.
        only: the one part quantized, or None.
    """

    base: str
    rules: tuple[tuple[Names | None, str], ...] = ()
    kept: Names | None = None
    kept_parts: frozenset[str] = frozenset()
    only: str | None = None

    def dtype(self, part: str, module: str) -> str:
        """Return the stored dtype of a linear matrix."""
        if not self.rules or part in self.kept_parts or self.only not in (None, part):
            return self.base
        if self.kept is not None and self.kept.match(module):
            return self.base
        found = (dtype for names, dtype in self.rules if names is None or names.match(module))
        return next(found, self.base)


def read_storage(config: Config) -> Storage:
    """Read the base dtype and the ``quantization_config`` of a model.

    Raises:
        ConfigError: a dtype or a quantization that is not known exactly.
    """
    base = _base_dtype(config)
    quantization = config.section("quantization_config")
    if quantization is None:
        return Storage(base)
    method = quantization.text("quant_method")
    if method not in METHODS:
        need = f"one of {', '.join(METHODS)}"
        raise quantization.wrong("quant_method", method, need)
    return READERS[method](quantization, base)


def _base_dtype(config: Config) -> str:
    """Return the dtype that ``torch_dtype`` or ``dtype`` names; bf16, noted, where neither is."""
    for key in ("torch_dtype", "dtype"):
        name = config.text(key)
        if name is None:
            continue
        found = BASE_DTYPES.get(name.removeprefix("torch."))
        if found is None:
            raise config.wrong(key, name, f"one of {', '.join(BASE_DTYPES)}")
        return found
    config.note("no torch_dtype in the config: bf16 taken")
    return "bf16"


def _fp8(settings: Config, base: str) -> Storage:
    """Read block or channel fp8 as DeepSeek, MiniMax and Llama-405B ship it."""
    listed = settings.words("modules_to_not_convert") + settings.words("ignored_layers")
    kept = Names(listed, "quantization_config.modules_to_not_convert")
    return Storage(base, ((None, "fp8"),), kept, frozenset({"router", "head"}))


def _mxfp4(settings: Config, base: str) -> Storage:
    """Read mxfp4 as gpt-oss ships it: expert matrices only."""
    listed = settings.words("modules_to_not_convert")
    kept = Names(listed, "quantization_config.modules_to_not_convert")
    return Storage(base, ((None, "mxfp4"),), kept, only="experts")


def _compressed(settings: Config, base: str) -> Storage:
    """Read compressed-tensors: groups of targets, and the names they ignore."""
    groups = settings.section("config_groups")
    if groups is None or not groups.values:
        raise settings.missing("config_groups", "an object with at least one group")
    rules = []
    for key in groups.values:
        group = groups.section(str(key))
        if group is not None:
            rules.append((_targets(group), _width(group)))
    kept = Names(settings.words("ignore"), "quantization_config.ignore")
    return Storage(base, tuple(rules), kept)


def _targets(group: Config) -> Names | None:
    """Return the modules a group covers; None for every linear one."""
    targets = group.words("targets")
    return None if "Linear" in targets else Names(targets, group.prefix + "targets")


def _width(group: Config) -> str:
    """Return the dtype of a group's weights."""
    weights = group.section("weights")
    if weights is None:
        raise group.missing("weights", "an object with num_bits and type")
    kind, bits = weights.text("type") or "int", weights.whole("num_bits", high=32)
    if (kind, bits) not in WIDTHS:
        known = ", ".join(f"{bits}-bit {kind}" for kind, bits in WIDTHS)
        raise weights.wrong("num_bits", bits, f"one of {known} (the type is {kind!r})")
    by_row = weights.text("strategy") in ("channel", "tensor")
    return WIDTHS[kind, bits] if bits == 8 else _grouped(weights, WIDTHS[kind, bits], by_row)


def _grouped(settings: Config, dtype: str, by_row: bool = False) -> str:
    """Return the 4-bit dtype of a group size: 128 for integers and 16 for floats unless given."""
    sizes = GROUPED[dtype]
    size = settings.values.get("group_size") or (-1 if by_row else next(iter(sizes)))
    if type(size) is not int or size not in sizes:
        raise settings.wrong("group_size", size, f"one of {', '.join(map(str, sizes))}")
    return sizes[size]


def _gptq(settings: Config, base: str) -> Storage:
    """Read GPTQ, AWQ or AutoRound: the layers' matrices, not the router, the head if it says so."""
    bits = settings.whole("bits", high=32)
    if ("int", bits) not in WIDTHS:
        raise settings.wrong("bits", bits, "4 or 8")
    key = "modules_to_not_convert"
    kept = Names(settings.words(key), settings.prefix + key)
    head = frozenset[str]() if settings.flag("lm_head", False) else frozenset({"head"})
    dtype = "int8" if bits == 8 else _grouped(settings, "int4")
    return Storage(base, ((None, dtype),), kept, head | {"router"})


def _bitsandbytes(settings: Config, base: str) -> Storage:
    """Read bitsandbytes, which covers every linear matrix but the head."""
    eight, four = settings.flag("load_in_8bit", False), settings.flag("load_in_4bit", False)
    if eight == four:
        raise settings.wrong("load_in_4bit", four, f"{not eight}, as load_in_8bit is {eight}")
    kept = Names(settings.words("llm_int8_skip_modules"), settings.prefix + "llm_int8_skip_modules")
    four_bit = "nf4" if settings.flag("bnb_4bit_use_double_quant", False) else "bnb4"
    return Storage(base, ((None, "int8" if eight else four_bit),), kept, frozenset({"head"}))


def _modelopt(settings: Config, base: str) -> Storage:
    """Read ModelOpt's fp8 and nvfp4."""
    inner = settings.section("quantization") or settings
    algorithm = inner.text("quant_algo")
    if algorithm not in ("FP8", "NVFP4"):
        raise inner.wrong("quant_algo", algorithm, "FP8 or NVFP4")
    listed = inner.words("exclude_modules") + inner.words("ignore")
    kept = Names(listed, inner.prefix + "exclude_modules")
    return Storage(base, ((None, algorithm.lower()),), kept, frozenset({"router", "head"}))


READERS: Final = {
    "fp8": _fp8,
    "fbgemm_fp8": _fp8,
    "mxfp4": _mxfp4,
    "compressed-tensors": _compressed,
    "gptq": _gptq,
    "awq": _gptq,
    "auto-round": _gptq,
    "bitsandbytes": _bitsandbytes,
    "modelopt": _modelopt,
}


def _without_wrapper(name: str) -> str:
    """Return a module's name inside the text model, as a multimodal file would spell it."""
    name = name.removeprefix("model.language_model.").removeprefix("language_model.")
    return name.removesuffix(".weight")


def _is_pattern(name: str) -> bool:
    """Tell a pattern from a plain name."""
    return name.startswith("re:") or "*" in name


def _compiled(name: str, key: str) -> re.Pattern[str]:
    """Compile a pattern, refusing those whose matching could take forever."""
    if name.startswith("re:"):
        source = "^(?:" + name[3:] + ")"
    else:
        source = r"(?:^|\.)" + ".*".join(map(re.escape, name.split("*"))) + r"(?:\.|$)"
    repeats = len(re.findall(r"(?<!\\)[*+{]", source))
    nested = re.search(r"\)[*+{]", name)
    try:
        if len(name) > 300 or repeats > 5 or nested:
            raise ValueError
        return re.compile(source)
    except (re.error, ValueError, OverflowError):
        need = "a module name or a simple pattern"
        raise ConfigError(f"Config key '{key}' lists {shown(name)}, expected {need}.") from None
