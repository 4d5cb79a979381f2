"""Write the 100 generated CODE rows: every function composes requests of one sub-type.

Wording, scenarios and data come from slots; expected results are computed, by an oracle written
apart from the answer where the answer is Python, by sqlite for queries, in Python for the shell.
"""

# ruff: noqa: S608  (queries are put together from the constants below)

import json
import random
import sqlite3
from collections import Counter
from contextlib import closing, redirect_stdout
from datetime import date, timedelta
from io import StringIO
from itertools import accumulate
from math import comb

PEOPLE = (
    "Aylin Kwame Mateo Saoirse Hiroshi Leilani Zanele Pavel Noura "
    "Anders Thandi Rohan Camille Ximena Tuan Oksana Idris Marit"
).split()
WORDS = (
    "amber basket canyon drizzle ember falcon garnet harbour island "
    "juniper kettle lantern meadow nectar orchid pebble quartz river"
).split()
NUMBER_WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def rows(rng: random.Random) -> list[dict]:
    """All generated rows of the category; the same rng state gives the same rows."""
    made = []
    for maker, count in MAKERS:
        found = maker(rng, count)
        subtype = maker.__name__
        made += [{"subtype": subtype, **row} for row in found]
    return made


def row(instruction: str, response: str, checker: str, given: str = "") -> dict:
    fields = {"instruction": instruction, "input": given, "response": response, "checker": checker}
    return {key: text.strip("\n") for key, text in fields.items()}


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code.strip()}\n```"


def asserts(name: str, oracle, cases: list[tuple], shape: str = "{}") -> str:
    """A ``python:`` checker that compares calls with what the oracle says."""
    lines = [
        f"assert {shape.format(name + '(' + ', '.join(map(repr, case)) + ')')} == {oracle(*case)!r}"
        for case in cases
    ]
    return "python:" + "\n".join(lines)


def draw(rng: random.Random, options: list, count: int) -> list:
    """Some of the options, none of them twice."""
    return rng.sample(options, count)


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def listing(parts: list, word: str = "and") -> str:
    *first, last = map(str, parts)
    return f"{', '.join(first)} {word} {last}" if first else last


def printed(code: str) -> str:
    """What a snippet of ours prints."""
    out = StringIO()
    with redirect_stdout(out):
        exec(code, {})  # noqa: S102
    return out.getvalue().rstrip("\n")


def result_of(code: str, call: str):
    """The value of a call once our code has been run."""
    space: dict = {}
    exec(code, space)  # noqa: S102
    return eval(call, space)  # noqa: S307


# --- strings, lists, dictionaries, dates --------------------------------------------------------


def string_functions(rng: random.Random, count: int) -> list[dict]:
    vowel_note = " Vowels are a, e, i, o and u in either case."
    kinds = [
        ("vowel", 'char.lower() in "aeiou"', lambda c: c.lower() in "aeiou", vowel_note),
        ("digit", "char.isdigit()", str.isdigit, ""),
        ("capital letter", "char.isupper()", str.isupper, ""),
        ("space", 'char == " "', lambda c: c == " ", ""),
        ("hyphen", 'char == "-"', lambda c: c == "-", ""),
    ]
    actions = [
        (
            "count",
            "the number of {k}s in a text",
            "    return sum(1 for char in text if {c})",
            lambda t, is_it: len([c for c in t if is_it(c)]),
        ),
        (
            "without",
            "a text stripped of all its {k}s",
            '    return "".join(char for char in text if not ({c}))',
            lambda t, is_it: "".join("" if is_it(c) else c for c in t),
        ),
        (
            "hide",
            "a copy of a text in which each {k} has become an asterisk",
            '    return "".join("*" if {c} else char for char in text)',
            lambda t, is_it: "".join([c, "*"][is_it(c)] for c in t),
        ),
        (
            "find",
            "a list of the positions, counted from 0, of all {k}s in a text",
            "    return [i for i, char in enumerate(text) if {c}]",
            lambda t, is_it: list(filter(lambda i: is_it(t[i]), range(len(t)))),
        ),
        (
            "longest_run_of",
            "the length of the longest unbroken run of {k}s in a text",
            "    best = run = 0\n    for char in text:\n        run = run + 1 if {c} else 0\n"
            "        best = max(best, run)\n    return best",
            lambda t, is_it: max(map(len, "".join(" x"[is_it(c)] for c in t).split()), default=0),
        ),
        (
            "before_first",
            "the part of a text before its first {k}, or all of it if there is none",
            "    for i, char in enumerate(text):\n        if {c}:\n            return text[:i]\n"
            "    return text",
            lambda t, is_it: t[: next((i for i, c in enumerate(t) if is_it(c)), len(t))],
        ),
    ]
    jobs = [
        "a typing course",
        "a word game",
        "a subtitle editor",
        "a web page that checks club names",
        "a program that engraves door plates",
        "a tool that tidies up file names",
    ]
    frames = [
        "I'm busy with {job} and lack one helper in Python, `{name}(text)`. It returns {what}.{note} All sorts of strings will reach it, short ones, long ones, some with several blanks in a row. An empty string must be fine as well and yields {empty}.",
        "`{name}(text)` for Python: {what}.{note}",
        "How can Python give me {what}? A definition of `{name}(text)` is all I need.{note}",
        "Part of {job} is a routine that delivers {what}. Supply it in Python under the name `{name}`, with one string argument called `text`, and don't import anything, since the machine on which it will run is old and has little but the bare language.{note} Only English text will be passed in.",
        "{who} learns Python by programming {job} but got stuck at one step, namely how to obtain {what}.{note} What would a tidy `{name}(text)` look like? It ought to cope with an empty string, too.",
    ]
    made = []
    for frame, action, kind, job, who in zip(
        draw(rng, frames, count),
        draw(rng, actions, count),
        draw(rng, kinds, count),
        draw(rng, jobs, count),
        draw(rng, PEOPLE, count),
        strict=True,
    ):
        verb, phrase, body, oracle = action
        noun, condition, is_it, note = kind
        name = f"{verb}_{noun.split()[0]}s".replace("before_first_", "before_")
        body = body.format(c=condition).replace(f"not ({condition})", _negated(condition))
        texts = [
            f"{capital(rng.choice(WORDS))}-{rng.randint(100, 999)} {rng.choice(WORDS).upper()}",
            f"{rng.choice(WORDS)} and  {rng.choice(WORDS)}",
            f"--{rng.randint(10, 99)}{rng.choice(WORDS)}",
            "",
        ]

        def expected(text: str, oracle=oracle, is_it=is_it):
            return oracle(text, is_it)

        text = frame.format(
            job=job, name=name, what=phrase.format(k=noun), note=note, who=who, empty=repr(expected("")).replace("''", "an empty string")
        )  # fmt: skip
        code = f"def {name}(text):\n{body}"
        made.append(row(text, fenced(code), asserts(name, expected, [(t,) for t in texts])))
    return made


def _negated(condition: str) -> str:
    if " in " in condition:
        return condition.replace(" in ", " not in ")
    return condition.replace("==", "!=") if "==" in condition else f"not {condition}"


def list_processing(rng: random.Random, count: int) -> list[dict]:
    k, limit = rng.randint(2, 4), rng.randint(12, 18)
    tasks = [
        (
            "rises",
            "how often a value is greater than the one just before it",
            "sum(later > earlier for earlier, later in zip({v}, {v}[1:]))",
            lambda v: len([i for i in range(1, len(v)) if v[i] > v[i - 1]]),
        ),
        (
            "changes",
            "the list of differences between each value and its predecessor",
            "[later - earlier for earlier, later in zip({v}, {v}[1:])]",
            lambda v: [v[i] - v[i - 1] for i in range(1, len(v))],
        ),
        (
            "peaks",
            "the list of positions, from 0, whose value exceeds both neighbours (so never the first or last)",
            "[\n        i\n        for i in range(1, len({v}) - 1)\n        if {v}[i - 1] < {v}[i] > {v}[i + 1]\n    ]",
            lambda v: [i for i in range(1, len(v) - 1) if v[i] > max(v[i - 1], v[i + 1])],
        ),
        (
            f"smallest_{NUMBER_WORDS[k]}",
            f"the {NUMBER_WORDS[k]} smallest values in ascending order, or all of them if there are fewer",
            f"sorted({{v}})[:{k}]",
            lambda v: [x for i, x in enumerate(sorted(v)) if i < k],
        ),
        (
            "split",
            f"a pair of lists, first the values below {limit}, then the remaining ones, both in the original order",
            f"(\n        [x for x in {{v}} if x < {limit}],\n        [x for x in {{v}} if x >= {limit}],\n    )",
            lambda v: tuple([x for x in v if (x < limit) == below] for below in (True, False)),
        ),
        (
            "totals",
            "the list of running totals, one for each value",
            "list(accumulate({v}))",
            lambda v: [sum(v[: i + 1]) for i in range(len(v))],
        ),
    ]
    scenes = [
        ("the rain gauge in our allotment", "rainfall"),
        ("the counter at the footbridge", "walkers"),
        ("the scales at the apple press", "crates"),
        ("a marble run with a sensor", "ticks"),
        ("my reading log", "pages"),
        ("the thermometer on the roof", "degrees"),
    ]
    frames = [
        "{Source} gives me whole numbers in a Python list. Let `{name}({v})` return {what}.",
        "What is a concise way in Python to get {what}? Define `{name}({v})`; the numbers are whole, they come from {source}, and their list may well be empty.",
        "`{name}({v})` for a Python list of numbers: {what}.",
        "{who} looks after {source}. Every evening the day's whole numbers end up in a Python list, and somebody then works out by hand {what}. That takes long and goes wrong too often. Automate this, please, with a function `{name}({v})` that doesn't alter the list it receives.",
        "Take a Python list of whole numbers, say from {source}. The result I'm after is {what}. Name the function `{name}` and its parameter `{v}`.",
    ]
    made = []
    for frame, task, scene, who in zip(
        draw(rng, frames, count),
        draw(rng, tasks, count),
        draw(rng, scenes, count),
        draw(rng, PEOPLE, count),
        strict=True,
    ):
        name, what, expression, oracle = task
        source, v = scene
        if source.startswith("my ") and "{who}" in frame:
            source = source.replace("my", "the")
        text = frame.format(
            name=name, what=what, v=v, source=source, Source=capital(source), who=who
        )
        code = f"def {name}({v}):\n    return {expression.format(v=v)}"
        if "accumulate" in code:
            code = f"from itertools import accumulate\n\n\n{code}"
        lists = [[rng.randint(3, 25) for _ in range(n)] for n in (7, 6, 1, 0)] + [
            [9, 9, 30, 2],
            [4, 8, 3],
        ]
        made.append(row(text, fenced(code), asserts(name, oracle, [(x,) for x in lists])))
    return made


def dictionaries(rng: random.Random, count: int) -> list[dict]:
    scenes = [
        ("loaves", "bakery", "how many loaves of each kind are left", ["rye", "spelt", "oat", "brioche"]),
        ("scores", "quiz night", "the points of every team", ["Owls", "Newts", "Hares", "Wasps"]),
        ("stock", "paint shop", "how many tins of each colour are in stock", ["ochre", "teal", "plum", "ivory"]),
        ("seats", "coach company", "how many seats are free on each trip", ["Dover", "Ghent", "Bath", "Lyon"]),
        ("laps", "charity run", "the laps of each runner", PEOPLE[:6]),
    ]  # fmt: skip
    limit = rng.randint(5, 9)
    word = NUMBER_WORDS[limit]

    def changed(old: dict, new: dict) -> list:
        return sorted(key for key in {**old, **new} if old.get(key) != new.get(key))

    tasks = [
        (
            "at_least",
            f"return the alphabetical list of keys whose number is {word} or more",
            "{d}",
            f"    return sorted(key for key, number in {{d}}.items() if number >= {limit})",
            lambda d: [key for key in sorted(d) if d[key] >= limit],
        ),
        (
            "best",
            "return the key with the largest number, or None for an empty dictionary; no two numbers are equal",
            "{d}",
            "    return max({d}, key={d}.get, default=None)",
            lambda d: sorted(d, key=lambda key: -d[key])[0] if d else None,
        ),
        (
            "changed",
            "compare yesterday's dictionary with today's and return the alphabetical list of keys that were added, removed or given another number",
            "old, new",
            "    keys = old.keys() | new.keys()\n    return sorted(key for key in keys if old.get(key) != new.get(key))",
            changed,
        ),
        (
            "ranked",
            "return the keys as a list, the one with the largest number first and equal numbers in alphabetical order",
            "{d}",
            "    return sorted({d}, key=lambda key: (-{d}[key], key))",
            lambda d: sorted(sorted(d), key=d.get, reverse=True),
        ),
        (
            "by_number",
            "turn the dictionary round, so that every number leads to the alphabetical list of its keys",
            "{d}",
            "    turned = {{}}\n    for key in sorted({d}):\n        turned.setdefault({d}[key], []).append(key)\n    return turned",
            lambda d: {n: sorted(k for k in d if d[k] == n) for n in d.values()},
        ),
    ]
    frames = [
        "The {place} keeps a Python dict that records {meaning}. Make `{name}({args})` {what}.",
        "A dict in my Python script tells me {meaning}, for instance {example}. `{name}({args})` ought to {what}.",
        "Please {what}. It's for a {place}, where a Python dictionary records {meaning}, and I would like to call it as `{name}({args})`. Nothing that is passed in may be modified, since other parts of the program go on using it.",
        "{who} has the dictionary {example} and dozens like it, showing {meaning}. Could you help out with a Python function `{name}({args})`? It has to {what}. Names of keys are always strings and numbers are never negative; an empty dictionary may turn up as well.",
        "`{name}({args})`, Python: {what}. Example of such a dict: {example}",
    ]
    made = []
    for frame, task, scene, who in zip(
        draw(rng, frames, count),
        draw(rng, tasks, count),
        draw(rng, scenes, count),
        draw(rng, PEOPLE, count),
        strict=True,
    ):
        name, what, args, body, oracle = task
        d, place, meaning, keys = scene
        data = [
            dict(zip(draw(rng, keys, n), draw(rng, list(range(1, 13)), n), strict=True))
            for n in (4, 3, 1)
        ]
        same = dict.fromkeys(keys[:3], 7)
        lone = name == "best"
        cases = [(x,) for x in [*data, {} if lone else same, {}]]
        if name == "changed":
            cases = [(data[0], data[1]), (data[2], {}), (same, {**same, keys[0]: 8}), ({}, {})]
        args = args.format(d=d)
        text = frame.format(name=name, args=args, what=what, place=place, meaning=meaning, who=who, example=f"`{data[1]}`")  # fmt: skip
        code = f"def {name}({args}):\n{body.format(d=d)}"
        made.append(row(text, fenced(code), asserts(name, oracle, cases)))
    return made


def dates(rng: random.Random, count: int) -> list[dict]:
    tasks = [_nth_weekday, _date_reformat, _working_days, _age_in_years, _reminder_dates]
    return [task(rng) for task in draw(rng, tasks, count)]


def _random_day(rng: random.Random) -> date:
    return date(2001, 1, 1) + timedelta(days=rng.randrange(7000))


def _date_check(name: str, oracle, cases: list[tuple], shape: str = "{}") -> str:
    text = asserts(name, oracle, cases, shape).replace("datetime.date(", "date(")
    return text.replace("python:", "python:from datetime import date\n", 1)


def _nth_weekday(rng: random.Random) -> dict:
    which, ordinal = rng.choice([(1, "first"), (2, "second"), (3, "third")])
    weekday = rng.randrange(7)
    club = rng.choice(["chess evening", "repair café", "choir rehearsal", "neighbourhood dinner"])

    def oracle(year: int, month: int) -> date:
        days = [date(year, month, day) for day in range(1, 29)]
        return [day for day in days if day.weekday() == weekday][which - 1]

    day = WEEKDAYS[weekday]
    code = f"""
from datetime import date, timedelta


def meeting(year, month):
    first = date(year, month, 1)
    wait = ({weekday} - first.weekday()) % 7
    return first + timedelta(days=wait + {7 * (which - 1)})
""".replace(" + 0)", ")")
    cases = [(rng.randint(1995, 2024), rng.randint(1, 12)) for _ in range(4)]
    return row(
        f"Our {club} takes place on the {ordinal} {day} of every month. Which Python function `meeting(year, month)` gives me that day as a `datetime.date`?",
        fenced(code),
        _date_check("meeting", oracle, cases),
    )


def _date_reformat(rng: random.Random) -> dict:
    pattern, example = rng.choice(
        [("%d.%m.%Y", "24.06.2013"), ("%d/%m/%Y", "24/06/2013"), ("%d %B %Y", "24 June 2013")]
    )
    archive = rng.choice(["photo archive", "gardening diary", "list of concert programmes"])
    days = [_random_day(rng).strftime(pattern) for _ in range(3)]
    months = dict(
        zip(
            "January February March April May June July August September October November December".split(),
            range(1, 13),
            strict=True,
        )
    )

    def oracle(text: str) -> str:
        day, month, year = text.replace(".", " ").replace("/", " ").split()
        return f"{year}-{months.get(month, 0) or int(month):02}-{int(day):02}"

    code = f"""
from datetime import datetime


def to_iso(text):
    return datetime.strptime(text, "{pattern}").date().isoformat()
"""
    return row(
        f'Python `to_iso(text)` for dates in the {archive}: "{example}" becomes "2013-06-24".',
        fenced(code),
        asserts("to_iso", oracle, [(d,) for d in [example, *days]]),
    )


def _working_days(rng: random.Random) -> dict:
    off = rng.choice([[5, 6], [6], [0, 6]])
    closed = listing([WEEKDAYS[d] + "s" for d in off])
    who = rng.choice(PEOPLE)

    def oracle(start: date, end: date) -> int:
        span = [start + timedelta(days=i) for i in range((end - start).days + 1)]
        return len([day for day in span if day.weekday() not in off])

    test = f"not in {tuple(off)}" if len(off) > 1 else f"!= {off[0]}"
    code = f"""
from datetime import timedelta


def open_days(start, end):
    days = (end - start).days + 1
    return sum((start + timedelta(days=i)).weekday() {test} for i in range(days))
"""
    starts = [_random_day(rng) for _ in range(4)]
    cases = [
        (s, s + timedelta(days=n))
        for s, n in zip(starts, (0, 6, 30, rng.randint(50, 90)), strict=True)
    ]
    return row(
        f"{who}'s workshop is closed on {closed} and open on all other days of the week. To plan the orders, {who} would like to know on how many days it is open between two dates. Both of them are `datetime.date` objects, both count, and the second is never before the first. Give the Python code for `open_days(start, end)`.",
        fenced(code),
        _date_check("open_days", oracle, cases),
    )


def _age_in_years(rng: random.Random) -> dict:
    thing = rng.choice(
        ["the member's birthday", "the day a tree was planted", "the day a ship was launched"]
    )

    def oracle(begin: date, today: date) -> int:
        years = 0
        while date(begin.year + years + 1, begin.month, begin.day) <= today:
            years += 1
        return years

    code = """
def full_years(begin, today):
    years = today.year - begin.year
    if (today.month, today.day) < (begin.month, begin.day):
        years -= 1
    return years
"""
    born = _random_day(rng).replace(day=rng.randint(2, 27))
    cases = [(born, born.replace(year=2030, day=born.day + shift)) for shift in (-1, 0, 1)] + [
        (born, born)
    ]
    return row(
        f"Calculate completed years in Python. The arguments of `full_years(begin, today)` are two `datetime.date` values, {thing} and the current day; nobody will pass 29 February. I'd prefer plain comparisons to dividing a number of days by 365.25.",
        fenced(code),
        _date_check("full_years", oracle, cases),
    )


def _reminder_dates(rng: random.Random) -> dict:
    gap = rng.choice([10, 14, 21])
    times = rng.choice([3, 4])
    what = rng.choice(["feed the orchids", "turn the compost", "oil the bicycle chain"])

    def oracle(start: date) -> list[str]:
        return [(start + timedelta(days=gap) * (i + 1)).isoformat() for i in range(times)]

    code = f"""
from datetime import date, timedelta


def reminders(start):
    first = date.fromisoformat(start)
    return [(first + timedelta(days={gap} * n)).isoformat() for n in range(1, {times + 1})]
"""
    days = [_random_day(rng) for _ in range(3)]
    return row(
        f'Every {gap} days I must {what}. Starting from an ISO date such as `"2019-11-30"`, on which I\'ve just done it, `reminders(start)` shall list the next {NUMBER_WORDS[times]} dates, again as ISO strings. Python.',
        fenced(code),
        asserts(
            "reminders",
            lambda s: oracle(date.fromisoformat(s)),
            [(d.isoformat(),) for d in days] + [("2020-02-28",)],
        ),
    )


# --- working on given code ----------------------------------------------------------------------


def bug_fixing(rng: random.Random, count: int) -> list[dict]:
    """Spoil one line of a correct function and quote a wrong result of the spoilt version."""
    low, high = sorted(draw(rng, list(range(2, 9)), 2))
    bases = [
        (
            "largest",
            "def largest(numbers):\n    best = numbers[0]\n    for number in numbers:\n        if number > best:\n            best = number\n    return best",
            ("best = numbers[0]", "best = 0"),
            [([-low, -high],), ([high, low, high + 3],), ([-1],), ([0, -5],)],
        ),
        (
            "drop_negatives",
            "def drop_negatives(numbers):\n    kept = []\n    for number in numbers:\n        if number >= 0:\n            kept.append(number)\n    return kept",
            (
                "    kept = []\n    for number in numbers:\n        if number >= 0:\n            kept.append(number)\n    return kept",
                "    for number in numbers:\n        if number < 0:\n            numbers.remove(number)\n    return numbers",
            ),
            [([low, -high, -low, 8],), ([-1, -2, -3, -4],), ([],), ([5, 0],)],
        ),
        (
            "factorial",
            "def factorial(n):\n    product = 1\n    for factor in range(1, n + 1):\n        product *= factor\n    return product",
            ("range(1, n + 1)", "range(1, n)"),
            [(low + 2,), (high + 2,), (0,), (1,)],
        ),
        (
            "all_even",
            "def all_even(numbers):\n    for number in numbers:\n        if number % 2:\n            return False\n    return True",
            (
                "            return False\n    return True",
                "            return False\n        return True",
            ),
            [([2 * low, 2 * high, 7],), ([4, 6],), ([3],), ([2, 2, 1],)],
        ),
        (
            "to_fahrenheit",
            "def to_fahrenheit(celsius):\n    return celsius * 9 / 5 + 32",
            ("celsius * 9 / 5 + 32", "celsius * 9 / (5 + 32)"),
            [(5 * low,), (5 * high,), (0,), (-40,)],
        ),
        (
            "reverse_words",
            'def reverse_words(sentence):\n    return " ".join(sentence.split()[::-1])',
            ('" ".join(sentence.split()[::-1])', "sentence[::-1]"),
            [(" ".join(draw(rng, WORDS, 3)),), ("one two",), ("alone",), ("",)],
        ),
    ]
    frames = [
        "`{call}` ought to be {right}, but I get {wrong}. Find the mistake and show the repaired code.",
        "{who} wrote this for homework. Asked for `{call}`, it answers {wrong} instead of {right}. What does the function look like without the bug?",
        "There is a fault in here: {right} would be correct for `{call}`, yet {wrong} is what comes back. Please return the whole function in working order, under the same name.",
        "Something is off. Expected from `{call}`: {right}. Actual: {wrong}. Debug it.",
    ]
    made = []
    for frame, base, who in zip(
        draw(rng, frames, count), draw(rng, bases, count), draw(rng, PEOPLE, count), strict=True
    ):
        name, good, (right_part, wrong_part), cases = base
        bad = good.replace(right_part, wrong_part)
        call = f"{name}({cases[0][0]!r})"
        right, wrong = result_of(good, call), result_of(bad, call)
        if right == wrong:
            raise ValueError(f"the spoilt {name} shows no fault in {call}")
        space: dict = {}
        exec(good, space)  # noqa: S102
        checker = asserts(name, space[name], cases)
        text = frame.format(
            call=call.replace("'", '"'),
            right=repr(right).replace("'", '"'),
            wrong=repr(wrong).replace("'", '"'),
            who=who,
        )
        made.append(row(text, fenced(good), checker, bad))
    return made


def code_completion(rng: random.Random, count: int) -> list[dict]:
    """A signature and a docstring, whose example is computed, to be completed."""
    a, b = draw(rng, [3, 4, 5, 6, 7], 2)
    base = rng.choice([3, 5, 6])
    free, price = rng.randint(2, 4), rng.randint(2, 5)

    def in_base(n: int) -> str:
        digits = [str(n // base**i % base) for i in range(12)]
        return "".join(reversed(digits)).lstrip("0") or "0"

    tasks = [
        (
            "multiples",
            "limit",
            f"Sum of the positive integers below limit that are divisible by {a} or {b}.",
            f"    return sum(n for n in range(1, limit) if n % {a} == 0 or n % {b} == 0)",
            lambda limit: sum(set(range(a, limit, a)) | set(range(b, limit, b))),
            [(rng.randint(15, 25),), (rng.randint(40, 99),), (1,), (a + 1,)],
        ),
        (
            f"to_base_{base}",
            "n",
            f"Write the non-negative integer n in base {base}, as a string.",
            f'    digits = ""\n    while n:\n        digits = str(n % {base}) + digits\n        n //= {base}\n    return digits or "0"',
            in_base,
            [(rng.randint(20, 60),), (rng.randint(200, 900),), (0,), (base,)],
        ),
        (
            "fine",
            "days_late",
            f"Fine in dollars: nothing for the first {NUMBER_WORDS[free]} days late, then {price} for each further day.",
            f"    return max(days_late - {free}, 0) * {price}",
            lambda late: price * len(range(free, late)),
            [(rng.randint(6, 20),), (free,), (free + 1,), (0,)],
        ),
        (
            "second_word",
            "line",
            'The second word of line in lower case, or "" if there is none.',
            '    words = line.split()\n    return words[1].lower() if len(words) > 1 else ""',
            lambda line: [*line.lower().split(), "", ""][1],
            [(" ".join(map(str.upper, draw(rng, WORDS, 3))),), ("one  TWO",), ("alone",), ("",)],
        ),
        (
            "prime_factors",
            "n",
            "Prime factors of n (2 or more) in ascending order, each as often as it divides n.",
            "    factors = []\n    divisor = 2\n    while n > 1:\n        while n % divisor == 0:\n            factors.append(divisor)\n            n //= divisor\n        divisor += 1\n    return factors",
            lambda n: _factors(n),
            [(rng.choice([60, 84, 90, 126]),), (rng.randint(100, 400),), (2,), (97,)],
        ),
    ]
    frames = [
        "Finish this Python function according to its docstring.",
        "A workbook for beginners leaves the code below open as an exercise. What could a model solution be?",
        "Only the header of this function exists so far. I'd be grateful for the missing body; the example in the docstring has to come out as stated, and very small arguments should work as well.",
        "Complete it:",
        "{who} stopped coding at this point. Carry on, please.",
    ]
    made = []
    for frame, task, who in zip(
        draw(rng, frames, count), draw(rng, tasks, count), draw(rng, PEOPLE, count), strict=True
    ):
        name, parameter, purpose, body, oracle, cases = task
        example = f"{name}({cases[0][0]!r})".replace("'", '"')
        value = repr(oracle(*cases[0])).replace("'", '"')
        stub = f'def {name}({parameter}):\n    """{purpose}\n\n    >>> {example}\n    {value.replace(chr(34), chr(39))}\n    """'
        made.append(
            row(
                frame.format(who=who), fenced(f"{stub}\n{body}"), asserts(name, oracle, cases), stub
            )
        )
    return made


def _factors(n: int) -> list[int]:
    for divisor in range(2, n):
        if n % divisor == 0:
            return [divisor, *_factors(n // divisor)]
    return [n]


def refactoring(rng: random.Random, count: int) -> list[dict]:
    """Loops assembled from a collection, a condition and an expression, to be said in one line."""
    n = rng.randint(3, 6)
    items = [
        ("words", "word", [f"len(word) > {n}", 'word.endswith("t")', '"e" in word'], ["word.upper()", "len(word)", "word[0]"], [draw(rng, WORDS, 5), ["ant", "bet", "elephants"], []]),
        ("prices", "price", [f"price > {10 * n}", f"price % {n} == 0"], ["price * 2", "price - 1", "price // 2"], [[rng.randint(5, 99) for _ in range(6)], [60, 90, 10 * n], []]),
        ("pairs", "(name, age)", [f"age >= {6 + n}", "age % 2 == 0"], ["name", "age + 1", "name.lower()"], [[(p, rng.randint(4, 15)) for p in draw(rng, PEOPLE, 4)], [("Bo", 12), ("Cy", 5)], []]),
    ]  # fmt: skip
    kinds = [
        (
            [
                "Squeeze the function into a single list comprehension.",
                "This takes five lines where a list comprehension would take one. Show me that version under the same name.",
            ],
            "    {acc} = []\n    for {x} in {coll}:\n        if {cond}:\n            {acc}.append({expr})\n    return {acc}",
            "    return [{expr} for {x} in {coll} if {cond}]",
            "append",
        ),
        (
            [
                "Shorten the summing loop to one `return` with `sum` and a generator expression, please.",
                "Is there any need for the variable and the loop? Use `sum`.",
            ],
            "    {acc} = 0\n    for {x} in {coll}:\n        if {cond}:\n            {acc} += 1\n    return {acc}",
            "    return sum(1 for {x} in {coll} if {cond})",
            "__loop__",
        ),
        (
            [
                "A reviewer said that this flag variable is ugly. Express the same thing with `all` and keep name and parameter as they are.",
                "Make this simpler by means of `all`. Calls from elsewhere must go on working, and an empty collection must still lead to True.",
            ],
            "    {acc} = True\n    for {x} in {coll}:\n        if not ({cond}):\n            {acc} = False\n    return {acc}",
            "    return all({cond} for {x} in {coll})",
            "__loop__",
        ),
        (
            [
                "Rework the function as a set comprehension. It runs inside our nightly report, so what it returns has to stay exactly as it is now.",
                "Could this become a set comprehension? I'm teaching them tomorrow, and the loop below is my example of the long way round.",
            ],
            "    {acc} = set()\n    for {x} in {coll}:\n        if {cond}:\n            {acc}.add({expr})\n    return {acc}",
            "    return {{{expr} for {x} in {coll} if {cond}}}",
            "add",
        ),
    ]
    names = draw(rng, ["pick", "report", "gather", "survey", "screen"], count)
    made = []
    for number, kind in enumerate(draw(rng, kinds, count)):
        asks, before, after, gone = kind
        coll, x, conditions, expressions, tests = items[(number + n) % len(items)]
        slots = {"acc": rng.choice(["result", "found", "out"]), "x": x.strip("()"), "coll": coll}
        slots |= {"cond": rng.choice(conditions), "expr": rng.choice(expressions)}
        head = f"def {names[number]}({coll}):\n"
        old, new = head + before.format(**slots), head + after.format(**slots)
        space: dict = {}
        exec(old, space)  # noqa: S102
        oracle, shape = space[names[number]], "{}"
        if gone == "add":  # a set of strings has no fixed order
            oracle, shape = _sorted_result(oracle), "sorted({})"
        checker = asserts(names[number], oracle, [(t,) for t in tests], shape)
        if gone != "__loop__":
            checker += f'\nassert "{gone}" not in {names[number]}.__code__.co_names'
        made.append(row(rng.choice(asks), fenced(new), checker, old))
    return made


def _sorted_result(function):
    return lambda *args: sorted(function(*args))


def output_prediction(rng: random.Random, count: int) -> list[dict]:
    word = rng.choice([w for w in WORDS if len(w) >= 6])
    a, b, c = draw(rng, list(range(2, 9)), 3)
    four = draw(rng, list(range(3, 20)), 4)
    three = draw(rng, WORDS, 3)
    p, q = draw(rng, PEOPLE, 2)
    snippets = [
        f'word = "{word}"\nprint(word[1:{rng.choice([3, 4])}] + word[-2:] + str(len(word)))',
        f"total = 0\nfor n in range({a}, {a + 8}):\n    if n % 2 == 1:\n        continue\n    total += n\n    print(n, total)",
        f"n = {rng.randint(20, 60)}\nsteps = 0\nwhile n > 1:\n    n //= 2\n    steps += 1\nprint(steps, n)",
        f"queue = {four}\nqueue.append(queue.pop(0))\nqueue.insert(1, {c})\nprint(queue)\nprint(queue[-1] - queue[0])",
        f'ages = {{"{p}": {a + 20}, "{q}": {b + 20}}}\nages["{p}"] += {c}\nfor name, age in sorted(ages.items()):\n    print(f"{{name}} is {{age}}")'.replace(
            "{{", "{"
        ).replace("}}", "}"),
        f"def f(n):\n    if n < {min(a, 4)}:\n        return n\n    return f(n - 2) + f(n - 1)\n\n\nprint([f(i) for i in range(7)])",
        f"for i, item in enumerate({three}, start={a}):\n    if len(item) > 5:\n        print(i, item.title())\n    else:\n        print(i, item[0])".replace(
            "'", '"'
        ),
        f"x, y = {a}, {b}\nx, y = y, x + y\nprint(x * y, x > y)\nprint(divmod(y, {c}))",
    ]
    frames = [
        "Give the exact output of this Python script.",
        "What will appear in the terminal when the following runs under Python 3? I only need the text itself.",
        "Read the code like an interpreter and copy down whatever it prints, nothing more.",
        "{who} has to predict in an exam, without a computer, what these lines print. Write down the correct answer as it would be shown, with line breaks in the right places and no comment.",
        "Output?",
        "Which text does Python display here?",
    ]
    made = []
    for frame, snippet, who in zip(
        draw(rng, frames, count), draw(rng, snippets, count), draw(rng, PEOPLE, count), strict=True
    ):
        made.append(row(frame.format(who=who), printed(snippet), f"stdout:{snippet}", snippet))
    return made


# --- program design -----------------------------------------------------------------------------


def recursion(rng: random.Random, count: int) -> list[dict]:
    digit, small, big = rng.randint(1, 9), 1, rng.choice([2, 3])
    who = rng.choice(PEOPLE)
    thing = rng.choice(["crate", "parcel", "drawer"])

    def climbs(n: int) -> int:
        ways = [1] + [0] * n
        for i in range(1, n + 1):
            ways[i] = sum(ways[i - s] for s in (small, big) if s <= i)
        return ways[n]

    steps = f"{NUMBER_WORDS[small]} or {NUMBER_WORDS[big]}"
    made = [
        row(
            f"How many times does the digit {digit} occur in a non-negative whole number? Solve this in Python by recursion on the last digit, without converting to a string: `occurrences(n)`.",
            fenced(
                f"def occurrences(n):\n    here = int(n % 10 == {digit})\n    return here if n < 10 else here + occurrences(n // 10)"
            ),
            asserts(
                "occurrences",
                lambda n: str(n).count(str(digit)),
                [(digit * 11,), (rng.randint(10**6, 10**8),), (0,), (digit,), (digit * 1000 + 5,)],
            ),
        ),
        row(
            f"{who} climbs a staircase of n steps, always taking {steps} at a time. `climbs(n)` should say, by calling itself, in how many different ways the top can be reached; for n = 0 that is 1. Python, and n never exceeds 20.",
            fenced(
                f"def climbs(n):\n    if n < 0:\n        return 0\n    if n == 0:\n        return 1\n    return climbs(n - {small}) + climbs(n - {big})"
            ),
            asserts("climbs", climbs, [(0,), (1,), (rng.randint(4, 7),), (12,)]),
        ),
        row(
            f"Each {thing} is a Python list of smaller {thing}s, and one with nothing inside is an empty list. Recursive `{thing}s_in(outer)`: the number of {thing}s it holds, at every level, itself not included.",
            fenced(
                f"def {thing}s_in(outer):\n    return sum(1 + {thing}s_in(inner) for inner in outer)"
            ),
            asserts(
                f"{thing}s_in",
                lambda outer: str(outer).count("[") - 1,
                [([],), ([[], []],), ([[[], [[]]], []],), ([[[[]]]],)],
            ),
        ),
        row(
            "Binary notation of a non-negative integer as a string, by recursive halving; `bin` and `format` are off limits. Call the Python function `binary(n)`.",
            fenced("def binary(n):\n    return str(n) if n < 2 else binary(n // 2) + str(n % 2)"),
            asserts("binary", lambda n: f"{n:b}", [(rng.randint(20, 90),), (0,), (1,), (1024,)]),
        ),
        row(
            "I'm explaining Pascal's triangle to a class and want the code to mirror the picture. Please let a recursive Python function `pascal(n)` build row n out of the row above it, as a list; row 0 is `[1]`.",
            fenced(
                "def pascal(n):\n    if n == 0:\n        return [1]\n    above = pascal(n - 1)\n    return [1] + [a + b for a, b in zip(above, above[1:])] + [1]"
            ),
            asserts(
                "pascal",
                lambda n: [comb(n, k) for k in range(n + 1)],
                [(0,), (1,), (4,), (rng.randint(6, 9),)],
            ),
        ),
    ]
    return draw(rng, made, count)


def classes(rng: random.Random, count: int) -> list[dict]:
    return [maker(rng) for maker in draw(rng, [_tank, _carousel, _bounded_log, _tally], count)]


def _tank(rng: random.Random) -> dict:
    name, unit, fill, drain = rng.choice(
        [
            ("Tank", "litres", "fill", "drain"),
            ("Battery", "units of charge", "charge", "use"),
            ("Silo", "tonnes", "add", "take"),
        ]
    )
    capacity = rng.randint(6, 12) * 5
    code = f"""
class {name}:
    def __init__(self, capacity):
        self.capacity = capacity
        self.level = 0

    def {fill}(self, amount):
        self.level = min(self.level + amount, self.capacity)

    def {drain}(self, amount):
        taken = min(amount, self.level)
        self.level -= taken
        return taken
"""
    level, lines = 0, [f"x = {name}({capacity})", "assert x.level == 0"]
    for amount in [
        rng.randint(5, 20),
        -rng.randint(2, 5),
        capacity,
        -rng.randint(5, 25),
        -capacity,
        -1,
    ]:
        if amount > 0:
            level = min(level + amount, capacity)
            lines += [f"x.{fill}({amount})", f"assert x.level == {level}"]
        else:
            taken = min(-amount, level)
            level -= taken
            lines += [f"assert x.{drain}({-amount}) == {taken}", f"assert x.level == {level}"]
    return row(
        f"For a simulation I need a Python class `{name}`. It is made with its capacity in {unit} and starts empty, which the attribute `level` shows. `{fill}(amount)` raises the level, though never above the capacity, so that any surplus is lost. `{drain}(amount)` lowers it, but not below zero, and returns how much actually came out.",
        fenced(code),
        "python:" + "\n".join(lines),
    )


def _carousel(rng: random.Random) -> dict:
    name, things, forward, back = rng.choice(
        [
            ("Carousel", "pictures", "forward", "back"),
            ("Playlist", "songs", "skip", "rewind"),
            ("Menu", "entries", "down", "up"),
        ]
    )
    code = f"""
class {name}:
    def __init__(self, {things}):
        self._{things} = list({things})
        self._position = 0

    @property
    def current(self):
        return self._{things}[self._position]

    def {forward}(self):
        self._position = (self._position + 1) % len(self._{things})

    def {back}(self):
        self._position = (self._position - 1) % len(self._{things})
"""
    words = draw(rng, WORDS, 3)
    at, lines = 0, [f"x = {name}({words})", f"assert x.current == {words[0]!r}"]
    for move in [1, 1, 1, -1, -1, rng.choice([1, -1])]:
        at = (at + move) % 3
        lines += [f"x.{forward if move > 0 else back}()", f"assert x.current == {words[at]!r}"]
    lines += [f"y = {name}(['only'])", f"y.{back}()", "assert y.current == 'only'"]
    return row(
        f"A `{name}` object holds a non-empty list of {things}, passed at creation; its property `current` starts at the first. `{forward}()` and `{back}()` move by one and wrap round at both ends. Show the Python class.",
        fenced(code),
        "python:" + "\n".join(lines),
    )


def _bounded_log(rng: random.Random) -> dict:
    name, item, limit = rng.choice(
        [("Journal", "entry", 3), ("RecentPages", "page", 4), ("Undo", "action", 5)]
    )
    code = f"""
from collections import deque


class {name}:
    def __init__(self):
        self._items = deque(maxlen={limit})

    def add(self, {item}):
        self._items.appendleft({item})

    def recent(self):
        return list(self._items)

    def __len__(self):
        return len(self._items)
"""
    words = draw(rng, WORDS, limit + 2)
    lines = [f"x = {name}()", "assert x.recent() == [] and len(x) == 0"]
    for i, word in enumerate(words):
        kept = words[max(0, i + 1 - limit) : i + 1][::-1]
        lines += [
            f"x.add({word!r})",
            f"assert x.recent() == {kept}",
            f"assert len(x) == {len(kept)}",
        ]
    plural = "entries" if item == "entry" else item + "s"
    return row(
        f"What would a Python class look like that remembers just the latest {NUMBER_WORDS[limit]} {plural} and silently forgets older ones? I'd call it `{name}`, with `add({item})`, with `recent()` for a list that has the newest first, and with `len()` working on it.",
        fenced(code),
        "python:" + "\n".join(lines),
    )


def _tally(rng: random.Random) -> dict:
    name, verb, thing = rng.choice(
        [("BirdList", "spot", "species"), ("Ballot", "vote", "option"), ("Orders", "order", "dish")]
    )
    code = f"""
class {name}:
    def __init__(self):
        self._counts = {{}}

    def {verb}(self, {thing}):
        self._counts[{thing}] = self._counts.get({thing}, 0) + 1

    def count(self, {thing}):
        return self._counts.get({thing}, 0)

    def __contains__(self, {thing}):
        return {thing} in self._counts
"""
    words = [rng.choice(WORDS[:4]) for _ in range(5)]
    lines = [f"x = {name}()", *(f"x.{verb}({w!r})" for w in words)]
    lines += [f"assert x.count({w!r}) == {words.count(w)}" for w in WORDS[:4]]
    lines += [f"assert ({w!r} in x) is {w in words}" for w in WORDS[:5]]
    return row(
        f"Python class `{name}`: `{verb}({thing})` adds one to a tally, `count({thing})` tells how often that happened (0 if never), and `in` tests whether it happened at all.",
        fenced(code),
        "python:" + "\n".join(lines),
    )


def sorting(rng: random.Random, count: int) -> list[dict]:
    """Sort records by two fields in a direction each."""
    scenes = [
        ("cheeses", "cheese", [("age", "in months", "youngest first", "oldest first"), ("price", "per kilo", "cheapest first", "dearest first")]),
        ("ferries", "ferry", [("departs", "the hour of departure", "earliest first", "latest first"), ("seats", "the number still free", "fewest first", "most first")]),
        ("essays", "essay", [("grade", "from 1 to 6", "lowest first", "highest first"), ("pages", "their number", "shortest first", "longest first")]),
        ("peaks", "peak", [("height", "in metres", "lowest first", "highest first"), ("hours", "to the top", "quickest first", "longest first")]),
        ("kites", "kite", [("span", "in centimetres", "narrowest first", "widest first"), ("lines", "how many it flies on", "fewest first", "most first")]),
    ]  # fmt: skip
    frames = [
        "Each {one} in my Python list is a dict with the keys {keys}. Order them by {f1}, {how1}, and those with equal {f1} by {f2}, {how2}. The function `{name}({many})` returns a new list.",
        "Help me put {many} in order with Python's `sorted` and a key. They are dicts ({keys}). What counts first is {f1} ({how1}); ties go by {f2} ({how2}). Definition of `{name}({many})`, please.",
        'Python `{name}({many})`: sort dicts by "{f1}", {how1}, then "{f2}", {how2}.',
        'How does one sort a list of dicts in Python on two criteria, {sense}? Mine describe {many}, with the keys "name", "{f1}" ({u1}) and "{f2}" ({u2}); the last two hold numbers. I want "{f1}" to decide, {how1}, and "{f2}" to break ties, {how2}. `{name}({many})` should leave the original list as it is.',
        "{who} prints a catalogue of {many} from a list of dicts whose keys are {keys}. They should appear by {f1}, {how1}; where that is equal, by {f2}, {how2}. Records that agree in both respects keep the order in which they were entered. Code this as `{name}({many})` in Python, without third-party libraries and without touching the list that is passed in.",
    ]
    made = []
    names = ["arrange", "in_order", "ranking", "ordered", "line_up"]
    for frame, scene, who, name in zip(
        draw(rng, frames, count),
        draw(rng, scenes, count),
        draw(rng, PEOPLE, count),
        draw(rng, names, count),
        strict=True,
    ):
        many, one, fields = scene
        (f1, u1, up1, down1), (f2, u2, up2, down2) = fields if rng.random() < 0.5 else fields[::-1]
        fall1, fall2 = rng.choice([(True, False), (False, True), (True, True)])
        sign1, sign2 = "-" * fall1, "-" * fall2
        text = frame.format(
            one=one, many=many, keys=listing([f'"{k}"' for k in ("name", fields[0][0], fields[1][0])]), f1=f1, f2=f2, u1=u1, u2=u2,
            how1=down1 if fall1 else up1, how2=down2 if fall2 else up2, who=who,
            sense="one ascending and one descending" if fall1 != fall2 else "both descending", name=name,
        )  # fmt: skip
        code = f'def {name}({many}):\n    return sorted({many}, key=lambda {one}: ({sign1}{one}["{f1}"], {sign2}{one}["{f2}"]))'

        def oracle(records: list[dict], f1=f1, f2=f2, fall1=fall1, fall2=fall2) -> list[dict]:
            inner = sorted(records, key=lambda r: r[f2], reverse=fall2)
            return sorted(inner, key=lambda r: r[f1], reverse=fall1)

        values = draw(rng, list(range(2, 60)), 6)
        records = [
            {"name": w, f1: values[i % 3], f2: values[5 - i]}
            for i, w in enumerate(draw(rng, WORDS, 5))
        ]
        made.append(
            row(
                text,
                fenced(code),
                asserts(name, oracle, [(records,), (records[:2],), (records[3:],), ([],)]),
            )
        )
    return made


def text_parsing(rng: random.Random, count: int) -> list[dict]:
    """One line per record with a random separator, and a question about the fields."""
    scenes = [
        ("item", "shelf", "pieces", "our storeroom list", ["tape", "chalk", "hooks", "string"], ["A1", "B4", "C2"], 40),
        ("guest", "table", "children", "the wedding list", PEOPLE[:6], ["rose", "lily", "fern"], 4),
        ("boat", "pier", "crew", "the harbour's mooring list", ["Petrel", "Gannet", "Osprey", "Avocet"], ["east", "west"], 12),
        ("plant", "bed", "seedlings", "a nursery's sowing plan", ["kale", "leek", "chard", "beet"], ["north", "south"], 40),
    ]  # fmt: skip
    tasks = [
        (
            "total",
            "add up all {n}",
            "    return sum(int(line.split({s!r})[2]) for line in text.splitlines())",
            lambda rec: sum(r[2] for r in rec),
        ),
        (
            "names_at",
            "list, in the given order, every {a} whose {b} is `place`",
            "    rows = [line.split({s!r}) for line in text.splitlines()]\n    return [row[0] for row in rows if row[1] == place]",
            None,
        ),
        (
            "records",
            "turn the text into a list of dicts with the keys {a!r}, {b!r} and {n!r}, the last with an int as value",
            "    parsed = []\n    for line in text.splitlines():\n        {a}, {b}, {n} = line.split({s!r})\n        parsed.append({{{a!r}: {a}, {b!r}: {b}, {n!r}: int({n})}})\n    return parsed",
            None,
        ),
        (
            "per_place",
            "make a dict from each {b} to the total of its {n}",
            "    totals = {{}}\n    for line in text.splitlines():\n        _, {b}, {n} = line.split({s!r})\n        totals[{b}] = totals.get({b}, 0) + int({n})\n    return totals",
            lambda rec: {p: sum(r[2] for r in rec if r[1] == p) for p in [r[1] for r in rec]},
        ),
    ]
    frames = [
        "Lines in {source} give {a}, {b} and number of {n}, as in the sample. In Python, `{call}` should {what}. An empty text contains no lines at all and must not cause an error.",
        "Python `{call}`: {what}.",
        "Below is an extract from {source} ({a}, {b}, {n}). Can you parse such a text with a Python function `{call}` whose job is to {what}? The real list is far longer than these lines, yet all of it follows the same scheme, and nowhere is there a heading, a blank line or a comment.",
        "I copied part of {source}. Its columns are {a}, {b} and {n}, and none of them ever contains the separator. What I need next is `{call}` in Python, to {what}. No imports, please, since it must run on a very small device.",
    ]
    made = []
    for frame, task, scene, sep in zip(
        draw(rng, frames, count),
        draw(rng, tasks, count),
        draw(rng, scenes, count),
        draw(rng, [";", "|", " / ", ", "], count),
        strict=True,
    ):
        name, what, body, oracle = task
        a, b, n, source, firsts, seconds, most = scene
        call = f"{name}(text, place)" if name == "names_at" else f"{name}(text)"
        slots = {"a": a, "b": b, "n": n, "s": sep}
        lots = [
            [(f, rng.choice(seconds), rng.randint(0, most)) for f in draw(rng, firsts, size)]
            for size in (3, 4, 1)
        ]
        texts = ["\n".join(sep.join(map(str, r)) for r in lot) for lot in lots]
        pairs = [*zip(texts, lots, strict=True), ("", [])]
        if name == "names_at":
            asked = [lots[0][0][1], seconds[0], "nowhere", seconds[0]]
            pairs = [
                ((t, p), [r[0] for r in lot if r[1] == p])
                for (t, lot), p in zip(pairs, asked, strict=True)
            ]
        elif name == "records":
            pairs = [
                ((t,), [dict(zip((a, b, n), r, strict=True)) for r in lot]) for t, lot in pairs
            ]
        else:
            pairs = [((t,), oracle(lot)) for t, lot in pairs]
        lines = [
            f"assert {name}({', '.join(map(repr, args))}) == {value!r}" for args, value in pairs
        ]
        text = frame.format(
            **slots, source=source, call=call, what=what.format(**slots).replace("'", '"')
        )
        code = f"def {call}:\n{body.format(**slots)}".replace("'", '"')
        made.append(row(text, fenced(code), "python:" + "\n".join(lines), texts[0]))
    return made


# --- SQL ----------------------------------------------------------------------------------------

TABLES = [
    {"t": "trails", "one": "trail", "c": ("name", "region", "km"), "names": ["Heron Path", "Mill Loop", "Ridge Walk", "Fern Trail", "Coast Way", "Old Canal"], "groups": ["north", "east", "valley"],
     "in": "in the region '{g}'", "more": "longer than {n} km", "less": "shorter than {n} km", "down": "longest first", "up": "shortest first", "range": (3, 30), "amount": "length in km", "grp": "region"},
    {"t": "dishes", "one": "dish", "c": ("name", "course", "minutes"), "names": ["lentil soup", "plum cake", "paella", "gnocchi", "dal", "baked figs"], "groups": ["starter", "main", "dessert"],
     "in": "of the course '{g}'", "more": "that take more than {n} minutes", "less": "that take less than {n} minutes", "down": "slowest first", "up": "quickest first", "range": (10, 95), "amount": "cooking time", "grp": "course"},
    {"t": "books", "one": "book", "c": ("title", "shelf", "pages"), "names": ["Salt Roads", "Night Ferry", "The Clockmaker", "Seven Wells", "Paper Kites", "Low Tide"], "groups": ["poetry", "travel", "crime"],
     "in": "on the shelf '{g}'", "more": "with more than {n} pages", "less": "with fewer than {n} pages", "down": "thickest first", "up": "thinnest first", "range": (90, 700), "amount": "number of pages", "grp": "shelf"},
    {"t": "organs", "one": "organ", "c": ("church", "builder", "pipes"), "names": ["St Anne", "Holy Cross", "St Olaf", "All Saints", "St Brigid", "Grace"], "groups": ["Keller", "Moreau", "Whitlock"],
     "in": "built by '{g}'", "more": "with more than {n} pipes", "less": "with fewer than {n} pipes", "down": "largest first", "up": "smallest first", "range": (200, 3000), "amount": "number of pipes", "grp": "builder"},
    {"t": "sightings", "one": "sighting", "c": ("bird", "site", "birds_seen"), "names": ["curlew", "kingfisher", "redstart", "siskin", "teal", "wryneck"], "groups": ["lagoon", "heath", "quarry"],
     "in": "at the site '{g}'", "more": "of more than {n} birds", "less": "of fewer than {n} birds", "down": "largest number first", "up": "smallest number first", "range": (1, 60), "amount": "number of birds seen", "grp": "site"},
    {"t": "kilns", "one": "kiln", "c": ("label", "studio", "litres"), "names": ["Vesta", "Brand", "Cinder", "Ignis", "Agni", "Pele"], "groups": ["Clay Barn", "Mudworks", "Studio 9"],
     "in": "of the studio '{g}'", "more": "holding more than {n} litres", "less": "holding less than {n} litres", "down": "largest first", "up": "smallest first", "range": (30, 400), "amount": "volume in litres", "grp": "studio"},
]  # fmt: skip


def _plural(noun: str) -> str:
    return noun + "es" if noun.endswith(("sh", "ch")) else noun + "s"


def _table(rng: random.Random, spec: dict) -> tuple[str, str, list[tuple]]:
    """The table's schema in words, its SQL setup and its random rows, no number twice."""
    label, group, number = spec["c"]
    columns = f"{spec['t']}({label} TEXT, {group} TEXT, {number} INTEGER)"
    numbers = draw(rng, list(range(*spec["range"])), 6)
    groups = [spec["groups"][i] for i in (0, 0, 0, 1, 1, 2)]
    records = list(zip(rng.sample(spec["names"], 6), groups, numbers, strict=True))
    rng.shuffle(records)
    values = ", ".join(map(str, records))
    return columns, f"CREATE TABLE {columns}; INSERT INTO {spec['t']} VALUES {values};", records


def _answer(setup: str, query: str) -> str:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(setup)
        found = [list(r) for r in database.execute(query)]
    if not found:
        raise ValueError(f"nothing comes of {query}")
    return "sql:" + json.dumps({"setup": setup, "rows": found}, ensure_ascii=False)


def _query(*clauses: str) -> str:
    """One line if it is short, otherwise a fenced block."""
    line = " ".join(clauses) + ";"
    return line if len(clauses) < 4 else fenced("\n".join(clauses) + ";", "sql")


def sql_select(rng: random.Random, count: int) -> list[dict]:
    made = []
    for number, spec in enumerate(draw(rng, TABLES, count)):
        columns, setup, records = _table(rng, spec)
        if number % 2:
            columns = columns.replace(" TEXT", "").replace(" INTEGER", "")
        label, group, value = spec["c"]
        many, g = _plural(spec["one"]), spec["groups"][0]
        numbers = sorted(r[2] for r in records)
        low, high = numbers[1], numbers[4]
        extreme = rng.choice(["highest", "lowest"])
        tasks = [
            (
                f"SQL to list the {many} {spec['more'].format(n=low)}: {label} and {value}, {spec['down']}.",
                (
                    f"SELECT {label}, {value} FROM {spec['t']}",
                    f"WHERE {value} > {low}",
                    f"ORDER BY {value} DESC",
                ),
            ),
            (
                f"My SQLite database has the table below, in which no two rows have the same `{value}`. I'd like a query that returns just the `{label}` of all {many} {spec['in'].format(g=g)}, {spec['up']}.",
                (f"SELECT {label} FROM {spec['t']}", f"WHERE {group} = '{g}'", f"ORDER BY {value}"),
            ),
            (
                f"Fetch with SQL every column of the {many} with `{value}` from {low} to {high}, both included, and a `{group}` other than '{spec['groups'][1]}'. Sort by `{label}`, A to Z.",
                (
                    f"SELECT * FROM {spec['t']}",
                    f"WHERE {value} BETWEEN {low} AND {high}",
                    f"AND {group} <> '{spec['groups'][1]}'",
                    f"ORDER BY {label}",
                ),
            ),
            (
                f"Which two {many} have the {extreme} `{value}`? {capital(label)} only, {extreme} first, in SQL.",
                (
                    f"SELECT {label} FROM {spec['t']}",
                    f"ORDER BY {value}{' DESC' if extreme == 'highest' else ''}",
                    "LIMIT 2",
                ),
            ),
            (
                f"For the annual report we list {many} {spec['in'].format(g=g)} or {spec['in'].format(g=spec['groups'][2])}, and nothing else. The first column is the {group}, the second the {label}; please sort by both of them in this order, alphabetically, so that the printed page falls into two neat blocks. I need it in SQLite syntax, as a single statement without any further columns.",
                (
                    f"SELECT {group}, {label} FROM {spec['t']}",
                    f"WHERE {group} IN ('{g}', '{spec['groups'][2]}')",
                    f"ORDER BY {group}, {label}",
                ),
            ),
        ]
        text, clauses = tasks[number]
        made.append(row(text, _query(*clauses), _answer(setup, " ".join(clauses)), columns))
    return made


def sql_aggregate(rng: random.Random, count: int) -> list[dict]:
    made = []
    for number, spec in enumerate(draw(rng, TABLES, count)):
        columns, setup, _ = _table(rng, spec)
        if number % 2:
            columns = columns.replace(" TEXT", "").replace(" INTEGER", "")
        label, group, value = spec["c"]
        amount = spec["amount"]
        many, one, grp, t = _plural(spec["one"]), spec["one"], spec["grp"], spec["t"]
        g = spec["groups"][0]
        tasks = [
            (
                f"How many {many} does each {grp} have? I want an SQL query with two columns, {group} and count, in alphabetical order of the {grp}.",
                (
                    f"SELECT {group}, COUNT(*)",
                    f"FROM {t}",
                    f"GROUP BY {group}",
                    f"ORDER BY {group}",
                ),
            ),
            (
                f"SQL for the total {amount} of all {many} {spec['in'].format(g=g)}?",
                (f"SELECT SUM({value}) FROM {t}", f"WHERE {group} = '{g}'"),
            ),
            (
                f"I'm looking for the {grp} with the greatest total {amount} in this SQLite table. The query should return its name and that total, in one row; a tie needn't be considered.",
                (
                    f"SELECT {group}, SUM({value})",
                    f"FROM {t}",
                    f"GROUP BY {group}",
                    f"ORDER BY SUM({value}) DESC",
                    "LIMIT 1",
                ),
            ),
            (
                f"Somebody wants to know how large the spread is. For every {grp} that has at least two {many}, compute in SQL the difference between the greatest and the smallest {amount}. Show the {group} and the difference, sorted by {group}; a {grp} with a single {one} has no place in the result, because there the difference would be 0 and mislead the reader.",
                (
                    f"SELECT {group}, MAX({value}) - MIN({value})",
                    f"FROM {t}",
                    f"GROUP BY {group}",
                    "HAVING COUNT(*) >= 2",
                    f"ORDER BY {group}",
                ),
            ),
            (
                f"Return with SQL `{label}` and `{value}` of every {one} above the average {amount} of the whole table, starting with the greatest.",
                (
                    f"SELECT {label}, {value}",
                    f"FROM {t}",
                    f"WHERE {value} > (SELECT AVG({value}) FROM {t})",
                    f"ORDER BY {value} DESC",
                ),
            ),
        ]
        text, clauses = tasks[number]
        made.append(row(text, _query(*clauses), _answer(setup, " ".join(clauses)), columns))
    return made


def sql_join(rng: random.Random, count: int) -> list[dict]:
    worlds = [
        ("authors", "author", ["Selin Aksoy", "Jomo Kariuki", "Eva Lund", "Park Min"], "poems", "poem", "title", ["Dusk", "Harvest", "Tin Roof", "Moss", "Ferry"], "lines", "country", ["Turkey", "Kenya", "Norway", "Korea"]),
        ("gardens", "garden", ["Rose Hill", "Palm House", "Dell", "Terrace"], "trees", "tree", "species", ["ash", "cedar", "ginkgo", "olive", "rowan"], "height", "town", ["Utrecht", "Pécs", "Galway", "Porto"]),
        ("courses", "course", ["Weaving", "Bookbinding", "Fencing", "Juggling"], "lessons", "lesson", "topic", ["basics", "tools", "safety", "practice", "review"], "minutes", "room", ["R1", "R2", "R7", "Hall"]),
        ("ships", "ship", ["Aurora", "Vega", "Tyra", "Celeste"], "voyages", "voyage", "port", ["Riga", "Cork", "Vigo", "Bari", "Split"], "days", "flag", ["Malta", "Panama", "Iceland", "Japan"]),
        ("bakers", "baker", ["Amina", "Jerzy", "Odile", "Satoshi"], "loaves", "loaf", "kind", ["rye", "spelt", "brioche", "focaccia", "stollen"], "grams", "street", ["Mill Rd", "Bay St", "Elm Row", "Quay"]),
    ]  # fmt: skip
    made = []
    for number, world in enumerate(draw(rng, worlds, count)):
        parents, parent, names, children, child, label, labels, value, attribute, facts = world
        columns = f"{parents}(id INTEGER, name TEXT, {attribute} TEXT)\n{children}({label} TEXT, {value} INTEGER, {parent}_id INTEGER)"
        facts = draw(rng, facts, 4)
        top = [
            (i + 1, n, f) for i, (n, f) in enumerate(zip(draw(rng, names, 4), facts, strict=True))
        ]
        low = list(
            zip(
                draw(rng, labels, 5), draw(rng, list(range(5, 60)), 5), (1, 2, 1, 3, 2), strict=True
            )
        )
        one, two = columns.split("\n")
        setup = f"CREATE TABLE {one}; CREATE TABLE {two}; INSERT INTO {parents} VALUES {', '.join(map(str, top))}; INSERT INTO {children} VALUES {', '.join(map(str, low))};"
        if number == 3:
            setup += f" INSERT INTO {children} VALUES ('{labels[0]}', 4, NULL);"
        on = f"{parents}.id = {children}.{parent}_id"
        tasks = [
            (
                f"In SQL, pair each {label} with the name of its {parent}, sorted by {label}.",
                (f"SELECT {children}.{label}, {parents}.name", f"FROM {children}", f"JOIN {parents} ON {on}", f"ORDER BY {children}.{label}"),
            ),
            (
                f"Count the {children} of every {parent} in SQLite, with 0 for those that have none. The output needs the {parent}'s name and the count, in alphabetical order of the names, which are all different.",
                (f"SELECT {parents}.name, COUNT({children}.{parent}_id)", f"FROM {parents}", f"LEFT JOIN {children} ON {on}", f"GROUP BY {parents}.id, {parents}.name", f"ORDER BY {parents}.name"),
            ),
            (
                f"What SQL query gives the columns `{label}` and `{value}` of all {children} whose {parent} has '{top[0][2]}' as {attribute}? Order by `{value}`, ascending.",
                (f"SELECT {children}.{label}, {children}.{value}", f"FROM {children}", f"JOIN {parents} ON {on}", f"WHERE {parents}.{attribute} = '{top[0][2]}'", f"ORDER BY {children}.{value}"),
            ),
            (
                f"While cleaning up our SQL database we found {parents} without a single {child}. That should not happen, and before we ask around we need a query for their names: one column, in alphabetical order, each name once. Here are the two tables; the foreign key can be trusted, but it is NULL in a few old rows that belong to nobody.",
                (f"SELECT {parents}.name", f"FROM {parents}", f"LEFT JOIN {children} ON {on}", f"WHERE {children}.{parent}_id IS NULL", f"ORDER BY {parents}.name"),
            ),
            (
                f"Could you combine these tables in SQL so that I see the sum of `{value}` for each {parent}? Show the name and the sum, largest sum on top, and leave out any {parent} with no {children}. Two sums are never equal.",
                (f"SELECT {parents}.name, SUM({children}.{value})", f"FROM {parents}", f"JOIN {children} ON {on}", f"GROUP BY {parents}.id, {parents}.name", f"ORDER BY SUM({children}.{value}) DESC"),
            ),
        ]  # fmt: skip
        text, clauses = tasks[number]
        made.append(row(text, _query(*clauses), _answer(setup, " ".join(clauses)), columns))
    return made


# --- shell, patterns, JSON ----------------------------------------------------------------------


def shell_commands(rng: random.Random, count: int) -> list[dict]:
    makers = [_shell_frequent, _shell_filter, _shell_replace, _shell_longest, _shell_last]
    return [maker(rng) for maker in draw(rng, makers, count)]


def _shell_row(text: str, command: str, name: str, lines: list[str], expected: list[str]) -> dict:
    setup = f"cat > {name} <<'EOF'\n" + "\n".join(lines) + "\nEOF"
    payload = json.dumps({"setup": setup, "stdout": "\n".join(expected)}, ensure_ascii=False)
    return row(text, command, f"shell:{payload}")


def _shell_frequent(rng: random.Random) -> dict:
    name, what = rng.choice(
        [("votes.txt", "candidate"), ("flavours.txt", "flavour"), ("species.txt", "species")]
    )
    first, second, third = draw(rng, WORDS, 3)
    lines = [first] * 4 + [second] * 2 + [third]
    rng.shuffle(lines)
    return _shell_row(
        f"The file {name} has one {what} a line, several hundred lines in all, and most of them occur again and again. We'd like to announce the winner in a script on a plain Linux machine. Which pipeline prints the line that occurs most often, without its count? There is a clear winner, and no line contains a space.",
        f"sort {name} | uniq -c | sort -rn | head -n 1 | awk '{{ print $2 }}'",
        name,
        lines,
        [Counter(lines).most_common(1)[0][0]],
    )


def _shell_filter(rng: random.Random) -> dict:
    name, who, what = rng.choice(
        [
            ("hours.txt", "volunteer", "hours"),
            ("weights.txt", "parcel", "grams"),
            ("scores.txt", "player", "points"),
        ]
    )
    limit = rng.randint(20, 60)
    pairs = [(w, rng.randint(5, 95)) for w in draw(rng, WORDS, 4)] + [
        ("fig", limit),
        ("elm", limit + 1),
    ]
    return _shell_row(
        f"Print the first column of {name} wherever the second column exceeds {limit}, in file order, using awk. Every line consists of a {who} and a number of {what}, with one space in between.",
        f"awk '$2 > {limit} {{ print $1 }}' {name}",
        name,
        [f"{w} {n}" for w, n in pairs],
        [w for w, n in pairs if n > limit],
    )


def _shell_replace(rng: random.Random) -> dict:
    old, new = rng.choice([("colour", "color"), ("Brinton", "Brinley"), ("draft", "final")])
    name = rng.choice(["letter.txt", "notes.txt", "leaflet.txt"])
    lines = [f"the {old} and the {old} again", f"no change {rng.choice(WORDS)}", f"{old}"]
    return _shell_row(
        f'I have to change "{old}" to "{new}" throughout {name}. With sed, write the altered text to standard output and leave the file itself alone, please; there may be several occurrences on one line.',
        f"sed 's/{old}/{new}/g' {name}",
        name,
        lines,
        [line.replace(old, new) for line in lines],
    )


def _shell_longest(rng: random.Random) -> dict:
    name = rng.choice(["titles.txt", "slogans.txt", "verses.txt"])
    lines = [" ".join(draw(rng, WORDS, n)) for n in (2, 4, 1)]
    rng.shuffle(lines)
    return _shell_row(
        f"How long, in characters, is the longest line of {name}? One awk command should print just the number. The text is plain ASCII.",
        f"awk 'length > max {{ max = length }} END {{ print max }}' {name}",
        name,
        lines,
        [str(max(map(len, lines)))],
    )


def _shell_last(rng: random.Random) -> dict:
    name, n = rng.choice(["queue.txt", "guestbook.txt", "visits.txt"]), rng.randint(2, 4)
    lines = draw(rng, WORDS, 7)
    return _shell_row(
        f"Bash: print the last {NUMBER_WORDS[n]} lines of {name} in reverse order.",
        f"tail -n {n} {name} | tac",
        name,
        lines,
        lines[::-1][:n],
    )


def regex_patterns(rng: random.Random, count: int) -> list[dict]:
    """Codes made of parts and separators; samples and spoilt samples come from the same parts."""
    things = [
        "locker numbers",
        "lab samples",
        "train tickets",
        "seed packets",
        "gallery items",
        "tool tags",
    ]
    frames = [
        "{Things} are labelled with {parts}. Regular expression for the entire label?",
        "I want to validate {things} in a Python form with `re.fullmatch`. A valid code has {parts}, in this order and with nothing before or after. Which pattern do I use?",
        "Regex, full match: {parts}.",
        "At our depot the codes of {things} used to be a mess, but since last spring they follow one rule: {parts}. We'd like to reject every other input. Please reply with the bare pattern, in Python's syntax, that has to match the full string.",
        "Needed: a pattern accepting {things} coded as {parts}, rejecting all else.",
        "{who} types codes of {things} all day long and mistypes some. The entry form should turn red at once whenever a code is incomplete, too long or otherwise wrong. Give a regular expression that the whole code must match: {parts}.",
    ]
    made = []
    for frame, thing, who in zip(
        draw(rng, frames, count), draw(rng, things, count), draw(rng, PEOPLE, count), strict=True
    ):
        parts, pattern, good, bad = _code_format(rng)
        payload = json.dumps({"match": good, "reject": bad}, ensure_ascii=False)
        text = frame.format(Things=capital(thing), things=thing, parts=parts, who=who)
        made.append(row(text, pattern, f"regex:{payload}"))
    return made


def _code_format(rng: random.Random) -> tuple[str, str, list[str], list[str]]:
    """A described format with its pattern, three valid codes and several spoilt ones."""
    n, m, low = rng.randint(2, 4), rng.randint(2, 5), rng.randint(1, 2)
    high = low + rng.randint(1, 2)
    pick = "".join(sorted(draw(rng, list("BCDFGHKLMNPRST"), 3)))
    upper, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
    stock = [
        (f"{NUMBER_WORDS[n]} capital letters", f"[A-Z]{{{n}}}", upper, (n, n)),
        (f"{NUMBER_WORDS[m]} digits", f"[0-9]{{{m}}}", digits, (m, m)),
        (f"{NUMBER_WORDS[low]} {'or' if high == low + 1 else 'to'} {NUMBER_WORDS[high]} small letters", f"[a-z]{{{low},{high}}}", upper.lower(), (low, high)),
        (f"one of the letters {listing(list(pick), 'or')}", f"[{pick}]", pick, (1, 1)),
    ]  # fmt: skip
    chosen = draw(rng, stock, rng.choice([2, 3]))
    marks = draw(
        rng,
        [
            ("a hyphen", "-", "-"),
            ("a slash", "/", "/"),
            ("a full stop", ".", r"\."),
            ("a colon", ":", ":"),
        ],
        len(chosen) - 1,
    )
    described, pattern = [chosen[0][0]], chosen[0][1]
    for part, mark in zip(chosen[1:], marks, strict=True):
        described += [mark[0], part[0]]
        pattern += mark[2] + part[1]

    def sample(sizes: list[int], spoil: int | None = None) -> str:
        text = ""
        for i, (part, size) in enumerate(zip(chosen, sizes, strict=True)):
            piece = "".join(rng.choice(part[2]) for _ in range(size))
            text += marks[i - 1][1] * (i > 0) + ("#" + piece[1:] if i == spoil else piece)
        return text

    good = [sample([rng.randint(*part[3]) for part in chosen]) for _ in range(2)] + [
        sample([p[3][1] for p in chosen])
    ]
    sizes = [part[3][0] for part in chosen]
    bad = [sample(sizes, spoil=i) for i in range(len(chosen))]
    for i, part in enumerate(chosen):
        bad.append(sample([*sizes[:i], part[3][0] - 1, *sizes[i + 1 :]]))
        bad.append(sample([*sizes[:i], part[3][1] + 1, *sizes[i + 1 :]]))
    bad += [good[0].replace(marks[0][1], "", 1), good[0] + "!", " " + good[1], ""]
    return ", ".join(described[:-1]) + " and " + described[-1], pattern, good, bad


def json_transformation(rng: random.Random, count: int) -> list[dict]:
    worlds = [
        ("lighthouse", "coast", "height", ["Skerry", "Gull Rock", "Far Point", "Ness"], ["east", "west"], (12, 60)),
        ("loom", "room", "width", ["Ada", "Bruna", "Clio", "Dora"], ["attic", "hall"], (60, 180)),
        ("telescope", "dome", "aperture", ["Vela", "Lyra", "Crux", "Ara"], ["north", "south"], (10, 90)),
        ("pony", "stable", "age", ["Biscuit", "Comet", "Dusty", "Echo"], ["red", "green"], (2, 25)),
        ("canoe", "rack", "seats", ["Otter", "Heron", "Mink", "Swift"], ["upper", "lower"], (1, 7)),
    ]  # fmt: skip
    made = []
    for number, world in enumerate(draw(rng, worlds, count)):
        one, group, value, names, groups, span = world
        many = _plural(one).replace("ponys", "ponies")
        numbers = draw(rng, list(range(*span)), 4)
        data = [
            {"name": n, group: rng.choice(groups), value: v}
            for n, v in zip(draw(rng, names, 4), numbers, strict=True)
        ]
        data[0][group], data[1][group] = groups
        limit = sorted(numbers)[1]
        tasks = [
            (
                f"From this JSON, keep only {many} with {'an' if value[0] in 'aeiou' else 'a'} {value} above {limit} and reduce every one of them to its name. The reply is a JSON array in the original order.",
                data,
                [d["name"] for d in data if d[value] > limit],
            ),
            (
                "Please index these records by name: one object whose keys are the names and whose values are objects with the remaining fields. No explanation, just the JSON.",
                data[:3],
                {d["name"]: {group: d[group], value: d[value]} for d in data[:3]},
            ),
            (
                f"Total {value} per {group}, as one JSON object.",
                [{group: d[group], value: d[value]} for d in data[:3]],
                {g: sum(d[value] for d in data[:3] if d[group] == g) for g in groups},
            ),
            (
                f'Our new program expects "{group}" to be called "location" and the {many} to be sorted by {value} in ascending order. What does the JSON array look like after this change?',
                data[:3],
                [
                    {"name": d["name"], "location": d[group], value: d[value]}
                    for d in sorted(data[:3], key=lambda d: d[value])
                ],
            ),
            (
                f"Turn the rows into columns, in other words into a single JSON object with the three keys of the records, each holding an array of that field's values in the order of the {many}.",
                data,
                {key: [d[key] for d in data] for key in data[0]},
            ),
        ]
        text, source, answer = tasks[number]
        reply = json.dumps(answer, ensure_ascii=False)
        made.append(row(text, reply, f"json:{reply}", json.dumps(source, ensure_ascii=False)))
    return made


# --- iteration, errors, grids, tests ------------------------------------------------------------


def generators(rng: random.Random, count: int) -> list[dict]:
    k, step = rng.randint(2, 5), rng.randint(3, 9)
    start = rng.randint(1, 9)
    source = rng.choice(["a barcode reader", "a wind sensor", "a ticket machine"])
    word = rng.choice(["STOP", "END", "OVER"])
    made = [
        row(
            f"Python generator needed: `running_max(values)` goes through the numbers of any iterable, such as the feed of {source}, and after each one yields the greatest so far. It must work lazily, because the feed never ends.",
            fenced(
                "def running_max(values):\n    best = None\n    for value in values:\n        if best is None or value > best:\n            best = value\n        yield best"
            ),
            asserts(
                "running_max",
                lambda v: list(accumulate(v, max)),
                [([rng.randint(1, 50) for _ in range(6)],), ([-4, -9],), ([],)],
                "list({})",
            )
            + "\nfrom itertools import count, islice\nassert list(islice(running_max(count(3)), 3)) == [3, 4, 5]",
        ),
        row(
            f"Python generator `thin_out(items)`: every {_ordinal(k)} item, beginning with the first.",
            fenced(
                f"def thin_out(items):\n    for i, item in enumerate(items):\n        if i % {k} == 0:\n            yield item"
            ),
            asserts(
                "thin_out",
                lambda v: v[::k],
                [(draw(rng, WORDS, 7),), ([1, 2],), ([],), (list(range(11)),)],
                "list({})",
            ),
        ),
        row(
            f'Messages arrive in an iterable of strings until one of them is exactly "{word}". How would a Python generator `until_{word.lower()}(messages)` pass on everything before that, and nothing from it onwards? If "{word}" never comes, all messages are passed on.',
            fenced(
                f'def until_{word.lower()}(messages):\n    for message in messages:\n        if message == "{word}":\n            return\n        yield message'
            ),
            asserts(
                f"until_{word.lower()}",
                lambda v: v[: [*v, word].index(word)],
                [(["hi", word, "late"],), (draw(rng, WORDS, 3),), ([word],), ([],)],
                "list({})",
            ),
        ),
        row(
            f"An endless Python generator `ladder()` that starts at {start} and adds {step}, then {step + 1}, then {step + 2} and so on.",
            fenced(
                f"def ladder():\n    value, step = {start}, {step}\n    while True:\n        yield value\n        value += step\n        step += 1"
            ),
            "python:from itertools import islice\n"
            + "\n".join(
                f"assert list(islice(ladder(), {n})) == {[start + sum(range(step, step + i)) for i in range(n)]}"
                for n in (0, 1, 4, 9)
            ),
        ),
        row(
            f"Our log is huge, so it mustn't be read into memory as a whole. Let `numbered(lines)` be a generator that takes any iterable of lines, skips the empty ones, and yields pairs of a number and the line stripped of surrounding blanks. Numbering starts at {start} and counts only what is yielded; a line of nothing but spaces is empty, too. Python.",
            fenced(
                f"def numbered(lines):\n    number = {start}\n    for line in lines:\n        line = line.strip()\n        if line:\n            yield number, line\n            number += 1"
            ),
            asserts(
                "numbered",
                lambda v: list(enumerate(filter(None, map(str.strip, v)), start)),
                [([" a ", "", "b"],), (["  ", "x y "],), ([],)],
                "list({})",
            ),
        ),
    ]
    return draw(rng, made, count)


def _ordinal(n: int) -> str:
    return ["", "", "second", "third", "fourth", "fifth"][n]


def error_handling(rng: random.Random, count: int) -> list[dict]:
    noun, low, high, who = (
        *rng.choice([("floor", 1, 9), ("volume", 0, 11), ("lane", 1, 8)]),
        rng.choice(PEOPLE),
    )
    wrong = f"no such {noun}" if noun != "volume" else "bad volume"
    raises = "def raises(error, f, *args):\n    try:\n        f(*args)\n    except error as caught:\n        return str(caught) or True\n    return False\n"
    error = rng.choice(["TicketError", "OrderError", "SignalError"])
    default = rng.choice([0, -1])
    made = [
        row(
            f'Validate user input in Python: `read_{noun}(text)` gives back the whole number in the text if it lies between {low} and {high}, limits included. In all other cases, words such as "up" among them, it raises ValueError with the message "{wrong}".',
            fenced(
                f'def read_{noun}(text):\n    try:\n        number = int(text)\n    except ValueError:\n        raise ValueError("{wrong}") from None\n    if not {low} <= number <= {high}:\n        raise ValueError("{wrong}")\n    return number'
            ),
            f"python:{raises}\nassert [read_{noun}(str(n)) for n in ({low}, {low + 3}, {high})] == [{low}, {low + 3}, {high}]\n"
            f"for text in ({str(low - 1)!r}, {str(high + 1)!r}, 'up', ''):\n    assert raises(ValueError, read_{noun}, text) == {wrong!r}",
        ),
        row(
            'Some entries of a list of strings aren\'t proper numbers. `sum_valid(entries)` should skip those, and only those, and return a pair: the sum of the valid ones as integers and the list of rejected strings. What does that look like in Python? The strings come from a till roll read by a camera, which is why things like "4x" or a lone full stop occur; minus signs are fine, and an empty list gives 0 and no rejects.',
            fenced(
                "def sum_valid(entries):\n    total, rejected = 0, []\n    for entry in entries:\n        try:\n            total += int(entry)\n        except ValueError:\n            rejected.append(entry)\n    return total, rejected"
            ),
            "python:"
            + "\n".join(
                f"assert tuple(sum_valid({[str(n) for n in numbers] + junk})) == {(sum(numbers), junk)}"
                for numbers, junk in [
                    ([rng.randint(1, 90) for _ in range(3)], ["ten", "4x"]),
                    ([rng.randint(-9, 9)], []),
                    ([], ["", "."]),
                    ([], []),
                ]
            ),
        ),
        row(
            f"Define `{error}`, derived from Exception, and use it in `fetch(table, key)`: whatever makes the lookup `table[key]` fail with KeyError or IndexError ought to surface as `{error}` with the original error as its `__cause__`. Python 3.",
            fenced(
                f'class {error}(Exception):\n    pass\n\n\ndef fetch(table, key):\n    try:\n        return table[key]\n    except (KeyError, IndexError) as problem:\n        raise {error}(f"cannot find {{key!r}}") from problem'
            ),
            f"python:assert fetch({{'a': 1}}, 'a') == 1\nassert fetch([5, 6], 1) == 6\n"
            f"for table, key, kind in (({{}}, 'x', KeyError), ([], 0, IndexError), ([1], 7, IndexError)):\n    try:\n        fetch(table, key)\n        raise SystemExit(1)\n    except {error} as caught:\n        assert type(caught.__cause__) is kind\n"
            f"try:\n    fetch(None, 0)\n    raise SystemExit(1)\nexcept TypeError:\n    pass",
        ),
        row(
            f"{who} keeps forgetting that a reading can be missing. Make this ratio safe: it should be {default} if the second value is zero or if either value is None, while text arguments go on raising TypeError.",
            fenced(
                f"def ratio(first, second):\n    if first is None or second is None or second == 0:\n        return {default}\n    return first / second"
            ),
            f"python:{raises}\nassert ratio({2 * high}, 2) == {high}\nassert ratio(3, 0) == {default}\nassert ratio(None, 4) == {default}\nassert ratio(4, None) == {default}\nassert ratio(None, 0) == {default}\nassert ratio(0, 5) == 0\nassert raises(TypeError, ratio, 'a', 2)",
            "def ratio(first, second):\n    return first / second",
        ),
        row(
            "Python decorator time. `quiet(function)` wraps a function so that a ZeroDivisionError inside it turns into the return value None; all arguments are handed on and other exceptions escape.",
            fenced(
                "from functools import wraps\n\n\ndef quiet(function):\n    @wraps(function)\n    def wrapper(*args, **kwargs):\n        try:\n            return function(*args, **kwargs)\n        except ZeroDivisionError:\n            return None\n\n    return wrapper"
            ),
            f"python:{raises}\nshare = quiet(lambda a, b=1: a / b)\nassert share({high * 3}, 3) == {high}\nassert share(4) == 4\nassert share(7, b=0) is None\nassert raises(TypeError, share, 'x')",
        ),
    ]
    return draw(rng, made, count)


def grids(rng: random.Random, count: int) -> list[dict]:
    size = rng.randint(3, 5)
    mark, thing = rng.choice([("T", "tree"), ("o", "beehive"), ("b", "bench")])
    rect = [[rng.randint(1, 9) for _ in range(4)] for _ in range(3)]
    square = [[rng.randint(1, 9) for _ in range(size)] for _ in range(size)]
    maps = [
        ["".join(rng.choice(f"..{mark}") for _ in range(5)) for _ in range(3)],
        [mark],
        ["..."],
        [],
    ]
    who = rng.choice(PEOPLE)
    made = [
        row(
            "In a rectangular Python list of lists, which column has the greatest sum? `best_column(table)` returns its index from 0, the leftmost in case of a tie; the table is never empty.",
            fenced(
                "def best_column(table):\n    sums = [sum(column) for column in zip(*table)]\n    return sums.index(max(sums))"
            ),
            asserts(
                "best_column",
                lambda t: max(range(len(t[0])), key=lambda j: (sum(r[j] for r in t), -j)),
                [(rect,), (square,), ([[5]],), ([[1, 1], [2, 2]],)],
            ),
        ),
        row(
            f"{who} draws the map of a park as a list of strings, with the letter {mark} for each {thing} and a dot for grass. Turn it into coordinates: `locate(park)`, a list of (row, column) tuples counted from 0, row by row and from left to right. Python.",
            fenced(
                f'def locate(park):\n    return [\n        (r, c)\n        for r, row in enumerate(park)\n        for c, cell in enumerate(row)\n        if cell == "{mark}"\n    ]'
            ),
            asserts(
                "locate",
                lambda g: [divmod(i, len(g[0])) for i, x in enumerate("".join(g)) if x == mark],
                [(m,) for m in maps],
                "list({})",
            ),
        ),
        row(
            "Python `diagonals(grid)`: sum of both diagonals of a square, its centre counted once.",
            fenced(
                "def diagonals(grid):\n    n = len(grid)\n    total = 0\n    for i in range(n):\n        total += grid[i][i]\n        if n - 1 - i != i:\n            total += grid[i][n - 1 - i]\n    return total"
            ),
            asserts(
                "diagonals",
                lambda g: sum(
                    x for i, r in enumerate(g) for j, x in enumerate(r) if j in (i, len(g) - 1 - i)
                ),
                [(square,), ([[4]],), ([[1, 2], [3, 4]],), ([r[:3] for r in rect],)],
            ),
        ),
        row(
            'Could Python draw me a chessboard? `board(n)` returns a list of n strings of length n in which "#" and "." alternate in both directions, with "#" in the top left corner.',
            fenced(
                'def board(n):\n    return ["".join("#."[(r + c) % 2] for c in range(n)) for r in range(n)]'
            ),
            asserts(
                "board",
                lambda n: [("#." * n)[r % 2 :][:n] for r in range(n)],
                [(size,), (1,), (2,), (0,)],
                "list({})",
            ),
        ),
        row(
            "Imagine a photo as a rectangular list of lists of grey values. A frame has to be put round it, one cell wide on every side and filled with `value`. Please program `frame(photo, value)` in Python such that the photo itself is not modified and a new, larger list of lists comes back. There is always at least one row and one column.",
            fenced(
                "def frame(photo, value):\n    width = len(photo[0]) + 2\n    middle = [[value, *row, value] for row in photo]\n    return [[value] * width, *middle, [value] * width]"
            ),
            asserts(
                "frame",
                lambda p, v: [
                    [
                        p[i - 1][j - 1] if 0 < i <= len(p) and 0 < j <= len(p[0]) else v
                        for j in range(len(p[0]) + 2)
                    ]
                    for i in range(len(p) + 2)
                ],
                [(rect, 0), ([[7]], 1), (square, 255)],
            ),
        ),
        row(
            "Sea level keeps rising in our board game. Given heights as a list of lists, let `flood(heights, level)` return how many cells are below the level, plus the same grid with those cells set to 0, as a tuple. Python, and the grid that was passed in has to stay dry.",
            fenced(
                "def flood(heights, level):\n    wet = sum(height < level for row in heights for height in row)\n    grid = [[0 if height < level else height for height in row] for row in heights]\n    return wet, grid"
            ),
            asserts(
                "flood",
                lambda h, v: (
                    len([x for r in h for x in r if x < v]),
                    [[x * (x >= v) for x in r] for r in h],
                ),
                [(rect, size), (square, 1), (square, 10), ([], 3)],
                "tuple({})",
            ),
        ),
    ]
    return draw(rng, made, count)


def test_writing(rng: random.Random, count: int) -> list[dict]:
    """Asserts computed from a reference; they must pass it and fail every mutant."""
    limit, base, extra = rng.randint(3, 9), rng.randint(4, 8), rng.randint(1, 3)
    low, high = rng.randint(40, 50), rng.randint(80, 90)
    word = rng.choice([w for w in WORDS if len(set(w)) == len(w)])
    who = rng.choice(PEOPLE)
    tasks = [
        (
            f"The bike rental charges {base} euros for up to {limit} hours and {extra} more for each further hour. Put asserts for `fee(hours)` into a Python function `check(fee)`: a short rental, exactly the limit, one hour beyond it, and a long rental.",
            "fee",
            lambda h: base + extra * max(0, h - limit),
            [(1,), (limit,), (limit + 1,), (limit + 4,)],
            [
                f"lambda h: {base} if h <= {limit} else {base} + {extra} * h",
                f"lambda h: {base} + {extra} * max(0, h - {limit - 1})",
                f"lambda h: {base}",
                f"lambda h: {base} if h < {limit + 1} else {base + extra}",
            ],
            f"lambda h: {base} + {extra} * max(0, h - {limit})",
        ),
        (
            f'`grade(points)` must give "fail" below {low}, "merit" from {high} upwards, and "pass" in between. Which asserts guard the borders? Answer with `check(grade)` in Python.',
            "grade",
            lambda p: "fail" if p < low else "merit" if p >= high else "pass",
            [(0,), (low - 1,), (low,), (high - 1,), (high,), (100,)],
            [
                f"lambda p: 'fail' if p <= {low} else 'merit' if p >= {high} else 'pass'",
                f"lambda p: 'fail' if p < {low} else 'merit' if p > {high} else 'pass'",
                "lambda p: 'pass'",
                f"lambda p: 'fail' if p < {low} else 'pass'",
            ],
            f"lambda p: 'fail' if p < {low} else 'merit' if p >= {high} else 'pass'",
        ),
        (
            "Unit-test style, but with bare Python asserts: in `check(is_palindrome)` cover an empty string, a single letter, a true palindrome of even and one of odd length, and a string that isn't one. Spaces and capitals don't occur.",
            "is_palindrome",
            lambda t: t == t[::-1],
            [("",), ("x",), (word[:3] + word[:3][::-1],), (word[:3] + word[:2][::-1],), (word,)],
            [
                "lambda t: True",
                "lambda t: t == t[::-1] and len(t) % 2 == 1",
                "lambda t: t == t[::-1] and len(t) % 2 == 0",
                "lambda t: len(t) < 2",
                "lambda t: bool(t) and t == t[::-1]",
            ],
            "lambda t: t == t[::-1]",
        ),
        (
            f"{who} rewrites a function `second_largest(numbers)` and worries about lists in which the maximum occurs twice: the second largest of [5, 5, 3] is defined to be 3, that is, equal values count once. Please compose a Python function `check(second_largest)` that asserts this, along with negative numbers, unsorted input, and a list of exactly two different numbers.",
            "second_largest",
            lambda v: sorted({*v})[-2],
            [([5, 5, 3],), ([-base, -limit - 9, -1],), ([limit, high, low, 2],), ([extra, high],)],
            [
                "lambda v: sorted(v)[-2]",
                "lambda v: v[1]",
                "lambda v: max([x for x in v if 0 < x < max(v)], default=0)",
                "lambda v: min(v)",
            ],
            "lambda v: sorted(set(v))[-2]",
        ),
        (
            "I need Python asserts for `pad(text, width)`, which adds dots on the right until the text is `width` characters long and returns longer texts unchanged. Collect them in `check(pad)` and think of the empty text and of one that has the right length already.",
            "pad",
            lambda t, w: t + "." * (w - len(t)),
            [(word, len(word) + extra), (word, len(word)), (word, 2), ("", limit)],
            [
                "lambda t, w: t.rjust(w, '.')",
                "lambda t, w: t.ljust(w, '.')[:w]",
                "lambda t, w: t.ljust(w)",
                "lambda t, w: t.ljust(w, '.') if t else t",
            ],
            "lambda t, w: t.ljust(w, '.')",
        ),
    ]
    made = []
    for text, name, oracle, cases, mutants, reference in draw(rng, tasks, count):
        lines = []
        for case in cases:
            call, value = f"{name}({', '.join(map(repr, case))})", oracle(*case)
            claim = (
                f"{'' if value else 'not '}{call}"
                if isinstance(value, bool)
                else f"{call} == {value!r}"
            )
            lines.append(f"    assert {claim}".replace("'", '"'))
        checker = f"python:check({reference})\nfor wrong in [{', '.join(mutants)}]:\n    try:\n        check(wrong)\n    except AssertionError:\n        continue\n    raise SystemExit(1)"
        made.append(row(text, fenced(f"def check({name}):\n" + "\n".join(lines)), checker))
    return made


MAKERS = [
    (string_functions, 5),
    (list_processing, 5),
    (dictionaries, 5),
    (dates, 5),
    (bug_fixing, 4),
    (code_completion, 4),
    (refactoring, 4),
    (output_prediction, 5),
    (recursion, 4),
    (classes, 4),
    (sorting, 5),
    (text_parsing, 4),
    (sql_select, 5),
    (sql_join, 5),
    (sql_aggregate, 5),
    (shell_commands, 4),
    (regex_patterns, 5),
    (json_transformation, 5),
    (generators, 4),
    (error_handling, 4),
    (grids, 5),
    (test_writing, 4),
]
