"""Measured memory: which device it is from, what is simulated beside it, and how it is shown."""

import json
import re
from html import unescape

import pytest

pytest.importorskip("torch")

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.measured import recordings as measured
from kvviz.catalog.measured.memory import allocator_recording, score_multiples
from kvviz.pages.hbm.allocator import allocator_cards
from kvviz.pages.hbm.copies import copies_card, copies_hint, copies_note
from kvviz.settings.scenario import Scenario
from kvviz.sim.results.allocated import simulated
from kvviz.units import gib
from tests.allocator_model import allocator_facts, write_recording

H200, T4 = find_gpu("H200"), find_gpu("T4")
CPU = {"device": "AMD EPYC", "torch": "2.13.0+cpu", "threads": 1}


def peaks(multiple, dtype="bf16", n=2048):
    rows = [{"name": "one line", "peak_multiple": multiple}]
    return {"title": "Peak", "part": "memory", "n": n, "dtype": dtype, "rows": rows}


def write(folder, name, *groups, **facts):
    told = {"device": "NVIDIA H200", "date": "2026-11-20T10:00:00", "command": "kvviz kernels"}
    (folder / f"{name}.json").write_text(json.dumps(told | {"groups": groups} | facts))


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Have the recordings of a folder shipped instead of the project's own."""

    def clear():
        measured.recordings.cache_clear()
        measured.efficiency.cache_clear()

    monkeypatch.setattr(measured, "folder", lambda: tmp_path)
    clear()
    yield tmp_path
    monkeypatch.undo()
    clear()


def test_multiples_of_the_scores_are_peaks_over_one_copy(tmp_path):
    write(tmp_path, "h200", peaks(5.0, n=4096), memory_bytes=150_100_000_000)
    found = score_multiples(H200, tmp_path)
    (row,) = found.rows
    assert (row.name, row.dtype, row.n, row.multiple) == ("one line", "bf16", 4096, 5)
    assert (found.place, found.date, found.own) == ("NVIDIA H200", "2026-11-20", True)


def test_the_longest_of_a_dtype_counts(tmp_path):
    groups = peaks(3.0, n=1024), peaks(2.0, n=8192), peaks(4.0, "fp16", 16_384)
    write(tmp_path, "h200", *groups, memory_bytes=150_100_000_000)
    found = score_multiples(H200, tmp_path)
    assert [(row.n, row.multiple) for row in found.of("bf16")] == [(8192, 2.0)]
    assert found.of("fp32") == ()


def test_without_an_own_recording_another_gpu_s_counts_before_a_cpu_s(tmp_path):
    assert score_multiples(T4, tmp_path) is None
    measured.recordings.cache_clear()
    write(tmp_path, "cpu", peaks(2.5), date="2026-12-01", **CPU)
    found = score_multiples(T4, tmp_path)
    assert (found.place, found.own) == ("AMD EPYC, a CPU, with torch 2.13.0+cpu", False)
    measured.recordings.cache_clear()
    write(tmp_path, "h200", peaks(2.0), memory_bytes=150_100_000_000)
    other = score_multiples(T4, tmp_path)
    assert (other.place, other.own, other.rows[0].multiple) == ("NVIDIA H200", False, 2.0)
    assert score_multiples(H200, tmp_path).own


def test_the_shipped_peaks_are_those_of_a_cpu_and_of_the_formulas():
    """Two copies where the scores and their softmax are held, one where it is in place."""
    found = score_multiples(H200)
    assert not found.own
    assert ", a CPU, with torch " in found.place
    held = {d: {row.name: row.multiple for row in found.of(d)} for d in ("fp32", "fp16", "bf16")}
    for rows in held.values():
        assert rows["one line"] == pytest.approx(2, abs=0.1)
        assert rows["every step named"] == pytest.approx(3, abs=0.1)
        assert rows["all in place"] == pytest.approx(1, abs=0.1)
        assert 0 < rows["SDPA flash"] < 0.1
    eager = {d: rows["Hugging Face eager (fp32 softmax)"] for d, rows in held.items()}
    assert eager["fp32"] == pytest.approx(2, abs=0.1)
    assert 4 <= eager["fp16"] <= 5.1
    assert 4 <= eager["bf16"] <= 5.1


def test_the_allocator_s_blocks_come_back_as_they_were(tmp_path):
    kept = allocator_facts()
    write(tmp_path, "h200", allocator=kept, memory_bytes=150_100_000_000)
    found = allocator_recording(H200, tmp_path)
    for run, notes in (("contiguous", found.contiguous), ("paged", found.paged)):
        for note, before in zip(notes, kept[run], strict=True):
            figures = {name: getattr(note, name) for name in ("step", "used", "reserved")}
            assert figures == {name: before[name] for name in figures}
            assert json.loads(json.dumps(note.segments)) == before["segments"]
    assert found.step_bytes == 4 * found.page_bytes
    assert "NVIDIA H200" in found.source
    assert allocator_recording(T4, tmp_path) is None


def test_tokens_are_the_recorded_ones_and_the_simulation_holds_them_all(tmp_path):
    found = allocator_recording(H200, write_recording(tmp_path))
    steps = [note.step for note in found.contiguous]
    played = simulated(found, steps)
    assert [each.step for each in played] == steps
    for note, each in zip(found.contiguous, played, strict=True):
        assert sum(found.held(note.step)) == note.used
        assert note.used == each.pages  # a step is whole pages
        assert each.pages <= each.regions <= each.span
    assert max(each.span for each in played) > max(each.pages for each in played)


def test_regions_are_held_from_the_first_step_to_the_last_and_taken_again(tmp_path):
    kept = {**allocator_facts(), "sequences": [[0, 2], [1, 3], [2, 2], [4, 1]]}
    write(tmp_path, "h200", allocator=kept, memory_bytes=150_100_000_000)
    found = allocator_recording(H200, tmp_path)
    in_steps = [
        (each.regions // found.step_bytes, each.span // found.step_bytes)
        for each in simulated(found, range(6))
    ]
    assert in_steps == [(2, 2), (5, 5), (5, 5), (5, 5), (1, 5), (0, 5)]
    assert [len(found.held(step)) for step in range(6)] == [1, 2, 2, 2, 1, 0]


def test_pages_are_rounded_up(tmp_path):
    kept = {**allocator_facts(), "sequences": [[0, 3]], "step_tokens": 5, "page_tokens": 16}
    write(tmp_path, "h200", allocator=kept, memory_bytes=150_100_000_000)
    found = allocator_recording(H200, tmp_path)
    pages = [each.pages // found.page_bytes for each in simulated(found, range(3))]
    assert pages == [1, 1, 1]
    longer = {**kept, "sequences": [[0, 4]]}
    measured.recordings.cache_clear()
    write(tmp_path, "h200", allocator=longer, memory_bytes=150_100_000_000)
    again = allocator_recording(H200, tmp_path)
    assert simulated(again, [3])[0].pages == 2 * again.page_bytes


def plain(html):
    return " ".join(unescape(re.sub("<[^>]+>", " ", html)).split())


def test_a_gpu_s_own_peaks_are_named_as_its_own(shipped):
    write_recording(shipped)
    scenario = Scenario(gpu="H200")
    for text in (plain(copies_note(scenario)), plain(copies_card(scenario)[0])):
        assert "measured" in text
        assert "bf16, n 8,192, on NVIDIA H200, 2026-11-20." in text
        assert "one line 2.01" in text
        assert "SDPA flash 0.03" in text
        assert "not on" not in text
    assert copies_hint(scenario) == (
        "Measured on NVIDIA H200, 2026-11-20, score matrices alive at the peak: "
        "standard 2.01 to 4.97, flash 0.03."
    )


def test_another_device_s_peaks_are_never_the_gpu_s(shipped):
    write(shipped, "cpu", peaks(2.5), **CPU)
    scenario = Scenario(gpu="T4")
    words = "on AMD EPYC, a CPU, with torch 2.13.0+cpu, 2026-11-20, not on the T4"
    assert words in plain(copies_note(scenario))
    assert words in plain(copies_card(scenario)[0])
    assert words in copies_hint(scenario)


def test_nothing_is_shown_where_nothing_was_measured(shipped):
    for scenario in (Scenario(), Scenario(gpu="H200")):
        assert copies_note(scenario) == copies_hint(scenario) == ""
        assert copies_card(scenario) == allocator_cards(scenario) == []
    write(shipped, "cpu", peaks(2.5, "fp32"), **CPU)
    measured.recordings.cache_clear()
    assert copies_note(Scenario()) == ""  # its dtype was not measured


def test_the_allocator_is_shown_on_the_gpu_it_was_recorded_on(shipped):
    write_recording(shipped)
    assert allocator_cards(Scenario(gpu="T4")) == []
    intro, *runs = allocator_cards(Scenario(gpu="H200"))
    assert "measured on NVIDIA H200, 2026-11-20, by kvviz kernels" in intro
    found = allocator_recording(H200)
    for card, notes in zip(runs, (found.contiguous, found.paged), strict=True):
        fullest = max(notes, key=lambda note: note.used)
        text = plain(card)
        assert f"At step {fullest.step + 1}," in text
        assert f"cached tokens {gib(fullest.used)}" in text
        assert f"allocated {gib(fullest.allocated)}" in text
        assert f"reserved by PyTorch {gib(fullest.reserved)}" in text
        assert f"{len(fullest.segments)} segment" in text
        assert len(text.split()) <= 60


def test_every_segment_is_drawn_as_long_as_it_is_large(shipped):
    write_recording(shipped)
    found = allocator_recording(H200)
    _, card, _ = allocator_cards(Scenario(gpu="H200"))
    fullest = max(found.contiguous, key=lambda note: note.used)
    top = max(note.reserved for note in (*found.contiguous, *found.paged))
    drawn = [float(wide) for wide in re.findall(r'class="segment" [^>]*width="([\d.]+)"', card)]
    assert sum(drawn) == pytest.approx(354 * 8 * fullest.reserved / top, rel=0.01)
    free = sum(count for blocks in fullest.segments for _, count, on in blocks if not on)
    wide = sum(
        float(each) for each in re.findall(r'<rect class="free" [^>]*width="([\d.]+)"', card)
    )
    assert wide == pytest.approx(354 * 8 * free / top, rel=0.01)
