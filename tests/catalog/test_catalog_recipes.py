"""A family of models is added in one file, a model and a GPU in one row: in a clone, each once."""

import json
from pathlib import Path

import pytest

from kvviz.catalog.models import families
from kvviz.catalog.models.family import Family
from tests.clone import Clone

RECIPES = Path(__file__).parents[1] / "recipes"


@pytest.mark.slow
def test_a_family_in_one_file_and_an_entry_make_a_counted_model(clone: Clone) -> None:
    models = clone.folder / "kvviz/catalog/models"
    (models / "families/toy.py").write_text((RECIPES / "family.py").read_text())
    shipped = json.loads((models / "models.json").read_text())
    entry = json.loads((RECIPES / "model.json").read_text())
    (models / "models.json").write_text(json.dumps([*shipped, entry]))

    rows = json.loads(clone.kvviz("models", "--json"))

    assert len(rows) == len(shipped) + 1
    (toy,) = [row for row in rows if row["name"] == "toys/Toy-1M"]
    attention = 64 * (64 + 16 + 16 + 64) + (64 + 16 + 16)  # q, k, v, o; biases of q, k, v
    layer = attention + 3 * 64 * 128 + 2 * 64  # with a gated MLP and two norms
    embedding = 100 * 64 + 512 * 64  # of words, tied to the head, and of positions
    assert toy["family"] == "toy"
    assert toy["parameters"] == embedding + 2 * layer + 64
    words = ("Toy-1M", "--gpu", "T4", "--batch", "1", "--context", "512", "--json")
    told = json.loads(clone.kvviz("estimate", *words))
    assert told["kv"]["used_bytes"] == 512 * 2 * (2 * 2 * 8) * 2  # tokens, layers, K and V, bf16


@pytest.mark.parametrize("name", ["family.py", "gpu.csv"])
def test_the_recipe_is_the_one_that_is_told(name: str) -> None:
    told = (RECIPES.parents[1] / "CONTRIBUTING.md").read_text()
    assert (RECIPES / name).read_text() in told


def test_two_families_of_one_name_are_an_error() -> None:
    found = families._found()
    one: Family = next(iter(found))
    pairs = [(name, one) for name in (*one.names, one.names[0])]
    with pytest.raises(ValueError, match=f"model_type '{one.names[0]}' belongs to two families"):
        families._by_name("model_type", pairs)


def test_a_row_makes_a_gpu(clone: Clone) -> None:
    table = clone.folder / "kvviz/catalog/gpus/gpus.csv"
    table.write_text(table.read_text() + (RECIPES / "gpu.csv").read_text())

    (toy,) = [row for row in json.loads(clone.kvviz("gpus", "--json")) if "Toy" in row["name"]]

    assert toy["bandwidth_gb_s"] == 1000
    words = ("Qwen3-8B", "--gpu", "Toy 9000", "--batch", "1", "--json")
    assert json.loads(clone.kvviz("estimate", *words))["gpu"] == "Toy 9000 24GB"
