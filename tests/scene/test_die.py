"""The dies' contents: on the dies, beside each other, for every GPU, on a desktop and a phone."""

from itertools import combinations

import pytest

from kvviz.catalog.gpus.clusters import clusters
from kvviz.catalog.gpus.shipped import find_gpu, gpus
from kvviz.scene.hbm.die import PHONE, die_plan, phone_plan
from kvviz.scene.hbm.die_texts import die_name, tracks
from kvviz.scene.hbm.floorplan import SCENE_HEIGHT, SCENE_WIDTH, floorplan
from kvviz.scene.hbm.units import compute_units

GPUS = [pytest.param(gpu, id=gpu.name) for gpu in gpus()]
PLANS = [pytest.param(plan, id=plan.__name__) for plan in (die_plan, phone_plan)]
SLACK = 1e-6  # px: a phone's plan goes through another scale and back


def parts(plan):
    return [*plan.banks, *plan.caches, plan.triangle, plan.legend, *plan.meters]


def inside(part, die):
    return (
        die.x <= part.x + SLACK
        and part.right <= die.right + SLACK
        and die.y <= part.y + SLACK
        and part.bottom <= die.bottom + SLACK
    )


@pytest.mark.parametrize("layout", PLANS)
@pytest.mark.parametrize("gpu", GPUS)
def test_nothing_overlaps_and_all_lies_on_a_die(gpu, layout):
    dies = floorplan(gpu).dies
    plan = layout(dies)
    for one, other in combinations(parts(plan), 2):
        assert not one.overlaps(other), (one, other)
    for part in parts(plan):
        assert any(inside(part, die) for die in dies), part


@pytest.mark.parametrize("gpu", GPUS)
def test_on_a_phone_the_triangle_is_a_square(gpu):
    side = phone_plan(floorplan(gpu).dies).triangle
    across, down = side.w * PHONE[0] / SCENE_WIDTH, side.h * PHONE[1] / SCENE_HEIGHT
    assert across == pytest.approx(down)
    assert across >= 56


@pytest.mark.parametrize("layout", PLANS)
@pytest.mark.parametrize("gpu", GPUS)
def test_every_compute_unit_is_drawn_once(gpu, layout):
    banks = layout(floorplan(gpu).dies).banks
    units = compute_units(banks, gpu.sm_count or 0, clusters(gpu))
    assert len(units.there) == (gpu.sm_count or 0 if banks else 0)
    cells = [*units.there, *units.missing]
    assert all(min(cell.w, cell.h) > 0.7 for cell in cells)
    assert not any(one.overlaps(other) for one, other in combinations(cells, 2))
    assert not any(one.overlaps(other) for one, other in combinations(units.clusters, 2))
    for cell in cells if units.clusters else ():
        assert sum(inside(cell, box) for box in units.clusters) == 1


@pytest.mark.parametrize("gpu", GPUS)
def test_a_meter_is_longer_than_it_is_high(gpu):
    found = tracks(die_plan(floorplan(gpu).dies))
    assert len(found) == 4
    assert all(track.w >= 2 * track.h for track in found)


def test_eight_chips_leave_room_for_meters_to_be_read():
    assert all(track.w >= 100 for track in tracks(die_plan(floorplan(find_gpu("T4")).dies)))


def test_an_h100_has_six_clusters_of_16_units_and_two_of_18():
    gpu = find_gpu("H100 SXM5 80GB")
    known = clusters(gpu)
    assert (known.name, known.number, known.units) == ("GPCs", 8, 18)
    assert sorted(known.shares(132)) == [16] * 6 + [18] * 2
    found = compute_units(die_plan(floorplan(gpu).dies).banks, 132, known)
    assert (len(found.there), len(found.missing), len(found.clusters)) == (132, 12, 8)


@pytest.mark.parametrize("gpu", GPUS)
def test_clusters_hold_just_the_units_in_use(gpu):
    known = clusters(gpu)
    if known is None:
        return
    shares = known.shares(gpu.sm_count)
    assert len(shares) == known.number
    assert sum(shares) == gpu.sm_count
    assert max(shares) <= known.units
    assert sum(share > 0 for share in shares) == known.active
    assert known.source


def test_a_die_has_its_own_name():
    names = {gpu.name: die_name(gpu) for gpu in gpus()}
    assert names["H100 SXM5 80GB"] == "GH100 die"
    assert names["B200 SXM"] == "GB100 package"
    assert names["GeForce RTX 4090"] == "AD102 die"
