"""A stand-in for PyTorch's CUDA allocator, and a recording of a GPU that is made with it.

It keeps segments as the real one does at its defaults (c10/cuda/CUDACachingAllocator.cpp): blocks
of 512 bytes, segments of 20 MiB for up to 10 MiB and of whole 2 MiB above, the smallest free block
that is large enough, split where enough is left, joined with its neighbours when it is freed.
"""

import json

from kvviz.kernels.measuring import torch_allocator as allocator

MiB = 2**20


class Allocator:
    """Segments by address; each is a list of [size, whether it is held]."""

    def __init__(self):
        self.segments, self.next = {}, 2**40

    def take(self, size):
        """Return where `size` bytes are taken."""
        size = -(-size // 512) * 512
        free = [
            (block[0], base, i)
            for base, blocks in self.segments.items()
            for i, block in enumerate(blocks)
            if not block[1] and block[0] >= size
        ]
        if not free:
            whole = 20 * MiB if size < 10 * MiB else -(-size // (2 * MiB)) * 2 * MiB
            self.segments[self.next] = [[whole, False]]
            free = [(whole, self.next, 0)]
            self.next += whole + 4 * MiB
        whole, base, i = min(free)
        rest = [[whole - size, False]] if whole - size > MiB else []
        self.segments[base][i : i + 1] = [[size if rest else whole, True], *rest]
        return base + sum(block[0] for block in self.segments[base][:i])

    def free(self, address):
        """Give a block back."""
        base = max(base for base in self.segments if base <= address)
        blocks, at = self.segments[base], base
        for block in blocks:
            if at == address:
                block[1] = False
            at += block[0]
        joined = []
        for size, held in blocks:
            if joined and not held and not joined[-1][1]:
                joined[-1][0] += size
            else:
                joined.append([size, held])
        self.segments[base] = joined

    def snapshot(self):
        """Return the segments as `torch.cuda.memory.memory_snapshot` does, most keys left out."""
        return [
            {
                "address": base,
                "total_size": sum(size for size, _ in blocks),
                "allocated_size": sum(size for size, held in blocks if held),
                "blocks": [
                    {"size": size, "state": "active_allocated" if held else "inactive"}
                    for size, held in blocks
                ],
            }
            for base, blocks in self.segments.items()
        ]


def growing(memory):
    """Play the allocations of `torch_allocator.growing`."""
    caches, step_bytes = {}, allocator.STEP_TOKENS * allocator.TOKEN_BYTES
    for step in range(allocator.STEPS):
        alive = allocator.lengths(step)
        for gone in caches.keys() - alive.keys():
            memory.free(caches.pop(gone))
        for number, tokens in alive.items():
            new, old = memory.take(step_bytes), caches.get(number)
            caches[number] = new
            if old is not None:
                caches[number] = memory.take(tokens * allocator.TOKEN_BYTES)
                memory.free(old)
                memory.free(new)
        yield step


def paged(memory):
    """Play the one allocation of `torch_allocator.paged`."""
    tokens = (sum(allocator.lengths(step).values()) for step in range(allocator.STEPS))
    memory.take(max(tokens) * allocator.TOKEN_BYTES)
    yield from range(allocator.STEPS)


def allocator_facts():
    """Return both runs as the project's own code keeps them."""
    found = allocator.facts()
    for name, run in (("contiguous", growing), ("paged", paged)):
        memory = Allocator()
        found[name] = allocator.noted(run(memory), memory.snapshot)
    return found


def write_recording(folder, **changes):
    """Write a recording of an H200 with peaks and an allocator to a folder."""
    rows = {"one line": 2.01, "Hugging Face eager (fp32 softmax)": 4.97, "SDPA flash": 0.031}
    groups = [
        {
            "title": "Peak",
            "part": "memory",
            "n": n,
            "dtype": "bf16",
            "rates": None,
            "rows": [
                {"name": name, "peak_multiple": held * 8192 / n} for name, held in rows.items()
            ],
            "notes": [],
        }
        for n in (4096, 8192)
    ]
    facts = {
        "preset": "memory",
        "device": "NVIDIA H200",
        "memory_bytes": 150_100_000_000,
        "date": "2026-11-20T10:00:00+00:00",
        "command": "kvviz kernels --preset memory --device cuda",
        "groups": groups,
        "allocator": allocator_facts(),
    }
    (folder / "h200.json").write_text(json.dumps(facts | changes))
    return folder
