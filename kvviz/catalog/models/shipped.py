"""The models that ship with kvviz, read when one is asked for."""

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypedDict

from kvviz.catalog.models.config import model_from_config
from kvviz.catalog.models.model import Model
from kvviz.catalog.names import find_named


class Entry(TypedDict):
    """One shipped model: its name, where its config comes from, and the keys that are read."""

    name: str
    source: str
    config: dict[str, Any]


def models() -> tuple[Model, ...]:
    """Return every shipped model, in the order of the catalog."""
    return tuple(_model(name) for name in model_names())


def model_names() -> tuple[str, ...]:
    """Return the names of the shipped models without building any."""
    return tuple(_entries())


@lru_cache(maxsize=1024)
def find_model(name: str) -> Model:
    """Return the shipped model that a name means.

    Args:
        name: such as ``meta-llama/Llama-3.1-8B``; case and punctuation do not matter, nor does
            the part before the slash where the rest is unique.

    Raises:
        UnknownName: no shipped model goes by that name, or several do.
    """
    return _model(find_named(name, _entries(), "model")["name"])


@cache
def _entries() -> dict[str, Entry]:
    """Return the shipped entries by name."""
    text = Path(__file__).with_name("models.json").read_text(encoding="utf-8")
    entries: list[Entry] = json.loads(text)
    return {entry["name"]: entry for entry in entries}


@cache
def _model(name: str) -> Model:
    """Build a shipped model, once."""
    entry = _entries()[name]
    return model_from_config(entry["config"], name, entry["source"])
