"""A copy of the package to add to: what a recipe promises is done there, and runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "kvviz"


class Clone:
    """A copy of the package that a test adds to, as a developer would to a clone.

    Args:
        folder: holds `kvviz`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE, folder / "kvviz", ignore=without)
        (folder / "assets").symlink_to(PACKAGE.parent / "assets")

    def kvviz(self, *words: str) -> str:
        """Return what the clone's own command prints; it must succeed."""
        return self.run("-c", "from kvviz.cli import main; main()", *words)

    def run(self, *words: str, sent: str = "") -> str:
        """Return what Python prints in the clone, with `sent` as its input; it must succeed."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            input=sent,
            capture_output=True,
            text=True,
            timeout=600,  # however busy the machine is
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
