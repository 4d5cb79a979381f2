"""Rows of every sub-type: answers derived again from the text alone, held-out rules proved on a stream."""

import itertools
import re
from random import Random

import pandas as pd
import pytest

import documents
import tasks
import words as w
from facts import (
    asked_only_in_evaluation,
    facts_of,
    is_heldout,
    pair_is_heldout,
    world,
)
from sparcom_nb.rows.checkers import check

N = {word: i for i, word in enumerate(w.NUMBER_WORDS)}
NUMBER = r"\b(\d+|" + "|".join(w.NUMBER_WORDS) + r")\b"
ADJECTIVE_COLOURS = set(w.GROUPS["colour"])


@pytest.fixture(scope="module")
def streams() -> dict[str, pd.DataFrame]:
    return {split: tasks.generate(6_000, 7, split) for split in ("train", "heldout")}


def rows_of(streams, name):
    return [row for frame in streams.values() for row in frame[frame.subtype == name].itertuples()]


def numbers(text):
    return [int(x) if x.isdigit() else N[x] for x in re.findall(NUMBER, text)]


def run(code):
    out = []
    exec(code, {"print": lambda *a: out.append(" ".join(map(str, a)))})
    return out[-1]


# ---------------------------------------------------------------- answers, derived independently


def sentiment(row):
    text = row.input
    if " but " in text:
        text = text.split(" but ")[1]
    elif text.startswith("although"):
        text = text.split(" , ")[1]
    text = text.split(" and ")[0]
    negated = any(
        n in text.split() or n in text for n in (" not ", " never ", " hardly ", "by no means")
    )
    good = text.split()[-1] in w.GOOD
    return "positive" if good != negated else "negative"


def topic(row):
    of = {s: t for t, lines in w.TOPICS.items() for s in lines}
    found = [of[s] for s in row.input.removesuffix(" .").split(" . ")]
    return max(set(found), key=found.count)


def odd(row):
    words = row.input.split(", ")
    fits = [
        x
        for x in words
        for members in w.GROUPS.values()
        if x not in members and all(y in members for y in words if y != x)
    ]
    return fits[0] if len(set(fits)) == 1 else fits


def group(row):
    known = {x: g for g, members in w.GROUPS.items() for x in members}
    asked = re.search(r"(?:if|word|group of) (\w+) ?(?:is|as|:)", row.instruction)[1]
    return known[asked]


def mood(row):
    first = row.input.split()[0]
    if first in ("does", "who", "is", "when"):
        return "question"
    if first in ("may", "if", "would", "i"):
        return "wish"
    bare = row.input.split(" , ")[-1].split()[0]
    return "command" if bare in [*w.BASE, "do", "go"] else "statement"


def style(row):
    casual = ("hey", "yo ,", "guess what", "oh well", "see ya", "cheers", "bye")
    return "casual" if any(cue in row.input for cue in casual) else "formal"


OPS = {"adds": "+", "subtracts": "-", "multiplies by": "*", "divides by": "/"}
STEP = re.compile(r"(adds|subtracts|multiplies by|divides by) (\d)")


def function(row):
    steps = STEP.findall(row.instruction)
    name = re.search(r"\b[a-z]+_[a-z]+\b", row.instruction)[0]
    arg = re.search(
        r"(?: of | takes |argument )(x|y|z|n|k|t|v|item|price|size)\b", row.instruction
    )[1]
    namespace: dict = {}
    exec(row.response, namespace)
    for value in (3.0, 10.0):
        expected = value
        for verb, n in steps:
            expected = eval(f"{expected} {OPS[verb]} {n}")
        assert namespace[name](**{arg: value}) == expected
    return row.response


def rename(row):
    old = re.search(r"\((\w+)\)", row.input)[1]
    new = re.search(r"\((\w+)\)", row.response)[1]
    assert re.search(rf"\b{new}\b", row.instruction) and re.search(
        rf"\b{old}\b", row.instruction + row.input
    )
    return re.sub(rf"\b{old}\b", new, row.input)


def repair(row):
    exec(row.response, {})
    name, arg, op, n = re.match(
        r"\w+ (\w+)\((\w+)\)?:? (?:return |retrun )?\w+ (.) (\d)$", row.input
    ).groups()
    assert row.input != row.response
    return f"def {name}({arg}): return {arg} {op} {n}"


def fact(row):
    entity = [
        f
        for f in world()
        if re.search(rf"\b{f.entity}\b", row.instruction) and f.value == row.response
    ]
    assert entity
    return row.response


def owners(row):
    pairs = {}
    for s in re.split(r"(?<=\.) ", row.input):
        for form in (
            r"(\w+) (?:has|owns|came with) the (\w+ \w+)\.",
            r"The (\w+ \w+) belongs to (\w+)\.",
        ):
            if m := re.fullmatch(form, s):
                a, b = m.groups()
                pairs |= {a: b} if " " not in a else {b: a}
    return pairs


def owner(row):
    pairs = owners(row)
    return next(p for p, x in pairs.items() if re.search(rf"\b{x}\b", row.instruction))


def owned(row):
    # a person can also stand in an idle sentence: the asked one's thing must be the answer
    asked = [p for p in owners(row) if re.search(rf"\b{p}\b", row.instruction)]
    things = [owners(row)[p] for p in asked]
    return row.response if row.response in things else things


def true_of(row):
    person, thing = re.search(r"(\w+) has the (\w+ \w+)", row.instruction).groups()
    return "yes" if owners(row)[person] == thing else "no"


def older(row):
    ages = {p: int(n) for p, n in re.findall(r"(\w+) is (\d+) years", row.input)}
    best = max if re.search(r"older|elder", row.instruction) else min
    return best(ages, key=ages.get)


def sentence(row):
    words = row.input.split(", ")
    return (
        f"The {next(x for x in words if x in w.ADJECTIVES)} "
        + " ".join(
            [
                next(x for x in words if x in w.GROUPS["animal"]),
                next(x for x in words if x in w.VERBS),
                "the",
                next(x for x in words if x in tasks.THINGS),
            ]
        )
        + "."
    )


def story(row):
    name = re.search(r"called (\w+)\.", row.response)[1]
    job, thing = (
        re.search(r"a (\w+) called", row.response)[1],
        re.search(r"found a (\w+)\.", row.response)[1],
    )
    for part in (name, job, thing):
        assert re.search(rf"\b{part}\b", row.instruction)
    mood_ = "happy" if "smiled" in row.response else "sad"
    assert mood_ in row.instruction
    return row.response


def numbered(row):
    out = re.search(r"(?:leave out|without|except) (\w+)", row.instruction)[1]
    kept = [x for x in row.input.split(", ") if x != out]
    return " ".join(f"{i}. {x}" for i, x in enumerate(kept, 1))


def title(row):
    words = [x.lower() for x in row.response.split() if x not in ("The", "and", "the")]
    assert all(re.search(rf"\b{x}\b", row.instruction) for x in words) and len(words) == 3
    return row.response


def letter(row):
    b, thing, day, a = re.fullmatch(
        r"Dear (\w+), thank you for the (\w+ \w+) you sent on (\w+)\. Yours, (\w+)", row.response
    ).groups()
    forms = (f"from {a} to {b} ", f"{a} got a {thing} from {b} ", f"letter to {b} in which {a} ")
    assert any(form in row.instruction for form in forms)
    assert thing in row.instruction and day in row.instruction
    return row.response


def repeat(row):
    words = row.response.split()
    n = len(words) // 2
    assert words == words[:2] * n
    assert " ".join(words[:2]) in row.instruction and w.NUMBER_WORDS[n] in row.instruction
    return row.response


def total(row):
    return str(sum(numbers(re.sub("for once", "", row.instruction, flags=re.I))))


def difference(row):
    a, b = numbers(row.instruction)
    swap = re.search(r"\bfrom\b", row.instruction)
    return str(b - a if swap else a - b)


def compare(row):
    best = max if re.search(r"larger|bigger", row.instruction) else min
    return str(best(numbers(row.instruction.replace("one", ""))))


def following(row):
    line = [int(x) for x in row.input.split(", ")]
    return str(2 * line[-1] - line[-2])


def problem(row):
    a, b = numbers(row.input)
    return str(a - b if re.search("loses|sells|takes", row.input) else a + b)


def gist(row):
    marks = (
        "Above all , ",
        "The main thing is that ",
        "Most important , ",
        "The big news is that ",
    )
    said = [
        s.removeprefix(m)
        for s in re.split(r"(?<=\.) ", row.input)
        for m in marks
        if s.startswith(m)
    ]
    return said[0][0].upper() + said[0][1:]


def about(row):
    names = re.findall(r"(?:^|\. )(\w+)", row.input)
    return max(set(names), key=names.count)


def compress(row):
    extra = {*w.ADJECTIVES, *w.ADVERBS, "very", "so", "we", "hear", ","} | ADJECTIVE_COLOURS
    text = re.sub(r"^On \w+ the", "The", row.input.removesuffix("."))
    return " ".join(x for x in text.split() if x not in extra) + "."


def ending(row):
    return re.search(r"(?:In the end|At last) ([^.]*\.)", row.input)[1]


def names(row):
    found = re.findall(r"(?:^|\. )([A-Z]\w+)", row.input)
    return ", ".join(x for x in found if x != "The")


def printed(row):
    return run(row.input)


SOLVERS = {
    "sentiment": sentiment, "topic": topic, "odd": odd, "group": group, "mood": mood, "style": style,
    "one_step": function, "two_steps": function, "rename": rename, "repair": repair,
    "element": printed, "branch": printed, "concat": printed,
    "fact": fact, "owner": owner, "owned": owned, "true_of": true_of, "older": older,
    "sentence": sentence, "story": story, "list": numbered, "title": title, "letter": letter,
    "repeat": repeat,
    "sum": total, "difference": difference, "compare": compare, "next": following,
    "count": lambda row: str(row.input.count(",") + 1), "problem": problem,
    "gist": gist, "about": about, "compress": compress, "ending": ending, "names": names,
}  # fmt: skip


@pytest.mark.parametrize("name", [s.name for s in tasks.SUBTYPES])
def test_answers_derived_again(streams, name):
    rows = rows_of(streams, name)
    assert len(rows) > 100
    for row in rows:
        assert SOLVERS[name](row) == row.response, row
        assert check(row.checker, row.response, row.response)
        assert not check(row.checker, row.response, row.response + " x")


def test_asked_attribute_is_the_answered_one(streams):
    for attribute, cores in tasks.FACT_CORES.items():
        others = {a for a in tasks.FACT_CORES if a != attribute}
        assert not {c for o in others for c in tasks.FACT_CORES[o]} & set(cores)
    for row in rows_of(streams, "fact"):
        for attribute, cores in tasks.FACT_CORES.items():
            for core in cores:
                pattern = re.sub(r"\\\[(.*?)\\\]", lambda m: f"(?:{m[1]})", re.escape(core))
                pattern = pattern.replace(r"\|", "|").replace(r"\{e\}", r"(\w+)")
                if m := re.search(pattern, row.instruction, re.IGNORECASE):
                    values = [f.value for f in facts_of(m[1]) if f.attribute == attribute]
                    assert not values or row.response in values


# ---------------------------------------------------------------- held-out rules


def test_wordings_of_the_splits_never_meet():
    rng = Random(0)
    for subtype in tasks.SUBTYPES:
        for patterns in [subtype.wordings] if subtype.wordings else tasks.FACT_CORES.values():
            seen = [
                {tasks.wording(patterns, subtype.name, held, rng) for _ in range(400)}
                for held in (True, False)
            ]
            assert not seen[0] & seen[1]
            assert len(seen[0]) > 24


def test_number_pairs_of_the_splits_never_meet(streams):
    def pairs(frame, name):
        rows = frame[frame.subtype == name]
        if name == "next":
            lines = [[int(x) for x in t.split(", ")] for t in rows.input]
            return {(a[0], a[1] - a[0]) for a in lines}
        texts = (
            rows.input
            if name in ("problem", "older")
            else rows.instruction.str.replace("For once", "")
        )
        found = [numbers(t.replace("the one", "").replace("smaller one", "")) for t in texts]
        ordered = {"difference": lambda p, t: tuple(p[::-1] if " from " in t else p)}.get(
            name, lambda p, t: tuple(p[:2])
        )
        return {ordered(p, t) for p, t in zip(found, texts, strict=True)}

    for name in ("sum", "difference", "compare", "next", "problem", "older"):
        train, held = pairs(streams["train"], name), pairs(streams["heldout"], name)
        assert not train & held, name
        assert all(pair_is_heldout(*p) for p in held) and not any(
            pair_is_heldout(*p) for p in train
        )


def test_documents_have_no_reserved_pair():
    texts = itertools.islice(documents.stream(3), 8_000)
    for text in texts:
        for a, b in re.findall(rf"{NUMBER} (?:\+|plus|-|minus|without|<) {NUMBER}", text):
            assert not pair_is_heldout(*(int(x) if x.isdigit() else N[x] for x in (a, b))), text
        for a, b in re.findall(r"(?:of |sum of )(\d+) and (\d+)", text):
            assert not pair_is_heldout(int(a), int(b)), text
        for a, b in re.findall(r"(\d+) is more than (\d+)", text):
            assert not pair_is_heldout(int(a), int(b)), text


def test_reserved_people_functions_and_entities(streams):
    train, held = streams["train"], streams["heldout"]
    function = r"\b([a-z]+_[a-z]+)\b"
    for name in ("one_step", "two_steps", "rename", "repair"):
        sets = [set(f[f.subtype == name].response.str.extract(function)[0]) for f in (train, held)]
        assert not sets[0] & sets[1]
    for name in ("owner", "about"):
        sets = [set(f[f.subtype == name].response) for f in (train, held)]
        assert not sets[0] & sets[1]
    for frame, expected in ((train, False), (held, True)):
        rows = frame[frame.subtype == "fact"]
        for row in rows.itertuples():
            told = [
                e for e in {f.entity for f in world()} if re.search(rf"\b{e}\b", row.instruction)
            ]
            assert any(asked_only_in_evaluation(e) == expected for e in told)


def test_texts_of_the_splits_never_meet(streams):
    for name, frame in streams["train"].groupby("subtype"):
        held = streams["heldout"][streams["heldout"].subtype == name]
        texts = set(held.input) - {""}
        assert not texts & set(frame.input), name


def test_reserved_shares():
    assert 0.15 < sum(is_heldout("person", p) for p in tasks.PEOPLE) / len(tasks.PEOPLE) < 0.3
    share = sum(pair_is_heldout(a, b) for a in range(16) for b in range(10)) / 160
    assert 0.08 < share < 0.25


# ---------------------------------------------------------------- the stream


def test_stream_is_a_function_of_the_seed():
    a, b = tasks.generate(60, 3), tasks.generate(120, 3)
    pd.testing.assert_frame_equal(a, b.head(60))
    assert not a.instruction.equals(tasks.generate(60, 4).instruction)
    assert list(a.columns) == tasks.COLUMNS
    assert set(tasks.generate(20, 0, categories=["MATH"]).category) == {"MATH"}


@pytest.mark.parametrize("bad", [{"split": "test"}, {"categories": ["POEM"]}])
def test_wrong_arguments(bad):
    with pytest.raises(ValueError, match=r"test|POEM"):
        tasks.generate(5, 0, **bad)


def test_lengths_are_comparable(streams):
    frame = streams["heldout"]
    mean = (
        (frame.instruction + " " + frame.input).str.split().str.len().groupby(frame.category).mean()
    )
    assert mean.max() / mean.min() < 1.35


def test_documents_are_reproducible_and_plain():
    texts = list(itertools.islice(documents.stream(1), 3_000))
    assert texts == list(itertools.islice(documents.stream(1), 3_000))
    for mark in (
        "###",
        "Task",
        "Answer",
        "kindly",
        "could you",
        "positive or negative",
        "one sentence",
    ):
        assert not any(mark in text for text in texts), mark
