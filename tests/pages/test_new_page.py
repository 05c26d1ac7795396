"""A page is one folder: it is found in the tabs, its links work, and `kvviz serve` serves it."""

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import kvviz.pages
from kvviz.pages import find_page, pages

ROOT = Path(__file__).parents[2]
RECIPE = "# kvviz/pages/tokens/page.py"  # the first line of the example
SERVE = """import kvviz.pages, sys
kvviz.pages.__path__.append(sys.argv.pop(1))
from kvviz.cli import main
main()"""


def example():
    """Return the page that CONTRIBUTING.md adds."""
    blocks = (ROOT / "CONTRIBUTING.md").read_text().split("```")
    return next(text for text in blocks if RECIPE in text).removeprefix("python\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder beside the pages' own that holds one more."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "__init__.py").write_text('"""The Tokens page."""')
    (tmp_path / "tokens" / "page.py").write_text(example())
    monkeypatch.setattr(kvviz.pages, "__path__", [*kvviz.pages.__path__, str(tmp_path)])
    pages.cache_clear()
    yield tmp_path
    pages.cache_clear()


def test_a_folder_is_a_page(folder):
    assert list(pages())[-1] == "tokens"
    page = find_page("tokens")
    session = page.visit([("tokens", "256"), ("theme", "light")])
    assert (session.tokens, session.theme, session.problem) == (256, "light", "")
    assert page.query(session) == {"tokens": "256"}
    slider, told = page.areas(session).columns["wide"]
    slider.value = 4096
    assert told.html == "<h2>4,096 tokens</h2>"


@pytest.mark.slow
def test_a_folder_is_served(folder):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(folder), "serve", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            opened = _fetched(f"http://localhost:{port}/tokens?tokens=256", server)
            beside = _fetched(f"http://localhost:{port}/paging", server)
        finally:
            server.terminate()
    assert "<title>kvviz: how many there are</title>" in opened
    for text in (opened, beside):
        assert [f'<a href="{name}"' in text for name in pages()] == [True] * len(pages())


def _fetched(address, server, seconds=120):
    end = time.monotonic() + seconds
    while True:
        assert server.poll() is None
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.read().decode()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_every_page_has_its_app_and_its_place():
    apps = {path.stem: path.read_text() for path in (ROOT / "apps").glob("*.py")}
    assert set(apps) == set(pages())
    assert all(text.endswith(f'opened("{name}").servable()\n') for name, text in apps.items())
    assert len({page.place for page in pages().values()}) == len(pages())
