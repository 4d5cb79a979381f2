"""The capture pass against a plain loop: one prompt, one Hugging Face forward, no shared helpers."""

import numpy as np
import pytest
import torch
import xarray as xr
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.model import capture as capture_module
from sparcom_nb.model.capture import PositiveCounts, capture

DENSE = ["llama", "gpt2"]  # the zoo has all of them
PARTS = {  # hidden layer of the FFN in plain Hugging Face names: (layers, activation, down projection)
    "llama": ("model.layers", "mlp.act_fn", "mlp.down_proj"),
    "gpt2": ("transformer.h", "mlp.act", "mlp.c_proj"),
}


def brute_force_counts(folder, parts, rows, site, span, dtype):
    """Counts [row][layer] of neurons above zero, and the smallest |value| that was judged."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager"
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    layers, activation, down = parts
    seen = []
    for layer in model.get_submodule(layers):
        if site == "post":
            layer.get_submodule(down).register_forward_pre_hook(lambda m, x: seen.append(x[0][0]))
        else:
            layer.get_submodule(activation).register_forward_hook(lambda m, x, y: seen.append(y[0]))
    counts = []
    for row in rows.to_dict("records"):
        text = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
        bos = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        if span == "instruction":
            ids = bos + tokenizer.encode(text, add_special_tokens=False)
            first = len(bos)
        elif span == "sample":
            whole = text + "\n" + row["response"]
            ids = bos + tokenizer.encode(whole, add_special_tokens=False)
            first = len(bos)
        else:
            head = "### Instruction:\n" + text + "\n\n### Response:\n"
            ids = bos + tokenizer.encode(head, add_special_tokens=False)
            first = len(ids)
            ids = ids + tokenizer.encode(row["response"], add_special_tokens=False)
        seen.clear()
        with torch.no_grad():
            model(torch.tensor([ids]))
        counts.append([(values[first:] > 0).sum(0).numpy() for values in seen])
    return np.array(counts)


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize(
    ("site", "span"), [("gate", "instruction"), ("post", "response"), ("post", "sample")]
)
def test_counts_equal_brute_force(name, site, span, load, folders, rows):
    expected = brute_force_counts(folders(name), PARTS[name], rows, site, span, torch.float64)
    assert expected.any() and (expected == 0).any()
    for side, budget in [("right", None), ("left", 200), ("right", 90)]:
        found = capture(
            load(name), rows, PositiveCounts(site), span, batch_tokens=budget, padding_side=side
        )
        np.testing.assert_array_equal(found.to_numpy(), expected)


@pytest.mark.parametrize("name", DENSE)
def test_float32_differs_from_brute_force_at_most_by_rounding(name, load, folders, rows):
    expected = brute_force_counts(
        folders(name), PARTS[name], rows, "gate", "instruction", torch.float32
    )
    found = capture(
        load(name, "float32"), rows, PositiveCounts(), "instruction", padding_side="left"
    )
    differences = np.abs(found.to_numpy().astype(int) - expected)
    assert differences.max() <= 1 and (differences > 0).mean() <= 1e-4


def test_the_comparison_catches_a_broken_count(load, folders, rows, monkeypatch):
    """A count that forgets which tokens count must not pass for right."""
    expected = brute_force_counts(
        folders("llama"), PARTS["llama"], rows, "gate", "instruction", torch.float64
    )
    real = capture_module.pad

    def padded_too(*arguments):
        batch = real(*arguments)
        return capture_module.Batch(batch.ids, batch.mask, torch.ones_like(batch.counted))

    monkeypatch.setattr(capture_module, "pad", padded_too)
    found = capture(load("llama"), rows, PositiveCounts(), "instruction")
    assert (found.to_numpy() != expected).any()


def test_order_of_rows_is_kept_and_does_not_matter(load, rows):
    found = capture(load("llama"), rows, PositiveCounts(), "instruction")
    shuffled = rows.sample(frac=1, random_state=1)
    again = capture(load("llama"), shuffled, PositiveCounts(), "instruction")
    assert list(again["instruction"].to_numpy()) == list(shuffled["id"])
    xr.testing.assert_equal(again.sel(instruction=rows["id"].to_list()), found)


def test_tapping_changes_no_logit(load):
    model = load("llama", "float32")
    ids = torch.arange(10, 30)[None]
    bare = model(ids)
    seen = []
    with sn.taps.reading(model, "gate", lambda layer, x: seen.append(layer)):
        tapped = model(ids)
    assert seen == [0, 1, 2] and torch.equal(bare, tapped)


def test_store_gives_the_same_and_is_lazy(load, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(capture_module, "_BLOCK_ROWS", 5)
    memory = capture(load("llama"), rows, PositiveCounts(), "instruction")
    stored = capture(
        load("llama"), rows, PositiveCounts(), "instruction", store=tmp_path / "a.zarr"
    )
    assert stored.chunks is not None and stored.dtype == np.uint16
    np.testing.assert_array_equal(stored.to_numpy(), memory.to_numpy())


def test_a_large_result_leaves_memory_by_itself(load, rows, monkeypatch):
    monkeypatch.setattr(capture_module, "MEMORY_BYTES", 100)
    lazy = sn.sparcom.activation_frequency(load("llama"), rows)
    monkeypatch.undo()
    assert lazy.chunks is not None
    xr.testing.assert_equal(lazy.compute(), sn.sparcom.activation_frequency(load("llama"), rows))


def harmed(how, chunk):
    whole = chunk.read_bytes()
    broken = {"flip": whole[:-1] + bytes([whole[-1] ^ 1]), "cut": whole[:-1], "empty": b""}
    chunk.write_bytes(broken[how]) if how in broken else chunk.unlink()


@pytest.mark.parametrize("harm", [None, "flip", "cut", "empty", "delete"])
def test_an_interrupted_pass_goes_on_and_ends_the_same(harm, load, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(capture_module, "_BLOCK_ROWS", 5)
    expected = capture(load("llama"), rows, PositiveCounts(), "instruction")
    real, ran = capture_module._run, []

    def dies_in_the_third_block(*arguments):
        ran.extend(prompt.id for prompt in arguments[1])
        if len(ran) > 12:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(capture_module, "_run", dies_in_the_third_block)
    with pytest.raises(KeyboardInterrupt):
        capture(load("llama"), rows, PositiveCounts(), "instruction", store=tmp_path / "b.zarr")
    first, ran[:] = list(ran), []
    if harm:
        (chunk,) = tmp_path.glob(".b.zarr.work-*/result/count/0.0.0")
        harmed(harm, chunk)
    monkeypatch.setattr(
        capture_module, "_run", lambda *a: (ran.extend(p.id for p in a[1]), real(*a))[1]
    )
    resumed = capture(
        load("llama"), rows, PositiveCounts(), "instruction", store=tmp_path / "b.zarr"
    )
    assert set(ran) == {*rows["id"][10:], *(rows["id"][:5] if harm else ())} and len(first) > 10
    np.testing.assert_array_equal(resumed.to_numpy(), expected.to_numpy())


def test_a_store_of_another_capture_is_refused(load, rows, tmp_path):
    store = tmp_path / "c.zarr"
    capture(load("llama"), rows, PositiveCounts(), "instruction", store=store)
    with pytest.raises(InputError, match="holds a result of other inputs"):
        capture(load("llama"), rows[:7], PositiveCounts(), "instruction", store=store)


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "delete"])
def test_a_damaged_chunk_is_named_and_only_its_block_made_again(
    harm, load, rows, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(capture_module, "_BLOCK_ROWS", 5)
    store = tmp_path / "d.zarr"
    capture(load("llama"), rows, PositiveCounts(), "instruction", store=store)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    chunk = store / "count" / "1.0.0"
    harmed(harm, chunk)
    real, ran = capture_module._run, []
    monkeypatch.setattr(
        capture_module, "_run", lambda *a: (ran.extend(p.id for p in a[1]), real(*a))[1]
    )
    capture(load("llama"), rows, PositiveCounts(), "instruction", store=store)
    assert "damaged, made again: count/1.0.0" in capsys.readouterr().err
    assert set(ran) == set(rows["id"][5:10])
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    ran.clear()
    capture(load("llama"), rows, PositiveCounts(), "instruction", store=store)
    assert not ran


def test_a_budget_smaller_than_a_prompt_is_said(load, rows):
    with pytest.raises(InputError, match="batch_tokens 3 is smaller than row"):
        capture(load("llama"), rows, PositiveCounts(), "instruction", batch_tokens=3)


def test_a_prompt_longer_than_the_context_is_said(load, rows):
    long = rows[:1].assign(instruction="word " * 200)
    with pytest.raises(InputError, match=r"row 'r0' has \d+ tokens, more than .* context of 128"):
        capture(load("llama"), long, PositiveCounts(), "instruction")


def test_frequency_is_counts_over_tokens(load, rows):
    counts = capture(load("gpt2"), rows, PositiveCounts(), "instruction")
    frequency = sn.sparcom.activation_frequency(load("gpt2"), rows)
    assert frequency.dims == ("instruction", "layer", "neuron")
    assert float(frequency.max()) <= 1 and frequency.dtype == np.float32
    restored = np.rint(frequency.to_numpy() * frequency["n_tokens"].to_numpy()[:, None, None])
    np.testing.assert_array_equal(restored, counts.to_numpy())


def test_a_model_without_dense_layers_is_told(load, rows):
    with pytest.raises(InputError, match="no dense layers"):
        sn.sparcom.activation_frequency(load("mixtral"), rows)
