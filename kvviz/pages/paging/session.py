"""One visitor's state on the Paging page: the settings, the text, and what follows from them."""

from dataclasses import dataclass
from typing import Any, Final

import param

from kvviz.catalog.models.tokens import (
    TokenCount,
    TokenizerError,
    count_tokens,
    own_tokenizer,
    read_tokenizer,
)
from kvviz.catalog.names import UnknownName
from kvviz.memory.comparison import Compared, Comparison, block_bytes, compare, held_tokens
from kvviz.memory.tables import Sharing, free_list, share
from kvviz.pages.kit.session import PageSession
from kvviz.settings.knobs import KnobError, cut, read
from kvviz.settings.scenario import ScenarioError, knobs

NAMES: Final = "ABC"  # of the sequences
OWN_SHARES: Final = (4, 8)  # B goes on for a quarter as many tokens as A has, C for an eighth
DROPPED: Final = "the file dropped here"


class PagingSettings(Comparison):
    """The comparison, and two more sequences that may begin as the first does."""

    batch: int = param.Integer(1, bounds=(1, 1), precedence=-1)  # the page compares one sequence
    sequences: int = param.Integer(
        3, bounds=(1, 3), label="Sequences", doc="sequences in the block table"
    )
    shared: float = param.Number(
        0.5,
        bounds=(0, 1),
        label="Shared prompt",
        doc="fraction of sequence A that B and C also start with, 0 to 1",
    )
    shown: bool = param.Boolean(False, label="Shown", doc="whether the comparison is open")


@dataclass(frozen=True, slots=True)
class Joined:
    """What one sequence takes either way, and how up to three share the pool.

    Args:
        compared: sequence A alone.
        sharing: the sequences that found room.
        lengths: tokens of each sequence, those that wait included.
        prompt: tokens that all begin with.
        block_bytes: bytes of a block, in the layers that hold the most tokens.
    """

    compared: Compared
    sharing: Sharing
    lengths: tuple[int, ...]
    prompt: int
    block_bytes: int


class PagingSession(PageSession):
    """The settings with their results, recomputed once per change while they are shown.

    Settings that contradict each other leave the last good results in place and say why in
    `problem`.
    """

    settings: PagingSettings = param.ClassSelector(class_=PagingSettings, constant=True)
    joined: Joined | None = param.ClassSelector(class_=Joined, doc="None until it is asked for")
    count: TokenCount | None = param.ClassSelector(class_=TokenCount, doc="of the text, if any")
    text: str = param.String("", doc="typed or pasted; it sets the sequence's length")

    def __init__(self, **params: Any) -> None:
        params.setdefault("settings", PagingSettings())
        super().__init__(**params)
        self.settings.param.watch(self._recompute, list(knobs(PagingSettings)))
        self._tokenizer, self._tokenizer_name = None, ""
        problem = self.problem
        try:
            self._tokenizer, self._tokenizer_name = own_tokenizer()
        except TokenizerError as error:
            problem = problem or str(error)
        self._recompute()
        self.problem = problem or self.problem

    @property
    def tokenizer_name(self) -> str:
        """The tokenizer that counts, empty where tokens are estimated."""
        return self._tokenizer_name

    def set(self, name: str, value: Any) -> None:
        """Change a setting as an input asks; an invalid value becomes a `problem`."""
        if name not in knobs(PagingSettings):
            self.problem = f"{cut(name)} is not a setting."
            return
        try:
            changes = {name: read(name, value, PagingSettings)}
        except KnobError as error:
            self.problem = f"{name}: {error}."
            return
        if name == "sequence_length":
            self.param.update(text="", count=None)
        self.settings.param.update(**changes)

    def write(self, text: str) -> None:
        """Take a text as sequence A; without one the length stays as it is."""
        try:
            count = count_tokens(text, self._tokenizer, self._tokenizer_name) if text else None
        except TokenizerError as error:
            self.problem = str(error)
            return
        self.param.update(text=text, count=count)
        if count:
            self.settings.sequence_length = count.tokens

    def take_tokenizer(self, content: bytes) -> None:
        """Count with a ``tokenizer.json`` of the visitor's own; a bad one is a `problem`."""
        try:
            self._tokenizer, self._tokenizer_name = read_tokenizer(content), DROPPED
        except TokenizerError as error:
            self.problem = str(error)
            return
        self.problem = ""
        self.write(self.text)

    def _recompute(self, *_events: Any) -> None:
        if not self.settings.shown:
            return
        try:
            joined = join(self.settings)
        except (ScenarioError, UnknownName) as error:
            self.problem = f"{str(error).removesuffix('.')}."
            return
        self.param.update(joined=joined, problem="")


def join(settings: PagingSettings) -> Joined:
    """Return sequence A both ways, and the block tables once B and C have joined.

    Raises:
        ScenarioError: A is longer than max_model_len, or the pool is too small for it.
        UnknownName: no catalog has the model.
    """
    compared = compare(settings)
    held = held_tokens(settings)
    whole = held == settings.sequence_length  # else what could be shared is partly forgotten
    prompt = int(settings.shared * held)
    others = [prompt + max(1, held // part) for part in OWN_SHARES]
    lengths = (held, *others[: settings.sequences - 1 if whole else 0])
    sharing = share(free_list(settings.num_blocks), lengths, prompt, settings.block_size)
    return Joined(compared, sharing, lengths, prompt, block_bytes(settings))
