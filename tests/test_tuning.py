"""Tuning a Hugging Face folder: what is trained, what is done again, what goes on."""

import json
import shutil
import sys

import pandas as pd
import pytest
import torch
import zoo
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.model import tune as tuning
from sparcom_nb.model.tune import tune


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a | b)


@pytest.fixture
def few(rows):
    return rows.iloc[:10]


@pytest.mark.parametrize("name", ["bloom", "mpt"])
def test_a_model_that_says_its_context_otherwise_or_not_can_be_tuned(
    name, tokenizer, few, tmp_path
):
    folder = zoo.save(zoo.ZOO[name].config(), tokenizer, tmp_path / "model")
    assert sn.load_model(tune(folder, few, 1, 0, tmp_path / "t", batch=4))


def brute_force_step(folder, rows, lr):
    """Weights after one AdamW step on all rows, one by one, in plain torch, and the slopes taken."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    total, count = torch.zeros(()), 0
    for row in rows.to_dict("records"):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        head = tokenizer.encode(
            "### Instruction:\n" + text + "\n\n### Response:\n", add_special_tokens=False
        )
        tail = tokenizer.encode(row["response"], add_special_tokens=False)
        tail.append(tokenizer.eos_token_id)
        ids = torch.tensor([[tokenizer.bos_token_id, *head, *tail]])
        logits = model(ids).logits[0, len(head) : -1]
        total = total + torch.nn.functional.cross_entropy(
            logits, torch.tensor(tail), reduction="sum"
        )
        count += len(tail)
    (total / count).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.01).step()
    return model.state_dict(), {name: p.grad for name, p in model.named_parameters()}


def off_by(found, expected, slopes):
    """Largest difference from the twin, and the number of weights that it leaves out.

    AdamW's first step is lr g / (|g| + 1e-8): it multiplies the rounding of a slope g, here up to
    2e-8, by lr 1e-8 / (|g| + 1e-8)**2. A slope of 7.1e-9 that is off by 2.1e-10 moves its weight by
    7.3e-6; one above 1e-6 moves it by at most 2e-7, and a weight of 1 is rounded to 6e-8 on top. So
    nothing is asked where the slope is under 1e-6 but not 0, which no order of sums alters.
    """
    told = {name: (slope == 0) | (slope.abs() > 1e-6) for name, slope in slopes.items()}
    worst = max((found[n] - expected[n])[where].abs().max().item() for n, where in told.items())
    return worst, sum(int((~where).sum()) for where in told.values())


def test_a_step_is_that_of_plain_torch_on_the_responses(folders, few, tmp_path):
    expected, slopes = brute_force_step(folders("llama"), few, 1e-3)
    out = tune(folders("llama"), few, 1, 0, tmp_path / "t", lr=1e-3, batch=len(few))
    found = weights(out)
    before = weights(folders("llama"))
    moved = [name for name in found if not torch.equal(found[name], before[name])]
    assert len(moved) == len(before) == len(slopes)
    worst, left_out = off_by(found, expected, slopes)
    assert worst <= 3e-7 and left_out <= 100  # of 48,864


def prompts_count(real):
    return lambda *a: (made := real(*a)) | {"labels": made["input_ids"]}


def no_decay(real):
    return 0.0


@pytest.mark.parametrize(
    ("name", "broken"), [("collate", prompts_count), ("WEIGHT_DECAY", no_decay)]
)
def test_the_comparison_catches_a_wrong_step(name, broken, folders, few, tmp_path, monkeypatch):
    expected, slopes = brute_force_step(folders("llama"), few, 1e-3)
    monkeypatch.setattr(tuning, name, broken(getattr(tuning, name)))
    out = tune(folders("llama"), few, 1, 0, tmp_path / "t", lr=1e-3, batch=len(few))
    assert off_by(weights(out), expected, slopes)[0] > 1e-6


def test_seed_decides_and_nothing_else(folders, rows, tmp_path):
    made = [tune(folders("gpt2"), rows, 3, seed, tmp_path / str(n), batch=4)
            for n, seed in enumerate((0, 0, 1))]  # fmt: skip
    assert same(weights(made[0]), weights(made[1]))
    assert not same(weights(made[0]), weights(made[2]))
    assert json.loads((made[0] / "manifest.json").read_text())["steps"] == 3


@pytest.mark.parametrize("n_rows", [1, 3, 24])
def test_the_number_of_steps_does_not_depend_on_the_rows(
    n_rows, folders, rows, tmp_path, monkeypatch
):
    seen = []
    real = tuning.collate
    monkeypatch.setattr(tuning, "collate", lambda *a: (seen.append(len(a[0])), real(*a))[1])
    tune(folders("llama"), rows.iloc[:n_rows], 5, 0, tmp_path / "t", batch=4)
    assert seen == [min(n_rows, 4)] * 5


def test_long_rows_take_part_as_often_as_short_ones(rows):
    items = [tuning.Prompt(str(n), tuning.array("i", [n] * (n + 1)), 0, n + 1) for n in range(10)]
    batch_of = tuning.shuffled_batches(items, 4, 0, 0)
    drawn = [n for step in range(400) for n in batch_of(step)["input_ids"][:, 0].tolist()]
    counts = pd.Series(drawn).value_counts()
    assert set(counts.index) == set(range(10)) and counts.min() > 0.7 * counts.max()


def test_what_is_there_is_not_done_again_and_other_inputs_are_refused(folders, few, tmp_path):
    out = tune(folders("llama"), few, 2, 0, tmp_path / "t", batch=4)
    written = (out / "model.safetensors").stat().st_mtime_ns
    tune(folders("llama"), few, 2, 0, tmp_path / "t", batch=4)
    assert (out / "model.safetensors").stat().st_mtime_ns == written
    for other in ((few.iloc[:9], 2, 0), (few, 3, 0), (few, 2, 1)):
        with pytest.raises(InputError, match="holds a result of other inputs"):
            tune(folders("llama"), *other, tmp_path / "t", batch=4)
    assert (out / "model.safetensors").stat().st_mtime_ns == written
    assert {path.name for path in out.iterdir()} >= {"config.json", "manifest.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_model_is_not_tuned_onto_itself(folders, few, tmp_path):
    model = shutil.copytree(folders("llama"), tmp_path / "m")
    before = weights(model)
    for out in (model, tmp_path):
        with pytest.raises(InputError, match="is or holds it; choose another place"):
            tune(model, few, 1, 0, out, batch=4)
    assert same(weights(model), before)


def dies_at(step, monkeypatch):
    real = tuning.shuffled_batches

    def batches(*arguments):
        batch_of = real(*arguments)

        def one(n):
            if n == step:
                raise KeyboardInterrupt
            return batch_of(n)

        return one

    monkeypatch.setattr(tuning, "shuffled_batches", batches)


@pytest.mark.parametrize("other", [False, True])
def test_an_interrupted_tuning_goes_on_only_for_the_same_inputs(
    other, folders, rows, tmp_path, monkeypatch
):
    monkeypatch.setattr(tuning, "CHECKPOINT_EVERY", 2)
    then = rows.iloc[1:] if other else rows
    whole = tune(folders("gpt2"), then, 6, 0, tmp_path / "whole", batch=4)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        dies_at(4, patch)
        tune(folders("gpt2"), rows, 6, 0, tmp_path / "t", batch=4)
    assert list(tmp_path.glob(".t.work-*/scratch/checkpoint-2"))
    steps = []
    collate = tuning.collate
    monkeypatch.setattr(tuning, "collate", lambda *a: (steps.append(1), collate(*a))[1])
    again = tune(folders("gpt2"), then, 6, 0, tmp_path / "t", batch=4)
    assert len(steps) == (6 if other else 4)
    assert same(weights(whole), weights(again))


def test_a_checkpoint_that_lost_weights_is_not_gone_on_from(folders, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "CHECKPOINT_EVERY", 2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        dies_at(3, patch)
        tune(folders("llama"), rows, 4, 0, tmp_path / "t", batch=4)
    (checkpoint,) = tmp_path.glob(".t.work-*/scratch/checkpoint-2")
    kept = weights(checkpoint)
    kept.pop("model.layers.1.mlp.up_proj.weight")
    save_file(kept, checkpoint / "model.safetensors", {"format": "pt"})
    again = tune(folders("llama"), rows, 4, 0, tmp_path / "t", batch=4)
    whole = tune(folders("llama"), rows, 4, 0, tmp_path / "whole", batch=4)
    assert same(weights(again), weights(whole))


def test_lora_trains_few_weights_and_ends_as_a_plain_folder(folders, rows, tmp_path):
    out = tune(folders("llama"), rows, 3, 0, tmp_path / "t", lr=1e-2, batch=4, lora=2)
    before, after = weights(folders("llama")), weights(out)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all("proj" in name for name in changed)
    for name in changed:
        assert torch.linalg.matrix_rank((after[name] - before[name]).double(), atol=1e-6) <= 2
    assert sn.load_model(out).identity.path == out


def test_interrupted_lora_goes_on(folders, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "CHECKPOINT_EVERY", 2)
    whole = tune(folders("llama"), rows, 6, 0, tmp_path / "whole", batch=4, lora=2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        dies_at(4, patch)
        tune(folders("llama"), rows, 6, 0, tmp_path / "t", batch=4, lora=2)
    again = tune(folders("llama"), rows, 6, 0, tmp_path / "t", batch=4, lora=2)
    assert same(weights(whole), weights(again))


def test_wrong_use_is_said(folders, few, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no rows to tune on"):
        tune(folders("llama"), few.iloc[:0], 1, 0, tmp_path / "t")
    with pytest.raises(InputError, match="unknown model 'nope'"):
        tune("nope", few, 1, 0, tmp_path / "t")
    with pytest.raises(InputError, match="device 'nosuch' cannot be used here"):
        tune(folders("llama"), few, 1, 0, tmp_path / "t", device="nosuch")
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(InputError, match=r"pip install 'sparcom-nb\[tune\]'"):
        tune(folders("llama"), few, 1, 0, tmp_path / "t", lora=4)


def test_lora_without_its_package_is_refused_before_anything_is_read(rows, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(InputError, match=r"pip install 'sparcom-nb\[tune\]'"):
        tune(tmp_path / "no model", rows, 1, 0, tmp_path / "t", lora=4)
