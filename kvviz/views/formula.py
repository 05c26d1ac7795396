"""The KV cache's formula with the scenario's own numbers, as MathML (no font, no script)."""

from collections import Counter

from kvviz.catalog.model import Layer, Model
from kvviz.memory.kv import kv_width, layer_bytes
from kvviz.scenario import Scenario
from kvviz.units import size
from kvviz.views.html import live


def formula(scenario: Scenario) -> str:
    """Return the card: the formula, its numbers, and the efficiency."""
    model = scenario.the_model
    number = kv_width(scenario, model)
    title = "KV cache size" if scenario.paged else "KV cache size, reserved in advance"
    kinds = Counter(layer for layer in model.layers if layer.cached_values)
    lines = "".join(f"<p>{_line(layer, n, number)}</p>" for layer, n in kinds.items())
    if not kinds:
        return f"<h2>{title}</h2><p>No layer keeps its tokens: the state does not grow.</p>"
    return f"""<h2>{title}</h2>{_symbols(scenario, model)}{lines}
      <p>{live("tokens", "count")} tokens in use: {live("kv_used", "gib")} GiB</p>
      <math><mi>η</mi><mo>=</mo>{_fraction("KV used", "KV allocated")}<mo>=</mo>
      <mfrac>{_number("kv_used", "gib")}{_number("kv_allocated", "gib")}</mfrac><mo>=</mo>
      {_number("efficiency", "percent")}</math>"""


def _symbols(scenario: Scenario, model: Model) -> str:
    latent = any(layer.attention == "mla" for layer in model.layers)
    per_token = (
        f"<mi>L</mi><mo>(</mo>{_sub('d', 'c')}<mo>+</mo>{_sub('d', 'r')}<mo>)</mo><mi>b</mi>"
        if latent
        else f"<mn>2</mn><mi>L</mi>{_sub('H', 'kv')}<mi>d</mi><mi>b</mi>"
    )
    over = "<mo>∑</mo>" + (_sub("n", "i") if scenario.paged else _sub("r", "i"))
    if scenario.batching == "static":
        over = "<mi>B</mi><mo>·</mo>" + _sub("n", "max")
    return f"<math>{_sub('M', 'KV')}<mo>=</mo>{per_token}<mo>·</mo>{over}</math>"


def _line(layer: Layer, count: int, number: int) -> str:
    added = size(count * layer_bytes(layer, number))
    kind = {"sliding": f", {layer.window:,}-token window" if layer.window else ""}
    kind["chunked"] = f", {layer.window:,}-token chunks" if layer.window else ""
    if layer.attention == "mla":
        product = f"{count} · {layer.cached_values} · {number} B"
        if layer.index_bytes:
            product += f" + {count} · {layer.index_bytes} B"
    else:
        heads, both = layer.kv_heads, layer.cached_values // max(1, layer.kv_heads * layer.head_dim)
        product = f"{both} · {count} · {heads} · {layer.head_dim} · {number} B"
    return f"{product} = <b>{added}</b> a token{kind.get(layer.attention, '')}"


def _sub(symbol: str, index: str) -> str:
    return f"<msub><mi>{symbol}</mi><mi>{index}</mi></msub>"


def _fraction(top: str, bottom: str) -> str:
    return f"<mfrac><mtext>{top}</mtext><mtext>{bottom}</mtext></mfrac>"


def _number(name: str, unit: str) -> str:
    return f'<mn data-live="{name}" data-unit="{unit}"></mn>'
