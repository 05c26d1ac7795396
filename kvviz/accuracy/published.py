"""Published figures against computed ones: parameters, checkpoint sizes, offline throughput."""

import re
from typing import Final

from kvviz.accuracy.devices import find_device
from kvviz.accuracy.resolve import Models, weights_format
from kvviz.accuracy.rows import Row, Untestable
from kvviz.accuracy.throughput import Load, tokens_per_second
from kvviz.catalog.dtypes import storage_bytes, width
from kvviz.catalog.models.model import Model
from kvviz.shards.loaded import computed_in, stored_as
from kvviz.shards.split import valid_tensor_parallel
from kvviz.units import GiB

TOTAL_RATE: Final = "output_tokens_per_s_total"


def parameters(row: Row, models: Models) -> tuple[float, float]:
    """Return the published and the counted parameters.

    The exact count of the text model if the row has one; else the published count, with the
    vision tower.
    """
    exact = row.number("params_exact")
    if exact is None:
        given = row.text("params_published")
        if given and not re.fullmatch(r"[\d,_]+(\.0*)?", given):
            raise Untestable(f"the published count is rounded: {given[:40]}")
    model = models.find(_config_or_name(row, models))
    if exact is not None:
        return row.positive("params_exact"), model.parameters
    return row.positive("params_published"), model.parameters + (model.tower_parameters or 0)


def _config_or_name(row: Row, models: Models) -> str:
    """Return the name to look up: the row's config file if the user gave it, else its model."""
    name = row.text("config_file").replace("__", "/", 1)
    return name if name in models.own else row.text("model")


def checkpoint(row: Row, models: Models) -> tuple[float, float]:
    """Return published and computed bytes of a checkpoint, with the vision tower."""
    given = next((n for n in ("total_size_bytes", "derived_bf16_bytes") if row.text(n)), "")
    published = row.positive(given) if given else _gib(row) * GiB
    model = models.find(row.text("model"))
    words = f"{row.text('model')} {row.text('note')}"
    if given == "derived_bf16_bytes":  # parameters x 2
        return published, 2 * (model.parameters + (model.tower_parameters or 0))
    return published, checkpoint_bytes(_as_stored(model, words))


def _gib(row: Row) -> float:
    if row.number("gib") is None:
        raise Untestable("no size is given, only a count of stored elements")
    return row.positive("gib")


def _as_stored(model: Model, words: str) -> Model:
    """Return the model as a checkpoint's name and note say it is stored."""
    if re.search(r"fp32|float32|4 bytes", words.casefold()):
        return computed_in(model, "fp32")
    stored = weights_format("", words, model)
    return model if stored is None else stored_as(model, stored)


def checkpoint_bytes(model: Model) -> int:
    """Return the bytes of all tensors; MLX quantizes the embedding too."""
    everything = any(group.dtype == "mlx4" for group in model.tensors)
    size = (model.tower_parameters or 0) * width(model.dtype)
    for group in model.tensors:
        whole = everything and group.part in ("embedding", "head")
        size += storage_bytes(group.count, "mlx4" if whole else group.dtype)
    return size


def throughput(row: Row, models: Models) -> tuple[float, float]:
    """Return published and predicted output tokens per second of all GPUs together."""
    if row.text("metric") != TOTAL_RATE:
        raise Untestable(f"{row.text('metric') or 'the metric'} is not a rate over all requests")
    if not row.text("isl").isdigit() or not row.text("osl").isdigit():
        raise Untestable("needs the trace's arrival times")
    model = models.find(row.text("model"))
    gpu, gpus = find_device(row.text("gpu")), row.whole("num_gpus", 1)
    if gpus not in valid_tensor_parallel(model):
        raise Untestable(f"{model.name} does not split over {gpus} GPUs")
    load = Load(model, gpu, gpus, _precision(row), row.whole("isl", 1), row.whole("osl", 1))
    return row.positive("value"), tokens_per_second(load)


def _precision(row: Row) -> str:
    known = {"fp4": "nvfp4", "nvfp4": "nvfp4", "fp8": "fp8", "bf16": "bf16", "fp16": "fp16"}
    found = row.text("precision").casefold() or "bf16"
    if found not in known:
        raise Untestable(f"precision {found[:40]} is not known")
    return known[found]
