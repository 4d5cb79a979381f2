"""Every kind of checker accepts what is right, refuses what is wrong, and runs nothing unasked."""

import subprocess
import time
from functools import partial

import pytest

from sparcom_nb import checkers
from sparcom_nb.checkers import KINDS, RUNS_CODE, check
from sparcom_nb.errors import InputError

# kind -> (checker, reference response, right outputs, wrong outputs)
CASES = {
    "exact": ("exact", "oxen", ["oxen", " Oxen. ", "OXEN"], ["ox", "the oxen", ""]),
    "label": (
        "label:spam|not spam",
        "Not spam",
        ["not spam", "It is not spam, because ...", "NOT SPAM."],
        ["spam", "Spammy", "neither", ""],
    ),
    "contains": (
        "contains:Ahab|whale",
        "Ahab hunts a whale.",
        ["The WHALE wins over ahab", "Ahab and whales"],
        ["Ahab alone", "whale alone", ""],
    ),
    "lines": ("lines:2", "a\nb", ["one\n\ntwo\n", "x\ny"], ["one", "1\n2\n3", ""]),
    "words": ("words:2-3", "two words", ["one two", "one two three"], ["one", "a b c d", ""]),
    "number": (
        "number:213/3-45",
        "71 - 45 = 26",
        ["26", "He owes 26.0 euros.", "71 less 45 is 26"],
        ["71", "26 of 71", "none", ""],
    ),
    "value": (
        "value:str(Fraction(3,4)-Fraction(1,12))",
        "It is 2/3.",
        ["2/3", "9/12 - 1/12 = 2/3."],
        ["3/4", "0.67", ""],
    ),
    "python": (
        "python:assert twice(2) == 4\nassert twice('a') == 'aa'",
        "def twice(x):\n    return x * 2",
        ["def twice(x): return x + x", "Here:\n```python\ntwice = lambda x: 2 * x\n```\nDone."],
        ["def twice(x): return x ** 2", "def twice(x) return", "", "def twice(x):\n    exit(1)"],
    ),
    "stdout": (
        "stdout:print(1)\nprint('two')",
        "1\ntwo",
        ["1\ntwo", "```\n1\ntwo\n```"],
        ["1", "two\n1", ""],
    ),
    "sql": (
        'sql:{"setup": "CREATE TABLE t(n); INSERT INTO t VALUES (2), (1);", "rows": [[1], [2]]}',
        "SELECT n FROM t ORDER BY n;",
        ["select n from t order by 1", "```sql\nSELECT n\nFROM t ORDER BY n\n```"],
        ["SELECT n FROM t ORDER BY n DESC", "SELECT m FROM t", "DROP TABLE t", ""],
    ),
    "shell": (
        'shell:{"setup": "printf \'b\\\\na\\\\n\' > f", "stdout": "a\\nb"}',
        "sort f",
        ["sort f", "```bash\ncat f | sort\n```"],
        ["cat f", "sort missing", ""],
    ),
    "regex": (
        'regex:{"match": ["07:45"], "reject": ["7:45", "07:450"]}',
        r"\d\d:\d\d",
        [r"\d{2}:\d{2}", "```\n[0-9]{2}:[0-9]{2}\n```"],
        [r"\d+:\d+", "(", ""],
    ),
    "json": (
        'json:{"a": [1, null]}',
        '{"a": [1, null]}',
        ['{ "a":[1,null] }', '```json\n{"a": [1, null]}\n```'],
        ['{"a": [1]}', "{a: 1}", ""],
    ),
}


def test_every_kind_has_a_case():
    assert set(CASES) | {"none"} == set(KINDS)


@pytest.mark.parametrize("kind", CASES)
def test_accepts_right_and_refuses_wrong(kind):
    checker, response, right, wrong = CASES[kind]
    for output in [response, *right]:
        assert check(checker, response, output, run_code=True) is True, output
    for output in wrong:
        assert check(checker, response, output, run_code=True) is False, output


@pytest.mark.parametrize("run_code", [False, True])
def test_none_gives_no_verdict(run_code):
    assert check("none", "anything", "something else", run_code=run_code) is None


@pytest.mark.parametrize("checker", ["unheard:of", "", "Label:a|b", "python "])
def test_unknown_kind_raises(checker):
    with pytest.raises(ValueError, match="unknown checker"):
        check(checker, "a", "a")


@pytest.mark.parametrize("kind", sorted(RUNS_CODE))
def test_runs_nothing_unless_asked(kind, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("code was run")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(checkers.regex, "compile", refuse)
    monkeypatch.setattr(checkers, "expression_value", refuse)
    monkeypatch.setattr(checkers.sqlite3, "connect", refuse)
    checker, response, right, wrong = CASES[kind]
    compared = kind in ("number", "stdout", "regex")  # these compare with the response instead
    for output in [response, *right] if kind != "regex" else [response, f" {response}\n"]:
        assert check(checker, response, output) is (True if compared else None)
    for output in wrong:
        assert check(checker, response, output) is (False if compared else None)
    if kind not in ("regex", "sql", "shell"):
        assert check(f"{kind}:1/0 nonsense (", response, response) is (True if compared else None)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - RUNS_CODE - {"none"}))
def test_the_others_need_no_permission(kind):
    checker, response, right, wrong = CASES[kind]
    assert all(check(checker, response, output) for output in right)
    assert not any(check(checker, response, output) for output in wrong)


def test_endless_code_is_stopped(monkeypatch):
    monkeypatch.setattr(checkers, "_SECONDS", 0.5)
    loop = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    assert check("python:pass", "", "while True: pass", run_code=True) is False
    assert check('sql:{"setup": "", "rows": []}', "", loop, run_code=True) is False


def test_expressions_cannot_import():
    with pytest.raises((NameError, ImportError)):
        checkers.expression_value("__import__('os').getcwd()")


#: Answers that are no answer, and once took minutes, broke off the run or passed.
JUNK = [
    "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "-" + "9" * 5_000, "1e999", "NaN", "[NaN]", "Infinity",
    "٣", "²", "(a+)+$", "(" * 20_000, "\\", "\x00", "\ud800", "```a\n" * 4_000, "```" * 50_000,
    "1," * 50_000,     "SELECT 1; SELECT 2", "\n" * 100_000, "|" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_junk_is_wrong_and_soon_so(kind, monkeypatch):
    monkeypatch.setattr(checkers, "_FIND", 0.2)
    checker, response, _, _ = CASES[kind]
    judged = sorted(
        set(KINDS) - {"none"} - RUNS_CODE | {"regex", "sql", "number", "value", "stdout"}
    )
    for junk in JUNK if kind in judged else JUNK[10:16]:
        for run_code in (False, kind in judged or junk == "\x00"):
            began = time.monotonic()
            assert not check(checker, response, junk, run_code=run_code), (junk[:20], run_code)
            assert time.monotonic() - began < 10, "that of a program that runs on, at most"


def test_two_numbers_too_large_to_tell_apart_are_not_equal():
    assert check("number:1", "1" * 400, "1" * 400) is False


@pytest.mark.parametrize(
    "answer", ["(a+)+$", "(?:(?:[a-z]{1000}){1000}){1000}", "(((((a{99}){99}){99}){99}){99}){99}"]
)
def test_a_pattern_in_an_answer_has_a_time_limit_and_is_none_unasked(answer, monkeypatch):
    monkeypatch.setattr(checkers, "_SECONDS", 1)
    checker = f'regex:{{"match": ["{"a" * 40}!"], "reject": []}}'
    began = time.monotonic()
    assert check(checker, "a+", answer) is False
    assert check(checker, "a+", answer, run_code=True) is False
    assert time.monotonic() - began < 5
    assert check("label:a|b", "a", ".") is False and check("exact", "aa", ".*") is False


def test_json_tells_numbers_from_truth_and_large_from_none():
    assert check("json:[1, 2.0]", "", "[1.0, 2]") is True
    assert check("json:[1]", "", "[true]") is False
    assert check("json:[0]", "", "[false]") is False


def test_an_answer_cannot_leave_early_and_be_right():
    for way in ("exit(0)", "import os; os._exit(0)", "raise SystemExit"):
        assert check("python:assert False", "", way, run_code=True) is False


def test_a_program_has_limits(tmp_path, monkeypatch):
    """Memory, size of output, what it leaves running, secrets of the environment."""
    monkeypatch.setenv("HF_TOKEN", "secret")
    run = partial(check, "python:pass", "", run_code=True)
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
    assert check('sql:{"setup": "", "rows": []}', "", query, run_code=True) is False
    assert not file.exists()


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
