"""Wrong input is refused with one line that names it, quickly, and with exit code 2."""

import os
import subprocess
import sys
import time

import pytest
from bad_input import (
    FILES,
    FOR_INSTRUCTIONS,
    FOR_SAMPLES,
    PLACES,
    calls,
    commands,
    functions,
)

import sparcom_nb as sn
from sparcom_nb import cli
from sparcom_nb.errors import InputError
from sparcom_nb.expect import CHOICES
from sparcom_nb.forms import read_samples

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
    from sparcom_nb.nait.readout import CANDIDATES
    from sparcom_nb.prompts import SPANS
    from sparcom_nb.shift.attribution import OBJECTIVES
    from sparcom_nb.taps import SITES

    assert CHOICES["span"] == SPANS and CHOICES["site"] == SITES
    assert CHOICES["candidate"] == CANDIDATES and CHOICES["objective"] == tuple(OBJECTIVES)
