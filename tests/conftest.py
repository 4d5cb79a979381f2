"""Tiny random models of every architecture, with a tokenizer trained on a few lines."""

import hashlib
import os
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"

from pathlib import Path

import hostile
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MixtralConfig,
    OlmoeConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2MoeConfig,
    Qwen3MoeConfig,
)

import sparcom_nb as sn
from sparcom_nb.rows.instructions import validate

#: Fixtures that take long, the longest first.
LONG = ("course", "third_pair", "shuffled", "lab")


@pytest.hookimpl(tryfirst=True)  # before the plugin that reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the tests to workers: long ones first; those that share a long fixture together."""
    items.sort(key=lambda item: [name not in item.fixturenames for name in LONG])
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    """Who goes to one worker: users of a fixture, or a file; ``shuffled`` is quick to make again."""
    used = [name for name in LONG if name in item.fixturenames] or [item.nodeid.split("::")[0]]
    return item.nodeid if used[0] == "shuffled" else used[0]


VOCABULARY = 400
TEXT = [
    "Name the colour of the sky.", "Sort these words: pear, apple, fig.", "Is it true? Say yes or no.",
    "Write a line about rain.", "def add(a, b): return a + b", "What is 3 plus 4? The answer is 7.",
    "Summarize: the cat sat on the mat and slept.", "### Instruction: ### Response: user assistant",
]  # fmt: skip
SIZE = {"vocab_size": VOCABULARY, "max_position_embeddings": 128}
WIDE = {
    **SIZE,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
}
GROUPED = {**WIDE, "num_key_value_heads": 2}
DENSE = {
    "llama": LlamaConfig(**GROUPED),
    "qwen2": Qwen2Config(**GROUPED),
    "gpt_neox": GPTNeoXConfig(**WIDE),
    "gpt2": GPT2Config(vocab_size=VOCABULARY, n_positions=128, n_embd=32, n_layer=3, n_head=4),
}
MOE = {
    "mixtral": MixtralConfig(**GROUPED, num_local_experts=4),
    "olmoe": OlmoeConfig(**GROUPED, num_experts=4, num_experts_per_tok=2),
    "qwen2_moe": Qwen2MoeConfig(
        **GROUPED,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=24,
        shared_expert_intermediate_size=40,
    ),
    "qwen3_moe": Qwen3MoeConfig(
        **GROUPED, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, head_dim=8
    ),
    "qwen2_mixed": Qwen2MoeConfig(  # experts in layer 1 only
        **GROUPED,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=24,
        shared_expert_intermediate_size=40,
        decoder_sparse_step=2,
    ),
    "qwen3_mixed": Qwen3MoeConfig(  # experts in layers 0 and 2
        **GROUPED,
        num_experts=6,
        num_experts_per_tok=3,
        moe_intermediate_size=16,
        head_dim=8,
        norm_topk_prob=True,
        mlp_only_layers=[1],
    ),
}


@pytest.fixture(scope="session")
def tokenizer():
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    raw.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def save_model(config, tokenizer, folder: Path, seed: int = 0) -> Path:
    """A random model whose activations are neither all alike nor tiny."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory, tokenizer):
    """Folder of a tiny model by architecture, made when first asked for."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            config = (DENSE | MOE)[name]
            made[name] = save_model(config, tokenizer, tmp_path_factory.mktemp(name))
        return made[name]

    return folder


@pytest.fixture(scope="session")
def load(folders):
    """Load a tiny model by architecture and dtype, once."""
    loaded = {}

    def one(name: str, dtype: str = "float64"):
        if (name, dtype) not in loaded:
            loaded[name, dtype] = sn.load_model(folders(name), dtype=dtype)
        return loaded[name, dtype]

    return one


#: A third pair, of another architecture than the shipped ones: grouped key heads, biases, 3 layers.
THIRD = {
    "model": {
        "vocab_size": 1536, "hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
        "tie_word_embeddings": True, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    },
    "base": {"steps": 360, "rows": 16, "width": 128, "lr": 4e-3, "seed": 7},
    "tuned": {"steps": 150, "items": 4800, "lr": 2e-3, "seed": 7},
}  # fmt: skip


@pytest.fixture(scope="session")
def third_pair(request, tmp_path_factory):
    """``BASE,INSTRUCT`` folders, trained on the mini-world in about a minute and kept between runs."""
    key = hashlib.sha256(repr(THIRD).encode()).hexdigest()[:12]
    folder = request.config.cache.mkdir(f"third-pair-{key}")
    if not (folder / "tuned").exists():
        scratch = tmp_path_factory.mktemp("third-pair")
        train_third_base(scratch / "base")
        tune_third(scratch / "base", scratch / "tuned")
        shutil.copytree(scratch / "base", folder / "base", dirs_exist_ok=True)
        shutil.copytree(scratch / "tuned", folder / "tuned.part", dirs_exist_ok=True)
        (folder / "tuned.part").rename(folder / "tuned")
    return f"{folder / 'base'},{folder / 'tuned'}"


def train_third_base(out: Path) -> None:
    """Train a small Qwen2 on mini-world documents, with the shipped models' tokenizer."""
    from first import packed_batches, token_stream
    from muon import muon
    from sparcom_nb.files import shipped
    from sparcom_nb.model.tune import save_folder
    from training import Recipe, fit

    how = THIRD["base"]
    tokenizer = AutoTokenizer.from_pretrained(shipped("data") / "models" / "dense-base")
    tokens = token_stream(tokenizer, how["steps"] * how["rows"] * how["width"], how["seed"])
    torch.manual_seed(how["seed"])
    model = AutoModelForCausalLM.from_config(Qwen2Config(**THIRD["model"]))
    recipe = Recipe(how["steps"], how["lr"], decay=0.5)
    batches = packed_batches(tokens, how["rows"], how["width"])
    fit(model, batches, recipe, out.with_name("work"), optimizer=muon)
    save_folder(model, tokenizer, out)


def tune_third(base: Path, out: Path) -> None:
    """Tune it on mini-world instructions."""
    from tasks import generate

    how = THIRD["tuned"]
    sn.tune(base, generate(how["items"], how["seed"]), how["steps"], how["seed"], out, how["lr"])


@pytest.fixture(scope="session")
def run_course(tmp_path_factory):
    """Make the report of all real notebooks, small, of hostile rows and models; again where it stands."""
    from sparcom_nb.report import build

    builds, out = (
        hostile.course(tmp_path_factory.mktemp("hostile")),
        tmp_path_factory.mktemp("course"),
    )

    def run():
        for pair, notebooks, parameters in builds:
            assert build([pair], notebooks, out, parameters) == 0
        return out

    return run


@pytest.fixture(scope="session")
def course(run_course):
    """The report of all real notebooks."""
    return run_course()


@pytest.fixture(scope="session")
def oracle():
    """Folder of reference numbers: SPARCOM_ORACLE, or beside the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "oracle"
    folder = Path(os.environ.get("SPARCOM_ORACLE", beside))
    if not folder.is_dir():
        pytest.skip(f"no reference numbers at {folder} (set SPARCOM_ORACLE)")
    return folder


@pytest.fixture(scope="session")
def rows():
    """24 rows of very different lengths in three categories with two sub-types each."""
    made = []
    for n in range(24):
        category = ("CLS", "QA", "MATH")[n % 3]
        words = " ".join(TEXT[(n + k) % len(TEXT)] for k in range(1 + n % 4))
        made.append(
            {
                "id": f"r{n}",
                "category": category,
                "subtype": f"{category}-{n % 2}",
                "instruction": f"{words[: 20 + 7 * n]} {n}",
                "input": "pear, fig" if n % 5 == 0 else "",
                "response": f"The answer is {n}." if n % 2 else "yes",
            }
        )
    return validate(pd.DataFrame(made))
