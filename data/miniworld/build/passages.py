"""Little scenes with a known point: code lines, possessions, ages, news, tales, letters, word problems.

Tasks ask about them; documents tell them. Every function draws one scene and returns its text and truth.
"""

from random import Random

import words as w
from facts import COLOURS, JOBS, PEOPLE, PLACES, ROOMS, THINGS, TOWNS, listed

ARGUMENTS = listed("x y z n k t v item price size")
OPERATIONS = (("adds", "+"), ("subtracts", "-"), ("multiplies by", "*"), ("divides by", "/"))
_FUNCTION_A = listed("get make add cut mix set run fix pay fold grow move load scan plan")
_FUNCTION_B = listed("cost rate area sum time step part gain loss mark tax unit")


def function_parts(rng: Random) -> tuple[str, str, tuple[str, str], int]:
    """Name, argument, (verb, operator) and number of a one-line function; 180 names."""
    name = f"{rng.choice(_FUNCTION_A)}_{rng.choice(_FUNCTION_B)}"
    return name, rng.choice(ARGUMENTS), rng.choice(OPERATIONS), rng.randint(2, 9)


def items_line(words: list[str]) -> str:
    """``items = ['cup', 'hat']``."""
    return "items = [" + ", ".join(f"'{word}'" for word in words) + "]"


def sentence_of_kind(rng: Random) -> tuple[str, str]:
    """A sentence without end mark and what it is: question, statement, command or wish."""
    person, thing = rng.choice(PEOPLE), rng.choice(THINGS)
    verb, base = rng.choice(list(zip(w.VERBS, w.BASE, strict=True)))
    room, adverb = rng.choice(ROOMS), rng.choice(w.ADVERBS)
    kind = rng.choice(["question", "statement", "command", "wish"])
    forms = {
        "question": [
            f"does {person} {base} the {thing} in the {room}", f"who {verb} the {thing} {adverb}",
            f"is the {thing} in the {room}", f"when will {person} {base} the {thing}",
        ],
        "statement": [
            f"{person} {verb} the {thing} in the {room}", f"the {thing} is in the {room}",
            f"{adverb} {person} {verb} the {thing}", f"someone who is in the {room} {verb} the {thing}",
        ],
        "command": [
            f"{base} the {thing} in the {room}", f"do not {base} the {thing}",
            f"{person} , {base} the {thing} {adverb}", f"go to the {room} and {base} the {thing}",
        ],
        "wish": [
            f"may {person} {base} the {thing} {adverb}", f"if only the {thing} were in the {room}",
            f"i hope {person} will {base} the {thing}", f"would that {person} could {base} the {thing}",
        ],
    }  # fmt: skip
    return rng.choice(forms[kind]), kind


def styled(rng: Random) -> tuple[str, str]:
    """A message and its style. One cue word decides; the rest is neutral."""
    thing, day, room = rng.choice(THINGS), rng.choice(w.DAYS), rng.choice(ROOMS)
    style = rng.choice(["formal", "casual"])
    start = {"formal": ["dear sir ,", "we regret that", "we hereby confirm that", "please note that"],
             "casual": ["hey ,", "yo ,", "guess what ,", "oh well ,"]}  # fmt: skip
    end = {"formal": ["yours faithfully", "with kind regards", "we remain at your service"],
           "casual": ["see ya", "cheers", "bye for now"]}  # fmt: skip
    middle = f"the {thing} is in the {room} since {day}"
    form = rng.randrange(3)
    if form == 0:
        return f"{rng.choice(start[style])} {middle}", style
    if form == 1:
        return f"{middle} , {rng.choice(end[style])}", style
    return f"{rng.choice(start[style])} {middle} , {rng.choice(end[style])}", style


def possessions(rng: Random, n: int = 0) -> tuple[list[str], list[str], str]:
    """People, their things (``red lamp``) and the text: three or four owners among asides."""
    n = n or rng.choice([3, 4])
    people = rng.sample(PEOPLE, n)
    things = [
        f"{c} {t}" for c, t in zip(rng.choices(COLOURS, k=n), rng.sample(THINGS, n), strict=True)
    ]
    forms = [
        "{p} has the {x}.",
        "The {x} belongs to {p}.",
        "{p} owns the {x}.",
        "{p} came with the {x}.",
    ]
    lines = [rng.choice(forms).format(p=p, x=x) for p, x in zip(people, things, strict=True)]
    lines.insert(rng.randrange(n), w.aside(rng))
    return people, things, " ".join(lines)


def ages(rng: Random) -> tuple[tuple[str, str], tuple[int, int], str]:
    """Two people and their different ages of two digits."""
    (a, b), (x, y) = rng.sample(PEOPLE, 2), rng.sample(range(10, 100), 2)
    text = f"{a} is {x} years old. {w.aside(rng)} {b} is {y} years old."
    return (a, b), (x, y), text


def story_parts(rng: Random) -> tuple[str, str, str, str]:
    """Name, job, thing and mood of a story."""
    return rng.choice(PEOPLE), rng.choice(JOBS), rng.choice(THINGS), rng.choice(["happy", "sad"])


def story(name: str, job: str, thing: str, mood: str) -> str:
    """The story these four parts make."""
    end = (
        f"{name} kept the {thing} and smiled."
        if mood == "happy"
        else f"{name} lost the {thing} and cried."
    )
    return f"Once there was a {job} called {name}. One day {name} found a {thing}. {end}"


def title(adjective: str, animal: str, thing: str) -> str:
    """``The Old Fox and the Lamp``."""
    return f"The {adjective.title()} {animal.title()} and the {thing.title()}"


def letter(a: str, b: str, thing: str, day: str) -> str:
    """A thank-you letter from a to b."""
    return f"Dear {b}, thank you for the {thing} you sent on {day}. Yours, {a}"


def word_problem(rng: Random) -> tuple[int, int, int, str]:
    """Operands (one digit), answer and text of a story with one sum or difference."""
    person, thing = rng.choice(PEOPLE), rng.choice(THINGS)
    a, b = rng.randint(1, 9), rng.randint(1, 9)
    if rng.random() < 0.5:
        more = rng.choice(
            [
                f"{person} gets {b} more.",
                f"Then {person} buys {b} more.",
                f"A friend gives {b} more.",
            ]
        )
        return a, b, a + b, f"{person} has {a} {w.plural(thing)}. {more}"
    a, b = max(a, b), min(a, b)
    less = rng.choice(
        [
            f"{person} loses {b} of them.",
            f"Then {person} sells {b} of them.",
            f"A friend takes {b} away.",
        ]
    )
    return a, b, a - b, f"{person} has {a} {w.plural(thing)}. {less}"


def event(rng: Random) -> tuple[str, str]:
    """A clause and its key: ``the baker found the lamp in Marlow``."""
    job, thing = rng.choice(JOBS), rng.choice(THINGS)
    return f"the {job} {rng.choice(w.PAST)} the {thing} in {rng.choice(TOWNS)}", f"{job} {thing}"


def news(rng: Random) -> tuple[str, str, str]:
    """A report, its main clause as a sentence, and the key. Only the marked sentence is the main one."""
    (main, key), (side, _) = event(rng), event(rng)
    mark = rng.choice(
        ["Above all ,", "The main thing is that", "Most important ,", "The big news is that"]
    )
    weak = rng.choice(["By the way ,", "A small note :", "Some say that", "Less important ,"])
    lines = [f"{mark} {main}.", f"{weak} {side}.", w.aside(rng)]
    rng.shuffle(lines)
    return " ".join(lines), main[0].upper() + main[1:] + ".", key


def mostly_about(rng: Random) -> tuple[str, str]:
    """A text in which one person acts twice and two others once; the person."""
    main, *others = rng.sample(PEOPLE, 3)
    lines = [f"{p} {rng.choice(w.PAST)} the {rng.choice(THINGS)}." for p in (main, main, *others)]
    rng.shuffle(lines)
    return " ".join(lines), main


def wordy(rng: Random) -> tuple[str, str, str]:
    """A sentence full of adjectives and adverbs, its core, and the key."""
    job, thing, place = rng.choice(JOBS), rng.choice(THINGS), rng.choice(PLACES + ROOMS)
    verb = rng.choice(w.PAST)
    a, b, c = rng.sample(w.ADJECTIVES, 3)
    adverb = rng.choice(w.ADVERBS)
    b = rng.choice([b, f"{b} {rng.choice(COLOURS)}", f"very {b}"])
    text = f"The {a} {job} {adverb} {verb} the {b} {thing} in the {c} {place}."
    if rng.random() < 0.5:
        text = f"On {rng.choice(w.DAYS)} the {a} {job} , so we hear , {verb} the {b} {thing} in the {c} {place}."
    return text, f"The {job} {verb} the {thing} in the {place}.", f"{job} {thing}"


def tale(rng: Random) -> tuple[str, str, str]:
    """Three events told out of order; the one marked as the end; and the key."""
    person = rng.choice(PEOPLE)
    deeds = [
        f"{person} {v} the {t}"
        for v, t in zip(rng.sample(w.PAST, 3), rng.sample(THINGS, 3), strict=True)
    ]
    marks = [
        rng.choice(["First", "At the start"]),
        rng.choice(["Then", "Later"]),
        rng.choice(["In the end", "At last"]),
    ]
    lines = [f"{mark} {deed}." for mark, deed in zip(marks, deeds, strict=True)]
    rng.shuffle(lines)
    key = f"{person} {deeds[2].rsplit(' ', 1)[1]}"
    return " ".join(lines), deeds[2] + ".", key


def guests(rng: Random) -> tuple[str, list[str]]:
    """A report of who came, and the names in order; those who stayed away are not named."""
    names = rng.sample(PEOPLE, rng.choice([3, 4]))
    ways = ["came with a {t}", "brought the {t}", "arrived {a}", "was there", "sat by the {t}"]
    lines = [
        f"{n} {rng.choice(ways).format(t=rng.choice(THINGS), a=rng.choice(w.ADVERBS))}."
        for n in names
    ]
    lines.insert(
        rng.randrange(len(names)),
        f"The {rng.choice(JOBS)} {rng.choice(w.PAST)} the {rng.choice(THINGS)}.",
    )
    return " ".join(lines), names
