"""Wrong input is refused with one line that names it, quickly, and with exit code 2."""

import os
import subprocess
import sys
import time

import dask.array
import numpy as np
import psutil
import pytest
import torch
import xarray as xr
from bad_input import (
    FILES,
    FOR_INSTRUCTIONS,
    FOR_SAMPLES,
    INF,
    NAN,
    PLACES,
    array,
    calls,
    commands,
    functions,
    rows,
)

import sparcom_nb as sn
from sparcom_nb import cli
from sparcom_nb.errors import InputError
from sparcom_nb.expect import CHOICES
from sparcom_nb.rows.forms import read_samples

LONGEST = 600


@pytest.fixture(scope="module")
def model():
    return sn.load_model("tiny-dense/base", device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The odd files, one good one, and a link to nowhere."""
    made = tmp_path_factory.mktemp("odd")
    for name, (content, _) in (FILES | FOR_INSTRUCTIONS | FOR_SAMPLES).items():
        (made / f"{name}.jsonl").write_bytes(content)
    (made / "link").symlink_to(made / "nowhere")
    (made / "good.jsonl").write_text(
        '{"id": "a", "category": "QA", "instruction": "Why?", "response": "So."}\n'
    )
    return made


def refused(call, *words):
    """Assert that a call is refused in one line with these words, before two seconds are over."""
    began = time.process_time()
    with pytest.raises((InputError, TypeError)) as error:
        call()
    said = str(error.value)
    assert "\n" not in said and len(said) <= LONGEST, said
    assert all(word in said for word in words), said
    assert time.process_time() - began < 2
    return said


@pytest.mark.parametrize("function", functions())
def test_wrong_arguments_of_a_public_function(function, model, tmp_path):
    for case in calls(function, model, tmp_path):
        try:
            refused(case, case.name)
        except BaseException as error:
            error.add_note(str(case))
            raise


@pytest.mark.parametrize("name", FILES | FOR_INSTRUCTIONS)
def test_odd_files_of_instructions(name, folder):
    path = folder / f"{name}.jsonl"
    refused(lambda: sn.load_instructions(path), path.name, (FILES | FOR_INSTRUCTIONS)[name][1])


@pytest.mark.parametrize("name", FILES | FOR_SAMPLES)
def test_odd_files_of_samples(name, folder):
    path = folder / f"{name}.jsonl"
    refused(lambda: read_samples(path), path.name, (FILES | FOR_SAMPLES)[name][1])


@pytest.mark.parametrize("place", PLACES)
def test_places_that_are_no_files(place, folder):
    for read in (sn.load_instructions, read_samples):
        refused(lambda read=read: read(folder / PLACES[place]), str(folder / PLACES[place])[:99])


def run(arguments, monkeypatch, capsys):
    """Run the command line in this process: exit code and what it said."""
    monkeypatch.setattr(sys, "argv", ["sparcom-nb", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0, capsys.readouterr().err


def test_wrong_command_lines(folder, tmp_path, monkeypatch, capsys):
    places = {"good": folder / "good.jsonl", "folder": folder, "out": tmp_path / "o"}
    for arguments, word in commands():
        given = [part.format(**places) for part in arguments]
        began = time.process_time()
        code, said = run(given, monkeypatch, capsys)
        assert code == 2 and len(said.strip().splitlines()) == 1, (given, said)
        assert said.startswith("sparcom-nb: ") and word in said, (given, said)
        assert time.process_time() - began < 5, given  # the first imports what the rest uses
        assert not list(tmp_path.iterdir()), given


@pytest.mark.parametrize("name", ["half", "many", "gz-cut", "utf-16", "one-big-line"])
def test_odd_files_on_the_command_line(name, folder, tmp_path, monkeypatch, capsys):
    odd, good = folder / f"{name}.jsonl", folder / "good.jsonl"
    model, out = ["--model", "tiny-dense/base"], ["--out", tmp_path / "o.jsonl"]
    ratio = ["--ratio", 1]
    for command in (
        ["identify", *model, "--data", odd, *out],
        ["select", *model, "--target", odd, "--pool", good, *ratio, *out],
        ["select", *model, "--target", good, "--pool", odd, *ratio, *out],
    ):
        code, said = run(command, monkeypatch, capsys)
        assert code == 2 and len(said.splitlines()) == 1 and odd.name in said
        assert FILES[name][1] in said and len(said) <= LONGEST


@pytest.mark.parametrize(
    "arguments",
    [
        ["identify", "--model", "tiny-dense/base", "--data", "nope", "--out", "o"],
        ["select", "--model", "nope", "--target", "{good}", "--pool", "{good}", "--ratio", "1",
         "--out", "o"],
        ["attribute", "--model", "nope", "--prompt", "a", "--response", "b", "--out", "o.csv"],
    ],
)  # fmt: skip
def test_a_process_of_its_own_says_so_within_two_seconds(arguments, folder, tmp_path):
    given = [part.format(good=folder / "good.jsonl") for part in arguments]
    began = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "sparcom_nb", *given], capture_output=True, text=True, cwd=tmp_path
    )
    ended = os.times()
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and not done.stdout
    assert ended.children_user - began.children_user < 2


def test_words_are_those_of_the_modules():
    from sparcom_nb.model.prompts import SPANS
    from sparcom_nb.model.taps import SITES
    from sparcom_nb.nait.readout import CANDIDATES
    from sparcom_nb.shift.attribution import OBJECTIVES

    assert CHOICES["span"] == SPANS and CHOICES["site"] == SITES
    assert CHOICES["candidate"] == CANDIDATES and CHOICES["objective"] == tuple(OBJECTIVES)


def chunked(array, how):
    sizes = {"rows": (2, -1), "components": (-1, 2), "both": (1, 1)}[how]
    return array.chunk({dim: sizes[axis > 0] for axis, dim in enumerate(array.dims)})


@pytest.mark.parametrize("how", ["rows", "components", "both"])
def test_lazy_arrays_are_as_any_other(how):
    frequency, marked = array("frequency"), array("frequency") > 0.5
    for function, given in (
        (sn.sparcom.specific, frequency),
        (sn.sparcom.category_sets, marked),
        (sn.sparcom.overlap, marked),
        (sn.shift.importance_density, array("density")),
    ):
        found, expected = function(chunked(given, how)), function(given)
        assert found == expected if isinstance(found, dict) else found.compute().equals(expected)
    assert sn.sparcom.specific(chunked(frequency, how)).chunks is not None
    wrong = frequency.copy()
    for value in (NAN, -0.1, 1.1, INF):
        wrong[-1, -1, -1] = value
        refused(lambda: sn.sparcom.specific(chunked(wrong, how)), "frequency", f"{value:g}")
    holed = array("density").where(lambda x: x.input > 0).assign_coords(input=range(4))
    refused(lambda: sn.shift.importance_density(chunked(holed * NAN, how)), "S", "NaN")


def test_a_lazy_array_is_looked_at_block_by_block():
    """4 GiB of numbers that are never there together."""
    blocks = dask.array.ones((4096, 64, 2048), dtype="float64", chunks=(64, 64, 2048))
    lazy = xr.DataArray(blocks * 2, dims=("instruction", "layer", "neuron"))
    before = psutil.Process().memory_info().rss
    with dask.config.set(scheduler="synchronous"), pytest.raises(InputError, match="from 2 to 2"):
        sn.sparcom.specific(lazy)
    assert psutil.Process().memory_info().rss - before < 2**30


@pytest.mark.parametrize("made", [np.array, np.float64, xr.DataArray, torch.tensor])
def test_a_number_may_be_an_array_without_dimensions(made):
    frequency = array("frequency")
    expected = sn.sparcom.specific(frequency, top=0.25)
    assert sn.sparcom.specific(frequency, top=made(0.25)).identical(expected)
    refused(lambda: sn.sparcom.specific(frequency, top=made(1.5)), "top", "1.5")
    refused(lambda: sn.sparcom.specific(frequency, threshold=made(NAN)), "threshold", "nan")


RANGE_ENDS = [
    (lambda: sn.shift.importance_density(array("S"), p=0), "p must be 0.1 or more, not 0"),
    (lambda: sn.shift.importance_density(array("S"), p=1e300), "p must be at most 100"),
    (lambda: sn.shift.levels(array("S"), epsilon=0), "epsilon must be"),
]


@pytest.mark.parametrize(("call", "said"), RANGE_ENDS)
def test_numbers_that_would_divide_by_zero_or_overflow(call, said):
    refused(call, said)


def test_a_place_of_another_kind_is_said(folder, tmp_path):
    good = folder / "good.jsonl"
    refused(
        lambda: sn.tune("tiny-dense/base", rows(), 1, 0, good), "is a file; give the name of a fo"
    )
