"""Instructions in six categories with answers known by construction, as an unlimited seeded stream.

A sub-type is a *maker* (draws content, knows the answer) and a list of *wordings*. ``[a|b]`` in a
wording is a free choice and ``{x}`` a slot for content. The content and the wording are each reserved
by a stable hash: what the ``heldout`` split uses, the ``train`` split never does.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

import pandas as pd

import passages as ps
import words as w
from facts import (
    ANIMALS,
    COLOURS,
    PEOPLE,
    THINGS,
    WORLD_SEED,
    asked_only_in_evaluation,
    is_heldout,
    pair_is_heldout,
    world,
)

COLUMNS = [
    "id", "category", "subtype", "instruction", "input", "response", "checker", "source", "split", "paraphrase_of",
]  # fmt: skip


@dataclass(frozen=True)
class Content:
    """What an item is about: slot values, the input text, the answer, and whether it is reserved."""

    response: str
    heldout: bool
    input: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    wordings: tuple[str, ...] = ()  # overrides the sub-type's when the content asks for it


@dataclass(frozen=True)
class Subtype:
    """A task: its category, name, maker, wordings and weight within the category."""

    category: str
    name: str
    make: Callable[[Random], Content]
    wordings: tuple[str, ...] = ()
    weight: float = 1.0


# ---------------------------------------------------------------- wording

OPENERS = (
    "", "", "", "please ", "now ", "kindly ", "could you ", "can you ", "would you ", "your job is to ",
    "i want you to ", "we need you to ", "you should ", "try to ", "act as a helper and ", "help me and ",
    "it is your turn to ", "next , ", "for my class , ", "when you are ready , ", "for once , ",
    "follow this and ", "i recommend that you ", "say hello later , first ",
)  # fmt: skip
TAILS = (
    "", "", "", "do not explain .", "keep it short .", "thank you .", "take care .", "nothing else .",
    "say no more than that .", "check it twice .", "make no mistake .", "do not add a comment .",
    "i must edit it later .", "we act on it today .", "it will help us .", "there is no hurry .",
)  # fmt: skip
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def expand(pattern: str, rng: Random) -> str:
    """Replace every ``[a|b|c]`` by one of its alternatives."""
    return _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), pattern)


def wording(patterns: Iterable[str], name: str, heldout: bool, rng: Random) -> str:
    """A wording of the asked split: opener, core and tail, the slots still open."""
    while True:
        opener, tail = rng.choice(OPENERS), rng.choice(TAILS)
        core = expand(rng.choice(list(patterns)), rng)
        text = f"{opener}{core} {tail}".strip()
        if is_heldout(f"wording/{name}", text) == heldout:
            return text[0].upper() + text[1:]


def padded(text: str, taken: int, rng: Random) -> str:
    """Add idle sentences before or behind until the item has a random target of 16 to 40 words."""
    target = rng.randint(16, 40)
    while len(text.split()) + taken < target:
        extra = w.aside(rng)
        text = f"{extra} {text}" if rng.random() < 0.5 else f"{text} {extra}"
    return text


# ---------------------------------------------------------------- CLS


def _sentiment(rng: Random) -> Content:
    text, verdict = w.review(rng)
    return Content(verdict, is_heldout("review", text), text)


def _topic(rng: Random) -> Content:
    main, other = rng.sample(sorted(w.TOPICS), 2)
    sentences = [*rng.sample(w.TOPICS[main], 2), rng.choice(w.TOPICS[other])]
    rng.shuffle(sentences)
    text = " . ".join(sentences) + " ."
    return Content(main, is_heldout("topic", text), text)


def _odd(rng: Random) -> Content:
    words, odd, _ = w.odd_group(rng)
    return Content(odd, is_heldout("odd", " ".join(sorted(words))), ", ".join(words))


def _group(rng: Random) -> Content:
    name = rng.choice(sorted(w.GROUPS))
    word = rng.choice(w.GROUPS[name])
    ambiguous = sum(word in members for members in w.GROUPS.values()) > 1
    return (
        _group(rng) if ambiguous else Content(name, is_heldout("group", word), values={"x": word})
    )


def _mood(rng: Random) -> Content:
    text, kind = ps.sentence_of_kind(rng)
    return Content(kind, is_heldout("mood", text), text)


def _style(rng: Random) -> Content:
    text, style = ps.styled(rng)
    return Content(style, is_heldout("style", text), text)


# ---------------------------------------------------------------- CODE


def _one_step(rng: Random) -> Content:
    name, arg, (verb, op), n = ps.function_parts(rng)
    code = f"def {name}({arg}): return {arg} {op} {n}"
    values = {"name": name, "arg": arg, "verb": verb, "n": n}
    return Content(code, is_heldout("function", name), values=values)


def _two_steps(rng: Random) -> Content:
    name, arg, (verb, op), n = ps.function_parts(rng)
    (verb2, op2), m = rng.choice(ps.OPERATIONS), rng.randint(2, 9)
    code = f"def {name}({arg}): return ({arg} {op} {n}) {op2} {m}"
    values = {"name": name, "arg": arg, "verb": verb, "n": n, "verb2": verb2, "m": m}
    return Content(code, is_heldout("function", name), values=values)


def _rename(rng: Random) -> Content:
    name, arg, (_, op), n = ps.function_parts(rng)
    new = rng.choice([v for v in ps.ARGUMENTS if v != arg])
    code = f"def {name}({{0}}): return {{0}} {op} {n}"
    values = {"old": arg, "new": new}
    return Content(code.format(new), is_heldout("function", name), code.format(arg), values)


def _repair(rng: Random) -> Content:
    name, arg, (_, op), n = ps.function_parts(rng)
    good = f"def {name}({arg}): return {arg} {op} {n}"
    broken = rng.choice(
        [
            good.replace("):", ")"), good.replace("return", "retrun"), good.replace("def ", "fed "),
            good.replace("):", ":"), good.replace("return ", ""),
        ]
    )  # fmt: skip
    return Content(good, is_heldout("function", name), broken)


def _element(rng: Random) -> Content:
    words = rng.sample(THINGS, 4)
    index = rng.choice([0, 1, 2, 3, -1])
    code = f"{ps.items_line(words)}\nprint(items[{index}])"
    return Content(words[index], is_heldout("element", f"{words} {index}"), code)


def _branch(rng: Random) -> Content:
    x, limit = rng.randint(1, 30), rng.randint(1, 30)
    yes, no = rng.sample(COLOURS, 2)
    code = f"x = {x}\nprint('{yes}' if x > {limit} else '{no}')"
    return Content(yes if x > limit else no, pair_is_heldout(x, limit), code)


def _concat(rng: Random) -> Content:
    a, b = rng.sample(THINGS, 2)
    n = rng.randint(1, 3)
    code, out = (f"print('{a}' + '-' + '{b}')", f"{a}-{b}") if n == 1 else (
        f"print('{a} ' * {n} + '{b}')", f"{a} " * n + b)  # fmt: skip
    return Content(out, is_heldout("concat", f"{a} {b}"), code)


# ---------------------------------------------------------------- QA

FACT_CORES: dict[str, tuple[str, ...]] = {
    "town": (
        "[tell me|say|find out|write down] where {e} lives .", "[name|give|find|say] the [town|home town] of {e} .",
        "[tell me|say|write] in which town {e} lives .",
    ),
    "job": (
        "[tell me|say|write down] what {e} does for work .", "[name|give|find|say] the job of {e} .",
        "[tell me|say] how {e} earns money .",
    ),
    "pet": (
        "[tell me|say|write down] which pet {e} has .", "[name|give|find|say] the pet of {e} .",
        "[tell me|say] which animal {e} keeps at home .",
    ),
    "food": (
        "[tell me|say|write down] what {e} likes to eat .", "[name|give|find|say] the favourite food of {e} .",
        "[tell me|say] which food {e} loves .",
    ),
    "region": (
        "[tell me|say|write down] in which part of the land {e} lies .", "[name|give|find|say] the region of {e} .",
    ),
    "goods": (
        "[tell me|say|write down] what the town of {e} is known for .", "[name|give|find|say] what people sell in {e} .",
    ),
    "river": (
        "[tell me|say|write down] which river runs through {e} .", "[name|give|find|say] the river of {e} .",
    ),
    "place": (
        "[tell me|say|write down] where the {e} lives .", "[name|give|find|say] the home of the {e} .",
    ),
    "eats": (
        "[tell me|say|write down] what the {e} eats .", "[name|give|find|say] the food of the {e} .",
    ),
    "colour": (
        "[tell me|say|write down] which colour the {e} has .", "[name|give|find|say] the colour of the {e} .",
    ),
    "material": (
        "[tell me|say|write down] what the {e} is made of .", "[name|give|find|say] the material of the {e} .",
    ),
    "room": (
        "[tell me|say|write down] where the {e} is kept .", "[name|give|find|say] the room of the {e} .",
    ),
    "use": (
        "[tell me|say|write down] what the {e} is used for .", "[name|give|find|say] the use of the {e} .",
    ),
}  # fmt: skip


def _fact(rng: Random) -> Content:
    fact = rng.choice(world(WORLD_SEED))
    held = asked_only_in_evaluation(fact.entity)
    return Content(fact.value, held, values={"e": fact.entity}, wordings=FACT_CORES[fact.attribute])


def _owner(rng: Random) -> Content:
    people, things, text = ps.possessions(rng)
    i = rng.randrange(len(people))
    return Content(people[i], is_heldout("person", people[i]), text, {"x": things[i]})


def _owned(rng: Random) -> Content:
    people, things, text = ps.possessions(rng)
    i = rng.randrange(len(people))
    return Content(things[i], is_heldout("person", people[i]), text, {"x": people[i]})


def _older(rng: Random) -> Content:
    (a, b), (x, y), text = ps.ages(rng)
    older = rng.random() < 0.5
    answer = a if (x > y) == older else b
    values = {"adj": rng.choice(["older", "elder"] if older else ["younger", "less old"])}
    return Content(answer, pair_is_heldout(x, y), text, values)


def _true_of(rng: Random) -> Content:
    people, things, text = ps.possessions(rng)
    i = rng.randrange(len(people))
    told = things[i] if rng.random() < 0.5 else rng.choice(things)
    answer = "yes" if told == things[i] else "no"
    return Content(answer, is_heldout("person", people[i]), text, {"p": people[i], "x": told})


# ---------------------------------------------------------------- GEN


def _sentence(rng: Random) -> Content:
    adjective, animal = rng.choice(w.ADJECTIVES), rng.choice(ANIMALS)
    verb, thing = rng.choice(w.VERBS), rng.choice(THINGS)
    words = [adjective, animal, verb, thing]
    rng.shuffle(words)
    response = f"The {adjective} {animal} {verb} the {thing}."
    return Content(response, is_heldout("pair of words", f"{animal} {thing}"), ", ".join(words))


def _story(rng: Random) -> Content:
    name, job, thing, mood = ps.story_parts(rng)
    values = {"name": name, "job": job, "thing": thing, "mood": mood}
    return Content(ps.story(name, job, thing, mood), is_heldout("person", name), values=values)


def _list(rng: Random) -> Content:
    words = rng.sample(THINGS, rng.choice([4, 5]))
    out = rng.choice(words)
    kept = [x for x in words if x != out]
    numbered = " ".join(f"{i}. {x}" for i, x in enumerate(kept, 1))
    return Content(
        numbered, is_heldout("list", " ".join(sorted(words[:2]))), ", ".join(words), {"out": out}
    )


def _title(rng: Random) -> Content:
    adjective, animal, thing = rng.choice(w.ADJECTIVES), rng.choice(ANIMALS), rng.choice(THINGS)
    response = ps.title(adjective, animal, thing)
    values = {"x": f"{rng.choice(['a', 'the', 'one'])} {adjective} {animal}", "y": thing}
    return Content(response, is_heldout("pair of words", f"{animal} {thing}"), values=values)


def _letter(rng: Random) -> Content:
    a, b = rng.sample(PEOPLE, 2)
    thing, day = w.thing_phrase(rng), rng.choice(w.DAYS)
    values = {"a": a, "b": b, "thing": thing, "day": day}
    return Content(ps.letter(a, b, thing, day), is_heldout("person", b), values=values)


def _repeat(rng: Random) -> Content:
    word, n = rng.choice(THINGS), rng.randint(2, 6)
    word = f"{rng.choice(w.ADJECTIVES)} {word}"
    values = {"x": word, "n": w.NUMBER_WORDS[n]}
    return Content(" ".join([word] * n), is_heldout("repeat", word), values=values)


# ---------------------------------------------------------------- MATH


def _spoken(n: int, rng: Random) -> str:
    return w.NUMBER_WORDS[n] if rng.random() < 0.2 and n <= 20 else str(n)


def _sum(rng: Random) -> Content:
    a, b = rng.randint(0, 15), rng.randint(0, 9)
    values = {"a": _spoken(a, rng), "b": _spoken(b, rng)}
    return Content(str(a + b), pair_is_heldout(a, b), values=values)


def _difference(rng: Random) -> Content:
    b = rng.randint(0, 9)
    a = b + rng.randint(0, 9)
    values = {"a": _spoken(a, rng), "b": _spoken(b, rng)}
    return Content(str(a - b), pair_is_heldout(a, b), values=values)


def _compare(rng: Random) -> Content:
    a, b = rng.sample(range(10, 100), 2)
    larger = rng.random() < 0.5
    values = {
        "a": a,
        "b": b,
        "adj": rng.choice(["larger", "bigger"] if larger else ["smaller", "lower"]),
    }
    return Content(str(max(a, b) if larger else min(a, b)), pair_is_heldout(a, b), values=values)


def _next(rng: Random) -> Content:
    start, step = rng.randint(1, 30), rng.choice([1, 2, 3, 5, 10])
    line = ", ".join(str(start + step * i) for i in range(4))
    return Content(str(start + 4 * step), pair_is_heldout(start, step), line)


def _count(rng: Random) -> Content:
    words = rng.choices(THINGS + ANIMALS, k=rng.randint(2, 8))
    return Content(str(len(words)), is_heldout("count", " ".join(words)), ", ".join(words))


def _problem(rng: Random) -> Content:
    a, b, answer, text = ps.word_problem(rng)
    return Content(str(answer), pair_is_heldout(a, b), text)


# ---------------------------------------------------------------- SUM


def _gist(rng: Random) -> Content:
    text, main, key = ps.news(rng)
    return Content(main, is_heldout("pair of words", key), text)


def _about(rng: Random) -> Content:
    text, person = ps.mostly_about(rng)
    return Content(person, is_heldout("person", person), text)


def _compress(rng: Random) -> Content:
    text, core, key = ps.wordy(rng)
    return Content(core, is_heldout("pair of words", key), text)


def _ending(rng: Random) -> Content:
    text, last, key = ps.tale(rng)
    return Content(last, is_heldout("pair of words", key), text)


def _names(rng: Random) -> Content:
    text, names = ps.guests(rng)
    return Content(", ".join(names), is_heldout("person", names[0]), text)


SUBTYPES: tuple[Subtype, ...] = (
    Subtype("CLS", "sentiment", _sentiment, (
        "[classify|judge|evaluate|identify|label] the [review|opinion|comment] below as positive or negative .",
        "[say|tell me|decide|predict|detect] whether the [review|writer|comment] is positive or negative .",
        "[find|give|name|determine] the [feeling|attitude|sentiment] of [this|the] review , positive or negative .",
    )),
    Subtype("CLS", "topic", _topic, (
        "[say|identify|find|give|name] the main topic : food , sport , weather , music , travel or school .",
        "[classify|sort|label] [the text|these lines|the passage] as food , sport , weather , music , travel or school .",
        "[tell me|decide|predict] if most of it is about food , sport , weather , music , travel or school .",
    )),
    Subtype("CLS", "odd", _odd, (
        "[find|detect|identify|pick|name] the [word|item] that does not [fit|belong] .",
        "[tell me|say] which [word|item] is the odd one [out|here] .",
        "[analyze the words and give|look at the list and write] the one that is of another kind .",
    )),
    Subtype("CLS", "group", _group, (
        "[say|tell me|decide] if {x} is an animal , a colour , a food , clothing , a tool or a job .",
        "[classify|label|sort] the word {x} as animal , colour , food , clothing , tool or job .",
        "[find|give|identify|name] the group of {x} : animal , colour , food , clothing , tool or job .",
    ), 0.7),
    Subtype("CLS", "mood", _mood, (
        "[classify|label|identify] the line as question , statement , command or wish .",
        "[say|tell me|detect] what the [line|sentence] is : question , statement , command or wish .",
        "[decide|determine|judge] whether we [have|see] a question , a statement , a command or a wish .",
    )),
    Subtype("CLS", "style", _style, (
        "[classify|label|judge] the [style|tone] of the [note|message] as formal or casual .",
        "[say|tell me|detect|decide] whether the [note|message] is formal or casual .",
        "[identify|evaluate|find] the tone [here|below] , formal or casual .",
    ), 0.7),
    Subtype("CODE", "one_step", _one_step, (
        "[write|create|develop|make|give|generate] a function {name} of {arg} that {verb} {n} .",
        "[design|compose|output|write] in one line the function {name} , which takes {arg} and {verb} {n} .",
        "[develop|produce|write] {name} , a function with argument {arg} ; it {verb} {n} .",
    )),
    Subtype("CODE", "two_steps", _two_steps, (
        "[write|create|develop|make|give] a function {name} of {arg} that {verb} {n} and then {verb2} {m} .",
        "[design|compose|output|write] {name} , which takes {arg} , first {verb} {n} , next {verb2} {m} .",
        "[develop|generate|write] {name} with argument {arg} ; it {verb} {n} , then {verb2} {m} .",
    )),
    Subtype("CODE", "rename", _rename, (
        "[edit|revise|rewrite|change] the code so that {old} is called {new} .",
        "[rename|change] the argument {old} to {new} [in this code|everywhere] .",
        "[format|repeat|write|give] the code again with {new} in place of {old} .",
    )),
    Subtype("CODE", "repair", _repair, (
        "[correct|repair|fix|mend] the [code|line|function] .", "[find and correct|solve] the mistake in [this|the] code .",
        "[revise|edit] the broken [line|function] so that it runs .",
    )),
    Subtype("CODE", "element", _element, (
        "[predict|give|tell me|write|say] the output of [the|this] [code|program] .",
        "[interpret|follow|analyze] the [code|lines] and [say|write|give] what is printed .",
        "[find|identify|determine] what [the|this] program prints .",
    )),
    Subtype("CODE", "branch", _branch, (
        "[predict|give|tell me|write|say] the [colour|output] that [the|this] [code|program] prints .",
        "[interpret|follow|analyze] the [test|condition] and [say|write|give] what comes out .",
        "[find|identify|determine] which colour is printed .",
    )),
    Subtype("CODE", "concat", _concat, (
        "[predict|give|tell me|write|say] the text that the [code|line] [prints|puts out] .",
        "[interpret|follow|analyze] the string code and [say|write|give] its output .",
        "[find|identify|determine] the [string|text] that is printed .",
    )),
    Subtype("QA", "fact", _fact, weight=2.0),
    Subtype("QA", "owner", _owner, (
        "[tell me|say|find|write|retrieve] who has the {x} .", "[name|identify|give] the [person|one] with the {x} .",
        "[find out|retrieve from the text|analyze the text and say] whose {x} it is .",
    )),
    Subtype("QA", "owned", _owned, (
        "[tell me|say|find|write|retrieve] what {x} has .", "[name|identify|give] the thing that {x} has .",
        "[find out|retrieve from the text|analyze the text and say] which thing belongs to {x} .",
    )),
    Subtype("QA", "older", _older, (
        "[tell me|say|find|write] who is {adj} .", "[name|identify|give|retrieve] the {adj} [person|one|of the two] .",
        "[clarify|find out|analyze the text and say] which of the two is {adj} .",
    )),
    Subtype("QA", "true_of", _true_of, (
        "[tell me|say|find out|clarify] whether {p} has the {x} , yes or no .",
        "[answer with yes or no|say yes or no] : {p} has the {x} .",
        "[evaluate|judge|check] the claim that {p} has the {x} with yes or no .",
    )),
    Subtype("GEN", "sentence", _sentence, (
        "[write|compose|make|create|give|generate] [a|one] sentence [with|from|out of] [these|the four] words .",
        "[use|take|combine] the words [below|given] to [write|make|form] a sentence .",
        "[form|develop|build] a [good|plain|short] sentence that has all of these words .",
    )),
    Subtype("GEN", "story", _story, (
        "[write|compose|make|create|generate] a story about {name} the {job} and a {thing} with a {mood} end .",
        "[tell|give|develop|design] a {mood} story in which {name} , a {job} , finds a {thing} .",
        "[create|invent|write] a tale with a {thing} and {name} , who is a {job} ; the end is {mood} .",
    )),
    Subtype("GEN", "list", _list, (
        "[write|make|create|generate] a numbered list of the [words|things] , but leave out {out} .",
        "[format|give|output] [these|the words] as a list with numbers , without {out} .",
        "[design|compose|produce] a numbered list from all of these except {out} .",
    )),
    Subtype("GEN", "title", _title, (
        "[write|compose|make|create|give|generate] a title for a story about {x} and a {y} .",
        "[design|recommend|develop|invent] a title ; the book tells of {x} that finds a {y} .",
        "[name|find a name for|give a name to] a tale in which {x} meets a {y} .",
    )),
    Subtype("GEN", "letter", _letter, (
        "[write|compose|create|generate] a [letter|note] from {a} to {b} with thanks for the {thing} of {day} .",
        "[develop|draft|make|design] a thank-you note : {a} got a {thing} from {b} on {day} .",
        "[help to write|give me|produce] a letter to {b} in which {a} says thanks for a {thing} [sent|given] on {day} .",
    )),
    Subtype("GEN", "repeat", _repeat, (
        "[repeat|write|say|output] {x} {n} times .", "[give|make|generate] {n} copies of {x} in a row .",
        "[create|compose|produce] a line that has {x} {n} times .",
    )),
    Subtype("MATH", "sum", _sum, (
        "[find|give|write|tell me|estimate exactly] {a} plus {b} .", "[add|sum up|put together] {a} and {b} .",
        "[solve|evaluate|work out|output] {a} + {b} .", "[find|give|say] the sum of {a} and {b} .",
    )),
    Subtype("MATH", "difference", _difference, (
        "[find|give|write|tell me] {a} minus {b} .", "[take|subtract] {b} from {a} .",
        "[solve|evaluate|work out|output] {a} - {b} .", "[find|give|say] what is left of {a} without {b} .",
    )),
    Subtype("MATH", "compare", _compare, (
        "[find|give|say|tell me|identify] the {adj} number of {a} and {b} .",
        "[decide|say|determine|predict] which is {adj} , {a} or {b} .",
        "[compare|look at|evaluate] {a} and {b} and [write|output|give] the {adj} one .",
    )),
    Subtype("MATH", "next", _next, (
        "[find|give|write|predict|say] the next number .", "[continue|follow|extend] the [row|series] by one number .",
        "[analyze the row and tell me|determine|identify] which number comes next .",
    )),
    Subtype("MATH", "count", _count, (
        "[count|number] the words [below|in the list] .", "[find|tell me|say|give] how many words there are .",
        "[determine|output|write] the number of words .",
    )),
    Subtype("MATH", "problem", _problem, (
        "[solve|work out|evaluate] the [problem|riddle] .", "[find|give|tell me|say] how many there are [now|in the end] .",
        "[interpret|analyze|follow] the story and [write|give|output] the number at the end .",
    )),
    Subtype("SUM", "gist", _gist, (
        "[summarize|sum up] the [news|report|text] in one sentence .", "[give|write|retrieve|find] the main news [of the text|here] .",
        "[explain|say|tell me] in short what [happened|the report says] .",
    )),
    Subtype("SUM", "about", _about, (
        "[say|tell me|find|name] who the [text|passage] is mostly about .",
        "[identify|give|detect] the main [person|character] .",
        "[analyze|interpret] the [text|passage] and [name|give] its main person .",
    ), 0.8),
    Subtype("SUM", "compress", _compress, (
        "[shorten|cut|revise|simplify] the sentence to [its core|the bare facts] .",
        "[summarize|rewrite|edit|repeat] the sentence without [the extra|all needless] words .",
        "[say|explain|translate] the sentence in as few words as you can .",
    )),
    Subtype("SUM", "ending", _ending, (
        "[say|tell me|write|explain] how the [story|tale] ends .", "[give|retrieve|find|summarize] the end of the [story|tale] .",
        "[describe|clarify|identify] in one sentence what happens at the end .",
    )),
    Subtype("SUM", "names", _names, (
        "[list|give|retrieve|write] the [names|people] in the [text|report] .", "[find|identify|detect|collect] all the names [there|below] .",
        "[summarize|say|tell me] who came , names only .",
    )),
)  # fmt: skip
CATEGORIES = ("CLS", "CODE", "QA", "GEN", "MATH", "SUM")


# ---------------------------------------------------------------- rows


def content(subtype: Subtype, heldout: bool, rng: Random) -> Content:
    """Draw content of the asked split."""
    while True:
        drawn = subtype.make(rng)
        if drawn.heldout == heldout:
            return drawn


def row(subtype: Subtype, drawn: Content, heldout: bool, rng: Random) -> dict[str, object]:
    """One instruction row (api.md fields) from drawn content and a fresh wording."""
    text = wording(drawn.wordings or subtype.wordings, subtype.name, heldout, rng)
    text = text.format(**drawn.values)
    return {
        "id": "",
        "category": subtype.category,
        "subtype": subtype.name,
        "instruction": padded(text, len(drawn.input.split()), rng),
        "input": drawn.input,
        "response": drawn.response,
        "checker": "exact",
        "source": "generated",
        "split": "",
        "paraphrase_of": None,
    }


def of_category(category: str) -> list[Subtype]:
    """The sub-types of a category, in order."""
    return [subtype for subtype in SUBTYPES if subtype.category == category]


def generate(
    n: int, seed: int, split: str = "train", categories: Iterable[str] | None = None
) -> pd.DataFrame:
    """``n`` rows of the ``train`` or ``heldout`` split, categories in turn, sub-types by weight.

    The stream is a function of ``seed`` alone: the first rows of a longer table are the shorter table.
    """
    if split not in ("train", "heldout"):
        raise ValueError(f"split must be 'train' or 'heldout', not {split!r}")
    wanted = list(categories or CATEGORIES)
    if unknown := set(wanted) - set(CATEGORIES):
        raise ValueError(f"unknown categories {sorted(unknown)}; expected some of {CATEGORIES}")
    rng, heldout = Random(f"{split}/{seed}"), split == "heldout"
    rows = []
    for i in range(n):
        choices = of_category(wanted[i % len(wanted)])
        subtype = rng.choices(choices, [s.weight for s in choices])[0]
        made = row(subtype, content(subtype, heldout, rng), heldout, rng)
        rows.append(made | {"id": f"mw-{split}-{seed}-{i}", "split": split})
    return pd.DataFrame(rows, columns=COLUMNS)
