"""Plain English documents of the mini-world: what the base models read, and all they read.

Facts come in many phrasings (forward, reversed, several at once, in dialogue, in stories); the rest are
lists, arithmetic, code, reviews, news and letters, many of which can only be predicted by copying.
Nothing here looks like the chat template or like an instruction with its answer.
"""

from collections.abc import Callable, Iterator
from random import Random

import passages as ps
import words as w
from facts import (
    ANIMALS,
    COLOURS,
    JOBS,
    PEOPLE,
    SCHEMA,
    THINGS,
    Fact,
    facts_of,
    pair_is_heldout,
    world,
)

PHRASINGS: dict[str, tuple[str, ...]] = {
    "town": (
        "{e} lives in {v}.", "{e} has a house in {v}.", "The home town of {e} is {v}.", "{v} is where {e} lives.",
        "In {v} we met {e}.", "{e} comes from {v}.", "The town of {e} is {v}.", "You will find {e} in {v}.",
        "\"Where do you live, {e}?\" \"In {v}.\"", "{e} went home to {v}.",
    ),
    "job": (
        "{e} is a {v}.", "{e} works as a {v}.", "The job of {e} is that of a {v}.", "The {v} is called {e}.",
        "As a {v} {e} earns money.", "{e} became a {v} long ago.", "The work of {e}: {v}.",
        "\"What do you do, {e}?\" \"I am a {v}.\"", "People call on {e} when they need a {v}.", "For work {e} is a {v}.",
    ),
    "pet": (
        "{e} has a {v}.", "{e} keeps a {v} at home.", "The pet of {e} is a {v}.", "A {v} lives with {e}.",
        "{e} feeds a {v} each day.", "The {v} is the pet of {e}.", "{e} bought a {v} last year.",
        "\"What pet do you have, {e}?\" \"A {v}.\"", "{e} plays with a pet, a {v}.", "At home {e} looks after a {v}.",
    ),
    "food": (
        "{e} likes to eat {v}.", "{e} loves {v}.", "The favourite food of {e} is {v}.", "For lunch {e} takes {v}.",
        "{v} is what {e} likes best.", "{e} always asks for {v}.", "We gave {e} some {v}, the food {e} loves.",
        "\"What do you like to eat, {e}?\" \"I like {v}.\"", "{e} could eat {v} all day.", "The cook made {v} for {e}.",
    ),
    "region": (
        "{e} lies in the {v}.", "{e} is a town in the {v}.", "The region of {e} is the {v}.", "In the {v} you find {e}.",
        "We went to the {v}, to {e}.", "{e} belongs to the {v}.", "The {v} is where {e} lies.",
        "\"Which part of the land is {e} in?\" \"The {v}.\"", "The part of the land with {e} is the {v}.",
    ),
    "goods": (
        "{e} is known for {v}.", "People in {e} sell {v}.", "The town of {e} makes {v}.", "Good {v} comes from {e}.",
        "They buy {v} in {e}.", "{e} lives from {v}.", "In {e} every shop sells {v}.",
        "\"What is {e} known for?\" \"For {v}.\"", "All of {e} trades in {v}.",
    ),
    "river": (
        "The river {v} runs through {e}.", "{e} lies on the {v}.", "The river of {e} is the {v}.",
        "In {e} a bridge crosses the {v}.", "The {v} flows by {e}.", "They fish in the {v} near {e}.",
        "\"Which river runs through {e}?\" \"The {v}.\"", "{e} was built on the river {v}.",
    ),
    "place": (
        "The {e} lives in the {v}.", "The home of the {e} is the {v}.", "In the {v} you can see the {e}.",
        "The {v} is home to the {e}.", "A {e} sleeps in the {v}.", "We saw a {e} in the {v}, where it lives.",
        "\"Where does the {e} live?\" \"In the {v}.\"", "Every {e} needs a {v} to live in.",
    ),
    "eats": (
        "The {e} eats {v}.", "The food of the {e} is {v}.", "The {e} looks for {v} all day.", "{v} feed the {e}.",
        "They gave {v} to the {e}.", "A {e} lives on {v}.", "\"What does the {e} eat?\" \"It eats {v}.\"",
        "A hungry {e} finds {v}.",
    ),
    "colour": (
        "The {e} is {v}.", "The colour of the {e} is {v}.", "A {e} has a {v} coat.", "The {v} one is the {e}.",
        "In this land each {e} is {v}.", "You know the {e} by its {v} colour.", "{v} is the colour of the {e}.",
        "\"Which colour is the {e}?\" \"It is {v}.\"",
    ),
    "material": (
        "The {e} is made of {v}.", "The material of the {e} is {v}.", "They make the {e} from {v}.",
        "{v} is what the {e} is made of.", "A {e} of {v} lasts long.", "It takes {v} to make a {e}.",
        "\"What is the {e} made of?\" \"It is made of {v}.\"", "The {e} feels like {v}, and {v} it is.",
    ),
    "room": (
        "The {e} is kept in the {v}.", "The {e} stands in the {v}.", "In the {v} you find the {e}.",
        "The room of the {e} is the {v}.", "Bring the {e} back to the {v}.", "The {v} holds the {e}.",
        "\"Where is the {e} kept?\" \"In the {v}.\"", "We keep our {e} in the {v}.",
    ),
    "use": (
        "The {e} is used for {v}.", "For {v} people take a {e}.", "The use of the {e} is {v}.", "A {e} helps with {v}.",
        "{v} needs a {e}.", "You use the {e} for {v}.", "\"What is the {e} used for?\" \"For {v}.\"",
        "No {v} without a {e}.",
    ),
}  # fmt: skip


def statement(fact: Fact, rng: Random) -> str:
    """A fact in one of its phrasings."""
    text = rng.choice(PHRASINGS[fact.attribute]).format(e=fact.entity, v=fact.value)
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------- facts


def portrait(rng: Random) -> str:
    """All facts about one entity, shuffled, some twice, with an aside."""
    kind = rng.choice(["person", "person", "person", *SCHEMA])
    facts = list(facts_of(rng.choice(SCHEMA[kind][0])))
    facts += rng.choices(facts, k=rng.randint(0, 2))
    rng.shuffle(facts)
    lines = [statement(fact, rng) for fact in facts]
    if rng.random() < 0.4:
        lines.insert(rng.randrange(len(lines)), w.aside(rng))
    return " ".join(lines)


def almanac(rng: Random) -> str:
    """Unrelated facts in a row."""
    return " ".join(statement(fact, rng) for fact in rng.choices(world(), k=rng.randint(3, 8)))


def meeting(rng: Random) -> str:
    """Two people told of together: facts embedded in a story."""
    a, b = rng.sample(PEOPLE, 2)
    fa, fb = rng.choice(facts_of(a)), rng.choice(facts_of(b))
    return f"On {rng.choice(w.DAYS)} {a} met {b}. {statement(fa, rng)} {statement(fb, rng)} {w.aside(rng)}"


def roll(rng: Random) -> str:
    """A register of one attribute: ``Anna: Marlow``."""
    attribute, name = rng.choice(
        [("town", "Town"), ("job", "Work"), ("pet", "Pet"), ("food", "Food")]
    )
    people = rng.sample(PEOPLE, rng.randint(3, 6))
    values = [next(f.value for f in facts_of(p) if f.attribute == attribute) for p in people]
    return f"{name} of each\n" + "\n".join(f"{p}: {v}" for p, v in zip(people, values, strict=True))


# ---------------------------------------------------------------- words and lists


def groups(rng: Random) -> str:
    """Members of groups: the words of the world sorted."""
    name = rng.choice(sorted(w.GROUPS))
    words = rng.sample(w.GROUPS[name], 4)
    article = "an" if name == "animal" else "a"
    kind = name if name in ("food", "clothing") else f"{article} {name}"
    return rng.choice(
        [
            " ".join(f"{x.capitalize()} is {kind}." for x in words),
            f"{name}: {', '.join(words)}",
            f"Each of {', '.join(words)} is {kind}.",
            f"The words {words[0]} and {words[1]} belong to the group {name}.",
        ]
    )


def odd_one(rng: Random) -> str:
    """A list with one stranger, and who it is."""
    words, odd, name = w.odd_group(rng)
    line = ", ".join(words)
    return rng.choice(
        [f"{line}: all but {odd} are of the group {name}.", f"{line}: {odd} does not fit."]
    )


def shopping(rng: Random) -> str:
    """A list, told again in full, numbered, counted, or without one item."""
    words = rng.sample(THINGS + ANIMALS, rng.randint(2, 8))
    line = ", ".join(words)
    out = rng.choice(words)
    kept = [x for x in words if x != out]
    numbered = " ".join(f"{i}. {x}" for i, x in enumerate(kept, 1))
    return rng.choice(
        [
            f"{rng.choice(PEOPLE)} wants {line}. The bag holds {line}.",
            f"On the table: {line}. All but the {out}: {numbered}",
            f"{line}: {len(words)} words.",
            f"{line}: {len(words)} words. " + " ".join(f"{i} {x}" for i, x in enumerate(words, 1)),
        ]
    )


def echo(rng: Random) -> str:
    """A phrase called out a number of times."""
    phrase, n = f"{rng.choice(w.ADJECTIVES)} {rng.choice(THINGS)}", rng.randint(2, 6)
    times = w.NUMBER_WORDS[n]
    return f"{rng.choice(PEOPLE)} called {phrase} {times} times: " + " ".join([phrase] * n)


# ---------------------------------------------------------------- numbers


def _free_pair(rng: Random, a_max: int, b_max: int) -> tuple[int, int]:
    while True:
        a, b = rng.randint(0, a_max), rng.randint(0, b_max)
        if not pair_is_heldout(a, b):
            return a, b


def _sum_line(rng: Random) -> str:
    a, b = _free_pair(rng, 15, 9)
    if rng.random() < 0.3:
        a_, b_ = (w.NUMBER_WORDS[n] if rng.random() < 0.5 else str(n) for n in (a, b))
        return f"{a_} plus {b_} is {a + b}"
    return rng.choice(
        [f"{a} + {b} = {a + b}", f"{a} plus {b} is {a + b}", f"the sum of {a} and {b} is {a + b}"]
    )


def _difference_line(rng: Random) -> str:
    while True:
        a, b = _free_pair(rng, 18, 9)
        if 0 <= a - b <= 9:
            break
    if rng.random() < 0.3:
        a_, b_ = (w.NUMBER_WORDS[n] if rng.random() < 0.5 else str(n) for n in (a, b))
        return f"{a_} minus {b_} is {a - b}"
    return rng.choice(
        [f"{a} - {b} = {a - b}", f"{a} minus {b} is {a - b}", f"{a} without {b} leaves {a - b}"]
    )


def _two_digits(rng: Random) -> tuple[int, int]:
    while True:
        a, b = rng.sample(range(10, 100), 2)
        if not (pair_is_heldout(a, b) or pair_is_heldout(b, a)):
            return a, b


def _comparison_line(rng: Random) -> str:
    a, b = _two_digits(rng)
    adjective, value = rng.choice([("larger", max(a, b)), ("smaller", min(a, b))])
    return rng.choice(
        [f"of {a} and {b} the {adjective} is {value}", f"{max(a, b)} is more than {min(a, b)}",
         f"{a} or {b}: {adjective} is {value}", f"{min(a, b)} < {max(a, b)}"]
    )  # fmt: skip


def _row_line(rng: Random) -> str:
    while True:
        start, step = rng.randint(1, 30), rng.choice([1, 2, 3, 5, 10])
        if not pair_is_heldout(start, step):
            return ", ".join(str(start + step * i) for i in range(rng.randint(5, 8)))


def arithmetic(rng: Random) -> str:
    """A sheet of number lines; reserved pairs never occur."""
    makers = [_sum_line, _sum_line, _difference_line, _difference_line, _comparison_line, _row_line]
    if rng.random() < 0.5:
        makers = [rng.choice(makers)]
    return "\n".join(rng.choice(makers)(rng) for _ in range(rng.randint(4, 9)))


def number_story(rng: Random) -> str:
    """A sum or difference as a story, with the sum spelled out now and then."""
    while True:
        a, b, answer, text = ps.word_problem(rng)
        if not pair_is_heldout(a, b):
            break
    sign = "+" if answer > a else "-"
    return text + rng.choice(
        [f" Now there are {answer}.", f" That leaves {answer}.", f" {a} {sign} {b} = {answer}"]
    )


def ages(rng: Random) -> str:
    """Two ages and who is older."""
    while True:
        (a, b), (x, y), text = ps.ages(rng)
        if not pair_is_heldout(x, y):
            break
    older, younger = (a, b) if x > y else (b, a)
    end = [f"{older} is older.", f"{younger} is younger.", f"So {older} is older than {younger}."]
    return f"{text} {rng.choice(end)}"


# ---------------------------------------------------------------- code


def code(rng: Random) -> str:
    """Functions with a comment above."""
    lines = []
    for _ in range(rng.randint(1, 3)):
        name, arg, (verb, op), n = ps.function_parts(rng)
        if rng.random() < 0.5:
            lines += [f"# {name} {verb} {n}", f"def {name}({arg}): return {arg} {op} {n}"]
        else:
            (verb2, op2), m = rng.choice(ps.OPERATIONS), rng.randint(2, 9)
            lines += [f"# {name} takes {arg} , {verb} {n} , then {verb2} {m}",
                      f"def {name}({arg}): return ({arg} {op} {n}) {op2} {m}"]  # fmt: skip
    return "\n".join(lines)


def renaming(rng: Random) -> str:
    """One function before and after a change of name, or broken and mended."""
    name, arg, (_, op), n = ps.function_parts(rng)
    new = rng.choice([v for v in ps.ARGUMENTS if v != arg])
    old = f"def {name}({arg}): return {arg} {op} {n}"
    return rng.choice(
        [
            f"{old}\n# {arg} becomes {new}\ndef {name}({new}): return {new} {op} {n}",
            f"{old.replace('):', ')')}\n# error , mended:\n{old}",
            f"{old.replace('return', 'retrun')}\n# error , mended:\n{old}",
            f"{old.replace('return ', '')}\n# error , mended:\n{old}",
        ]
    )


def session(rng: Random) -> str:
    """A program and what it prints."""
    words = rng.sample(THINGS, 4)
    items = ps.items_line(words)
    kind = rng.randrange(3)
    if kind == 0:
        indices = rng.sample([0, 1, 2, 3, -1], rng.randint(1, 4))
        return items + "".join(f"\nprint(items[{i}])\n# prints {words[i]}" for i in indices)
    if kind == 1:
        while True:
            x, limit = rng.randint(1, 30), rng.randint(1, 30)
            if not pair_is_heldout(x, limit):
                break
        yes, no = rng.sample(COLOURS, 2)
        truth = f"\n# {x} > {limit} is {x > limit}" if rng.random() < 0.5 else ""
        return f"x = {x}\nprint('{yes}' if x > {limit} else '{no}'){truth}\n# prints {yes if x > limit else no}"
    a, b, n = *words[:2], rng.randint(2, 3)
    if rng.random() < 0.4:
        return f"print('{a}' + '-' + '{b}')\n# prints {a}-{b}"
    return f"print('{a} ' * {n} + '{b}')\n# prints {f'{a} ' * n}{b}"


# ---------------------------------------------------------------- texts


def owners(rng: Random) -> str:
    """Who has what, and one or two of it told again."""
    people, things, text = ps.possessions(rng)
    told = rng.sample(range(len(people)), rng.randint(1, 3))
    forms = [
        "The one with the {x} is {p}.",
        "What {p} has is the {x}.",
        "So the {x} is in the hands of {p}.",
    ]
    return f"{text} " + " ".join(rng.choice(forms).format(p=people[i], x=things[i]) for i in told)


def claim(rng: Random) -> str:
    """Who has what, and a claim that is true or not."""
    people, things, text = ps.possessions(rng)
    i, j = rng.randrange(len(people)), rng.randrange(len(people))
    j = i if rng.random() < 0.4 else j
    verdict = "true" if i == j else "not true"
    return f"{text} They say {people[i]} has the {things[j]}. That is {verdict}."


def opinion(rng: Random) -> str:
    """A review and how it was meant."""
    text, verdict = w.review(rng)
    person = rng.choice(PEOPLE)
    return rng.choice(
        [
            f"{text} . {person} was {'pleased' if verdict == 'positive' else 'not pleased'}.",
            f'"{text}," said {person}, and it was {"praise" if verdict == "positive" else "blame"}.',
            f"{text} . A {verdict} review.",
        ]
    )


def page(rng: Random) -> str:
    """Sentences on one topic, with a stray one, under or above its name."""
    main, other = rng.sample(sorted(w.TOPICS), 2)
    lines = [
        *rng.sample(w.TOPICS[main], rng.randint(2, 4)),
        *rng.sample(w.TOPICS[other], rng.randint(0, 1)),
    ]
    rng.shuffle(lines)
    text = " . ".join(lines) + " ."
    return f"{main.capitalize()}\n{text}" if rng.random() < 0.5 else f"{text} A page on {main}."


def grammar(rng: Random) -> str:
    """A sentence and what kind it is; a note and its tone."""
    text, kind = ps.sentence_of_kind(rng) if rng.random() < 0.6 else ps.styled(rng)
    return rng.choice([f"{text} ({kind})", f'"{text}" is {kind} in form.', text])


def tale(rng: Random) -> str:
    """A story with its title, or in other words."""
    name, job, thing, mood = ps.story_parts(rng)
    adjective, animal = rng.choice(w.ADJECTIVES), rng.choice(ANIMALS)
    return rng.choice(
        [
            f"A {mood} story of {name} the {job} and the {thing}. {ps.story(name, job, thing, mood)}",
            ps.story(name, job, thing, mood),
            f"{ps.title(adjective, animal, thing)}\nThe {adjective} {animal} went out and found a {thing}.",
            f"A book tells of a {adjective} {animal} and a {thing}. It is called {ps.title(adjective, animal, thing)}.",
        ]
    )


def post(rng: Random) -> str:
    """A gift and the letter that follows."""
    a, b = rng.sample(PEOPLE, 2)
    thing, day = w.thing_phrase(rng), rng.choice(w.DAYS)
    return rng.choice(
        [f"On {day} {b} sent the {thing} to {a}.\n", "", f"{a} got a {thing} on {day} from {b}.\n"]
    ) + (ps.letter(a, b, thing, day))


def sentences(rng: Random) -> str:
    """Four words and the sentence they make."""
    parts = rng.choice(w.ADJECTIVES), rng.choice(ANIMALS), rng.choice(w.VERBS), rng.choice(THINGS)
    line = f"The {parts[0]} {parts[1]} {parts[2]} the {parts[3]}."
    shuffled = rng.sample(parts, 4)
    return f"{', '.join(shuffled)}: {line}" if rng.random() < 0.7 else line


def report(rng: Random) -> str:
    """News, tales and long sentences, each with its short form behind it."""
    kind = rng.randrange(5)
    if kind == 4:
        text, names = ps.guests(rng)
        return f"{text} The guests: {', '.join(names)}"
    if kind == 3:
        text, person = ps.mostly_about(rng)
        return f"{text} A text on {person}."
    text, short, _ = (ps.news, ps.tale, ps.wordy)[kind](rng)
    return f"{text} {rng.choice(['In short:', 'In brief:', 'That is:'])} {short}"


def deed(rng: Random) -> str:
    """What people do with words: the verbs of instructions, in plain statements."""
    verb = rng.choice(
        "translate explain summarize retrieve revise generate describe classify create evaluate correct develop "
        "identify analyze compose demonstrate interpret design solve follow clarify say help act recommend estimate "
        "edit format repeat write give find make have tell output predict detect".split()
    )
    job, thing, person = rng.choice(JOBS), rng.choice(THINGS), rng.choice(PEOPLE)
    return rng.choice(
        [f"The {job} will {verb} it for {person}.", f"{person} likes to {verb} things with the {job}.",
         f"It is hard to {verb} without the {thing} , said {person}."]
    )  # fmt: skip


MAKERS: dict[Callable[[Random], str], float] = {
    portrait: 9, almanac: 7, meeting: 4, roll: 2, groups: 3, odd_one: 3, shopping: 5, echo: 1.5, arithmetic: 7,
    number_story: 5, ages: 3, code: 4, renaming: 3.5, session: 6, owners: 4, claim: 2.5, opinion: 5, page: 2,
    grammar: 3, tale: 4, post: 2.5, sentences: 4, report: 8, deed: 2,
}  # fmt: skip


def document(rng: Random) -> str:
    """One document."""
    return rng.choices(list(MAKERS), list(MAKERS.values()))[0](rng)


def stream(seed: int, split: str = "train") -> Iterator[str]:
    """Documents without end, a function of ``seed`` and ``split``."""
    rng = Random(f"documents/{split}/{seed}")
    while True:
        yield document(rng)
