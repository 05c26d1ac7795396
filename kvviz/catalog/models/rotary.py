"""Tables of cosines and sines that an engine keeps beside the weights, one for each rotary kind."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer

VIDEO: Final = 4  # positions of a multimodal table for each of the model's, for long videos
LONGER: Final = ("linear", "dynamic")  # tables as long as the stretched context
EXTENDED: Final = ("yarn", "deepseek_yarn")


def rotary_values(config: Config, context: int, layers: Sequence[Layer]) -> int:
    """Return the numbers in all rotary tables, whole on every GPU, in the base dtype.

    As vLLM builds them (``model_executor/layers/rotary_embedding``): one number for each position
    and rotated dimension; linear scaling multiplies the positions by its factor, YaRN's table is
    as long as its original context times the factor, LongRoPE keeps a short and a long table.

    Args:
        config: the text model's config.
        context: ``max_position_embeddings``.
        layers: the model's layers, for the width of a head of each sort.

    Raises:
        ConfigError: a rotary setting of the wrong type.
    """
    widths = {f"{layer.attention}_attention": layer.head_dim for layer in layers if layer.kv_heads}
    if not widths:
        return 0
    some = next(iter(widths.values()))
    tables = {
        _positions(rope, context) * rotated(config, widths.get(sort, some), rope)
        for sort, rope in _sorts(config)
    }
    return sum(tables)


def _sorts(config: Config) -> Iterator[tuple[str, Config | None]]:
    """Yield every sort of layers with its settings: one for all of them, or one each."""
    rope = _rope(config)
    sorts = [] if rope is None else [s for s in rope.values if str(s).endswith("_attention")]
    if rope is not None and sorts:
        yield from ((sort, rope.section(sort)) for sort in sorts)
        return
    yield "full_attention", rope


def is_stretched(config: Config) -> bool:
    """Tell whether linear scaling makes the table longer for all sorts of layers."""
    rope = _rope(config)
    return rope is not None and _type(rope) in LONGER


def rotated(config: Config, width: int, rope: Config | None = None) -> int:
    """Return the dimensions of a head of `width` that are rotated, with a sort's own settings."""
    for key in ("qk_rope_head_dim", "rotary_dim"):
        if config.has(key):
            return config.whole(key)
    share = _number(rope, "partial_rotary_factor") or _number(config, "partial_rotary_factor")
    return round(width * (share or 1))


def _rope(config: Config) -> Config | None:
    return config.section("rope_parameters") or config.section("rope_scaling")


def _positions(rope: Config | None, context: int) -> int:
    if rope is None:
        return context
    kind, factor = _type(rope), _number(rope, "factor") or 1
    original = rope.whole_or("original_max_position_embeddings", context)
    if "mrope_section" in rope.values:
        return VIDEO * context
    if kind in LONGER:
        return round(context * factor)
    if kind in EXTENDED:
        return max(context, round(original * factor))
    return context + original if kind == "longrope" else context


def _type(rope: Config) -> str:
    return str(rope.values.get("rope_type") or rope.values.get("type") or "default")


def _number(settings: Config | None, key: str) -> float | None:
    found: Any = None if settings is None else settings.values.get(key)
    if settings is None or found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= 1e6:
        raise settings.wrong(key, found, "a number above 0")
    return float(found)
