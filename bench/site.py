"""A server of the pages as a process of its own, whose processor time and memory can be read."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = sorted((ROOT / "apps").glob("*.py"))
COMPARED = sorted((ROOT / "bench" / "apps").glob("*.py"))


@dataclass(frozen=True, slots=True)
class Site:
    """A running server.

    Args:
        address: where it answers, without a path.
        pid: its process.
    """

    address: str
    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time that the server has used, in user and system mode."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self) -> int:
        """Return the memory that the server holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(apps: list[Path]) -> Iterator[Site]:
    """Serve `apps` on a free port for as long as the context lasts."""
    port = _free_port()
    command = [sys.executable, "-m", "panel", "serve", *map(str, apps), "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://localhost:{port}"
        for app in apps:
            _visit(f"{address}/{app.stem}")
        yield Site(address, server.pid)
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _visit(address: str, seconds: float = 60) -> None:
    """Open a page once, so that no measurement pays for the imports."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=30).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
