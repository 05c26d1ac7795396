"""The command line: its figures, its defaults, and one sentence for whatever is wrong."""

import json

import pytest

from kvviz import Scenario, find_model, gpus, models
from kvviz.cli import main
from kvviz.settings.knobs import RENAMED
from kvviz.settings.scenario import knobs

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


@pytest.fixture
def run(capsys):
    """Return a function from arguments to (exit code, stdout, stderr)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return call


@pytest.fixture
def ask(run):
    """Return a function from arguments of a command to its JSON."""

    def call(*arguments):
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return call


def refused(result):
    """Return the sentence of a refusal; fail where it is not exactly one on stderr."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("kvviz: ")
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    return err


def as_options(options):
    """Spell settings as command-line options."""
    words = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", value]
    return words


@pytest.mark.parametrize("number", range(6))
def test_the_golden_estimates(shared, ask, number):
    case = json.loads((shared / f"golden/estimate_{number:02}.json").read_text())
    options = {RENAMED.get(name, name): value for name, value in case["options"].items()}
    found = ask("estimate", options.pop("model"), *as_options(options))
    assert {key: found[key] for key in case["result"]} == case["result"]


def test_an_old_option_still_works_and_says_its_new_name_once(run, ask):
    code, text, said = run("estimate", LLAMA, "--max-length", 10_000, "--json")
    assert code == 0
    assert said == "kvviz: --max-length is now called --max-model-len\n"
    assert json.loads(text) == ask("estimate", LLAMA, "--max-model-len", 10_000)
    assert "--max-length" not in run("estimate", "--help")[1]


def test_the_context_is_at_most_max_model_len_unless_it_is_set(run, ask):
    assert ask("estimate", LLAMA, "--max-model-len", 1000)["kv"]["tokens"] == 32 * 1000
    code, _, said = run("estimate", LLAMA, "--max-model-len", 1000, "--context", 4096)
    assert code == 2
    assert "context 4,096 is longer than max_model_len 1,000" in said


def test_every_knob_is_an_option_with_the_scenarios_default(run, ask):
    _, text, _ = run("estimate", "--help")
    assert all(f"--{name.replace('_', '-')}" in text for name in knobs() if name != "model")
    values = {k: v for k, v in Scenario(model=LLAMA).settings().items() if v is not None}
    spelled = as_options({k: v for k, v in values.items() if k != "model"})
    assert ask("estimate", LLAMA) == ask("estimate", LLAMA, *spelled)


def test_the_keys_of_an_answer(ask):
    plain = ask("estimate", LLAMA)
    engine = ask("estimate", LLAMA, "--mode", "vllm")
    assert set(plain["per_gpu"]) == {"weights", "kv", "scores", "total", "state", "overhead"}
    assert set(plain["deltas"]) == {"continuous", "paged", "flash"}
    assert set(plain["kinds"]) <= set(plain)
    assert set(engine) == set(plain)
    assert plain["engine_version"] is None
    assert engine["engine_version"] == "0.33.0"
    assert engine["limits"]["max_num_batched_tokens"] == 8192
    assert [group["layers"] for group in engine["kv_groups"]] == [32]
    assert set(engine["kinds"]) <= set(engine)


def test_mode_vllm_names_its_assumptions_and_takes_the_users(ask):
    words = ("estimate", LLAMA, "--mode", "vllm", "--utilization", 0.9)
    assumed = ask(*words)["assumptions"]
    assert [item["name"] for item in assumed] == [
        "activation peak",
        "non-PyTorch memory",
        "CUDA graphs",
    ]
    assert all(item["source"] for item in assumed)
    own = ask(*words, "--activation-gib", 1, "--non-torch-gib", 0, "--cuda-graphs-gib", 0)
    assert own["assumptions"][0] == {
        "name": "activation peak",
        "value": 1.0,
        "source": "set by the user",
    }
    rotary = 131_072 * 128 * 2
    assert own["per_gpu"]["overhead"] == 2**30 + rotary
    assert own["taken"] == {
        "loaded_extra": rotary,
        "activation": 2**30,
        "non_torch": 0,
        "graphs": 0,
    }


def test_names_ignore_case_and_punctuation(ask):
    assert ask("estimate", "LLAMA 3.1 8b", "--gpu", "geforce rtx4090")["model"] == LLAMA


def test_the_table_says_the_same_with_kinds_warnings_and_sources(run):
    code, text, _ = run("estimate", LLAMA, "--mode", "vllm", "--context", 200_000,
                        "--max-model-len", 200_000)  # fmt: skip
    assert code == 0
    assert "14.96 GiB  computed" in text
    assert "start-up logs of vLLM" in text
    assert "Warning: run length 200,000 exceeds the 131,072 tokens" in text
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["estimate"], "MODEL"),
        (["estimate", "llama-3.1-9b"], "Llama-3.1-8B"),
        (["estimate", LLAMA, "--gpu", "H10"], "H100"),
        (["estimate", LLAMA, "--tp", "0"], "'--tp': got '0', expected a whole number from 1 to"),
        (["estimate", LLAMA, "--batch", "many"], "'--batch': got 'many', expected a whole number"),
        (["estimate", LLAMA, "--batch", "9" * 5000], "'--batch': got '999"),
        (["estimate", LLAMA, "--ragged", "nan"], "'--ragged': got 'nan', expected a number from 0"),
        (["estimate", LLAMA, "--utilization", "0"], "'--utilization': got '0', expected a number"),
        (["estimate", LLAMA, "--activation-gib", "inf"], "'--activation-gib': got 'inf'"),
        (["estimate", LLAMA, "--mode", "x"], "Unknown engine 'x'"),
        (["estimate", LLAMA, "--kv-dtype", "int4"], "'--kv-dtype': got 'int4', expected one of"),
        (["estimate", LLAMA, "--context", "40000"], "context 40,000 is longer than max_model_len"),
        (["estimate", LLAMA, "--tp", "3"], "tp 3 does not divide"),
        (["estimate", LLAMA, "--pp", "33"], "pp 33 exceeds the 32 layers"),
        (["estimate", LLAMA, "--paged=3"], "--paged"),
        (["estimate", LLAMA, "--bach", "3"], "--batch"),
        (["estimate", LLAMA, "--tp"], "--tp"),
        (["estimate", LLAMA, "more"], "more"),
        (["estimat"], "estimat"),
        (["serve", "--port", "99999"], "--port"),
        (["serve", "--address", "no.such.host.invalid"], "no.such.host.invalid:5006"),
        (["api", "--port", "0"], "--port"),
        (["api", "--cors-origin", "example.org"], "expected an origin such as http://localhost"),
        (["api", "--host", "no.such.host.invalid"], "no.such.host.invalid:8000"),
    ],
)
def test_bad_input_is_one_sentence(run, words, said):
    assert said in refused(run(*words))


def test_a_config_of_ones_own(ask, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    found = ask("estimate", "mine", "--config", path)
    assert found["model"] == "mine"
    assert found["parameters"] == 2 * 100 * 64 + 64 + 2 * (4 * 64 * 64 + 3 * 64 * 128 + 2 * 64)
    assert found["kv_bytes_per_token"] == 2 * 2 * 64 * 2
    sidecar = {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}
    path.with_name("hf_quant_config.json").write_text(json.dumps(sidecar))
    halved = ask("estimate", "mine", "--config", path)
    matrices = 2 * (4 * 64 * 64 + 3 * 64 * 128)
    assert halved["weights_bytes"] == found["weights_bytes"] - matrices
    assert halved["kv_bytes_per_token"] == found["kv_bytes_per_token"] // 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "expected a JSON object"),
        (json.dumps({k: v for k, v in TINY.items() if k != "hidden_size"}), "hidden_size"),
        (json.dumps({**TINY, "model_type": "lama"}), "llama"),
        ("[" * 10_000 + "]" * 10_000, "nested too deep"),
        (json.dumps(TINY) + " " * 10_000_001, "larger than 10 MB"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_bad_config_is_one_sentence(run, tmp_path, content, said):
    path = tmp_path / "config.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    sentence = refused(run("estimate", "mine", "--config", path))
    assert "--config" in sentence
    assert said in sentence


def test_a_config_that_cannot_be_read_is_one_sentence(run, tmp_path):
    assert "Is a directory" in refused(run("estimate", "mine", "--config", tmp_path))
    assert "No such file" in refused(run("estimate", "mine", "--config", tmp_path / "none"))


def test_the_models(run, ask):
    listed = {row["name"]: row for row in ask("models")}
    assert list(listed) == [model.name for model in models()]
    assert listed[LLAMA]["parameters"] == find_model(LLAMA).parameters == 8_030_261_248
    assert listed[LLAMA]["kv_bytes_per_token"] == 131_072
    assert all(row["source"] for row in listed.values())
    _, text, _ = run("models")
    assert all(name in text for name in listed)


def test_the_gpus(run, ask):
    listed = {row["name"]: row for row in ask("gpus")}
    assert list(listed) == [gpu.name for gpu in gpus()]
    assert listed["T4"]["unverified"] == ["active_sites", "gb_per_site", "sites", "sram_kb_per_sm"]
    assert all(row["source"] for row in listed.values())
    _, text, _ = run("gpus")
    assert "T4                          15,360  GDDR6                       320    8 ?" in text


def test_version_and_help(run):
    assert run("--version")[:2] == (0, "kvviz 0.1.0\n")
    assert "estimate" in run()[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preset", "speed"), "invalid choice: 'speed'"),
        (("--preset", "memory", "--plot", "x.html"), "preset 'memory' has no plots"),
        (
            ("--plot", "nowhere/x.html"),
            "--plot is 'nowhere/x.html', expected a file in an existing",
        ),
        (("--preset", "prefill", "--device", "cuda"), "device cuda needs"),
    ],
)
def test_kernels_that_cannot_be_measured_are_refused(arguments, words, capfd):
    if "cuda" in arguments and pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(SystemExit) as stopped:
        main(["kernels", *arguments])
    assert stopped.value.code == 2
    assert words in capfd.readouterr().err
