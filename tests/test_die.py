"""The dies' contents: on the dies, beside each other, for every GPU."""

from itertools import combinations

import pytest

from kvviz.catalog.gpus import gpus
from kvviz.scene.die import compute_units, die_name, die_plan
from kvviz.scene.floorplan import floorplan

GPUS = [pytest.param(gpu, id=gpu.name) for gpu in gpus()]


def parts(plan):
    return [*plan.banks, *plan.caches, plan.triangle, plan.legend, *plan.meters]


@pytest.mark.parametrize("gpu", GPUS)
def test_nothing_overlaps_and_all_lies_on_a_die(gpu):
    dies = floorplan(gpu).dies
    plan = die_plan(dies)
    for one, other in combinations(parts(plan), 2):
        assert not one.overlaps(other), (one, other)
    for part in parts(plan):
        assert any(
            die.x <= part.x
            and part.right <= die.right
            and die.y <= part.y
            and part.bottom <= die.bottom
            for die in dies
        ), part


@pytest.mark.parametrize("gpu", GPUS)
def test_every_compute_unit_is_drawn_once(gpu):
    plan = die_plan(floorplan(gpu).dies)
    units = compute_units(plan, gpu.sm_count or 0)
    assert len(units) == (gpu.sm_count or 0)
    assert all(min(unit.w, unit.h) >= 2 for unit in units)
    assert not any(one.overlaps(other) for one, other in combinations(units, 2))


def test_a_die_has_its_own_name():
    names = {gpu.name: die_name(gpu) for gpu in gpus()}
    assert names["H100 SXM5 80GB"] == "GH100 die"
    assert names["B200 SXM"] == "GB100 package"
    assert names["GeForce RTX 4090"] == "AD102 die"
