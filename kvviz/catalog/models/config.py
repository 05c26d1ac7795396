"""From a Hugging Face ``config.json`` to a model's facts, exact or an error that says why not."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kvviz.catalog.models.draft import Draft
from kvviz.catalog.models.families import families, towers
from kvviz.catalog.models.fields import Config, ConfigError, shown
from kvviz.catalog.models.model import Model
from kvviz.catalog.models.storage import SIDECAR
from kvviz.catalog.names import nearest

__all__ = ["ConfigError", "model_from_config", "read_config"]

MAX_BYTES: Final = 10_000_000
OLD_SIDECARS: Final = ("quantize_config.json", "quant_config.json")
MAX_DEPTH: Final = 100
# A string is taken whole, closed or not, so that no bracket inside it counts.
TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def read_config(source: Path | bytes | str) -> dict[str, Any]:
    """Read a config file.

    Args:
        source: a path, or the file's contents as bytes or text. A path is read with the sidecar
            of its quantization, which is put under the key ``hf_quant_config``: a file
            ``hf_quant_config.json`` in its folder, or ``NAME.hf_quant_config.json`` beside
            ``NAME.json``.

    Raises:
        ConfigError: over 10 MB, not UTF-8, not JSON, nested over 100 deep, or not an object.
        OSError: the path cannot be read.
    """
    config = _object(source, "config")
    sidecar = _sidecar(source) if isinstance(source, Path) else None
    if sidecar is not None:
        config[SIDECAR] = _object(sidecar, f"file {sidecar.name}")
    elif isinstance(source, Path) and "quantization_config" not in config:
        _refuse_old(source)
    return config


def _refuse_old(path: Path) -> None:
    """Refuse a config beside which AutoGPTQ or AutoAWQ once kept their settings."""
    for name in OLD_SIDECARS:
        if path.with_name(name).is_file():
            need = "'quantization_config' in the config instead"
            raise ConfigError(f"The file {name} beside the config is not read, expected {need}.")


def _sidecar(path: Path) -> Path | None:
    """Return the file beside a config that holds its quantization, None where there is none."""
    beside = (path.with_name(f"{path.stem}.{SIDECAR}.json"), path.with_name(f"{SIDECAR}.json"))
    return next((file for file in beside if file.is_file() and file != path), None)


def _object(source: Path | bytes | str, what: str) -> dict[str, Any]:
    """Return the JSON object that a file holds; messages call the file `what`."""
    text = _text(source, what)
    if _too_deep(text):
        raise ConfigError(f"The {what} is nested too deep, expected at most {MAX_DEPTH} levels.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"The {what} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ConfigError(f"The {what} holds {shown(found)}, expected a JSON object.")
    return found


def model_from_config(config: Mapping[str, Any] | Path, name: str = "", source: str = "") -> Model:
    """Return a model's facts from its config.

    Args:
        config: the parsed ``config.json``, or its path; a multimodal one is read for its text
            model. A sidecar ``hf_quant_config.json`` is found beside a path, and may stand under
            the key ``hf_quant_config``.
        name: catalog name; the config's own where it is empty.
        source: where the config comes from.

    Raises:
        ConfigError: an unknown family, or a key that is missing, wrong or contradictory.
    """
    if isinstance(config, Path):
        source = source or str(config)
        config = read_config(config)
    model_type, fields = _text_model(config)
    family = families()[model_type]
    draft = family.read(fields)
    _check_quantized(draft)
    rotary = family.rotary(fields, draft.context, draft.layers) if family.rotary else 0
    return Model(
        name=name or _own_name(config) or model_type,
        family=model_type,
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
        rotary_values=rotary,
        cache_dtype=draft.storage.cache,
        tower_parameters=_tower_parameters(config, draft.hidden),
    )


def _check_quantized(draft: Draft) -> None:
    """Refuse a quantization whose names are none of the model's, which would read as the base."""
    groups, base = draft.weights.groups(), draft.storage.base
    if draft.storage.rules and all(group.dtype == base for group in groups if group.linear):
        inside = draft.config.section("quantization_config") is not None
        key = "quantization_config" if inside else SIDECAR
        need = "names of its modules"
        raise ConfigError(f"Config key '{key}' covers no matrix of the model, expected {need}.")


def _text_model(config: Mapping[str, Any]) -> tuple[str, Config]:
    """Return the family's name and the fields of the text model, which a multimodal file nests."""
    if not isinstance(config, Mapping):
        raise ConfigError(f"The config is {shown(config)}, expected a JSON object.")
    whole = Config(config)
    inner = whole.section("text_config")
    if inner is None:
        model_type = _model_type(whole)
        return model_type, Config(config, aliases=families()[model_type].keys)
    model_type = _model_type(inner if inner.has("model_type") else whole)
    fields = Config(inner.values, config, families()[model_type].keys, "text_config.")
    fields.note("parameters and weights are of the text model, without its vision tower")
    return model_type, fields


def _model_type(config: Config) -> str:
    """Return the config's ``model_type`` as the name of a known family."""
    found = config.text("model_type")
    if found is None:
        raise config.missing("model_type", "the name of a family such as llama")
    name = found.removesuffix("_text")
    if name not in families():
        close = ", ".join(nearest(found, families(), limit=5))
        raise config.wrong("model_type", found, f"a known family; the nearest are {close}")
    return name


def _tower_parameters(config: Mapping[str, Any], hidden: int) -> int | None:
    """Return the parameters of a config's vision tower with its projector.

    0 where the file has no tower, None where its kind is not known. `hidden` is the width of the
    text model.
    """
    whole = Config(config)
    vision = whole.section("vision_config")
    if vision is None:
        return 0
    kind = str(vision.values.get("model_type") or whole.values.get("model_type") or "")
    counted = towers().get(kind)
    return None if counted is None else counted(vision, hidden)


def _own_name(config: Mapping[str, Any]) -> str:
    """Return the name that a config gives itself, if it does."""
    found = config.get("_name_or_path")
    return found if isinstance(found, str) else ""


def _text(source: Path | bytes | str, what: str) -> str:
    """Return a file's text, without reading more of it than the limit."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    if len(source) > MAX_BYTES:
        raise ConfigError(f"The {what} is larger than {MAX_BYTES // 10**6} MB, the limit.")
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"The {what} is not text in UTF-8.") from None


def _too_deep(text: str) -> bool:
    """Tell whether brackets nest too deep, without the recursion that a parser needs."""
    depth = 0
    for found in TOKENS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_DEPTH:
            return True
    return False
