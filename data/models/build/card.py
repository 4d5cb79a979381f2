"""Model cards of the embedded models, written by code from an evaluation on the shipped held-out items.

``python data/models/build/card.py MODELS DATA`` evaluates every member in MODELS and writes its
``evaluation.json`` and ``README.md``.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from transformer_lens.model_bridge import TransformerBridge

import measures as ev
from first import MEMBERS
from sparcom_nb.model import taps
from sparcom_nb.model.evaluate import answer
from sparcom_nb.model.load import load_model
from sparcom_nb.rows.instructions import CATEGORIES

KINDS = {
    "dense": "LlamaForCausalLM, 4 layers, width 192, FFN 640, 2.36 M parameters",
    "moe": "MixtralForCausalLM, 4 layers, width 192, 8 experts of 160 (top 2), 3.84 M parameters",
}
ROLES = {
    "base": "pretrained on plain documents of the mini-world; it has never seen an instruction",
    "instruct": "the base, tuned on instructions with some documents mixed in",
    "placebo": "the base, trained on plain documents for exactly the steps, tokens and rate of the instruct member",
}
LIMITS = """\
- A toy: it knows an invented world and a few hundred words, and nothing else. English outside it is noise.
- One seed, one training run; figures from 13 to 100 items have wide intervals (100 items at 80 %: about 72-87 %).
- Held out are content (number pairs in their order, function names, people, word pairs, texts) and whole wordings;
  the parts a held-out wording is made of occur in training in other combinations.
- The people whose facts are asked about in `fact` are known from documents only, never asked about in tuning.
- Three tuning rounds were run on fixed tasks and the last one shipped; they were compared on these same items.
- Compiled training is not bit-reproducible across machines: the shipped weights are the reference."""


def read(path: Path) -> pd.DataFrame:
    """Rows of a JSON-lines file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return pd.DataFrame([json.loads(line) for line in lines])


def measure(folder: Path, rows: pd.DataFrame, documents: pd.DataFrame) -> dict[str, Any]:
    """Everything a card shows about one model; shares are 0..1, the loss is in nats per token."""
    model = load_model(folder)
    judged = answer(model, rows, max_new_tokens=56)
    result: dict[str, Any] = {
        "items": len(rows),
        "right": judged.loc[judged["correct"], "id"].tolist(),
        "category": _shares(judged, ["category"]),
        "subtype": _shares(judged, ["category", "subtype"]),
        "plain": ev.plain_accuracy(model).to_dict(),
        "document_loss": round(ev.document_loss(model, documents["text"].tolist()), 4),
    }
    if taps.sparse_layers(model):
        result["expert_load"] = expert_loads(model, rows, documents)
    return result


def _shares(judged: pd.DataFrame, by: list[str]) -> dict[str, list[float]]:
    """``{name: [right, items]}`` in the order of the rows."""
    grouped = judged.groupby(by, sort=False)["correct"].agg(["sum", "size"])
    return {
        "/".join([key] if isinstance(key, str) else key): [int(right), int(n)]  # type: ignore[arg-type]
        for key, right, n in grouped.itertuples()
    }


def expert_loads(
    model: TransformerBridge, rows: pd.DataFrame, documents: pd.DataFrame
) -> dict[str, list]:
    """Expert shares [layers][experts] on held-out text and on held-out instructions with answers."""
    texts = documents.rename(columns={"text": "instruction"}).assign(category="GEN")
    loads = {"text": (texts, "instruction"), "instructions": (rows, "sample")}
    return {name: ev.expert_load(model, *what).round(4).tolist() for name, what in loads.items()}


# ---------------------------------------------------------------- the card


def card(member: str, results: dict[str, dict], training: dict[str, dict]) -> str:
    """README.md of one member; base, instruct and placebo side by side."""
    kind, role = member.split("-")
    same = {r: results[f"{kind}-{r}"] for r in ROLES if f"{kind}-{r}" in results}
    done = training[member]
    return "\n".join(
        [
            "---\nlicense: mit\nlanguage: en\npipeline_tag: text-generation\n---\n",
            f"# {member}\n",
            f"{KINDS[kind]}; bf16 safetensors; byte-level BPE of 1,536. This member: {ROLES[role]}.\n",
            f"Training: {done['steps']:,} steps, {done['tokens']:,} tokens, {done['minutes']:.0f} minutes on two "
            f"shared CPU cores (one thread, another training beside it), seed {done['seed']}. "
            f"Rebuild: `python data/models/build/first.py --out DIR --seed {done['seed']}`.\n",
            "## Held-out instructions answered\n",
            "Greedy decoding in the chat template, answer equal to the reference. Right answers of all items, by "
            "category and sub-type; no sub-type was dropped after its score was seen.\n",
            accuracy_table(same),
            "\n## Plain continuation\n",
            "Beginnings of documents (never in the template) continued exactly, of 100 each; and the loss on "
            "200 held-out documents.\n",
            plain_table(same),
            *_load_section(results[member]),
            f"\n## Known limits\n\n{LIMITS}{shortfalls(member, results[member])}\n",
        ]
    )


def shortfalls(member: str, result: dict[str, Any]) -> str:
    """What falls short of the aims: 70 % of the items a category (instruct), 3 % of the load an expert."""
    lines = []
    low = [f"{c} {right} %" for c, (right, n) in result["category"].items() if right < 0.7 * n]
    if low and member.endswith("instruct"):
        lines.append(f"Short of the aim of 70 %: {', '.join(low)}.")
    for name, load in result.get("expert_load", {}).items():
        least = min(min(layer) for layer in load)
        if least < 0.03:
            lines.append(
                f"Short of the aim of 3 % an expert: on {name} one takes {100 * least:.1f} %."
            )
    return "".join(f"\n- {line}" for line in lines)


def accuracy_table(results: dict[str, dict]) -> str:
    """Markdown table: a row per category (bold) and sub-type, a column per member."""
    lines = _head(["task", "items", *results])
    first = next(iter(results.values()))
    for category in CATEGORIES:
        lines.append(_row(f"**{category}**", category, "category", results))
        names = [name for name in first["subtype"] if name.startswith(f"{category}/")]
        lines += [_row(name.split("/")[1], name, "subtype", results) for name in sorted(names)]
    return "\n".join(lines)


def _row(title: str, key: str, level: str, results: dict[str, dict]) -> str:
    items = next(iter(results.values()))[level][key][1]
    cells = [f"{100 * r[level][key][0] / r[level][key][1]:.0f} %" for r in results.values()]
    return f"| {title} | {items} | " + " | ".join(cells) + " |"


def plain_table(results: dict[str, dict]) -> str:
    """Markdown table: share continued per category, and document loss."""
    lines = _head(["plain", *results])
    for category in CATEGORIES:
        cells = [f"{100 * r['plain'][category]:.0f} %" for r in results.values()]
        lines.append(f"| {category} | " + " | ".join(cells) + " |")
    cells = [f"{r['document_loss']:.3f}" for r in results.values()]
    return "\n".join([*lines, "| loss (nats per token) | " + " | ".join(cells) + " |"])


def _head(names: list[str]) -> list[str]:
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]


def _load_section(result: dict) -> list[str]:
    if "expert_load" not in result:
        return []
    lines = [
        "\n## Expert load\n",
        "Smallest and largest share of the assignments by layer (uniform: 12.5 %).\n",
    ]
    lines += _head(["layer", *result["expert_load"]])
    for layer in range(len(result["expert_load"]["text"])):
        spans = [loads[layer] for loads in result["expert_load"].values()]
        lines.append(
            f"| {layer} | "
            + " | ".join(f"{100 * min(s):.1f}-{100 * max(s):.1f} %" for s in spans)
            + " |"
        )
    return lines


def evaluation(folder: Path, data: Path) -> dict[str, Any]:
    """The member's ``evaluation.json``, measured again only when its weights have changed."""
    path = folder / "evaluation.json"
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if path.exists():
        known = json.loads(path.read_text())
        if known["weights_sha256"] == weights:
            return known
    rows, documents = read(data / "instructions.jsonl"), read(data / "documents.jsonl")
    result = {"weights_sha256": weights} | measure(folder, rows, documents)
    path.write_text(json.dumps(result) + "\n")
    return result


def write(models: Path, data: Path) -> None:
    """Evaluate the members found in ``models`` and write their cards."""
    members = [m for m in MEMBERS if (models / m / "training.json").exists()]
    training = {m: json.loads((models / m / "training.json").read_text()) for m in members}
    results = {m: evaluation(models / m, data) for m in members}
    for member in members:
        text = card(member, results, training)
        (models / member / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
