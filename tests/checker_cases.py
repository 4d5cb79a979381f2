"""Right and wrong answers for every kind of checker; answers that are none."""

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

#: Answers that are no answer, and once took minutes, broke off the run or passed.
JUNK = [
    "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "-" + "9" * 5_000, "1e999", "NaN", "[NaN]", "Infinity",
    "٣", "²", "(a+)+$", "(" * 20_000, "\\", "\x00", "\ud800", "```a\n" * 4_000, "```" * 50_000,
    "1," * 50_000,     "SELECT 1; SELECT 2", "\n" * 100_000, "|" * 10_000,
]  # fmt: skip


def accepts_right_and_refuses_wrong(judge, kind):
    """Check a function of checker, response and output on the cases of a kind."""
    checker, response, right, wrong = CASES[kind]
    for output in [response, *right]:
        assert judge(checker, response, output) is True, output
    for output in wrong:
        assert judge(checker, response, output) is False, output
