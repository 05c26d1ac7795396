"""The wheel: installed in a clean environment without torch, it estimates and serves."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TITLE = "<title>kvviz: where every byte of GPU memory goes</title>"
INSTALL_SECONDS = 300
START_SECONDS = 60


def run(*words, cwd, timeout=INSTALL_SECONDS):
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy of what a checkout tracks, so that nothing lands in it."""
    source = tmp_path_factory.mktemp("source") / "kvviz"
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "tests", "test-results", "build", "dist")
    shutil.copytree(ROOT, source, ignore=unwanted)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", cwd=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the folder of programs of an environment that holds the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "clean", cwd=folder)
    programs = folder / "clean" / ("Scripts" if os.name == "nt" else "bin")
    pins = ROOT / "constraints.txt"
    run(programs / "pip", "install", "--quiet", str(wheel), "--constraint", pins, cwd=folder)
    return programs


@pytest.fixture
def served(installed, tmp_path):
    """Serve the pages on a free port; return the address."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with (tmp_path / "log").open("w+") as log:
        words = [installed / "kvviz", "serve", "--port", str(port)]
        server = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://localhost:{port}"
            assert _answers(address, server), (tmp_path / "log").read_text()
            yield address
        finally:
            server.terminate()
            server.wait(timeout=20)


def _answers(address, server):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            fetch(address)
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
        else:
            return True
    return False


def fetch(address):
    with urllib.request.urlopen(address, timeout=30) as response:
        assert response.status == 200
        return response.read().decode()


def test_the_wheel_carries_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as packed:
        carried = set(packed.namelist())
    tracked = run("git", "ls-files", "kvviz", cwd=ROOT).split()
    assert "kvviz/kernels/torch/paged_decode.cpp" in tracked
    assert set(tracked) <= carried


def test_an_installed_wheel_estimates_without_torch(installed, tmp_path):
    packages = run(installed / "pip", "list", cwd=tmp_path)
    assert not re.search(r"^torch ", packages, re.MULTILINE)
    words = ("estimate", "meta-llama/Llama-3.1-8B", "--json")
    assert '"weights_bytes": 16060522496' in run(installed / "kvviz", *words, cwd=tmp_path)


def test_the_api_without_its_extra_is_one_sentence(installed, tmp_path):
    words = [installed / "kvviz", "api"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "kvviz: the API needs uvicorn: pip install 'kvviz[api]'.\n"


def test_an_installed_wheel_serves_its_pages(served):
    for page in ("/", "/hbm"):
        text = fetch(served + page)
        assert TITLE in text
        assert not re.findall(r'(?:src|href)="https?://[^"]+\.(?:js|css)', text)
    scripts = re.findall(r'<script[^>]* src="([^"]+\.js[^"]*)"', fetch(served))
    assert scripts
    for script in scripts:
        fetch(f"{served}/{script}")


def test_the_wheel_carries_the_recordings_that_a_page_opens_with(served):
    assert "<title>kvviz: attention that really runs</title>" in fetch(f"{served}/kernels")


def test_a_taken_port_is_one_sentence(served, installed, tmp_path):
    port = served.rpartition(":")[2]
    words = [installed / "kvviz", "serve", "--port", port]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == f"kvviz: cannot listen on localhost:{port}: Address already in use.\n"
