"""Which model and dtypes the free text of a row means; an uncertain match is an error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from kvviz.accuracy.rows import FactsError, Untestable
from kvviz.catalog.models.config import ConfigError, model_from_config, read_config
from kvviz.catalog.models.model import Model
from kvviz.catalog.models.shipped import find_model, model_names

# How the weights are stored, and how the model was tuned: neither changes the architecture.
STORAGE_WORDS: Final = re.compile(
    r"fp8|fp4|fp16|fp32|bf16|nf4|nvfp4|mxfp4|mlx|awq|gptq|marlin|bnb|int4|int8|4bit|8bit|w\d+a\d+"
    r"|quantized|quant|dynamic|block|unsloth|g\d+|gguf|torchao|hf|autoround|kv|fp8dyn|modelopt|saved|with|load|in"
)
TUNING_WORDS: Final = re.compile(
    r"instruct|chat|it|base|coder|math|code|reranker|embedding|thinking|\d{4}|meta"
    r"|backbone|architecture|text"
)
VERSION_WORDS: Final = re.compile(r"v\d+(\.\d+)?")
HUB_FOLDER: Final = re.compile(r"models--([^/]+)--([^/]+)")  # of the hub's local cache
PARENTHESES: Final = re.compile(r"[(\[]([^)\]]*)[)\]]")
KNOWN: Final = 4096  # names whose words are cached: each row is compared with every model


@dataclass(frozen=True)
class Models:
    """The configs that names are looked up in.

    Args:
        own: models of the user's own, by name; they come first.
    """

    own: Mapping[str, Model]

    def find(self, text: str) -> Model:
        """Return the model of a row's free text.

        The text, or the part outside or inside its parentheses, is a known name; or it is one
        without the words for storage, then tuning, then version; or it ends in a known name, as
        a distilled model's does. For a path, the last folder is the name.

        Raises:
            Untestable: no config is known for it, or several with different shapes.
        """
        for name in _names(text):
            if name in self.own:
                return self.own[name]
        known = [*self.own, *(name for name in model_names() if name not in self.own)]
        for alike in (_words, _stripped, _versioned, _bare):
            for name in _names(text):
                found = [k for k in known if alike(k) == alike(name) and alike(name)]
                if found:
                    return self._one(text, found)
        for name in _names(text):
            found = [k for k in known if _ends_in(_bare(name), _bare(k))]
            if found:
                return self._one(text, found)
        raise Untestable(f"no config of {text[:60] or 'an unnamed model'} is known")

    def _one(self, text: str, names: list[str]) -> Model:
        """Return the model of these names; of several with one shape, the least quantized."""
        found = [self.own[name] if name in self.own else find_model(name) for name in names]
        if len({(m.hidden_size, len(m.layers), m.vocab_size, m.layers) for m in found}) > 1:
            raise Untestable(f"{text[:60]} could be {', '.join(names[:3])}")
        return min(found, key=lambda model: len({group.dtype for group in model.tensors}))


def read_models(folder: Path | None) -> Models:
    """Return the models of a folder of configs named ``org__model.json``, and the catalog's.

    A config of an unknown family is left out: its rows are skipped by name.

    Raises:
        FactsError: there is no such folder.
    """
    if folder is None:
        return Models({})
    if not folder.is_dir():
        raise FactsError(
            f"{str(folder)!r} is not a folder; expected a folder of org__model.json files"
        )
    own = {}
    for path in sorted(folder.glob("*.json")):
        name = path.stem.removesuffix("_config").replace("__", "/", 1)
        try:
            own[name] = model_from_config(read_config(path), name, str(path))
        except (ConfigError, OSError):
            continue
    return Models(own)


def _names(text: str) -> list[str]:
    """Return what a text may name: all of it, what is outside parentheses, what is inside."""
    hub = HUB_FOLDER.search(text)
    text = "/".join(hub.groups()) if hub else text.strip().rstrip("/")
    outside = PARENTHESES.sub(" ", text).strip()
    inside = [
        part.strip() for found in PARENTHESES.findall(text) for part in re.split("[,;]", found)
    ]
    return [name for name in dict.fromkeys([text.strip(), outside, *inside]) if name]


@lru_cache(KNOWN)
def _words(name: str) -> tuple[str, ...]:
    """Return the words of a model's name, without the organization."""
    tail = name.casefold().rsplit("/", 1)[-1].replace("quantized.", "quantized-")
    tail = re.sub(r"\b(llama|gemma|phi|falcon|qwen|glm)(?=\d)", r"\1-", tail)  # Llama2-7B
    return tuple(word for word in re.split(r"[^a-z0-9.]+", tail) if word)


@lru_cache(KNOWN)
def _stripped(name: str) -> tuple[str, ...]:
    return tuple(word for word in _words(name) if not STORAGE_WORDS.fullmatch(word))


@lru_cache(KNOWN)
def _versioned(name: str) -> tuple[str, ...]:
    return tuple(word for word in _stripped(name) if not TUNING_WORDS.fullmatch(word))


@lru_cache(KNOWN)
def _bare(name: str) -> tuple[str, ...]:
    return tuple(word for word in _versioned(name) if not VERSION_WORDS.fullmatch(word))


def _ends_in(words: tuple[str, ...], tail: tuple[str, ...]) -> bool:
    return len(tail) >= 2 and len(words) > len(tail) and words[-len(tail) :] == tail


FORMATS: Final = (  # words for quantization, and the dtype of the linear weights
    (r"mxfp4", "mxfp4"),
    (r"fp4", "nvfp4"),
    (r"mlx.*4-?bit", "mlx4"),
    (r"\b8-?bit|load_in_8bit|int8|w8a16|w8a8", "int8"),
    (r"bitsandbytes|bnb|nf4", "nf4"),
    (r"awq|gptq|int4|w4a\d+|4-?bit|autoround", "int4"),
    (r"fp8|w8afp8", "fp8"),
)


def weights_format(quantization: str, name: str, model: Model) -> str | None:
    """Return the dtype of a row's linear weights, None for the one in the model's config.

    Raises:
        Untestable: they are quantized, and neither the row nor the config says how.
    """
    own = any(group.dtype != model.dtype for group in model.tensors if group.linear)
    words = f"{quantization} {name}".casefold()
    found = next((dtype for pattern, dtype in FORMATS if re.search(pattern, words)), None)
    if found is not None:
        stored = {group.dtype for group in model.tensors if group.linear}
        return None if any(dtype.startswith(found) for dtype in stored) else found
    if quantization and not own:
        raise Untestable(f"how {quantization[:40]} stores these weights is not documented")
    return None


BASE_DTYPES: Final = {
    **dict.fromkeys(("bfloat16", "bf16"), "bf16"),
    **dict.fromkeys(("float16", "fp16", "half"), "fp16"),
    **dict.fromkeys(("float32", "fp32", "float"), "fp32"),
}


def base_dtype(text: str, model: Model) -> str:
    """Return the dtype that a row's run computes in, the model's own if the row gives none.

    Raises:
        Untestable: the dtype is not known.
    """
    plain = text.casefold().removeprefix("torch.")
    if plain in ("", "auto"):
        return model.dtype
    if plain not in BASE_DTYPES:
        raise Untestable(f"dtype {text[:40]} is not known")
    return BASE_DTYPES[plain]


def cache_dtype(text: str) -> str:
    """Return the KV dtype as settings name it, ``auto`` if the row gives none.

    Raises:
        Untestable: the KV dtype is not known.
    """
    plain = text.casefold().removeprefix("torch.")
    if plain in ("", "auto"):
        return "auto"
    if re.fullmatch(r"fp8.*|float8.*", plain):
        return "fp8"
    if re.fullmatch(r"int8.*", plain):
        return "int8"
    if plain in BASE_DTYPES:
        return BASE_DTYPES[plain]
    raise Untestable(f"KV dtype {text[:40]} is not known")
