"""Input attribution: equal to a plain loop, to the reference numbers, and to itself in any batch."""

import json
import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparcom_nb as sn
from sparcom_nb.errors import InputError
from sparcom_nb.shift.attribution import OBJECTIVES, attributions

DENSE = ("llama", "qwen2", "gpt_neox", "gpt2")
MOE = ("mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "qwen2_mixed", "qwen3_mixed")
PROMPTS = ["Name the colour of the sky.", " Sort these words: pear, apple, fig. ", "Is it true?"]
RESPONSES = ["The answer is 7, or the sky is green today.", "fig pear apple", "yes"]


@pytest.fixture(scope="module")
def bare(folders):
    """The plain Hugging Face model in float64, with its own experts, and its tokenizer."""

    def one(name):
        model = AutoModelForCausalLM.from_pretrained(
            folders(name),
            dtype=torch.float64,
            attn_implementation="eager",
            **({"experts_implementation": "eager"} if name in MOE else {}),
        )
        return model.eval(), AutoTokenizer.from_pretrained(folders(name))

    return one


def twin(model_and_tokenizer, prompt, response, objective="probability", bos=True, ids=None):
    """One forward and one backward for each response token: [input, output]; ``ids`` of both parts."""
    model, tokenizer = model_and_tokenizer
    first = [tokenizer.bos_token_id] if bos else []
    if ids is None:
        texts = prompt.strip(), f"{prompt.strip()} {response.strip()}"
        asked, joint = (tokenizer.encode(text, add_special_tokens=False) for text in texts)
        ids = asked, joint[len(asked) :]
    n_prompt = len(first) + len(ids[0])
    ids = torch.tensor([[*first, *ids[0], *ids[1]]])
    columns = []
    for place in range(n_prompt, ids.shape[1]):
        leaf = model.get_input_embeddings()(ids).detach().requires_grad_()
        logits = model(inputs_embeds=leaf, use_cache=False).logits[0, place - 1]
        token = ids[0, place]
        value = {
            "probability": logits.softmax(0)[token],
            "log_probability": logits.softmax(0)[token].log(),
            "logit": logits[token],
        }[objective]
        value.backward()
        columns.append((leaf.grad[0] * leaf[0]).sum(-1)[len(first) : n_prompt].detach().numpy())
    return np.stack(columns, axis=1)


def assert_close(found, expected, tolerance=1e-6):
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.abs(found.to_numpy() - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", [*DENSE, *MOE])
def test_equals_a_plain_loop_one_by_one_and_in_a_batch(name, load, bare):
    model, plain = load(name), bare(name)
    expected = [twin(plain, *both) for both in zip(PROMPTS, RESPONSES, strict=True)]
    padded = attributions(model, [*PROMPTS, "Say"], [*RESPONSES, RESPONSES[0]])
    alone = sn.shift.input_attribution(model, PROMPTS[0], RESPONSES[0], chunk=3)
    for found, own in zip([alone, *padded], [expected[0], *expected], strict=False):
        assert_close(found, own, 1e-5 if name in MOE else 1e-6)  # routers compute in float32


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives(objective, load, bare):
    expected = twin(bare("llama"), PROMPTS[0], RESPONSES[0], objective)
    assert_close(
        sn.shift.input_attribution(load("llama"), PROMPTS[0], RESPONSES[0], objective), expected
    )


def test_a_broken_version_is_seen(load, bare, monkeypatch):
    """The loop would notice a derivative of the wrong token, and one of the wrong quantity."""
    expected = twin(bare("llama"), PROMPTS[0], RESPONSES[0])
    monkeypatch.setitem(
        OBJECTIVES, "probability", lambda x, t: x.softmax(-1).gather(-1, t.roll(1, dims=1))
    )
    with pytest.raises(AssertionError):
        assert_close(sn.shift.input_attribution(load("llama"), PROMPTS[0], RESPONSES[0]), expected)
    monkeypatch.setitem(OBJECTIVES, "probability", OBJECTIVES["logit"])
    with pytest.raises(AssertionError):
        assert_close(sn.shift.input_attribution(load("llama"), PROMPTS[0], RESPONSES[0]), expected)


@pytest.mark.parametrize("chunk", [1, 2, 5, 100])
def test_the_chunk_does_not_change_a_number(chunk, load):
    model = load("qwen2")
    whole = sn.shift.input_attribution(model, PROMPTS[0], RESPONSES[0])
    found = sn.shift.input_attribution(model, PROMPTS[0], RESPONSES[0], chunk=chunk)
    assert_close(found, whole.to_numpy())


def test_prompts_of_different_lengths_in_one_batch_equal_one_by_one(load):
    model = load("mixtral")
    prompts, responses = [f"{'Is it so? ' * n}Say." for n in range(1, 8)], ["yes or no"] * 7
    together = attributions(model, prompts, responses, batch_tokens=90)
    for found, *texts in zip(together, prompts, responses, strict=True):
        assert_close(found, sn.shift.input_attribution(model, *texts).to_numpy(), 1e-5)


def test_a_tokenizer_without_bos(bare, folders, tmp_path):
    folder = shutil.copytree(folders("llama"), tmp_path / "model")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config |= {"bos_token": None, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    model = sn.load_model(folder, dtype="float64")
    assert model.tokenizer.bos_token_id is None
    expected = twin(bare("llama"), PROMPTS[0], RESPONSES[0], bos=False)
    assert_close(sn.shift.input_attribution(model, PROMPTS[0], RESPONSES[0]), expected)


def test_in_a_template_the_response_is_tokenised_on_its_own(load, bare):
    model = load("llama")
    rendered = model.template.render("Is it true?")
    ids = [
        model.tokenizer.encode(one, add_special_tokens=False) for one in (rendered, " yes sir\n")
    ]
    expected = twin(bare("llama"), rendered, "", ids=ids)
    found = sn.shift.input_attribution(model, "Is it true?", " yes sir\n", template=True)
    assert "".join(found["input_token"].to_numpy()) == rendered
    assert "".join(found["output_token"].to_numpy()) == " yes sir\n"
    assert_close(found, expected)


def test_tokens_and_the_empty_response(load):
    found = sn.shift.input_attribution(load("llama"), " Say é. ", " yes ")
    assert "".join(found["input_token"].to_numpy()) == "Say é."
    assert "".join(found["output_token"].to_numpy()) == " yes"
    none = sn.shift.input_attribution(load("llama"), "Say.", "  ")
    assert none.shape == (none.sizes["input"], 0) and none.dtype == np.float32
    first, second = attributions(load("llama"), ["Say.", "Say."], ["", "yes"])
    assert first.sizes["output"] == 0 and second.sizes["output"] > 0


def test_nothing_is_left_behind(load):
    model = load("llama")
    sn.shift.input_attribution(model, "Say.", "yes")
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    before = model(torch.tensor([[5, 6, 7]]))
    assert not before.requires_grad


def test_wrong_use_is_named(load):
    model = load("llama")
    for arguments, message in [
        (("Say.", "yes", "odds"), "unknown objective 'odds'"),
        ((" ", "yes"), "the prompt is empty"),
        (("Say. " * 200, "yes"), "context of 128"),
    ]:
        with pytest.raises(sn.InputError, match=message):
            sn.shift.input_attribution(model, *arguments)
    with pytest.raises(sn.InputError, match="chunk must be 1 or more"):
        sn.shift.input_attribution(model, "Say.", "yes", chunk=0)


@pytest.fixture(scope="module")
def reference(oracle):
    pairs = json.loads((oracle / "reference/input_explain.json").read_text())["pairs"]
    return pairs, np.load(oracle / "reference/input_explain.npz")


def test_equals_the_published_code(oracle, reference):
    pairs, arrays = reference
    model = sn.load_model(oracle / "tiny-llama")
    found = attributions(
        model, [one["prompt"] for one in pairs], [one["response"] for one in pairs]
    )
    for one, attribution in zip(pairs, found, strict=True):
        assert attribution.sizes["input"] == len(one["input_tokens"])
        assert attribution.sizes["output"] == len(one["output_tokens"])
        if one["output_tokens"]:
            assert_close(attribution, arrays[f"pair{one['pair']}/expl"], 1e-5)


def test_a_batch_equals_the_published_batch(oracle, reference):
    pairs, arrays = reference
    names = sorted(name for name in arrays if name.startswith("batch/") and name.endswith("/expl"))
    three = [pairs[int(name.split("_pair")[1].removesuffix("/expl"))] for name in names]
    found = attributions(
        sn.load_model(oracle / "tiny-llama"),
        [one["prompt"] for one in three],
        [one["response"] for one in three],
    )
    for name, attribution in zip(names, found, strict=True):
        assert_close(attribution, arrays[name], 1e-5)


def test_rows_are_read_in_the_template_and_their_instruction_is_marked(load, rows):
    for one, row in zip(
        sn.shift.response_attributions(load("llama"), rows.iloc[:4]),
        rows.to_dict("records"),
        strict=False,
    ):
        text = "".join(one["input_token"].to_numpy()[one["mask"].to_numpy()])
        assert text == row["instruction"]
        assert "".join(one["output_token"].to_numpy()) == row["response"]


def test_lists_are_attributed_as_their_texts_are(load):
    model, prompts = load("llama"), ["Where is the house?", "Tell me."]
    found = sn.shift.input_attribution(model, prompts, ["In the north", "No"])
    for one, prompt, response in zip(found, prompts, ["In the north", "No"], strict=True):
        alone = sn.shift.input_attribution(model, prompt, response)
        xr.testing.assert_allclose(one, alone, rtol=1e-4, atol=1e-7)
    for wrong in (["one"], "one"):
        with pytest.raises(InputError, match="two lists of as many texts"):
            sn.shift.input_attribution(model, prompts, wrong)
