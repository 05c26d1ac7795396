"""Typed reading of a ``config.json``: every wrong value is one sentence that names its key."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

BOUNDS: Final = {
    "hidden_size": 10**6,
    "num_hidden_layers": 2_000,
    "vocab_size": 10**8,
    "max_position_embeddings": 10**9,
    "sliding_window": 10**9,
    "attention_chunk_size": 10**9,
    "num_attention_heads": 10**5,
    "num_key_value_heads": 10**5,
    "head_dim": 10**5,
    "num_experts": 10**5,
    "num_local_experts": 10**5,
    "n_routed_experts": 10**5,
}
"""Largest values believed, far above any real model's; other counts stop at 10**7."""


class ConfigError(ValueError):
    """A config that cannot be read exactly; one sentence names the key, the value, the need."""


def shown(value: object) -> str:
    """Spell a value found in a config, cut to what fits one sentence."""
    try:
        text = repr(value) if not isinstance(value, (list, dict, tuple)) else _outline(value)
    except ValueError:
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _outline(value: list[Any] | dict[Any, Any] | tuple[Any, ...]) -> str:
    """Describe a container by its size; nested ones may be deep and long."""
    kind = "an object" if isinstance(value, dict) else "a list"
    return f"{kind} of {len(value)}"


class Config:
    """One object of a config file, read key by key.

    Args:
        values: the object.
        outer: the object around it, asked for keys that apply to the whole file.
        aliases: a family's own names of common keys, as GPT-2's ``n_embd`` for ``hidden_size``.
        prefix: how messages name the object's keys, such as ``quantization_config.``.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        outer: Mapping[str, Any] | None = None,
        aliases: Mapping[str, tuple[str, ...]] | None = None,
        prefix: str = "",
    ) -> None:
        self.values, self.outer = values, outer or {}
        self.aliases, self.prefix = aliases or {}, prefix
        self.notes: list[str] = []

    def has(self, key: str) -> bool:
        """Tell whether a key holds something other than null."""
        return self._found(key)[1] is not None

    def declares(self, key: str) -> bool:
        """Tell whether a key is written in the object, be it as null."""
        return key in self.values

    def whole(self, key: str, low: int = 1, high: int | None = None) -> int:
        """Return a required whole number from ``low`` to ``high`` (or the key's bound)."""
        name, value = self._found(key)
        high = BOUNDS.get(key, 10**7) if high is None else high
        need = f"a whole number from {low:,} to {high:,}"
        if value is None:
            raise self.missing(name, need)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(name, value, need)
        return value

    def whole_or(self, key: str, default: int, low: int = 1) -> int:
        """Return a whole number, or a value that follows from other keys when it is absent."""
        return self.whole(key, low) if self.has(key) else default

    def documented(self, key: str, default: int, low: int = 1) -> int:
        """Return a whole number, or the family's documented default, which is then noted."""
        if self.has(key):
            return self.whole(key, low)
        self.note(f"{self._found(key)[0]} is not in the config: {default:,}, the default")
        return default

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false, ``default`` when the key is absent."""
        name, value = self._found(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, value, "true or false")
        return value

    def text(self, key: str, choices: Iterable[str] | None = None) -> str | None:
        """Return a string, one of ``choices`` where they are given, None when absent."""
        name, value = self._found(key)
        allowed = None if choices is None else list(choices)
        need = "text" if allowed is None else f"one of {', '.join(allowed)}"
        if value is None:
            return None
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            raise self.wrong(name, value, need)
        return value

    def words(self, key: str, choices: Iterable[str] | None = None) -> list[str]:
        """Return a list of strings, each one of ``choices``; empty when absent."""
        allowed = None if choices is None else set(choices)
        found: list[str] = []
        for item in self._list(key):
            if not isinstance(item, str) or (allowed is not None and item not in allowed):
                need = "text" if allowed is None else f"one of {', '.join(sorted(allowed))}"
                raise self.wrong(f"{key}[{len(found)}]", item, need)
            found.append(item)
        return found

    def numbers(self, key: str, low: int = 0, high: int = 10**7) -> list[int]:
        """Return a list of whole numbers from ``low`` to ``high``; empty when absent."""
        found: list[int] = []
        for item in self._list(key):
            if isinstance(item, bool) or not isinstance(item, int) or not low <= item <= high:
                need = f"a whole number from {low:,} to {high:,}"
                raise self.wrong(f"{key}[{len(found)}]", item, need)
            found.append(item)
        return found

    def section(self, key: str) -> "Config | None":
        """Return a nested object, from the object around this one if need be; None if absent."""
        value = self.values.get(key)
        value = self.outer.get(key) if value is None else value
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.wrong(key, value, "an object")
        return Config(value, prefix=f"{self.prefix}{key}.")

    def per_layer(self, key: str, found: list[Any], layers: int) -> None:
        """Check that a list has one entry for each layer."""
        if len(found) != layers:
            need = f"one entry for each of the {layers} layers of num_hidden_layers"
            raise ConfigError(
                f"Config key '{self.prefix}{key}' has {len(found)} entries, not {need}."
            )

    def divides(self, small: str, divisor: int, large: str, value: int) -> None:
        """Check that the number named ``small`` divides the one named ``large``."""
        if value % divisor:
            names = self._found(small)[0], self._found(large)[0]
            raise self.wrong(names[0], divisor, f"a divisor of {names[1]} {value:,}")

    def note(self, sentence: str) -> None:
        """Keep what the reader should know, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def wrong(self, key: str, value: object, need: str) -> ConfigError:
        """Return the error of a value that is not what its key holds."""
        return ConfigError(f"Config key '{self.prefix}{key}' is {shown(value)}, expected {need}.")

    def missing(self, key: str, need: str) -> ConfigError:
        """Return the error of a required key that is absent or null."""
        return ConfigError(f"Config key '{self.prefix}{key}' is missing, expected {need}.")

    def _list(self, key: str) -> list[Any]:
        """Return a list, empty when the key is absent."""
        name, value = self._found(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, value, "a list")
        return value

    def _found(self, key: str) -> tuple[str, Any]:
        """Return the name under which a key is in the file, and its value; file-wide keys too."""
        names = (*self.aliases.get(key, ()), key)
        for name in names:
            if self.values.get(name) is not None:
                return name, self.values[name]
        return names[0], self.outer.get(key) if key in FILE_WIDE else None


FILE_WIDE: Final = frozenset({"torch_dtype", "dtype", "tie_word_embeddings"})
"""Keys that a file with a nested text model may hold outside of it."""
