"""Multi-head latent attention: DeepSeek V2 to V3.2, and Moonshot's Kimi K2 of the same layout."""

from typing import Final

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.parts.experts import note_prediction_layers, shared_mlp
from kvviz.catalog.models.parts.mlp import finish, norms
from kvviz.catalog.models.parts.vision import COLOURS, sizes, vit_blocks

INDEX_SCALE_EVERY: Final = 128
INDEX_SCALE_BYTES: Final = 4


def deepseek_v2(config: Config) -> Draft:
    """DeepSeek V2: no correction bias for the experts unless ``topk_method`` is noaux_tc."""
    bias = "fp32" if config.text("topk_method") == "noaux_tc" else None
    return _deepseek(config, bias)


def deepseek_v3(config: Config) -> Draft:
    """DeepSeek V3, R1 and Kimi K2: a correction bias for each expert, kept in fp32."""
    return _deepseek(config, "fp32")


def deepseek_v32(config: Config) -> Draft:
    """DeepSeek V3.2: an indexer in every layer picks the tokens that attention reads."""
    return _deepseek(config, "fp32", config.whole("index_head_dim"))


def _deepseek(config: Config, bias_dtype: str | None, index_dim: int = 0) -> Draft:
    """Add layers of latent attention and experts."""
    draft = begin(config)
    for layer in range(draft.depth):
        _latent_attention(draft, index_dim)
        if index_dim:
            _indexer(draft, layer, index_dim)
        shared_mlp(draft, layer, bias_dtype)
        norms(draft, layer, 2)
    note_prediction_layers(config, "num_nextn_predict_layers")
    return finish(draft)


def _latent_attention(draft: Draft, index_dim: int) -> None:
    """Add a layer that caches one latent and one rotary key for all heads.

    The indexer's key, where there is one, is cached in fp8: a byte a value, and an fp32 scale for
    every 128 of them (132 B in all, as vLLM 0.33 keeps it).
    """
    config, layer = draft.config, len(draft.layers)
    index = index_dim + INDEX_SCALE_BYTES * -(-index_dim // INDEX_SCALE_EVERY)
    heads, rope = config.whole("num_attention_heads"), config.whole("qk_rope_head_dim")
    latent, plain = config.whole("kv_lora_rank"), config.whole("qk_nope_head_dim")
    draft.layers.append(Layer("mla", heads, 1, plain + rope, latent + rope, index_bytes=index))
    _queries(draft, layer, heads * (plain + rope))
    weights, value = draft.weights, config.whole("v_head_dim")
    down, up = draft.hidden * (latent + rope), latent * heads * (plain + value)
    weights.matrix("attention", layer, "self_attn.kv_a_proj_with_mqa", down, "none")
    weights.matrix("attention", layer, "self_attn.kv_b_proj", up)
    weights.matrix("attention", layer, "self_attn.o_proj", heads * value * draft.hidden)
    weights.vector("norm", layer, latent)
    if config.flag("attention_bias", False):
        weights.vector("attention", layer, latent + rope)
        weights.vector("attention", layer, draft.hidden, "tp")


def _queries(draft: Draft, layer: int, width: int) -> None:
    """Add the query projection, through a latent of its own where ``q_lora_rank`` is set."""
    config, weights = draft.config, draft.weights
    if not config.has("q_lora_rank"):
        weights.matrix("attention", layer, "self_attn.q_proj", draft.hidden * width)
        return
    rank = config.whole("q_lora_rank")
    weights.matrix("attention", layer, "self_attn.q_a_proj", draft.hidden * rank, "none")
    weights.matrix("attention", layer, "self_attn.q_b_proj", rank * width)
    weights.vector("norm", layer, rank)
    weights.vector("attention", layer, rank * config.flag("attention_bias", False))


def _indexer(draft: Draft, layer: int, dim: int) -> None:
    """Add an indexer, whole on every GPU: its queries, its key with a layer norm, its weights."""
    config, weights = draft.config, draft.weights
    heads, rank = config.whole("index_n_heads"), config.whole("q_lora_rank")
    weights.matrix("indexer", layer, "self_attn.indexer.wq_b", rank * heads * dim, "none")
    weights.matrix("indexer", layer, "self_attn.indexer.wk", draft.hidden * dim, "none")
    module, base = "self_attn.indexer.weights_proj", draft.storage.base
    # The checkpoint leaves the projection to the heads' weights unquantized.
    weights.matrix("indexer", layer, module, draft.hidden * heads, "none", dtype=base)
    weights.vector("norm", layer, 2 * dim, dtype="fp32")


def _moonvit(vision: Config, hidden: int) -> int:
    """Return Kimi-VL's tower: MoonViT, a norm, and two matrices over merged patches."""
    depth, width, inner = sizes(vision)
    rows, columns = vision.whole("init_pos_emb_height"), vision.whole("init_pos_emb_width")
    merged = width * 4
    embed = COLOURS * vision.whole("patch_size") ** 2 * width + width + rows * columns * width
    project = 2 * width + merged * (merged + 1) + merged * hidden + hidden
    return vit_blocks(depth, width, inner) + embed + 2 * width + project


FAMILIES = (
    Family(("deepseek_v2",), deepseek_v2),
    Family(("deepseek_v3", "kimi_k2"), deepseek_v3, towers={"moonvit": _moonvit}),
    Family(("deepseek_v32",), deepseek_v32),
)
