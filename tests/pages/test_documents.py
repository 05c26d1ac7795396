"""What a new visitor gets of each page: whole, valid, and not more than it has to be."""

import pytest
from bokeh.core.json_encoder import serialize_json
from bokeh.core.validation.check import check_integrity
from bokeh.document import Document
from bokeh.models import InlineStyleSheet
from panel.io.state import set_curdoc

from kvviz.pages import opened, pages

BYTES = {  # of a document at most
    "hbm": 260_000,
    "paging": 100_000,
    "kernels": 450_000,
    "serving": 450_000,
    "explore": 500_000,
    "accuracy": 400_000,
}


@pytest.fixture(scope="module", params=pages())
def given(request):
    """The name of a page, and its document on a plain visit."""
    document = Document()
    with set_curdoc(document):
        opened(request.param).server_doc(document)
    return request.param, document


def test_a_document_is_whole(given):
    name, document = given
    for root in document.roots:
        issues = check_integrity(root.references())
        assert (name, issues.error, issues.warning) == (name, [], [])


def test_a_style_sheet_is_there_once(given):
    name, document = given
    sheets = [sheet.css for sheet in document.select({"type": InlineStyleSheet})]
    assert len(sheets) == len(set(sheets)), name


def test_a_document_is_small(given):
    name, document = given
    assert len(serialize_json(document.to_json())) < BYTES[name]
