"""Measure the embedded models: right answers, plain continuations, loss on documents, expert load."""

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import torch

from sparcom_nb.checkers import check
from sparcom_nb.miniworld import passages as ps
from sparcom_nb.miniworld import tasks
from sparcom_nb.miniworld import words as w
from sparcom_nb.miniworld.documents import PHRASINGS
from sparcom_nb.miniworld.facts import pair_is_heldout, world
from sparcom_nb.tuning import collate, encode


def load(folder: Path) -> tuple[Any, Any]:
    """Model (float32, eval) and tokenizer of a Hugging Face folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(folder)


@torch.no_grad()
def complete(
    model: Any, tokenizer: Any, prompts: Sequence[list[int]], new: int = 56, size: int = 50
) -> list[str]:
    """Greedy continuations of token prompts, in their order, decoded and stripped."""
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    texts = [""] * len(prompts)
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        batch = tokenizer.pad({"input_ids": [prompts[i] for i in chosen]}, return_tensors="pt")
        out = model.generate(**batch, max_new_tokens=new, do_sample=False)
        for i, ids in zip(chosen, out[:, batch["input_ids"].shape[1] :], strict=True):
            texts[i] = tokenizer.decode(ids, skip_special_tokens=True).strip()
    return texts


def answers(model: Any, tokenizer: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with the model's ``output`` and whether it is ``correct``."""
    prompts = []
    for instruction, text in zip(rows["instruction"], rows["input"], strict=True):
        ids, length = encode(tokenizer, instruction, text, "")
        prompts.append(ids[:length])
    outputs = complete(model, tokenizer, prompts)
    judged = zip(rows["checker"], rows["response"], outputs, strict=True)
    return rows.assign(output=outputs, correct=[bool(check(*one)) for one in judged])


# ---------------------------------------------------------------- plain continuation


def plain_items(category: str, n: int, seed: int = 0) -> list[tuple[str, str]]:
    """Beginnings of documents and how they go on, ``n`` of them: what a base model should know."""
    rng = Random(f"plain/{category}/{seed}")
    return [_PLAIN[category](rng) for _ in range(n)]


def _plain_review(rng: Random) -> tuple[str, str]:
    text, verdict = w.review(rng)
    return f"{text} . A", f"{verdict} review."


def _plain_function(rng: Random) -> tuple[str, str]:
    name, arg, (verb, op), n = ps.function_parts(rng)
    (verb2, op2), m = rng.choice(ps.OPERATIONS), rng.randint(2, 9)
    head = f"# {name} takes {arg} , {verb} {n} , then {verb2} {m}\ndef"
    return head, f"{name}({arg}): return ({arg} {op} {n}) {op2} {m}"


def _plain_fact(rng: Random) -> tuple[str, str]:
    fact = rng.choice(world())
    forms = [p for p in PHRASINGS[fact.attribute] if re.fullmatch(r"[^{]*\{e\}[^{]*\{v\}\.", p)]
    head = rng.choice(forms).format(e=fact.entity, v="").rstrip(". ")
    return head[0].upper() + head[1:], f"{fact.value}."


def _plain_sentence(rng: Random) -> tuple[str, str]:
    item = tasks.content(next(s for s in tasks.SUBTYPES if s.name == "sentence"), True, rng)
    return f"{item.input}:", item.response


def _plain_sum(rng: Random) -> tuple[str, str]:
    while True:
        a, b = rng.randint(0, 15), rng.randint(0, 9)
        if pair_is_heldout(a, b):
            return f"{a} + {b} =", str(a + b)


def _plain_report(rng: Random) -> tuple[str, str]:
    text, short, _ = rng.choice([ps.news, ps.tale, ps.wordy])(rng)
    return f"{text} In short:", short


_PLAIN = {
    "CLS": _plain_review, "CODE": _plain_function, "QA": _plain_fact, "GEN": _plain_sentence,
    "MATH": _plain_sum, "SUM": _plain_report,
}  # fmt: skip


def plain_accuracy(model: Any, tokenizer: Any, n: int = 100) -> pd.Series:
    """Share of plain beginnings continued rightly (the text starts with the known continuation), per category."""
    shares = {}
    for category in tasks.CATEGORIES:
        items = plain_items(category, n)
        prompts = [
            [tokenizer.bos_token_id, *tokenizer(head, add_special_tokens=False)["input_ids"]]
            for head, _ in items
        ]
        outputs = complete(model, tokenizer, prompts, new=40)
        right = [_begins(out, end) for out, (_, end) in zip(outputs, items, strict=True)]
        shares[category] = sum(right) / n
    return pd.Series(shares, name="plain")


def _begins(output: str, known: str) -> bool:
    rest = output.removeprefix(known)
    return output.startswith(known) and not (known[-1].isdigit() and rest[:1].isdigit())


# ---------------------------------------------------------------- loss and load


@torch.no_grad()
def document_loss(model: Any, tokenizer: Any, texts: Sequence[str], size: int = 50) -> float:
    """Mean cross entropy per token (nats) on documents."""
    total, count = 0.0, 0
    for start in range(0, len(texts), size):
        items = [([tokenizer.bos_token_id, *ids, tokenizer.eos_token_id], 0)
                 for ids in tokenizer(list(texts[start : start + size]), add_special_tokens=False)["input_ids"]]  # fmt: skip
        batch = collate(items, tokenizer.pad_token_id)
        n = int((batch["labels"][:, 1:] >= 0).sum())
        total, count = total + model(**batch).loss.item() * n, count + n
    return total / count


@torch.no_grad()
def expert_load(
    model: Any, items: list[tuple[list[int], int]], pad: int, size: int = 50
) -> torch.Tensor:
    """Share of the assignments that each expert takes over all tokens of ``items``: [layers, experts]."""
    counts = torch.zeros(model.config.num_hidden_layers, model.config.num_local_experts)
    for start in range(0, len(items), size):
        batch = collate(items[start : start + size], pad)
        keep = batch["attention_mask"].flatten().bool()
        out = model(
            batch["input_ids"], attention_mask=batch["attention_mask"], output_router_logits=True
        )
        for layer, logits in enumerate(out.router_logits):
            chosen = logits[keep].topk(model.config.num_experts_per_tok, -1).indices.flatten()
            counts[layer] += torch.bincount(chosen, minlength=counts.shape[1])
    return counts / counts.sum(1, keepdim=True)
