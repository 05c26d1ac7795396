"""A kernel is added in one file: it is listed, measured, and its prediction stands beside it."""

import json
from pathlib import Path

import pytest

from kvviz.kernels.records import by_name, kernels
from tests.clone import Clone

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "tests/recipes/kernel.py"
ON_THE_PAGE = """
from kvviz.pages.kernels.components import Check
from kvviz.pages.kernels.link import LINK, opened
from kvviz.pages.kernels.page import _controls
print(*[check.label for check in _controls(opened(LINK.read([]))).select(Check)], sep="|")
print(LINK.write(opened(LINK.read([("rows", "false")]))))
"""


def test_a_kernel_in_one_file_is_listed_measured_and_predicted(clone: Clone) -> None:
    (clone.folder / "kvviz/kernels/records/rows.py").write_text(RECIPE.read_text())

    (line,) = [x for x in clone.kvviz("kernels", "--list").splitlines() if x.startswith("rows ")]
    assert line.split()[:4] == ["rows", "numpy", "page,", "prefill"]
    assert line.endswith("Rows, one query at a time")

    asked = {"n": 128, "d": 16, "heads": 2, "block": 32, "kernels": ["standard", "rows"]}
    told = clone.run("-m", "kvviz.kernels.measuring.compare", sent=json.dumps(asked))
    result = json.loads(told.splitlines()[-1])["result"]
    row = {row["name"]: row for row in result["groups"][0]["rows"]}["Rows"]
    assert row["error"] < 1e-5
    assert row["seconds_minimum"] > 0
    assert row["predicted_seconds"] > 0
    assert row["flops"] == 2 * 4 * 16 * 128 * 129 // 2
    assert row["predicted_bytes"] == pytest.approx(row["peak_bytes"], rel=0.2)
    assert [point["n"] for point in result["scaling"]["Rows"]] == [32, 64]


def test_the_page_has_its_switch_and_its_link(clone: Clone) -> None:
    (clone.folder / "kvviz/kernels/records/rows.py").write_text(RECIPE.read_text())
    labels, query = clone.run("-c", ON_THE_PAGE).splitlines()
    assert labels == "Standard|Paged|Flash tiles|Rows"
    assert query == "{'rows': 'false'}"


def test_the_recipe_is_the_one_that_is_told() -> None:
    assert RECIPE.read_text() in (ROOT / "CONTRIBUTING.md").read_text()


def test_two_kernels_of_one_name_are_an_error() -> None:
    one = kernels()["standard"]
    with pytest.raises(ValueError, match="two kernels are named 'standard'"):
        by_name(one, one)
