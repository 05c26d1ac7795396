"""The floorplan of every GPU: right counts, nothing overlapping, lanes that connect."""

import dataclasses
from itertools import combinations

import pytest

from kvviz.catalog.gpus.shipped import find_gpu, gpus
from kvviz.scene.hbm.floorplan import SCENE_HEIGHT, SCENE_WIDTH, Rect, floorplan
from kvviz.scene.hbm.lanes import lanes, ports

every_gpu = pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)

LEFT, RIGHT = 18, 722
ONE_DIE = [(272, 24, 400, 542)]
TWO_DIES = [(272, 24, 400, 264), (272, 302, 400, 264)]
FOUR_DIES = [(x, y, 196, 264) for y in (24, 302) for x in (268, 480)]


def columns(w, h, ys):
    return [(x, y, w, h) for x in (LEFT, RIGHT) for y in ys]


SIX = columns(204, 160, (30, 215, 400))
EIGHT = columns(204, 114, (30, 168, 306, 444))
FOUR = columns(204, 204, (68, 318))
TWELVE_CHIPS = [
    *((x, y, 132, 80) for x in (100, 712) for y in (136, 246, 356)),
    *((x, y, 132, 80) for y in (22, 470) for x in (240, 406, 572)),
]


def numbers(rects):
    return [dataclasses.astuple(rect) for rect in rects]


@pytest.mark.parametrize(
    ("name", "dies", "sites"),
    [
        ("H100 SXM5 80GB", ONE_DIE, SIX),
        ("H200 SXM 141GB", ONE_DIE, SIX),
        ("A100 SXM4 80GB", ONE_DIE, SIX),
        ("B200 SXM", TWO_DIES, EIGHT),
        ("Instinct MI300X", FOUR_DIES, EIGHT),
        ("V100 SXM2 32GB", ONE_DIE, FOUR),
        ("GeForce RTX 4090", [(322, 136, 300, 300)], TWELVE_CHIPS),
    ],
)
def test_the_designed_floorplans(name, dies, sites):
    plan = floorplan(find_gpu(name))
    assert numbers(plan.dies) == dies
    assert numbers(site.rect for site in plan.sites) == sites


@pytest.mark.parametrize("name", ["H100 SXM5 80GB", "A100 SXM4 40GB"])
def test_the_last_of_six_sites_is_inactive(name):
    *used, last = floorplan(find_gpu(name)).sites
    assert all(site.active for site in used)
    assert not last.active
    assert last.label == "inactive site"
    assert (last.rect.x, last.rect.y) == (722, 400)


def test_stacks_are_numbered_down_the_left_column_then_the_right():
    sites = floorplan(find_gpu("H100 SXM5 80GB")).sites
    assert [site.label for site in sites[:5]] == [f"HBM3 stack {number}" for number in range(5)]
    assert [site.side for site in sites] == ["left"] * 3 + ["right"] * 3


@every_gpu
def test_sites_drawn_are_the_gpus(gpu):
    plan = floorplan(gpu)
    assert len(plan.dies) == gpu.dies
    assert len(plan.sites) == gpu.sites
    assert sum(site.active for site in plan.sites) == gpu.active_sites


@every_gpu
def test_nothing_overlaps_and_all_is_inside(gpu):
    plan = floorplan(gpu)
    rects = [*plan.dies, *(site.rect for site in plan.sites)]
    assert not any(one.overlaps(other) for one, other in combinations(rects, 2))
    for rect in rects:
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.right <= SCENE_WIDTH
        assert rect.bottom <= SCENE_HEIGHT


@every_gpu
def test_sites_are_large_enough_to_read(gpu):
    for site in floorplan(gpu).sites:
        assert min(site.rect.w, site.rect.h) >= 44


@every_gpu
def test_labels_stand_clear_of_sites_and_dies(gpu):
    plan = floorplan(gpu)
    rects = [*plan.dies, *(site.rect for site in plan.sites)]
    texts = [text_box(site) for site in plan.sites if site.active]
    assert not any(text.overlaps(rect) for text in texts for rect in rects)
    assert not any(one.overlaps(other) for one, other in combinations(texts, 2))
    assert all(text.y >= 0 and text.bottom <= SCENE_HEIGHT and text.x >= 0 for text in texts)


def text_box(site):
    """Return the room a label of 13 px takes, at 7 px a letter."""
    width = 7 * len(site.label)
    x = site.name_at.x - (width if site.name_at.align == "right" else 0)
    return Rect(x, site.name_at.y - 11, width, 14)


@every_gpu
def test_sites_mirror_each_other(gpu):
    plan = floorplan(gpu)
    if len(plan.sites) == 1:
        pytest.skip("one block beside the die has no mirror image")
    drawn = {dataclasses.astuple(site.rect) for site in plan.sites}
    assert drawn == {(SCENE_WIDTH - x - w, y, w, h) for x, y, w, h in drawn}


@every_gpu
def test_lanes_run_from_their_site_to_a_die(gpu):
    plan = floorplan(gpu)
    for lane in lanes(plan):
        assert on_edge(plan.sites[lane.site].rect, lane.x0, lane.y0)
        assert any(on_edge(die, lane.x1, lane.y1) for die in plan.dies)
        assert lane.x0 == lane.x1 or lane.y0 == lane.y1


def on_edge(rect, x, y):
    inside = rect.x <= x <= rect.right and rect.y <= y <= rect.bottom
    return inside and (x in {rect.x, rect.right} or y in {rect.y, rect.bottom})


@every_gpu
def test_lanes_cross_no_site_and_no_die(gpu):
    plan = floorplan(gpu)
    rects = [*plan.dies, *(site.rect for site in plan.sites)]
    for lane in lanes(plan):
        left, right = sorted((lane.x0, lane.x1))
        top, bottom = sorted((lane.y0, lane.y1))
        path = Rect(left, top, right - left, bottom - top)
        assert not any(path.overlaps(rect) for rect in rects)


@every_gpu
def test_active_sites_have_lanes_by_kind(gpu):
    plan = floorplan(gpu)
    served = [lane.site for lane in lanes(plan)]
    expected = 2 if gpu.site_kind == "chip" else 5 if gpu.name != "Apple M3 Ultra" else 6
    for index, site in enumerate(plan.sites):
        assert served.count(index) == (expected if site.active else 0)


@every_gpu
def test_ports_lie_inside_a_die_apart_from_each_other(gpu):
    plan = floorplan(gpu)
    drawn = ports(plan)
    assert [port.site for port in drawn] == [lane.site for lane in lanes(plan)]
    for port in drawn:
        assert sum(port.rect.overlaps(die) for die in plan.dies) == 1
        assert any(contains(die, port.rect) for die in plan.dies)
    assert not any(a.rect.overlaps(b.rect) for a, b in combinations(drawn, 2))


def contains(outer, inner):
    across = outer.x <= inner.x and inner.right <= outer.right
    return across and outer.y <= inner.y and inner.bottom <= outer.bottom


def test_lanes_and_ports_of_the_first_h100_stack():
    plan = floorplan(find_gpu("H100 SXM5 80GB"))
    first = [lane for lane in lanes(plan) if lane.site == 0]
    assert [lane.y0 for lane in first] == [60, 85, 110, 135, 160]
    assert {(lane.x0, lane.x1) for lane in first} == {(222, 272)}
    assert ports(plan)[0].rect == Rect(276, 52, 7, 16)
    assert ports(plan)[-1].rect.x == 661


def test_an_unknown_number_of_sites_is_an_error_that_names_it():
    odd = dataclasses.replace(find_gpu("H100 SXM5 80GB"), sites=7)
    with pytest.raises(ValueError, match="7 sites"):
        floorplan(odd)
