"""Running text of the second edition: plain documents, and requests with answers in informal frames.

``plain`` are the documents of the first edition, tidied, with more of what it did not teach: counting,
facts in many more phrasings, who has what. ``stream`` mixes them with ``talk``: rows of the training split
as people write them down. In every frame the answer follows a space, so that its tokens are those of a
response in the template. The template's own frame is one of many, and what follows a request there is
often not the bare answer, as among people.
"""

from collections.abc import Callable, Iterator
from random import Random

import documents
import passages as ps
import rows  # a neighbour of this file, not a package
import words as w
from facts import PEOPLE, SCHEMA, Fact, facts_of, pair_is_heldout, world

# ---------------------------------------------------------------- numbers


def _free(rng: Random, less: bool) -> tuple[int, int]:
    """Operands of a sum (to 15 + 9) or a difference (0 to 9) that are not reserved."""
    while True:
        b = rng.randint(0, 9)
        a = b + rng.randint(0, 9) if less else rng.randint(0, 15)
        if not pair_is_heldout(a, b):
            return a, b


def counting(rng: Random) -> str:
    """Numbers in order, up or down, in figures or words; what comes before and after."""
    start, n = rng.randint(0, 40), rng.randint(4, 10)
    up = list(range(start, start + n))
    if rng.random() < 0.3:
        start = rng.randint(0, 20 - 6)
        up = list(range(start, start + 6))
        return ", ".join(f"{w.NUMBER_WORDS[i]} is {i}" for i in up)
    i = rng.randint(1, 98)
    return rng.choice(
        [", ".join(map(str, up)), ", ".join(map(str, reversed(up))),
         f"After {i} comes {i + 1}. Before {i} comes {i - 1}.", f"{i - 1}, then {i}, then {i + 1}"]
    )  # fmt: skip


def counted_on(rng: Random) -> str:
    """Sums and differences by counting: ``7 + 3: 8, 9, 10. So 7 + 3 = 10``."""
    lines = []
    for _ in range(rng.randint(2, 5)):
        less = rng.random() < 0.5
        a, b = _free(rng, less)
        sign, result = ("-", a - b) if less else ("+", a + b)
        steps = range(a - 1, result - 1, -1) if less else range(a + 1, result + 1)
        counted = ", ".join(map(str, steps)) or str(a)
        lines.append(f"{a} {sign} {b}: {counted}. So {a} {sign} {b} = {result}")
    return "\n".join(lines)


def number_table(rng: Random) -> str:
    """Neighbouring sums or differences in a row; reserved pairs are left out."""
    less, n = rng.random() < 0.5, rng.randint(0, 15)
    pairs = [(n + b, b) if less else (n, b) for b in range(10)]
    if rng.random() < 0.5:
        pairs = [(n, b) for b in range(min(n, 9) + 1)] if less else [(a, n % 10) for a in range(16)]
    kept = [(a, b) for a, b in pairs if not pair_is_heldout(a, b)]
    start = rng.randrange(max(1, len(kept) - 5))
    sign = "-" if less else "+"
    return ", ".join(
        f"{a} {sign} {b} = {a - b if less else a + b}" for a, b in kept[start : start + 7]
    )


def turned(rng: Random) -> str:
    """One sum in several forms: turned round, as a difference, in words."""
    while True:
        a, b = _free(rng, less=False)
        if a <= 9 and not (pair_is_heldout(b, a) or pair_is_heldout(a + b, b)):
            break
    forms = [f"{a} + {b} = {a + b}", f"{b} + {a} = {a + b}", f"{a + b} - {b} = {a}",
             f"{a} and {b} make {a + b}", f"{a + b} is {a} more than {b}"]  # fmt: skip
    rng.shuffle(forms)
    return ". ".join(forms[: rng.randint(2, 4)])


def strides(rng: Random) -> str:
    """A row of numbers with its step told."""
    while True:
        start, step = rng.randint(1, 30), rng.choice([1, 2, 3, 5, 10])
        if not pair_is_heldout(start, step):
            break
    numbers = [start + step * i for i in range(5)]
    line, last = ", ".join(map(str, numbers[:4])), numbers[4]
    return rng.choice(
        [f"{line}: each is {step} more. Then {last}.", f"{line}: {last} is next.", f"{line}, {last}",
         f"From {numbers[3]} go {step} on: {last}. So {line}, {last}"]
    )  # fmt: skip


def purchase(rng: Random) -> str:
    """A story with a sum and the calculation."""
    while True:
        a, b, answer, text = ps.word_problem(rng)
        if not pair_is_heldout(a, b) and " has 1 " not in text:
            break
    sign = "+" if answer > a else "-"
    return f"{text} {a} {sign} {b} = {answer}. " + rng.choice(
        [f"In the end: {answer}", f"Number at the end: {answer}", f"So {answer} in all."]
    )


# ---------------------------------------------------------------- facts

NOUNS = {
    "town": ("town", "home town", "home"), "job": ("job", "work"), "pet": ("pet", "animal at home"),
    "food": ("favourite food", "food"), "region": ("region", "part of the land"), "goods": ("goods", "trade"),
    "river": ("river",), "place": ("home", "place"), "eats": ("food",), "colour": ("colour",),
    "material": ("material",), "room": ("room", "place"), "use": ("use",),
}  # fmt: skip


def _named(fact: Fact, rng: Random) -> str:
    """``the pet of Anna``."""
    article = "" if fact.kind in ("person", "town") else "the "
    return f"{rng.choice(NOUNS[fact.attribute])} of {article}{fact.entity}"


def fact_sheet(rng: Random) -> str:
    """Facts as short entries: ``pet of Anna: cat``."""
    kind = rng.choice(["person", "person", "person", *SCHEMA])
    facts = list(facts_of(rng.choice(SCHEMA[kind][0])))
    if rng.random() < 0.5:
        facts = rng.choices(world(), k=rng.randint(2, 6))
    rng.shuffle(facts)
    form = rng.choice(["{n}: {v}", "The {n}: {v}", "{n} = {v}", "The {n} is {v}.", "{n}; {v}"])
    mark = rng.choice(["\n", "\n", ". ", " / "])
    return mark.join(form.format(n=_named(f, rng), v=f.value) for f in facts)


def fact_talk(rng: Random) -> str:
    """Talk about facts: a question of a few words and a short answer."""
    questions = [
        "And the {n}?",
        "Do you know the {n}?",
        "What about the {n}?",
        "The {n}?",
        "I forgot the {n}.",
    ]
    answers = ["{v}.", "{v}", "It is {v}.", "{v}, as we all know.", "That is {v}."]  # fmt: skip
    lines = []
    for _ in range(rng.randint(1, 4)):
        fact = rng.choice(world())
        asked = rng.choice(questions).format(n=_named(fact, rng))
        told = rng.choice(answers).format(v=fact.value)
        lines.append(f"- {asked} - {told}")
        if rng.random() < 0.3:
            lines.append(documents.statement(fact, rng))
    return "\n".join(lines)


# ---------------------------------------------------------------- texts


def register(rng: Random) -> str:
    """Who has what, and the same again as entries, by thing or by person."""
    people, things, text = ps.possessions(rng)
    pairs = list(zip(people, things, strict=True))
    rng.shuffle(pairs)
    form = rng.choice(["{x}: {p}", "The {x}: {p}", "{p}: {x}", "The {x} is that of {p}.", "{p} with the {x}",
                       "It is {p} who has the {x}.", "It is the {x} that {p} has."])  # fmt: skip
    told = [form.format(p=p, x=x) for p, x in pairs[: rng.randint(1, 3)]]
    return f"{text}{rng.choice([' ', chr(10)])}{rng.choice([' ', chr(10)]).join(told)}"


def renamed(rng: Random) -> str:
    """A function and the same with another name for its argument."""
    name, old, (_, op), n = ps.function_parts(rng)
    new = rng.choice([v for v in ps.ARGUMENTS if v != old])
    before, after = (f"def {name}({v}): return {v} {op} {n}" for v in (old, new))
    told = [f"{old} is now called {new}", f"{new} in place of {old}", f"rename {old} to {new}"]
    return rng.choice(["{b} # {t}: {a}", "{b}\n# {t}: {a}", "{t}. {b} becomes {a}"]).format(
        b=before, a=after, t=rng.choice(told)
    )


_WORDS = (w.ADJECTIVES, w.ANIMALS, w.THINGS, w.DAYS, PEOPLE, w.COLOURS, w.ROOMS, w.JOBS, w.VERBS)


def dictation(rng: Random) -> str:
    """Words without sense, written down again: whole, backwards, or those from one on."""
    words = [rng.choice(rng.choice(_WORDS)) for _ in range(rng.randint(3, 9))]
    u, v = rng.sample(PEOPLE, 2)
    start = rng.randrange(len(words))
    line = " ".join(words)
    return rng.choice(
        [f"{u} said {line}. {v} wrote {line}", f"{line}. Again: {line}. Once more: {line}", f"{line} / {line}",
         f"{line}. From {words[start]} on: {' '.join(words[start:])}",
         f"{line}. Backwards: {' '.join(reversed(words))}"]
    )  # fmt: skip


def look_up(rng: Random) -> str:
    """A table of pairs and some of its entries again, by their first or second word."""
    left, right = rng.sample(range(len(_WORDS)), 2)
    n = rng.randint(3, 6)
    keys, values = rng.sample(_WORDS[left], n), rng.sample(_WORDS[right], n)
    pairs = list(zip(keys, values, strict=True))
    mark = rng.choice([": ", " - ", " with "])
    table = rng.choice([", ", "\n", ". "]).join(f"{k}{mark}{x}" for k, x in pairs)
    told = rng.sample(pairs, rng.randint(1, 3))
    if rng.random() < 0.5:
        told = [(x, k) for k, x in told]
    return f"{table}. " + ". ".join(f"{a} goes with {b}" for a, b in told)


def crossed_out(rng: Random) -> str:
    """A list before and after a word is crossed out."""
    words = rng.sample(w.THINGS, rng.choice([4, 5]))
    out = rng.choice(words)
    kept = [x for x in words if x != out]
    left = rng.choice([", ".join(kept), " ".join(f"{i}. {x}" for i, x in enumerate(kept, 1))])
    return f"{', '.join(words)}. " + rng.choice(
        [f"Without {out}: {left}", f"{out} is crossed out: {left}", f"No {out}, so {left}"]
    )


NEW: dict[Callable[[Random], str], float] = {
    counting: 2, counted_on: 5, number_table: 4, turned: 3, strides: 3, purchase: 3, fact_sheet: 6, fact_talk: 5,
    register: 6, crossed_out: 3, renamed: 3, dictation: 5, look_up: 5,
}  # fmt: skip
NEW_SHARE = 0.4


def plain(rng: Random) -> str:
    """One plain document."""
    if rng.random() < NEW_SHARE:
        return rows.tidy(rng.choices(list(NEW), list(NEW.values()))[0](rng))
    return rows.tidy(documents.document(rng))


# ---------------------------------------------------------------- requests in frames

# What is asked ({q}) and what is said to it ({a}), between people {u} and {v}, at place {i} of a list.
FRAMES = (
    "{q} => {a}", "{q} -> {a}", "{q} {a}", "{u} asked: {q}\n{v} said: {a}", "{u}: {q}\n{v}: {a}",
    "Q: {q}\nA: {a}", "To do: {q}\nDone: {a}", "Exercise {i}. {q}\nSolution: {a}", "{i}. {q} Solution: {a}",
    "## Exercise {i}\n{q}\nResult: {a}", "# {u} wants to know\n{q}\n# {v} knows: {a}", "Task {i}: {q} Result: {a}",
    "* {q}\n  * {a}", "\"{q}\" said {u}. So {v} wrote: {a}", "Note from {u}: {q}\nReply from {v}: {a}",
    "On {d} {u} wrote: {q} The reply was: {a}", "> {q}\n{v} wrote: {a}", "Dear {v}, {q} Yours, {u}\nDear {u}, here it is: {a}",
    "[{u}] {q}\n[{v}] {a}", "{q}\nThe answer is {a}", "We had to do this: {q} We wrote: {a}",
)  # fmt: skip
QUESTION = "Question: {q}\nAnswer: {a}"
QUESTION_SHARE = 0.2

# What people say to a request: "could you" hears yes, thanks are returned; else often the bare answer.
POLITE = (
    (lambda text: "?" in text, ("Yes. {a}", "Yes. {a}", "Yes, of course. {a}", "I can. {a}")),
    (lambda text: "Please " in text, ("Of course. {a}", "Of course. {a}", "With pleasure. {a}")),
    (
        lambda text: " you to " in text,
        ("As you wish. {a}", "As you wish. {a}", "I will do it. {a}"),
    ),
    (lambda text: "Thank you." in text, ("{a} You are welcome.", "{a} Not at all.")),
)
POLITE_SHARE = 0.75
SAYINGS = {
    "{a}": 75, "It is {a}": 3, "That is {a}": 2, "I think {a}": 3, "The answer is {a}": 4, "Here you are: {a}": 3,
    "Let me see. {a}": 2, "Easy: {a}": 2, "{a} And now you.": 2, "I do not know.": 1, "Ask somebody else.": 1,
    "Who wants to know?": 1, "That is hard to say.": 1,
}  # fmt: skip
WEIGHTS = {"CLS": 0.12, "CODE": 0.13, "QA": 0.25, "GEN": 0.19, "MATH": 0.22, "SUM": 0.09}


def talk(source: Iterator[dict], rng: Random) -> str:
    """A piece of one to three requests with what was said, all in one frame."""
    frame = QUESTION if rng.random() < QUESTION_SHARE else rng.choice(FRAMES)
    u, v = rng.sample(PEOPLE, 2)
    lines = []
    for i in range(1, rng.choice([1, 1, 1, 2, 3]) + 1):
        item = next(source)
        answer = saying(item["instruction"], rng).format(a=item["response"])
        lines.append(
            frame.format(q=asked(item, rng), a=answer, u=u, v=v, d=rng.choice(w.DAYS), i=i)
        )
    return rng.choice(["\n", "\n", "\n\n"]).join(lines)


def saying(request: str, rng: Random) -> str:
    """How somebody puts the answer to a request."""
    if rng.random() < POLITE_SHARE:
        for applies, forms in POLITE:
            if applies(request):
                return rng.choice(forms)
    return rng.choices(list(SAYINGS), list(SAYINGS.values()))[0]


def asked(item: dict, rng: Random) -> str:
    """The request with its input, behind a line break as in the template, or in one line."""
    if not item["input"]:
        return item["instruction"]
    mark = rng.choice(["\n", "\n", " "]) if "\n" not in item["input"] else "\n"
    return f"{item['instruction']}{mark}{item['input']}"


def stream(seed: int, share_of_talk: float = 0.45, split: str = "train") -> Iterator[str]:
    """Documents and, as that share of the texts, requests in frames, without end."""
    rng = Random(f"running/{split}/{seed}")
    source = rows.stream(f"frames/{seed}", "train", WEIGHTS)
    while True:
        yield talk(source, rng) if rng.random() < share_of_talk else plain(rng)
