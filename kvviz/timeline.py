"""The record of one run: who holds each page from when to when, and the totals."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


class State(IntEnum):
    """What a page is to its owner."""

    FREE = 0
    WEIGHTS = 1
    RESERVED = 2
    USED = 3
    CACHED = 4  # free, but its content is known and could be hit
    SHARED = 5  # used by several; the owner is one of them


NOBODY = -2  # -1 is the embedding, which precedes layer 0


class Changes(NamedTuple):
    """Runs of pages that change hands, in the order it happens; columns of one length.

    Attributes:
        when: playhead position, in the timeline's unit (uint32).
        page: first page of the run (uint32).
        pages: how many pages the run has (uint32).
        owner: sequence or request, or for weights the layer, -1 being the embedding (signed).
        state: a `State` (uint8).
    """

    when: NDArray[np.uint32]
    page: NDArray[np.uint32]
    pages: NDArray[np.uint32]
    owner: NDArray[np.signedinteger]
    state: NDArray[np.uint8]


class Pages(NamedTuple):
    """Every page at one moment: arrays of shape (pages,)."""

    owner: NDArray[np.signedinteger]
    state: NDArray[np.uint8]


@dataclass(frozen=True)
class Timeline:
    """What happened to every page of an address space, and the totals, over one run.

    Args:
        unit: what `when` counts, such as ``tokens``.
        page_bytes: bytes of a page.
        pages: pages recorded, from address 0; what lies beyond is in the totals alone.
        changes: page by page, sorted by `when`.
        totals: columns of one length, first ``when`` (ascending), then sums in bytes or counts.
    """

    unit: str
    page_bytes: int
    pages: int
    changes: Changes
    totals: dict[str, NDArray[np.float64]]

    def at(self, when: float) -> Pages:
        """Return who holds each page at `when`, changes of that very moment included."""
        owner = np.full(self.pages, NOBODY, dtype=self.changes.owner.dtype)
        state = np.zeros(self.pages, dtype=np.uint8)
        until = np.searchsorted(self.changes.when, when, side="right")
        # Runs become single pages, so that later ones overwrite earlier ones in order.
        whens, page, pages, owners, states = self.changes
        done = _single(
            Changes(whens[:until], page[:until], pages[:until], owners[:until], states[:until])
        )
        owner[done.page] = done.owner
        state[done.page] = done.state
        return Pages(owner, state)

    def row(self, when: float) -> dict[str, float]:
        """Return the totals in force at `when`: the last row not after it, the first before all."""
        rows = self.totals["when"]
        index = max(0, int(np.searchsorted(rows, when, side="right")) - 1)
        return {name: float(column[index]) for name, column in self.totals.items()}

    def changes_frame(self) -> "pd.DataFrame":
        """Return the changes as a DataFrame, one row a run of pages."""
        import pandas as pd  # takes longer to import than the rest of the core together

        frame = pd.DataFrame(self.changes._asdict())
        return frame.assign(state=[State(code).name.lower() for code in frame["state"]])

    def totals_frame(self) -> "pd.DataFrame":
        """Return the totals as a DataFrame indexed by ``when``."""
        import pandas as pd

        return pd.DataFrame(self.totals).set_index("when")


def merged(changes: Changes) -> Changes:
    """Return the same changes with neighbours joined that change at once and alike."""
    when, page, pages, owner, state = changes
    follows = page[1:].astype(np.int64) == page[:-1].astype(np.int64) + pages[:-1]
    for column in (when, owner, state):
        follows &= column[1:] == column[:-1]
    first = np.flatnonzero(np.append(True, ~follows)[: len(when)])
    counts = np.add.reduceat(pages, first) if len(first) else pages
    return Changes(when[first], page[first], counts.astype(np.uint32), owner[first], state[first])


def held_by_group(timeline: Timeline, when: NDArray[np.float64], groups: int) -> NDArray[np.int64]:
    """Return the pages in use at each moment by owner modulo `groups`; shape (groups, moments).

    Pages in use are used or shared; a shared one counts once, with the owner that is recorded.
    """
    single = _single(timeline.changes)
    held = np.isin(single.state, (State.USED, State.SHARED))
    group = np.where(held, single.owner % groups, groups)  # the last one is nobody's
    order = np.lexsort((np.arange(len(group)), single.page))
    first = np.append(True, np.diff(single.page[order].astype(np.int64)) != 0)[: len(order)]
    left = np.empty_like(group)  # the group that a change takes its page from
    left[order] = np.where(first, groups, np.roll(group[order], 1))
    moment = np.searchsorted(when, single.when, side="left")
    change = np.zeros((groups + 1, len(when) + 1), dtype=np.int64)
    np.add.at(change, (group, moment), 1)
    np.add.at(change, (left, moment), -1)
    return np.cumsum(change[:groups, :-1], axis=1)


def _single(changes: Changes) -> Changes:
    """Return the changes page by page."""
    count = changes.pages.astype(np.int64)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    when, page, owner, state = (
        np.repeat(column, count)
        for column in (changes.when, changes.page, changes.owner, changes.state)
    )
    return Changes(when, page + offset, np.ones_like(page), owner, state)
