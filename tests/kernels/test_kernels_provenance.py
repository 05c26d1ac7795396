"""Recordings say which settings of the libraries they were made with, where any were."""

import json

import pytest

from kvviz.kernels.measuring.provenance import SPEED, provenance, set_in
from kvviz.kernels.measuring.recordings import recordings
from kvviz.kernels.measuring.table import text
from kvviz.pages.kernels.texts import method


@pytest.fixture
def unset(monkeypatch):
    for name in SPEED:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def page():
    return next(found for found in recordings() if found["preset"] == "page")


def test_only_what_is_set_is_noted(unset):
    assert provenance("it")["environment"] == {}
    unset.setenv("OPENBLAS_CORETYPE", "Haswell")
    unset.setenv("OMP_NUM_THREADS", "2")
    unset.setenv("MKL_NUM_THREADS", "")
    unset.setenv("HOME", "/nowhere")
    noted = provenance("it")["environment"]
    assert noted == {"OMP_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Haswell"}
    assert json.loads(json.dumps(noted)) == noted


def test_threads_are_told_once():
    noted = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "4", "OPENBLAS_CORETYPE": "Zen"}
    facts = {"threads": 1, "environment": noted}
    assert set_in(facts) == "MKL_NUM_THREADS=4, OPENBLAS_CORETYPE=Zen"
    assert set_in({"threads": 1, "environment": {"OMP_NUM_THREADS": "1"}}) == ""


def test_readers_are_told_in_the_table_and_on_the_page(page):
    assert not set_in(page | {"environment": {}})
    told = page | {"environment": {"OPENBLAS_CORETYPE": "<Zen>"}}
    assert text(told).splitlines()[1].endswith("; OPENBLAS_CORETYPE=<Zen>")
    assert f"{page['date'][:10]}, with OPENBLAS_CORETYPE=&lt;Zen&gt;.</p>" in method(told, True)


def test_recordings_that_note_nothing_are_shown_as_before(page):
    plain = {name: value for name, value in page.items() if name != "environment"}
    assert set_in(plain) == ""
    assert "=" not in text(plain).splitlines()[1]
    assert f"{page['date'][:10]}.</p>" in method(plain, True)


def test_a_gpus_recording_tells_its_threads_too():
    facts = {"threads": 1, "environment": {"OMP_NUM_THREADS": "1"}}
    assert set_in(facts) == ""
    assert set_in(facts | {"cuda": "13.0"}) == "OMP_NUM_THREADS=1"
