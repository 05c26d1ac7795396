"""Bytes and their spelling."""

import pytest

from kvviz.units import GB, GiB, KiB, MiB, change, gib, share, size


def test_memory_counts_in_powers_of_two_and_vendors_in_powers_of_ten():
    assert (KiB, MiB, GiB, GB) == (2**10, 2**20, 2**30, 10**9)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1,023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (22_528, "22 KiB"),
        (100 * 1024, "100 KiB"),
        (1000 * 1024, "1,000 KiB"),
        (2**20 - 512, "1,023.5 KiB"),
        (2**20, "1 MiB"),
        (2_883_584, "2.75 MiB"),
        (2**30, "1 GiB"),
        (16_060_522_496, "14.96 GiB"),
        (81_559 * 2**20, "79.65 GiB"),
        (5000 * 2**30, "5,000 GiB"),
        (-3 * 2**20, "-3 MiB"),
    ],
)
def test_size_takes_the_largest_unit_that_leaves_a_whole(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("count", "digits", "text"),
    [
        (16_060_522_496, 2, "14.96 GiB"),
        (187_859_214_336, 2, "174.96 GiB"),
        (32 * 2**30, 2, "32.00 GiB"),
        (32 * 2**30, 0, "32 GiB"),
        (5000 * 2**30, 1, "5,000.0 GiB"),
    ],
)
def test_gib_keeps_its_unit_and_digits(count, digits, text):
    assert gib(count, digits) == text


@pytest.mark.parametrize(
    ("part", "digits", "text"),
    [
        (0, 1, "0.0%"),
        (1, 1, "100.0%"),
        (1, 0, "100%"),
        (0.998, 1, "99.8%"),
        (0.9994, 1, "99.9%"),
        (0.9999, 1, "> 99.9%"),
        (0.9999, 2, "99.99%"),
        (1 - 1e-9, 2, "> 99.99%"),
        (0.996, 0, "> 99%"),
        (0.0004, 1, "< 0.1%"),
        (1e-9, 0, "< 1%"),
        (0.125, 0, "13%"),
        (1.0002, 1, "> 100.0%"),
        (12.5, 0, "1,250%"),
        (1 - 2**-53, 1, "100.0%"),  # a sum of parts that make up the whole
        (1e-17, 1, "0.0%"),
        (-0.998, 1, "-99.8%"),
        (-0.9999, 1, "< -99.9%"),
        (-0.0004, 1, "> -0.1%"),
    ],
)
def test_a_share_is_none_or_all_only_where_it_is(part, digits, text):
    assert share(part, digits) == text.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0, "+0.0%"),
        (0.025, "+2.5%"),
        (0.0001, "< +0.1%"),
        (-0.0001, "> -0.1%"),
        (-0.025, "-2.5%"),
        (1.5, "+150.0%"),
    ],
)
def test_a_difference_bears_its_sign(part, text):
    assert change(part) == text.replace(" ", "\N{NO-BREAK SPACE}")
