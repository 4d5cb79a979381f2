"""A TransformerBridge that somebody has already gives the numbers of the same weights loaded here."""

import pytest
import torch
import xarray as xr
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.model.evaluate import loss_under
from sparcom_nb.model.sources import model_path


def booted(name):
    folder = model_path(name)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    own = AutoTokenizer.from_pretrained(folder)
    return TransformerBridge.boot_transformers(str(folder), hf_model=model, tokenizer=own)


@pytest.mark.parametrize("name", ["tiny-dense/instruct", "tiny-moe/instruct"])
def test_an_adopted_bridge_measures_as_the_loaded_model(name):
    given, loaded = booted(name), sn.load_model(name)
    model = sn.adopt(given.train(), AutoTokenizer.from_pretrained(model_path(name)))
    assert model is given and not model.training
    assert not any(p.requires_grad for p in model.parameters())
    rows = sn.limit_rows(sn.load_instructions("miniworld"), 6)
    for measure in (frequency, ablation, attribution, word_pairs):
        xr.testing.assert_allclose(measure(model, rows), measure(loaded, rows), rtol=1e-4)


def frequency(model, rows):
    dense = bool(sn.taps.dense_layers(model))
    of = sn.sparcom.activation_frequency if dense else sn.sparcom.expert_neuron_frequency
    return of(model, rows, show_progress=False).drop_attrs()


def ablation(model, rows):
    loss = loss_under(model, rows)
    off = frequency(model, rows).mean("instruction") > 0.5
    return xr.DataArray(loss(off, torch.arange(len(rows)).numpy()))


def attribution(model, rows):
    row = rows.iloc[0]
    found = sn.shift.input_attribution(model, row["instruction"], row["response"])
    return found.drop_attrs()


def word_pairs(model, rows):
    return xr.DataArray([float(q.sum() * k.std()) for _, q, k in sn.taps.attention_weights(model)])


def test_what_is_kept_of_an_adopted_bridge_is_known_by_its_weights(folders, rows, tmp_path):
    model = sn.adopt(booted(folders("llama")))
    data, store = rows.head(3), tmp_path / "kept.zarr"
    before = model.identity.weights_sha256
    sn.sparcom.activation_frequency(model, data, store=store)
    with torch.no_grad():
        next(model.parameters()).mul_(2)
    assert model.identity.weights_sha256 != before
    with pytest.raises(InputError, match="other inputs"):
        sn.sparcom.activation_frequency(model, data, store=store)


def test_what_cannot_be_adopted_is_one_clear_line(folders, tokenizer):
    llama = folders("llama")
    folded = booted(llama)
    folded.enable_compatibility_mode()
    hooked, halved, broken, mute = (booted(llama) for _ in range(4))
    mute._tokenizer = None
    hooked.add_hook("blocks.0.hook_out", lambda x, hook: x * 2)
    broken.original_model.lm_head.weight.data[0, 0] = torch.nan
    slow = type("Slow", (), {"is_fast": False})()
    for bridge, given, said in [
        (halved.original_model, None, "cannot be adopted; give a TransformerBridge"),
        ("llama", None, "a str cannot be adopted"),
        (folded, None, "compatibility mode"),
        (mute, None, "no tokenizer; give it"),
        (halved, slow, "no fast tokenizer"),
        (hooked, None, r"reset_hooks\(\)"),
        (broken, None, "not finite"),
    ]:
        with pytest.raises(InputError, match=said) as error:
            sn.adopt(bridge, given)
        assert "\n" not in str(error.value) and len(str(error.value)) <= 300
    hooked.reset_hooks()
    assert sn.adopt(hooked, tokenizer).tokenizer.bos_token == "<s>"
