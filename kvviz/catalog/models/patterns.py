"""Names of modules as quantization settings list them."""

import re

from kvviz.catalog.models.fields import ConfigError, shown


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
        return any(pattern.search(form) for pattern in self._patterns for form in _forms(module))


def _forms(module: str) -> tuple[str, ...]:
    """Return a module's name as text-only, multimodal and Nemotron checkpoints spell it."""
    inner = module.removeprefix("model.")
    wrapped = (f"language_model.{module}", f"model.language_model.{inner}")
    return (module, *wrapped, f"backbone.{inner}")


def _without_wrapper(name: str) -> str:
    """Return a module's name inside the text model, as a multimodal file would spell it."""
    for wrapper in ("model.language_model.", "language_model.", "backbone."):
        name = name.removeprefix(wrapper)
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
