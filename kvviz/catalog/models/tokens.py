"""How many tokens a text has: counted by a tokenizer's own file, or estimated and said so."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_FILE: Final = "KVVIZ_TOKENIZER"  # environment variable: a tokenizer.json on this machine
CHARACTERS_PER_TOKEN: Final = 4
RULE_OF_THUMB: Final = "OpenAI, What are tokens and how to count them: about 4 characters per token"
MAX_TOKENIZER_BYTES: Final = 16_000_000
MAX_TEXT: Final = 1_000_000  # characters of a text that is counted


class TokenizerError(ValueError):
    """A tokenizer or a text that cannot be used, said in one sentence."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens of a text and how they are known.

    Args:
        tokens: how many, at least 1.
        kind: ``computed`` by a tokenizer, or ``assumed``.
        how: the tokenizer's name, or the rule of thumb.
    """

    tokens: int
    kind: str
    how: str


def count_tokens(text: str, tokenizer: "Tokenizer | None", name: str = "") -> TokenCount:
    """Return the tokens of a text, special tokens of the tokenizer included.

    Raises:
        TokenizerError: the text is longer than is counted.
    """
    if len(text) > MAX_TEXT:
        raise TokenizerError(
            f"The text has {len(text):,} characters, expected at most {MAX_TEXT:,}."
        )
    if tokenizer is None:
        tokens = -(-len(text) // CHARACTERS_PER_TOKEN)
        rule = f"{CHARACTERS_PER_TOKEN} characters per token"
        return TokenCount(max(1, tokens), "assumed", rule)
    return TokenCount(max(1, len(tokenizer.encode(text).ids)), "computed", name)


def read_tokenizer(content: bytes | str) -> "Tokenizer":
    """Return the tokenizer that a ``tokenizer.json`` describes.

    Raises:
        TokenizerError: the package is missing, or the content is too large or no tokenizer.
    """
    if len(content) > MAX_TOKENIZER_BYTES:
        most = MAX_TOKENIZER_BYTES // 10**6
        raise TokenizerError(f"The tokenizer is larger than {most} MB, the limit.")
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise TokenizerError(
            "A tokenizer needs the package tokenizers: pip install 'kvviz[tokenizers]'."
        ) from None
    try:
        raw = content if isinstance(content, bytes) else content.encode()
        return Tokenizer.from_buffer(raw)
    except Exception as error:  # the package raises plain Exceptions for what it cannot read
        raise TokenizerError(f"The file is not a tokenizer.json: {_first_line(error)}.") from None


def own_tokenizer() -> "tuple[Tokenizer | None, str]":
    """Return the tokenizer that this machine's owner has named, and its file's name.

    Raises:
        TokenizerError: a file is named in the environment but cannot be used.
    """
    path = os.environ.get(TOKENIZER_FILE, "")
    return (_read_file(path), Path(path).name) if path else (None, "")


@cache
def _read_file(path: str) -> "Tokenizer":
    try:
        return read_tokenizer(Path(path).read_bytes())
    except OSError as error:
        reason = f"cannot read {path!r}: {error.strerror}"
        raise TokenizerError(f"{TOKENIZER_FILE} names a tokenizer; {reason}.") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].removesuffix(".")[:120]
