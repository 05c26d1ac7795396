"""Microsoft's Phi: 1 and 2 with layer norms and biases, 3 and 4 as Llama."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, head_counts, window_everywhere
from kvviz.catalog.models.parts.mlp import finish, gated_decoder, norms, plain_mlp


def phi(config: Config) -> Draft:
    """Phi 1 and 2: biases everywhere, attention and MLP side by side behind one norm."""
    draft = begin(config)
    query, kv, dim = head_counts(config, kv_default=True)
    norm = 4 * dim if config.flag("qk_layernorm", False) else 0
    heads = Heads(query, kv, dim, bias=True, out_bias=True, norm=norm)
    width = config.whole_or("intermediate_size", 4 * draft.hidden)
    for layer in range(draft.depth):
        attention(draft, heads)
        plain_mlp(draft, layer, width, bias=True)
        norms(draft, layer, 1, bias=True)
    return finish(draft, norm_bias=True, head_bias=True)


def phi3(config: Config) -> Draft:
    """Phi-3 and Phi-4: every layer slides where ``sliding_window`` is set."""
    draft = begin(config)
    heads = Heads(*head_counts(config, kv_default=True))
    return gated_decoder(draft, heads, window_everywhere(draft))


FAMILIES = (Family(("phi",), phi), Family(("phi3",), phi3))
