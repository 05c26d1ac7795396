"""A real browser, cold for every page: how it is started, and what it tells of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, WebSocket, sync_playwright

DEBIAN_CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWPORT: ViewportSize = {"width": 1600, "height": 950}
PLAYING = "() => document.kvviz?.row && document.kvviz?.state"


@dataclass
class Traffic:
    """What goes over a page's websocket, as the browser sees it."""

    received_bytes: int = 0
    received: int = 0
    sent: int = 0
    _sockets: list[WebSocket] = field(default_factory=list, repr=False)

    def follow(self, socket: WebSocket) -> None:
        """Count the frames of `socket` from now on."""
        self._sockets.append(socket)
        socket.on("framereceived", self._receive)
        socket.on("framesent", self._send)

    def _receive(self, payload: str | bytes) -> None:
        self.received += 1
        self.received_bytes += len(payload.encode() if isinstance(payload, str) else payload)

    def _send(self, _payload: str | bytes) -> None:
        self.sent += 1


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium where it is installed, else Playwright's own."""
    path = str(DEBIAN_CHROMIUM) if DEBIAN_CHROMIUM.exists() else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, address: str, traffic: Traffic | None = None, before: str = ""
) -> Iterator[Page]:
    """Open a page in a context of its own, with nothing in its cache.

    Args:
        browser: the running browser.
        address: of the page.
        traffic: counts what goes over the page's websocket.
        before: script that runs before the page's own.
    """
    context = browser.new_context(viewport=VIEWPORT)
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        if traffic is not None:
            page.on("websocket", traffic.follow)
        if before:
            page.add_init_script(before)
        page.goto(address)
        yield page
    finally:
        context.close()


def script(name: str) -> str:
    """Return a browser script of the benchmark."""
    return (Path(__file__).parent / "scripts" / f"{name}.js").read_text()


class MainThread:
    """The processor time of a page's main thread."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable")

    def seconds(self) -> float:
        """Return how long it has worked since an arbitrary start."""
        metrics = self._devtools.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))
