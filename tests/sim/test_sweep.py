"""Sweeps: the same rows wherever they are computed, each cell once, whatever is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from kvviz.catalog.names import UnknownName
from kvviz.cli import main
from kvviz.sim.sweep import (
    Grid,
    Requests,
    SweepError,
    dask_cluster,
    local_processes,
    sweep,
    write_table,
)
from kvviz.sim.sweep.cell import compute

SECONDS = 60  # for a process to do what is waited for
GRID = Grid(
    models=("meta-llama/Llama-3.1-8B", "Qwen/Qwen2.5-72B"),
    gpus=("H100 SXM5 80GB", "MI300X"),
    policies=("vllm", "orca"),
    rates=(2.0, 20.0, 60.0),
    requests=Requests(requests=150, seed=4),
)
OPTIONS = [
    *("--model", "llama-3.1-8b,Qwen2.5-72B", "--gpu", "H100 SXM5 80GB", "--gpu", "MI300X"),
    *("--policy", "vllm, orca", "--rate", "2,20", "--rate", "60"),
    *("--requests", "150", "--seed", "4"),
]
TRACE = "arrival_s,prompt,output\n0,100,20\n0.5,300,30\n1,50,10\n"


@pytest.fixture(scope="module")
def wanted():
    return [compute(cell) for cell in GRID.cells()]


@pytest.fixture
def command(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["sweep", *map(str, arguments)])
        told = capsys.readouterr()
        return ended.value.code or 0, told.out, told.err

    return run


def cells_of(journal):
    return [json.loads(line)["cell"] for line in journal.read_bytes().splitlines()[1:]]


def until(happens):
    end = time.monotonic() + SECONDS
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def test_cells_are_every_combination_in_order_and_each_once():
    grid = Grid(models=("llama-3.1-8b", "meta-llama/Llama-3.1-8B"), rates=(4.0, 2.0, 4.0))
    assert grid.models == ("meta-llama/Llama-3.1-8B",)
    assert [(cell.number, cell.rate) for cell in grid.cells()] == [(0, 4.0), (1, 2.0)]
    assert len(GRID) == len({json.dumps([c.scenario, c.serving, c.rate]) for c in GRID.cells()})
    with pytest.raises(UnknownName, match="nearest known: H100"):
        Grid(gpus=("H1000 SXM5",))


def test_a_cell_that_cannot_run_is_a_row_with_its_reason(wanted):
    reasons = [row["reason"] for row in wanted]
    assert sum(map(bool, reasons)) == 6
    room = "KV cache on H100 SXM5 80GB cannot hold one sequence of max_model_len 16,384"
    assert all(room in reason for reason in reasons if reason)
    assert all(row["kind"] == ("simulated" if not row["reason"] else None) for row in wanted)
    assert all(row["ttft_s_mean"] > 0 for row in wanted if not row["reason"])


def test_a_killed_sweep_goes_on_and_computes_nothing_twice(wanted, tmp_path, command):
    out, journal = tmp_path / "out.parquet", tmp_path / "out.parquet.cells.jsonl"
    code = "from kvviz.cli import main; main()"
    call = [sys.executable, "-c", code, "sweep", *OPTIONS, "--out", str(out), "--jobs", "2"]
    running = subprocess.Popen(call, start_new_session=True)
    try:
        until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 3)
        running.send_signal(signal.SIGKILL)
        assert running.wait(SECONDS) == -signal.SIGKILL
        until(lambda: not alone(running.pid))  # its processes end by themselves
    finally:
        running.kill()
    kept = journal.read_bytes()
    assert not out.exists()
    assert 3 <= len(cells_of(journal)) < len(GRID)
    journal.write_bytes(kept + b'{"cell": 5, "mo')  # and killed in the middle of a line
    code, said, _ = command(*OPTIONS, "--out", out, "--jobs", 2)
    assert (code, said) == (0, f"{out}: 24 cells, 6 of them cannot run, each with its reason\n")
    assert journal.read_bytes().startswith(kept)
    assert sorted(cells_of(journal)) == list(range(len(GRID)))
    write_table(wanted, tmp_path / "wanted.parquet")
    ours, theirs = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("out", "wanted"))
    names = list(theirs)  # the command fills in every knob of what is served on
    pd.testing.assert_frame_equal(ours[names], theirs)


def alone(session):
    """Return the processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state != "Z":
            found.append(stat.parent.name)
    return found


def test_a_dask_cluster_gives_the_same_rows_though_a_worker_is_killed(wanted, tmp_path):
    from distributed import Client, LocalCluster

    journal, killed = tmp_path / "cells.jsonl", []
    shape = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**shape, host="127.0.0.1", silence_logs=50) as cluster:

        def kill_one(done):
            if done >= len(GRID) // 2 and not killed:
                with Client(cluster) as client:
                    killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        rows = sweep(GRID, journal, dask_cluster(cluster.scheduler_address), kill_one)
    assert killed
    assert rows == wanted
    assert sorted(cells_of(journal)) == list(range(len(GRID)))


def test_a_sweep_that_is_done_is_not_computed_again(tmp_path, monkeypatch):
    def nowhere():
        raise AssertionError("cells are computed again")

    monkeypatch.setattr("kvviz.sim.sweep.run.AHEAD", 1)
    journal, half = tmp_path / "cells.jsonl", Grid(rates=(2.0, 20.0), requests=GRID.requests)
    first = sweep(half, journal, local_processes(1))
    assert sweep(half, journal, nowhere) == first
    with pytest.raises(SweepError, match="differs in requests_seed; expected the same settings"):
        sweep(Grid(rates=half.rates, requests=Requests(requests=150)), journal, nowhere)
    journal.write_text(journal.read_text().replace('{"cell": 0', "{cell: 0"))
    with pytest.raises(SweepError, match=r"line [23] of .* is not a row of a sweep"):
        sweep(half, journal, nowhere)


def test_a_trace_comes_at_every_rate(tmp_path, command):
    trace, out = tmp_path / "trace.csv", tmp_path / "out.csv"
    trace.write_text(TRACE)
    code, _, err = command("--trace", trace, "--rate", "0.5,2,1", "--out", out, "--jobs", 1)
    assert code == 0, err
    rows = pd.read_csv(out)
    assert rows["rate"].tolist() == [0.5, 2, 1]
    assert rows["requests"].tolist() == [3, 3, 3]
    assert rows["makespan_s"].tolist() == pytest.approx([4, 1, 2], abs=0.2)
    trace.write_text(TRACE.replace("300", "301"))
    code, _, err = command("--trace", trace, "--rate", "0.5,2,1", "--out", out)
    assert code == 2
    assert "belongs to a sweep that differs in requests_digest" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "x.xls"], "x.xls: expected a name that ends in .csv or .parquet"),
        (["--out", "x.csv", "--rate", "2,fast"], "got 'fast', expected requests per second"),
        (["--out", "x.csv", "--model", "llama-3.1-8b,"], "expected comma-separated names"),
        (["--out", "x.csv", "--policy", "fifo"], "Unknown policy 'fifo'"),
        (["--out", "x.csv", "--jobs", "2", "--scheduler", "tcp://a:1"], "not both"),
        (["--out", "no/x.csv"], "no/x.csv.cells.jsonl: No such file or directory"),
        (["--out", "x.csv", "--trace", "none.csv"], "none.csv: No such file or directory"),
        (["--out", "x.csv", "--scheduler", "nowhere"], "no Dask scheduler answers at nowhere"),
    ],
)
def test_mistakes_are_one_sentence(arguments, said, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_without_dask_a_cluster_is_one_sentence(tmp_path):
    code = (
        "import sys; sys.modules['distributed'] = None; from kvviz.cli import main;"
        f"main(['sweep', '--out', '{tmp_path}/x.csv', '--scheduler', 'tcp://127.0.0.1:1'])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS
    )
    assert run.returncode == 2
    assert "a Dask cluster needs distributed: install kvviz[sweep]" in run.stderr
