"""Whether this machine can measure on a CUDA GPU, and what it lacks."""

from importlib.util import find_spec


class NoCuda(ValueError):  # noqa: N818 - it reads as what is the matter
    """A CUDA GPU was asked for and cannot be used; one sentence says what is missing."""


def require_cuda() -> None:
    """Raise `NoCuda` unless torch and Triton are here and torch sees a CUDA GPU."""
    for name in ("torch", "triton"):
        if find_spec(name) is None:
            raise NoCuda(f"device cuda needs {name}, which is not installed")
    import torch  # an extra

    if torch.version.cuda is None:
        raise NoCuda(
            f"device cuda needs a CUDA build of torch, this is {torch.__version__} without CUDA"
        )
    if not torch.cuda.is_available():
        raise NoCuda("device cuda needs an NVIDIA GPU, torch finds none here")
