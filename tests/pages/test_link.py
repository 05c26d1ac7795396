"""Links: the whole state in a URL, and what a broken one opens with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.pages import pages
from kvviz.pages.hbm.page import PAGE
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.link import Carried, Link
from kvviz.settings.scenario import Scenario, knobs

KNOBS = Link(Carried(Scenario, "", knobs()))


@given(
    batch=st.integers(1, 4096),
    paged=st.booleans(),
    ragged=st.floats(0, 1),
    reservation=st.sampled_from(["exact", "pow2", "max"]),
)
def test_a_query_brings_back_what_it_was_made_from(batch, paged, ragged, reservation):
    made = Scenario(batch=batch, paged=paged, ragged=ragged, reservation=reservation)
    asked = KNOBS.read(KNOBS.write(made).items())
    assert not asked.problems
    assert Scenario(**asked.of(Scenario)).settings() == made.settings()


def test_only_what_differs_from_the_usual_is_in_a_query():
    usual = Link(Carried(Scenario, "", knobs(), {"ragged": 0.5}))
    assert KNOBS.write(Scenario()) == {}
    assert usual.write(Scenario(ragged=0.5)) == {}
    assert usual.write(Scenario()) == {"ragged": "0.0"}


def test_what_is_left_open_is_auto():
    usual = Link(Carried(Scenario, "", knobs(), {"run_length": 8192}))
    assert usual.write(Scenario(run_length=None)) == {"run_length": "auto"}
    assert usual.read([("run_length", "auto")]).of(Scenario) == {"run_length": None}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"batch": "0"}, "batch in the link: got '0', expected a whole number from 1 to 4,096."),
        (
            {"utilization": "0"},
            "utilization in the link: got '0', expected a number above 0 and at most 1.",
        ),
        ({"flash": "maybe"}, "flash in the link: got 'maybe', expected on or off."),
        ({"own_models": "x"}, "'own_models' in the link is not a setting of this page."),
        (
            {"engine_version": "x"},
            "engine_version in the link: got 'x', expected a version such as 0.33.0, or newest.",
        ),
        ({"theme": "pink"}, "theme in the link: got 'pink', expected one of dark, light."),
    ],
)
def test_a_bad_setting_is_named(query, said):
    asked = KNOBS.read(query.items())
    assert asked.of(Scenario) == {}
    assert asked.problems == (said,)


def test_an_old_name_in_a_link_still_works_and_says_the_new_one():
    asked = KNOBS.read([("max_length", "100")])
    assert asked.of(Scenario) == {"max_model_len": 100}
    assert asked.problems == ("max_length is now called max_model_len. The link still works.",)


@pytest.mark.parametrize("name", pages())
def test_every_page_opens_a_broken_link_and_says_what_is_wrong(name):
    page = pages()[name]
    session = page.visit([("nothing", "1"), ("theme", "light")])
    assert session.problem == "'nothing' in the link is not a setting of this page."
    assert session.theme == "light"
    assert page.query(session) == {}


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("paging", {"block_size": "32", "shown": "true", "shared": "0.25"}),
        ("kernels", {"n": "512", "dtype": "fp64", "flash": "false"}),
        ("serving", {"num_blocks": "auto", "against": "static", "requests": "20"}),
        ("explore", {"metric": "rate", "context": "4096", "find_gpu": "hbm"}),
        ("accuracy", {"engine": "vllm", "confidence": "A"}),
    ],
)
def test_every_page_brings_back_what_its_link_says(name, query):
    session = pages()[name].visit(query.items())
    assert session.problem == ""
    assert pages()[name].query(session) == query


def test_a_plain_visit_has_a_plain_link():
    session = PAGE.visit([])
    assert session.problem == ""
    assert PAGE.query(session) == {}


def test_a_link_opens_what_it_was_made_of():
    query = {"model": "Qwen/Qwen3-8B", "batch": "8", "flash": "false", "run_length": "16384"}
    session = PAGE.visit([*query.items(), ("theme", "light")])
    assert session.theme == "light"
    assert session.problem == ""
    assert PAGE.query(session) == query


def test_names_are_found_as_on_the_command_line():
    assert PAGE.visit([("gpu", "rtx 4090")]).scenario.gpu == "GeForce RTX 4090"


def test_what_is_valid_opens_and_the_rest_is_named():
    session = PAGE.visit(
        [("batch", "8"), ("context", "-4"), ("model", "nobody/nothing"), ("x", "1")]
    )
    assert session.scenario.batch == 8
    assert session.scenario.model == "meta-llama/Llama-3.1-8B"
    for part in (
        "context in the link",
        "nobody/nothing",
        "'x' in the link is not a setting of this page",
    ):
        assert part in session.problem


def test_contradictions_open_the_usual_page():
    session = PAGE.visit([("context", "20000"), ("run_length", "100")])
    assert "contradict" in session.problem
    assert PAGE.query(session) == {}


def test_a_long_context_brings_its_run_along():
    session = PAGE.visit([("context", "12000")])
    assert (session.scenario.context, session.scenario.run_length) == (12000, 24000)


def test_an_uploaded_model_is_not_in_the_link():
    session = PAGE.visit([])
    session.upload(
        '{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,'
        ' "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 100,'
        ' "max_position_embeddings": 2048, "torch_dtype": "bfloat16"}'
    )
    assert session.problem == ""
    assert session.scenario.model in session.scenario.own_models
    assert "model" not in PAGE.query(session)


@pytest.mark.parametrize(
    "query",
    [
        {"utilization": "0.0001"},
        {"utilization": "0.01", "block_size": "4096"},
        {"theme": "pink", "utilization": "0.0001"},
    ],
)
def test_a_link_to_what_cannot_be_drawn_opens_the_usual_page_and_says_why(query: dict[str, str]):
    session = PAGE.visit(query.items())
    assert session.report.total_bytes == Session().report.total_bytes
    assert "expected at least one per memory site, 5" in session.problem
    assert ("theme" in session.problem) == ("theme" in query)
