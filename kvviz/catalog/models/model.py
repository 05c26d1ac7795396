"""A model as memory sees it: what each layer caches, and which tensors it stores."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

AttentionKind = Literal["full", "mla", "sliding", "chunked", "linear", "ssm", "none"]
Recurrence = Literal["", "mamba1", "mamba2", "gdn", "lightning"]
Split = Literal["tp", "kv", "none"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer block as its cache sees it.

    Args:
        attention: how the layer attends; ``none`` for a block without any (an MLP-only block).
        heads: query heads (value heads of a linear layer, SSM heads of an SSM layer).
        kv_heads: heads whose keys and values are cached; 1 for MLA's latent, 0 where no token is.
        head_dim: width of a query head, as in the score product.
        cached_values: numbers one token adds to the cache: K and V, or MLA's latent and rope key.
        index_bytes: bytes one token adds to an indexer's key cache (DeepSeek-V3.2), whatever the
            KV dtype.
        window: tokens held at most by a sliding or a chunked layer, else None.
        state_values: recurrent numbers held per sequence, however long it is.
        conv_values: convolution inputs held per sequence, (kernel - 1) x channels.
        recurrence: how a state is made: mamba1, mamba2, gdn (Gated DeltaNet) or lightning; empty
            where a layer has none.
        conv_groups: groups of a Mamba-2 layer that share B and C.
        conv_group_values: those of `conv_values` that belong to these groups.
    """

    attention: AttentionKind
    heads: int
    kv_heads: int
    head_dim: int
    cached_values: int
    index_bytes: int = 0
    window: int | None = None
    state_values: int = 0
    conv_values: int = 0
    recurrence: Recurrence = ""
    conv_groups: int = 0
    conv_group_values: int = 0


@dataclass(frozen=True, slots=True)
class Tensors:
    """Weight tensors of one layer, or of none, that are stored and split alike.

    Args:
        part: what they are: embedding, attention, linear attention, ssm, indexer, mlp, experts,
            shared experts, router, norm, head.
        layer: index of the layer, None for the embedding, the final norm and the head.
        count: parameters in the unsplit model.
        active: parameters of these that one token's pass uses.
        split: how tensor parallel divides them: ``tp`` evenly, ``kv`` by KV heads (replicated
            beyond one head a GPU), ``none`` replicated.
        linear: whether they are matrices that a weights dtype applies to.
        dtype: how the checkpoint stores them.
    """

    part: str
    layer: int | None
    count: int
    active: int
    split: Split
    linear: bool
    dtype: str


@dataclass(frozen=True, slots=True)
class Model:
    """A language model's facts, exact from its ``config.json``.

    Args:
        name: catalog name, such as ``meta-llama/Llama-3.1-8B``.
        family: the config's ``model_type``.
        dtype: base dtype: of embedding, head, norms, activations and, by default, the KV cache.
        state_dtype: dtype of recurrent state.
        hidden_size: width of the residual stream.
        vocab_size: rows of the embedding.
        max_context: the model's own maximum (``max_position_embeddings``).
        layers: every block, in order.
        tensors: every weight group; their counts add up to the parameters.
        tied: whether the head is the embedding (then ``tensors`` has no head).
        source: where the config comes from.
        notes: what the reader should know (what is not counted, which default was taken).
        rotary_values: numbers in the rotary tables that an engine keeps beside the weights.
        tower_parameters: parameters of the vision tower and projector, not among ``tensors``; None
            where the config has a tower of a kind that is not known.
        cache_dtype: dtype of the KV cache that the checkpoint asks for, empty where it is silent.
    """

    name: str
    family: str
    dtype: str
    state_dtype: str
    hidden_size: int
    vocab_size: int
    max_context: int
    layers: tuple[Layer, ...]
    tensors: tuple[Tensors, ...]
    tied: bool
    source: str = ""
    notes: tuple[str, ...] = ()
    rotary_values: int = 0
    tower_parameters: int | None = 0
    cache_dtype: str = ""

    def __hash__(self) -> int:
        # Models are keys of caches: to go through every tensor would cost more than it tells.
        return hash((self.name, self.source, len(self.layers), len(self.tensors)))

    @property
    def parameters(self) -> int:
        """Parameters stored, every expert included."""
        return sum(group.count for group in self.tensors)

    @property
    def active_parameters(self) -> int:
        """Parameters that one token's pass uses, the embedding included."""
        return sum(group.active for group in self.tensors)

    @property
    def heads(self) -> int:
        """Query heads of the widest attention layer; SSM or linear heads where there is none."""
        attending = list(self.attending_layers()) or list(self.layers)
        return max(layer.heads for layer in attending)

    @property
    def kv_heads(self) -> int:
        """KV heads of the widest attention layer, 0 where no layer caches tokens."""
        return max((layer.kv_heads for layer in self.layers), default=0)

    def attending_layers(self) -> Iterator[Layer]:
        """Yield the layers that compute scores of a query against keys."""
        return (layer for layer in self.layers if layer.attention not in ("linear", "ssm", "none"))
