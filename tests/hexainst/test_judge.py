"""Judging by running code: right and wrong answers, and the limits of a program."""

import time
from functools import partial

import judge as judging
import pytest
from checker_cases import CASES, JUNK, accepts_right_and_refuses_wrong
from judge import RUNS_CODE, judge


@pytest.mark.parametrize("kind", CASES)
def test_accepts_right_and_refuses_wrong(kind):
    accepts_right_and_refuses_wrong(judge, kind)


def test_none_gives_no_verdict():
    assert judge("none", "anything", "something else") is None


@pytest.mark.parametrize("kind", sorted(RUNS_CODE))
def test_junk_is_wrong_and_soon_so(kind):
    checker, response, _, _ = CASES[kind]
    for junk in JUNK[10:16] if kind in ("python", "shell") else JUNK:
        began = time.monotonic()
        assert not judge(checker, response, junk), junk[:20]
        assert time.monotonic() - began < 10, "that of a program that runs on, at most"


def test_endless_code_is_stopped(monkeypatch):
    monkeypatch.setattr(judging, "_SECONDS", 0.5)
    loop = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    assert judge("python:pass", "", "while True: pass") is False
    assert judge('sql:{"setup": "", "rows": []}', "", loop) is False


def test_expressions_cannot_import():
    with pytest.raises((NameError, ImportError)):
        judging.expression_value("__import__('os').getcwd()")


@pytest.mark.parametrize(
    "answer", ["(a+)+$", "(?:(?:[a-z]{1000}){1000}){1000}", "(((((a{99}){99}){99}){99}){99}){99}"]
)
def test_a_pattern_in_an_answer_has_a_time_limit(answer, monkeypatch):
    monkeypatch.setattr(judging, "_SECONDS", 1)
    checker = f'regex:{{"match": ["{"a" * 40}!"], "reject": []}}'
    began = time.monotonic()
    assert judge(checker, "a+", answer) is False
    assert time.monotonic() - began < 5


def test_an_answer_cannot_leave_early_and_be_right():
    for way in ("exit(0)", "import os; os._exit(0)", "raise SystemExit"):
        assert judge("python:assert False", "", way) is False


def test_a_program_has_limits(tmp_path, monkeypatch):
    """Memory, size of output, what it leaves running, secrets of the environment."""
    monkeypatch.setenv("HF_TOKEN", "secret")
    run = partial(judge, "python:pass", "")
    assert run("x = bytearray(3 * 2**30)") is False
    assert run("print('x' * 2**26)") is False
    assert run("import os; assert 'HF_TOKEN' not in os.environ") is True
    left = tmp_path / "left"
    child = f"import time; time.sleep(1.5); open({str(left)!r}, 'w')"
    began = time.monotonic()
    assert (
        run(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])") is True
    )
    assert time.monotonic() - began < 1.4
    time.sleep(2)
    assert not left.exists()


def test_a_query_writes_no_file(tmp_path):
    file = tmp_path / "new.db"
    query = f"ATTACH '{file}' AS other"
    assert judge('sql:{"setup": "", "rows": []}', "", query) is False
    assert not file.exists()
