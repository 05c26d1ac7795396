"""What a call does by formula: its kernel's cost in NumPy, else what none can do less than."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from kvviz.kernels.kernel import Backend, Inputs, Kernel, loaded
from kvviz.kernels.numpy.cost import Cost
from kvviz.kernels.records import backend_of


def cost_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Cost | None:
    """Return what a call does; None where the function is no kernel on its task's inputs."""
    kernel, inputs = bound(function, *args, **kwargs)
    found = backend_of(kernel)
    if found is None or found[1].arguments is not None:
        return None
    return backend_cost(*found, inputs, inputs)


def backend_cost(kernel: Kernel, backend: Backend, inputs: Inputs, arguments: Inputs) -> Cost:
    """Return what a call of a kernel does.

    Args:
        kernel: the kernel.
        backend: how it is written.
        inputs: the task's inputs and the call's settings, by name.
        arguments: the call's own arguments, by name.
    """
    if backend.library != "numpy":
        return replace(kernel.least(inputs), peak_bytes=_held(backend, arguments))
    cost = kernel.cost(inputs) if kernel.cost else kernel.least(inputs)
    narrow = next(iter(inputs.values())).itemsize == 2
    # Two bytes per number are computed on in copies of four, which have no formula here.
    return replace(cost, peak_bytes=None) if narrow else cost


def peak_bytes(function: Callable[..., Any], *args: Any, **kwargs: Any) -> int | None:
    """Return the most bytes that a call on torch tensors holds above its inputs, output included.

    None where there is no formula: other kernels, tensors on a GPU, whose allocator rounds and
    whose libraries take workspaces of their own, and tensors that may be copied to lie contiguous.
    """
    kernel, inputs = bound(function, *args, **kwargs)
    found = backend_of(kernel)
    return None if found is None else _held(found[1], inputs)


def bound(
    function: Callable[..., Any], *args: Any, **kwargs: Any
) -> tuple[Callable[..., Any], Inputs]:
    """Return a function without what `partial` put around it, and its arguments by name."""
    while isinstance(function, partial):
        args, kwargs = (*function.args, *args), function.keywords | kwargs
        function = function.func
    if backend_of(function) is None:
        return function, {}  # others, such as builtins, may have no signature
    found = inspect.signature(function).bind(*args, **kwargs)
    found.apply_defaults()
    return function, found.arguments


def torch_tensors(values: Iterable[Any]) -> list[Any]:
    """Return those of some values that are torch's, without importing torch."""
    return [value for value in values if type(value).__module__.partition(".")[0] == "torch"]


def _held(backend: Backend, arguments: Inputs) -> int | None:
    tensors = torch_tensors(arguments.values())
    plain = all(tensor.is_contiguous() and tensor.device.type == "cpu" for tensor in tensors)
    if backend.peak is None or not tensors or not plain:
        return None
    from torch import get_num_threads  # an extra, which is here: it made the tensors

    held: int | None = loaded(backend.peak)(arguments, get_num_threads())
    return held
