"""The Explore page without a browser: what a session holds, says and hands out."""

import re
from io import BytesIO

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.catalog.gpus.shipped import gpus
from kvviz.catalog.models.shipped import models
from kvviz.engines.planning import in_force, plan
from kvviz.memory import estimate
from kvviz.memory.answer import flat
from kvviz.pages.explore.arithmetic import arithmetic
from kvviz.pages.explore.contexts import _values
from kvviz.pages.explore.details import details, pair
from kvviz.pages.explore.layers import layers
from kvviz.pages.explore.metrics import METRICS, short
from kvviz.pages.explore.page import PAGE
from kvviz.pages.explore.session import EXPLORE_DEFAULTS, ExploreSession
from kvviz.pages.explore.split import split
from kvviz.pages.explore.table import as_file
from kvviz.pages.explore.toolbar import filters
from kvviz.pages.hbm.cards import info
from kvviz.pages.hbm.session import Session
from kvviz.pages.kit.inputs import Knob
from kvviz.settings.scenario import Scenario
from kvviz.units import GiB, size

ALL = [(model.name, gpu.name) for model in models() for gpu in gpus()[::5]]


@pytest.fixture(scope="module")
def session():
    return ExploreSession()


def words(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.slow
@given(st.sampled_from(ALL), st.sampled_from(list(METRICS)), st.integers(1, 8), st.booleans())
@settings(max_examples=25)
def test_every_pair_can_be_described(chosen, metric, tp, engine):
    model, gpu = chosen
    mode = "vllm" if engine else "textbook"
    session = ExploreSession(
        scenario=Scenario(
            **{**EXPLORE_DEFAULTS, "model": model, "gpu": gpu, "tp": tp, "mode": mode}
        ),
        metric=metric,
    )
    now = pair(session)
    for text in (details, arithmetic, layers, split):
        said = text(now)
        assert said.count("<b") == said.count("</b>")
        assert "nan" not in re.findall(r"\b[a-z]+\b", words(said))
    values, texts, labels, here = _values(session)
    assert len(values) == len(texts) == len(labels) > here
    parts = now.figures["per_gpu_weights"] + now.figures["per_gpu_overhead"] + now.held + now.free
    assert parts == now.figures["capacity_bytes"]


@given(st.floats(1e-2, 2e9))
def test_a_number_fits_a_cell_and_stays_close(value):
    text = short(value)
    assert len(text) <= 6
    scale = {"K": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1)
    assert float(text.rstrip("KMG").replace(",", "")) * scale == pytest.approx(value, rel=0.006)


def test_the_bar_adds_up_to_the_capacity(session):
    text = words(details(pair(session)))
    found = [float(x.replace(",", "")) for x in re.findall(r"([\d,]+\.\d\d) GiB", text)]
    usable, (weights, kv, free) = found[0], found[-3:]
    assert weights + kv + free == pytest.approx(usable, abs=0.02)
    assert usable == round(session.scenario.the_gpu.reported_bytes / GiB, 2)


def test_a_link_brings_back_the_state():
    query = {
        "model": "Qwen/Qwen3-8B",
        "gpu": "L40S",
        "context": "65536",
        "tp": "4",
        "mode": "vllm",
        "metric": "longest",
        "shown": "all",
        "find_gpu": "hbm",
        "sort": "value",
    }
    session = PAGE.visit(query.items())
    assert not session.problem
    assert PAGE.query(session) == query
    assert PAGE.query(ExploreSession()) == {}


def test_what_a_link_cannot_set_is_named():
    session = PAGE.visit([("paged", "false"), ("shown", "some"), ("gpu", "H1000"), ("x", "1")])
    for name in ("paged", "shown", "H1000", "'x'"):
        assert name in session.problem
    assert PAGE.query(session) == {}


def test_the_number_of_sequences_is_asked_not_given():
    """The sequences metric holds one at a time against the room; others take the workload's."""
    session = ExploreSession(scenario=Scenario(batch=64, context=8192))
    assert session.workload.batch == 1
    session.metric = "gpus"
    assert (session.workload.batch, session.workload.tp) == (64, 1)
    assert session.figures()["gpus_needed"] == estimate(session.workload).gpus_needed


def test_the_table_is_the_rows_shown_with_every_figure():
    session = ExploreSession(find_model="llama-3.1", find_gpu="h100")
    table = pd.read_csv(BytesIO(as_file(session, "csv")))
    assert len(table) == 3 * 3
    assert table.model.tolist()[:3] == ["meta-llama/Llama-3.1-8B"] * 3
    for _, row in table.iterrows():
        report = flat(estimate(session.workload.replaced(model=row.model, gpu=row.gpu)))
        assert all(row[name] == value for name, value in report.items())


def test_searches_know_kinds_of_layers_and_memory():
    session = ExploreSession(find_model="mla fp8", find_gpu="gddr6x")
    every = session.reports.axes.models
    found = [every[i] for i in session.rows()]
    assert {"deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-R1"} <= {m.name for m in found}
    assert all(any(layer.attention == "mla" for layer in m.layers) for m in found)
    assert {gpus()[i].memory_type for i in session.columns()} == {"GDDR6X"}


@pytest.mark.parametrize(
    ("model", "groups", "kept"),
    [("google/gemma-3-27b-it", 7, "496 KiB"), ("openai/gpt-oss-20b", 2, "48 KiB")],
)
def test_an_engines_pool_is_told_apart_from_what_layers_keep(model, groups, kept):
    """Explore counts by the pool, HBM draws the layers: both tell of the other."""
    scenario = Scenario(**{**EXPLORE_DEFAULTS, "model": model, "mode": "vllm"})
    now = pair(ExploreSession(scenario=scenario))
    for text in (words(details(now)), words(info(Session(scenario=scenario)))):
        assert f"vLLM keeps {groups} groups of layers in blocks of" in text
        assert f"while its layers keep at most {kept} per token" in text
    layout = plan(scenario.deployment).layout
    blocks = now.figures["budget_bytes"] // layout.bytes_per_block
    assert blocks == now.figures["budget_blocks"]
    assert f"{blocks:,} blocks of {size(layout.bytes_per_block)}" in words(arithmetic(now))
    assert now.each == layout.request_bytes(scenario.context)
    textbook = scenario.replaced(mode="textbook")
    assert "pool" not in words(details(pair(ExploreSession(scenario=textbook))))
    assert "pool" not in words(info(Session(scenario=textbook)))


def test_an_engine_counts_the_vision_tower_that_weights_leave_out():
    scenario = Scenario(**{**EXPLORE_DEFAULTS, "model": "google/gemma-3-27b-it", "mode": "vllm"})
    said = words(details(pair(ExploreSession(scenario=scenario))))
    assert "vision tower 0.79" in said
    assert "not counted" not in said


def test_what_an_engine_decides_stays_open_until_it_is_chosen():
    session = ExploreSession(scenario=Scenario(**EXPLORE_DEFAULTS))
    scenario = session.scenario
    knobs = {knob.label: knob for knob in filters(session).objects if isinstance(knob, Knob)}
    for name in ("vllm", "sglang", "textbook", "vllm", "sglang"):
        knobs["Engine"].value = name
        for gpu in ("GeForce RTX 4090", "H100 SXM5 80GB"):
            scenario.gpu = gpu
            assert scenario.utilization is None
            assert knobs["Utilization"].value == in_force(scenario, "utilization")
    knobs["Utilization"].value = 0.8
    assert scenario.utilization == 0.8
    knobs["Engine"].value = "vllm"
    knobs["Version"].value = "0.5.0"
    assert (scenario.utilization, knobs["Utilization"].value) == (None, 0.9)


def test_an_unknown_version_is_said_on_the_card():
    session = ExploreSession(
        scenario=Scenario(**EXPLORE_DEFAULTS, mode="vllm", engine_version="9.0")
    )
    assert "vLLM 9.0.0 is unknown" in words(details(pair(session)))
