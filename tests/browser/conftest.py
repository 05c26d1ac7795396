"""A real server and a real browser; any console error or request that leaves the machine fails."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.browser import DEBIAN_CHROMIUM, FLAGS
from tests.browser.hbm_page import HbmPage

ROOT = Path(__file__).parents[2]

expect.set_options(timeout=20_000)  # a page that a cold server opens first, on a busy machine


def launch_args() -> dict[str, Any]:
    """Return how to start Debian's Chromium where it is installed, else Playwright's own."""
    own = {"executable_path": str(DEBIAN_CHROMIUM)} if DEBIAN_CHROMIUM.exists() else {}
    return {**own, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return launch_args()


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, object]:
    return {"viewport": {"width": 1600, "height": 950}}


@contextmanager
def serving(folder: Path = ROOT / "apps") -> Iterator[str]:
    """Start a server of a folder's apps, as `make serve` does its own; give its address."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    apps = sorted(str(app) for app in folder.glob("*.py"))
    command = [sys.executable, "-m", "panel", "serve", *apps, "--port", str(port), "--index", "hbm"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://localhost:{port}/hbm")
            yield f"http://localhost:{port}"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the project's own server."""
    with serving() as address:
        yield address


def _wait_for(address: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="session")
def wrong() -> list[str]:
    """What went wrong in any open page since the test began."""
    return []


@pytest.fixture(autouse=True)
def guard(wrong: list[str]) -> Iterator[None]:
    """Fail a test on any page error, console error or request that leaves the machine."""
    wrong.clear()
    yield
    assert not wrong, wrong


def watch(page: Page, wrong: list[str]) -> Page:
    """Note in `wrong` what must not happen in the page."""

    def seen(address: str) -> None:
        parts = urlparse(address)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "localhost":
            wrong.append(f"request to {address}")

    page.on("request", lambda request: seen(request.url))
    page.on("websocket", lambda socket: seen(socket.url))
    page.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None)
    return page


@pytest.fixture
def page(page: Page, wrong: list[str]) -> Page:
    return watch(page, wrong)


@pytest.fixture(scope="module")
def visit(
    browser: Browser, browser_context_args: dict[str, Any], site: str, wrong: list[str]
) -> Iterator[Callable[..., HbmPage]]:
    """Open the page as a new visitor, given a link's query and options of the browser context."""
    contexts = []

    def open_page(query: str = "", **options: Any) -> HbmPage:
        context = browser.new_context(**{**browser_context_args, **options})
        contexts.append(context)
        return HbmPage(watch(context.new_page(), wrong), site, query)

    yield open_page
    for context in contexts:
        context.close()
