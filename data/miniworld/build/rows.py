"""Requests of the second edition: rows of the mini-world worded as somebody would ask.

Content, answers and held-out rules are those of :mod:`tasks`; wordings, what
stands around them and punctuation are new. What the ``heldout`` split uses, ``train`` never does.
"""

import re
from collections.abc import Iterator, Mapping
from random import Random

import pandas as pd

import tasks
import words as w
from facts import PEOPLE, is_heldout
from tasks import (
    CATEGORIES,
    Content,
    Subtype,
    content,
    expand,
    of_category,
)

# What asks first, and the mark at the end of such a sentence.
OPENERS = (
    ("", "."), ("", "."), ("", "."), ("", "."), ("please ", "."), ("please ", "."), ("could you ", "?"),
    ("can you ", "?"), ("would you ", "?"), ("could you please ", "?"), ("will you ", "?"),
    ("i want you to ", "."), ("we need you to ", "."), ("your job is to ", "."), ("i would like you to ", "."),
    ("try to ", "."), ("you should now ", "."), ("it is your turn to ", "."), ("be so kind and ", "."),
    ("for my class, ", "."), ("when you have time, ", "."), ("next, ", "."), ("now ", "."), ("help me and ", "."),
)  # fmt: skip
TAILS = (
    "", "", "", "", "Do not explain.", "Keep it short.", "Thank you.", "Nothing else, please.",
    "One line is enough.", "Check it twice.", "There is no hurry.", "Make no mistake.", "It will help us.",
    "We need it today.", "Do not add a comment.", "Say no more than that.",
)  # fmt: skip

# Cores that read badly in the first edition.
CORES: dict[str, tuple[str, ...]] = {
    "sum": (
        "[find|give|write|tell me] {a} plus {b}", "[add|sum up|put together] {a} and {b}",
        "[solve|evaluate|work out] {a} + {b}", "[find|give|say] the sum of {a} and {b}",
    ),
    "count": (
        "count the words [below|in the list]", "[find|tell me|say|give] how many words there are",
        "[determine|output|write] the number of words",
    ),
    "compress": (
        "[shorten|cut|revise|simplify] the sentence to [its core|the bare facts]",
        "[summarize|rewrite|edit|repeat] the sentence without [the extra|all needless] words",
        "[say|explain|give] the sentence in as few words as you can",
    ),
    "gist": (
        "[summarize|sum up] the [news|report|text] in one sentence", "[give|write|retrieve|find] the main news [of the text|here]",
        "[explain|say|tell me] in short what [happened|the report says]",
    ),
    "story": (
        "[write|compose|make|create|generate] a story about {name} the {job} and a {thing} with a {mood} end",
        "[tell|give|write|develop] a {mood} story in which {name}, a {job}, finds a {thing}",
        "[create|invent|write] a tale with a {thing} and {name}, who is a {job}; give it a {mood} end",
    ),
}  # fmt: skip

# Why somebody asks: sentences that fit the task and say nothing about the answer.
_CODE = ("I write a small program for a shop.", "We need it for our work.", "{p} will use it on {d}.",
         "The program is not long.", "My class learns to write code.")  # fmt: skip
_OUTPUT = ("I read a program for school.", "We cannot run it here.", "{p} wrote it on {d}.",
           "It is part of an exam.", "My class learns to read code.")  # fmt: skip
_SUMS = ("I do my homework.", "We count money in the shop.", "{p} wants to know.", "The class is waiting.",
         "It is part of an exam.")  # fmt: skip
_OWNERS = ("We found this in an old letter.", "I want to bring the things back.", "The things lie in the hall.",
           "Someone asked on {d}.", "We clean the house today.")  # fmt: skip
_WORDS = ("We play a game with words.", "My class learns about words.", "{p} made it on {d}.",
          "I make cards for a game.", "It is part of a quiz.")  # fmt: skip
_BOOK = ("We print a small book.", "The children want something new.", "I read to my class on {d}.",
         "It is for a book.", "{p} will read it to us.")  # fmt: skip
CONTEXTS: dict[str, tuple[str, ...]] = {
    "sentiment": ("I collect reviews for a small paper.", "We read what our guests write.", "{p} wrote this after the trip.",
                  "The owner wants to know what people think.", "This review came on {d}."),
    "topic": ("We sort old pages at school.", "Each page goes to its own shelf.", "I found this in the library.",
              "{p} wants to know where it belongs.", "The page has no title."),
    "odd": _WORDS, "group": _WORDS,
    "mood": ("My class learns about sentences.", "We read a play.", "Someone said this on {d}.", "It is part of an exam.",
             "I sort the lines of a book."),
    "style": ("We get many notes each day.", "I found this note on the table.", "The note came on {d}.",
              "We learn to write letters.", "It was sent to all of us."),
    "one_step": _CODE, "two_steps": _CODE, "rename": _CODE,
    "repair": ("The program does not run.", "I made a mistake on {d}.", "{p} wrote this line.", "We need it for our work.",
               "My class learns to write code."),
    "element": _OUTPUT, "branch": _OUTPUT, "concat": _OUTPUT,
    "fact": ("We write a book about this land.", "I make a quiz for {d}.", "Someone asked me about it.",
             "My friends and I play a quiz.", "You have read a lot about it."),
    "owner": _OWNERS, "owned": _OWNERS, "true_of": _OWNERS,
    "older": ("We read about two people.", "I write a page about them.", "There will be a party on {d}.",
              "We found this in an old letter.", "Someone asked me about it."),
    "sentence": ("My class learns to write.", "We play a game with words.", "{p} gave me four words.", "It is for a page.",
                 "I need it on {d}."),
    "story": _BOOK, "title": _BOOK,
    "list": ("I go to the shop on {d}.", "We pack for a trip.", "{p} wrote down what we need.", "My bag is small.",
             "I lost the old list."),
    "letter": ("The mail goes out today.", "We have a nice card.", "I do not write well.", "It must be sent soon.",
               "We always say thanks."),
    "repeat": ("We play a game.", "The choir needs a line for a song.", "I want to hear it again.", "My class learns to spell.",
               "It is a test of the clock."),
    "sum": _SUMS, "difference": _SUMS, "compare": _SUMS, "next": _SUMS, "problem": _SUMS,
    "count": ("My class learns to count.", "We play a game with words.", "{p} made this list on {d}.", "I pack for a trip.",
              "The list must be whole."),
    "gist": ("I have no time to read it all.", "We print the news on {d}.", "Someone asked me about it.", "The paper is full.",
             "My friends want to hear it."),
    "about": ("We sort old pages.", "I write about people.", "The page has no title.", "Someone asked me on {d}.",
              "We read it in class."),
    "compress": ("The line is too long.", "We have little space in the paper.", "{p} writes too much.",
                 "I need it for a sign.", "We print it on {d}."),
    "ending": ("I could not read the whole story.", "The children ask about it.", "We read it on {d}.",
               "The lines got mixed up.", "I forgot the story."),
    "names": ("We plan the next party.", "I send out cards on {d}.", "The list got lost.", "We want to thank them.",
              "It is for the paper."),
}  # fmt: skip

_SPACED = re.compile(r" +([.,;:])(?=\s|$)")
_ROOM_WAS = re.compile(r"(The \w+ was) (soft|proud|clever|lazy|happy|thin|tall)\.")
_CAME = re.compile(r"(The \w+ came) (never|often|gladly|again|soon)\.")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou][a-z]{2})")
_FITTING = {"soft": "warm", "proud": "clean", "clever": "quiet", "lazy": "dark", "happy": "cold", "thin": "small",
            "tall": "big", "never": "late", "often": "early", "gladly": "in time", "again": "alone", "soon": "first"}  # fmt: skip


def tidy(text: str) -> str:
    """Text of the first edition as one would write it: no space before a mark, no soft bedrooms, ``an owl``."""
    text = _SPACED.sub(r"\1", text)
    for idle in (_ROOM_WAS, _CAME):
        text = idle.sub(lambda m: f"{m[1]} {_FITTING[m[2]]}.", text)
    return _ARTICLE.sub(r"\1n ", text)


def cores(subtype: Subtype, drawn: Content) -> tuple[str, ...]:
    """Wordings of what is asked, without an end mark."""
    old = drawn.wordings or subtype.wordings
    return CORES.get(subtype.name) or tuple(tidy(text).removesuffix(".") for text in old)


def wording(subtype: Subtype, drawn: Content, heldout: bool, rng: Random) -> str:
    """A request of the asked split, the slots still open."""
    while True:
        opener, mark = rng.choice(OPENERS)
        core = expand(rng.choice(cores(subtype, drawn)), rng)
        text = f"{opener}{core}{mark} {rng.choice(TAILS)}".strip()
        if is_heldout(f"wording/{subtype.name}", text) == heldout:
            return text[0].upper() + text[1:]


def with_context(request: str, subtype: str, rng: Random) -> str:
    """The request, in most cases with a sentence before or behind it that says why it is made."""
    if rng.random() < 0.4:
        return request
    said = rng.choice(CONTEXTS[subtype]).format(p=rng.choice(PEOPLE), d=rng.choice(w.DAYS))
    return f"{said} {request}" if rng.random() < 0.7 else f"{request} {said}"


def sensible(subtype: Subtype, heldout: bool, rng: Random) -> Content:
    """Content of the asked split; nobody has ``1 drums``."""
    while True:
        drawn = content(subtype, heldout, rng)
        if subtype.name != "problem" or " has 1 " not in drawn.input:
            return drawn


def row(subtype: Subtype, drawn: Content, heldout: bool, rng: Random) -> dict[str, object]:
    """One instruction row from drawn content and a fresh wording."""
    text = wording(subtype, drawn, heldout, rng).format(**drawn.values)
    return {
        "id": "",
        "category": subtype.category,
        "subtype": subtype.name,
        "instruction": tidy(with_context(text, subtype.name, rng)),
        "input": tidy(drawn.input),
        "response": tidy(drawn.response),
        "checker": "exact",
        "source": "generated",
        "split": "",
        "paraphrase_of": None,
    }


def stream(
    seed: int | str, split: str = "train", weights: Mapping[str, float] | None = None
) -> Iterator[dict[str, object]]:
    """Rows without end; categories in turn, or drawn by weight."""
    if split not in ("train", "heldout"):
        raise ValueError(f"split must be 'train' or 'heldout', not {split!r}")
    rng, heldout, n = Random(f"requests/{split}/{seed}"), split == "heldout", 0
    while True:
        category = CATEGORIES[n % len(CATEGORIES)]
        if weights:
            category = rng.choices(list(weights), list(weights.values()))[0]
        choices = of_category(category)
        subtype = rng.choices(choices, [s.weight for s in choices])[0]
        made = row(subtype, sensible(subtype, heldout, rng), heldout, rng)
        yield made | {"id": f"mw-{split}-{seed}-{n}", "split": split}
        n += 1


def generate(n: int, seed: int, split: str = "train") -> pd.DataFrame:
    """``n`` rows, categories in turn; the first rows of a longer table are the shorter table."""
    rows = stream(seed, split)
    return pd.DataFrame([next(rows) for _ in range(n)], columns=tasks.COLUMNS)
