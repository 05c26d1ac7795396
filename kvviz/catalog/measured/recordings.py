"""What was measured on real devices: recordings of `kvviz kernels`, and what they tell of a GPU."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import gpu_of_device
from kvviz.catalog.measured.efficiency import Efficiency, efficiency_of
from kvviz.units import GB

PACKAGE: Final = Path(__file__).parents[2]
LARGE_KV: Final = 512 * 10**6  # from here on starting and joining programs no longer shows
NEEDED: Final = ("device", "date", "command")


class RecordingError(ValueError):
    """A file of measurements that is not one; the sentence names it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One run of the measuring command on one device.

    Args:
        name: of its file.
        device: what the device calls itself.
        date: when, ISO 8601 in UTC.
        command: what was typed.
        gpu: the catalog's name of the device, None for a CPU or a GPU that is not in it.
        facts: all that the file holds.
    """

    name: str
    device: str
    date: str
    command: str
    gpu: str | None
    facts: Mapping[str, Any]

    def groups(self, part: str) -> list[Mapping[str, Any]]:
        """Return the groups of results of a part, such as ``decode``; none where it has none."""
        return [group for group in self.facts.get("groups", ()) if group.get("part") == part]

    @property
    def place(self) -> str:
        """The device in words; a CPU is named as one, with the library that ran on it."""
        if "memory_bytes" in self.facts:
            return self.device
        library = "torch" if "torch" in self.facts else "numpy"
        return f"{self.device}, a CPU, with {library} {self.facts.get(library, '')}".rstrip()

    @property
    def source(self) -> str:
        """Where its figures come from, in words."""
        return f"measured on {self.device}, {self.date[:10]}, by {self.command}"


def folder() -> Path:
    """Return where recordings lie: inside an installed package, or beside it in a checkout."""
    installed = PACKAGE / "assets" / "measured"
    return installed if installed.is_dir() else PACKAGE.parent / "assets" / "measured"


@cache
def recordings(place: Path | None = None) -> tuple[Recording, ...]:
    """Return the recordings of a folder, the shipped ones unless given, the newest first.

    Raises:
        RecordingError: a file is no recording.
    """
    found = [_recording(path) for path in sorted((place or folder()).glob("*.json"))]
    return tuple(sorted(found, key=lambda recording: recording.date, reverse=True))


def recording_of(gpu: Gpu, part: str, place: Path | None = None) -> Recording | None:
    """Return the newest recording of a GPU that has a part or a fact; None without."""
    own = (found for found in recordings(place) if found.gpu == gpu.name)
    return next((found for found in own if found.groups(part) or found.facts.get(part)), None)


@cache
def efficiency(gpu: Gpu, place: Path | None = None) -> Efficiency:
    """Return what steps reach on a GPU: fitted to a run, else measured by kernels, else assumed.

    A fit to a whole serving run tells more of steps than kernels by themselves. Of a recording MFU
    is the rate of a large product of matrices over the GPU's peak, and MBU the bandwidth of paged
    decode over at least 512 MB of keys and values over the vendor's figure, both medians; only
    both together count.
    """
    known, found = efficiency_of(gpu.name), recording_of(gpu, "decode", place)
    if known.kind == "measured" or found is None:
        return known
    mfu, mbu = _mfu(found, gpu), _mbu(found, gpu)
    if mfu is None or mbu is None:
        return known
    return Efficiency(mfu, mbu, kind="measured", source=found.source)


def _mfu(found: Recording, gpu: Gpu) -> float | None:
    rate, peak = found.facts.get("rates", {}).get("gemm_flops"), gpu.peak_flops("bf16")
    return min(rate / peak, 1.0) if rate and peak else None


def _mbu(found: Recording, gpu: Gpu) -> float | None:
    """Return the best share that a kernel of this project reached, 1 at most."""
    reached = [
        row["bytes_moved"] / row["seconds_median"]
        for group in found.groups("decode")
        for row in group["rows"]
        if row["name"].startswith("Triton") and row["kv_bytes"] >= LARGE_KV
    ]
    return min(max(reached) / (gpu.bandwidth_gb_s * GB), 1.0) if reached else None


def _recording(path: Path) -> Recording:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        device, date, command = (str(facts[key]) for key in NEEDED)
    except (ValueError, TypeError, KeyError) as error:
        raise RecordingError(
            f"{path.name} is not a recording: expected JSON with {', '.join(NEEDED)}, got {error!r}"
        ) from None
    gpu = gpu_of_device(device, facts["memory_bytes"]) if "memory_bytes" in facts else None
    return Recording(path.stem, device, date, command, gpu.name if gpu else None, facts)
