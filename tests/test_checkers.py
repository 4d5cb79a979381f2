"""Every kind of checker accepts what is right and refuses what is wrong, and none runs anything."""

import builtins
import subprocess
import time

import pytest
from checker_cases import CASES, JUNK, accepts_right_and_refuses_wrong

from sparcom_nb.errors import InputError
from sparcom_nb.rows import checkers
from sparcom_nb.rows.checkers import KINDS, check

#: Kinds that take code run to judge, and those of them that compare with the response here.
OPEN, COMPARED = {"python", "sql", "shell", "value"}, {"number", "stdout", "regex"}
JUDGED = sorted(set(CASES) - OPEN - COMPARED)


def test_every_kind_has_a_case():
    assert set(CASES) | {"none"} == set(KINDS)


@pytest.mark.parametrize("kind", JUDGED)
def test_accepts_right_and_refuses_wrong(kind):
    accepts_right_and_refuses_wrong(check, kind)


def test_none_gives_no_verdict():
    assert check("none", "anything", "something else") is None


@pytest.mark.parametrize("checker", ["unheard:of", "", "Label:a|b", "python "])
def test_unknown_kind_raises(checker):
    with pytest.raises(ValueError, match="unknown checker"):
        check(checker, "a", "a")


@pytest.mark.parametrize("kind", sorted(OPEN | COMPARED))
def test_runs_nothing(kind, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("code was run")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(checkers.regex, "compile", refuse)
    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, refuse)
    checker, response, right, wrong = CASES[kind]
    compared = kind in COMPARED
    for output in [response, *right] if kind != "regex" else [response, f" {response}\n"]:
        assert check(checker, response, output) is (True if compared else None)
    for output in wrong:
        assert check(checker, response, output) is (False if compared else None)
    if kind not in ("regex", "sql", "shell"):
        assert check(f"{kind}:1/0 nonsense (", response, response) is (True if compared else None)


@pytest.mark.parametrize("kind", CASES)
def test_junk_is_wrong_and_soon_so(kind, monkeypatch):
    monkeypatch.setattr(checkers, "_FIND", 0.2)
    checker, response, _, _ = CASES[kind]
    for junk in JUNK:
        began = time.monotonic()
        assert not check(checker, response, junk), junk[:20]
        assert time.monotonic() - began < 10


def test_two_numbers_too_large_to_tell_apart_are_not_equal():
    assert check("number:1", "1" * 400, "1" * 400) is False


def test_a_pattern_in_an_answer_is_none():
    assert check('regex:{"match": ["a"], "reject": []}', "a+", "(a+)+$") is False
    assert check("label:a|b", "a", ".") is False and check("exact", "aa", ".*") is False


def test_json_tells_numbers_from_truth_and_large_from_none():
    assert check("json:[1, 2.0]", "", "[1.0, 2]") is True
    assert check("json:[1]", "", "[true]") is False
    assert check("json:[0]", "", "[false]") is False


@pytest.mark.parametrize(
    "checker",
    ["lines:x", "lines:", "lines:-1", "lines:٣", "words:3", "words:a-b", "contains:", "contains:a||b",
     "label:", "json:{", "json:NaN", "json:" + "[" * 100_000, "json:" + "1" * 10_000, "sql:{}", "sql:[]",
     'sql:{"setup": 1, "rows": []}', "shell:x", "regex:1", 'regex:{"match": "a", "reject": []}'],
)  # fmt: skip
def test_a_payload_that_is_none_is_named(checker):
    with pytest.raises(InputError, match="must be written") as found:
        check(checker, "", "")
    assert len(str(found.value)) <= 200 and "\n" not in str(found.value)
