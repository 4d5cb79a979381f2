"""Which architectures work: what a refusal tells, and what docs/models.md lists in full."""

#: Families whose taps, gradients and weights are proved on tiny models, the best known first.
SUPPORTED: tuple[str, ...] = (
    "Llama", "Mistral", "Mixtral", "Qwen2", "Qwen3", "Qwen2-MoE", "Qwen3-MoE", "Gemma",
    "Gemma 2", "Gemma 3", "Gemma 4", "Phi", "Phi-3", "OLMo", "OLMo 2", "OLMo 3", "OLMoE",
    "GPT-OSS", "DeepSeek V2", "DeepSeek V3", "SmolLM3", "Granite", "GLM", "GLM-4", "Cohere",
    "Falcon", "GPT-2", "GPT-NeoX", "GPT-Neo", "GPT-J", "GPT-BigCode", "CodeGen", "GPT",
    "OPT", "BLOOM", "MPT", "Ministral", "VaultGemma", "StableLM", "Cohere 2", "EXAONE 4",
    "StarCoder2", "Nemotron", "ERNIE 4.5", "Arcee", "Apertus", "Seed-OSS", "HunYuan",
    "XGLM", "Persimmon", "BitNet", "BERT (decoder)", "ModernBERT (decoder)", "LFM2",
    "Qwen3.5", "Falcon-H1", "Bamba", "RecurrentGemma", "OLMo Hybrid", "Nemotron-H",
    "Qwen3-Next", "Qwen3.5-MoE", "Granite-MoE", "Granite-MoE (shared)", "Granite Hybrid",
    "Phi-MoE", "GLM-4-MoE Lite", "GLM-4-MoE", "dots.llm1", "ERNIE 4.5-MoE", "Jamba",
    "FlexOLMo", "LFM2-MoE", "MiniMax-M2", "HunYuan-MoE", "AFMoE",
)  # fmt: skip


def supported(most: int) -> str:
    """As many of their names as go into so many characters, and where all of them stand."""
    where, named = " ... (docs/models.md)", list(SUPPORTED)
    while len(", ".join(named) + where) > most:
        named.pop()
    return ", ".join(named) + where
