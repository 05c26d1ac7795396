"""Pages as cells: how many, how large, and in which order they fill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.scene.hbm.raster import raster, site_pages

SITES = [(204, 160), (204, 114), (204, 204), (132, 80), (102, 80)]


def test_h100_has_102_by_80_cells_of_two_pixels():
    assert site_pages(40_779, 5) == [8156, 8156, 8156, 8156, 8155]
    found = raster(8156, 204, 160)
    assert (found.columns, found.rows, found.pages_per_cell, found.cells) == (102, 80, 1, 8156)


@given(st.integers(0, 60_000), st.sampled_from(SITES))
def test_every_page_has_a_cell_and_no_two_cells_share_a_place(pages, site):
    found = raster(pages, *site)
    assert (found.cells - 1) * found.pages_per_cell < max(pages, 1)
    assert found.cells * found.pages_per_cell >= pages
    assert found.cells <= found.columns * found.rows


@given(st.integers(1, 60_000), st.sampled_from(SITES))
def test_a_cell_can_be_seen_and_stands_for_as_few_pages_as_that_allows(pages, site):
    width, height = site
    found = raster(pages, width, height)
    assert width / found.columns >= 1.8
    assert height / found.rows >= 1.8
    if found.pages_per_cell > 1:  # with one page fewer a cell, no grid of such cells has room
        cells = -(-pages // (found.pages_per_cell - 1))
        across, up = int(width / 1.8), int(height / 1.8)
        # Columns follow from the site's shape, which may miss the last row and column.
        assert cells > across * up - across - up


@pytest.mark.parametrize("sites", [1, 4, 5, 8, 12])
@pytest.mark.parametrize("pages", [0, 3, 40_779])
def test_page_p_lies_on_site_p_mod_sites(pages, sites):
    expected = [sum(page % sites == site for page in range(pages)) for site in range(sites)]
    assert site_pages(pages, sites) == expected
    assert sum(expected) == pages
