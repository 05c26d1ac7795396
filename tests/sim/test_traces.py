"""Traces of every format become the requests they hold, and every broken row says what it is."""

import gzip
import io
import json
import subprocess
import sys
import time
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.sim.workload.prompts import Pieces
from kvviz.sim.workload.synthetic import SystemPrompts, synthetic
from kvviz.sim.workload.traces import (
    TraceError,
    four_characters,
    read_record,
    read_workload,
    to_csv,
    to_json,
    tokenizer,
)
from kvviz.sim.workload.traces.json_text import CHUNK
from kvviz.sim.workload.workload import Workload

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
OWN = "arrival_s,prompt,output\n"


def columns(workload):
    return [workload.arrival.tolist(), workload.prompt.tolist(), workload.output.tolist()]


def prompts(workload):
    if workload.contents is None:
        return None
    return [workload.contents(index).tolist() for index in range(len(workload))]


# Real traces


@pytest.mark.parametrize(("name", "rows"), [("conv", 19_366), ("code", 8_819)])
def test_the_azure_traces(shared, name, rows):
    path = shared / f"traces/AzureLLMInferenceTrace_{name}.csv"
    found = read_workload(path)
    cells = [line.split(",") for line in path.read_text().split()]  # date, time and lengths
    times = [line[0] for line in cells[2::2]]
    assert len(found) == len(times) == rows
    assert found.name == path.name
    assert found.notes == found.left_out == ()
    assert found.contents is None
    assert found.prompt.tolist() == [int(line[1]) for line in cells[2::2]]
    assert found.output.tolist() == [int(line[2]) for line in cells[2::2]]
    seconds = [
        int(h) * 3600 + int(m) * 60 + Decimal(s) for h, m, s in (t.split(":") for t in times)
    ]
    assert found.arrival.tolist() == [int((s - seconds[0]) * 10**9) for s in seconds]


def ideal_hits(workload, size):
    """Return the full blocks of `size`, and those in a prefix that an earlier prompt has."""
    seen, hits, blocks = set(), 0, 0
    for index in range(len(workload)):
        tokens = workload.contents(index)
        # A block is told by its first token and the one before: the pieces are chained.
        firsts = tokens[: len(tokens) // size * size : size].tolist()
        fresh = next((i for i, first in enumerate(firsts) if first not in seen), len(firsts))
        hits, blocks = hits + fresh, blocks + len(firsts)
        seen.update(firsts)
    return blocks, hits


def test_the_mooncake_trace(shared):
    path = shared / "traces/mooncake_conversation_trace.jsonl"
    found = read_workload(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(found) == 12_031
    assert found.arrival.tolist() == [row["timestamp"] * 10**6 for row in rows]
    assert found.prompt.tolist() == [row["input_length"] for row in rows]
    assert found.output.tolist() == [row["output_length"] for row in rows]
    for index in range(0, len(rows), 97):
        tokens = found.contents(index)
        expected = np.array(rows[index]["hash_ids"])[:, None] * 512 + np.arange(512)
        assert tokens.tolist() == expected.ravel()[: len(tokens)].tolist()


def test_prefix_hits_of_the_mooncake_trace(shared):
    found = read_workload(shared / "traces/mooncake_conversation_trace.jsonl")
    total = int(found.prompt.sum())
    assert isinstance(found.contents, Pieces)
    seen, hits, ids = set(), 0, 0
    for index in range(len(found)):
        named = found.contents.pieces(index)[0].tolist()
        ids += len(named)
        hits += next((i for i, name in enumerate(named) if name not in seen), len(named))
        seen.update(named)
    # 36.6 % of the blocks that the trace names, the last and mostly partial ones included.
    assert (ids, round(100 * hits / ids, 2)) == (288_500, 36.64)
    # Of tokens it is slightly more, whatever the size of the blocks that are shared.
    for size, share in ((512, 37.34), (256, 37.35)):
        assert round(100 * ideal_hits(found, size)[1] * size / total, 2) == share


@pytest.mark.parametrize("run", ["RTX4090-Llama-3.1-8B", "RTXPRO6000-Llama-3.1-8B"])
def test_the_measured_runs(shared, run):
    path = shared / f"traces/vllm_measured/{run}/requests.jsonl"
    found = read_workload(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert found.ids == tuple(row["request_id"] for row in rows)
    assert found.prompt.tolist() == [row["input_toks"] for row in rows]
    assert found.output.tolist() == [row["output_toks"] for row in rows]
    queued = np.array([row["queued_ts"] for row in rows])
    assert found.arrival / 1e9 == pytest.approx(queued - queued[0], abs=1e-9)
    assert found.notes == ("Requests come at their queued_ts, counted from the first.",)


def test_the_records_of_a_scheduler(shared):
    for path in (shared / "golden").glob("golden_*.json"):
        record = json.loads(path.read_text())
        found, about = read_record(path)
        assert about["settings"] == record["settings"]
        assert about["steps"] == record["steps"]
        assert found.in_steps
        assert found.sampled == 7
        assert found.ids == tuple(request["id"] for request in record["requests"])
        assert found.arrival.tolist() == [r["arrival_step"] for r in record["requests"]]
        assert found.output.tolist() == [r["max_tokens"] for r in record["requests"]]
        assert prompts(found) == [r["prompt"] for r in record["requests"]]


# Own formats


@st.composite
def workloads(draw):
    requests = draw(st.integers(1, 20))
    times = st.integers(0, draw(st.sampled_from([5, 10**10, 2**63 - 1])))
    arrival = sorted(draw(st.lists(times, min_size=requests, max_size=requests)))
    lists = st.lists(st.integers(1, 10**9), min_size=requests, max_size=requests)
    pieces = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), max_size=4)
    said = [draw(pieces) for _ in range(requests)]
    extra = st.integers(0, 9)
    prompt = [max(1, sum(size for _, size in one) + draw(extra)) for one in said]
    pairs = [pair for one in said for pair in one]
    ids = st.lists(st.text(max_size=5), min_size=requests, max_size=requests)
    return Workload(
        draw(st.text(min_size=1, max_size=9)),
        np.array(arrival),
        np.array(prompt),
        np.array(draw(lists)),
        Pieces.of(
            np.array([piece for piece, _ in pairs], dtype=np.int64),
            np.array([size for _, size in pairs], dtype=np.int64),
            np.array([len(one) for one in said]),
            np.array(prompt),
        )
        if pairs
        else None,
        draw(st.none() | st.integers(0, 2**40)),
        draw(st.booleans()),
        tuple(ids_) if any(ids_ := draw(ids)) else (),
    )


def same(one, two):
    assert columns(one) == columns(two)
    assert prompts(one) == prompts(two)
    assert (one.sampled, one.in_steps, one.ids) == (two.sampled, two.in_steps, two.ids)


@settings(max_examples=100)
@given(workloads())
def test_what_is_written_is_read_back_to_the_nanosecond(workload):
    read = read_workload(to_json(workload))
    same(read, workload)
    assert read.name == workload.name
    try:
        text = to_csv(workload)
    except ValueError:
        assert workload.sampled is not None or any(set(i) & {"\n", "\r"} for i in workload.ids)
    else:
        same(read_workload(text), workload)


def test_a_synthetic_workload_is_read_back(tmp_path):
    drawn = synthetic(requests=500, seed=3, system_prompts=SystemPrompts(5, 100))
    for write, name in ((to_csv, "drawn.csv"), (to_json, "drawn.json")):
        (tmp_path / name).write_text(write(drawn))
        same(read_workload(tmp_path / name), drawn)


def test_a_part_and_contents_of_any_kind_are_written(shared):
    found = read_workload(shared / "golden/golden_001.json").part(3, 5)
    tokens = [found.contents(index) for index in range(5)]
    other = Workload("other", found.arrival, found.prompt, found.output, lambda i: tokens[i])
    assert isinstance(found.contents, Pieces)
    assert prompts(read_workload(to_csv(other))) == prompts(found)
    assert prompts(read_workload(to_json(found))) == [t.tolist() for t in tokens]


@settings(max_examples=100)
@given(workloads(), st.data())
def test_parts_and_other_orders_keep_what_prompts_say(workload, data):
    said = prompts(workload)
    start = data.draw(st.integers(0, len(workload)))
    limit = data.draw(st.none() | st.integers(0, len(workload)))
    part = workload.part(start, limit)
    if said is not None:
        assert prompts(part) == said[start:][:limit]
        order = np.array(data.draw(st.permutations(range(len(workload)))))
        moved = workload.contents.at(order)
        assert [moved(i).tolist() for i in range(len(order))] == [said[i] for i in order]


@settings(max_examples=100)
@given(workloads())
def test_equal_pieces_say_the_same_and_nothing_else_does(workload):
    if workload.contents is None:
        return
    where = {}
    for index in range(len(workload)):
        ids, sizes = workload.contents.pieces(index)
        names = [(i, p) for i, n in zip(ids, sizes, strict=True) for p in range(n)]
        names += [("own", index, p) for p in range(int(workload.prompt[index]) - len(names))]
        for token, name in zip(workload.contents(index).tolist(), names, strict=True):
            assert where.setdefault(token, name) == name


# Formats by what they hold


@pytest.mark.parametrize(
    ("early", "late", "nanoseconds"),
    [
        ("2023-11-16 18:15:46.6805900", "2023-11-16 18:15:50.9951690", 4_314_579_000),
        ("2024-05-10 00:00:00.009930+00:00", "2024-05-10 00:00:01+00:00", 990_070_000),
        ("2024-05-10T00:00:00Z", "2024-05-10T00:00:00.000000001Z", 1),
        ("2024-05-10 02:00:00+02:00", "2024-05-10 00:00:00.5+00:00", 500_000_000),
        ("2024-05-09 20:30:00-0330", "2024-05-10 00:00:01 UTC", 10**9),
        ("2023-12-31 23:59:59.9", "2024-01-01 00:00:00.0", 100_000_000),
        ("2024-02-28 23:59:59", "2024-03-01 00:00:00", (86_400 + 1) * 10**9),
    ],
)
def test_the_times_of_azure(early, late, nanoseconds):
    found = read_workload(f"{AZURE}{early},5,6\n{late},7,8\n")
    assert columns(found) == [[0, nanoseconds], [5, 7], [6, 8]]


@settings(max_examples=100)
@given(st.lists(st.datetimes(datetime(1970, 1, 2), datetime(2261, 1, 1)), min_size=2, max_size=5))
def test_times_are_those_of_the_calendar(times):
    text = "".join(f"{time.isoformat(' ')},1,1\n" for time in times)
    found = read_workload(AZURE + text)
    whole = sorted((time - datetime(1970, 1, 1)) // timedelta(microseconds=1) for time in times)
    assert (found.arrival // 1000).tolist() == [moment - whole[0] for moment in whole]


@pytest.mark.parametrize(
    "text",
    [
        '[{"input_len": 5, "output_len": 6}, {"input_len": 7, "output_len": 8}]',
        '{"prompt_len": 5, "output_len": 6}\n\n{"prompt_len": 7, "output_len": 8}\n',
        "output_toks,input_toks,what\r\n6,5,a\r\n8, 7,b",
        '[\n  {"prompt_tokens": 5,\n   "completion_tokens": 6},\n'
        '  {"prompt_tokens": 7, "completion_tokens": 8}]',
    ],
)
def test_lengths_without_times_are_all_there_at_once(text):
    found = read_workload(text)
    assert columns(found) == [[0, 0], [5, 7], [6, 8]]
    assert "all requests arrive at the start" in found.notes[0]


def test_burstgpt():
    found = read_workload(
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "5,ChatGPT,472,18,490,Conversation log\n"
        "45,ChatGPT,1087,0,1087,Conversation log\n"
        "118.5,GPT-4,417,276,693,API log\n",
        keep_good=True,
    )
    assert columns(found) == [[0, 113_500_000_000], [472, 417], [18, 276]]
    assert found.left_out == (
        "Line 3: Response tokens is '0', expected a whole number from 1 to 1,000,000,000.",
    )


SAID = [
    {
        "id": "a",
        "conversations": [
            {"from": "human", "value": "Hi!"},
            {"from": "gpt", "value": "Hello there"},
        ],
    },
    {
        "id": "b",
        "conversations": [{"from": "human", "value": "x" * 400}, {"from": "gpt", "value": "y"}],
    },
]


def test_conversations_are_counted_by_the_tokenizer_that_is_named(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    found = read_workload(json.dumps(SAID), count_tokens=tokenizer(tmp_path / "tokenizer.json"))
    assert columns(found)[1:] == [[2, 1], [2, 1]]  # Hi !, Hello there
    assert found.ids == ("a", "b")
    assert not any("estimate" in note for note in found.notes)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"is not a tokenizer\.json"):
        tokenizer(tmp_path / "tokenizer.json")


def test_an_estimate_of_conversations_is_announced_and_never_made_unasked():
    found = read_workload(json.dumps(SAID), count_tokens=four_characters)
    assert columns(found)[1:] == [[1, 100], [3, 1]]
    assert "Lengths are estimates: four characters per token." in found.notes
    with pytest.raises(TraceError, match="hold text, not lengths: name a tokenizer"):
        read_workload(json.dumps(SAID))


def test_a_conversation_without_an_answer_is_a_broken_row():
    said = [*SAID, {"conversations": SAID[0]["conversations"][:1]}, {"conversations": []}]
    found = read_workload(json.dumps(said), count_tokens=four_characters, keep_good=True)
    assert len(found) == 2
    assert len(found.left_out) == 2
    assert "at least two turns" in found.left_out[0]


def test_every_kind_of_source_is_read(tmp_path):
    text = f"{OWN}0.5,5,6\n1,7,8\n"
    path = tmp_path / "requests.bin"
    path.write_bytes(gzip.compress(text.encode()))
    spread = io.BytesIO(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    for source in (text, text.encode(), path, spread, gzip.compress(text.encode())):
        found = read_workload(source)
        assert columns(found) == [[500_000_000, 10**9], [5, 7], [6, 8]]
    assert read_workload(path).name == "requests.bin"
    assert read_workload(text, name="mine").name == "mine"


def test_items_longer_than_what_is_read_at_once():
    many = [{"id": "é" * 999, "input_len": n, "output_len": 1} for n in range(1, 5000)]
    whole = json.dumps(many, ensure_ascii=False, indent=1)
    assert len(whole) > 3 * CHUNK
    assert read_workload(whole).prompt.tolist() == list(range(1, 5000))
    long = {"id": "x" * (3 * CHUNK), "input_len": 2, "output_len": 1}
    assert read_workload(json.dumps([long, *many[:3]])).prompt.tolist() == [2, 1, 2, 3]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 99), min_size=1, max_size=30), st.integers(1, 40), st.data())
def test_json_cut_anywhere_while_reading_is_the_same(lengths, size, data):
    class Drops(io.BytesIO):
        def readinto(self, buffer):
            return super().readinto(memoryview(buffer)[:size])

    indent = data.draw(st.sampled_from([None, 2]))
    items = [{"id": 'a\\"é€', "input_len": n, "output_len": n, "ratio": n / 7} for n in lengths]
    text = json.dumps(items, indent=indent, ensure_ascii=data.draw(st.booleans()))
    assert read_workload(Drops(text.encode())).prompt.tolist() == lengths


# Order


@settings(max_examples=60)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_rows_are_sorted_by_time_and_equal_ones_stay_as_written(times):
    text = OWN + "".join(f"{time},{row},1\n" for row, time in enumerate(times, 1))
    found = read_workload(text)
    order = sorted(range(len(times)), key=lambda row: times[row])
    assert found.prompt.tolist() == [row + 1 for row in order]
    assert found.arrival.tolist() == [times[row] * 10**9 for row in order]
    behind = sum(a > b for a, b in pairwise(times))
    assert len(found.notes) == (behind > 0)
    if behind:
        assert f": {behind} came before the one above them." in found.notes[0]


# What is broken


BROKEN = [
    (AZURE + "2023-11-16 18:15:46,5\n", "Line 2: the row has 2 cells, expected 3 (TIMESTAMP, "),
    (AZURE + "2023-11-16 18:15:46,5,6,7\n", "Line 2: the row has 4 cells, expected 3"),
    (AZURE + "2023-11-16 18:15:46,x,6\n", "Line 2: ContextTokens is 'x', expected a whole number"),
    (AZURE + "2023-11-16 18:15:46,-5,6\n", "Line 2: ContextTokens is '-5', expected a whole"),
    (AZURE + "2023-11-16 18:15:46,5,0\n", "Line 2: GeneratedTokens is '0', expected a whole"),
    (AZURE + "2023-11-16 18:15:46,5.0,6\n", "Line 2: ContextTokens is '5.0'"),
    (AZURE + "2023-11-16 18:15:46,9999999999,6\n", "Line 2: ContextTokens is '9999999999'"),
    (AZURE + "2023-11-16 18:15:46,٥,6\n", "Line 2: ContextTokens is '٥'"),
    (AZURE + "2023-11-16,5,6\n", "Line 2: TIMESTAMP is '2023-11-16', expected a time like"),
    (AZURE + "2023-13-16 18:15:46,5,6\n", "Line 2: TIMESTAMP is '2023-13-16 18:15:46': month"),
    (AZURE + "2023-11-16 18:15:61,5,6\n", "Line 2: TIMESTAMP is '2023-11-16 18:15:61'"),
    (AZURE + "0001-01-01 00:00:00+23:00,5,6\n", "Line 2: TIMESTAMP is '0001-01-01"),
    (AZURE + "9999-11-16 18:15:46,5,6\n", "Line 2: TIMESTAMP is '9999-11-16 18:15:46', expected"),
    (AZURE + '"2023-11-16 18:15:46,5,6\n', "Line 2: it is not valid CSV"),
    (OWN + "-1,5,6\n", "Line 2: arrival_s is '-1', expected a number from 0"),
    (OWN + "nan,5,6\n", "Line 2: arrival_s is 'nan'"),
    (OWN + "9223372036.854775808,5,6\n", "Line 2: arrival_s is '9223372036.854775808', expected"),
    (OWN + "1e99,5,6\n", "Line 2: arrival_s is '1e99', expected"),
    (OWN + "0,5,\n", "Line 2: output is '', expected a whole number"),
    ("arrival_s,prompt,output,pieces\n0,5,6,1:2:3\n", "Line 2: pieces is '1:2:3', expected pairs"),
    ("arrival_s,prompt,output,pieces\n0,5,6,1:6\n", "Line 2: pieces hold more tokens than"),
    ("arrival_s,prompt,output,pieces\n0,5,6,1:0\n", "Line 2: pieces is '1:0'"),
    ('{"input_len": 5, "output_len": 6}\n{"input_len": 5}\n', "Line 2: output_len is missing"),
    ('{"input_len": 5, "output_len": 6}\n{"input_len": true, "output_len": 1}', "Line 2: input_l"),
    ('{"input_len": 5, "output_len": 6}\n{"input_len": 5.5, "output_len": 1}', "is 5.5, expected"),
    ('{"input_len": 5, "output_len": 6}\n{"input_len": NaN, "output_len": 1}', "Line 2: it is no"),
    ('{"input_len": 5, "output_len": 6}\n{"input_len"\n', "Line 2: it is not valid JSON"),
    (
        '{"input_len": 5, "output_len": 6}\n' + "[" * 99_999,
        "Line 2: it is not valid JSON: it is nested",
    ),
    ('{"input_len": 5, "output_len": 6}\n7\n', "Line 2: the item is not a JSON object"),
    ('[{"input_len": 5, "output_len": 6},\n\n7]', "Line 3: the item is not a JSON object"),
    (
        '{"timestamp": 0, "input_length": 600, "output_length": 1, "hash_ids": [4]}',
        "Line 1: hash_ids holds 1, expected 2: one for each 512 of the 600 input tokens.",
    ),
    (
        '{"timestamp": 0, "input_length": 600, "output_length": 1, "hash_ids": [4, -1]}',
        "Line 1: hash_ids is a list of 2, expected a list of whole numbers",
    ),
    (
        '{"requests": [\n{"arrival_step": 0, "prompt": [], "max_tokens": 3}]}',
        "Line 2: prompt is a list of 0, expected at least one token id",
    ),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_a_broken_row_says_its_line_and_what_was_expected(text, message):
    with pytest.raises(TraceError) as error:
        read_workload(text)
    sentence = str(error.value)
    assert message in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert error.value.line is not None


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_good_rows_are_kept_if_asked_and_the_others_told(text, message):
    good = {
        "T": "2023-11-16 18:15:47,70,80\n",
        "a": "9,70,80" + ("," if ",pieces" in text else "") + "\n",
        "{": '{"input_len": 70, "output_len": 80}\n',
        "[": "",
    }[text[0]]
    if "timestamp" in text:
        good = '{"timestamp": 1, "input_length": 70, "output_length": 80, "hash_ids": [1]}\n'
    if '"requests"' in text:
        text, good = text[:-2] + ',{"arrival_step": 1, "prompt": [3], "max_tokens": 1}]}', ""
    found = read_workload(text.rstrip("\n") + "\n" + good, keep_good=True)
    assert len(found) >= 1
    assert len(found.left_out) == 1
    assert message in found.left_out[0]
    rows = len(found) + 1
    assert f"1 of {rows} rows were left out, since they cannot be read." in found.notes


HOPELESS = [
    ("", "The trace is empty."),
    (" \n\n", "The trace is empty."),
    (AZURE, "The trace has no requests. Expected Azure CSV"),
    ("[]", "The trace has no requests. Expected Azure CSV"),
    ('{"requests": []}', "The trace has no requests."),
    ("a,b\n1,2\n", "Line 1: 'a, b' is not a known format, expected Azure CSV (TIMESTAMP, Con"),
    ("hello", "Line 1: 'hello' is not a known format"),
    ('{"a": 1}', "Line 1: 'a' is not a known format"),
    ('[{"input_len": 5, "output_len": 6}', "not JSON: the end where , or ] was expected."),
    ('[{"input_len": 5, "output_len": 6},]', "Line 1: not JSON: Expecting value."),
    ('[\n{"input_len": 5, "output_len": 6}\n{}]', "Line 3: not JSON: '{' where , or ]"),
    ('[{"input_len": 5, "output_len": 6}]\n7', "Line 2: not JSON: something follows the end."),
    ('[{"input_len": 5, "output_len": Infinity}]', "not JSON: Infinity is not a JSON number."),
    ('[{"input_len": 5, "output_len', "not JSON: Unterminated string"),
    ("[" * 100_000, "Line 1: not JSON: it is nested too deep."),
    ('{"requests": [{}', "Line 1: '' is not a known format"),
    ('{"requests": [', "Line 1: not JSON: Expecting value."),
    ('{"requests": 5}', "not JSON: '5' where [ was expected."),
    ('{5: "requests"}\n', "not JSON"),
    ('{"sampled": "x", "requests": [{"arrival_s": 0, "prompt": 1, "output": 1}]}', "sampled is"),
    ("\x00\x01\x02", "is not a known format"),
    (b"a,b\xff", "Line 1: it, or one soon after, is not UTF-8 text."),
    (OWN.encode() + b"0,1,1\n" * 30_000 + b"\xff,1,1\n", "is not UTF-8 text."),
    (b'[{"input_len": 1, "output_len": 1, "id": "\xff"}]', "is not UTF-8 text."),
    ("TIMESTAMP,ContextTokens".encode("utf-16"), "is not UTF-8 text."),
    (gzip.compress(b"a" * 99_999)[:-20], "The gzip file is damaged"),
    (gzip.compress(OWN.encode())[:12] + b"\0" * 9, "The gzip file is damaged"),
    (OWN + "1" * (1 << 24), "Line 2: it is longer than 16 MiB"),
    ('{"arrival_s": 0, "prompt": 9, "output": 1, "pieces": [[9223372036854775807, 9]]}', "ids up"),
]


@pytest.mark.parametrize(("text", "message"), HOPELESS, ids=[message for _, message in HOPELESS])
@pytest.mark.parametrize("keep_good", [False, True])
def test_what_is_no_trace_is_an_error_of_one_sentence(text, message, keep_good):
    with pytest.raises(TraceError) as error:
        read_workload(text, keep_good=keep_good)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@settings(max_examples=300)
@given(
    st.sampled_from([text for text, _ in BROKEN + HOPELESS if len(text) < 999])
    | st.builds(to_json, workloads())
    | st.just(json.dumps(SAID)),
    st.lists(st.tuples(st.integers(0, 999), st.binary(max_size=3)), max_size=3),
    st.booleans(),
)
def test_whatever_is_read_becomes_a_workload_or_a_trace_error(text, edits, keep_good):
    data = text if isinstance(text, bytes) else text.encode()
    for at, new in edits:
        data = data[:at] + new + data[at + 1 :]
    try:
        found = read_workload(data, keep_good=keep_good, count_tokens=four_characters)
    except TraceError:
        return
    assert min(found.prompt.min(), found.output.min()) >= 1
    assert found.arrival.min() >= 0
    assert (np.diff(found.arrival) >= 0).all()
    if found.contents is not None and found.prompt.sum() < 10**6:
        assert [len(said) for said in prompts(found)] == found.prompt.tolist()


def test_no_good_row_is_an_error_even_if_good_ones_are_to_be_kept():
    with pytest.raises(TraceError, match=r"has no requests\. Line 2: prompt is 'x'"):
        read_workload(OWN + "0,x,1\n", keep_good=True)
    with pytest.raises(TraceError, match=r"More than 10,000 rows cannot be read\. Line 2"):
        read_workload(OWN + "0,x,1\n" * 10_001, keep_good=True)


def test_csv_has_no_place_for_some_things():
    one = Workload("one", *(np.array([1]),) * 3)
    with pytest.raises(ValueError, match="cannot hold the token id"):
        to_csv(Workload("one", one.arrival, one.prompt, one.output, sampled=7))
    with pytest.raises(ValueError, match="cannot hold a line break"):
        to_csv(Workload("one", one.arrival, one.prompt, one.output, ids=("a\nb",)))


# Size


@pytest.mark.slow
def test_the_azure_trace_is_read_quickly(shared):
    path = shared / "traces/AzureLLMInferenceTrace_conv.csv"
    spent = []
    for _ in range(3):
        start = time.process_time()
        read_workload(path)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.25


def test_a_limit_holds_for_the_unpacked_text():
    text = OWN + "0,1,1\n" * 20_000
    assert len(read_workload(text, limit_bytes=len(text))) == 20_000
    for source in (text, gzip.compress(text.encode()), io.BytesIO(text.encode())):
        with pytest.raises(TraceError, match=r"The trace is longer than 120,000 bytes"):
            read_workload(source, limit_bytes=120_000)


@pytest.mark.slow
def test_a_long_trace_is_not_held_as_text(tmp_path):
    for name, begin, row, sep, end in (
        ("a.csv", AZURE, "2023-11-16 18:15:46.6805900,374,44" + " " * 3000, "\n", "\n"),
        ("b.json", "[", json.dumps({"input_len": 1, "output_len": 2, "x": "x" * 3000}), ",", "]"),
    ):
        path = tmp_path / name
        path.write_text(begin + sep.join([row] * 25_000) + end)
        code = (
            "import resource, sys; from pathlib import Path\n"
            "from kvviz.sim.workload.traces import read_workload\n"
            "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "before = peak(); rows = len(read_workload(Path(sys.argv[1])))\n"
            "print(rows, (peak() - before) * 1024)"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
        )
        rows, grown = map(int, run.stdout.split())
        assert rows == 25_000
        assert path.stat().st_size > 75_000_000
        assert grown < 40_000_000
