"""Predictions against logged and published facts: the targets, other tables, and broken ones."""

import csv
import json
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvviz.accuracy.comparison import LOG_TESTS, MISS, compared
from kvviz.accuracy.devices import find_device
from kvviz.accuracy.logged_rows import logged_run, planned
from kvviz.accuracy.reasons import reason_of_run
from kvviz.accuracy.resolve import Models, read_models, weights_format
from kvviz.accuracy.rows import FILES, SHIPPED, FactsError, Row, Untestable, read_rows
from kvviz.accuracy.validation import answer, by_quantity, validate
from kvviz.catalog.models.shipped import find_model
from kvviz.cli import main
from kvviz.engines.fields import READ

CATALOG = Models({})
LOG = {
    "engine": "vllm",
    "engine_version": "v0.19.0",
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "gpu": "H100-80GB",
    "tp": "1",
    "pp": "1",
    "gpu_memory_utilization": "0.95",
    "max_model_len": "8192",
    "weights_gib": "14.99",
    "kv_cache_gib": "58.11",
    "kv_tokens": "476016",
}


@pytest.fixture(scope="module")
def found():
    return validate()


def test_the_shares_to_reach(found):
    shares = {name: summary.within for name, summary in by_quantity(found).items()}
    assert shares["kv_bytes_per_token"]["within_2"] >= 0.95
    assert shares["weights"]["within_2"] >= 0.90
    assert shares["kv_tokens"]["within_10"] >= 0.80
    assert shares["parameters"]["within_0_5"] == 1
    assert shares["throughput"]["within_10"] >= 0.6


def test_the_shares_hold_weighed_by_model_too(found):
    """Many rows are of two models: each model's share counts once here."""
    for quantity, most, least in (
        ("kv_bytes_per_token", 0.02, 0.95),
        ("weights", 0.02, 0.85),
        ("kv_tokens", 0.1, 0.80),
    ):
        by_model = defaultdict(list)
        for item in found:
            if item.quantity == quantity and not item.skipped:
                by_model[item.model].append(abs(item.error) <= most)
        shares = [sum(hits) / len(hits) for hits in by_model.values()]
        assert len(shares) >= 20
        assert sum(shares) / len(shares) >= least, quantity


def test_every_row_is_compared_or_skipped_with_its_reason(found):
    for kind, quantities in (("logs", tuple(LOG_TESTS)), ("params", ("parameters",))):
        rows = {row.id for row in read_rows(kind)}
        for quantity in quantities:
            seen = [i for i in found if i.quantity == quantity and i.file == kind]
            assert {item.row for item in seen} == rows
            assert len(seen) == len(rows)
    assert all(item.reason for item in found if item.skipped)
    assert all(item.reason for item in found if not item.skipped and abs(item.error) > MISS)


def test_the_shipped_rows_are_those_of_the_compilation(shared):
    for kind, name in FILES.items():
        with (shared / "validation" / name).open(encoding="utf-8", newline="") as file:
            whole = list(csv.DictReader(file))
        for ours, theirs in zip(read_rows(kind), whole, strict=True):
            assert dict(ours.cells).items() <= theirs.items()
            assert ours.cells.get("source", ours.cells.get("params_source")) is not None


def test_json_has_exactly_the_promised_keys(found):
    told = json.loads(json.dumps(answer(found)))
    assert set(told) == {"kv_bytes_per_token", "weights", "kv_tokens", "parameters", "throughput"}
    for quantity in told.values():
        assert set(quantity) == {
            *("rows", "skipped", "median", "worst"),
            *("within_0_5", "within_2", "within_10", "misses"),
        }
        shares = [quantity[name] for name in ("within_0_5", "within_2", "within_10")]
        assert 0 <= shares[0] <= shares[1] <= shares[2] <= 1
        assert len(quantity["misses"]) == round(quantity["rows"] * (1 - shares[1]))
        assert quantity["worst"] == max(
            [abs(miss["error"]) for miss in quantity["misses"]], default=quantity["worst"]
        )


def test_a_checkpoint_that_is_off_has_a_reason_of_its_own(found):
    off = by_quantity(i for i in found if i.file == "weights")["weights"].misses
    assert off
    assert all(not item.reason.startswith("not explained") for item in off)


def test_a_row_is_typed_once():
    cells = {"kv_tokens": "476,016", "tp": "two", "note": "--enforce-eager, LoRA", "core": "V0"}
    run = logged_run(Row("L1", {**LOG, **cells}))
    assert (run.engine, run.kv_tokens, run.weights_gib) == ("vllm", 476_016, 14.99)
    assert (run.tp, run.unread) == (None, {"tp": "tp is 'two', not a number"})
    assert (run.eager, run.lora, run.older_core) == (True, True, True)


def one(quantity, **changes):
    """Return the comparison of one row of logs."""
    row = Row("L1", {**LOG, **changes})
    runs = [(row, planned(row, CATALOG))]
    return next(compared(quantity, "logs", runs, LOG_TESTS[quantity], reason_of_run))


def test_a_plain_row_is_near():
    for quantity in LOG_TESTS:
        assert abs(one(quantity).error) < 0.002, quantity


@pytest.mark.parametrize(
    ("changes", "quantity", "reason"),
    [
        ({"model": "nobody/Unheard-of-7B"}, "weights", "no config of nobody/Unheard-of-7B"),
        ({"gpu": "Abacus 3000"}, "kv_tokens", "no GPU Abacus 3000"),
        ({"gpu": ""}, "kv_tokens", "the GPU is not named"),
        ({"gpu": "A100"}, "kv_tokens", "more than one memory size"),
        ({"engine_version": ""}, "kv_tokens", "engine_version is not given"),
        ({"gpu_memory_utilization": ""}, "kv_tokens", "gpu_memory_utilization is not given"),
        ({"gpu_memory_utilization": "95"}, "kv_tokens", "not a fraction above 0"),
        ({"kv_tokens": "about 16k"}, "kv_tokens", "not a number"),
        ({"kv_tokens": ""}, "kv_bytes_per_token", "kv_tokens is not given"),
        ({"weights_gib": "-2.5"}, "weights", "not above 0"),
        ({"total_gpu_memory_gib": "-1"}, "kv_tokens", "total_gpu_memory_gib is -1, not above 0"),
        ({"tp": "3"}, "weights", "tp 3 does not divide"),
        ({"pp": "100"}, "weights", "pp 100 exceeds the layers"),
        ({"tp": "1.5"}, "weights", "not a whole number"),
        ({"kv_cache_gib": "1e306"}, "kv_bytes_per_token", "more than any engine logs"),
        ({"dtype": "posit16"}, "weights", "dtype posit16 is not known"),
        ({"kv_dtype": "turbo3"}, "kv_bytes_per_token", "KV dtype turbo3 is not known"),
        ({"quantization": "secret"}, "weights", "how secret stores"),
        ({"engine": "trtllm"}, "kv_tokens", "not modelled"),
        ({"note": "LoRA slots"}, "weights", "LoRA"),
    ],
)
def test_what_does_not_allow_a_test_is_skipped_with_its_reason(changes, quantity, reason):
    assert reason in one(quantity, **changes).reason
    assert one(quantity, **changes).skipped


@pytest.mark.parametrize(
    ("changes", "weights"),  # GiB: 6.5 of matrices in one byte each, 1.96 that stay in bf16
    [
        ({"quantization": "fp8"}, 8.49),
        ({"model": "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8"}, 8.49),
        ({"model": "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16"}, 5.38),
        ({"model": "x/Llama-3.1-8B-Instruct-AWQ", "quantization": "awq_marlin"}, 5.34),
        ({"model": "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit"}, 5.34),
        ({"model": "nvidia/Llama-3.1-8B-Instruct-NVFP4", "quantization": "modelopt"}, 5.64),
        ({"dtype": "float32"}, 29.98),
        ({"tp": "4"}, 3.77),
        ({"pp": "2"}, 7.51),
    ],
)
def test_weights_follow_storage_and_split(changes, weights):
    found = one("weights", **changes, weights_gib=str(weights))
    assert abs(found.error) < 0.01


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from([*LOG, *READ, "core", "note"]),
        st.one_of(
            st.sampled_from(["", "0", "-1", "nan", "1e400", "fp8", "tp8", "∞", "12,5", "'", "/"]),
            st.text(max_size=12),
            st.integers(-3, 10**12).map(str),
            st.floats(allow_nan=False).map(str),
        ),
    )
)
def test_no_row_breaks_the_run(changes):
    for quantity in LOG_TESTS:
        found = one(quantity, **changes)
        assert found.skipped == (found.predicted is None)
        assert found.skipped <= bool(found.reason)


@pytest.mark.parametrize(
    ("text", "memory", "name"),
    [
        ("H100-80GB", None, "H100 SXM5 80GB"),
        ("NVIDIA H100 80GB HBM3", None, "H100 SXM5 80GB"),
        ("H100", 79.18, "H100 SXM5 80GB"),
        ("H100 PCIe", None, "H100 PCIe 80GB"),
        ("A100-SXM4-40GB", None, "A100 SXM4 40GB"),
        ("A100", 39.39, "A100 SXM4 40GB"),
        ("Tesla T4", None, "T4"),
        ("RTX 4090 D", None, "GeForce RTX 4090"),
        ("RTX4090", None, "GeForce RTX 4090"),
        ("RTX PRO 6000 Blackwell Server", None, "RTX PRO 6000 Blackwell"),
        ("RTXPRO6000", None, "RTX PRO 6000 Blackwell"),
        ("H200-141", None, "H200 SXM 141GB"),
        ("B200-180", None, "B200 SXM"),
        ("AMD Instinct MI300X", None, "Instinct MI300X"),
        ("RTX 6000 Ada Generation", None, "RTX 6000 Ada"),
    ],
)
def test_gpus_by_the_names_that_rows_use(text, memory, name):
    assert find_device(text, memory).name == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B"),
        ("unsloth/meta-llama-3.1-8b-instruct-unsloth-bnb-4bit", "meta-llama/Llama-3.1-8B"),
        ("RedHatAI/Qwen2.5-7B-Instruct-fp8-dynamic", "Qwen/Qwen2.5-7B"),
        ("DeepSeek-R1-0528-Qwen3-8B", "Qwen/Qwen3-8B"),
        ("deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct", "deepseek-ai/DeepSeek-V2-Lite"),
        ("meta-llama/Llama-2-7b (Llama2-7B)", "meta-llama/Llama-2-7b-hf"),
        ("WizardLM-2-8x22B (Mixtral-8x22B architecture)", "mistralai/Mixtral-8x22B-v0.1"),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen/Qwen3-30B-A3B"),
        ("mistralai/Mistral-7B-Instruct-v0.1", "mistralai/Mistral-7B-v0.1"),
        ("deepseek-ai/DeepSeek-V3-0324", "deepseek-ai/DeepSeek-V3"),
        ("/models/Llama-3.1-8B-Instruct/", "meta-llama/Llama-3.1-8B"),
        ("/root/hub/models--Qwen--Qwen3-14B/snapshots/40c069824f", "Qwen/Qwen3-14B"),
    ],
)
def test_models_by_the_names_that_rows_use(text, name):
    ours, theirs = CATALOG.find(text), find_model(name)
    assert ours.layers == theirs.layers
    assert ours.hidden_size == theirs.hidden_size


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "()", "Qwen/Qwen3-VL-30B-A3B-Instruct", "Qwen/Qwen2.5-VL-7B"),
        *("mistralai/Mistral-7B-Instruct-v0.2", "deepseek-ai/deepseek-coder-6.7b-instruct", "8B"),
    ],
)
def test_a_name_that_is_no_known_models_is_not_guessed(text):
    with pytest.raises(Untestable):
        CATALOG.find(text)


def test_words_of_storage():
    llama, oss = find_model("meta-llama/Llama-3.1-8B"), find_model("openai/gpt-oss-120b")
    assert weights_format("mxfp4", "openai/gpt-oss-120b", oss) is None
    assert weights_format("", "meta-llama/Llama-3.1-8B", llama) is None
    assert weights_format("bitsandbytes", "unsloth/llama-3.1-8b-bnb-4bit", llama) == "nf4"
    with pytest.raises(Untestable):
        weights_format("compressed-tensors", "org/some-name", llama)


@pytest.fixture
def run(capsys):
    """Return a function from arguments to (exit code, stdout, stderr)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(["validate", *map(str, arguments)])
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return call


def written(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def test_another_table_with_a_config_of_its_own(run, tmp_path):
    config = {
        "model_type": "llama",
        "hidden_size": 1024,
        "intermediate_size": 2816,
        "num_hidden_layers": 12,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
        "vocab_size": 32_000,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "me__mine-1B.json").write_text(json.dumps(config))
    (tmp_path / "configs" / "me__broken.json").write_text("{")
    row = {**LOG, "id": "X1", "model": "me/mine-1B"}
    unknown = {**LOG, "id": "X2", "model": "me/unknown"}
    logs = written(tmp_path / "logs.csv", [row, unknown])
    code, out, _ = run("--logs", logs, "--configs", tmp_path / "configs", "--json")
    told = json.loads(out)
    assert code == 0
    # 12 layers x 2 x 4 heads x 64 x 2 B, against 58.11 GiB / 476,016 tokens.
    miss = told["kv_bytes_per_token"]["misses"][0]
    assert miss["row"] == "X1"
    assert miss["predicted"] == pytest.approx(12_288, rel=1e-4)
    assert [skip["model"] for skip in told["weights"]["skipped"] if skip["file"] == "logs"] == [
        "me/unknown"
    ]
    assert set(read_models(tmp_path / "configs").own) == {"me/mine-1B"}


def test_the_table_names_quantities_misses_and_skips(run):
    code, out, _ = run()
    assert code == 0
    for text in ("kv_bytes_per_token", "kv_budget", "Likely reason", "Not compared", "≤ 2%"):
        assert text in out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read"),
        (b"", "has no column"),
        (b"a,b\n1,2\n", "has no column engine"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"engine,model,weights_gib,kv_cache_gib,kv_tokens\n1,2,3,4,5,6\n", "more cells"),
        (b'engine,model,weights_gib,kv_cache_gib,kv_tokens\n"a"b,2,3,4,5\n', "not a CSV table"),
    ],
)
def test_a_broken_file_is_one_sentence(run, tmp_path, content, words):
    path = tmp_path / "logs.csv"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run("--logs", path)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_folder_that_is_none_is_one_sentence(run, tmp_path):
    code, _, err = run("--configs", tmp_path / "nowhere")
    assert code == 2
    assert "is not a folder" in err


def test_a_table_without_rows_has_no_shares(tmp_path):
    head = (SHIPPED / FILES["logs"]).read_text(encoding="utf-8").splitlines()[0]
    empty = tmp_path / "empty.csv"
    empty.write_text(head + "\n")
    summary = by_quantity(validate(logs=empty))["kv_tokens"]
    assert (summary.rows, summary.median, summary.within["within_2"]) == (0, None, None)
    with pytest.raises(FactsError):
        read_rows("logs", tmp_path)
