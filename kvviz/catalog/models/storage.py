"""How a checkpoint stores each matrix: its base dtype, unless its quantization says otherwise."""

from typing import Final

from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.methods import bitsandbytes, compressed, fp8, gptq, mxfp4, quark
from kvviz.catalog.models.modelopt import modelopt
from kvviz.catalog.models.stored import Storage

BASE_DTYPES: Final = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "half": "fp16"}
SIDECAR: Final = "hf_quant_config"
"""Key under which a config holds the sidecar that stands beside it."""
ELSEWHERE: Final = {
    "quantization": "MLX's quantization",
    "compression_config": "the quantization of old compressed-tensors",
}
"""Keys under which other tools keep a quantization, and whose it is."""
READERS: Final = {
    "fp8": fp8,
    "fbgemm_fp8": fp8,
    "mxfp4": mxfp4,
    "compressed-tensors": compressed,
    "gptq": gptq,
    "awq": gptq,
    "auto-round": gptq,
    "bitsandbytes": bitsandbytes,
    "modelopt": modelopt,
    "quark": quark,
}


def read_storage(config: Config) -> Storage:
    """Read the base dtype and the quantization of a model.

    ``quantization_config`` goes before the sidecar, as in vLLM (``get_config`` in
    ``transformers_utils/config.py``).

    Raises:
        ConfigError: a dtype or a quantization that is not known exactly.
    """
    storage = _read(config, _base_dtype(config))
    if storage.cache:
        config.note(f"the checkpoint asks for a KV cache in {storage.cache}: KV dtype auto is that")
    for sentence in storage.notes:
        config.note(sentence)
    return storage


def _read(config: Config, base: str) -> Storage:
    """Read the quantization wherever it stands."""
    for key, writer in ELSEWHERE.items():
        found = config.section(key)
        if found is not None:
            raise config.wrong(key, dict(found.values), f"none: {writer} is not known exactly")
    quantization, sidecar = config.section("quantization_config"), config.section(SIDECAR)
    if quantization is not None:
        return _by_method(quantization, base)
    if sidecar is None:
        return Storage(base)
    if sidecar.section("quantization") is None:
        raise sidecar.missing("quantization", "an object")
    return modelopt(sidecar, base)


def _by_method(quantization: Config, base: str) -> Storage:
    """Read a ``quantization_config`` by its method; ModelOpt 0.31 wrote none."""
    method = quantization.text("quant_method")
    if method is None and quantization.has("quant_algo"):
        return modelopt(quantization, base)
    if method is None or method not in READERS:
        need = f"one of {', '.join(READERS)}"
        raise quantization.wrong("quant_method", method, need)
    return READERS[method](quantization, base)


def _base_dtype(config: Config) -> str:
    """Return the dtype that ``torch_dtype`` or ``dtype`` names; bf16, noted, where neither is."""
    for key in ("torch_dtype", "dtype"):
        name = config.text(key)
        if name is None:
            continue
        found = BASE_DTYPES.get(name.removeprefix("torch."))
        if found is None:
            raise config.wrong(key, name, f"one of {', '.join(BASE_DTYPES)}")
        return found
    config.note("no torch_dtype in the config: bf16 taken")
    return "bf16"
