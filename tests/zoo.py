"""A tiny random model of every architecture, and where a reader of its code finds its parts.

The places are written down by hand, so that the tests can compute from the plain Hugging Face model,
with hooks of their own, what the package finds by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn.functional import gelu, relu, silu
from transformers import AutoModelForCausalLM

VOCABULARY = 400
SIZE = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
    "num_attention_heads": 4, "max_position_embeddings": 256,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
GROUPED = {**SIZE, "num_key_value_heads": 2}
OWN = {**GROUPED, "head_dim": 8}
FOUR = {**OWN, "num_hidden_layers": 4}
WINDOW = {"sliding_window": 4}
OLD = {"vocab_size": VOCABULARY, "n_positions": 256, "n_embd": 32, "n_layer": 3, "n_head": 4,
       "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
FALCON = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 3, "ffn_hidden_size": 48,
          "num_attention_heads": 4, "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
LINEAR = {"linear_key_head_dim": 8, "linear_value_head_dim": 8,
          "linear_num_key_heads": 2, "linear_num_value_heads": 4}  # fmt: skip
OF_FOUR = {"num_experts": 4, "num_experts_per_tok": 2}
LOCAL = {"num_local_experts": 4, "num_experts_per_tok": 2}
SMALL = {"moe_intermediate_size": 24}
ROUTED = {**SMALL, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1,
          "first_k_dense_replace": 1, "n_group": 1, "topk_group": 1}  # fmt: skip
LATENT = {"kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8}
MAMBA2 = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_d_state": 8,
          "mamba_expand": 2, "mamba_chunk_size": 8}  # fmt: skip


def tanh_gelu(x: Tensor) -> Tensor:
    return gelu(x, approximate="tanh")


def relu2(x: Tensor) -> Tensor:
    return relu(x).square()


def first(x: Tensor) -> Tensor:
    return x.chunk(2, dim=-1)[0]


@dataclass(frozen=True)
class Gated:
    """A feed-forward network: the module whose output holds z, sigma, the down projection."""

    gate: str = "mlp.gate_proj"
    sigma: Callable[[Tensor], Tensor] | str = silu
    down: str = "mlp.down_proj"
    cut: Callable[[Tensor], Tensor] = lambda x: x


#: Queries and keys of a weight [d_model, out]: [head, d_model, d_head] each.
Split = Callable[[Tensor, int, int], tuple[Tensor, Tensor]]


def heads(weight: Tensor, n: int) -> Tensor:
    return weight.unflatten(1, (n, -1)).movedim(1, 0)


def in_a_row(weight: Tensor, n: int, n_key: int) -> tuple[Tensor, Tensor]:
    """All queries, then all keys, then all values."""
    d = weight.shape[1] // (n + 2 * n_key)
    query, key, _ = weight.split([n * d, n_key * d, n_key * d], dim=1)
    return heads(query, n), heads(key, n_key)


def by_group(weight: Tensor, n: int, n_key: int) -> tuple[Tensor, Tensor]:
    """The queries of a key head, the key, the value, and so on."""
    groups = weight.unflatten(1, (n_key, n // n_key + 2, -1))
    return groups[:, :, :-2].flatten(1, 2).movedim(1, 0), groups[:, :, -2].movedim(1, 0)


def by_quarter(weight: Tensor, n: int, n_key: int) -> tuple[Tensor, Tensor]:
    """Four times: queries, values, keys of a quarter of the heads (CodeGen)."""
    quarters = weight.unflatten(1, (4, 3, -1))
    return heads(quarters[:, :, 0].flatten(1), n), heads(quarters[:, :, 2].flatten(1), n_key)


def halved(weight: Tensor, n: int) -> Tensor:
    """Each head's queries are followed by a gate of the head's output."""
    return weight.unflatten(1, (n, 2, -1))[:, :, 0].movedim(1, 0)


@dataclass(frozen=True)
class Pairs:
    """Queries and keys: two modules, or one and how it is split; the norm before and its gain."""

    query: str = "self_attn.q_proj"
    key: str = "self_attn.k_proj"
    norm: str = "input_layernorm"
    gain: str = "weight"
    split: Split | None = None
    cut: Callable[[Tensor, int], Tensor] = heads


FUSED = partial(Pairs, key="")


@dataclass(frozen=True)
class Kind:
    """An architecture. ``pairs`` is a sentence's part where the word-pair method is refused."""

    family: str
    config: Callable[[], Any]
    dense: tuple[Gated, ...] = (Gated(),)
    shared: tuple[Gated, ...] = ()
    pairs: Pairs | str = field(default_factory=Pairs)


def of(name: str, **sizes: Any) -> Callable[[], Any]:
    return lambda: getattr(transformers, f"{name}Config")(**sizes)


POST = "has no norm before its attention"
MLA = "makes its queries and keys by more than one matrix"
NONE = "it has no attention"
PLUS = Pairs(gain="plus")
GPT = Gated("mlp.c_fc", tanh_gelu, "mlp.c_proj")
FC = Gated("mlp.fc1", tanh_gelu, "mlp.fc2")
FC_HERE = Gated("fc1", relu, "fc2")
UP = Gated("mlp.up_proj", relu2)
GEMMA = Gated(sigma=tanh_gelu)
BOTH = Gated("mlp.gate_up_proj", cut=first)
SHARED = Gated("mlp.shared_experts.gate_proj", silu, "mlp.shared_experts.down_proj")
ONE_SHARED = Gated("mlp.shared_expert.gate_proj", silu, "mlp.shared_expert.down_proj")
SHARED_MLP = Gated("shared_mlp.input_linear", silu, "shared_mlp.output_linear", first)
FORWARD = Gated("feed_forward.gate_proj", silu, "feed_forward.down_proj")
LFM = Gated("feed_forward.w1", silu, "feed_forward.w2")
QUERY_GATE = Pairs(gain="plus", cut=halved)

ZOO = {
    "gpt2": Kind("GPT-2", of("GPT2", **OLD), (GPT,),
                 pairs=FUSED("attn.c_attn", norm="ln_1", split=in_a_row)),
    "gpt_neo": Kind("GPT-Neo", of("GPTNeo", vocab_size=VOCABULARY, max_position_embeddings=256,
                    hidden_size=32, num_layers=2, num_heads=4, window_size=4, bos_token_id=1,
                    eos_token_id=2, attention_types=[[["global", "local"], 1]]), (GPT,),
                    pairs=Pairs("attn.attention.q_proj", "attn.attention.k_proj", "ln_1")),
    "gptj": Kind("GPT-J", of("GPTJ", **OLD, rotary_dim=4), (Gated("mlp.fc_in", tanh_gelu, "mlp.fc_out"),),
                 pairs=Pairs("attn.q_proj", "attn.k_proj", "ln_1")),
    "gpt_neox": Kind("GPT-NeoX", of("GPTNeoX", **SIZE),
                     (Gated("mlp.dense_h_to_4h", gelu, "mlp.dense_4h_to_h"),),
                     pairs=FUSED("attention.query_key_value", split=by_group)),
    "gpt_bigcode": Kind("GPT-BigCode", of("GPTBigCode", **OLD), (GPT,),
                        pairs=FUSED("attn.c_attn", norm="ln_1", split=in_a_row)),
    "codegen": Kind("CodeGen", of("CodeGen", **OLD, rotary_dim=4),
                    (Gated("mlp.fc_in", tanh_gelu, "mlp.fc_out"),),
                    pairs=FUSED("attn.qkv_proj", norm="ln_1", split=by_quarter)),
    "openai_gpt": Kind("GPT", of("OpenAIGPT", **{k: v for k, v in OLD.items() if "_id" not in k}),
                       (GPT,), pairs=POST),
    "opt": Kind("OPT", of("OPT", vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=3, ffn_dim=48,
                num_attention_heads=4, max_position_embeddings=256, word_embed_proj_dim=32), (FC_HERE,),
                pairs=Pairs(norm="self_attn_layer_norm")),
    "opt_post": Kind("OPT", of("OPT", vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=3,
                     ffn_dim=48, num_attention_heads=4, max_position_embeddings=256, word_embed_proj_dim=16,
                     do_layer_norm_before=False), (FC_HERE,), pairs=POST),
    "bloom": Kind("BLOOM", of("Bloom", vocab_size=VOCABULARY, hidden_size=32, n_layer=3, n_head=4),
                  (Gated("mlp.dense_h_to_4h", tanh_gelu, "mlp.dense_4h_to_h"),),
                  pairs=FUSED("self_attention.query_key_value", split=by_group)),
    "mpt": Kind("MPT", of("Mpt", vocab_size=VOCABULARY, d_model=32, n_layers=3, n_heads=4, max_seq_len=256,
                expansion_ratio=2), (Gated("ffn.up_proj", gelu, "ffn.down_proj"),),
                pairs=FUSED("attn.Wqkv", norm="norm_1", split=in_a_row)),
    "falcon": Kind("Falcon", of("Falcon", **FALCON),
                   (Gated("mlp.dense_h_to_4h", gelu, "mlp.dense_4h_to_h"),),
                   pairs=FUSED("self_attention.query_key_value", split=lambda w, n, _: in_a_row(w, n, 1))),
    "falcon_alibi": Kind("Falcon", of("Falcon", **FALCON, alibi=True, parallel_attn=False, bias=True,
                         multi_query=False), (Gated("mlp.dense_h_to_4h", gelu, "mlp.dense_4h_to_h"),),
                         pairs=FUSED("self_attention.query_key_value",
                                     split=lambda w, n, _: by_group(w, n, n))),
    "falcon_new": Kind("Falcon", of("Falcon", **FALCON, num_kv_heads=2, new_decoder_architecture=True),
                       (Gated("mlp.dense_h_to_4h", gelu, "mlp.dense_4h_to_h"),),
                       pairs=FUSED("self_attention.query_key_value", norm="ln_attn",
                                   split=lambda w, n, _: by_group(w, n, 2))),
    "llama": Kind("Llama", of("Llama", **GROUPED, mlp_bias=True, attention_bias=True)),
    "llama_relu": Kind("Llama", of("Llama", **GROUPED, hidden_act="relu", tie_word_embeddings=True),
                       (Gated(sigma=relu),)),
    "mistral": Kind("Mistral", of("Mistral", **GROUPED, **WINDOW)),
    "ministral": Kind("Ministral", of("Ministral", **OWN, **WINDOW)),
    "qwen2": Kind("Qwen2", of("Qwen2", **GROUPED)),
    "qwen2_window": Kind("Qwen2", of("Qwen2", **GROUPED, **WINDOW, use_sliding_window=True,
                         max_window_layers=1)),
    "qwen3": Kind("Qwen3", of("Qwen3", **OWN)),
    "gemma": Kind("Gemma", of("Gemma", **OWN), (GEMMA,), pairs=PLUS),
    "gemma2": Kind("Gemma 2", of("Gemma2", **OWN, **WINDOW), (GEMMA,), pairs=PLUS),
    "gemma3": Kind("Gemma 3", of("Gemma3Text", **OWN, **WINDOW, layer_types=[
        "sliding_attention", "full_attention", "sliding_attention"]), (GEMMA,), pairs=PLUS),
    "gemma4": Kind("Gemma 4", of("Gemma4Text", **OWN, **WINDOW), (GEMMA,)),
    "vaultgemma": Kind("VaultGemma", of("VaultGemma", **OWN, **WINDOW), (GEMMA,), pairs=PLUS),
    "phi": Kind("Phi", of("Phi", **SIZE), (FC,)),
    "phi3": Kind("Phi-3", of("Phi3", **GROUPED), (Gated("mlp.gate_up_proj", cut=first),),
                 pairs=FUSED("self_attn.qkv_proj", split=in_a_row)),
    "stablelm": Kind("StableLM", of("StableLm", **GROUPED)),
    "stablelm_parallel": Kind("StableLM", of("StableLm", **GROUPED, use_parallel_residual=True)),
    "cohere": Kind("Cohere", of("Cohere", **GROUPED)),
    "cohere2": Kind("Cohere 2", of("Cohere2", **GROUPED, **WINDOW)),
    "olmo": Kind("OLMo", of("Olmo", **GROUPED), pairs=Pairs(gain="ones")),
    "olmo2": Kind("OLMo 2", of("Olmo2", **GROUPED), pairs=POST),
    "olmo3": Kind("OLMo 3", of("Olmo3", **GROUPED, **WINDOW), pairs=POST),
    "exaone4": Kind("EXAONE 4", of("Exaone4", **GROUPED, **WINDOW), pairs=POST),
    "granite": Kind("Granite", of("Granite", **GROUPED, embedding_multiplier=12.0,
                    residual_multiplier=0.22, attention_multiplier=0.1, logits_scaling=8.0)),
    "starcoder2": Kind("StarCoder2", of("Starcoder2", **GROUPED), (GPT,)),
    "nemotron": Kind("Nemotron", of("Nemotron", **GROUPED), (UP,), pairs=PLUS),
    "smollm3": Kind("SmolLM3", of("SmolLM3", **GROUPED)),
    "glm": Kind("GLM", of("Glm", **OWN), (BOTH,)),
    "glm4": Kind("GLM-4", of("Glm4", **OWN), (BOTH,)),
    "ernie4_5": Kind("ERNIE 4.5", of("Ernie4_5", **OWN)),
    "arcee": Kind("Arcee", of("Arcee", **GROUPED), (UP,)),
    "apertus": Kind("Apertus", of("Apertus", **GROUPED), (Gated("mlp.up_proj", "mlp.act_fn"),),
                    pairs=Pairs(norm="attention_layernorm")),
    "seed_oss": Kind("Seed-OSS", of("SeedOss", **OWN)),
    "hunyuan": Kind("HunYuan", of("HunYuanDenseV1", **OWN)),
    "xglm": Kind("XGLM", of("XGLM", vocab_size=VOCABULARY, d_model=32, num_layers=3, attention_heads=4,
                 ffn_dim=48, max_position_embeddings=256), (Gated("fc1", gelu, "fc2"),),
                 pairs=Pairs(norm="self_attn_layer_norm")),
    "persimmon": Kind("Persimmon", of("Persimmon", **SIZE),
                      (Gated("mlp.dense_h_to_4h", relu2, "mlp.dense_4h_to_h"),),
                      pairs=FUSED("self_attn.query_key_value", split=by_group)),
    "bitnet": Kind("BitNet", of("BitNet", **GROUPED), (Gated(sigma=relu2),)),
    "bert": Kind("BERT (decoder)", of("Bert", **SIZE, is_decoder=True),
                 (Gated("intermediate.dense", gelu, "output.dense"),), pairs=POST),
    "modernbert": Kind("ModernBERT (decoder)", of("ModernBertDecoder", **SIZE, local_attention=4),
                       (Gated("mlp.Wi", gelu, "mlp.Wo", first),), pairs=POST),
    "lfm2": Kind("LFM2", of("Lfm2", **GROUPED, layer_types=["conv", "full_attention", "conv"],
                 block_auto_adjust_ff_dim=False), (LFM,),
                     pairs=Pairs(norm="operator_norm")),
    "qwen3_5": Kind("Qwen3.5", of("Qwen3_5Text", **FOUR, **LINEAR), pairs=QUERY_GATE),
    "falcon_h1": Kind("Falcon-H1", of("FalconH1", **OWN, mamba_d_state=8, mamba_d_ssm=32, mamba_n_heads=4,
                      mamba_d_head=8, mamba_n_groups=1, mamba_chunk_size=8), (FORWARD,)),
    "bamba": Kind("Bamba", of("Bamba", **GROUPED, **MAMBA2, attn_layer_indices=[1]), (FORWARD,)),
    "recurrent_gemma": Kind("RecurrentGemma", of("RecurrentGemma", vocab_size=VOCABULARY, hidden_size=32,
                            intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, lru_width=32,
                            attention_window_size=4),
                            (Gated("mlp_block.gate_proj", tanh_gelu, "mlp_block.down_proj"),),
                            pairs=Pairs("temporal_block.q_proj", "temporal_block.k_proj",
                                        "temporal_pre_norm", "plus")),
    "olmo_hybrid": Kind("OLMo Hybrid", of(
        "OlmoHybrid", **{**GROUPED, "num_hidden_layers": 4}, **LINEAR, layer_types=[
        "linear_attention", "linear_attention", "linear_attention", "full_attention"]), pairs=POST),
    "nemotron_h": Kind("Nemotron-H", of("NemotronH", **OWN, hybrid_override_pattern="M-*-",
                       mamba_num_heads=4,
                       mamba_head_dim=8, ssm_state_size=8, n_groups=1),
                       (Gated("mixer.up_proj", relu2, "mixer.down_proj"),),
                       pairs=Pairs("mixer.q_proj", "mixer.k_proj", "norm")),
    "mixtral": Kind("Mixtral", of("Mixtral", **GROUPED, **LOCAL, **WINDOW), ()),
    "olmoe": Kind("OLMoE", of("Olmoe", **GROUPED, **OF_FOUR), ()),
    "qwen2_moe": Kind("Qwen2-MoE", of("Qwen2Moe", **GROUPED, **OF_FOUR, **SMALL, decoder_sparse_step=2,
                      shared_expert_intermediate_size=40), shared=(ONE_SHARED,)),
    "qwen3_moe": Kind("Qwen3-MoE", of("Qwen3Moe", **OWN, **OF_FOUR, **SMALL, mlp_only_layers=[1])),
    "qwen3_next": Kind("Qwen3-Next", of("Qwen3Next", **FOUR, **OF_FOUR, **SMALL, **LINEAR,
                       shared_expert_intermediate_size=40), (), (ONE_SHARED,), QUERY_GATE),
    "qwen3_5_moe": Kind("Qwen3.5-MoE", of("Qwen3_5MoeText", **FOUR, **OF_FOUR, **SMALL, **LINEAR,
                        shared_expert_intermediate_size=40), (), (ONE_SHARED,), QUERY_GATE),
    "granitemoe": Kind("Granite-MoE", of("GraniteMoe", **GROUPED, **LOCAL, residual_multiplier=0.22,
                       embedding_multiplier=12.0, logits_scaling=6.0), ()),
    "granitemoe_shared": Kind("Granite-MoE (shared)", of("GraniteMoeShared", **GROUPED, **LOCAL,
                              shared_intermediate_size=40), (), (SHARED_MLP,)),
    "granite_hybrid": Kind("Granite Hybrid", of("GraniteMoeHybrid", **GROUPED, **LOCAL, **MAMBA2,
                           shared_intermediate_size=40, layer_types=["mamba", "attention", "mamba"],
                           position_embedding_type="rope"), (), (SHARED_MLP,)),
    "phimoe": Kind("Phi-MoE", of("Phimoe", **GROUPED, **LOCAL, sliding_window=None), ()),
    "gpt_oss": Kind("GPT-OSS", of("GptOss", **OWN, **LOCAL, **WINDOW), ()),
    "deepseek_v2": Kind("DeepSeek V2", of("DeepseekV2", **SIZE, 
                        **{**ROUTED, "n_group": None, "topk_group": None},
                        **LATENT, q_lora_rank=None, topk_method="greedy"), shared=(SHARED,), pairs=MLA),
    "deepseek_v3": Kind("DeepSeek V3", of("DeepseekV3", **SIZE, num_key_value_heads=4, **ROUTED, **LATENT,
                        q_lora_rank=16), shared=(SHARED,), pairs=MLA),
    "glm4_moe_lite": Kind("GLM-4-MoE Lite", of("Glm4MoeLite", **SIZE, num_key_value_heads=4,
                          **{k: v for k, v in ROUTED.items() if k[0] != "f"}, **LATENT, q_lora_rank=16,
                          mlp_layer_types=["dense", "sparse", "sparse"]), shared=(SHARED,), pairs=MLA),
    "glm4_moe": Kind("GLM-4-MoE", of("Glm4Moe", **OWN, **ROUTED), shared=(SHARED,)),
    "dots1": Kind("dots.llm1", of("Dots1", **GROUPED, **ROUTED), shared=(SHARED,)),
    "ernie4_5_moe": Kind("ERNIE 4.5-MoE", of("Ernie4_5_Moe", **GROUPED, **SMALL, moe_num_experts=4, moe_k=2,
                         moe_num_shared_experts=1, moe_layer_start_index=1), shared=(SHARED,)),
    "jamba": Kind("Jamba", of("Jamba", **GROUPED, **OF_FOUR, mamba_d_state=8, mamba_d_conv=4,
                  mamba_expand=2,
                  use_mamba_kernels=False, attn_layer_period=2, attn_layer_offset=1,
                  expert_layer_period=2, expert_layer_offset=1), (FORWARD,)),
    "flex_olmo": Kind("FlexOLMo", of("FlexOlmo", **GROUPED, **OF_FOUR), (), pairs=POST),
    "lfm2_moe": Kind("LFM2-MoE", of("Lfm2Moe", **GROUPED, **OF_FOUR, **SMALL, num_dense_layers=1,
                     layer_types=["conv", "full_attention", "conv"]), (LFM,),
                     pairs=Pairs(norm="operator_norm")),
    "minimax_m2": Kind("MiniMax-M2", of("MiniMaxM2", **OWN, **LOCAL), ()),
    "hunyuan_moe": Kind("HunYuan-MoE", of("HunYuanMoEV1", **OWN, num_experts=4, moe_topk=2), (),
                        (Gated("mlp.shared_mlp.gate_proj", silu, "mlp.shared_mlp.down_proj"),)),
    "afmoe": Kind("AFMoE", of("Afmoe", **OWN, **OF_FOUR, **SMALL, **WINDOW, num_dense_layers=1,
                  num_shared_experts=1), shared=(SHARED,)),
}  # fmt: skip

#: Architectures that are refused, and a part of the sentence that says why.
REFUSED = {
    "bert_both_ways": (of("Bert", **SIZE), "sees what comes after it"),
    "mamba": (of("Mamba", vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=3, state_size=8),
              "no feed-forward network"),
    "jetmoe": (of("JetMoe", vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=3, kv_channels=8,
                  num_key_value_heads=2, intermediate_size=48, **LOCAL), "experts in a way of its own"),
    "llama4": (of("Llama4Text", **OWN, intermediate_size_mlp=48, num_local_experts=4,
                  num_experts_per_tok=1), "experts in a way of its own"),
}  # fmt: skip


def save(config: Any, tokenizer: Any, folder: Path) -> Path:
    """A random model with gains and biases that are not all alike."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    dice = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5)
            else:
                parameter.add_(torch.randn(parameter.shape, generator=dice) * 0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def plain(folder: Path) -> Any:
    """The model as Hugging Face runs it."""
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager"
    ).eval()


def layers(whole: Any) -> list[Any]:
    """The list of layers, by the names that libraries give it."""
    names = [
        n
        for n, _ in whole.named_modules()
        if n.rpartition(".")[2] in ("layers", "h", "blocks", "layer")
    ]
    return list(whole.get_submodule(names[0]))


def part(module: Any, path: str) -> Any:
    """A submodule, or None."""
    try:
        return module.get_submodule(path)
    except AttributeError:
        return None
