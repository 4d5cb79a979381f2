"""Figures of a trained member: right answers and loss in two frames, weight change, load of experts."""

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
from safetensors.torch import load_file

import measures as ev
from miniworld import rows, running
from sparcom_nb.model import taps
from sparcom_nb.model.evaluate import answer, token_losses
from sparcom_nb.model.load import load_model
from sparcom_nb.model.prompts import Template, encode
from sparcom_nb.rows.instructions import CATEGORIES

ITEMS, SEED = 240, 77
UNFAMILIAR = Template("### Task\n", "\n\n### Answer\n")


def measure(folder: Path, base: Path | None) -> dict[str, Any]:
    """All figures; shares are 0..1, losses nats per token, weight change a share of each matrix's norm."""
    model = load_model(folder)
    data = rows.generate(ITEMS, SEED, "heldout")
    documents = plain_documents()
    result: dict[str, Any] = {
        "natural": in_frame(model, data),
        "document_loss": ev.document_loss(model, documents),
    }
    if taps.sparse_layers(model):
        loads = ev.expert_load(model, data, "response")
        texts = pd.DataFrame({"id": range(len(documents)), "instruction": documents, "input": ""})
        texts = texts.assign(id=texts["id"].astype(str), category="GEN", subtype="text")
        result["least_load"] = [loads.min(), ev.expert_load(model, texts, "instruction").min()]
    if base:
        result["change"] = weight_change(folder, base)
    model.template = UNFAMILIAR
    result["unfamiliar"] = in_frame(model, data)
    return result


def in_frame(model: Any, data: pd.DataFrame) -> dict[str, Any]:
    """In the model's template: loss of the responses, right answers by category and sub-type."""
    prompts = encode(model.tokenizer, model.template, data, "response", model.cfg.n_ctx)
    lengths = [p.stop - p.start for p in prompts]
    judged = answer(model, data, max_new_tokens=56, show_progress=False)
    judged["correct"] = judged["correct"].astype(float)
    subtype = judged["category"] + "/" + judged["subtype"]
    return {
        "loss": float(np.average(token_losses(model, prompts), weights=lengths)),
        "right": judged["correct"].mean(),
        "category": judged.groupby("category")["correct"].mean().to_dict(),
        "subtype": judged.groupby(subtype)["correct"].mean().to_dict(),
    }


def plain_documents(n: int = 100) -> list[str]:
    """Plain documents that no training reads."""
    rng = Random("plain/heldout")
    return [running.plain(rng) for _ in range(n)]


def weight_change(folder: Path, base: Path) -> dict[str, float]:
    """Difference as a share of the base's norm: largest of all matrices, and mean of W_down."""
    new, old = (load_file(path / "model.safetensors") for path in (folder, base))
    share = {
        name: float((new[name].float() - w.float()).norm() / w.float().norm())
        for name, w in old.items()
        if w.ndim > 1
    }
    down = [v for name, v in share.items() if "down_proj" in name or ".w2" in name]
    largest = max(share, key=lambda name: share[name])
    return {"largest": share[largest], "of": largest, "down": float(np.mean(down))}  # type: ignore[dict-item]


def add(out: Path, member: str, base: Path | None) -> None:
    """Measure a member, once, and write the table of all members anew."""
    path = out / "figures.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    if member not in known:
        known[member] = measure(out / member, base)
        path.write_text(json.dumps(known, indent=1, default=float) + "\n")
    (out / "FIGURES.md").write_text(table(known))


def table(known: dict[str, dict]) -> str:
    """Markdown: a row a member."""
    head = [
        "member",
        "frame",
        "right",
        *CATEGORIES,
        "loss",
        "documents",
        "change (largest, down)",
        "least load",
    ]
    lines = [f"{ITEMS} held-out requests, seed {SEED}.\n", _row(head), "|" + "---|" * len(head)]
    for member, found in known.items():
        for frame in ("natural", "unfamiliar"):
            f = found[frame]
            change = found.get("change", {})
            lines.append(
                _row(
                    [
                        member,
                        frame,
                        f"{f['right']:.2f}",
                        *(f"{f['category'][c]:.2f}" for c in CATEGORIES),
                        f"{f['loss']:.2f}",
                        f"{found['document_loss']:.3f}",
                        f"{change['largest']:.3f}, {change['down']:.3f}" if change else "",
                        ", ".join(f"{x:.3f}" for x in found.get("least_load", [])),
                    ]
                )
            )
    lines += ["\nRight answers by sub-type in the natural frame:\n"]
    lines += [_row(["sub-type", *known]), "|" + "---|" * (len(known) + 1)]
    for name in next(iter(known.values()))["natural"]["subtype"]:
        cells = [f"{found['natural']['subtype'][name]:.2f}" for found in known.values()]
        lines.append(_row([name, *cells]))
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
