"""The training routine on tiny models: resume, balance, encoding, Muon, the whole chain."""

import json
import subprocess
import sys
from array import array
from functools import partial
from itertools import chain, pairwise

import numpy as np
import pandas as pd
import pytest
import torch

import first
from muon import muon, orthogonalized
from sparcom_nb.model.prompts import Prompt
from sparcom_nb.model.tune import IGNORED, collate, examples, shuffled_batches, tune
from tasks import generate
from training import Recipe, adamw, balance_loss, fit, losses_of


@pytest.fixture(scope="module")
def tokenizer():
    return first.build_tokenizer(n=800)


def tiny(kind):
    torch.manual_seed(0)
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
        MixtralConfig,
        MixtralForCausalLM,
    )

    common = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
              "num_key_value_heads": 2, "intermediate_size": 8, "tie_word_embeddings": True}  # fmt: skip
    if kind == "dense":
        return LlamaForCausalLM(LlamaConfig(**common))
    if kind == "dropout":
        return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2))
    return MixtralForCausalLM(MixtralConfig(num_local_experts=4, num_experts_per_tok=2, **common))


def batches():
    tokens = np.random.default_rng(0).integers(3, 50, 4_000).astype(np.uint16)
    return first.packed_batches(tokens, 2, 16)


def interrupted(batch_of, at):
    """The same batches until step ``at``, which is never reached."""

    def one(step):
        if step == at:
            raise KeyboardInterrupt
        return batch_of(step)

    return one


@pytest.mark.parametrize("kind", ["dense", "moe", "dropout"])
@pytest.mark.parametrize("optimizer", [adamw, muon])
def test_resumed_equals_uninterrupted(kind, optimizer, tmp_path):
    recipe = Recipe(steps=8, lr=1e-2, warmup=2, decay=0.5, checkpoint_every=3)
    run = partial(fit, recipe=recipe, optimizer=optimizer)
    whole = tiny(kind)
    if kind == "dropout":
        assert whole.config.resid_pdrop > 0
    run(whole, batches(), folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tiny(kind), interrupted(batches(), 6), folder=tmp_path / "parts")
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["checkpoint-3"]
    (tmp_path / "parts" / "checkpoint-5").mkdir()  # begun, never finished
    again, seen = tiny(kind), []
    done = run(
        again, lambda step: (seen.append(step), batches()(step))[1], folder=tmp_path / "parts"
    )
    assert seen == [3, 4, 5, 6, 7]
    assert done["steps"] == 8 and done["tokens"] == 8 * 32
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(next(whole.parameters()), next(tiny(kind).parameters()))


def test_rate_warms_up_stays_and_falls_to_zero():
    recipe = Recipe(steps=100, lr=3.0, warmup=10, decay=0.5)
    rates = [recipe.share(step) for step in range(101)]
    assert rates[0] == 0.1 and set(rates[10:50]) == {1.0} and rates[75] == 0.5 and rates[100] == 0
    assert all(a >= b for a, b in pairwise(rates[10:]))


def test_balance_is_one_when_even_and_grows_with_collapse():
    torch.manual_seed(0)
    assert balance_loss(torch.randn(20_000, 8) * 1e-3, 2).item() == pytest.approx(1, abs=0.02)
    collapsed = torch.zeros(100, 8)
    collapsed[:, :2] = 20
    assert balance_loss(collapsed, 2).item() == pytest.approx(4, abs=1e-3)


def test_balance_is_per_layer_and_blind_to_pads():
    model = tiny("moe")
    ids = torch.randint(3, 50, (2, 6))
    whole = {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
    padded = collate([prompt(row.tolist()) for row in ids], 0)
    padded = {
        k: torch.nn.functional.pad(v, (0, 4), value=IGNORED if k == "labels" else 0)
        for k, v in padded.items()
    }
    a, b = losses_of(model, whole), losses_of(model, padded)
    torch.testing.assert_close(a, b)
    out = model(ids, output_router_logits=True)
    torch.testing.assert_close(
        a[1], torch.stack([balance_loss(r, 2) for r in out.router_logits]).mean()
    )


def test_muon_directions_are_nearly_orthogonal():
    torch.manual_seed(0)
    for shape in [(12, 30), (30, 12), (3, 16, 8)]:
        singular = torch.linalg.svdvals(orthogonalized(torch.randn(shape)))
        assert singular.min() > 0.6 and singular.max() < 1.3


def prompt(ids, start=0):
    return Prompt("x", array("i", ids), start, len(ids))


def test_prompt_and_response_are_encoded_apart(tokenizer):
    row = {"id": "1", "instruction": "Name the colour .", "input": "a red cup", "response": "red"}
    (item,) = examples(tokenizer, pd.DataFrame([row]), 64)
    ids, length = item.ids.tolist(), item.start
    assert (
        tokenizer.decode(ids[1:length]).strip()
        == "### Task\nName the colour .\na red cup\n\n### Answer"
    )
    assert ids[0] == tokenizer.bos_token_id and ids[-1] == tokenizer.eos_token_id
    assert ids[length:-1] == tokenizer("red", add_special_tokens=False)["input_ids"]
    batch = collate([item, prompt(ids[:3], 2)], 0)
    assert (
        batch["labels"][0, :length].eq(IGNORED).all()
        and batch["labels"][0, length:].tolist() == ids[length:]
    )
    assert (
        batch["labels"][1].tolist()[:3] == [IGNORED, IGNORED, ids[2]]
        and batch["attention_mask"][1].sum() == 3
    )


def test_digits_stand_alone_and_text_survives(tokenizer):
    text = "Anna has 23 cups. 3 + 14 = 17\nitems[1]"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == f" {text}"
    pieces = tokenizer.convert_ids_to_tokens(
        tokenizer("1234567890", add_special_tokens=False)["input_ids"]
    )
    assert [p for p in pieces if p != "Ġ"] == list("1234567890")


def test_every_item_is_used_once_a_pass():
    items = [prompt([i, i, 0][: 1 + i % 3]) for i in range(12)]
    batch_of = shuffled_batches(items, 4, 0, 0)
    seen = [
        sorted(batch_of(step)["input_ids"][:, 0].tolist() for step in range(p, p + 3))
        for p in (0, 3)
    ]
    passes = [list(chain(*part)) for part in seen]
    assert all(sorted(part) == list(range(12)) for part in passes) and passes[0] != passes[1]


def test_placebo_has_the_lengths_of_the_instruct_items(tokenizer):
    instruct, placebo = (first.tuning_items(tokenizer, 0, flag, n=60) for flag in (False, True))
    assert [len(item.ids) for item in instruct] == [len(item.ids) for item in placebo]
    assert all(item.start == 0 for item in placebo) and instruct[59:] == placebo[59:]


def test_whole_chain_and_tune(tmp_path, monkeypatch):
    monkeypatch.setattr(first, "ROWS", 2)
    monkeypatch.setattr(first, "TOKENS_PER_ROW", 32)
    build = first.build_tokenizer
    monkeypatch.setattr(first, "build_tokenizer", lambda seed: build(seed, 800))
    first.train(tmp_path, members=["dense-base", "dense-instruct"], scale=0.001)
    record = json.loads((tmp_path / "dense-instruct" / "training.json").read_text())
    assert record["steps"] == 2 and record["tokens"] > 0
    before = (tmp_path / "dense-base" / "model.safetensors").stat().st_mtime_ns
    first.train(tmp_path, members=["dense-base"], scale=0.001)
    assert (tmp_path / "dense-base" / "model.safetensors").stat().st_mtime_ns == before
    out = tune(tmp_path / "dense-base", generate(20, 0), 2, 0, tmp_path / "tuned", batch=4)
    again = tune(tmp_path / "dense-base", generate(20, 0), 2, 0, tmp_path / "again", batch=4)
    weights = [(path / "model.safetensors").read_bytes() for path in (out, again)]
    assert weights[0] == weights[1]
    assert weights[0] != (tmp_path / "dense-base" / "model.safetensors").read_bytes()
    assert not list(out.rglob("*.bin")) and not list(out.rglob("*.pt"))


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match="tiny"):
        first.train(tmp_path, members=["tiny"])
    with pytest.raises(ValueError, match="no rows"):
        tune(tmp_path, generate(0, 0), 1, 0, tmp_path)


def test_members_that_came_with_the_package_are_kept_and_not_mixed_with_another_seed(tmp_path):
    (tmp_path / "dense-base").mkdir()
    (tmp_path / "dense-base" / "training.json").write_text('{"seed": 0}')
    first.train(tmp_path, seed=0, members=["dense-base"])
    with pytest.raises(ValueError, match="was trained with seed 0, not 1; choose another folder"):
        first.train(tmp_path, seed=1, members=["dense-base"])
    assert [path.name for path in tmp_path.rglob("*")] == ["dense-base", "training.json"]


@pytest.mark.parametrize(
    ("option", "word"), [(("--seed", "1"), "was trained with seed 0"), (("--device", "gpu"), "gpu")]
)
def test_the_program_refuses_wrong_use_in_one_line(option, word, tmp_path):
    (tmp_path / "dense-base").mkdir()
    (tmp_path / "dense-base" / "training.json").write_text('{"seed": 0}')
    command = [sys.executable, first.__file__, "--out", tmp_path, *option]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and word in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr and len(list(tmp_path.rglob("*"))) == 2


def test_a_member_that_was_stopped_goes_on_from_its_last_checkpoint(
    tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr(first, "build_tokenizer", lambda seed: tokenizer)
    monkeypatch.setattr(first, "BASE", Recipe(6_000, 1e-3, checkpoint_every=2))
    monkeypatch.setattr(first, "ROWS", 2)
    monkeypatch.setattr(first, "TOKENS_PER_ROW", 32)
    train = partial(first.train, members=["dense-base"], scale=0.001)
    train(tmp_path / "whole")
    packed, seen = first.packed_batches, []

    def watched(*given, stop_at=None):
        batch_of = interrupted(packed(*given), stop_at)
        return lambda step: (seen.append(step), batch_of(step))[1]

    monkeypatch.setattr(first, "packed_batches", partial(watched, stop_at=3))
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts")
    assert not (tmp_path / "parts" / "dense-base").exists()
    seen.clear()
    monkeypatch.setattr(first, "packed_batches", watched)
    train(tmp_path / "parts")
    assert seen == [2, 3, 4, 5]
    weights = [tmp_path / name / "dense-base" / "model.safetensors" for name in ("whole", "parts")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
