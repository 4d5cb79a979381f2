"""Which architectures work: what a refusal tells, and what docs/models.md lists in full."""

#: Families whose taps, gradients and weights are proved on tiny models, the best known first.
SUPPORTED: tuple[str, ...] = (
    "Llama", "Mistral", "Mixtral", "Qwen2", "Qwen3", "Qwen2-MoE", "Qwen3-MoE", "Gemma", "Phi",
    "OLMo", "OLMoE", "GPT-2", "GPT-J", "GPT-Neo", "GPT-NeoX", "Falcon", "OPT", "StableLM",
    "Cohere", "Granite", "StarCoder2", "GLM", "SmolLM3", "MPT",
)  # fmt: skip


def supported(most: int) -> str:
    """As many of their names as go into so many characters, and where all of them stand."""
    where, named = " ... (docs/models.md)", list(SUPPORTED)
    while len(", ".join(named) + where) > most:
        named.pop()
    return ", ".join(named) + where
