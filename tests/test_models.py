"""Loading: names, folders, GGUF, and what is refused; every architecture proves its taps."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import sparcom_nb as sn
from sparcom_nb import sources, taps
from sparcom_nb.errors import InputError

ALL = ["llama", "qwen2", "gpt_neox", "gpt2", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe"]


@pytest.mark.parametrize("name", ALL)
def test_every_architecture_loads_frozen_and_proves_its_taps(name, load):
    model = load(name, "float32")
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert model.tokenizer.bos_token == "<s>" and model.template
    dense, sparse = taps.dense_layers(model), taps.sparse_layers(model)
    assert sorted(dense + sparse) == [0, 1, 2] and bool(sparse) == (name in ALL[4:])


@pytest.mark.parametrize("name", ALL)
def test_logits_are_those_of_hugging_face(name, load, folders):
    from transformers import AutoModelForCausalLM

    bare = AutoModelForCausalLM.from_pretrained(
        folders(name), dtype=torch.float32, attn_implementation="eager"
    ).eval()
    ids = torch.arange(7, 31).view(2, 12)
    torch.testing.assert_close(load(name, "float32")(ids), bare(ids).logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["mixtral", "olmoe", "qwen2_moe", "qwen3_moe"])
def test_our_experts_are_bit_equal_to_the_library(name, load, folders):
    from transformers import AutoModelForCausalLM

    eager = AutoModelForCausalLM.from_pretrained(
        folders(name),
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
    ).eval()
    model = load(name, "float32")
    ids = torch.arange(7, 31).view(2, 12)
    seen = []

    def tap(expert, token, gate, post):
        seen.append(expert)
        return post

    with taps.expert_taps(model, dict.fromkeys(taps.sparse_layers(model), tap)):
        tapped = model(ids)
    assert seen and torch.equal(tapped, eager(ids).logits)
    assert torch.equal(model(ids), tapped)


def test_a_dead_tap_is_refused(folders, tmp_path):
    """A model whose layer 1 writes nothing: scaling its neurons cannot change the logits."""
    for file in folders("llama").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    weights["model.layers.1.mlp.down_proj.weight"].zero_()
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="layer 1: scaling a tapped neuron does not change"):
        sn.load_model(tmp_path)


def test_values_that_are_not_finite_are_refused(folders, tmp_path):
    for file in folders("llama").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    weights["model.layers.2.mlp.gate_proj.weight"][3] = float("nan")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"layer 2: the tap gives .* not all finite"):
        sn.load_model(tmp_path)


def test_pickled_weights_are_refused_with_the_mend(folders, tmp_path):
    for file in folders("llama").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"no \.safetensors weights .*save_pretrained"):
        sn.load_model(tmp_path)


def test_a_damaged_weight_file_is_one_clear_error(folders, tmp_path):
    for file in folders("llama").iterdir():
        (tmp_path / file.name).write_bytes(
            file.read_bytes()[: 1000 if "safe" in file.name else None]
        )
    with pytest.raises(InputError, match="cannot be loaded"):
        sn.load_model(tmp_path)


WRONG = [
    ("nope", "unknown model 'nope'"),
    ("tiny-dense", "is a pair; name a member: tiny-dense/base or tiny-dense/instruct"),
    ("tiny-dense/chat", "unknown model 'tiny-dense/chat'"),
    ("someone/somemodel", "is not on this machine and the hub cannot be reached"),
]


@pytest.mark.parametrize(("name", "message"), WRONG)
def test_wrong_names_say_the_mend(name, message):
    with pytest.raises(InputError, match=message):
        sn.load_model(name)


def test_a_folder_without_a_model_and_a_wrong_file(tmp_path):
    with pytest.raises(InputError, match=r"no config\.json"):
        sn.load_model(tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"x")
    with pytest.raises(InputError, match=r"must be \.gguf"):
        sn.load_model(tmp_path / "weights.bin")


def test_the_catalogue():
    table = sn.list_pairs().set_index("name")
    assert {"tiny-dense", "tiny-moe", "smollm2", "vicuna-7b", "olmoe"} <= set(table.index)
    assert table.loc["tiny-dense", "here"] == "yes" and table.loc["olmoe", "here"] == "no"
    with pytest.raises(InputError, match="unknown pair 'tiny'"):
        sn.load_pair("tiny")


@pytest.mark.parametrize("name", ["tiny-dense", "tiny-moe"])
def test_embedded_pairs_load_and_share_a_template(name):
    pair = sn.load_pair(name)
    assert pair.kind == name.removeprefix("tiny-") and pair.data == "miniworld"
    assert pair.base.template == pair.instruct.template == pair.template
    assert pair.base.identity.weights_sha256 != pair.instruct.identity.weights_sha256


def test_a_placebo_is_the_pairs_own_the_users_or_none(folders, tmp_path, monkeypatch):
    for name in ("dense-base", "dense-instruct", "dense-placebo"):
        (tmp_path / "models" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "models" / name).symlink_to(folders("qwen2"))
    monkeypatch.setattr(sources, "shipped", lambda _: tmp_path)
    pair = sn.load_pair("tiny-dense")
    assert pair.placebo is not None and pair.placebo.template == pair.template
    assert sn.load_model("tiny-dense/placebo").identity.name == "tiny-dense/placebo"
    assert sn.list_pairs().set_index("name")["placebo"].to_dict()["tiny-dense"] == "yes"
    assert "placebo" not in pair.members
    (tmp_path / "models/dense-placebo").unlink()
    assert sn.load_pair("tiny-dense").placebo is None
    with pytest.raises(InputError, match=r"tiny-dense/placebo is not here; .* train-default --out"):
        sn.load_model("tiny-dense/placebo")
    own = sn.load_pair("tiny-dense", placebo=str(folders("llama"))).placebo
    assert own is not None and own.identity.path == folders("llama")


def test_a_pair_without_placebo_says_so(folders):
    assert sn.load_pair(f"{folders('llama')},{folders('llama')}").placebo is None
    with pytest.raises(InputError, match="smollm2 brings no placebo"):
        sn.load_model("smollm2/placebo")


def test_two_folders_make_a_pair(folders):
    pair = sn.load_pair(f"{folders('llama')},{folders('mixtral')}")
    assert pair.kind == "moe" and pair.members == ("base", "instruct")
    assert taps.dense_layers(pair.base) == [0, 1, 2]


def test_no_remote_code_is_run(folders, tmp_path):
    for file in folders("llama").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(InputError):
        sn.load_model(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_left_padding_agrees_with_none(load):
    """GPT-2 has absolute positions: they must start at the first token, not at the padding."""
    for name in ("llama", "gpt2"):
        model, seen = load(name), {}
        ids = torch.arange(20, 30)[None]
        padded = torch.cat([torch.zeros(1, 4, dtype=torch.long), ids], dim=1)
        mask = (padded > 0).long()
        with taps.reading(model, "gate", lambda n, x, seen=seen: seen.setdefault(n, []).append(x)):
            taps.forward(model, ids, torch.ones_like(ids))
            taps.forward(model, padded, mask)
        for bare, with_padding in seen.values():
            np.testing.assert_allclose(with_padding[:, 4:], bare, atol=1e-6)


def test_importing_is_quick_and_loads_nothing_heavy():
    import subprocess
    import sys
    import time

    began = time.perf_counter()
    code = "import sys, sparcom_nb; print('torch' in sys.modules, 'pandas' in sys.modules)"
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed.split() == ["False", "False"]
    assert time.perf_counter() - began < 5, "python itself included, on a busy machine"


def test_a_missing_bos_stays_missing(folders, tmp_path):
    """TransformerLens puts the end of sequence in its place, which would stand before every text."""
    folder = shutil.copytree(folders("llama"), tmp_path / "model")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config |= {"bos_token": None, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert sn.load_model(folder).tokenizer.bos_token_id is None
