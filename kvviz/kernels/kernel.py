"""What is known of a kernel: its names, how it is written in each library, and what it does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from kvviz.kernels.numpy.cost import Cost, decode, fused, latent, sizes
from kvviz.kernels.numpy.shapes import Array

Inputs = Mapping[str, Any]
Library = Literal["numpy", "torch", "triton"]
Task = Literal["prefill", "decode", "latent"]
Steps = Callable[[Array, Array, Array, int], Iterator[int]]

LEAST: Final[Mapping[Task, Callable[[Inputs], Cost]]] = {
    "prefill": lambda inputs: fused(sizes(inputs)),
    "decode": lambda inputs: decode(inputs, fused=True),
    "latent": latent,
}
"""What no kernel can do less than, by what it is given."""
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Row(NamedTuple):
    """A line of what a preset measures.

    Args:
        preset: ``report``, ``report fit``, ``prefill``, ``decode``, ``memory`` or ``page``; on a
            GPU ``gpu prefill``, ``gpu decode`` or ``gpu quant``.
        label: what the line is called; the kernel's own label unless given. On a GPU Triton's
            lines are repeated for every cut that is tried, which is added to it.
        settings: named arguments of the call, beside the inputs.
    """

    preset: str
    label: str = ""
    settings: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Backend:
    """A kernel as it is written in one library.

    Args:
        library: numpy, torch or triton.
        function: takes the inputs of the kernel's task; ``module:name`` where it needs an extra.
        rows: the presets that measure it.
        blocks: those of its arguments that are the size of a block, which the Kernels page sets.
        arguments: makes the function's arguments of the task's inputs, outside of what is timed;
            ``module:name`` too. None where the inputs are the arguments.
        peak: the bytes held at once above the inputs, output included, on a CPU: of a call's
            arguments and the number of threads, None where it cannot tell; ``module:name`` too.
            A kernel in NumPy has it in its cost.
    """

    library: Library
    function: Callable[..., Any] | str
    rows: tuple[Row, ...] = ()
    blocks: tuple[str, ...] = ()
    arguments: Callable[..., tuple[Any, ...]] | str | None = None
    peak: Callable[[Inputs, int], int | None] | str | None = None

    @property
    def path(self) -> str:
        """The function as ``module:name``."""
        return self.function if isinstance(self.function, str) else path(self.function)


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """A way to compute attention, in all libraries that it is written in.

    Args:
        name: what links and recordings call it.
        label: what the Kernels page calls it.
        note: what it is, in a few words, under its label.
        task: its inputs: ``prefill`` for Q, K and V, ``decode`` for q, k_cache, v_cache,
            block_table and seq_lens, ``latent`` for those of `mla_decode`.
        backends: how it is written, the usual way of each library first.
        cost: what a call in NumPy does, from its bound arguments; None for a kernel of other
            libraries, whose times are set beside what none can do less than.
        steps: works through Q, K, V with a block size in NumPy, causal, and yields after every
            step which block of queries it is at; None where it has no blocks.
        order: its place in tables; those of one place by name.
    """

    name: str
    label: str
    note: str
    task: Task
    backends: tuple[Backend, ...]
    cost: Callable[[Inputs], Cost] | None = None
    steps: Steps | None = None
    order: int = 1000

    def least(self, inputs: Inputs) -> Cost:
        """Return what no kernel of its task can do less than: lower bounds of time."""
        return LEAST[self.task](inputs)

    def lines(self) -> Iterator["Line"]:
        """Yield all that presets measure of it."""
        return (Line(self, backend, row) for backend in self.backends for row in backend.rows)

    def line(self, preset: str, *libraries: str) -> "Line | None":
        """Return what a preset measures of it, in the first of some libraries that has it."""
        found = [line for line in self.lines() if line.row.preset == preset]
        return next((x for name in libraries for x in found if x.backend.library == name), None)


class Line(NamedTuple):
    """A line of a preset's table: the kernel, how it is written, and what the line is."""

    kernel: Kernel
    backend: Backend
    row: Row

    @property
    def label(self) -> str:
        """What the line is called."""
        return self.row.label or self.kernel.label


def path(function: Callable[..., Any]) -> str:
    """Return where a function is defined as ``module:name``, empty for what has no name."""
    name = getattr(function, "__qualname__", "")
    return f"{function.__module__}:{name}" if name else ""


def loaded(entry: Callable[..., Any] | str) -> Callable[..., Any]:
    """Return a function, imported if it is spelled as ``module:name``."""
    if not isinstance(entry, str):
        return entry
    module, _, name = entry.partition(":")
    found: Callable[..., Any] = attrgetter(name)(import_module(module))
    return found
