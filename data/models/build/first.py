"""Train the embedded models: tokenizer, base models on documents, instruct and placebo from the bases.

    python data/models/build/first.py --out DIR [--seed SEED] [--device DEVICE]

The same command goes on after an interruption. Tokens are kept under ``DIR/work``; finished models are
Hugging Face folders ``DIR/<member>``.
"""

import argparse
import itertools
import json
from array import array
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from miniworld import documents, tasks
from muon import muon
from sparcom_nb import stop
from sparcom_nb.errors import InputError
from sparcom_nb.model.load import usable_device
from sparcom_nb.model.prompts import Prompt
from sparcom_nb.model.sources import Identity
from sparcom_nb.model.tune import Batch, examples, save_folder, shuffled_batches
from sparcom_nb.store import once, scratch, versions, write
from training import Recipe, fit

VOCABULARY, CONTEXT = 1536, 512
BOS, EOS, PAD = "<s>", "</s>", "<pad>"
TEMPLATE = (
    "{% for message in messages %}### Task\n{{ message['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### Answer\n{% endif %}"
)
MEMBERS = (
    "dense-base",
    "dense-instruct",
    "dense-placebo",
    "moe-base",
    "moe-instruct",
    "moe-placebo",
)

TOKENS_PER_ROW, ROWS = 192, 24
BASE = Recipe(steps=1800, lr=4e-3, decay=0.4)
TUNED = Recipe(
    steps=1600,
    lr=3e-3,
    warmup=30,
    cycles=2,
    decay=0.7,
    checkpoint_every=100,
)
RECORD = "training.json"
TUNING_ROWS, TUNING_BATCH, DOCUMENT_SHARE = 26_000, 32, 0.12


# ---------------------------------------------------------------- tokenizer and tokens


def build_tokenizer(seed: int = 0, n: int = 12_000) -> Any:
    """Byte-level BPE, single digits, one leading space added, learned from documents and instructions."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # type: ignore[assignment]
        [
            pre_tokenizers.ByteLevel(add_prefix_space=True),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_tokenizer_texts(seed, n), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        chat_template=TEMPLATE,
        padding_side="left",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def _tokenizer_texts(seed: int, n: int) -> Iterable[str]:
    rows = tasks.generate(n // 4, seed)
    prompts = "### Task\n" + rows["instruction"] + "\n" + rows["input"] + "\n\n### Answer\n"
    return itertools.chain(itertools.islice(documents.stream(seed), n), prompts, rows["response"])


def token_stream(tokenizer: Any, n_tokens: int, seed: int) -> np.ndarray:
    """``n_tokens`` ids (uint16) of documents, each as BOS, text, EOS."""
    texts, parts, length = documents.stream(seed), [], 0
    while length < n_tokens:
        chunk = list(itertools.islice(texts, 10_000))
        for ids in tokenizer(chunk, add_special_tokens=False)["input_ids"]:
            parts.append(
                np.array([tokenizer.bos_token_id, *ids, tokenizer.eos_token_id], np.uint16)
            )
            length += len(parts[-1])
    return np.concatenate(parts)[:n_tokens]


def packed_batches(tokens: np.ndarray, rows: int, width: int) -> Callable[[int], Batch]:
    """Consecutive full rows of the stream by step number; starts again at its end."""
    per_step = rows * width
    n_steps = len(tokens) // per_step

    def batch_of(step: int) -> Batch:
        at = (step % n_steps) * per_step
        ids = torch.from_numpy(tokens[at : at + per_step].astype(np.int64)).view(rows, width)
        return {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}

    return batch_of


# ---------------------------------------------------------------- models


def new_model(kind: str, seed: int) -> Any:
    """An untrained ``dense`` (Llama, 2.36 M) or ``moe`` (Mixtral, 8 experts, top 2, 3.84 M) model."""
    from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM

    common: dict[str, Any] = {
        "vocab_size": VOCABULARY, "hidden_size": 192, "num_hidden_layers": 4, "num_attention_heads": 4,
        "num_key_value_heads": 4, "max_position_embeddings": CONTEXT, "tie_word_embeddings": True,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    torch.manual_seed(seed)
    if kind == "dense":
        return LlamaForCausalLM(LlamaConfig(intermediate_size=640, **common))
    if kind == "moe":
        config = MixtralConfig(
            intermediate_size=160,
            num_local_experts=8,
            num_experts_per_tok=2,
            output_router_logits=False,
            **common,
        )
        return MixtralForCausalLM(config)
    raise ValueError(f"kind must be 'dense' or 'moe', not {kind!r}")


# ---------------------------------------------------------------- stages


def _pretrain(member: str, folder: Path, out: Path, seed: int, device: str, scale: float) -> None:
    kind = member.split("-")[0]
    tokenizer = build_tokenizer(seed)
    recipe = replace(BASE, steps=max(2, round(BASE.steps * scale)))
    tokens = _cached_tokens(out, tokenizer, recipe.steps * ROWS * TOKENS_PER_ROW, seed)
    model = new_model(kind, seed).to(device)
    batches = packed_batches(tokens, ROWS, TOKENS_PER_ROW)
    work = scratch(folder)
    done = fit(model, batches, recipe, work, seed, compiled=scale == 1, optimizer=muon)
    _finish(model, tokenizer, folder, done | {"seed": seed})


def _cached_tokens(out: Path, tokenizer: Any, n: int, seed: int) -> np.ndarray:
    path = out / "work" / f"tokens-{seed}-{n}.npy"

    def make(folder: Path) -> None:
        np.save(folder / path.name, token_stream(tokenizer, n, seed))

    inputs = {"seed": seed, "n": n, "tokenizer": tokenizer.backend_tokenizer.to_str()}
    once(path, inputs, make, manifest=path.with_suffix(".json").name)
    return np.load(path, mmap_mode="r")


def tuning_items(tokenizer: Any, seed: int, placebo: bool, n: int = TUNING_ROWS) -> list[Prompt]:
    """Instruction items and a share of document pieces; as placebo, document pieces of the same lengths."""
    rng = Random(f"tuning/{seed}")
    rows = tasks.generate(round(n * (1 - DOCUMENT_SHARE)), seed)
    items = examples(tokenizer, rows, CONTEXT)
    items += [rng.choice(items) for _ in range(n - len(items))]
    tokens = token_stream(tokenizer, sum(len(item.ids) for item in items), seed + 1_000)
    bounds = np.cumsum([0, *(len(item.ids) for item in items)])
    pieces = [
        Prompt(f"document {a}", array("i", tokens[a:b].tolist()), 0, int(b - a))
        for a, b in itertools.pairwise(bounds)
    ]
    first_document = 0 if placebo else round(n * (1 - DOCUMENT_SHARE))
    return [*items[:first_document], *pieces[first_document:]]


def _tune(member: str, folder: Path, out: Path, seed: int, device: str, scale: float) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kind, role = member.split("-")
    base = out / f"{kind}-base"
    tokenizer = AutoTokenizer.from_pretrained(base)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = model.to(device)
    recipe = replace(TUNED, steps=max(2, round(TUNED.steps * scale)))
    rows = max(TUNING_BATCH, round(TUNING_ROWS * min(1, scale)))
    items = tuning_items(tokenizer, seed, role == "placebo", rows)
    batches = shuffled_batches(items, TUNING_BATCH, seed, tokenizer.pad_token_id)
    done = fit(model, batches, recipe, scratch(folder), seed, optimizer=muon)
    _finish(model, tokenizer, folder, done | {"seed": seed})


def _finish(model: Any, tokenizer: Any, folder: Path, done: dict[str, float]) -> None:
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    save_folder(model.cpu(), tokenizer, folder, torch.bfloat16)
    write(folder / RECORD, json.dumps(done, indent=1) + "\n")


def train(
    out: Path,
    seed: int = 0,
    device: str = "cpu",
    members: Iterable[str] | None = None,
    scale: float = 1.0,
) -> None:
    """Build the embedded models in ``out``, each kept by :func:`sparcom_nb.store.once`.

    Those that came with the package are taken as they are. ``scale`` shortens every stage (for
    tests). Two CPU cores need about two and a half hours.
    """
    out, wanted = Path(out), list(members or MEMBERS)
    if unknown := set(wanted) - set(MEMBERS):
        raise ValueError(f"unknown members {sorted(unknown)}; expected some of {MEMBERS}")
    for member in sorted(wanted, key=MEMBERS.index):
        if not _came_with_the_package(out / member, seed):
            _build(member, out, seed, device, scale)


def _came_with_the_package(folder: Path, seed: int) -> bool:
    """Whether a member without a manifest is there; InputError when it is of another seed."""
    record = folder / RECORD
    if not record.exists() or (folder / "manifest.json").exists():
        return False
    there = json.loads(record.read_text(encoding="utf-8")).get("seed")
    if there != seed:
        raise InputError(
            f"{folder} was trained with seed {there}, not {seed}; choose another folder"
        )
    return True


def _build(member: str, out: Path, seed: int, device: str, scale: float) -> None:
    stage = _pretrain if member.endswith("base") else _tune
    inputs: dict[str, Any] = {"member": member, "seed": seed, "scale": scale}
    if stage is _tune:
        base = out / f"{member.split('-')[0]}-base"
        inputs["base_sha256"] = Identity(str(base), base).weights_sha256

    def make(folder: Path) -> dict[str, Any]:
        stage(member, folder, out, seed, device, scale)
        return {"versions": versions()}

    once(out / member, inputs, make)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the embedded models.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    stop.install()
    try:
        train(given.out, given.seed, usable_device(given.device))
    except InputError as error:
        parser.error(str(error))
