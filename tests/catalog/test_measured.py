"""Recordings: which GPU they belong to, and what the rest of kvviz takes from them."""

import json
from html import escape

import numpy as np
import pytest

from kvviz.catalog.gpus.shipped import find_gpu, gpu_of_device
from kvviz.catalog.measured import recordings as measured
from kvviz.catalog.measured.efficiency import FITTED, MBU, MFU, SOURCE
from kvviz.catalog.measured.recordings import (
    RecordingError,
    efficiency,
    recording_of,
    recordings,
)
from kvviz.cost.roofline import decode_step
from kvviz.pages.hbm.about import about
from kvviz.pages.hbm.cards import info
from kvviz.pages.hbm.session import Session
from kvviz.pages.kernels import recordings as kernel_recordings
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.sim.simulate import step_efficiency
from kvviz.units import GB, GiB

H200 = find_gpu("H200")

# What drivers and CUDA report, by the catalog's name.
DEVICES = {
    "H100 SXM5 80GB": ("NVIDIA H100 80GB HBM3", 85_029_615_042),
    "H100 PCIe 80GB": ("NVIDIA H100 PCIe", 85_028_000_000),
    "H100 NVL 94GB": ("NVIDIA H100 NVL", 100_000_000_000),
    "H200 SXM 141GB": ("NVIDIA H200", 150_100_000_000),
    "A100 SXM4 80GB": ("NVIDIA A100-SXM4-80GB", 84_986_665_369),
    "A100 SXM4 40GB": ("NVIDIA A100-SXM4-40GB", 42_477_226_557),
    "A100 PCIe 80GB": ("NVIDIA A100 80GB PCIe", 85_000_000_000),
    "GeForce RTX 4090": ("NVIDIA GeForce RTX 4090", 25_250_627_584),
    "RTX 6000 Ada": ("NVIDIA RTX 6000 Ada Generation", 51_000_000_000),
    "T4": ("Tesla T4", 15_826_954_485),
    "L4": ("NVIDIA L4", 23_794_118_819),
    "GH200 96GB": ("NVIDIA GH200 480GB", 101_500_000_000),
}


@pytest.mark.parametrize(("device", "total"), DEVICES.values(), ids=DEVICES)
def test_a_driver_s_name_is_found_in_the_catalog(device, total):
    found = gpu_of_device(device, total)
    assert found is not None
    assert DEVICES[found.name] == (device, total)


@pytest.mark.parametrize(
    ("device", "total"),
    [("NVIDIA GeForce RTX 4080", 17 * 10**9), ("NVIDIA H200", 10 * GiB), ("A100", 85 * 10**9)],
)
def test_a_device_that_is_none_or_two_is_not_guessed(device, total):
    assert gpu_of_device(device, total) is None


H200_BYTES = 150_100_000_000


def decode_row(name, share, kv_bytes):
    moved = kv_bytes + 10**6
    row = {"name": name, "kv_bytes": kv_bytes, "bytes_moved": moved}
    return row | {"seconds_median": moved / (share * H200.bandwidth_gb_s * GB)}


ROWS = [
    decode_row("Triton 64, 4 warps, 3 stages", 0.80, 8 * GB),
    decode_row("Triton 128, 4 warps, 3 stages", 0.85, 8 * GB),
    decode_row("Triton 64, 4 warps, 3 stages", 0.95, 10**6),  # lives in the L2 cache
    decode_row("SDPA FLASH, contiguous", 0.99, 8 * GB),
]


def groups(part, rows, **facts):
    return [{"title": part, "part": part, "rows": rows, "notes": [], **facts}]


def write(folder, name="h200", **facts):
    told = {
        "device": "NVIDIA H200",
        "date": "2026-11-20T10:00:00+00:00",
        "command": "kvviz kernels --device cuda",
        "memory_bytes": H200_BYTES,
        "rates": {"gemm_flops": 0.75 * H200.peak_flops("bf16"), "copy_bytes_s": 4.3e12},
        "groups": groups("decode", ROWS),
    }
    (folder / f"{name}.json").write_text(json.dumps(told | facts))
    return folder


def test_efficiencies_are_those_of_the_recording(tmp_path):
    found = efficiency(H200, write(tmp_path))
    assert found.mfu == pytest.approx(0.75)
    assert found.mbu == pytest.approx(0.85)
    assert found.kind == "measured"
    assert found.source == "measured on NVIDIA H200, 2026-11-20, by kvviz kernels --device cuda"


@pytest.mark.parametrize(
    "facts",
    [
        {"device": "NVIDIA H100 NVL", "memory_bytes": 10**11},
        {"rates": {}},
        {"groups": []},
        {"groups": groups("decode", ROWS[2:])},
    ],
    ids=["another GPU", "no product", "no decode", "no large decode"],
)
def test_without_both_rates_they_are_assumed(facts, tmp_path):
    found = efficiency(H200, write(tmp_path, **facts))
    assert (found.mfu, found.mbu, found.kind, found.source) == (MFU, MBU, "assumed", SOURCE)


def test_a_fit_to_a_serving_run_counts_before_kernels(tmp_path):
    own = {"device": "NVIDIA GeForce RTX 4090", "memory_bytes": 25_250_627_584}
    found = efficiency(find_gpu("RTX 4090"), write(tmp_path, **own))
    assert found == FITTED["GeForce RTX 4090"]


def test_the_newest_recording_that_has_a_part_counts(tmp_path):
    write(tmp_path, "old")
    write(tmp_path, "new", date="2026-11-21T00:00:00+00:00", groups=[])
    assert [recording.name for recording in recordings(tmp_path)] == ["new", "old"]
    assert recording_of(H200, "rates", tmp_path).name == "new"
    assert recording_of(H200, "decode", tmp_path).name == "old"
    assert recording_of(H200, "allocator", tmp_path) is None


def test_a_share_is_never_above_one(tmp_path):
    rows = [decode_row("Triton 64, 4 warps, 3 stages", 1.02, 8 * GB)]
    found = efficiency(
        H200, write(tmp_path, groups=groups("decode", rows), rates={"gemm_flops": 1e16})
    )
    assert (found.mfu, found.mbu) == (1, 1)


@pytest.mark.parametrize("text", ["{", "[]", '{"device": "x", "date": "y"}'])
def test_a_file_that_is_no_recording_is_named(text, tmp_path):
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(
        RecordingError, match=r"^wrong\.json is not a recording: expected JSON with"
    ):
        recordings(tmp_path)


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Have a recording of the H200 shipped."""
    write(tmp_path)
    measured.recordings.cache_clear()
    measured.efficiency.cache_clear()
    monkeypatch.setattr(measured, "folder", lambda: tmp_path)
    yield
    monkeypatch.undo()
    measured.recordings.cache_clear()
    measured.efficiency.cache_clear()


@pytest.mark.usefixtures("recorded")
def test_scenarios_take_the_measured_shares_of_their_gpu():
    scenario = Scenario(gpu=H200.name)
    assert (scenario.mfu, scenario.mbu) == pytest.approx((0.75, 0.85))
    assert scenario.efficiency.kind == "measured"
    scenario.gpu = "T4"
    assert (scenario.mfu, scenario.mbu) == (MFU, MBU)
    assert scenario.replaced(gpu=H200.name).mbu == pytest.approx(0.85)


@pytest.mark.usefixtures("recorded")
def test_what_is_set_counts_and_is_an_assumption():
    scenario = Scenario(gpu=H200.name, mbu=0.5)
    assert (scenario.mfu, scenario.mbu) == pytest.approx((0.75, 0.5))
    assert scenario.efficiency.kind == "assumed"
    assert scenario.efficiency.source == "as you set them"
    assert scenario.settings()["mbu"] == 0.5
    assert scenario.settings()["mfu"] is None
    assert scenario.replaced(gpu="T4").mbu == 0.5


@pytest.mark.usefixtures("recorded")
def test_the_simulator_takes_them():
    found = step_efficiency(Scenario(gpu=H200.name), Serving())
    assert (found.mfu, found.mbu) == pytest.approx((0.75, 0.85))
    assert found.kind == "measured"


@pytest.mark.usefixtures("recorded")
def test_the_roofline_and_the_page_use_and_name_them():
    scenario = Scenario(gpu=H200.name, batch=1)
    steps = decode_step(scenario, np.array([4096]))
    moved = steps.weight_bytes + steps.kv_bytes
    assert steps.memory_share * steps.seconds * 0.85 * H200.bandwidth_gb_s * GB == pytest.approx(
        moved
    )
    session = Session(scenario=scenario)
    source = "measured on NVIDIA H200, 2026-11-20"
    assert f"MFU 75% and MBU 85%, {source}" in info(session)
    assert f"85% of the memory bandwidth (MBU): {source}" in about(session)


def test_the_shipped_recordings_can_be_read():
    for found in recordings():
        assert found.device
        assert found.command


def test_every_recording_is_listed_with_its_machine_and_its_figures():
    text = kernel_recordings.recorded()
    for found in recordings():
        assert f"<b>{found.name}</b>" in text
        assert escape(found.command) in text
        for group in found.facts["groups"]:
            assert escape(group["title"]) in text
            assert all(f"<td>{escape(row['name'])}</td>" in text for row in group["rows"])
            if group["rates"]:
                assert f"copy {group['rates']['copy_bytes_s'] / 1e9:,.1f} GB/s" in text
    groups = [group for found in recordings() for group in found.facts["groups"]]
    assert text.count("in the same run") == sum(bool(group["rates"]) for group in groups)
    assert text.count("score matrices</th>") == sum(
        any("peak_multiple" in row for row in group["rows"]) for group in groups
    )


@pytest.mark.usefixtures("recorded")
def test_a_gpu_s_recording_names_what_it_was_made_with(tmp_path):
    facts = {"memory": "139.80 GiB", "driver": "570.86", "cuda": "12.8", "groups": []}
    write(tmp_path, **facts)
    write(tmp_path, "<b>", **facts, environment={"NVIDIA_TF32_OVERRIDE": "1"})
    measured.recordings.cache_clear()
    text = kernel_recordings.recorded()
    assert "NVIDIA H200, 139.80 GiB; driver 570.86, cuda 12.8." in text
    assert "driver 570.86, cuda 12.8; NVIDIA_TF32_OVERRIDE=1." in text
    assert "&lt;b&gt;" in text
