"""The README says only what is true."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from kvviz import Scenario, __version__, estimate, gpus, models
from kvviz.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLE = re.compile(r"^    \$ (kvviz .+)\n((?:    .*\n|\n)+)", re.MULTILINE)


def test_the_counts_of_the_catalogs():
    assert f"{len(models())} models and {len(gpus())} GPUs" in README


def test_the_example_is_what_the_command_prints(capsys):
    command, shown = EXAMPLE.search(README).groups()
    with pytest.raises(SystemExit) as stopped:
        main(shlex.split(command)[1:])
    assert not stopped.value.code
    lines = [line.removeprefix("    ") for line in shown.strip("\n").splitlines()]
    assert lines == capsys.readouterr().out.splitlines()


def test_the_python_example_runs(capsys):
    code = re.search(r"```python\n(.+?)```", README, re.DOTALL)[1]
    exec(code, {})
    report = estimate(Scenario(model="Qwen/Qwen3-8B", gpu="RTX 4090", batch=8))
    assert capsys.readouterr().out.split()[0] == str(report.total_bytes)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (\w+)", README))))
def test_make_has_the_target(target):
    dry = ["make", "--dry-run", target]
    assert subprocess.run(dry, cwd=ROOT, capture_output=True, timeout=30).returncode == 0


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"(?<!from )\bkvviz ([a-z]+)\b", README)))
)
def test_the_command_exists(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert not stopped.value.code
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("path", re.findall(r"`((?:kvviz|apps)\b[\w/.]*)`", README))
def test_the_path_exists(path):
    assert (ROOT / path).exists()


def test_the_wheels_name():
    assert f"kvviz-{__version__}-py3-none-any.whl" in README


def test_no_registry_is_named():
    text = README + (ROOT / "constraints.txt").read_text() + (ROOT / "Makefile").read_text()
    assert not re.search(r"https?://(?!localhost)", text)
