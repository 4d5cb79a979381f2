"""Loading: names, folders, GGUF, and what is refused; every architecture proves its taps."""

import json
import shutil

import numpy as np
import pytest
import torch
from bad_input import MENDS
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.model import sources, taps

ALL = ["llama", "qwen2", "gpt_neox", "gpt2", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe"]


@pytest.mark.parametrize("name", ALL)
def test_every_architecture_loads_frozen_and_proves_its_taps(name, load):
    model = load(name, "float32")
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert model.tokenizer.bos_token == "<s>" and model.template
    dense, sparse = taps.dense_layers(model), taps.sparse_layers(model)
    assert sorted(dense + sparse) == [0, 1, 2] and bool(sparse) == (name in ALL[4:])


@pytest.mark.parametrize("name", ["gpt2", "qwen2_moe"])  # the zoo has all of them
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


def copied(folder, out):
    """A copy of a model's folder to damage."""
    return shutil.copytree(folder, out / "m")


def changed(folder, change):
    """Change the weights of a folder."""
    weights = load_file(folder / "model.safetensors")
    save_file(change(weights), folder / "model.safetensors", {"format": "pt"})


def config(folder, **values):
    """Change the configuration of a folder."""
    told = json.loads((folder / "config.json").read_text()) | values
    (folder / "config.json").write_text(json.dumps(told))


def refused(folder, said):
    with pytest.raises(InputError, match=said) as error:
        sn.load_model(folder)
    assert len(str(error.value)) <= 300 and "\n" not in str(error.value)
    assert MENDS.search(str(error.value)), error.value


def _not_a_number(weights):
    weights["model.layers.2.mlp.gate_proj.weight"][3] = float("nan")
    return weights


GATE = "model.layers.2.mlp.gate_proj.weight"
WEIGHTS = {
    "prefix": (lambda w: {f"module.{k}": v for k, v in w.items()}, r"30 missing .* 30 left over"),
    "compiled": (lambda w: {f"_orig_mod.{k}": v for k, v in w.items()}, r"30 missing .* 30 left"),
    "one missing": (lambda w: {k: w[k] for k in w if k != GATE}, r"1 missing \(.*2.mlp.gate_proj"),
    "head missing": (lambda w: {k: w[k] for k in w if "lm_head" not in k}, r"1 missing \(lm_head"),
    "layer missing": (lambda w: {k: w[k] for k in w if ".2." not in k}, r"9 missing \("),
    "one left over": (lambda w: w | {"extra": w[GATE].clone()}, r"1 left over \(extra\)"),
    "another shape": (
        lambda w: w | {GATE: w[GATE][:8].clone()},
        r"1 of another shape \(.*gate_proj",
    ),
    "not a number": (_not_a_number, r"32 of 1,536 numbers of model.layers.2.*gate_proj"),
}
SIZES = [
    ({"num_hidden_layers": 4}, "9 missing"),
    ({"num_hidden_layers": 2}, "9 left over"),
    ({"vocab_size": 401}, "2 of another shape"),
    ({"hidden_size": 64}, "of another shape"),
    ({"model_type": "qwen2"}, "9 missing"),
]


@pytest.mark.parametrize(("change", "said"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_are_not_those_of_the_model_are_counted_and_named(
    change, said, folders, rows, tmp_path
):
    folder = copied(folders("llama"), tmp_path)
    changed(folder, change)
    refused(folder, said)
    if "shape" in said:
        with pytest.raises(InputError, match=said):
            sn.tune(folder, rows, 1, 0, tmp_path / "tuned")


@pytest.mark.parametrize(("values", "said"), SIZES)
def test_a_configuration_of_another_size_is_refused(values, said, folders, tmp_path):
    folder = copied(folders("llama"), tmp_path)
    config(folder, **values)
    refused(folder, said)


def test_a_tied_head_need_not_be_there(tokenizer, tmp_path):
    from transformers import AutoModelForCausalLM, Qwen2Config

    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 400}
    model = AutoModelForCausalLM.from_config(
        Qwen2Config(**small, **heads, tie_word_embeddings=True)
    )
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")
    assert sn.load_model(tmp_path)


class Evil:
    """What runs when a pickle of it is loaded."""

    ran: str

    def __reduce__(self):
        return (open, (self.ran, "w"))


def _evil(folder, name):
    evil = Evil()
    evil.ran = str(folder / "ran")
    torch.save({"x": evil}, folder / name)


def _index(folder, *shards):
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    told = {"metadata": {}, "weight_map": {f"w{n}": shard for n, shard in enumerate(shards)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(told))


PICKLES = {
    "only a pickle": (
        lambda d: (d / "model.safetensors").unlink(),
        r"no \.safetensors .*save_pretr",
    ),
    "an index of pickles": (lambda d: _index(d, "pytorch_model.bin"), "1 of the 1 weight files"),
    "a shard elsewhere": (lambda d: _index(d, "../m/other.safetensors"), "1 of the 1 weight files"),
    "a shard missing": (
        lambda d: _index(d, "other.safetensors", "b.safetensors"),
        "1 of the 2 .*b.s",
    ),
    "no index": (
        lambda d: (d / "model.safetensors").rename(d / "x.safetensors"),
        "neither model.safetensors nor",
    ),
    "named by the configuration": (
        lambda d: config(d, transformers_weights="adapter_model.bin"),
        "transformers_weights",
    ),
    "an adapter": (lambda d: (d / "adapter_config.json").write_text("{}"), "merge_and_unload"),
    "cut": (
        lambda d: (d / "model.safetensors").write_bytes(
            (d / "model.safetensors").read_bytes()[:-9]
        ),
        "model.safetensors is damaged",
    ),
    "empty": (lambda d: (d / "model.safetensors").write_bytes(b""), "model.safetensors is damaged"),
    "no header": (lambda d: (d / "model.safetensors").write_bytes(b"x" * 99), "is damaged"),
}


@pytest.mark.parametrize(("change", "said"), PICKLES.values(), ids=PICKLES)
def test_only_whole_safetensors_are_read(change, said, folders, tmp_path):
    folder = copied(folders("llama"), tmp_path)
    for name in ("pytorch_model.bin", "adapter_model.bin", "model.pt", "w.bin"):
        _evil(folder, name)
    if "damaged" in said:
        assert sn.load_model(folder)  # they lie there, and nobody looks
    change(folder)
    refused(folder, said)
    assert not (folder / "ran").exists()


def _tokenizer(folder, **values):
    told = json.loads((folder / "tokenizer_config.json").read_text()) | values
    (folder / "tokenizer_config.json").write_text(json.dumps(told))


BROKEN = {
    "no JSON": (
        lambda d: (d / "config.json").write_text("{,"),
        "config.json cannot be read as JSON",
    ),
    "not UTF-8": (
        lambda d: (d / "config.json").write_bytes(b"\xff\xfe{"),
        "cannot be read as JSON",
    ),
    "a list": (lambda d: (d / "config.json").write_text("[]"), "config.json holds a list"),
    "no type": (lambda d: config(d, model_type=None), "'None' is not supported .*supported: Llama"),
    "unknown type": (lambda d: config(d, model_type="evil"), "'evil' is not supported .*Llama"),
    "a type that is a list": (lambda d: config(d, model_type=["llama"]), "is not supported"),
    "no language model": (lambda d: config(d, model_type="vit"), "vit is not supported .*Llama"),
    "text for a number": (lambda d: config(d, num_hidden_layers="three"), "cannot be loaded"),
    "no heads": (lambda d: config(d, num_attention_heads=0), "cannot be loaded"),
    "unknown activation": (lambda d: config(d, hidden_act="nosuch"), "cannot be loaded"),
    "no tokenizer": (
        lambda d: [f.unlink() for f in d.glob("token*")],
        "cannot be loaded|tokenizer",
    ),
    "half a tokenizer": (
        lambda d: (d / "tokenizer.json").write_bytes((d / "tokenizer.json").read_bytes()[:999]),
        "cannot be loaded",
    ),
    "an empty tokenizer": (lambda d: (d / "tokenizer.json").write_text("{}"), "cannot be loaded"),
    "an unknown tokenizer": (lambda d: _tokenizer(d, tokenizer_class=7), "cannot be loaded"),
}
for packed in ("bitsandbytes", "gptq", "awq", "compressed-tensors", "torchao", "fp8", "nosuch"):
    how = {"quant_method": packed}
    BROKEN[packed] = (
        lambda d, how=how: config(d, quantization_config=how),
        rf"quantised \({packed}\)",
    )


@pytest.mark.parametrize(("change", "said"), BROKEN.values(), ids=BROKEN)
def test_whatever_a_library_says_is_one_line(change, said, folders, tmp_path):
    folder = copied(folders("llama"), tmp_path)
    change(folder)
    refused(folder, said)


@pytest.mark.parametrize("device", ["nosuch", "cuda:99", "meta", "cpu:x", ""])
def test_a_device_that_there_is_not(device, folders):
    with pytest.raises(
        InputError, match=r"unknown device|cannot be used here .* take auto, cpu"
    ) as error:
        sn.load_model(folders("llama"), device=device)
    assert len(str(error.value)) <= 300 and "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", ["nosuch", "int8", "float8_e4m3fn", "Tensor", ""])
def test_a_dtype_that_is_none(dtype, folders):
    with pytest.raises(InputError, match=r"unknown dtype .* use one of auto, float32"):
        sn.load_model(folders("llama"), dtype=dtype)


def test_a_torch_dtype_is_one(folders):
    assert sn.load_model(folders("llama"), dtype=torch.float64).cfg.dtype == torch.float64


def test_an_architecture_that_cannot_be_looked_into_names_those_that_can(tokenizer, tmp_path):
    from transformers import AutoModelForCausalLM, MambaConfig

    small = {"vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}
    AutoModelForCausalLM.from_config(MambaConfig(**small)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    refused(tmp_path, r"MambaForCausalLM is not supported .* supported: Llama.* \(docs/models.md\)")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "two\nlines", "d/" * 3000])
def test_a_name_that_no_file_can_have(name):
    with pytest.raises(InputError):
        sn.load_model(name)


def test_a_padding_token_beyond_the_embedding_does_not_matter(folders, rows, tmp_path):
    folder = copied(folders("llama"), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["[the last that the model has]"])
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.add_tokens(["[beyond]"])
    tokenizer.save_pretrained(folder)
    assert tokenizer.pad_token_id == 400
    plain, padded = (
        sn.sparcom.activation_frequency(sn.load_model(f), rows, show_progress=False)
        for f in (folders("llama"), folder)
    )
    np.testing.assert_array_equal(plain, padded)
    sn.tune(folder, rows, 1, 0, tmp_path / "tuned")
    model = sn.load_model(folder)
    sn.shift.input_attribution(model, "What is [PAD]?", "It is.")  # as it is written
    own = rows.assign(instruction="What is [beyond]?")
    with pytest.raises(InputError, match=r"row 'r0' has the token '\[beyond\]' \(id 401\)"):
        sn.sparcom.activation_frequency(model, own, show_progress=False)
    with pytest.raises(InputError, match=r"the token '\[beyond\]' \(id 401\)"):
        sn.shift.input_attribution(model, "What is [beyond]?", "It is.")


def test_the_tokenizer_is_that_of_the_folder(folders, load):
    """TransformerLens loads another, which puts a BOS before every text, and adds tokens to it."""
    plain, own = AutoTokenizer.from_pretrained(folders("llama")), load("llama", "float32").tokenizer
    assert own("Name the sky.").input_ids == plain("Name the sky.").input_ids
    assert len(own) == len(plain) and load("llama", "float32").cfg.d_vocab == 400


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


def test_a_model_is_told_by_its_weights_and_by_how_they_are_read(folders, tmp_path):
    folder = shutil.copytree(folders("llama"), tmp_path / "m")
    before = sources.Identity("m", folder).hashes
    assert list(before) == ["weights_sha256", "settings_sha256"]
    (folder / "README.md").write_text("of no matter")
    assert sources.Identity("other", folder).hashes == before
    for name in ("config.json", "generation_config.json", "tokenizer.json"):
        text = (folder / name).read_text()
        (folder / name).write_text(text + " ")
        found = sources.Identity("m", folder).hashes
        assert [found[n] == before[n] for n in before] == [True, False], name
        (folder / name).write_text(text)
    assert sources.Identity("m", folder).hashes == before
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    found = sources.Identity("m", folder).hashes
    assert [found[n] == before[n] for n in before] == [False, True]


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
    with pytest.raises(InputError, match=r"tiny-dense/placebo is not here; .* make models OUT="):
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
        model, seen = load(name, "float32"), {}
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


def _tensors(change):
    """Write changed tensors in place of a folder's own."""

    def apply(folder):
        from safetensors.torch import load_file, save_file

        file = folder / "model.safetensors"
        save_file(change(load_file(file)), file, {"format": "pt"})

    return apply


def _gap(held):
    return {key.replace(".experts.3.", ".experts.8."): value for key, value in held.items()}


def _whole_numbers(held):
    return {k: v.to(torch.int8) if "up_proj" in k else v for k, v in held.items()}


def _two_heads(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))


def _twice(folder):
    from safetensors.torch import load_file, save_file

    held = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(held)
    save_file(held, folder / "a.safetensors", {"format": "pt"})
    save_file({names[0]: held[names[0]] + 1}, folder / "b.safetensors", {"format": "pt"})
    index = {"weight_map": dict.fromkeys(names, "a.safetensors") | {"x": "b.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("mixtral", _tensors(_gap), "lacks .* of expert 3"),
        ("llama", _tensors(_whole_numbers), "stored as I8"),
        ("llama", _two_heads, "tie_word_embeddings"),
        ("llama", _twice, "stands in two weight files"),
    ],
)
def test_files_that_contradict_themselves_are_refused(name, change, said, folders, tmp_path):
    folder = copied(folders(name), tmp_path)
    change(folder)
    refused(folder, said)


def test_a_model_is_known_by_the_files_that_are_read(folders, tmp_path):
    folder = copied(folders("llama"), tmp_path)
    known = sources.Identity("m", folder).hashes
    for name in ("README.md", "my config.json", "config.json.bak", "old-tokenizer.json", "a.txt",
                 "generation.txt", "vocab.json.gz", "training.json"):  # fmt: skip
        (folder / name).write_text("x")
    (folder / "a.model").mkdir()
    assert sources.Identity("m", folder).hashes == known
    for name in (
        "vocab.txt",
        "merges.txt",
        "chat_template.jinja",
        "spiece.model",
        "added_tokens.json",
    ):
        (folder / name).write_text("x")
        told = sources.Identity("m", folder).hashes
        (folder / name).unlink()
        assert told != known
    config(folder, bos_token_id=7)
    assert sources.Identity("m", folder).hashes != known
