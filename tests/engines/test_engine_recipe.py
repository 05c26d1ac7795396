"""An engine is added in one file: the command line, the API and the pages find it, in a clone."""

import json
from pathlib import Path

import pytest

from kvviz.units import GiB
from tests.clone import Clone

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "tests" / "recipes" / "engine.py"
LOG = "INFO toy keeps 10,000 tokens in 1.37 GiB\nERROR toy is full\n"
WIDGETS = """
import json
from kvviz.api.app import create_app
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.explore.toolbar import filters
from kvviz.pages.hbm.controls import controls
from kvviz.pages.hbm.session import Session

fields = create_app().openapi()["components"]["schemas"]["Settings"]["properties"]
cards = json.dumps(controls(Session()).cards)
print(json.dumps({"api": fields["mode"]["enum"], "hbm": '["toy", "toy"]' in cards}))
"""


def test_the_recipe_is_the_one_that_is_told() -> None:
    assert RECIPE.read_text() in (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.slow
def test_an_engine_in_one_file_is_found_everywhere(clone: Clone) -> None:
    (clone.folder / "kvviz/engines/toy.py").write_text(RECIPE.read_text())

    told = json.loads(clone.kvviz("estimate", "Qwen3-8B", "--mode", "toy", "--json"))

    assert told["block_size"] == 32
    assert told["engine_version"] == "1.0.0"
    assert told["per_gpu"]["overhead"] == GiB
    left = told["capacity_bytes"] - told["per_gpu"]["weights"] - GiB
    assert told["kv_blocks"] == left // told["bytes_per_block"]
    assert "toy" in clone.kvviz("estimate", "--help")
    log = clone.folder / "toy.log"
    log.write_text(LOG)
    read = json.loads(
        clone.kvviz("explain", str(log), "--model", "Qwen3-8B", "--gpu", "RTX 3090", "--json")
    )
    assert read["facts"]["engine"] == "toy"
    logged = {entry["name"]: entry["logged"] for entry in read["entries"]}
    assert (logged["KV tokens"], logged["KV cache"]) == (10_000, 1.37)
    assert "no KV cache block is left" in read["failure"]
    widgets = json.loads(clone.run("-c", WIDGETS))
    assert "toy" in widgets["api"]
    assert widgets["hbm"]
