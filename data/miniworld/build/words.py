"""Word lists and small sentence parts that documents and tasks share."""

from random import Random

from facts import ANIMALS, COLOURS, JOBS, PEOPLE, PLACES, ROOMS, THINGS, listed

VERBS = listed("finds sees takes hides holds wants likes paints drops moves cleans carries")
PAST = listed("found saw took hid held wanted liked painted dropped moved cleaned carried")
BASE = listed("find see take hide hold want like paint drop move clean carry")
ADJECTIVES = listed(
    "old small big new dark clean tall thin soft cold warm quiet happy proud clever lazy"
)
ADVERBS = listed("slowly quickly quietly gladly often never soon again")
DAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

GROUPS: dict[str, list[str]] = {
    "animal": ANIMALS,
    "colour": [*COLOURS, "orange", "violet"],
    "food": listed(
        "bread soup rice cheese cake honey pasta beans plums nuts butter eggs pears jam salad pie"
    ),
    "clothing": listed(
        "coat hat scarf belt shoe glove shirt sock dress skirt jacket boot cap apron"
    ),
    "tool": listed("hammer saw drill axe spade rake wrench file chisel pliers shovel ladder"),
    "job": [*JOBS, "pilot", "clerk", "guard", "barber"],
}
TOPICS: dict[str, list[str]] = {
    "food": [
        "the soup needs more salt",
        "she baked fresh bread",
        "the cake is in the oven",
        "they ate cheese and plums",
        "the cook cut the beans",
        "we boiled the rice for lunch",
    ],
    "sport": [
        "the team won the match",
        "he kicked the ball into the goal",
        "the race starts at noon",
        "she scored two points",
        "the coach praised the players",
        "they ran around the track",
    ],
    "weather": [
        "rain fell all night",
        "the wind blew from the east",
        "snow covered the roof",
        "the sun came out late",
        "dark clouds hid the moon",
        "a storm broke the old tree",
    ],
    "music": [
        "the band played a slow song",
        "she sang in the choir",
        "he beat the drum",
        "the flute was out of tune",
        "the concert lasted two hours",
        "they danced to the fiddle",
    ],
    "travel": [
        "the train left the station",
        "we booked a room by the sea",
        "the bus was late again",
        "she packed her bags for the trip",
        "the ship reached the port",
        "he lost his ticket on the road",
    ],
    "school": [
        "the pupils read a page",
        "the teacher wrote on the board",
        "the class learned to spell",
        "he forgot his homework",
        "the exam was hard",
        "she got a good mark in history",
    ],
}
GOOD = listed("good great lovely fine nice superb pleasant excellent")
BAD = listed("bad awful poor terrible dull nasty dreadful boring")
REVIEWED = listed(
    "film soup room song book hotel show meal play service trip view game lesson bread"
)

NUMBER_WORDS = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)


def clause(rng: Random, good: bool) -> str:
    """One clause of a review, with or without a negation: ``the film was not dull`` (good)."""
    thing = rng.choice(REVIEWED)
    if rng.random() < 0.5:
        return f"the {thing} was {rng.choice(GOOD if good else BAD)}"
    negation = rng.choice(["not", "never", "hardly", "by no means"])
    return f"the {thing} was {negation} {rng.choice(BAD if good else GOOD)}"


def review(rng: Random) -> tuple[str, str]:
    """A review and its verdict. With ``but`` the clause behind it decides, with ``although`` the other."""
    good = rng.random() < 0.5
    verdict = "positive" if good else "negative"
    form = rng.randrange(4)
    if form == 0:
        return clause(rng, good), verdict
    if form == 1:
        return f"{clause(rng, good)} and {clause(rng, good)}", verdict
    if form == 2:
        return f"{clause(rng, not good)} , but {clause(rng, good)}", verdict
    return f"although {clause(rng, not good)} , {clause(rng, good)}", verdict


def plural(word: str) -> str:
    """``boxes``, ``knives``, ``cups``."""
    if word.endswith("fe"):
        return word[:-2] + "ves"
    return word + ("es" if word.endswith(("x", "sh", "ch", "s")) else "s")


def odd_group(rng: Random) -> tuple[list[str], str, str]:
    """Three or four words of one group and one of another, shuffled; the odd word; the group's name."""
    group, other = rng.sample(sorted(GROUPS), 2)
    odd = rng.choice([w for w in GROUPS[other] if w not in GROUPS[group]])
    same = [w for w in GROUPS[group] if w not in GROUPS[other]]
    words = [*rng.sample(same, rng.choice([3, 3, 4])), odd]
    rng.shuffle(words)
    return words, odd, group


def thing_phrase(rng: Random) -> str:
    """``red lamp``."""
    return f"{rng.choice(COLOURS)} {rng.choice(THINGS)}"


def aside(rng: Random) -> str:
    """A sentence that matters to nothing: the distractor of passages and the padding of instructions."""
    return rng.choice(
        [
            f"It was {rng.choice(DAYS)}.",
            f"The {rng.choice(ROOMS)} was {rng.choice(ADJECTIVES)}.",
            f"One {rng.choice(ANIMALS)} sat near the {rng.choice(PLACES)}.",
            f"{rng.choice(PEOPLE)} was not there.",
            f"The {rng.choice(JOBS)} came {rng.choice(ADVERBS)}.",
            f"Nobody looked at the {rng.choice(THINGS)}.",
        ]
    )
