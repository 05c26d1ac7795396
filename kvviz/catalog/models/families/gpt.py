"""OpenAI's GPT-2 and EleutherAI's GPT-J: layer norms, biases, one MLP of two matrices."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, plain_heads
from kvviz.catalog.models.parts.mlp import finish, norms, plain_mlp


def gpt2(config: Config) -> Draft:
    """GPT-2: learned positions, biases everywhere, tied head."""
    draft = begin(config, tied=True)
    draft.weights.vector("embedding", None, draft.context * draft.hidden)
    heads = Heads(*plain_heads(config), bias=True, out_bias=True)
    width = config.whole_or("intermediate_size", 4 * draft.hidden)
    for layer in range(draft.depth):
        attention(draft, heads, module="attn")
        plain_mlp(draft, layer, width, bias=True)
        norms(draft, layer, 2, bias=True)
    return finish(draft, norm_bias=True)


def gptj(config: Config) -> Draft:
    """GPT-J: attention and MLP side by side behind one norm, biases on MLP and head."""
    draft = begin(config)
    heads = Heads(*plain_heads(config))
    width = config.whole_or("intermediate_size", 4 * draft.hidden)
    for layer in range(draft.depth):
        attention(draft, heads, module="attn")
        plain_mlp(draft, layer, width, bias=True)
        norms(draft, layer, 1, bias=True)
    return finish(draft, norm_bias=True, head_bias=True)


GPT_KEYS = {
    "hidden_size": ("n_embd",),
    "num_hidden_layers": ("n_layer",),
    "num_attention_heads": ("n_head",),
    "max_position_embeddings": ("n_positions",),
    "intermediate_size": ("n_inner",),
}
FAMILIES = (
    Family(("gpt2",), gpt2, keys=GPT_KEYS, rotary=None),
    Family(("gptj",), gptj, keys=GPT_KEYS),
)
