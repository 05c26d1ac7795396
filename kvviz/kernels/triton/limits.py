"""What a GPU holds of a kernel."""

from typing import Final, NamedTuple

import torch
import triton


class Limits(NamedTuple):
    """What a GPU holds: multiprocessors, and bytes of shared memory that one program may take."""

    sms: int
    shared_bytes: int


NO_GPU: Final = Limits(4, 232_448)  # in the interpreter: few, so that sequences are split there too


def limits(device: torch.device) -> Limits:
    """Return what a device can hold of a kernel."""
    if device.type != "cuda":
        return NO_GPU
    index = torch.cuda.current_device() if device.index is None else device.index
    known = triton.runtime.driver.active.utils.get_device_properties(index)
    return Limits(known["multiprocessor_count"], known["max_shared_mem"])
