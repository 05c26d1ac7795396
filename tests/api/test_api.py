"""The REST API through a real server: what it answers, what it refuses, how it is described."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from math import ceil
from pathlib import Path

import httpx
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kvviz import Scenario, __version__, estimate, find_model, gpus, models
from kvviz.api import simulation
from kvviz.api.app import create_app
from kvviz.api.simulation import MOST_SECONDS
from kvviz.cli import main
from kvviz.engines.registry import engines
from kvviz.memory.answer import answer
from kvviz.memory.comparison import Comparison, compare
from kvviz.settings.scenario import knobs
from kvviz.settings.serving import HARDWARE, Serving, serving_knobs

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
EXAMPLES = 40  # requests that each operation gets, valid ones and invalid ones
ORIGIN = "http://localhost:5006"
LLAMA = "meta-llama/Llama-3.1-8B"
TINY = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 100,
    "max_position_embeddings": 512,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}
OLDER_FIELDS = {
    "traditional_memory_mb",
    "paged_memory_mb",
    "memory_saved_mb",
    "memory_saved_percent",
    "num_blocks",
    "block_size",
    "blocks_used",
    "blocks_free",
    "utilization_percent",
    "sequence_length",
}


@pytest.fixture(scope="module")
def address():
    """Serve the API as its command does, on a free port; return where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-c", "from kvviz.cli import main; main()", "api", "--port", str(port)]
    with subprocess.Popen([sys.executable, *words, "--cors-origin", ORIGIN], cwd=ROOT) as server:
        try:
            yield _answering(f"http://127.0.0.1:{port}", server)
        finally:
            server.terminate()


def _answering(address, server):
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        try:
            httpx.get(address + "/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return address
    raise AssertionError("the server does not answer")


@pytest.fixture(scope="module")
def client(address):
    with httpx.Client(base_url=address, timeout=30) as opened:
        yield opened


@pytest.fixture
def get(client):
    """Return a function from a path and its parameters to the JSON of a good answer."""

    def ask(path, **parameters):
        answered = client.get(path, params=parameters)
        assert answered.status_code == 200, answered.text
        return answered.json()

    return ask


def refused(answered, status):
    """Return the sentence of a refusal."""
    assert answered.status_code == status, answered.text
    assert list(answered.json()) == ["detail"]
    sentence = answered.json()["detail"]
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


# -- the older system's list: available, whole, right, documented, open to its page


def test_the_endpoint_is_available(get):
    assert get("/compare/memory").keys() >= OLDER_FIELDS


def test_the_data_are_whole(get):
    found = get("/compare/memory", sequence_length=1000, batch=3)
    assert found["blocks_used"] + found["blocks_free"] == found["num_blocks"] == 1024
    parts = found["memory_saved_mb"] + found["paged_memory_mb"]
    assert parts == pytest.approx(found["traditional_memory_mb"])
    physical = [row["physical"] for row in found["blocks"]]
    assert len(set(physical)) == len(physical) == found["blocks_used"] == 3 * ceil(1000 / 16)
    assert all(0 <= block < 1024 for block in physical)
    for sequence in range(3):
        own = [row for row in found["blocks"] if row["sequence"] == sequence]
        assert [row["logical"] for row in own] == list(range(63))
        assert sum(row["tokens"] for row in own) == 1000
    assert get("/compare/memory", sequence_length=1000, batch=3) == found


def test_the_calculation_is_accurate(get):
    token = 2 * 22 * 4 * 64 * 2  # keys and values, layers, KV heads, width, bytes of a number
    found = get("/compare/memory")
    assert found["kv_bytes_per_token"] == token == 22_528
    assert found["traditional_memory_mb"] == 2048 * token / 2**20 == 44
    assert found["paged_memory_mb"] == 8 * 16 * token / 2**20 == 2.75
    assert found["memory_saved_mb"] == 41.25
    assert found["memory_saved_percent"] == found["traditional_waste_percent"] == 93.75
    assert (found["blocks_used"], found["blocks_free"], found["wasted_tokens"]) == (8, 1016, 1920)
    assert round(found["utilization_percent"], 2) == 0.78


def test_a_slot_of_1024_gives_what_the_older_system_printed(get):
    found = get("/compare/memory", max_model_len=1024)
    shown = ("traditional_memory_mb", "paged_memory_mb", "memory_saved_mb", "memory_saved_percent")
    assert [found[name] for name in shown] == [22.0, 2.75, 19.25, 87.5]
    assert found["wasted_tokens"] == 896


def test_the_documentation_is_there_and_asks_nobody_else(client):
    document = client.get("/openapi.json").json()
    assert {"/compare/memory", "/models", "/gpus", "/estimate", "/health"} <= document[
        "paths"
    ].keys()
    fields = document["components"]["schemas"]["Compared"]["properties"]
    assert all(field["description"] for field in fields.values())
    assert all("MiB" in fields[name]["description"] for name in fields if name.endswith("_mb"))
    page = client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    for part in addresses:
        assert part.startswith(str(client.base_url).rstrip("/"))
        assert client.get(part).status_code == 200


def test_the_configured_origin_may_call_and_no_other(client):
    path = "/compare/memory"
    allowed = client.get(path, headers={"Origin": ORIGIN})
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    foreign = client.get(path, headers={"Origin": "http://example.org"})
    assert "access-control-allow-origin" not in foreign.headers
    asks = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type"}  # fmt: skip
    assert client.options("/estimate", headers=asks).status_code == 200
    asks["Origin"] = "http://example.org"
    assert client.options("/estimate", headers=asks).status_code == 400


# -- one declaration, one answer


def test_every_setting_is_a_field_with_its_declaration(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    fields = schemas["Settings"]["properties"]
    assert set(fields) == {*knobs(), "config"}
    for name in knobs():
        knob = Scenario.param[name]
        assert fields[name]["description"] == knob.doc
        assert fields[name].get("default") == knob.default
    batch = fields["batch"]
    assert (batch["type"], batch["minimum"], batch["maximum"]) == ("integer", 1, 4096)
    assert fields["utilization"]["anyOf"][0]["exclusiveMinimum"] == 0
    assert fields["mode"]["enum"] == list(engines())


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"model": "Qwen/Qwen3-8B", "gpu": "RTX 4090", "mode": "vllm", "utilization": 0.9},
        {"model": "google/gemma-3-27b-it", "tp": 2, "paged": False, "run_length": 5000},
    ],
)
def test_an_estimate_is_the_command_lines(client, asked):
    scenario = Scenario(**asked)
    expected = json.loads(json.dumps(answer(scenario, estimate(scenario))))
    assert client.post("/estimate", json=asked).json() == expected


def test_a_model_of_ones_own(client):
    found = client.post("/estimate", json={"model": "mine", "config": TINY}).json()
    assert found["model"] == "mine"
    assert found["kv_bytes_per_token"] == 2 * 2 * 64 * 2
    wrong = client.post("/estimate", json={"config": {**TINY, "hidden_size": "x"}})
    assert "hidden_size" in refused(wrong, 422)


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b"{}"},
        {"content": b"[1]", "headers": {"content-type": "application/json"}},
        {"content": b"3", "headers": {"content-type": "application/json"}},
    ],
)
def test_a_body_that_is_no_object_says_what_was_expected(client, sent):
    said = refused(client.post("/estimate", **sent), 422)
    assert said == "the body: expected a JSON object, sent as application/json."


def test_the_capacity_is_what_an_estimate_says(client):
    asked = {"model": LLAMA, "mode": "vllm", "utilization": 0.9}
    found = client.post("/capacity", json=asked).json()
    whole = client.post("/estimate", json=asked).json()
    assert {name: whole[name] for name in found if name in whole} == {
        name: value for name, value in found.items() if name in whole
    }
    assert found["kind"] == "assumed"
    plain = client.post("/capacity", json={"model": LLAMA}).json()
    assert plain["kind"] == "computed"
    assert plain["kv_budget_bytes"] == plain["capacity_bytes"] - 16_060_522_496


@pytest.mark.parametrize(
    "asked",
    [
        {"requests": 50},
        {"requests": 80, "policy": "orca", "num_blocks": 2000, "traffic": "code", "seed": 3},
        {"requests": 60, "all_at_once": True, "num_blocks": 700, "prefix_caching": False},
    ],
)
def test_a_simulation_is_the_command_lines(client, capsys, asked):
    words = []
    for name, value in asked.items():
        flag = name.replace("_", "-")
        words += [f"--{flag}", str(value)] if not isinstance(value, bool) else []
        words += [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else []
    with pytest.raises(SystemExit) as stopped:
        main(["simulate", *words, "--json"])
    assert not stopped.value.code
    expected = json.loads(capsys.readouterr().out)
    found = client.post("/simulate", json=asked).json()
    del found["wall_s"], expected["wall_s"]
    assert found == expected


def test_the_simulations_fields_are_the_declared_ones(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    fields = schemas["SimulateSettings"]["properties"]
    for name in serving_knobs():
        assert fields[name]["description"] == Serving.param[name].doc
        assert fields[name].get("default") == Serving.param[name].default
    assert set(HARDWARE) <= set(fields)


def test_the_catalogs(get):
    assert [row["name"] for row in get("/models")] == [model.name for model in models()]
    assert [row["name"] for row in get("/gpus")] == [gpu.name for gpu in gpus()]
    for name in (LLAMA, "Llama-3.1-8B", "deepseek-ai/DeepSeek-V3"):
        found = get(f"/models/{name}")
        model = find_model(name)
        assert (found["name"], found["parameters"]) == (model.name, model.parameters)
        assert sum(kind["count"] for kind in found["layers"]) == len(model.layers)


def test_health(get):
    assert get("/health") == {"status": "ok", "version": __version__}


def test_a_comparison_over_http_is_the_librarys(get):
    asked = {"model": "google/gemma-3-4b-it", "sequence_length": 3000, "max_model_len": 8192,
             "block_size": 32, "dtype": "fp8", "batch": 2}  # fmt: skip
    found, expected = get("/compare/memory", **asked), compare(Comparison(**asked))
    assert all(found[name] == getattr(expected, name) for name in found if name != "blocks")


# -- refusals


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("model=tinyllama-2", 404, "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
        ("block_size=0", 422, "block_size: got '0', expected a whole number from 1 to 4,096."),
        ("batch=1e3", 422, "batch: got '1e3', expected a whole number"),
        ("dtype=int4", 422, "dtype: got 'int4', expected one of auto, bf16"),
        ("sequence_length=4096", 422, "sequence_length 4,096 is longer than max_model_len 2,048"),
        ("num_blocks=7", 422, "num_blocks 7 is too small a pool: 1 x 128 tokens need 8 blocks"),
        ("blocksize=16", 422, "blocksize: "),
        ("batch=4096&sequence_length=2048&num_blocks=1048576", 413, "524,288 rows"),
    ],
)
def test_a_bad_comparison_is_one_sentence(client, query, status, said):
    assert said in refused(client.get(f"/compare/memory?{query}"), status)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"gpu": "H10"}, 404, "H100"),
        ({"batch": True}, 422, "batch: got 'True', expected a whole number"),
        ({"batch": "32"}, 422, "batch: got '32', expected a whole number"),
        ({"paged": 1}, 422, "paged: got '1', expected on or off"),
        ({"tp": 3}, 422, "tp 3 does not divide"),
        ({"context": 99_999}, 422, "context 99,999 is longer than"),
        ({"bach": 3}, 422, "bach: "),
        ({"config": {"model_type": "lama"}}, 422, "llama"),
        ([], 422, ""),
    ],
)
@pytest.mark.parametrize("path", ["/estimate", "/capacity"])
def test_a_bad_body_is_one_sentence(client, path, body, status, said):
    assert said in refused(client.post(path, json=body), status)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"policy": "vlm"}, 404, "vllm"),
        ({"requests": 5001}, 422, "requests: "),
        ({"rate": 0}, 422, "rate"),
        ({"max_num_seqs": 9000}, 422, "max_num_batched_tokens 8,192 is less than max_num_seqs"),
        ({"mfu": "x"}, 422, "mfu: got 'x', expected a number from 0.01 to 1"),
        ({"requests": 5000, "traffic": "code"}, 413, "tokens; expected at most 10,000,000"),
        ({"num_blocks": 10_000_000}, 413, "10,000,000 blocks; expected at most 1,000,000"),
    ],
)
def test_a_bad_or_unbounded_simulation_is_one_sentence(client, body, status, said):
    assert said in refused(client.post("/simulate", json=body), status)


def test_a_run_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(simulation, "MOST_SECONDS", 0.2)
    asked = {"requests": 5000, "max_num_seqs": 1, "max_num_batched_tokens": 1}
    with TestClient(create_app()) as inside:
        sentence = refused(inside.post("/simulate", json=asked), 413)
    assert sentence.startswith("the run takes over 0.2 s")


def test_what_is_no_json_is_one_sentence(client):
    as_json = {"content-type": "application/json"}
    for body in (b"{", b"\xff", b'{"mfu": NaN}', b"[" * 100_000):
        answered = client.post("/estimate", content=body, headers=as_json)
        refused(answered, answered.status_code)
        assert answered.status_code in (400, 422)


def test_an_unknown_model_or_page_is_404(client):
    assert "Llama-3.1-8B" in refused(client.get("/models/meta-llama/Llama-3.1-9B"), 404)
    assert client.get("/nothing").status_code == 404


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(address):
    host, _, port = address.removeprefix("http://").partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
        connection.putrequest("POST", "/estimate")
        connection.putheader("Content-Length", str(10**9))
        connection.endheaders()
        answered = connection.getresponse()
        assert answered.status == 413
        assert b"larger than" in answered.read()


def test_a_body_that_does_not_say_its_size_is_refused_when_it_is_too_large(client):
    pieces = (b" " * 1_000_000 for _ in range(12))
    assert "larger than" in refused(client.post("/estimate", content=pieces), 413)


# -- whatever the document allows, and what it does not


@pytest.fixture(scope="module")
def document(address):
    return schemathesis.openapi.from_url(address + "/openapi.json")


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
TAKING_SETTINGS = [
    ("get", "/compare/memory"),
    ("post", "/estimate"),
    ("post", "/capacity"),
    ("post", "/simulate"),
]
TAKING_NONE = [
    ("get", "/models"),
    ("get", "/models/{model}"),
    ("get", "/gpus"),
    ("get", "/health"),
]


def test_every_operation_is_tried(client):
    paths = client.get("/openapi.json").json()["paths"]
    found = {(method, path) for path in paths for method in paths[path]}
    assert found == {*TAKING_SETTINGS, *TAKING_NONE}


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [(*each, mode) for each in TAKING_SETTINGS for mode in GenerationMode]
    + [(*each, GenerationMode.POSITIVE) for each in TAKING_NONE],
)
def test_the_server_keeps_to_its_document(document, method, path, mode):
    operation = document[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    def keeps_to_it(case):
        case.call_and_validate(checks=CHECKS, timeout=6 * MOST_SECONDS)

    keeps_to_it()
