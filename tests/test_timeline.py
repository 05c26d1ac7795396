"""The record of a run: pages at any moment, rows of totals, and both as tables."""

import numpy as np
import pytest

from kvviz.settings.scenario import Scenario
from kvviz.sim.workload.growth import growth
from kvviz.timeline import NOBODY, Changes, State, Timeline


@pytest.fixture
def timeline():
    columns = {
        "when": [0, 0, 3, 3, 7, 9],
        "page": [0, 2, 2, 4, 3, 2],
        "pages": [2, 3, 1, 1, 1, 3],
        "owner": [-1, 5, 5, 6, 7, NOBODY],
        "state": [State.WEIGHTS, State.RESERVED, State.USED, State.USED, State.USED, State.FREE],
    }
    dtypes = (np.uint32, np.uint32, np.uint32, np.int16, np.uint8)
    changes = Changes(*map(np.array, columns.values(), dtypes))
    totals = {"when": np.array([1.0, 4.0, 8.0]), "total": np.array([10.0, 40.0, 80.0])}
    return Timeline("tokens", 1024, 6, changes, totals)


@pytest.mark.parametrize(
    ("when", "owners", "states"),
    [
        (-1, [NOBODY] * 6, "000000"),
        (0, [-1, -1, 5, 5, 5, NOBODY], "112220"),
        (2.9, [-1, -1, 5, 5, 5, NOBODY], "112220"),
        (3, [-1, -1, 5, 5, 6, NOBODY], "113230"),
        (8, [-1, -1, 5, 7, 6, NOBODY], "113330"),
        (9, [-1, -1, NOBODY, NOBODY, NOBODY, NOBODY], "110000"),
        (10**6, [-1, -1, NOBODY, NOBODY, NOBODY, NOBODY], "110000"),
    ],
)
def test_later_changes_overwrite_earlier_ones_up_to_that_very_moment(
    timeline, when, owners, states
):
    now = timeline.at(when)
    assert now.owner.tolist() == owners
    assert "".join(map(str, now.state)) == states


@pytest.mark.parametrize(
    ("when", "total"), [(0, 10), (1, 10), (3.99, 10), (4, 40), (7, 40), (8, 80), (99, 80)]
)
def test_a_row_holds_until_the_next(timeline, when, total):
    assert timeline.row(when)["total"] == total


def test_tables_have_one_row_a_run_of_pages_and_one_a_moment(timeline):
    changes = timeline.changes_frame()
    assert list(changes.columns) == ["when", "page", "pages", "owner", "state"]
    assert changes["state"].tolist() == ["weights", "reserved", "used", "used", "used", "free"]
    assert changes["pages"].sum() == 11
    totals = timeline.totals_frame()
    assert totals.index.name == "when"
    assert totals.loc[4.0, "total"] == 40


def test_columns_of_a_real_run_are_compact_and_of_one_length():
    changes = growth(Scenario(), 2**36).changes
    kinds = [column.dtype.name for column in changes]
    assert kinds == ["uint32", "uint32", "uint32", "int16", "uint8"]
    assert len({len(column) for column in changes}) == 1


def test_a_real_run_has_a_row_for_its_context():
    scenario = Scenario(context=4_099, run_length=100_000, max_model_len=100_000)
    timeline = growth(scenario, 2**36)
    rows = timeline.totals_frame().index
    assert rows.is_monotonic_increasing
    assert rows.is_unique
    assert {1, 4_099, 100_000} <= set(rows)
    assert timeline.row(4_099)["tokens"] == 32 * 4_099
