"""A model while its family writes it down: layers and weights, one after the other."""

from dataclasses import dataclass, field

from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer, Split, Tensors
from kvviz.catalog.models.storage import read_storage
from kvviz.catalog.models.stored import Storage

Kind = tuple[str, int | None, Split, bool, str]


class Weights:
    """Weights summed into groups that are stored and split alike."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._sums: dict[Kind, list[int]] = {}

    def matrix(
        self,
        part: str,
        layer: int | None,
        module: str,
        count: int,
        split: Split = "tp",
        share: tuple[int, int] = (1, 1),
        dtype: str | None = None,
    ) -> None:
        """Add a linear matrix.

        Args:
            part: what it is, as in ``Tensors``.
            layer: its layer, None outside of them.
            module: its name inside the layer, which quantization settings may list.
            count: parameters.
            split: how tensor parallel divides it.
            share: experts one token uses, and experts there are.
            dtype: how it is stored where no quantization covers it.
        """
        path = module if layer is None else f"model.layers.{layer}.{module}"
        dtype = dtype or self._storage.dtype(part, path)
        self._add((part, layer, split, layer is not None, dtype), count, share)

    def vector(
        self,
        part: str,
        layer: int | None,
        count: int,
        split: Split = "none",
        dtype: str | None = None,
        share: tuple[int, int] = (1, 1),
    ) -> None:
        """Add what no quantization touches: norms, biases, embeddings, convolutions."""
        self._add((part, layer, split, False, dtype or self._storage.base), count, share)

    def groups(self) -> tuple[Tensors, ...]:
        """Return the groups, in the order in which they were begun."""
        return tuple(
            Tensors(part, layer, count, active, split, linear, dtype)
            for (part, layer, split, linear, dtype), (count, active) in self._sums.items()
        )

    def _add(self, kind: Kind, count: int, share: tuple[int, int]) -> None:
        """Add to a group; nothing when there is nothing, as a bias that is off."""
        if count:
            sums = self._sums.setdefault(kind, [0, 0])
            sums[0] += count
            sums[1] += count * share[0] // share[1]


@dataclass(slots=True)
class Draft:
    """What a family knows of a model, filled layer by layer.

    Args:
        config: the text model's config.
        storage: how the checkpoint stores its weights.
        hidden: width of the residual stream.
        vocab: rows of the embedding.
        depth: number of blocks.
        context: the model's own maximum length in tokens.
        tied: whether the head is the embedding.
        state_dtype: dtype of recurrent state.
        layers: the blocks so far.
        weights: the weights so far.
    """

    config: Config
    storage: Storage
    hidden: int
    vocab: int
    depth: int
    context: int
    tied: bool
    state_dtype: str = "fp32"
    layers: list[Layer] = field(default_factory=list)
    weights: Weights = field(init=False)

    def __post_init__(self) -> None:
        self.weights = Weights(self.storage)


def begin(
    config: Config, *, tied: bool = False, context: int | None = None, vocab: int | None = None
) -> Draft:
    """Read what every model has, and add its embedding.

    Args:
        config: the text model's config.
        tied: the family's default of ``tie_word_embeddings``.
        context: the family's default of ``max_position_embeddings``, None where there is none.
        vocab: the family's default of ``vocab_size``, None where there is none.
    """
    if not config.has("tie_word_embeddings"):
        spelled = "true" if tied else "false"
        config.note(f"tie_word_embeddings is not in the config: {spelled}, the default")
    draft = Draft(
        config=config,
        storage=read_storage(config),
        hidden=config.whole("hidden_size"),
        vocab=_default(config, "vocab_size", vocab),
        depth=config.whole("num_hidden_layers"),
        context=_default(config, "max_position_embeddings", context),
        tied=config.flag("tie_word_embeddings", tied),
    )
    draft.weights.vector("embedding", None, draft.vocab * draft.hidden, "tp")
    return draft


def _default(config: Config, key: str, default: int | None) -> int:
    """Return a required number, or one with a documented default."""
    return config.whole(key) if default is None else config.documented(key, default)
