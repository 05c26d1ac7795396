"""Where the real data lie, and the settings all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.clone import Clone

settings.register_profile("busy", deadline=None)  # no example fails for a slow machine
settings.load_profile("busy")
SLOW = ("browser", "kernels", "test_sweep.py", "test_package.py")
TESTS = Path(__file__).parent
SHARED = TESTS.parents[1] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser, a kernel, a cluster or a clean environment as slow."""
    for item in items:
        if set(item.path.relative_to(TESTS).parts) & set(SLOW):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data beside the project; skip, aloud, where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the folder `shared` with real data does not lie beside this clone")
    return SHARED


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a copy of the package to add to."""
    return Clone(tmp_path)
