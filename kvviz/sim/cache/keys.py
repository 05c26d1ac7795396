"""Keys of full KV blocks: equal where a block's tokens and all tokens before it are equal."""

from collections.abc import Hashable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload

Key = Hashable
DIGEST_BYTES = 16  # two different contents share a key with a chance of 2^-128
BLOCK_BITS = 32  # of a key that is unlike all others: the block's number, below the request's
ROOT = b""  # the parent of every first block


class BlockKeys:
    """Keys of the requests' blocks, as long as the requests live.

    A block of known tokens has a hash of its parent's key and its tokens, as in vLLM; one with
    unique tokens is identified by its request and position.

    Args:
        workload: whose prompts and outputs the blocks hold.
        block_size: tokens of a block.
    """

    def __init__(self, workload: Workload, block_size: int) -> None:
        self._workload = workload
        self._block_size = block_size
        self._chains: dict[int, list[Key]] = {}  # by request, one key a full block

    def of(self, request: Request, blocks: int) -> list[Key]:
        """Return the keys of at least a request's first `blocks` blocks; do not change the list."""
        chain = self._chains.setdefault(request.index, [])
        if len(chain) < blocks:
            self._hash(chain, request, blocks)
            own = request.index << BLOCK_BITS
            chain += range(own + len(chain), own + blocks)
        return chain

    def forget(self, request: Request) -> None:
        """Drop the keys of a finished request; its blocks keep theirs."""
        self._chains.pop(request.index, None)

    def _hash(self, chain: list[Key], request: Request, blocks: int) -> None:
        """Append the keys of blocks whose tokens are known."""
        size, outputs_known = self._block_size, self._workload.sampled is not None
        contents = self._workload.contents
        end = blocks if outputs_known else min(blocks, request.prompt // size)
        if contents is None or len(chain) >= end:
            return
        tokens = self._with_outputs(contents(request.index), end * size)
        parent = chain[-1] if chain else ROOT
        assert isinstance(parent, bytes)  # known text never follows text of one's own
        for number in range(len(chain), end):
            content = parent + tokens[number * size : (number + 1) * size].tobytes()
            parent = blake2b(content, digest_size=DIGEST_BYTES).digest()
            chain.append(parent)

    def _with_outputs(self, prompt: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        tokens = np.full(max(length, len(prompt)), self._workload.sampled or 0, dtype=np.int64)
        tokens[: len(prompt)] = prompt
        return tokens
