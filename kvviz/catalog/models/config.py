"""From a Hugging Face ``config.json`` to a model's facts, exact or an error that says why not."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from kvviz.catalog.models.draft import Draft
from kvviz.catalog.models.families import classic, dense, gemma, hybrid, mla, moe, ssm
from kvviz.catalog.models.fields import Config, ConfigError, shown
from kvviz.catalog.models.model import Model
from kvviz.catalog.models.rotary import rotary_values
from kvviz.catalog.models.tower import tower_parameters
from kvviz.catalog.names import nearest

__all__ = ["FAMILIES", "ConfigError", "model_from_config", "read_config"]

MAX_BYTES: Final = 10_000_000
MAX_DEPTH: Final = 100
# A string is taken whole, closed or not, so that no bracket inside it counts.
TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)

FAMILIES: Final[dict[str, Callable[[Config], Draft]]] = {
    "RefinedWeb": classic.falcon,
    "cohere": classic.cohere,
    "deepseek_v2": mla.deepseek_v2,
    "deepseek_v3": mla.deepseek_v3,
    "deepseek_v32": mla.deepseek_v32,
    "falcon": classic.falcon,
    "gemma": gemma.gemma,
    "gemma2": gemma.gemma2,
    "gemma3": gemma.gemma3,
    "gemma4": gemma.gemma4,
    "glm4_moe": moe.glm4_moe,
    "gpt2": classic.gpt2,
    "gpt_oss": moe.gpt_oss,
    "gptj": classic.gptj,
    "granite": dense.llama,
    "granitemoehybrid": ssm.granite_hybrid,
    "jamba": ssm.jamba,
    "kimi_k2": mla.deepseek_v3,
    "llama": dense.llama,
    "llama4": moe.llama4,
    "minimax_m1": hybrid.minimax_m1,
    "minimax_m2": moe.minimax_m2,
    "mistral": dense.mistral,
    "mixtral": moe.mixtral,
    "nemotron_h": ssm.nemotron_h,
    "opt": classic.opt,
    "phi": classic.phi,
    "phi3": dense.phi3,
    "qwen2": dense.qwen2,
    "qwen2_5_vl": dense.qwen2,
    "qwen2_moe": moe.qwen2_moe,
    "qwen3": dense.qwen3,
    "qwen3_5": hybrid.qwen3_next,
    "qwen3_5_moe": hybrid.qwen3_next,
    "qwen3_moe": moe.qwen3_moe,
    "qwen3_next": hybrid.qwen3_next,
    "qwen3_vl": dense.qwen3,
    "qwen3_vl_moe": moe.qwen3_moe,
}
"""Each known ``model_type`` and the function that reads it."""

NAMES: Final[dict[str, Mapping[str, tuple[str, ...]]]] = {
    "gpt2": classic.GPT_NAMES,
    "gptj": classic.GPT_NAMES,
    "RefinedWeb": classic.FALCON_NAMES,
    "falcon": classic.FALCON_NAMES,
    "opt": classic.OPT_NAMES,
}
"""Families that have names of their own for common keys."""


def read_config(source: Path | bytes | str) -> dict[str, Any]:
    """Read a config file.

    Args:
        source: a path, or the file's contents as bytes or text.

    Raises:
        ConfigError: over 10 MB, not UTF-8, not JSON, nested over 100 deep, or not an object.
        OSError: the path cannot be read.
    """
    text = _text(source)
    if _too_deep(text):
        raise ConfigError(f"The config is nested too deep, expected at most {MAX_DEPTH} levels.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"The config is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ConfigError(f"The config holds {shown(found)}, expected a JSON object.")
    return found


def model_from_config(config: Mapping[str, Any], name: str = "", source: str = "") -> Model:
    """Return a model's facts from its config.

    Args:
        config: the parsed ``config.json``; a multimodal one is read for its text model.
        name: catalog name; the config's own where it is empty.
        source: where the config comes from.

    Raises:
        ConfigError: an unknown family, or a key that is missing, wrong or contradictory.
    """
    family, fields = _text_model(config)
    draft = FAMILIES[family](fields)
    return Model(
        name=name or _own_name(config) or family,
        family=family,
        dtype=draft.storage.base,
        state_dtype=draft.state_dtype,
        hidden_size=draft.hidden,
        vocab_size=draft.vocab,
        max_context=draft.context,
        layers=tuple(draft.layers),
        tensors=draft.weights.groups(),
        tied=draft.tied,
        source=source,
        notes=tuple(fields.notes),
        rotary_values=rotary_values(fields, family, draft.context, draft.layers),
        tower_parameters=tower_parameters(config, draft.hidden),
    )


def _text_model(config: Mapping[str, Any]) -> tuple[str, Config]:
    """Return the family and the fields of the text model, which a multimodal file nests."""
    if not isinstance(config, Mapping):
        raise ConfigError(f"The config is {shown(config)}, expected a JSON object.")
    whole = Config(config)
    inner = whole.section("text_config")
    if inner is None:
        family = _family(whole)
        return family, Config(config, aliases=NAMES.get(family))
    family = _family(inner if inner.has("model_type") else whole)
    prefix = "text_config."
    fields = Config(inner.values, config, NAMES.get(family), prefix)
    fields.note("parameters and weights are of the text model, without its vision tower")
    return family, fields


def _family(config: Config) -> str:
    """Return the known family that ``model_type`` names."""
    found = config.text("model_type")
    if found is None:
        raise config.missing("model_type", "the name of a family such as llama")
    family = found.removesuffix("_text")
    if family not in FAMILIES:
        close = ", ".join(nearest(found, FAMILIES, limit=5))
        raise config.wrong("model_type", found, f"a known family; the nearest are {close}")
    return family


def _own_name(config: Mapping[str, Any]) -> str:
    """Return the name that a config gives itself, if it does."""
    found = config.get("_name_or_path")
    return found if isinstance(found, str) else ""


def _text(source: Path | bytes | str) -> str:
    """Return a file's text, without reading more of it than the limit."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    if len(source) > MAX_BYTES:
        raise ConfigError(f"The config is larger than {MAX_BYTES // 10**6} MB, the most read.")
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("The config is not text in UTF-8.") from None


def _too_deep(text: str) -> bool:
    """Tell whether brackets nest too deep, without the recursion that a parser needs."""
    depth = 0
    for found in TOKENS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            return True
    return False
