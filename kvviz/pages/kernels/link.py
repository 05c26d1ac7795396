"""The Kernels page's state in a URL: what a link opens with, and what of it was not valid."""

from collections.abc import Iterable
from typing import Any, Final

from kvviz.kernels.measuring.compare import DTYPES, KERNELS, Request
from kvviz.pages.kernels.session import KernelSession, devices
from kvviz.scene.theme import THEMES
from kvviz.settings.knobs import cut

SIZES: Final = (16, 32, 64, 128, 256)
STEPS: Final = {
    "n": (256, 512, 1024, 2048, 4096, 8192),
    "d": SIZES,
    "heads": (1, 2, 4, 8, 16, 32),
    "block": (*SIZES, 512),
}
CHOICES: Final = (*STEPS, "device", "dtype", *KERNELS)


def opened(pairs: Iterable[tuple[str, str]]) -> KernelSession:
    """Return the session that a link's query asks for, its `problem` naming what is not valid."""
    asked: dict[str, Any] = {}
    problems = []
    for name, text in pairs:
        choices = _choices(asked.get("device", Request.device)).get(name)
        if choices is None:
            problems.append(f"{cut(name)} in the link is no setting")
        elif text not in choices:
            problems.append(f"{name} in the link: got {cut(text)}, expected {_either(choices)}")
        else:
            asked[name] = choices[text]
    return KernelSession(**asked, problem=". ".join(problems))


def link(session: KernelSession) -> dict[str, str]:
    """Return the query of a link to the session: all that differs from a plain visit."""
    usual = KernelSession.param
    return {
        name: str(getattr(session, name)).lower()
        for name in CHOICES
        if getattr(session, name) != usual[name].default
    }


def _choices(device: str) -> dict[str, dict[str, Any]]:
    """Return the values of every setting by how a URL spells them."""
    switch = {"true": True, "false": False}
    return {
        **{name: {str(step): step for step in steps} for name, steps in STEPS.items()},
        "device": {name: name for name in devices()},
        "dtype": {name: name for name in DTYPES[device]},
        **dict.fromkeys(KERNELS, switch),
        "theme": {name: name for name in THEMES},
    }


def _either(choices: Iterable[str]) -> str:
    return ", ".join(choices)
