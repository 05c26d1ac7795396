"""What is kept of the allocator: sequences that come and go, and snapshots made small."""

import json

import pytest

torch = pytest.importorskip("torch")

from kvviz.kernels.measuring import torch_allocator as allocator  # noqa: E402

CPU = torch.device("cpu")


def test_both_caches_hold_every_token_of_every_step():
    tokens = [sum(allocator.lengths(step).values()) for step in range(allocator.STEPS)]
    assert list(allocator.growing(CPU, token_bytes=2)) == [2 * count for count in tokens]
    pool = set(allocator.paged(CPU, token_bytes=2))
    assert pool == {2 * max(tokens)}  # steps are whole pages


def test_sequences_overlap_and_end_out_of_order():
    alive = [set(allocator.lengths(step)) for step in range(allocator.STEPS)]
    assert max(map(len, alive)) >= 5
    last = {number: max(s for s, who in enumerate(alive) if number in who) for number in range(8)}
    assert sorted(last, key=last.get) != sorted(last)


def test_a_snapshot_is_kept_as_addresses_sizes_and_states():
    """The form is that of `torch.cuda.memory.memory_snapshot`, most keys left out."""
    segments = [
        {
            "address": 7000,
            "total_size": 300,
            "allocated_size": 100,
            "blocks": [{"size": 300, "state": "inactive"}],
        },
        {
            "address": 5000,
            "total_size": 900,
            "allocated_size": 500,
            "blocks": [
                {"size": 500, "state": "active_allocated"},
                {"size": 400, "state": "active_pending_free"},
            ],
        },
    ]
    kept = allocator.note(3, segments, 5000)
    assert kept["allocated"] == 600
    assert kept["reserved"] == 1200
    assert kept["used"] == 4 * allocator.STEP_TOKENS * allocator.TOKEN_BYTES
    assert kept["segments"] == [[[0, 500, True], [500, 400, False]], [[2000, 300, False]]]
    assert json.loads(json.dumps(kept)) == kept


def test_the_allocator_of_a_gpu_is_recorded():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here: its allocator was not recorded")
    found = allocator.record(torch.device("cuda"))
    for run in ("contiguous", "paged"):
        assert len(found[run]) == allocator.STEPS // allocator.NOTED
        for kept in found[run]:
            assert kept["used"] <= kept["allocated"] <= kept["reserved"]
    assert len(json.dumps(found)) < 200_000
