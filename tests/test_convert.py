"""GGUF files: the folder they become, once, to the bit; and what is refused in one line."""

import json
import threading
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from bad_input import MENDS
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.model import convert

CHATML = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}{{ '<|s|>system\nKind.\n' }}"
    "{% endif %}{{ '<|s|>' + m['role'] + '\n' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|s|>assistant\n' }}{% endif %}"
)
VOCABULARY = 400
KINDS = {"q8": gguf.GGMLQuantizationType.Q8_0, "f16": gguf.GGMLQuantizationType.F16}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARCOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(folders):
    """Folder of a tiny Qwen2, whose tensors a GGUF file holds as they are."""
    return folders("qwen2")


@pytest.fixture
def write(source, tmp_path):
    """Write a GGUF file of it; ``keep`` says which tensors, ``layers`` what the file says of them."""

    def one(
        kind="q8", keep=lambda name: True, layers=3, architecture="qwen2", extra=(), folder=source
    ):
        file = tmp_path / f"{kind}.gguf"
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        writer = gguf.GGUFWriter(file, architecture)
        writer.add_context_length(128)
        writer.add_embedding_length(32)
        writer.add_block_count(layers)
        writer.add_feed_forward_length(48)
        writer.add_head_count(4)
        writer.add_head_count_kv(2)
        writer.add_layer_norm_rms_eps(1e-6)
        writer.add_rope_freq_base(5e5)
        _add_tokenizer(writer, source)
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, 3)
        for name, weight in model.state_dict().items():
            named = names.get_name(name, try_suffixes=(".weight", ".bias"))
            if keep(named):
                _add(writer, named, weight.numpy(), KINDS[kind])
        for name, values in dict(extra).items():
            _add(writer, name, np.array(values, np.float32), KINDS[kind])
        for step in ("header", "kv_data", "tensors"):
            getattr(writer, f"write_{step}_to_file")()
        writer.close()
        return file

    return one


def _add(writer, name, values, kind):
    packable = values.ndim == 2 and values.shape[1] % 32 == 0
    if kind == gguf.GGMLQuantizationType.F16:  # numbers that half precision holds
        values = values.astype(np.float16).astype(np.float32)
    chosen = kind if packable else gguf.GGMLQuantizationType.F32
    writer.add_tensor(name, gguf.quantize(values, chosen), raw_dtype=chosen)


def _add_tokenizer(writer, source):
    told = json.loads((source / "tokenizer.json").read_text())["model"]
    tokens = sorted(told["vocab"], key=told["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens + [f"unused{n}" for n in range(VOCABULARY - len(tokens))])
    writer.add_token_types([3 if n < 3 else 1 for n in range(VOCABULARY)])
    writer.add_token_merges([" ".join(pair) for pair in told["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(2)
    writer.add_chat_template(CHATML)


@pytest.mark.parametrize(("kind", "dtype"), [("q8", "float32"), ("f16", "float16")])
def test_the_folder_is_the_file_to_the_bit(kind, dtype, write):
    file = write(kind)
    model = sn.load_model(file)
    direct = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, attn_implementation="eager"
    )
    ids = torch.arange(7, 31).view(2, 12)
    assert torch.equal(model(ids), direct.eval()(ids).logits)
    folder = model.identity.path
    assert AutoModelForCausalLM.from_pretrained(folder).dtype == getattr(torch, dtype)
    made = AutoTokenizer.from_pretrained(folder)
    plain = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    for text in ("Name the colour of the sky.", "  é <s> 7\n\n", "def add(a, b):"):
        assert made(text).input_ids == plain(text).input_ids
    assert made.special_tokens_map == plain.special_tokens_map
    assert made.chat_template == plain.chat_template == CHATML


def test_it_is_made_once_and_the_same_model_by_file_cache_and_request(write, tmp_path, monkeypatch):
    file = write()
    first = sn.load_model(file)
    monkeypatch.setattr(convert, "_unpack", None)
    again = sn.load_model(file)
    monkeypatch.undo()
    out = convert.convert(file, tmp_path / "out")
    written = (out / "model.safetensors").stat().st_mtime_ns
    assert convert.convert(file, out).stat() and written == (
        (out / "model.safetensors").stat().st_mtime_ns
    )
    asked = sn.load_model(out)
    hashes = {m.identity.weights_sha256 for m in (first, again, asked)}
    assert len(hashes) == 1
    assert asked.identity.converted_from == first.identity.converted_from
    assert first.identity.converted_from["file"] == "q8.gguf"
    prompts = {m.template.render("hi") for m in (first, again, asked)}
    assert prompts == {"<|s|>user\nhi\n<|s|>assistant\n"}
    (out / "mine.txt").touch()
    with pytest.raises(InputError, match="holds a result of other inputs"):
        convert.convert(write("f16"), out)
    assert (out / "mine.txt").exists()


def test_a_converted_file_can_be_tuned(write, rows, tmp_path):
    out = sn.tune(write(), rows.iloc[:4], 1, 0, tmp_path / "tuned", batch=4)
    assert sn.load_model(out).identity.converted_from is None


def test_the_command_and_the_manifest_say_what_it_was_made_of(write, rows, tmp_path, capsys):
    from sparcom_nb.cli import convert as command
    from sparcom_nb.identify import identify

    file, data = write(), tmp_path / "rows.jsonl"
    command(file, tmp_path / "out")
    assert capsys.readouterr().out == f"written to {tmp_path / 'out'}\n"
    data.write_text(rows.iloc[:6].to_json(orient="records", lines=True))
    told = [
        identify(str(model), str(data), tmp_path / f"r{n}", span=span)
        for n, (model, span) in enumerate([(file, "prompt"), (tmp_path / "out", "instruction")])
    ]
    assert told[0]["converted_from"] == told[1]["converted_from"]
    assert told[0]["converted_from"]["file"] == "q8.gguf"
    assert told[0]["weights_sha256"] == told[1]["weights_sha256"]
    assert told[0]["template"]["prefix"] == "<|s|>user\n" and told[1]["template"] is None


def _flip(folder):
    file = folder / "model.safetensors"
    found = bytearray(file.read_bytes())
    found[-3] ^= 1
    file.write_bytes(found)


DAMAGE = {
    "a bit of the weights": _flip,
    "weights cut": lambda d: (d / "model.safetensors").write_bytes(b"x"),
    "tokenizer gone": lambda d: (d / "tokenizer.json").unlink(),
    "record gone": lambda d: (d / "manifest.json").unlink(),
    "record half": lambda d: (d / "manifest.json").write_text('{"source'),
    "config emptied": lambda d: (d / "config.json").write_text(""),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_conversion_is_made_again(damage, write, cache):
    folder = convert.cached(write(), show_progress=False)
    before = (folder / "model.safetensors").read_bytes()
    damage(folder)
    assert convert.cached(write(), show_progress=False) == folder
    assert (folder / "model.safetensors").read_bytes() == before
    assert {path.name for path in cache.iterdir()} == {folder.name}


def test_what_an_interruption_leaves_does_not_count(write, cache, monkeypatch):
    unpack = convert._unpack

    def dies(*arguments):
        unpack(*arguments)
        raise KeyboardInterrupt

    file = write()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(convert, "_unpack", dies)
        convert.cached(file, show_progress=False)
    assert [path for path in cache.iterdir() if ".work-" in path.name]
    assert all(path.name.startswith(".") for path in cache.iterdir())
    folder = convert.cached(file, show_progress=False)
    assert {path.name for path in cache.iterdir()} == {folder.name}


def test_two_at_once_make_one(cache):
    written = []

    def make(work):
        threading.Event().wait(0.2)
        (work / "a").write_text("whole")
        written.append(work)
        return {}

    runs = [threading.Thread(target=convert._in_cache, args=("0" * 64, make)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(written) == 1 and (cache / ("0" * 64) / "a").read_text() == "whole"


def _cut(file: Path) -> Path:
    file.write_bytes(file.read_bytes()[:-2000])
    return file


REFUSED = {
    "a tensor is missing": (
        lambda write: write(keep=lambda name: name != "blk.1.ffn_up.weight"),
        r"1 missing \(model.layers.1.mlp.up_proj.weight\)",
    ),
    "a layer is missing": (
        lambda write: write(keep=lambda name: "blk.2." not in name),
        r"12 missing \(model.layers.2.",
    ),
    "the file says more layers": (lambda write: write(layers=5), "24 missing"),
    "the file says fewer layers": (
        lambda write: write(layers=2),
        r"2 layers: not all have a place, perhaps .*blk\.2\.",
    ),
    "a tensor without a place": (
        lambda write: write(extra={"rope_freqs.weight": [1] * 32}),
        r"not all have a place, perhaps .*rope_freqs\.weight",
    ),
    "cut": (lambda write: _cut(write()), "cannot be loaded"),
    "of an unknown architecture": (lambda write: write(architecture="bert"), "bert"),
}


def scaled(factor, pairs=4, theta=5e5):
    """What llama.cpp writes as rope_freqs.weight (convert_hf_to_gguf.py, Llama 3)."""
    found = []
    for n in range(pairs):
        wavelength = 2 * np.pi * theta ** (n / pairs)
        smooth = (8192 / wavelength - 1) / 3
        medium = 1 / ((1 - smooth) / factor + smooth)
        found.append(1 if wavelength < 2048 else factor if wavelength > 8192 else medium)
    return found


@pytest.mark.parametrize("factor", [1.0, 8.0, 32.0])
def test_the_rotary_factors_of_a_llama_are_its_configurations(factor, write, folders):
    extra = {"rope_freqs.weight": scaled(factor)}
    model = sn.load_model(write(architecture="llama", folder=folders("llama"), extra=extra))
    rotary = model.original_model.model.rotary_emb.inv_freq
    expected = 5e5 ** (-np.arange(4) / 4) / scaled(factor)
    np.testing.assert_allclose(rotary, expected, rtol=1e-6)
    assert len(set(scaled(factor))) == (1 if factor == 1 else 3)


@pytest.mark.parametrize("factors", [[1, 1, 2, 8], [8] * 4, [1] * 3, [1, 1, 1, float("nan")]])
def test_other_rotary_factors_are_refused(factors, write, folders):
    file = write(
        architecture="llama", folder=folders("llama"), extra={"rope_freqs.weight": factors}
    )
    with pytest.raises(InputError, match=r"not the scaling of a Llama 3 .* take a folder") as error:
        sn.load_model(file)
    assert len(str(error.value)) <= 300


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_its_model_is_refused(make, said, write, cache):
    with pytest.raises(InputError, match=said) as error:
        sn.load_model(make(write))
    assert len(str(error.value)) <= 300 and "\n" not in str(error.value)
    assert MENDS.search(str(error.value))
    assert all(path.name.startswith(".") for path in cache.iterdir())


@pytest.mark.parametrize("content", [b"", b"GGUF", b"no model at all" * 99])
def test_what_is_no_gguf_file_is_refused(content, tmp_path):
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(InputError, match=r"m\.gguf: cannot be loaded") as error:
        sn.load_model(tmp_path / "m.gguf")
    assert len(str(error.value)) <= 300 and "\n" not in str(error.value)


def test_a_cache_that_cannot_be_written_says_the_mend(write, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for place in ("/proc/nowhere", tmp_path / "file"):
        monkeypatch.setenv("SPARCOM_CACHE", str(place))
        with pytest.raises(InputError, match=r"cannot be written .* SPARCOM_CACHE to a folder"):
            sn.load_model(write())


# ---------------------------------------------------------------- files in parts


@pytest.fixture
def parts(source, tmp_path):
    """A folder whose weights come in eleven parts."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    size = len(whole) // 11 + 1
    for n in range(11):
        piece = whole[n * size : (n + 1) * size]
        (folder / f"model.safetensors.part{n + 1}").write_bytes(piece)
    return folder


def test_parts_are_joined_in_the_order_of_their_numbers(parts, source, monkeypatch):
    model = sn.load_model(parts)
    found = (model.identity.path / "model.safetensors").read_bytes()
    assert found == (source / "model.safetensors").read_bytes()
    monkeypatch.setattr(convert, "_join", None)
    assert sn.load_model(parts).identity == model.identity.__class__(
        str(parts), model.identity.path
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: (d / "model.safetensors.part4").unlink(), r"1 of the parts .* \(part4\)"),
        (lambda d: (d / "model.safetensors.part11").unlink(), "10 parts do not make a whole file"),
        (lambda d: (d / "model.safetensors.part07").write_bytes(b"x"), "part 7 .* is there twice"),
        (lambda d: (d / "model.safetensors.sha256").write_text("0f  model\n"), "not the SHA-256"),
        (lambda d: (d / "config.json").unlink(), r"no config\.json"),
    ],
)
def test_parts_that_make_no_model_are_refused(change, said, parts):
    change(parts)
    with pytest.raises(InputError, match=said):
        sn.load_model(parts)


def test_a_gguf_file_in_parts_is_joined_and_converted(write, tmp_path):
    whole, folder = write().read_bytes(), tmp_path / "split"
    folder.mkdir()
    for n, at in enumerate(range(0, len(whole), len(whole) // 2 + 1)):
        (folder / f"m.gguf.part{n + 1}").write_bytes(whole[at : at + len(whole) // 2 + 1])
    assert sn.load_model(folder).identity.path == sn.load_model(write()).identity.path
