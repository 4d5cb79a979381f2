"""A small model whose weights are set by hand, so that the truth about its neurons is known.

The residual stream is a board of named axes. A word's embedding writes its code there: a *task word*
("classify") names a category, a *wording* ("please") names a phrasing, and every word has a random
direction of its own. Attention of the first layer copies the last task and wording to all later
tokens, those of the response included. The gate of a neuron is a row that reads the board:

==============  =====================================================  ==========================
role            active on                                              what it writes
==============  =====================================================  ==========================
``task``        every token after a task word of its category          its category's answers
``general``     every token                                            answers of any category
``wording``     every token after its wording, whatever the task       noise
``inert``       a share of the tokens after its category's task word   nothing (a zero column)
``background``  a random share of all words                            noise
==============  =====================================================  ==========================

Only ``task`` neurons serve a category: they are the plan that a method should find. With experts, the
router sends every token after a task word to its category's expert, which holds that category's task
and inert neurons, and to a general expert, which holds the general and wording neurons; a third
expert is random.

``noise`` s mixes every row of gates and router: (1 - s) x as planned + s x as in the background. At 0
the plan is exact; at 1 nothing is left of it and no method can be better than chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from sparcom_nb.model.load import quiet
from sparcom_nb.rows.instructions import CATEGORIES, validate

ROLES = ("task", "general", "wording", "inert", "background")
TASK_WORDS = {
    "CLS": ("classify", "label", "sort", "tag"),
    "CODE": ("implement", "program", "script", "debug"),
    "QA": ("answer", "tell", "name", "explain"),
    "GEN": ("write", "compose", "invent", "imagine"),
    "MATH": ("add", "compute", "multiply", "solve"),
    "SUM": ("summarize", "shorten", "condense", "abridge"),
}
#: The n-th wording is the favourite of the n-th category, and occurs in all.
WORDINGS = ("please", "kindly", "now", "quickly", "simply", "carefully")
_SPECIALS = {
    "pad_token": "<pad>",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
}
_TEMPLATE = ("###", "Instruction:", "Response:")
_FILLERS = tuple(f"w{n}" for n in range(80))
_ANSWERS = {name: tuple(f"{name.lower()}{n}" for n in range(20)) for name in CATEGORIES}
_WORDS = (
    *_SPECIALS.values(),
    *_TEMPLATE,
    *_FILLERS,
    *WORDINGS,
    *(word for words in TASK_WORDS.values() for word in words),
    *(word for words in _ANSWERS.values() for word in words),
)

# The axes of the residual stream: codes of the word itself, then codes that attention carries on.
_CONSTANT, _REPLY = 0, 1
_OWN_TASK, _OWN_WORDING = slice(2, 8), slice(8, 14)
_TASK, _WORDING, _ANSWER = slice(14, 20), slice(20, 26), slice(26, 32)
_NOISE = slice(32, 96)
_WIDTH = 96
_HEAD = 16

_LAYERS, _NEURONS = 4, 2048
_EXPERTS, _CHOSEN = 8, 3
_GENERAL_EXPERT = len(CATEGORIES)
#: Neurons of each role: of every category or wording, or (general) in all.
SIZES = {"task": 6, "general": 24, "wording": 4, "inert": 4}
_BACKGROUND = 0.15
#: Streams of random numbers: a control drawn with the same seed must not follow the plan.
_PLAN, _ROWS = 1, 2


@dataclass(frozen=True)
class Plant:
    """A planted model and the truth about it.

    folder: Hugging Face folder for :func:`sparcom_nb.load_model`; data: its instructions;
    roles: str [layer, neuron] (with experts [layer, expert, neuron]); follows: of the same
    dimensions, the category that a task or inert neuron follows (of a wording neuron: the category
    whose favourite its wording is), else empty; experts: bool [category, layer, expert], or None in
    a dense model.
    """

    folder: Path
    data: pd.DataFrame
    roles: xr.DataArray
    follows: xr.DataArray
    experts: xr.DataArray | None

    @property
    def neurons(self) -> xr.DataArray:
        """The plan: bool [category, layer, (expert,) neuron], True where one serves a category."""
        return self.sets("task")

    def sets(self, role: str) -> xr.DataArray:
        """Neurons of a role by the category that they follow: bool [category, ...]."""
        names = xr.DataArray(
            list(CATEGORIES), dims="category", coords={"category": list(CATEGORIES)}
        )
        return (self.follows == names).transpose("category", ...) & (self.roles == role)


def plant(
    folder: Path | str,
    kind: str = "dense",
    noise: float = 0.0,
    seed: int = 0,
    *,
    inert_frequency: float = 0.6,
    favourite: float = 0.4,
) -> Plant:
    """Write a planted model to ``folder`` and return it with the truth.

    The same seed gives the same plan, words and instructions at every noise.

    Args:
        folder: where to write.
        kind: ``dense`` (Llama, 4 layers of 512 neurons) or ``moe`` (Mixtral, 4 layers of 8 experts,
            3 chosen, of 64 neurons).
        noise: 0 (as planned) to 1 (nothing left of the plan).
        seed: of the plan and of everything random.
        inert_frequency: share of its category's tokens on which an inert neuron is active,
            between 0 and 1 (both excluded).
        favourite: share of a category's instructions in its favourite wording.
    """
    rng = np.random.default_rng([seed, _PLAN])
    home = _expert_homes(rng)
    roles, follows = _cast(rng, home if kind == "moe" else None)
    model = _blank(kind)
    with torch.no_grad():
        _set_words(model, rng)
        _set_attention(model.model.layers[0].self_attn)
        gate = _gates(rng, roles, follows, noise, inert_frequency)
        _set_networks(model, gate, _writes(rng, roles, follows), _routers(rng, home, noise))
    Path(folder).mkdir(parents=True, exist_ok=True)  # transformers says nothing where it cannot be
    with quiet():
        model.save_pretrained(folder)
        _tokenizer().save_pretrained(folder)
    return Plant(
        Path(folder),
        planted_rows(seed, favourite),
        _labelled(roles, kind),
        _labelled(np.array([*CATEGORIES, ""])[follows], kind),
        _expert_plan(home) if kind == "moe" else None,
    )


def planted_rows(seed: int = 0, favourite: float = 0.4, per_category: int = 24) -> pd.DataFrame:
    """Instructions of the planted world: wording, task word, filler words; answers of the category.

    Sub-types are the task words. The favourite wording of a category has its exact share of the
    rows; the other wordings take turns.
    """
    rng = np.random.default_rng([seed, _ROWS])
    rows = []
    for c, name in enumerate(CATEGORIES):
        others = [w for w in range(len(WORDINGS)) if w != c]
        for n in range(per_category):
            own = n < round(favourite * per_category)
            wording = WORDINGS[c if own else others[n % len(others)]]
            task = TASK_WORDS[name][n % len(TASK_WORDS[name])]
            fillers = rng.choice(_FILLERS, rng.integers(8, 15), replace=False)
            answers = rng.choice(_ANSWERS[name], rng.integers(8, 13), replace=False)
            rows.append(
                {
                    "id": f"{name}-{n}",
                    "category": name,
                    "subtype": task,
                    "instruction": " ".join([wording, task, *fillers]),
                    "response": " ".join(answers),
                    "source": "planted",
                }
            )
    return validate(pd.DataFrame(rows))


def _expert_homes(rng: np.random.Generator) -> np.ndarray:
    """Expert of every category, then the general one, then spare ones: [layer, role]."""
    return np.stack([rng.permutation(_EXPERTS) for _ in range(_LAYERS)])


def _cast(rng: np.random.Generator, home: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Role of every neuron, and the category or wording that it follows (-1: none): [neuron]."""
    roles = np.full(_NEURONS, "background")
    follows = np.full(_NEURONS, -1)
    for role, size in SIZES.items():
        for n in range(1 if role == "general" else len(CATEGORIES)):
            free = roles == "background"
            if home is not None:
                free &= _lives_in(home[:, n if role in ("task", "inert") else _GENERAL_EXPERT])
            chosen = rng.choice(np.flatnonzero(free), size, replace=False)
            roles[chosen], follows[chosen] = role, -1 if role == "general" else n
    return roles, follows


def _lives_in(experts: np.ndarray) -> np.ndarray:
    """Neurons of the given expert of every layer: bool [neuron]."""
    inside = np.arange(_EXPERTS)[None, :] == experts[:, None]
    return np.repeat(inside.ravel(), _NEURONS // inside.size)


def _gates(
    rng: np.random.Generator,
    roles: np.ndarray,
    follows: np.ndarray,
    noise: float,
    inert_frequency: float,
) -> torch.Tensor:
    """Gate rows [neuron, axis]; every neuron has a scale of its own, as in real models."""
    own = rng.normal(size=(_NEURONS, _WIDTH)) / np.sqrt(_WIDTH)
    own[:, : _NOISE.start] = 0
    own[:, _CONSTANT] = NormalDist().inv_cdf(_BACKGROUND)
    planned = own.copy()
    for n, (role, code) in enumerate(zip(roles, follows, strict=True)):
        match role:
            case "task":
                planned[n] = _on(_TASK.start + code)
            case "wording":
                planned[n] = _on(_WORDING.start + code)
            case "general":
                planned[n] = np.eye(_WIDTH)[_CONSTANT]
            case "inert":
                planned[n] += 5 * (np.eye(_WIDTH)[_TASK.start + code] - np.eye(_WIDTH)[_CONSTANT])
                planned[n, _CONSTANT] += NormalDist().inv_cdf(inert_frequency) - own[n, _CONSTANT]
    scale = np.exp(rng.normal(0, 0.7, size=(_NEURONS, 1)))
    return torch.tensor(scale * ((1 - noise) * planned + noise * own), dtype=torch.float32)


def _on(axis: int) -> np.ndarray:
    """Return a row that is +1 where a code (0 or 1) is set and -1 where it is not."""
    return 2 * np.eye(_WIDTH)[axis] - np.eye(_WIDTH)[_CONSTANT]


def _writes(rng: np.random.Generator, roles: np.ndarray, follows: np.ndarray) -> torch.Tensor:
    """Down-projection columns [neuron, axis]."""
    down = np.zeros((_NEURONS, _WIDTH))
    down[:, _NOISE] = 0.02 * rng.normal(size=(_NEURONS, _NOISE.stop - _NOISE.start))
    down[np.isin(roles, ["task", "general", "inert"])] = 0
    task = np.flatnonzero(roles == "task")
    down[task, _ANSWER.start + follows[task]] = 1
    down[roles == "general", _REPLY] = 0.1
    return torch.tensor(down, dtype=torch.float32)


def _routers(rng: np.random.Generator, home: np.ndarray, noise: float) -> torch.Tensor:
    """Router rows [layer, expert, axis]."""
    own = rng.normal(size=(_LAYERS, _EXPERTS, _WIDTH)) / np.sqrt(_WIDTH)
    own[..., : _NOISE.start] = 0
    planned = 0.2 * own
    planned[..., _CONSTANT] = -4
    for layer, experts in enumerate(home):
        planned[layer, experts[: len(CATEGORIES)], _TASK] = 8 * np.eye(len(CATEGORIES))
        planned[layer, experts[_GENERAL_EXPERT], _CONSTANT] = 4
    return torch.tensor((1 - noise) * planned + noise * own, dtype=torch.float32)


def _blank(kind: str) -> Any:
    """Return a model with all weights zero, the gains of the norms one."""
    from transformers import AutoModelForCausalLM, LlamaConfig, MixtralConfig

    shape = {
        "vocab_size": len(_WORDS),
        "hidden_size": _WIDTH,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": _HEAD,
        "max_position_embeddings": 128,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e10,  # the last pair of a head hardly turns: attention by content
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    per_layer = _NEURONS // _LAYERS
    if kind == "dense":
        config: Any = LlamaConfig(**shape, intermediate_size=per_layer)
    else:
        config = MixtralConfig(
            **shape,
            intermediate_size=per_layer // _EXPERTS,
            num_local_experts=_EXPERTS,
            num_experts_per_tok=_CHOSEN,
        )
    model = AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data.zero_()
    return model


def _set_words(model: Any, rng: np.random.Generator) -> None:
    """Write embeddings of root mean square 1, and an unembedding that reads the answers."""
    embed = np.zeros((len(_WORDS), _WIDTH))
    embed[:, _CONSTANT] = 1
    for c, name in enumerate(CATEGORIES):
        embed[_ids(TASK_WORDS[name]), _OWN_TASK.start + c] = 1
        embed[_ids(WORDINGS)[c], _OWN_WORDING.start + c] = 1
    free = rng.normal(size=(len(_WORDS), _NOISE.stop - _NOISE.start))
    left = np.sqrt(_WIDTH - (embed**2).sum(axis=1, keepdims=True))
    embed[:, _NOISE] = left * free / np.linalg.norm(free, axis=1, keepdims=True)
    head = np.zeros((len(_WORDS), _WIDTH))
    head[:, _NOISE] = 0.02 * rng.normal(size=free.shape)
    for c, name in enumerate(CATEGORIES):
        head[_ids(_ANSWERS[name]), _ANSWER.start + c] = 1
        head[_ids(_ANSWERS[name]), _REPLY] = 1
    model.model.embed_tokens.weight.copy_(torch.tensor(embed))
    model.lm_head.weight.copy_(torch.tensor(head))


def _set_attention(attention: Any) -> None:
    """Head 0 copies the task word's code to all later tokens, head 1 the wording's."""
    read, carried = (_OWN_TASK, _OWN_WORDING), (_TASK, _WORDING)
    for head, (source, target) in enumerate(zip(read, carried, strict=True)):
        last, first = (head + 1) * _HEAD - 1, head * _HEAD
        attention.q_proj.weight[last, _CONSTANT] = 30
        attention.k_proj.weight[last, source] = 30
        for n in range(len(CATEGORIES)):
            attention.v_proj.weight[first + n, source.start + n] = 1
            attention.o_proj.weight[target.start + n, first + n] = 1


def _set_networks(
    model: Any, gate: torch.Tensor, down: torch.Tensor, routers: torch.Tensor
) -> None:
    """Write gates, up projections (1 on every token), down projections and routers."""
    up = torch.zeros_like(gate)
    up[:, _CONSTANT] = 1
    parts = (weight.reshape(_LAYERS, -1, _WIDTH) for weight in (gate, up, down))
    for layer, g, u, d, router in zip(model.model.layers, *parts, routers, strict=True):
        network = layer.mlp
        if hasattr(network, "experts"):
            network.gate.weight.copy_(router)
            g, u, d = (weight.reshape(_EXPERTS, -1, _WIDTH) for weight in (g, u, d))
            network.experts.gate_up_proj.copy_(torch.cat([g, u], dim=1))
            network.experts.down_proj.copy_(d.transpose(1, 2))
        else:
            network.gate_proj.weight.copy_(g)
            network.up_proj.weight.copy_(u)
            network.down_proj.weight.copy_(d.T)


def _ids(words: Sequence[str]) -> list[int]:
    return [_WORDS.index(word) for word in words]


def _tokenizer() -> Any:
    """Return a tokenizer with a token a word."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: n for n, word in enumerate(_WORDS)}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token=_SPECIALS["unk_token"]))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=raw, **_SPECIALS)


def _labelled(values: np.ndarray, kind: str) -> xr.DataArray:
    """Give the last axis [neuron] the dimensions of the model's neurons."""
    inner = (_LAYERS, _EXPERTS) if kind == "moe" else (_LAYERS,)
    names = ("layer", "expert") if kind == "moe" else ("layer",)
    shape = (*inner, _NEURONS // int(np.prod(inner)))
    coords = {name: np.arange(size) for name, size in zip((*names, "neuron"), shape, strict=True)}
    return xr.DataArray(values.reshape(shape), coords, (*names, "neuron"))


def _expert_plan(home: np.ndarray) -> xr.DataArray:
    chosen = home[:, : len(CATEGORIES), None] == np.arange(_EXPERTS)
    coords = {
        "category": list(CATEGORIES),
        "layer": np.arange(_LAYERS),
        "expert": np.arange(_EXPERTS),
    }
    return xr.DataArray(chosen.swapaxes(0, 1), coords, ("category", "layer", "expert"))
