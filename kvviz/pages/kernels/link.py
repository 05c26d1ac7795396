"""What links to the Kernels page carry, and the session that one opens."""

from typing import Final

from kvviz.kernels.measuring.compare import DTYPES
from kvviz.kernels.records import on_page
from kvviz.pages.kernels.session import PROBLEM, KernelSession, devices
from kvviz.pages.kit.link import Carried, Given, Link
from kvviz.settings.knobs import KnobError, cut

CHOICES: Final = (*PROBLEM, "device", "dtype", *on_page())


def _device(name: str) -> str:
    if name not in devices():
        raise KnobError(f"got {cut(name)}, expected one of {', '.join(devices())}")
    return name


LINK: Final = Link(Carried(KernelSession, "", CHOICES, find={"device": _device}))


def opened(given: Given) -> KernelSession:
    """Return the session that a link asks for, its `problem` naming what is not valid."""
    asked, problems = given.of(KernelSession), list(given.problems)
    session = KernelSession(**asked | given.visit)
    known = DTYPES[session.device]
    if session.dtype not in known:
        problems.append(f"dtype in the link: {session.device} has {', '.join(known)} only.")
        session.dtype = known[0]
    session.problem = " ".join(problems)
    return session
