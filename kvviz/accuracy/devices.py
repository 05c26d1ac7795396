"""Which GPU the free text of a log or a row means; an uncertain match is an error."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from kvviz.accuracy.rows import Untestable
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import gpus
from kvviz.units import GiB, MiB

VENDOR_WORDS: Final = re.compile(
    r"nvidia|amd|intel|tesla|geforce|instinct|quadro|gpu|apple|google|hbm\d?e?|blackwell|server"
    r"|edition|workstation|generation|max|graphics|oam|superchip|per|nvl72"
)
SIZE_WORD: Final = re.compile(r"\d+gb")
BARE_SIZE: Final = re.compile(r"^(24|32|40|48|80|94|96|141|180|192)$")
FORM_WORDS: Final = frozenset({"sxm", "sxm2", "sxm3", "sxm4", "sxm5", "sxm6", "pcie", "nvl"})


def find_device(text: str, memory: float | None = None) -> Gpu:
    """Return the GPU of a row's free text.

    Args:
        text: such as ``A100-SXM4-40GB`` or ``Tesla T4``.
        memory: GiB that the engine saw, to tell memory sizes of one name apart.

    Raises:
        Untestable: no GPU has this name, or several of different memory sizes do.
    """
    wanted = _device_words(text)
    form, size = wanted & FORM_WORDS, {word for word in wanted if SIZE_WORD.fullmatch(word)}
    model = wanted - form - size - {"d"}  # the 4090 D has the 4090's memory
    found = [gpu for gpu in gpus() if model and model == _device_words(gpu.name, bare=True)]
    if memory is not None:
        found = _narrowed(found, lambda gpu: abs(gpu.cuda_bytes / GiB - memory) < 0.05 * memory)
    found = _narrowed(found, lambda gpu: size <= _device_words(gpu.name) | {f"{gpu.memory_gb}gb"})
    found = _narrowed(
        found, lambda gpu: form <= _device_words(gpu.name) if form else "SXM" in gpu.name
    )
    if not found:
        raise Untestable(f"no GPU {text[:40]} in the catalog" if text else "the GPU is not named")
    if len({gpu.memory_gb for gpu in found}) > 1:
        raise Untestable(f"{text[:40]} has more than one memory size")
    return found[0]


def _narrowed(found: list[Gpu], holds: Callable[[Gpu], bool]) -> list[Gpu]:
    """Return the GPUs for which `holds` is true, all of them if it never is."""
    return [gpu for gpu in found if holds(gpu)] or found


def _device_words(text: str, bare: bool = False) -> frozenset[str]:
    """Return the words of a GPU's name; `bare` leaves out its memory size and form factor."""
    plain = re.sub(r"(?<=\d)\s+(?=gb\b)", "", text.casefold())
    plain = re.sub(r"rtx\s*pro\s*(?=\d)", "rtx pro ", plain)
    plain = re.sub(r"\b(rtx|gtx|mi)(?=\d)", r"\1 ", plain)
    words = (re.sub(BARE_SIZE, r"\1gb", word) for word in re.split(r"[^a-z0-9]+", plain))
    found = frozenset(word for word in words if word and not VENDOR_WORDS.fullmatch(word))
    return frozenset(w for w in found - FORM_WORDS if not SIZE_WORD.fullmatch(w)) if bare else found


def unknown_device(name: str, memory: int) -> Gpu:
    """Return a GPU that is not in the catalog, with only a name and a memory size."""
    return replace(
        gpus()[0],
        name=name,
        vendor="",
        architecture="",
        cuda_total_bytes=memory,
        reported_mib=memory // MiB,
    )
