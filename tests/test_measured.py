"""Recordings: which GPU they belong to, and what the rest of kvviz takes from them."""

import json

import pytest

from kvviz.catalog.efficiency import MBU, MFU, SOURCE
from kvviz.catalog.gpus import find_gpu, gpu_of_device, gpus
from kvviz.catalog.measured import RecordingError, efficiency, recording_of, recordings
from kvviz.units import GiB

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
