"""Where, when and with what numbers were measured, and with which settings of the libraries."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from kvviz.kernels.cpu import cpu_name

PACKAGES: Final = ("numpy", "torch", "triton")
THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
SPEED: Final = (
    *THREADS,
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_DEFAULT_NUM_THREADS", "GOTO_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "BLIS_ARCH_TYPE", "VECLIB_MAXIMUM_THREADS"),
    *("MKL_DYNAMIC", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "MKL_CBWR"),
    *("OMP_DYNAMIC", "OMP_PLACES", "OMP_PROC_BIND", "OMP_WAIT_POLICY"),
    *("GOMP_CPU_AFFINITY", "KMP_AFFINITY", "KMP_BLOCKTIME"),
    *("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE"),
    *("ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES", "NUMPY_MADVISE_HUGEPAGE"),
    *("CUDA_LAUNCH_BLOCKING", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE"),
    *("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"),
)
"""Variables by which one sets how many threads, instructions and how much memory libraries take."""


def provenance(command: str) -> dict[str, Any]:
    """Return the machine, the versions and `command`; a GPU is added by who measures on it."""
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "device": cpu_name(),
        "cores": os.cpu_count(),
        "threads": int(os.environ.get("OPENBLAS_NUM_THREADS", 0)) or None,
        "environment": {name: os.environ[name] for name in SPEED if os.environ.get(name)},
        "load": [round(load, 2) for load in os.getloadavg()],
        "os": platform.platform(),
        "python": platform.python_version(),
        **{name: number for name, number in versions.items() if number},
    }


def set_in(facts: Mapping[str, Any]) -> str:
    """Return what was set for a recording in words, empty where nothing was or none was noted.

    A number of threads that is the recording's own, told beside a CPU's name, is left out.
    """
    told = {} if "cuda" in facts else {name: str(facts.get("threads")) for name in THREADS}
    noted = facts.get("environment") or {}
    return ", ".join(f"{name}={value}" for name, value in noted.items() if told.get(name) != value)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
