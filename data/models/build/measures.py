"""Measure the embedded models: plain continuations, loss on documents, load of the experts."""

import re
from collections.abc import Sequence
from random import Random

import numpy as np
import pandas as pd
from transformer_lens.model_bridge import TransformerBridge

from miniworld import documents, facts, tasks
from miniworld import passages as ps
from miniworld import words as w
from sparcom_nb.model.evaluate import continuations, perplexity
from sparcom_nb.model.prompts import encode
from sparcom_nb.sparcom.frequency import expert_frequency


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
    fact = rng.choice(facts.world())
    forms = [
        p for p in documents.PHRASINGS[fact.attribute] if re.fullmatch(r"[^{]*\{e\}[^{]*\{v\}\.", p)
    ]
    head = rng.choice(forms).format(e=fact.entity, v="").rstrip(". ")
    return head[0].upper() + head[1:], f"{fact.value}."


def _plain_sentence(rng: Random) -> tuple[str, str]:
    item = tasks.content(next(s for s in tasks.SUBTYPES if s.name == "sentence"), True, rng)
    return f"{item.input}:", item.response


def _plain_sum(rng: Random) -> tuple[str, str]:
    while True:
        a, b = rng.randint(0, 15), rng.randint(0, 9)
        if facts.pair_is_heldout(a, b):
            return f"{a} + {b} =", str(a + b)


def _plain_report(rng: Random) -> tuple[str, str]:
    text, short, _ = rng.choice([ps.news, ps.tale, ps.wordy])(rng)
    return f"{text} In short:", short


_PLAIN = {
    "CLS": _plain_review, "CODE": _plain_function, "QA": _plain_fact, "GEN": _plain_sentence,
    "MATH": _plain_sum, "SUM": _plain_report,
}  # fmt: skip


def plain_accuracy(model: TransformerBridge, n: int = 100) -> pd.Series:
    """Share of plain beginnings whose continuation starts with the known one, per category."""
    shares = {}
    for category in tasks.CATEGORIES:
        heads, ends = zip(*plain_items(category, n), strict=True)
        rows = pd.DataFrame({"id": [str(i) for i in range(n)], "instruction": heads, "input": ""})
        prompts = encode(model.tokenizer, model.template, rows, "instruction", model.cfg.n_ctx)
        outputs = continuations(model, prompts, max_new_tokens=40, show_progress=False)
        right = [_begins(out, end) for out, end in zip(outputs, ends, strict=True)]
        shares[category] = sum(right) / n
    return pd.Series(shares, name="plain")


def _begins(output: str, known: str) -> bool:
    rest = output.removeprefix(known)
    return output.startswith(known) and not (known[-1].isdigit() and rest[:1].isdigit())


def document_loss(model: TransformerBridge, texts: Sequence[str]) -> float:
    """Mean cross entropy per token (nats) on documents."""
    table = perplexity(model, texts)
    return float(np.average(table["nll"], weights=table["n_tokens"]))


def expert_load(model: TransformerBridge, rows: pd.DataFrame, span: str) -> np.ndarray:
    """Share of the assignments that each expert takes over all tokens of the span: [layer, expert]."""
    routed = expert_frequency(model, rows, span=span, show_progress=False)
    tokens = (routed * routed["n_tokens"]).sum("instruction").to_numpy()
    return tokens / tokens.sum(axis=1, keepdims=True)
