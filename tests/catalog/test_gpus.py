"""The shipped GPUs: true to the compiled facts, each with its source and its doubts."""

import csv
import dataclasses
from pathlib import Path

import pytest

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import find_gpu, gpu_names, gpus
from kvviz.catalog.names import UnknownName
from kvviz.units import GB, GiB, MiB

COMPILED = Path(__file__).parents[3] / "shared" / "catalog_gpus.csv"

# Column of the compiled facts -> field of Gpu; a column of the same name needs no entry.
FIELD_OF = {
    "memory_mib_reported": "reported_mib",
    "stacks_sites": "sites",
    "stacks_active": "active_sites",
    "gb_per_stack": "gb_per_site",
    "memory_bandwidth_gb_s": "bandwidth_gb_s",
    "sm_or_cu_count": "sm_count",
    "fp16_dense_tflops": "fp16_tflops",
    "fp8_dense_tflops": "fp8_tflops",
    "nvlink_gb_s": "link_gb_s",
}
NOT_SHIPPED = {"bus_width_bits", "memory_gib_usable"}
# Shipped as assumptions where the compiled facts leave them empty.
FILLED_IN = {"reported_mib", "sites", "active_sites", "gb_per_site"}
FIELDS = {field.name for field in dataclasses.fields(Gpu)}

every_gpu = pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)


@pytest.fixture(scope="module")
def compiled():
    if not COMPILED.exists():
        pytest.skip(f"the compiled GPU facts are not here: {COMPILED}")
    with COMPILED.open(encoding="utf-8", newline="") as rows:
        return {row["name"]: row for row in csv.DictReader(rows)}


def test_at_least_thirty_gpus_with_names_of_their_own():
    assert len(gpus()) >= 30
    assert len(set(gpu_names())) == len(gpus())


def test_all_compiled_gpus_are_shipped_in_their_order(compiled):
    assert gpu_names() == tuple(compiled)


@every_gpu
def test_figures_are_the_compiled_ones(gpu, compiled):
    for column, text in compiled[gpu.name].items():
        field = FIELD_OF.get(column, column)
        if field not in FIELDS or column in {"source", "notes"}:
            continue
        shipped = getattr(gpu, field)
        if text:
            assert shipped == type(shipped)(text), field
        elif field not in FILLED_IN:
            assert shipped in {None, ""}, field


@every_gpu
def test_doubts_about_shipped_fields_survive(gpu, compiled):
    doubted = set(compiled[gpu.name]["unverified_fields"].split(";")) - {""} - NOT_SHIPPED
    assert {FIELD_OF.get(column, column) for column in doubted} <= gpu.unverified


@every_gpu
def test_what_the_compiled_facts_leave_empty_is_marked_as_unverified(gpu, compiled):
    if not compiled[gpu.name]["memory_mib_reported"]:
        assert "reported_mib" in gpu.unverified
        assert "assumed" in gpu.notes
    if not compiled[gpu.name]["stacks_active"] and gpu.site_kind == "stack":
        assert {"sites", "active_sites"} <= gpu.unverified
        assert "stack count not published: drawn as one" in gpu.notes


@every_gpu
def test_sources_begin_as_the_compiled_ones(gpu, compiled):
    assert gpu.source.startswith(compiled[gpu.name]["source"].strip())


@every_gpu
def test_every_gpu_names_its_source_and_real_fields_as_unverified(gpu):
    assert gpu.source
    assert gpu.unverified <= FIELDS
    assert gpu.site_kind in {"stack", "chip", "unified"}


@every_gpu
def test_capacity_is_in_order(gpu):
    assert 0 < gpu.cuda_bytes < gpu.reported_bytes
    assert gpu.reported_bytes == gpu.reported_mib * 2**20
    assert 0 < gpu.active_sites <= gpu.sites
    assert gpu.reported_bytes <= gpu.active_sites * gpu.gb_per_site * GiB


def test_reported_mib_of_a_vendor_figure():
    assert find_gpu("GH200 144GB").reported_mib == 144 * GB // MiB == 137329
    assert find_gpu("Apple M4 Max").reported_bytes == 128 * GiB


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("H100 SXM5 80GB", 79.19),
        ("A100 SXM4 80GB", 79.15),
        ("A100 SXM4 40GB", 39.56),
        ("GeForce RTX 3090", 23.58),
        ("L4", 22.16),
        ("T4", 14.74),
    ],
)
def test_cuda_totals_read_from_engine_logs(name, gib):
    gpu = find_gpu(name)
    assert not gpu.cuda_total_assumed
    assert gpu.cuda_bytes / GiB == pytest.approx(gib, abs=1e-8)


def test_cuda_total_read_from_the_device():
    assert find_gpu("GeForce RTX 4090").cuda_bytes == 25_250_627_584


def test_cuda_total_is_assumed_where_none_was_read():
    gpu = find_gpu("Instinct MI300X")
    assert gpu.cuda_total_assumed
    assert (gpu.reported_bytes - gpu.cuda_bytes) / GiB == pytest.approx(0.46, abs=1e-8)


def test_h100_has_six_sites_and_five_stacks():
    h100 = find_gpu("H100 SXM5 80GB")
    assert (h100.sites, h100.active_sites, h100.gb_per_site) == (6, 5, 16)
    assert h100.reported_bytes == 81_559 * MiB
    assert not h100.unverified


def test_peak_rates_by_dtype():
    h100, a100 = find_gpu("H100 SXM5 80GB"), find_gpu("A100 SXM4 80GB")
    assert h100.peak_flops("fp8") == pytest.approx(1978.9e12)
    assert h100.peak_flops("bf16") == h100.peak_flops("fp16") == pytest.approx(989.4e12)
    assert h100.peak_flops("fp32") == pytest.approx(66.9e12)
    assert a100.peak_flops("fp8") == a100.peak_flops("bf16") == pytest.approx(312e12)
    assert find_gpu("B100").peak_flops("fp8") is None
    with pytest.raises(ValueError, match="int4"):
        h100.peak_flops("int4")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("H100 SXM5 80GB", "H100"),
        ("H100 NVL 94GB", "H100 NVL"),
        ("V100 SXM2 16GB", "V100"),
        ("GeForce RTX 4090", "RTX 4090"),
        ("RTX PRO 6000 Blackwell", "RTX PRO 6000"),
        ("RTX 6000 Ada", "RTX 6000 Ada"),
        ("Instinct MI300X", "MI300X"),
        ("GB200 (per GPU)", "GB200"),
        ("Apple M3 Ultra", "M3 Ultra"),
        ("TPU v5p", "TPU v5p"),
    ],
)
def test_short_names(name, short):
    assert find_gpu(name).short_name == short


def test_finding_by_any_spelling():
    assert find_gpu("h100-sxm5-80gb").name == "H100 SXM5 80GB"
    assert find_gpu("rtx 4090").name == "GeForce RTX 4090"
    assert find_gpu("B200").name == "B200 SXM"


def test_a_short_name_of_several_gpus_is_not_guessed():
    with pytest.raises(UnknownName, match="H100 SXM5 80GB"):
        find_gpu("H100")
