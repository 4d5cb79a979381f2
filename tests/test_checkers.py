"""Every kind of checker accepts what is right, refuses what is wrong, and runs nothing unasked."""

import subprocess

import pytest

from sparcom_nb import checkers
from sparcom_nb.checkers import KINDS, RUNS_CODE, check

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
    with pytest.raises(ValueError, match="unknown checker kind"):
        check(checker, "a", "a")


@pytest.mark.parametrize("kind", sorted(RUNS_CODE))
def test_runs_nothing_unless_asked(kind, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("code was run")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(checkers, "expression_value", refuse)
    monkeypatch.setattr(checkers.sqlite3, "connect", refuse)
    checker, response, right, wrong = CASES[kind]
    compared = kind in ("number", "stdout")  # these compare with the response instead
    for output in [response, *right]:
        assert check(checker, response, output) is (True if compared else None)
    for output in wrong:
        assert check(checker, response, output) is (False if compared else None)
    assert check(f"{kind}:1/0 nonsense (", response, response) is (True if compared else None)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - RUNS_CODE - {"none"}))
def test_the_others_need_no_permission(kind):
    checker, response, right, wrong = CASES[kind]
    assert all(check(checker, response, output) for output in right)
    assert not any(check(checker, response, output) for output in wrong)


def test_endless_code_is_stopped(monkeypatch):
    monkeypatch.setattr(checkers, "_SECONDS", 0.5)
    assert check("python:pass", "", "while True: pass", run_code=True) is False


def test_expressions_cannot_import():
    with pytest.raises((NameError, ImportError)):
        checkers.expression_value("__import__('os').getcwd()")
