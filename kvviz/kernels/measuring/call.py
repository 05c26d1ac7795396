"""Calls to measure: any function, and the lines of a preset."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kvviz.kernels.kernel import NOTHING, Backend, Line, loaded
from kvviz.kernels.measuring.costs import backend_cost, bound, cost_of
from kvviz.kernels.numpy.cost import Cost
from kvviz.kernels.records import measured


@dataclass(frozen=True)
class Call:
    """A call to measure.

    Args:
        name: what it is shown as.
        func: the kernel; a tuple it returns starts with the output.
        args: its positional arguments.
        kwargs: its named arguments.
        cost: what it does; None for what its kernel's record says, if it has one.
        reference: the exact output, to compare with.
    """

    name: str
    func: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost | None = None
    reference: Any = None

    def __call__(self) -> Any:
        """Run it once."""
        return self.func(*self.args, **self.kwargs)

    def the_cost(self) -> Cost | None:
        """Return what the call does, where that is known."""
        return self.cost or cost_of(self.func, *self.args, **self.kwargs)


def preset_calls(
    preset: str,
    library: str,
    inputs: Mapping[str, Any],
    reference: Any = None,
    settings: Mapping[str, Any] = NOTHING,
    without: Sequence[str] = (),
) -> list[Call]:
    """Return a call for every line that a preset measures with a library.

    Args:
        preset: as a `Row` names it.
        library: numpy, torch or triton.
        inputs: the task's inputs by name.
        reference: the exact output; a line with a mask of its own has none.
        settings: of all lines, beside their own.
        without: names of kernels that are left out.
    """
    made: dict[Backend, tuple[Any, ...]] = {}  # what several lines share is made once
    calls = []
    lines = [line for line in measured(preset, library) if line.kernel.name not in without]
    for line in lines:
        if line.backend not in made:
            made[line.backend] = _arguments(line.backend, inputs, settings)
        exact = None if "causal" in line.row.settings else reference
        own = settings if line.backend.arguments is None else NOTHING
        calls.append(line_call(line, inputs, made[line.backend], exact, own))
    return calls


def line_call(
    line: Line,
    inputs: Mapping[str, Any],
    args: tuple[Any, ...],
    reference: Any,
    settings: Mapping[str, Any] = NOTHING,
) -> Call:
    """Return the call of a line, with settings beside its own; `args` are the function's."""
    function, kwargs = loaded(line.backend.function), {**line.row.settings, **settings}
    _, arguments = bound(function, *args, **kwargs)
    named = arguments if line.backend.arguments is None else inputs
    cost = backend_cost(line.kernel, line.backend, named, arguments)
    return Call(line.label, function, args, kwargs, cost, reference)


def _arguments(
    backend: Backend, inputs: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Any, ...]:
    given = tuple(inputs.values())
    if backend.arguments is None:
        return given
    made: tuple[Any, ...] = loaded(backend.arguments)(*given, **settings)
    return made
