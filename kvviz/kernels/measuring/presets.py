"""The shapes that are measured by name, on NumPy and on whatever else the machine has."""

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from kvviz.kernels.measuring.call import Call, preset_calls
from kvviz.kernels.measuring.cuda import require_cuda
from kvviz.kernels.measuring.exact import decode_reference, with_reference
from kvviz.kernels.measuring.group import Group, measured_group
from kvviz.kernels.measuring.inputs import DECODE, Decode, Prefill
from kvviz.kernels.measuring.machine import numpy_rates
from kvviz.kernels.measuring.measure import Performance, Progress, quietly
from kvviz.kernels.measuring.older_report import older_report, pictures
from kvviz.kernels.measuring.provenance import provenance
from kvviz.kernels.numpy.paged import paged_attention_decode
from kvviz.kernels.numpy.quantize import SCHEMES, quantize

DEVICES: Final = ("cpu", "cuda")
PREFILLS: Final = tuple(Prefill(n, 64, 8, 8) for n in (512, 2048, 8192))
DECODED: Final = Decode(8, 8192, 64, 32, 8, 16)
HELD: Final = Prefill(2048, 64, 8, 8)
QUANTIZED: Final = Decode(2, 4096, 128, 32, 8, 128)


def run(
    preset: str, device: str = "cpu", command: str = "", progress: Progress = quietly
) -> dict[str, Any]:
    """Measure a preset; return its groups of results with their provenance, as JSON takes them.

    Arguments and errors as of `runs`, whose last result it is.
    """
    *_, result = runs(preset, device, command, progress)
    return result


def runs(
    preset: str, device: str = "cpu", command: str = "", progress: Progress = quietly
) -> Iterator[dict[str, Any]]:
    """Measure a preset; yield what there is, on a GPU after every group, at the end all.

    Args:
        preset: one of `PRESETS`.
        device: cpu or cuda.
        command: how this run can be repeated, for the record.
        progress: told what is done and the share that is finished, 0 to 1.

    Raises:
        ValueError: an unknown preset or device, or a device that is not there.
    """
    if preset not in PRESETS:
        raise ValueError(f"preset is {preset!r}, expected one of {', '.join(PRESETS)}")
    if device not in DEVICES:
        raise ValueError(f"device is {device!r}, expected cpu or cuda")
    if device == "cuda":
        require_cuda()
        from kvviz.kernels.measuring.triton_recording import (
            runs_on_cuda,  # torch and triton are extras
        )

        yield from runs_on_cuda(preset, command, progress)
    else:
        told = record(preset, PRESETS[preset](), device, command, progress)
        yield told | pictures() if preset == "report" else told


def record(
    name: str, parts: Iterator[Group], device: str, command: str, progress: Progress = quietly
) -> dict[str, Any]:
    """Measure groups one after another; return all results with their provenance."""
    told: dict[str, Any] = {"preset": name, **provenance(command)}
    if device == "cuda":
        from kvviz.kernels.measuring.torch_measure import gpu_facts  # torch is an extra

        told |= {"cpu": told["device"], **gpu_facts()}
    return told | {"groups": [measured_group(group, progress) for group in parts]}


def _prefill() -> Iterator[Group]:
    rates = numpy_rates(64, np.dtype(np.float32))
    for shape in PREFILLS:
        inputs, exact = with_reference(shape)
        calls = preset_calls("prefill", "numpy", inputs, exact)
        yield Group(f"Prefill, {shape}, fp32, NumPy", calls, rates, notes=_prefill_notes)
        if find_spec("torch"):
            from kvviz.kernels.measuring.torch_presets import prefill_group  # torch is an extra

            yield prefill_group(shape, inputs, exact)


def _prefill_notes(results: Mapping[str, Performance]) -> list[str]:
    standard, flash = results["NumPy standard"], results["NumPy flash"]
    output = standard.output_bytes
    return [
        f"Flash takes {flash.seconds_median / standard.seconds_median:.2f} × the time of standard "
        f"and 1/{(standard.peak_bytes - output) / (flash.peak_bytes - output):.0f} of its memory "
        "above the output."
    ]


def _decode() -> Iterator[Group]:
    step = DECODED.inputs()
    inputs, exact = dict(zip(DECODE, step, strict=True)), decode_reference(step)
    rates = numpy_rates(64, np.dtype(np.float32), group=4)
    calls = preset_calls("decode", "numpy", inputs, exact)
    yield Group(f"Decode, {DECODED}, fp32, NumPy", calls, rates, notes=_decode_notes)
    if find_spec("torch"):
        from kvviz.kernels.measuring.torch_presets import decode_group  # torch is an extra

        yield decode_group(DECODED, inputs, exact)


def _decode_notes(results: Mapping[str, Performance]) -> list[str]:
    paged, gather = results["NumPy paged"], results["NumPy gather"]
    return [
        f"Paged is {gather.seconds_median / paged.seconds_median:.2f} × as fast as gathering the "
        f"pages first, with 1/{gather.peak_bytes / paged.peak_bytes:.0f} of its memory."
    ]


def _memory() -> Iterator[Group]:
    inputs, exact = with_reference(HELD)
    one = HELD.heads * HELD.n**2 * 4
    calls = preset_calls("memory", "numpy", inputs, exact)
    yield Group(f"Peak memory in score matrices, {HELD}, fp32", calls, unit_bytes=one)
    if find_spec("torch"):
        from kvviz.kernels.measuring.torch_presets import memory_groups  # torch is an extra

        yield from memory_groups(HELD, inputs, exact, "cpu")


def _quant() -> Iterator[Group]:
    for outliers in (False, True):
        q, k_cache, v_cache, table, lengths = inputs = QUANTIZED.inputs(outliers=outliers)
        exact = decode_reference(inputs)
        calls = [Call("fp32", paged_attention_decode, inputs, reference=exact)]
        for scheme in SCHEMES:
            keys = quantize(k_cache, scheme)
            # Channels of values have no outliers: with int4 keys the values get a scale per token.
            values = quantize(v_cache, "int8_token_head" if scheme == "int4" else scheme)
            bits = 8 * (keys.nbytes + values.nbytes) / (k_cache.size + v_cache.size)
            name = f"{scheme}, {bits:.2f} bits per number"
            step = (q, keys, values, table, lengths)
            calls.append(Call(name, paged_attention_decode, step, reference=exact))
        data = "four outlier channels in the keys" if outliers else "normal data"
        yield Group(f"KV quantized, {data}, {QUANTIZED}", calls)


def _all() -> Iterator[Group]:
    for groups in (older_report, _prefill, _decode, _memory, _quant):
        yield from groups()


PRESETS: Final[dict[str, Callable[[], Iterator[Group]]]] = {
    "report": older_report,
    "prefill": _prefill,
    "decode": _decode,
    "memory": _memory,
    "quant": _quant,
    "all": _all,
}
NAMES: Final = (*(name for name in PRESETS if name != "all"), "page", "all")
"""Presets by name; ``page`` is the Kernels page's own comparison."""
