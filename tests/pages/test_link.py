"""Links: the whole state in a URL, and what a broken one opens with."""

import pytest

pytest.importorskip("panel")

from kvviz.pages.hbm.link import link, open_link
from kvviz.pages.hbm.session import Session


def test_a_plain_visit_has_a_plain_link():
    session = open_link([])
    assert session.problem == ""
    assert link(session) == {}


def test_a_link_opens_what_it_was_made_of():
    query = {"model": "Qwen/Qwen3-8B", "batch": "8", "flash": "false", "run_length": "16384"}
    session = open_link([*query.items(), ("theme", "light")])
    assert session.theme == "light"
    assert session.problem == ""
    assert link(session) == query


def test_names_are_found_as_on_the_command_line():
    assert open_link([("gpu", "rtx 4090")]).scenario.gpu == "GeForce RTX 4090"


def test_what_is_valid_opens_and_the_rest_is_named():
    session = open_link(
        [("batch", "8"), ("context", "-4"), ("model", "nobody/nothing"), ("x", "1")]
    )
    assert session.scenario.batch == 8
    assert session.scenario.model == "meta-llama/Llama-3.1-8B"
    for part in ("context in the link", "nobody/nothing", "'x' in the link is no setting"):
        assert part in session.problem


def test_contradictions_open_the_usual_page():
    session = open_link([("context", "20000"), ("run_length", "100")])
    assert "contradict" in session.problem
    assert link(session) == {}


def test_a_long_context_brings_its_run_along():
    session = open_link([("context", "12000")])
    assert (session.scenario.context, session.scenario.run_length) == (12000, 24000)


def test_an_uploaded_model_is_not_in_the_link():
    session = open_link([])
    session.upload(
        '{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,'
        ' "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 100,'
        ' "max_position_embeddings": 2048, "torch_dtype": "bfloat16"}'
    )
    assert session.problem == ""
    assert session.scenario.model in session.scenario.own_models
    assert "model" not in link(session)


@pytest.mark.parametrize(
    "query",
    [
        {"utilization": "0.0001"},
        {"utilization": "0.01", "block_size": "4096"},
        {"theme": "pink", "utilization": "0.0001"},
    ],
)
def test_a_link_to_what_cannot_be_drawn_opens_the_usual_page_and_says_why(query: dict[str, str]):
    session = open_link(query.items())
    assert session.report.total_bytes == Session().report.total_bytes
    assert "expected at least one a memory site, 5" in session.problem
    assert ("theme" in session.problem) == ("theme" in query)
