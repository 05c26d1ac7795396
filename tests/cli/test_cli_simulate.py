"""The simulate command: what it prints and writes, and what it says to mistakes."""

import json

import pandas as pd
import pytest

from kvviz.cli import main

ROWS = "arrival_s,prompt,output\n0,100,20\n0.5,oops,3\n1,50,10\n"


@pytest.fixture
def simulate(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["simulate", *map(str, arguments)])
        told = capsys.readouterr()
        return ended.value.code or 0, told.out, told.err

    return run


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text(ROWS)
    return path


def test_json_holds_all_figures(simulate):
    code, out, _ = simulate("--requests", 40, "--seed", 3, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["requests"] == 40
    names = {"steps", "preemptions", "scheduled_tokens", "peak_running", "finish_sha"}
    names |= {"makespan_s", "ttft_s", "tpot_s", "throughput_tokens_per_s", "kv", "wall_s"}
    assert names <= told.keys()
    again = json.loads(simulate("--requests", 40, "--seed", 3, "--json")[1])
    assert again["finish_sha"] == told["finish_sha"]


def test_the_table_names_the_kind_of_every_figure(simulate):
    code, out, _ = simulate("--requests", 40)
    assert code == 0
    assert out.count("simulated") > 10
    assert out.count("assumed") == 1  # the rates of a step


def test_a_broken_row_stops_with_its_line_or_is_left_out_aloud(simulate, trace):
    code, out, err = simulate("--trace", trace)
    assert (code, out) == (2, "")
    assert "Line 3: prompt is" in err
    code, out, err = simulate("--trace", trace, "--keep-good", "--json")
    assert code == 0
    assert json.loads(out)["requests"] == 2
    assert "line 3" in err.lower()


def test_requests_and_totals_go_to_files(simulate, tmp_path):
    rows, totals = tmp_path / "requests.csv", tmp_path / "totals.parquet"
    code, _, _ = simulate("--requests", 30, "--requests-to", rows, "--totals-to", totals)
    assert code == 0
    assert len(pd.read_csv(rows)) == 30
    assert pd.read_parquet(totals)["ended"].max() == 30


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trace", "nowhere.csv"), "nowhere.csv: No such file"),
        (("--trace", "a", "--workload", "b"), "--trace or --workload, not both"),
        (("--traffic", "chat"), "Unknown traffic 'chat'"),
        (("--policy", "fifo"), "Unknown policy 'fifo'"),
        (("--gpu", "H1000"), "Unknown GPU 'H1000'"),
        (("--block-size", "0"), "expected a whole number from 1 to 4,096"),
        (("--requests", "3", "--requests-to", "rows.txt"), "ends in .csv or .parquet"),
        (("--max-num-seqs", "9", "--max-num-batched-tokens", "4"), "is less than max_num_seqs"),
    ],
)
def test_a_mistake_is_one_sentence(simulate, arguments, said):
    code, out, err = simulate(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_a_start_past_the_last_request_is_one_sentence(simulate, trace):
    code, out, err = simulate("--trace", trace, "--keep-good", "--start", 2, "--json")
    assert (code, out) == (2, "")
    assert "no requests left to serve" in err


def test_a_record_that_cannot_be_written_is_one_sentence(simulate, tmp_path):
    code, _, err = simulate("--requests", 3, "--record", tmp_path / "missing" / "steps.json")
    assert code == 2
    assert err.endswith("steps.json: No such file or directory.\n")


def test_the_hit_rate_is_of_the_tokens_that_were_looked_up(simulate, tmp_path):
    path = tmp_path / "same.json"
    prompt = list(range(33))
    rows = [{"arrival_s": when, "prompt": prompt, "output": 400} for when in (0, 60)]
    path.write_text(json.dumps({"requests": rows}))
    told = json.loads(simulate("--trace", path, "--json")[1])
    assert told["cached_tokens"] == 32
    assert told["prefix_hit_rate"] == 32 / 66


def test_one_request_is_one(simulate):
    assert ": 1 request, " in simulate("--requests", 1)[1]
