"""Measuring on a GPU: what is said where there is none, and where its recording goes."""

import subprocess
import sys
from pathlib import Path

import pytest

from kvviz.kernels.__main__ import place
from kvviz.kernels.measuring.cuda import NoCuda, require_cuda

torch = pytest.importorskip("torch")


def test_without_a_gpu_one_sentence_says_what_is_missing():
    if torch.cuda.is_available():
        pytest.skip("a CUDA GPU is here: nothing is missing")
    words = [sys.executable, "-m", "kvviz.kernels", "--preset", "all", "--device", "cuda"]
    root = Path(__file__).parents[2]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("kvviz: device cuda needs ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("missing", ["torch", "triton"])
def test_a_missing_package_is_named(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)  # what Python keeps of a refused import
    monkeypatch.setitem(sys.modules, "torch" if missing == "triton" else "triton", sys)
    with pytest.raises(NoCuda, match=f"^device cuda needs {missing}, which is not installed$"):
        require_cuda()


def test_a_recording_is_named_after_its_device():
    assert place({"device": "NVIDIA H200"}).name == "nvidia-h200.json"
    assert place({"device": "Intel(R) Xeon(R) @ 2.10GHz"}).name == "intel-r-xeon-r-2-10ghz.json"


def test_measuring_needs_numpy_torch_and_triton_alone():
    pytest.importorskip("triton")
    code = (
        "import sys; sys.modules.update(dict.fromkeys("
        "('param', 'panel', 'bokeh', 'pandas', 'typer', 'pyarrow', 'hypothesis'))); "
        "import kvviz.kernels.__main__, kvviz.kernels.measuring.triton_recording"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=600)


def test_a_gpu_measures_no_report():
    pytest.importorskip("triton")
    from kvviz.kernels.measuring.triton_recording import record
    from kvviz.kernels.measuring.triton_rows import Device

    with pytest.raises(ValueError, match="preset 'report' runs on the CPU, expected prefill"):
        next(record("report", Device(torch.device("cuda")), {}))
