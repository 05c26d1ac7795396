"""Decoders with layer norms and two-matrix MLPs: GPT-2, GPT-J, OPT, Falcon, Phi; and Cohere."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.blocks import (
    Heads,
    attention,
    finish,
    gated_mlp,
    head_counts,
    norms,
    plain_heads,
    plain_mlp,
)
from kvviz.catalog.models.fields import Config

GPT_NAMES = {
    "hidden_size": ("n_embd",),
    "num_hidden_layers": ("n_layer",),
    "num_attention_heads": ("n_head",),
    "max_position_embeddings": ("n_positions",),
    "intermediate_size": ("n_inner",),
}
FALCON_NAMES = {
    "num_hidden_layers": ("n_layer",),
    "num_attention_heads": ("n_head",),
    "num_kv_heads": ("n_head_kv",),
}
OPT_NAMES = {"intermediate_size": ("ffn_dim",)}


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


def opt(config: Config) -> Draft:
    """OPT: learned positions with two spare rows, biases everywhere, tied head."""
    draft = begin(config, tied=True)
    if config.whole_or("word_embed_proj_dim", draft.hidden) != draft.hidden:
        found = config.whole("word_embed_proj_dim")
        raise config.wrong("word_embed_proj_dim", found, f"hidden_size {draft.hidden:,}")
    draft.weights.vector("embedding", None, (draft.context + 2) * draft.hidden)
    heads = Heads(*plain_heads(config), bias=True, out_bias=True)
    width = config.whole("intermediate_size")
    for layer in range(draft.depth):
        attention(draft, heads)
        plain_mlp(draft, layer, width, bias=True)
        norms(draft, layer, 2, bias=True)
    return finish(draft, norm_bias=True)


def falcon(config: Config) -> Draft:
    """Falcon: one KV head under ``multi_query``, whatever ``num_kv_heads`` says."""
    draft = begin(config, tied=True, context=2048)
    bias = config.flag("bias", False)
    heads = _falcon_heads(config, bias)
    width = config.whole_or("ffn_hidden_size", 4 * draft.hidden)
    for layer in range(draft.depth):
        attention(draft, heads, module="self_attention")
        plain_mlp(draft, layer, width, bias=bias)
        norms(draft, layer, _falcon_norms(config), bias=True)
    return finish(draft, norm_bias=True)


def _new_decoder(config: Config) -> bool:
    """Tell Falcon-40B's architecture, which its first ``model_type`` implies, from Falcon-7B's."""
    return config.flag("new_decoder_architecture", config.text("model_type") == "RefinedWeb")


def _falcon_heads(config: Config, bias: bool) -> Heads:
    """Return Falcon's heads: the new architecture's KV heads, one, or all of them."""
    query, _, dim = plain_heads(config)
    kv = query
    if _new_decoder(config):
        kv = config.whole_or("num_kv_heads", query)
        config.divides("num_kv_heads", kv, "num_attention_heads", query)
    elif config.flag("multi_query", True):
        kv = 1
        config.note("multi_query: one KV head, whatever num_kv_heads says")
    return Heads(query, kv, dim, bias, bias)


def _falcon_norms(config: Config) -> int:
    """Return the norms of a layer: one where attention and MLP share theirs."""
    if _new_decoder(config):
        return config.whole_or("num_ln_in_parallel_attn", 2)
    return 1 if config.flag("parallel_attn", True) else 2


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


def cohere(config: Config) -> Draft:
    """Command R: attention and a gated MLP side by side behind one norm without bias."""
    draft = begin(config, tied=True, context=8192)
    query, kv, dim = head_counts(config, kv_default=True)
    norm = (query + kv) * dim if config.flag("use_qk_norm", False) else 0
    bias = config.flag("attention_bias", False)
    heads = Heads(query, kv, dim, bias, bias, norm)
    width = config.whole("intermediate_size")
    for layer in range(draft.depth):
        attention(draft, heads)
        gated_mlp(draft, layer, width)
        norms(draft, layer, 1)
    return finish(draft)
