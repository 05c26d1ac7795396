"""Kernels by name: each module here holds the records of one, or of close relatives."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from kvviz.kernels.kernel import Backend, Kernel, Line, path


@cache
def kernels() -> Mapping[str, Kernel]:
    """Return every kernel by its name, in the order of tables.

    Raises:
        ValueError: two kernels go by one name.
    """
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return by_name(*(kernel for module in modules for kernel in module.KERNELS))


def by_name(*every: Kernel) -> dict[str, Kernel]:
    """Return kernels by name, in the order of tables; raises ValueError where two share one."""
    found: dict[str, Kernel] = {}
    for kernel in sorted(every, key=lambda kernel: (kernel.order, kernel.name)):
        if kernel.name in found:
            raise ValueError(f"two kernels are named {kernel.name!r}, expected one")
        found[kernel.name] = kernel
    return found


def on_page() -> Mapping[str, Kernel]:
    """Return the kernels that the Kernels page compares, by name."""
    return {name: kernel for name, kernel in kernels().items() if _is_on_page(kernel)}


def _is_on_page(kernel: Kernel) -> bool:
    return any(line.row.preset == "page" for line in kernel.lines())


def measured(preset: str, library: str) -> list[Line]:
    """Return the lines that a preset measures with a library, in order."""
    lines = (line for kernel in kernels().values() for line in kernel.lines())
    return [x for x in lines if x.row.preset == preset and x.backend.library == library]


def backend_of(function: Callable[..., Any]) -> tuple[Kernel, Backend] | None:
    """Return the kernel that a function is, and how it is written; None for other functions."""
    return _by_path().get(path(function))


@cache
def _by_path() -> Mapping[str, tuple[Kernel, Backend]]:
    found: dict[str, tuple[Kernel, Backend]] = {}
    pairs = [(kernel, backend) for kernel in kernels().values() for backend in kernel.backends]
    # Of one function several kernels may be made: the first that gives it its task's inputs.
    for kernel, backend in sorted(pairs, key=lambda pair: pair[1].arguments is not None):
        found.setdefault(backend.path, (kernel, backend))
    return found
