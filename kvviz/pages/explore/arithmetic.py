"""How the chosen pair's number is computed: the formula, its numbers and the result, as MathML."""

from html import escape

from kvviz.catalog.measured.efficiency import KNEE
from kvviz.engines.planning import plan
from kvviz.engines.registry import find_engine
from kvviz.memory import estimate
from kvviz.pages.explore.details import Pair, number, why_invalid
from kvviz.pages.kit.html import many, share
from kvviz.units import GB, GiB, gib, size

FLOOR = ("<mo>⌊</mo>", "<mo>⌋</mo>")


def arithmetic(pair: Pair) -> str:
    """Return the card of the chosen pair's arithmetic."""
    if not pair.valid:
        return f"<h2>How this number is computed</h2><p>{escape(why_invalid(pair))}.</p>"
    return f"<h2>How this number is computed</h2>{FOUND[pair.session.metric](pair)}"


def _sequences(pair: Pair) -> str:
    figures = pair.figures
    if find_engine(pair.workload.mode).assumes:
        return _blocks(pair)
    left = int(figures["capacity_bytes"]) - int(figures["per_gpu_weights"])
    symbols = _floor(_fraction("<mi>C</mi><mo>−</mo><mi>W</mi>", _words("one sequence")))
    numbers = _floor(
        _fraction(
            f"{_gib(pair, 'capacity_bytes')}<mo>−</mo>{_gib(pair, 'per_gpu_weights')}",
            _mn(_short_gib(pair.each)),
        )
    )
    return _math(
        "<mi>N</mi>",
        symbols,
        numbers,
        _floor(_mn(f"{left / pair.each:,.2f}")),
        _mn(f"{max(0, left // pair.each):,}"),
    ) + _one(pair)


def _blocks(pair: Pair) -> str:
    """Return the arithmetic of an engine: what it leaves for the KV cache, in whole blocks."""
    figures, layout = pair.figures, plan(pair.workload.deployment).layout
    taken = "<mo>−</mo>".join(
        _gib(pair, name) for name in ("capacity_bytes", "per_gpu_weights", "per_gpu_overhead")
    )
    budget = _math(
        "<mi>B</mi>",
        "<mi>C</mi><mo>−</mo><mi>W</mi><mo>−</mo><mi>E</mi>",
        taken,
        _mn(f"{figures['budget_bytes'] / GiB:,.2f}"),
    )
    if layout is None:
        return budget
    blocks, each = int(figures["budget_blocks"]), pair.each / layout.bytes_per_block
    per_request = f"{each:,.2f}".removesuffix(".00")
    many_at_once = _math(
        "<mi>N</mi>",
        _floor(_fraction(_words("blocks"), _words("blocks per sequence"))),
        _floor(_fraction(_mn(f"{blocks:,}"), _mn(per_request))),
        _mn(f"{pair.value:,.0f}"),
    )
    plain = f"<p>{blocks:,} blocks of {size(layout.bytes_per_block)}</p>"
    return f"{budget}{plain}{many_at_once}"


def _one(pair: Pair) -> str:
    """Say what one sequence takes: by the layers that keep every token, and those that do not."""
    figures, context = pair.figures, pair.workload.context
    full, every = int(figures["kv_bytes_per_token"]), int(figures["kv_bytes_per_token_all_layers"])
    parts = [f"{context:,} × {size(full)}"] if full else []
    if every > full:
        parts.append(f"{size(every - full)} per token within windows")
    if figures["state_bytes_per_sequence"]:
        parts.append(f"{size(int(figures['state_bytes_per_sequence']))} of recurrent state")
    split = f", on each of {pair.workload.tp} GPUs" if pair.workload.tp > 1 else ""
    return f"<p>One sequence: {' + '.join(parts)} → {number(size(pair.each))}{split}</p>"


def _gpus(pair: Pair) -> str:
    figures, workload = pair.figures, pair.workload
    total = int(figures["total_bytes"])
    room = int(figures["capacity_bytes"]) - int(figures["per_gpu_overhead"])
    alone = _math(
        _fraction(_words("total"), _words("capacity")),
        _fraction(_mn(f"{total / GiB:,.2f}"), _mn(f"{room / GiB:,.2f}")),
        _mn(f"{total / room:,.2f}"),
    )
    by_capacity = many(int(figures["gpus_by_capacity"]), "GPU")
    t, p = int(figures["deployment_tp"]), int(figures["deployment_pp"])
    if not t:
        return f"{alone}<p>By capacity alone: {by_capacity}. Does not fit at any TP × PP.</p>"
    there = estimate(workload.replaced(tp=t, pp=p))
    one_stage = int(figures["gpus_tensor_parallel"])
    tensor = f"With tensor parallel only: {many(one_stage, 'GPU')}." if one_stage else ""
    return f"""{alone}<p>By capacity alone: {number(by_capacity, pair.kind)}. Heads and layers are
      not divided: the smallest split that fits is TP {t} × PP {p} =
      {number(many(t * p, "GPU"), pair.kind)}; its fullest GPU holds
      {number(gib(there.per_gpu["total"]), there.kinds["per_gpu"])}. {tensor}</p>"""


def _longest(pair: Pair) -> str:
    figures, workload = pair.figures, pair.workload
    full, every = int(figures["kv_bytes_per_token"]), int(figures["kv_bytes_per_token_all_layers"])
    numerator = "<mi>C</mi><mo>−</mo><mi>W</mi>" + (
        "<mo>−</mo><mi>E</mi>" if figures["per_gpu_overhead"] else ""
    )
    names = ["capacity_bytes", "per_gpu_weights"] + ["per_gpu_overhead"] * bool(
        figures["per_gpu_overhead"]
    )
    left = "<mo>−</mo>".join(_gib(pair, name) for name in names)
    says = f"in whole blocks of {workload.block_size} tokens"
    if every > full:
        says += f"; {size(every - full)} per token stops growing at the window"
    if figures["state_bytes_per_sequence"]:
        says += "; recurrent state does not grow"
    if workload.tp > 1:
        says += f"; on each of {workload.tp} GPUs"
    token = size(full or every)
    return f"""{
        _math(
            "<mi>n</mi>",
            _fraction(numerator, _words("sequences × KV per token")),
            _fraction(left, f"{_mn(str(workload.batch))}<mo>×</mo>{_words(token)}"),
            _mn(f"{pair.value:,.0f}"),
        )
    }<p>{says}</p>"""


def _rate(pair: Pair) -> str:
    figures, workload = pair.figures, pair.workload
    gpu, rate = (
        workload.the_gpu,
        number(f"{figures['tokens_per_second']:,.1f}", "assumed", workload.efficiency.source),
    )
    peak = gpu.peak_flops(workload.the_model.dtype)
    if peak is None:
        return "<p>This GPU’s 16-bit FLOP/s are not published, so there is no roofline.</p>"
    x = 1e3 * figures["decode_flops"] / (peak * workload.mfu)
    y = 1e3 * figures["decode_bytes"] / (gpu.bandwidth_gb_s * GB * workload.mbu)
    step = _math("<mi>t</mi>", _knee(), _words(f"{1e3 * figures['decode_seconds']:.3g} ms"))
    power = ""
    if pair.session.metric == "per_watt" and gpu.tdp_w:
        power = f", at {workload.tp} × {gpu.tdp_w:,} W"
    return f"""{step}<p>x: {figures["decode_flops"] / 1e12:.3g} TFLOP ÷ ({share(workload.mfu)} of
      {peak / 1e12:,.0f} TFLOP/s) = {x:.3g} ms; y: {figures["decode_bytes"] / GB:.3g} GB ÷
      ({share(workload.mbu)} of {gpu.bandwidth_gb_s:,.0f} GB/s) = {y:.3g} ms.
      {many(workload.batch, "token")} per step: {rate} tokens per second{power}</p>"""


def _knee() -> str:
    """Return how the two times make one: the larger, rounded off at the knee."""
    knee = f"<mn>{KNEE:g}</mn>"
    terms = "<mo>+</mo>".join(f"<msup><mi>{name}</mi>{knee}</msup>" for name in "xy")
    inside = f"<mrow><mo>(</mo>{terms}<mo>)</mo></mrow>"
    return f"<msup>{inside}<mrow><mn>1</mn><mo>/</mo>{knee}</mrow></msup>"


def _gib(pair: Pair, name: str) -> str:
    return _mn(f"{pair.figures[name] / GiB:,.2f}")


def _short_gib(count: int) -> str:
    return f"{count / GiB:,.2f}" if count >= GiB / 10 else f"{count / GiB:.4g}"


def _mn(text: str) -> str:
    return f"<mn>{text}</mn>"


def _words(text: str) -> str:
    return f"<mtext>{text}</mtext>"


def _fraction(top: str, bottom: str) -> str:
    return f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>"


def _floor(inside: str) -> str:
    return f"<mrow>{FLOOR[0]}{inside}{FLOOR[1]}</mrow>"


def _math(*sides: str) -> str:
    """Return equal sides, each an element of its own so that the line may break between them."""
    first, *others = sides
    parts = [first, *(f"<mo>=</mo>{side}" for side in others)]
    equal = "".join(f'<math displaystyle="true">{part}</math>' for part in parts)
    return f'<p class="steps">{equal}</p>'


FOUND = {
    "sequences": _sequences,
    "gpus": _gpus,
    "longest": _longest,
    "rate": _rate,
    "per_watt": _rate,
}
