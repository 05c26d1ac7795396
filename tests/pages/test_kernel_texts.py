"""What the Kernels page says in words: of the figures that stand there, and no more."""

import json
from pathlib import Path

import pytest

from kvviz.kernels.__main__ import main
from kvviz.kernels.measuring.table import duration, text
from kvviz.pages.kernels.texts import discussion, method, rows
from kvviz.units import size

RECORDED = json.loads((Path(__file__).parents[2] / "assets/measured/cpu_page.json").read_text())


def test_the_figures_say_of_which_problem_they_are():
    assert "n 4,096, d 128, 8 heads, blocks of 128, fp32: best of" in method(RECORDED, True)


def test_what_was_held_and_multiplied_is_told_as_measured():
    said, found = discussion(RECORDED), rows(RECORDED)
    for row in found.values():
        assert size(row["peak_bytes"] - row["output_bytes"]) in said
    flash, standard = found["Flash tiles"], found["Standard"]
    assert f"with {flash['flops'] / standard['flops']:.2f} × the multiplications" in said


def test_products_that_are_the_same_are_not_told():
    same = json.loads(json.dumps(RECORDED))
    for row in rows(same).values():
        row["flops"] = 10**9
    assert "multiplications" not in discussion(same)


def test_the_tables_difference_is_that_of_the_time_beside_it():
    group = RECORDED["groups"][0]
    lines = text({**RECORDED, "groups": [group]}).splitlines()
    for row in group["rows"]:
        (line,) = [line for line in lines if line.strip().startswith(row["name"])]
        best, predicted = row["seconds_minimum"], row["predicted_seconds"]
        told = f"{duration(best)} {duration(predicted)} {predicted / best - 1:+.1%}"
        assert told in " ".join(line.split())


@pytest.mark.parametrize("option", ["--out", "--plot"])
@pytest.mark.parametrize("name", [".", "nowhere/result.png"])
def test_a_file_that_cannot_be_written_is_refused_before_the_run(
    option, name, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("kvviz.kernels.__main__.os.execve", lambda *_: None)
    path = tmp_path / name if option == "--out" or "nowhere" in name else tmp_path / "x.png"
    if option == "--plot" and name == ".":
        path.mkdir()
    assert main(["--preset", "report", option, str(path)]) == 2
    assert capsys.readouterr().err == (
        f"kvviz: {option} is {str(path)!r}, expected a file in an existing folder.\n"
    )
