"""Tokens of a text: a tokenizer's own count, or an estimate that says that it is one."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from kvviz.catalog.models import tokens
from kvviz.catalog.models.tokens import TokenizerError, count_tokens, own_tokenizer, read_tokenizer


@pytest.fixture(scope="module")
def content():
    """Return a tokenizer.json that makes each word a token."""
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "one": 1, "two": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return words.to_str()


def test_a_tokenizer_counts(content):
    found = count_tokens("one two three four", read_tokenizer(content), "tokenizer.json")
    assert (found.tokens, found.kind, found.how) == (4, "computed", "tokenizer.json")
    assert read_tokenizer(content.encode()).to_str() == content


@pytest.mark.parametrize(("text", "expected"), [("", 1), ("abcd", 1), ("abcde", 2), ("ä" * 40, 10)])
def test_without_one_the_count_is_assumed_and_says_how(text, expected):
    found = count_tokens(text, None)
    assert (found.tokens, found.kind) == (expected, "assumed")
    assert found.how == "4 characters per token"


def test_the_owners_tokenizer_is_read_where_the_environment_names_one(
    content, tmp_path, monkeypatch
):
    monkeypatch.delenv(tokens.TOKENIZER_FILE, raising=False)
    assert own_tokenizer() == (None, "")
    path = tmp_path / "llama.json"
    path.write_text(content)
    monkeypatch.setenv(tokens.TOKENIZER_FILE, str(path))
    found, name = own_tokenizer()
    assert (count_tokens("one two", found).tokens, name) == (2, "llama.json")
    monkeypatch.setenv(tokens.TOKENIZER_FILE, str(tmp_path / "none.json"))
    with pytest.raises(TokenizerError, match=r"KVVIZ_TOKENIZER names .*No such file"):
        own_tokenizer()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (b"{", "not a tokenizer.json"),
        (b"\xff\xfe", "not a tokenizer.json"),
        (b'{"model": 3}', "not a tokenizer.json"),
        (b" " * 16_000_001, "larger than 16 MB"),
    ],
)
def test_what_is_no_tokenizer_is_one_sentence(broken, said):
    with pytest.raises(TokenizerError, match=said) as raised:
        read_tokenizer(broken)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(TokenizerError, match="1,000,001 characters"):
        count_tokens("x" * 1_000_001, None)
