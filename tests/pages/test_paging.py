"""The Paging page without a browser: where its blocks are drawn, its session and its words."""

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from kvviz.catalog.models.shipped import model_names
from kvviz.memory.comparison import Comparison, compare
from kvviz.memory.tables import free_list, share
from kvviz.pages.paging.cards import counted, metrics, older_report, pool_header, sentence, slot
from kvviz.pages.paging.page import PAGE
from kvviz.pages.paging.session import PagingSession, PagingSettings, join
from kvviz.pages.paging.table import table
from kvviz.scene.paging.layout import HEIGHT, NARROW, WIDE, diagram, grid


def shown(**settings):
    return PAGE.visit([("shown", "true"), *((name, str(v)) for name, v in settings.items())])


# -- where blocks are drawn


@given(st.integers(1, 1_048_576), st.booleans())
def test_a_grid_has_a_place_for_every_block_and_no_empty_row(num_blocks, narrow):
    shape = grid(num_blocks, narrow)
    places = shape.columns * shape.rows * shape.blocks_per_cell
    assert places - shape.columns * shape.blocks_per_cell < num_blocks <= places


def test_the_grid_of_the_usual_pool():
    usual, phone = grid(1024), grid(1024, narrow=True)
    assert (usual.columns, usual.rows, usual.blocks_per_cell) == (128, 8, 1)
    assert (phone.columns, phone.rows, phone.blocks_per_cell) == (32, 32, 1)


@st.composite
def sharings(draw):
    block_size, first = draw(st.integers(1, 32)), draw(st.integers(1, 2000))
    prompt = draw(st.integers(0, first))
    others = draw(st.lists(st.integers(1, 1000), max_size=2))
    free = free_list(draw(st.sampled_from([2001, 4096, 20_000])))
    return share(free, [first, *(prompt + own for own in others)], prompt, block_size)


@given(sharings(), st.sampled_from([WIDE, NARROW]))
def test_no_two_boxes_overlap_and_none_leaves_the_picture(sharing, width):
    drawn = diagram(sharing, width)
    for box in drawn.boxes:
        assert box.x >= 0
        assert box.x + box.w <= width + 0.01
        assert box.y + box.h <= HEIGHT
        assert box.w > 20
    for one, two in combinations(drawn.boxes, 2):
        apart_x = one.x + one.w <= two.x or two.x + two.w <= one.x
        apart_y = one.y + one.h <= two.y or two.y + two.h <= one.y
        assert apart_x or apart_y


@given(sharings(), st.sampled_from([WIDE, NARROW]))
def test_arrows_join_the_boxes_of_one_line_of_a_table(sharing, width):
    drawn = diagram(sharing, width)
    middles = {b.row.physical: b.x + b.w / 2 for b in drawn.boxes if b.physical}
    logical = [box for box in drawn.boxes if not box.physical and not box.hidden]
    assert len(drawn.arrows) == len(logical)
    for arrow, box in zip(drawn.arrows, logical, strict=True):
        assert arrow.row == box.row
        assert arrow.x0 == box.x + box.w / 2
        assert arrow.x1 == middles[box.row.physical]
    for sequence, rows in enumerate(sharing.tables):
        own = [box for box in drawn.boxes if not box.physical and box.row.sequence == sequence]
        assert sum(box.hidden or 1 for box in own) == len(rows)


# -- the session


def test_nothing_is_computed_until_it_is_asked_for():
    session = PagingSession()
    assert session.joined is None
    session.set("block_size", "32")
    assert session.joined is None
    session.set("shown", "true")
    assert session.joined is not None
    assert session.joined.compared == compare(Comparison(block_size=32))


def test_the_three_sequences_of_the_frame():
    joined = join(PagingSettings())
    assert joined.lengths == (128, 96, 80)
    assert joined.prompt == 64
    assert (len(joined.sharing.rows), len(joined.sharing.references)) == (19, 11)


def test_what_is_wrong_leaves_the_last_results():
    session = shown()
    before = session.joined
    session.set("num_blocks", "7")
    assert session.problem == (
        "num_blocks 7 is too small a pool: 1 x 128 tokens need 8 blocks of 16; "
        "expected at least that many."
    )
    assert session.joined is before
    session.set("block_size", "0")
    assert session.problem == "block_size: got '0', expected a whole number from 1 to 4,096."
    session.set("colour", "red")
    assert session.problem == "'colour' is not a setting."
    session.set("num_blocks", "1024")
    assert session.problem == ""


def test_b_waits_where_the_pool_is_too_small_and_then_c_does():
    session = shown(num_blocks=9)
    assert len(session.joined.sharing.tables) == 1
    assert "B waits: 1 block short" in pool_header(session.joined)
    assert "B and C must wait" in table(session.joined)
    assert "C waits: 1 block short" in pool_header(shown(num_blocks=10).joined)
    assert "pool is full" in pool_header(shown(num_blocks=11).joined)


def test_a_model_whose_layers_forget_shows_one_sequence():
    session = shown(model="mistralai/Mistral-7B-v0.1", sequence_length=8192, max_model_len=16_384)
    assert session.joined.lengths == (4096,)
    assert "every layer keeps only the last 4,096 tokens" in slot(
        session.settings, session.joined.compared
    )


@pytest.mark.parametrize("name", model_names())
def test_every_model_of_the_catalog_is_shown(name):
    session = shown(model=name)
    assert session.problem == ""
    found = session.joined.compared
    assert f"{found.traditional_memory_mb:,.2f}" in metrics(found)
    assert "per token = " in slot(session.settings, found)


def test_a_link_carries_the_state_and_names_what_is_not_valid():
    session = shown(sequence_length=100, shared=0.25, model="llama 3.1 8b")
    assert session.settings.model == "meta-llama/Llama-3.1-8B"
    again = PAGE.visit(PAGE.query(session).items())
    assert again.settings.param.values().items() >= {("sequence_length", 100), ("shared", 0.25)}
    assert again.joined == session.joined
    broken = PAGE.visit([("theme", "blue"), ("batch", "2"), ("block_size", "x"), ("model", "no")])
    for said in ("theme in the link", "'batch' in the link", "block_size in the link", "'no'"):
        assert said in broken.problem
    assert PAGE.query(PagingSession()) == {}


# -- the text


def test_a_text_sets_the_length_and_says_that_it_is_an_estimate():
    session = shown()
    session.write("x" * 400)
    assert session.settings.sequence_length == 100
    assert "About" in counted(session)
    assert "estimated: 4 characters per token assumed" in counted(session)
    assert 'title="assumed: OpenAI, ' in counted(session)
    session.set("sequence_length", "128")
    assert (session.text, session.count) == ("", None)
    session.write("y" * 20_000)
    assert session.problem.startswith("sequence_length 5,000 is longer than max_model_len 2,048")


def test_a_dropped_tokenizer_counts_the_text_again():
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    session = shown()
    session.write("one two three four five")
    assert session.settings.sequence_length == 6
    session.take_tokenizer(words.to_str().encode())
    assert session.settings.sequence_length == 5
    assert "counted by" in counted(session)
    session.take_tokenizer(b"{")
    assert "not a tokenizer.json" in session.problem


# -- the words


def test_the_cards_say_the_worked_figures():
    text = re.sub(r"<[^>]+>", " ", metrics(compare(Comparison())))
    figures = re.findall(r"([\d.,]+) +(MiB|%)", text)
    assert [f"{figure} {unit}" for figure, unit in figures if unit == "MiB"] == [
        "44.00 MiB", "2.75 MiB", "41.25 MiB"]  # fmt: skip
    assert "0.78  %" in text or "0.78 %" in text
    assert "93.75% less" in text
    assert "8 of 1,024 blocks" in text


def test_the_comparison_in_one_sentence():
    assert sentence(compare(Comparison())) == (
        "Reserving 2,048 tokens takes 44.00 MiB, 8 blocks for 128 tokens take 2.75 MiB: "
        "93.75% less."
    )


def test_the_older_reports_figures_are_explained():
    assert "22.00 MB and 87.5%" in older_report()
    assert "max_model_len 1,024" in older_report()


def test_a_copied_block_is_in_the_picture():
    joined = shown(shared=0.5625).joined
    drawn = {box.row.physical for box in diagram(joined.sharing).boxes if box.physical}
    for copy in joined.sharing.copies:
        assert {copy.source, copy.target} <= drawn
    assert "copy on write: 2 blocks copied" in table(joined)
