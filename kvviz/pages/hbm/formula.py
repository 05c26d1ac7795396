"""The KV cache's formula with the scenario's own numbers, as MathML (no font, no script)."""

from collections import Counter

from kvviz.catalog.models.model import Layer
from kvviz.engines.planning import served_model
from kvviz.memory.kv import kv_width
from kvviz.memory.shard import Shard, fullest_shard
from kvviz.pages.kit.html import live, many
from kvviz.settings.scenario import Scenario
from kvviz.shards.cache import layer_bytes
from kvviz.units import size


def formula(scenario: Scenario, shard: Shard | None = None) -> str:
    """Return the card: the formula, its numbers, and the efficiency.

    Args:
        scenario: the model, and how its caches are kept.
        shard: what the fullest GPU holds of the model, where that is known already.
    """
    model = served_model(scenario)
    kinds = Counter(layer for layer in model.layers if layer.cached_values)
    if not kinds:
        return "<h2>KV cache</h2><p>No layer caches tokens: the recurrent state does not grow.</p>"
    number, limited = kv_width(scenario, model), any(layer.window for layer in kinds)
    lines = "".join(f"<p>{_line(layer, n, number, limited)}</p>" for layer, n in kinds.items())
    return f"""<h2>{_title(scenario)}</h2>{_symbols(scenario, list(kinds))}{lines}
      {_split(scenario, shard)}
      <p>{live("tokens", "count")} tokens in use: {live("kv_used", "amount")}</p>
      <p title="computed: KV used / KV allocated">
      <math><mi>η</mi><mo>=</mo>{_fraction("KV used", "allocated")}<mo>=</mo>
      <mfrac>{_number("kv_used", "gib")}{_number("kv_allocated", "gib")}</mfrac>
      <mspace width=".28em"/>{_number("efficiency", "equals")}</math></p>"""


def _split(scenario: Scenario, shard: Shard | None) -> str:
    """Return what one GPU of several keeps of a token: its layers, and at least one KV head."""
    gpus = scenario.tp * scenario.pp
    if gpus == 1:
        return ""
    added = sum(count for _, count in (shard or fullest_shard(scenario)).token_bytes)
    heads = max((layer.kv_heads for layer in served_model(scenario).layers), default=0)
    copies = scenario.tp // heads if 0 < heads < scenario.tp else 1
    twice = f", every KV head on {copies} GPUs" if copies > 1 else ""
    told = f'<b title="computed">{size(added)}</b>/token{twice}'
    return f"<p>on one of {gpus} GPUs: {told}</p>"


def _title(scenario: Scenario) -> str:
    if not scenario.paged:
        return "KV cache, reserved in advance"
    return "KV cache in use" if _in_use(scenario) else "KV cache, padded to the longest"


def _in_use(scenario: Scenario) -> bool:
    """Whether the symbols are those of the tokens in use, not of all that is allocated."""
    return scenario.paged and scenario.batching == "continuous"


def _symbols(scenario: Scenario, kinds: list[Layer]) -> str:
    """Return the formula: in one line, or with its longer parts in lines below it."""
    several, limited = len(kinds) > 1, any(layer.window for layer in kinds)
    k = "k" if several else ""
    apart = several or kinds[0].attention == "mla"
    places = _places(scenario, _sub("w", k) if limited else "")
    token = f"{_sub('L', k)}{_sub('m', k)}" if apart else _per_token(kinds[0], "<mi>L</mi>")
    tokens = _sub("t", k) if several or limited else places
    total = f"{'<munder><mo>∑</mo><mi>k</mi></munder>' if several else ''}{token}<mo>·</mo>{tokens}"
    lines = [_equation(_sub("M", "used" if _in_use(scenario) else "KV"), total)]
    if apart:
        lines.append(_of_one(kinds, k))
    if tokens != places:
        lines.append(_equation(tokens, places))
    if scenario.paged and not _in_use(scenario):
        lines.append(
            f"<p>⌈ ⌉: rounded up to whole blocks of {many(scenario.block_size, 'token')}</p>"
        )
    return "".join(lines)


def _of_one(kinds: list[Layer], k: str) -> str:
    """Return what a token takes in one layer of kind `k`, in words where they differ in form."""
    forms = {_per_token(layer, "", k) for layer in kinds}
    if len(forms) == 1:
        return _equation(_sub("m", k), forms.pop())
    return f"<p><math>{_sub('m', k)}</math> per layer, as in the lines below</p>"


def _per_token(layer: Layer, layers: str, kind: str = "") -> str:
    """Return the symbols of the bytes one token adds in `layers` layers, in one if empty."""
    if layer.attention == "mla":
        indexer = f"<mo>+</mo>{_sub('d', 'x')}" if layer.index_bytes else ""
        return f"<mo>(</mo>{_sub('d', 'c')}<mo>+</mo>{_sub('d', 'r')}<mo>)</mo><mi>b</mi>{indexer}"
    return f"<mn>2</mn>{layers}{_sub('H', kind or 'kv')}{_sub('d', kind)}<mi>b</mi>"


def _places(scenario: Scenario, window: str) -> str:
    """Return the symbols of the tokens that a layer holds, or has room for, of all sequences."""
    if scenario.batching == "continuous":
        held = _within(_sub("n" if scenario.paged else "r", "i"), window)
        return f"<mo>∑</mo>{held}"
    if scenario.paged:
        longest = _within(_sub("n", "max"), window)
        return f"<mi>B</mi><mo>·</mo><mo>⌈</mo>{longest}<mo>⌉</mo>"
    return f"<mi>B</mi><mo>·</mo>{_within(_sub('n', 'limit'), window)}"


def _within(tokens: str, window: str) -> str:
    return f"<mi>min</mi><mo>(</mo>{tokens}<mo>,</mo>{window}<mo>)</mo>" if window else tokens


def _line(layer: Layer, count: int, number: int, limited: bool) -> str:
    added = size(count * layer_bytes(layer, number))
    if layer.attention == "mla":
        product = f"{count} · {layer.cached_values} · {number} B"
        if layer.index_bytes:
            product += f" + {count} · {layer.index_bytes} B"
    else:
        product = f"2 · {count} · {layer.kv_heads} · {layer.head_dim} · {number} B"
    return (
        f'<span title="from the model’s config, in bytes of the chosen dtype">{product}</span>'
        f' = <b title="computed">{added}</b>/token{_reach(layer, limited)}'
    )


def _reach(layer: Layer, limited: bool) -> str:
    """Return how many tokens a layer of this kind holds, where some hold not all."""
    if layer.window:
        what = "chunks" if layer.attention == "chunked" else "window"
        return f", {layer.window:,}-token {what}"
    return ", all tokens" if limited else ""


def _sub(symbol: str, index: str) -> str:
    if not index:
        return f"<mi>{symbol}</mi>"
    return f"<msub><mi>{symbol}</mi><mi>{index}</mi></msub>"


def _equation(left: str, right: str) -> str:
    return f"<math>{left}<mo>=</mo>{right}</math>"


def _fraction(top: str, bottom: str) -> str:
    return f"<mfrac><mtext>{top}</mtext><mtext>{bottom}</mtext></mfrac>"


def _number(name: str, unit: str) -> str:
    return f'<mn data-live="{name}" data-unit="{unit}"></mn>'
