"""The 100 generated classification rows of HexaInst: 20 sub-types, five rows each.

A sub-type is a function with two parts. ``make(rng, truth, size)`` composes the material of one
kind (``truth``) out of clauses, tables and ``[this|that]`` slots, ``size`` saying how long it is.
Five ``Frame``s are five requests that could bring such material: each has its own wording and its
own names for the kinds. The program picks the kind and writes the text, so it knows the answer.
"""

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

NAMES = (
    "Aroha Bastien Chidi Dalia Eero Farida Goran Hanae Ismail Jolanta Kwabena Leilani Mirela Nikhil "
    "Oksana Paolo Quynh Rasmus Sunniva Tariq Ursula Viktor Wambui Ximena Yusuf Zdenka"
).split()
TOWNS = "Aveiro Bergen Cardiff Dunedin Esbjerg Graz Kisumu Lugo Oulu Porto Salta Tartu".split()

Slots = dict[str, str]


class Frame(NamedTuple):
    """One wording of a request: what it asks, its names for the kinds, how long the material is."""

    ask: str
    labels: dict[str, str]
    size: int = 2
    answer: str = "{Label}"


def expand(rng: random.Random, pattern: str) -> str:
    """Replace every [a|b|c] by one of its choices, innermost first."""
    while found := re.search(r"\[([^\[\]]*)\]", pattern):
        pattern = (
            pattern[: found.start()] + rng.choice(found[1].split("|")) + pattern[found.end() :]
        )
    return pattern


def fill(rng: random.Random, pattern: str, **slots: str) -> str:
    """Expand the choices of a pattern, then put the slots in; {name} and {town} are always there."""
    pattern = expand(rng, pattern)
    slots = {"name": rng.choice(NAMES), "town": rng.choice(TOWNS), **slots}
    for key, value in slots.items():
        pattern = pattern.replace("{" + key + "}", value)
    return pattern


def listed(items: list[str], word: str = "") -> str:
    """'a, b, c', or with a word 'a, b or c'."""
    if not word:
        return ", ".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def upper_first(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def with_article(noun: str) -> str:
    """The noun after 'a' or 'an', by its first letter."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def pose(
    rng: random.Random,
    subtype: str,
    frames: list[Frame],
    make: Callable[..., Slots],
    themes: Sequence = (),
) -> list[dict]:
    """One row per frame, the kinds taken as evenly as the frames allow.

    With themes, every row has a different one, which ``make`` gets as its last argument.
    """
    used: list[str] = []
    rows = []
    deck = [(theme,) for theme in rng.sample(themes, len(frames))] if themes else [()] * len(frames)
    for frame, theme in zip(frames, deck, strict=True):
        kinds = list(frame.labels)
        least = min(used.count(kind) for kind in kinds)
        truth = rng.choice([kind for kind in kinds if used.count(kind) == least])
        used.append(truth)
        rows.append(to_row(rng, subtype, frame, truth, make(rng, truth, frame.size, *theme)))
    return rows


def to_row(rng: random.Random, subtype: str, frame: Frame, truth: str, slots: Slots) -> dict:
    """Write a frame out; the material is its input unless the request quotes it."""
    names = list(dict.fromkeys(frame.labels.values()))
    checker = "label:" + "|".join(re.sub("^an? ", "", name) for name in names)
    rng.shuffle(names)
    label = frame.labels[truth]
    slots = {**slots, "or": listed(names, "or"), "and": listed(names, "and"), "list": listed(names)}
    quoted = "{text}" in frame.ask
    return {
        "subtype": subtype,
        "instruction": fill(rng, frame.ask, **slots),
        "input": "" if quoted else slots["text"],
        "response": frame.answer.replace("{label}", label).replace("{Label}", upper_first(label)),
        "checker": checker,
    }


# --- sentiment -----------------------------------------------------------------------------------

REVIEWED = {
    "pottery course": (
        [
            "the teacher had time for every beginner",
            "the studio was warm and bright",
            "my bowls came out of the kiln without a crack",
        ],
        [
            "half the wheels were out of order",
            "the clay ran out on the second evening",
            "nobody explained the glazes",
        ],
    ),
    "campsite": (
        [
            "the pitches were level and shaded",
            "the owner lent us a spare stove",
            "the path to the lake took only five minutes",
        ],
        [
            "the showers stayed cold all week",
            "a generator hummed next to our tent every night",
            "the shop was shut whenever we needed bread",
        ],
    ),
    "noodle bar": (
        [
            "the broth tasted as if it had simmered for two days",
            "every bowl came within minutes",
            "the cook happily left out the chilli for my son",
        ],
        [
            "the noodles were a soggy lump",
            "our table wobbled and stuck to our sleeves",
            "we were given the wrong order twice",
        ],
    ),
    "audiobook": (
        [
            "the narrator gives each of the brothers a voice of his own",
            "the plot never sags",
            "the last chapter made me miss my stop",
        ],
        [
            "the sound drops out in the middle of sentences",
            "the reader races through the dialogue",
            "two whole chapters are missing",
        ],
    ),
    "walking tour": (
        [
            "our guide knew a story for every doorway",
            "the pace suited even my grandmother",
            "the rooftop at the end was worth the climb alone",
        ],
        [
            "we could not hear a word over the traffic",
            "the group was far too large",
            "the guide read everything from a card",
        ],
    ),
}


def make_review(rng: random.Random, truth: str, size: int, kind: str) -> Slots:
    """A review whose clauses are all good, all bad, or half and half."""
    good, bad = (rng.sample(clauses, 3) for clauses in REVIEWED[kind])
    first = bad if truth == "negative" else good
    turn = f", but {bad[0]}" if truth == "mixed" else f", and {first[1]}"
    text = upper_first(first[0]) + (turn if size > 1 else "") + "."
    if size > 2:
        more = {
            "positive": f"[Also|On top of that], {good[2]}.",
            "negative": f"[Also|On top of that], {bad[2]}.",
            "mixed": f"And while {good[1]}, {bad[1]}.",
        }
        text += " " + expand(rng, more[truth])
    return {"kind": kind, "a_kind": with_article(kind), "text": text}


def sentiment(rng: random.Random) -> list[dict]:
    """Reviews that are positive, negative or mixed."""
    frames = [
        Frame(
            'Thumbs up or thumbs down? A guest said about {a_kind}: "{text}"',
            {"positive": "thumbs up", "negative": "thumbs down"},
            1,
        ),
        Frame(
            "Sum up the mood of this comment about {a_kind} with one word from the list {list}.",
            {"positive": "positive", "negative": "negative", "mixed": "mixed"},
        ),
        Frame(
            "Every month {name} counts the feedback on {a_kind} by colour: green means satisfied, red "
            "means dissatisfied, and amber means satisfied with some things but not with others. Which "
            "colour does the comment below get?",
            {"positive": "green", "negative": "red", "mixed": "amber"},
            3,
            "The comment gets {label}.",
        ),
        Frame(
            "As a customer's verdict, is the passage {or}?",
            {"positive": "favourable", "negative": "unfavourable", "mixed": "divided"},
            3,
        ),
        Frame(
            "In a phone survey on {a_kind}, somebody answered as follows. Should the interviewer tick "
            '{or}? "{text}"',
            {"positive": "pleased", "negative": "displeased", "mixed": "torn"},
        ),
    ]
    return pose(rng, "sentiment", frames, make_review, list(REVIEWED))


# --- news topic ----------------------------------------------------------------------------------

NEWS = {
    "sport": (
        "The [handball|volleyball|hockey] team from {town} [won its third match in a row|drew level in "
        "the last minute].",
        "The coach praised the [defence|young players] and [promised an open practice on Sunday|spoke of "
        "hard work in training].",
    ),
    "music": (
        "A [string quartet|brass band|youth choir] from {town} [opens its new season|returns to the "
        "stage] with [songs by local composers|an evening of waltzes].",
        "The [second half|encore] brings a piece for [clarinet and harp|two pianos] that has not been "
        "heard in public before.",
    ),
    "transport": (
        "Trams in {town} will [run every six minutes|use a longer route] while the [harbour|station] "
        "bridge is [repainted|strengthened].",
        "Passengers [change to a replacement bus|board at a temporary stop] [near the market|behind the "
        "town hall], and tickets stay valid on the whole line.",
    ),
    "weather": (
        "A band of [cold|damp] air reaches {town} [tonight|by the evening] and brings [sleet to the "
        "hills|fog to the coast].",
        "From [Thursday|Friday] on, the wind [turns to the south|drops] and temperatures [climb "
        "again|settle around ten degrees].",
    ),
    "science": (
        "Researchers in {town} have [measured how bees react to magnetic fields|grown crystals that "
        "bend light in an unusual way].",
        "The [team repeated the experiment forty times|results held in a second laboratory] and "
        "[publishes its data for others to check|now looks for an explanation].",
    ),
    "farming": (
        "[Apple|Barley|Potato] growers around {town} expect [an early harvest|a smaller crop] after the "
        "[mild winter|dry spring].",
        "Many of them [sow clover between the rows to keep the soil moist|have planted hedges to break the wind].",
    ),
}


def make_news(rng: random.Random, truth: str, size: int) -> Slots:
    """A short news item on a topic."""
    parts = [fill(rng, part) for part in NEWS[truth]]
    return {"text": " ".join(parts[: 1 if size == 1 else 2])}


def news_topic(rng: random.Random) -> list[dict]:
    """News items by section of the paper."""
    frames = [
        Frame(
            'Sport, music or farming? "{text}"',
            {"sport": "sport", "music": "music", "farming": "farming"},
            1,
        ),
        Frame(
            "Find the right column for the news item: {or}.",
            {
                "weather": "weather",
                "science": "science",
                "transport": "transport",
                "music": "music",
            },
        ),
        Frame(
            "An evening bulletin is read in blocks called {and}. The item below came in late, and "
            "{name} at the microphone has to know in which block to read it. Say which.",
            {
                "transport": "Traffic",
                "sport": "Sport",
                "farming": "Agriculture",
                "weather": "Weather",
            },
            2,
            "Read it in the {label} block.",
        ),
        Frame(
            "Of the keywords {list}, just one describes the article that begins with the words "
            '"{text}" Which one?',
            {"science": "research", "music": "concert", "sport": "tournament"},
            1,
        ),
        Frame(
            "Readers of a news app follow channels, and each story is pushed to exactly one of them. The "
            "channels are called {and}. Where should the story below be pushed so that it reaches the "
            "people who care about it most?",
            {"farming": "Field and Farm", "transport": "On the Move", "science": "Lab Notes"},
        ),
    ]
    return pose(rng, "news_topic", frames, make_news)


# --- support intent ------------------------------------------------------------------------------

PRODUCTS = [
    "kettle",
    "desk lamp",
    "backpack",
    "coffee grinder",
    "alarm clock",
    "toaster",
]
MACHINES = ["coffee grinder", "alarm clock", "food processor", "table fan"]
WISHES = {
    "return": "it is [not the colour I expected|bigger than I thought], so I would like to [send it back "
    "and have the money returned|give it back for a refund]",
    "delivery": "it [has not arrived yet|was due last week], and I would like to know [where the parcel "
    "is|when it will come]",
    "invoice": "I need [a copy of the invoice|the bill as a PDF] for [my tax file|our accounts], because "
    "the e-mail only had a receipt",
    "cancel": "I have [changed my mind|found an old one in the attic], so please [stop the order|do not ship it] "
    "if it has not left the warehouse yet",
    "fault": "it [switches itself off after a minute|makes a rattling noise], and I would like to know "
    "[whether I can mend it|how to get it repaired]",
}
CODAS = [
    "My order number is [4|5|7]0[1|3|6]2[2|8|9].",
    "You can reach me by e-mail at any time.",
    "It was a birthday present from my [aunt|neighbour], which makes it a little awkward.",
    "I looked through your help pages first but found nothing that fits my case.",
]


def make_message(rng: random.Random, truth: str, size: int) -> Slots:
    """A customer's message with one wish."""
    product = with_article(rng.choice(MACHINES if truth == "fault" else PRODUCTS))
    link = "and" if truth == "invoice" else "but"
    text = fill(
        rng,
        "[Hello|Good morning|Hi there], I [ordered|bought] {product} from you [two weeks ago|on the third], "
        f"{link} {WISHES[truth]}.",
        product=product,
    )
    if size > 2:
        text += " " + " ".join(expand(rng, coda) for coda in rng.sample(CODAS, 2))
    return {"text": text}


def support_intent(rng: random.Random) -> list[dict]:
    """What a customer's message asks for."""
    frames = [
        Frame(
            'Tag with {or}: "{text}"',
            {"delivery": "delivery", "invoice": "invoice", "cancel": "cancellation"},
            1,
        ),
        Frame(
            "New messages to our shop are answered from prepared texts. Say which text fits here: {or}.",
            {"return": "returns", "fault": "repairs", "delivery": "shipping"},
        ),
        Frame(
            "{name} has just started in customer service and is unsure whom to forward this e-mail to. "
            "The departments are {and}. Give the name of the right one.",
            {
                "invoice": "Accounts",
                "fault": "Workshop",
                "delivery": "Logistics",
                "return": "Returns Desk",
            },
            3,
            "{label}",
        ),
        Frame(
            "Read the message and settle on the writer's main purpose, which is one of {list}.",
            {
                "cancel": "cancel an order",
                "return": "return a product",
                "invoice": "request a document",
            },
            3,
        ),
        Frame(
            "A chatbot must press one of its buttons, labelled {or}, after a customer types: "
            '"{text}" Which button is right?',
            {"fault": "FIX", "cancel": "STOP", "delivery": "TRACK"},
            2,
            "{label}",
        ),
    ]
    return pose(rng, "support_intent", frames, make_message)


# --- spam ----------------------------------------------------------------------------------------

JUNK_OPEN = [
    "You have been selected to receive a [gift card|brand-new tablet|luxury watch] at no cost!",
    "Lose [nine|twelve] kilos in [one week|six days] without changing what you eat!",
    "Earn up to [800|950] a day from home with our secret [system|method]!",
]
JUNK_MORE = [
    "Click the link and enter your [card number|password] to secure your place.",
    "Only [three|seven] places are left, so act before midnight!!!",
    "Forward this to ten friends and double your reward.",
]
MAIL = [
    [
        "The [projector|coffee machine] in the meeting room works again; somebody had pulled out the plug.",
        "Thanks for looking into it on [Monday|Friday].",
        "The [spare cable|manual] is back in the drawer.",
    ],
    [
        "I am bringing [plum cake|lentil soup] on Saturday, so you could take care of the [bread|drinks].",
        "Tell me if the [afternoon|evening] suits you better.",
        "[Wambui|Goran|Hanae] has the key to the garden in case I am late.",
    ],
    [
        "Your library book can be picked up at the desk [until the end of the week|from tomorrow on].",
        "The [atlas|cookbook] you asked about is still on loan.",
        "Please remember that we close at noon on Saturdays.",
    ],
]


def make_mail(rng: random.Random, truth: str, size: int) -> Slots:
    """Junk mail or an everyday message."""
    junk = [rng.choice(JUNK_OPEN), *rng.sample(JUNK_MORE, 2)]
    parts = (junk if truth == "junk" else rng.choice(MAIL))[:size]
    return {"text": " ".join(expand(rng, part) for part in parts)}


def spam(rng: random.Random) -> list[dict]:
    """Junk mail against everyday mail."""
    frames = [
        Frame('Keep or delete as spam? "{text}"', {"mail": "keep", "junk": "delete"}, 1),
        Frame(
            "Could this be unwanted bulk mail? Reply with 'likely' or 'unlikely' and nothing else.",
            {"junk": "likely", "mail": "unlikely"},
        ),
        Frame(
            "{name}'s grandfather has his new e-mail account explained to him and asks about each message "
            "whether it is safe or dodgy. What would you tell him about the one that arrived this morning?",
            {"mail": "safe", "junk": "dodgy"},
            3,
            "I would tell him that it is {label}.",
        ),
        Frame(
            "Mail filters learn from examples that people have marked as ham (wanted) or spam. Mark one "
            "more example for the training set.",
            {"mail": "ham", "junk": "spam"},
            3,
        ),
        Frame(
            "Before a text lands on our neighbourhood board, a moderator presses {or}. Decide for the "
            "moderator.",
            {"junk": "Block", "mail": "Publish"},
        ),
    ]
    return pose(rng, "spam", frames, make_mail)


# --- formality -----------------------------------------------------------------------------------

REGISTERS = {
    "formal": [
        [
            "It is with great pleasure that we announce the appointment of [Dr|Professor] {name} Lindqvist.",
            "Members are cordially invited to attend the reception on the [third|ninth] of May.",
            "Kindly confirm your attendance in writing.",
        ],
        [
            "I should be most grateful if you would confirm receipt of the enclosed [documents|drawings].",
            "Should you require further [information|copies], please do not hesitate to contact my office.",
            "I remain at your disposal for any questions that may arise.",
        ],
    ],
    "neutral": [
        [
            "The [meeting|lesson] starts at ten in room [four|six], and lunch is at half past twelve.",
            "In the afternoon there is a tour of the [workshop|garden].",
        ],
        [
            "We have moved the [bicycle racks|recycling bins] to the back of the building.",
            "The side door is open from seven in the morning.",
        ],
    ],
    "casual": [
        [
            "Ugh, [{name} ditched us again|the match was a mess], but whatever, [movie night's still on|we're cool].",
            "Wanna grab a pizza first? I'm totally starving.",
            "Gonna bring my [dorky|silly] hat, lol.",
        ],
        [
            "Hey guys, no clue where my keys went, so I'm gonna be super late, lol.",
            "Just [start without me|hang on a sec], okay?",
            "And don't you dare eat all the nachos!",
        ],
    ],
}


def make_register(rng: random.Random, truth: str, size: int) -> Slots:
    """One to three sentences in one register."""
    parts = rng.choice(REGISTERS[truth])[:size]
    return {"text": " ".join(fill(rng, part) for part in parts)}


def formality(rng: random.Random) -> list[dict]:
    """Sentences by register."""
    frames = [
        Frame(
            'Would "{text}" count as slangy or stately?',
            {"formal": "stately", "casual": "slangy"},
            1,
        ),
        Frame(
            "Style check, please: is the following {or} English?",
            {"formal": "formal", "casual": "colloquial", "neutral": "plain"},
        ),
        Frame(
            "Actors in a radio play are told to speak a line as a diplomat, as a teenager or as a "
            "timetable announcer. {name} has been given the words below without any direction. Whose "
            "manner matches them best?",
            {
                "formal": "diplomat",
                "casual": "teenager",
                "neutral": "timetable announcer",
            },
            2,
            "The manner of a {label} matches best.",
        ),
        Frame(
            "Two versions of every notice exist in our club, one for the official bulletin and one for "
            "the members' group chat. From the wording alone, where does this one come from, the bulletin "
            "or the chat?",
            {"casual": "chat", "formal": "bulletin"},
            3,
        ),
        Frame(
            "On a scale with the steps {list}, how formal is the language here?",
            {"neutral": "medium", "formal": "high", "casual": "low"},
            1,
        ),
    ]
    return pose(rng, "formality", frames, make_register)


# --- urgency -------------------------------------------------------------------------------------

JOBS = {
    "now": [
        "smoke is coming out of the [fuse box|tumble dryer] in the [cellar|laundry room]",
        "the [goods lift|revolving door] has stopped with [two visitors|a courier] trapped inside",
        "a burst pipe is flooding the [archive|kitchen floor] and we cannot find the stopcock",
    ],
    "soon": [
        "the [printer|label machine] will run out of toner in about three days",
        "one of the two [ovens|washing machines] has failed, and the other copes until the weekend",
        "the [fire extinguishers|stage lamps] have to be checked before the inspection next week",
    ],
    "later": [
        "the [bench|noticeboard] in the yard could do with a coat of paint some time",
        "it would be nice to have [one more hook|a bigger mirror] in the cloakroom one day",
        "the old [flower pots|catalogues] in the attic might be sorted when somebody is bored",
    ],
}
JOB_CODAS = {
    "now": "[Please drop everything else|Nobody may wait with this]!",
    "soon": "[A visit in the next few days would do|It need not be today, but please plan it in].",
    "later": "[There is no hurry at all|Take all the time you need].",
}


def make_job(rng: random.Random, truth: str, size: int) -> Slots:
    """A note to the house service, with a coda when it is longer."""
    text = upper_first(expand(rng, rng.choice(JOBS[truth]))) + "."
    if size > 1:
        text += " " + expand(rng, JOB_CODAS[truth])
    if size > 2:
        text = (
            fill(rng, "[Hello from|This is] {name} [on the ground floor|in the east wing]. ") + text
        )
    return {"text": text}


def urgency(rng: random.Random) -> list[dict]:
    """Notes to a house service by how soon they must be seen to."""
    frames = [
        Frame(
            'Could a night porter leave this until morning, yes or no? "{text}"',
            {"now": "no", "later": "yes", "soon": "yes"},
            1,
        ),
        Frame(
            "Set the priority of this ticket to {or}.",
            {"now": "critical", "soon": "normal", "later": "low"},
        ),
        Frame(
            "The caretakers of a theatre use coloured pins: red when somebody has to run at once, yellow "
            "for jobs of the coming days, white for jobs without a date. Which pin belongs on the note "
            "below?",
            {"now": "red", "soon": "yellow", "later": "white"},
            3,
            "A {label} pin.",
        ),
        Frame(
            "{name} is on call tonight and wants to be woken only if it truly cannot wait until morning. "
            "Someone leaves the voice message printed below. Wake or let sleep?",
            {"now": "wake", "soon": "let sleep", "later": "let sleep"},
            3,
        ),
        Frame(
            'Suppose a hostel warden reads, "{text}" How should it be rated: {or}?',
            {"later": "minor", "now": "urgent", "soon": "moderate"},
            1,
        ),
    ]
    return pose(rng, "urgency", frames, make_job)


# --- language identification ---------------------------------------------------------------------

SPEECH = {
    "Spanish": "[Mi hermana|Nuestro vecino|El viejo panadero] [toma café en la cocina|lee el periódico en "
    "el jardín|espera el autobús]",
    "French": "[Ma sœur|Notre voisin|Le vieux boulanger] [boit du café dans la cuisine|lit le journal dans "
    "le jardin|attend le bus]",
    "Italian": "[Mia sorella|Il nostro vicino|Il vecchio fornaio] [beve il caffè in cucina|legge il "
    "giornale in giardino|aspetta l'autobus]",
    "Dutch": "[Mijn zus|Onze buurman|De oude bakker] [drinkt koffie in de keuken|leest de krant in de "
    "tuin|wacht op de bus]",
    "Swedish": "[Min syster|Vår granne|Den gamla bagaren] [dricker kaffe i köket|läser tidningen i "
    "trädgården|väntar på bussen]",
    "Polish": "[Moja siostra|Nasz sąsiad|Stary piekarz] [pije kawę w kuchni|czyta gazetę w ogrodzie|czeka "
    "na autobus]",
    "Turkish": "[Kız kardeşim|Komşumuz|Yaşlı fırıncı] [mutfakta kahve içiyor|bahçede gazete okuyor|otobüs "
    "bekliyor]",
    "Finnish": "[Siskoni|Naapurimme|Vanha leipuri] [juo kahvia keittiössä|lukee lehteä "
    "puutarhassa|odottaa bussia]",
    "Hungarian": "[A nővérem|A szomszédunk|Az öreg pék] [kávét iszik a konyhában|újságot olvas a "
    "kertben|a buszra vár]",
    "Portuguese": "[A minha irmã|O nosso vizinho|O velho padeiro] [bebe café na cozinha|lê o jornal no "
    "jardim|espera pelo autocarro]",
}


def language_id(rng: random.Random) -> list[dict]:
    """Sentences put together in ten languages, with drawn distractors."""
    asks = [
        ('{or}: in which language is "{text}" written?', 3, 1, "{label}"),
        ("Detect the language. Possible values: {list}.", 4, 2, "{label}"),
        (
            "{name} keeps the notes that guests of a mountain hut leave in the visitors' book, and wants "
            "to thank each writer in the right language. Among {and}, which language was used on this "
            "page?",
            4,
            2,
            "This page is in {label}.",
        ),
        (
            "My language-learning app plays a sentence and I have to press one of three flags, standing "
            'for {and}. It has just played "{text}", and I did not understand a word. Which language '
            "should I choose?",
            3,
            1,
            "Choose {label}.",
        ),
        (
            "Subtitles for a silent documentary arrived without a language code, and the archive needs "
            "one before the film can be stored. Judging by the opening lines reproduced here, what is the "
            "language: {or}?",
            4,
            3,
            "{label}",
        ),
    ]
    rows = []
    for (ask, count, size, answer), truth in zip(asks, rng.sample(list(SPEECH), 5), strict=True):
        others = rng.sample([name for name in SPEECH if name != truth], count - 1)
        frame = Frame(ask, {name: name for name in [truth, *others]}, size, answer)
        rows.append(to_row(rng, "language_id", frame, truth, {"text": speak(rng, truth, size)}))
    return rows


def speak(rng: random.Random, language: str, size: int) -> str:
    """One bare sentence, or two or three with different people doing different things."""
    who, does = (re.findall(r"[^|\[\]]+", part) for part in SPEECH[language].split("] ["))
    pairs = zip(rng.sample(who, size), rng.sample(does, size), strict=True)
    sentences = [" ".join(pair) for pair in pairs]
    return sentences[0] if size == 1 else ". ".join(sentences) + "."


# --- emotion -------------------------------------------------------------------------------------

FEELINGS = {
    "joy": (
        "[My daughter took her first steps|Our team lifted the cup|The letter said I had the place]",
        "I [laughed out loud|danced across the kitchen], and I have been [humming|beaming] ever since",
    ),
    "anger": (
        "[He lied to my face again|They threw my boxes into the rain|Somebody scratched my new bicycle on "
        "purpose]",
        "I [slammed the door|had to clench my fists], and if I [see|meet] the culprit I will not stay "
        "polite",
    ),
    "fear": (
        "[Something moved behind the curtain|The footsteps behind me got faster|The ice cracked under my "
        "boots]",
        "I [could not breathe|froze], and my heart [hammered|pounded] so hard that I [heard nothing "
        "else|felt it in my throat]",
    ),
    "sadness": (
        "[The old dog's basket is still in the hall|Her chair stays empty on Sundays now|They have cut "
        "down the tree he planted]",
        "I [sat there and wept|cannot look at it without tears], and the house feels [hollow|far too "
        "quiet]",
    ),
    "boredom": (
        "[The lecture is in its third hour|The queue has not moved since lunch|It has rained all holiday]",
        "I have [counted the ceiling tiles twice|read the same page again and again], and the clock "
        "[seems to have stopped|hardly moves]",
    ),
}


def make_feeling(rng: random.Random, truth: str, size: int) -> Slots:
    """An event and what it does to the speaker."""
    parts = [expand(rng, part) for part in FEELINGS[truth]]
    return {"text": ". ".join(parts[: 1 if size == 1 else 2]) + "."}


def emotion(rng: random.Random) -> list[dict]:
    """First-person lines by the feeling they show."""
    frames = [
        Frame(
            'Joy, sadness or boredom? "{text}"',
            {"joy": "joy", "sadness": "sadness", "boredom": "boredom"},
            1,
        ),
        Frame(
            "Attach one emotion ({or}) to the diary line.",
            {"anger": "anger", "fear": "fear", "joy": "joy", "sadness": "sadness"},
        ),
        Frame(
            "Our game shows a face next to whatever a character says. The artist has drawn four of them, "
            "named {and}, and {name} must link each line of the script to a face. Which face goes with "
            "the line given here?",
            {"fear": "scared", "anger": "furious", "boredom": "bored", "joy": "delighted"},
            2,
            'The "{label}" face.',
        ),
        Frame(
            "How does the person feel who writes this in a letter to {name}: {or}?",
            {"sadness": "sorrowful", "joy": "cheerful", "anger": "angry"},
        ),
        Frame(
            "A poetry workshop begins with cards. On each there is a short text, and the group has to agree "
            'on the feeling behind it before anyone writes a verse. The card reads: "{text}" If the choice '
            "is between {and}, what should the group agree on?",
            {"boredom": "boredom", "fear": "fear", "anger": "anger"},
        ),
    ]
    return pose(rng, "emotion", frames, make_feeling)


# --- fact or opinion -----------------------------------------------------------------------------

CLAIMS = {
    "chess": (
        ["a chessboard has 64 squares", "each side begins with sixteen pieces"],
        [
            "chess is the dullest way to spend an evening",
            "nobody should teach it to small children",
        ],
    ),
    "the piano": (
        ["a modern piano usually has 88 keys", "its hammers are covered with felt"],
        ["the piano is the noblest of all instruments", "every home looks better with one"],
    ),
    "the Moon": (
        ["the Moon goes round the Earth in about four weeks", "it has no light of its own"],
        ["no sight is finer than a full Moon over the sea", "poets write far too much about it"],
    ),
    "glass": (
        ["ordinary glass is made mainly from sand", "it softens when it is heated strongly"],
        ["glass towers look cold and arrogant", "stone is a much more honest material"],
    ),
    "the Danube": (
        ["the Danube flows into the Black Sea", "it passes through Vienna and Budapest"],
        ["the Danube is at its loveliest in October", "a cruise on it beats any beach holiday"],
    ),
    "honey": (
        ["bees make honey from nectar", "they store it in cells of wax"],
        ["honey tastes nicer than any jam", "breakfast without it is a sad affair"],
    ),
}


def make_claim(rng: random.Random, truth: str, size: int, topic: str) -> Slots:
    """Sentences on one theme that can all be checked, or all cannot."""
    facts, views = CLAIMS[topic]
    text = ". ".join(upper_first(claim) for claim in (facts if truth == "fact" else views)[:size])
    return {"topic": topic, "text": text + "."}


def fact_opinion(rng: random.Random) -> list[dict]:
    """Statements that can be checked against statements of taste."""
    frames = [
        Frame(
            'Checkable or a matter of taste? "{text}"', {"fact": "checkable", "view": "taste"}, 1
        ),
        Frame(
            "Two sentences from a pupil's talk about {topic} are quoted below. Taken together, do they "
            "give {or}?",
            {"fact": "facts", "view": "opinions"},
            2,
            "They give {label}.",
        ),
        Frame(
            "{name} is building a trivia game and wants nothing on the cards that players could argue "
            "about. Each draft of a card gets the stamp USE when its content is simply true, or DROP when "
            "it is somebody's taste. Stamp the draft.",
            {"view": "DROP", "fact": "USE"},
        ),
        Frame(
            'Would a fact-checker be able to test this claim about {topic}, yes or no: "{text}"',
            {"view": "no", "fact": "yes"},
            1,
        ),
        Frame(
            "In a debating club we practise telling evidence from preference. The speaker before me, whose "
            "theme was {topic}, ended with the words below. Label that ending as {or}, so that I know "
            "whether I need a source or a counter-argument.",
            {"fact": "evidence", "view": "preference"},
        ),
    ]
    return pose(rng, "fact_opinion", frames, make_claim, list(CLAIMS))


# --- sarcasm -------------------------------------------------------------------------------------

TURNS = [
    (
        "The umbrella kept me dry through the whole storm",
        "The umbrella snapped in the first breeze",
        "What a masterpiece of engineering!",
    ),
    (
        "The guide knew every bird by its call",
        "The guide led us in a circle for three hours",
        "We could not have asked for a better one.",
    ),
    (
        "The new printer has run for a month without a single jam",
        "The new printer has just chewed up its fourth page today",
        "Best purchase we ever made!",
    ),
    (
        "The cake rose beautifully and was gone within minutes",
        "The cake came out as flat and hard as a roof tile",
        "I must have a gift for baking.",
    ),
    (
        "The neighbours fed our cat while we were away",
        "The neighbours drilled holes until three in the morning",
        "Such considerate people!",
    ),
    (
        "The ferry left on the minute and had seats for everyone",
        "The ferry was cancelled twice and then sailed without us",
        "Now that is what I call service.",
    ),
    (
        "My brother cooked, washed up and even fixed the tap",
        "My brother slept on the sofa while I carried all the boxes",
        "I don't know what I would have done without him.",
    ),
]


def make_remark(rng: random.Random, truth: str, size: int, turn: tuple) -> Slots:
    """Praise after something good (meant) or after something bad (sarcastic)."""
    good, bad, praise = turn
    event = bad if truth == "sarcastic" else good
    first, second = rng.sample(NAMES, 2)
    text = f"{event}. {praise}" if size else ""
    if size > 1:
        text = expand(rng, f"{first}: [How did it go|So, any news]?\n{second}: ") + text
    return {"event": event, "praise": praise, "text": text, "second": second}


def sarcasm(rng: random.Random) -> list[dict]:
    """Praise that fits what happened, and praise that does not."""
    frames = [
        Frame('Irony detector: on or off? "{text}"', {"sarcastic": "on", "sincere": "off"}, 1),
        Frame(
            "Is {second} being sarcastic in the closing comment? Give a plain yes or no.",
            {"sincere": "no", "sarcastic": "yes"},
            2,
        ),
        Frame(
            "For readers who find it hard to hear mockery in print, we add a small mark to quotations: "
            "(s) if the speaker is sarcastic, (g) if the praise is genuine. Write the word, either "
            "sarcastic or genuine, that belongs to the quotation.",
            {"sarcastic": "sarcastic", "sincere": "genuine"},
            1,
        ),
        Frame(
            "A translator has to choose between an admiring and a mocking tone of voice for the last "
            "remark in this scene from a radio comedy. Which of the two is meant?",
            {"sarcastic": "mocking", "sincere": "admiring"},
            2,
            "The {label} tone is meant.",
        ),
        Frame(
            'Picture the situation. "{event}," somebody reports, and adds: "{praise}" Is that addition '
            "straight or tongue-in-cheek?",
            {"sincere": "straight", "sarcastic": "tongue-in-cheek"},
            0,
        ),
    ]
    return pose(rng, "sarcasm", frames, make_remark, TURNS)


# --- part of speech ------------------------------------------------------------------------------

USES = {
    "water": {
        "noun": "Fill the jug with water before the [guests|players] sit down.",
        "verb": "Could you water the [ferns|tomatoes] while we are in {town}?",
    },
    "calm": {
        "noun": "After the [storm|parade] a strange calm settled over {town}.",
        "verb": "It took {name} an hour to calm the [horses|twins] after the fireworks.",
        "adjective": "The [lake|sea] was so calm that the hills stood on their heads in it.",
    },
    "open": {
        "verb": "They open the [kiosk|gate] at six so that the [fishermen|nurses] can get in.",
        "adjective": "A cat slipped through the open [window|cellar door] and settled on the piano.",
    },
    "well": {
        "noun": "The [village|farm] drew its drinking water from a well behind the chapel.",
        "adverb": "{name} plays the [cello|trumpet] so well that people stop in the street.",
    },
    "round": {
        "noun": "Our team went out in the first round of the [quiz|tournament].",
        "adjective": "Someone had carved a [star|ship] into the round table in the corner.",
        "preposition": "We cycled round the [lake|island] and were back before lunch.",
    },
    "fast": {
        "adjective": "{name} took the fast train to {town} and arrived before the letter did.",
        "adverb": "The river rises fast when the snow melts [in the hills|above {town}].",
    },
    "plant": {
        "noun": "The only plant on the [windowsill|balcony] was a dusty cactus.",
        "verb": "Every spring the pupils plant [beans|sunflowers] along the school fence.",
    },
    "down": {
        "noun": "The pillow was filled with goose down from [a farm|the market].",
        "preposition": "The cart rolled down the [lane|hill] and came to rest against a hedge.",
        "adverb": "Please sit down and tell us what happened [in {town}|at the harbour].",
    },
}


def make_use(rng: random.Random, truth: str, size: int) -> Slots:
    """A sentence that uses an ambiguous word in the wanted class."""
    word = rng.choice([word for word, uses in USES.items() if truth in uses])
    text = fill(rng, USES[word][truth])
    if size > 2:
        text = re.sub(rf"\b{word}\b", word.upper(), text, count=1)
    return {"word": word, "text": text}


def part_of_speech(rng: random.Random) -> list[dict]:
    """Words of several classes in a sentence."""
    every = ("noun", "verb", "adjective", "adverb", "preposition")
    frames = [
        Frame('Noun or verb: "{word}" in "{text}"', {"noun": "noun", "verb": "verb"}, 1),
        Frame(
            "To which word class does '{word}' belong in this sentence: {or}?",
            {kind: kind for kind in every},
        ),
        Frame(
            "Parse one word for me, the one written in CAPITALS. The answer should be a single term out "
            "of {list}.",
            {kind: kind for kind in ("adjective", "adverb", "verb")},
            3,
        ),
        Frame(
            "{name}, who is compiling a dictionary, collects example sentences on slips. Each slip goes "
            "into a drawer labelled {or}, depending on how the headword is used. The headword is '{word}'. "
            'On the slip it says: "{text}" Which drawer is it?',
            {"preposition": "preposition", "noun": "noun", "adjective": "adjective"},
            2,
            "It goes into the {label} drawer.",
        ),
        Frame(
            "Some learners stumble over short words that change their job from sentence to sentence, and "
            "'{word}' is one of them. What job does it do here, that of {or}?",
            {"adverb": "an adverb", "noun": "a noun", "preposition": "a preposition"},
        ),
    ]
    return pose(rng, "part_of_speech", frames, make_use)


# --- question type -------------------------------------------------------------------------------

QUESTIONS = {
    "person": "[who|which architect] designed the [lighthouse|town hall|covered market] of {town}",
    "place": "[where|in which town] was the [first steam ferry|oldest bridge] of the region built",
    "time": "[when|in which month] do the [storks|swallows] come back to {town}",
    "number": "how many [steps are there in the old watchtower|benches are there on the pier|windows are there in the town hall] of {town}",
    "reason": "[why|for what reason] do [the leaves of maples turn red|cats knead their blankets]",
    "method": "how do you [fold a napkin into a fan|sharpen a pencil with a knife|get wax off a table]",
}
LEAD_INS = [
    "I have been wondering about this since our walk on Sunday:",
    "My children would not stop asking at dinner, so here it is:",
    "There is a bet between {name} and me, and a cake depends on it:",
]


def make_question(rng: random.Random, truth: str, size: int) -> Slots:
    """A question that wants one kind of answer, perhaps after a lead-in."""
    question = fill(rng, QUESTIONS[truth]) + "?"
    text = upper_first(question)
    if size > 1:
        text = f"{fill(rng, rng.choice(LEAD_INS))} {question}"
    return {"text": text}


def question_type(rng: random.Random) -> list[dict]:
    """Questions by the kind of answer they want."""
    frames = [
        Frame('"{text}" Expected answer: {or}?', {k: k for k in ("person", "time", "reason")}, 1),
        Frame(
            "A search engine first works out what sort of thing the user is after. Out of {list}, what "
            "would count as an answer here?",
            {"place": "place", "number": "number", "method": "instructions", "person": "person"},
        ),
        Frame(
            "Letters to our almanac are answered by five columnists. They are called the Counter "
            "(numbers), the Mapmaker (places), the Biographer (people), the Clockmaker (dates) and the "
            "Tinkerer (how things are done). Who should answer the letter below?",
            {
                "number": "Counter",
                "place": "Mapmaker",
                "person": "Biographer",
                "time": "Clockmaker",
                "method": "Tinkerer",
            },
            2,
            "The {label} should answer it.",
        ),
        Frame(
            "Does the reader ask for {or}?",
            {"reason": "a reason", "time": "a date", "method": "a procedure"},
        ),
        Frame(
            'When {name} typed "{text}" into the help box of a local museum, the system had to pick one '
            "answer format from {and}. Which format is appropriate?",
            {"number": "figure", "reason": "explanation", "place": "map"},
            1,
        ),
    ]
    return pose(rng, "question_type", frames, make_question)


# --- story genre ---------------------------------------------------------------------------------

OPENINGS = {
    "fantasy": (
        "On the night her [wand|spellbook] refused to obey her, the youngest witch of [Thornmere|Hollow "
        "Keep] decided to [ask the dragon for advice|walk to the city of the elves].",
        "The [gatekeeper|river troll] let her pass in exchange for [three true riddles|the memory of a "
        "song].",
    ),
    "crime": (
        "Detective [Marchetti|Halloran] knelt beside the [overturned chair|broken vase] and noticed that "
        "the dead man's [watch|left shoe] was missing.",
        "Every [guest|servant] in the house had an alibi, and every one of them was [a little too "
        "neat|lying].",
    ),
    "science fiction": (
        "The [colony ship|orbital station] had been silent for [forty|ninety] years when its computer "
        "woke [Pilot {name}|the last engineer] from the sleep capsule.",
        "Outside, two [violet|pale green] suns rose over [a planet|an ocean of methane] that was on no "
        "chart.",
    ),
    "western": (
        "The [stagecoach|cattle train] was two days late when a stranger with [a silver spur|a dusty "
        "saddle] rode into [Mercy Gulch|Broken Wheel].",
        "The sheriff [pushed back his hat|put down his cards] and loosened the revolver in its holster.",
    ),
    "horror": (
        "The thing in the [cellar|well] had learned to imitate [my mother's|the baby's] voice, and at "
        "midnight it began to call.",
        "We nailed the [door|shutters] shut, but the scratching simply moved [into the walls|under the "
        "floor].",
    ),
    "romance": (
        "{name} had sworn never to fall for [a musician|a florist] again, and then the new "
        "[neighbour|teacher] smiled across the [bakery queue|rainy square].",
        "By the time the [tea|soup] was cold, they had forgotten everyone else in the room and their "
        "hands had met on the tablecloth.",
    ),
}


def make_opening(rng: random.Random, truth: str, size: int) -> Slots:
    """The first one or two sentences of a story."""
    return {"text": " ".join(fill(rng, part) for part in OPENINGS[truth][:size])}


def story_genre(rng: random.Random) -> list[dict]:
    """Openings of stories by genre."""
    frames = [
        Frame("Genre, please: {or}.", {k: k for k in ("western", "horror", "romance")}, 1),
        Frame(
            "Here are the opening sentences of an unpublished novel. An agent who reads nothing but {and} "
            "would file it under which of them?",
            {k: k for k in ("fantasy", "crime", "science fiction")},
        ),
        Frame(
            "Our library puts a coloured dot on the spine of each novel: blue for science fiction, black "
            "for crime, gold for fantasy, pink for romance. A volunteer has typed the beginning of a book "
            "that lost its cover. What colour is its dot?",
            {"science fiction": "blue", "crime": "black", "fantasy": "gold", "romance": "pink"},
            2,
            "Its dot is {label}.",
        ),
        Frame(
            'Would a story that starts "{text}" be sold as {or}?',
            {"crime": "a detective story", "western": "a western", "romance": "a love story"},
            1,
        ),
        Frame(
            "{name} is choosing music for an audio drama and only has this beginning to go by. The "
            "folders are named {and}; say from which folder the music should come.",
            {"horror": "Horror", "fantasy": "Fantasy", "western": "Western", "crime": "Detective"},
            2,
            "{label}",
        ),
    ]
    return pose(rng, "story_genre", frames, make_opening)


# --- product category ----------------------------------------------------------------------------

CATALOGUE = {
    "kitchen": {
        "frying pan": ("cast iron", ["suits gas and induction", "keeps its heat for a long time"]),
        "rolling pin": ("beech wood", ["turns on ball bearings", "leaves no marks in the dough"]),
    },
    "garden": {
        "watering can": (
            "galvanised steel",
            ["holds nine litres", "has a fine rose for seedlings"],
        ),
        "leaf rake": (
            "bamboo",
            ["gathers leaves without hurting the lawn", "hangs on any shed wall"],
        ),
    },
    "stationery": {
        "fountain pen": ("brushed steel", ["takes standard ink cartridges", "has a medium nib"]),
        "ring binder": ("recycled card", ["holds 350 sheets", "has a label on the spine"]),
    },
    "sport": {
        "yoga mat": ("natural rubber", ["rolls up small", "does not slip on wooden floors"]),
        "skipping rope": ("braided cotton", ["has weighted handles", "can be shortened"]),
    },
    "toys": {
        "spinning top": (
            "painted maple",
            ["hums while it turns", "is safe for children over three"],
        ),
        "hand puppet": ("washable felt", ["has a mouth that opens", "fits small hands"]),
    },
    "pets": {
        "scratching post": ("sisal and pine", ["saves the sofa", "has a platform for naps"]),
        "dog lead": ("waxed leather", ["has a padded loop", "clips on to any collar"]),
    },
    "music": {
        "ukulele": ("mahogany", ["comes with four spare strings", "stays in tune for days"]),
        "tambourine": (
            "birch and goatskin",
            ["has eight pairs of jingles", "weighs next to nothing"],
        ),
    },
}


def make_product(rng: random.Random, truth: str, size: int) -> Slots:
    """A catalogue text: name and material, then what it does."""
    item = rng.choice(list(CATALOGUE[truth]))
    material, features = CATALOGUE[truth][item]
    look = rng.choice(["Sturdy", "Handsome", "Simple", "Well-made"])
    text = f"{look} {item} made of {material}."
    if size > 1:
        text += f" It {features[0]} and {features[1]}."
    if size > 2:
        text += expand(
            rng, " Delivered [in a gift box|in a linen bag], with a [two|three]-year guarantee."
        )
    return {"item": item, "text": text}


def product_category(rng: random.Random) -> list[dict]:
    """Catalogue texts by department."""
    frames = [
        Frame(
            'Department for "{text}" Options: {list}.',
            {k: k for k in ("garden", "sport", "music", "kitchen")},
            1,
        ),
        Frame(
            "Shoppers filter our site by {and}. Under which filter should this article show up?",
            {"stationery": "Writing", "pets": "Pets", "toys": "Play", "sport": "Fitness"},
        ),
        Frame(
            "Stocktaking at a department store: {name} pushes a trolley full of unsorted goods past the "
            "floors. Kitchenware is in the basement, stationery on the ground floor, toys are on the first "
            "floor and musical instruments on the second. Where does the article described below get "
            "unloaded: basement, ground, first or second?",
            {"kitchen": "basement", "stationery": "ground", "toys": "first", "music": "second"},
            2,
        ),
        Frame(
            "Someone has donated {a_item} to the school bazaar. Is that for the stall with {or}?",
            {"toys": "toys", "pets": "pet supplies", "garden": "garden goods"},
            0,
            "It is for the stall with {label}.",
        ),
        Frame(
            "Map the text to a category code. The codes in use are {list}, short for animals, gardening, "
            "household cooking and musical instruments.",
            {"pets": "ANI", "garden": "GAR", "kitchen": "COO", "music": "INS"},
            3,
        ),
    ]

    def make(rng: random.Random, truth: str, size: int) -> Slots:
        slots = make_product(rng, truth, size)
        return {
            **slots,
            "a_item": with_article(slots["item"]),
            "text": slots["text"] if size else "",
        }

    return pose(rng, "product_category", frames, make)


# --- animal class --------------------------------------------------------------------------------

CREATURES = {
    "mammal": {
        "dolphin": "breathes through a hole on top of its head",
        "pangolin": "rolls up into a ball of overlapping scales",
        "platypus": "hunts under water with a bill like a duck's",
    },
    "bird": {
        "puffin": "digs its nest into grassy sea cliffs",
        "ostrich": "cannot fly but outruns a horse",
        "penguin": "uses its wings as paddles",
    },
    "reptile": {
        "gecko": "walks up walls and across ceilings",
        "tortoise": "carries a domed shell on its back",
        "chameleon": "catches flies with a tongue as long as its body",
    },
    "amphibian": {
        "newt": "returns to its pond in spring with a crest on its back",
        "toad": "puffs itself up when a snake comes near",
        "axolotl": "can grow back a lost leg",
    },
    "fish": {
        "seahorse": "swims upright and holds on to seaweed with its tail",
        "eel": "is long and slippery and travels across an ocean to spawn",
        "pufferfish": "swells up like a ball when attacked",
    },
    "insect": {
        "mantis": "folds its front legs as if it were praying",
        "ladybird": "eats greenfly by the hundred",
        "cicada": "sings loudly in the treetops on hot days",
    },
    "arachnid": {
        "scorpion": "carries a sting at the end of its curved tail",
        "tarantula": "lines its burrow with silk",
        "harvestman": "walks on extremely long thin legs",
    },
}
BODY_PLANS = {
    "mammal": ["feeds its young with milk", "is warm-blooded"],
    "bird": ["is covered with feathers", "lays eggs with a hard shell"],
    "reptile": ["has dry, scaly skin", "lays its eggs on land"],
    "amphibian": ["has moist skin without scales", "hatches from jelly-like eggs in water"],
    "fish": ["breathes with gills all its life", "has a backbone and fins"],
    "insect": ["has six legs", "has a body of three parts and a pair of antennae"],
    "arachnid": ["has eight legs", "has neither wings nor antennae"],
}


def make_creature(rng: random.Random, truth: str, size: int) -> Slots:
    """An animal by name, or a riddle about it that leaves the name out."""
    animal = rng.choice(list(CREATURES[truth]))
    clues = [CREATURES[truth][animal], *rng.sample(BODY_PLANS[truth], 2)]
    text = f"It {clues[0]}. It {clues[1]}" + (f", and it {clues[2]}" if size > 2 else "") + "."
    return {
        "animal": animal,
        "an_animal": with_article(animal),
        "clue": clues[0],
        "text": text if size else "",
    }


def animal_class(rng: random.Random) -> list[dict]:
    """Animals by name or by description."""
    frames = [
        Frame(
            "What is {an_animal}: {or}?",
            {"reptile": "a reptile", "amphibian": "an amphibian", "fish": "a fish"},
            0,
        ),
        Frame(
            "Solve the animal riddle only as far as the group ({list}); no species needed.",
            {k: k for k in ("mammal", "bird", "reptile", "insect")},
        ),
        Frame(
            "The nature museum in {town} is moving, and every exhibit needs a room. There are rooms for "
            "{and}. The label of one exhibit has faded so that only the lines below can be read. In "
            "which room does it belong?",
            {
                "amphibian": "amphibians",
                "insect": "insects",
                "fish": "fish",
                "arachnid": "arachnids",
            },
            3,
            "It belongs in the room for {label}.",
        ),
        Frame(
            "Children at a zoo camp sort picture cards. {name} holds the {animal}, which {clue}. Should "
            "the card go to the {or} pile?",
            {k: k for k in ("bird", "mammal", "fish")},
            0,
        ),
        Frame(
            "Vertebrate or invertebrate? Decide from the description.",
            {"arachnid": "invertebrate", "insect": "invertebrate", "bird": "vertebrate"},
            3,
        ),
    ]
    return pose(rng, "animal_class", frames, make_creature)


# --- natural language inference ------------------------------------------------------------------

COUNT_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def infer_count(rng: random.Random, truth: str) -> tuple[str, str]:
    """A sum decides; how the things were made stays open."""
    red, blue = rng.sample(range(2, 6), 2)
    name, thing = rng.choice(NAMES), rng.choice(["kites", "lanterns", "mugs"])
    limit = red + blue + (rng.choice([0, 1]) if truth == "contradicted" else rng.choice([-1, -2]))
    premise = f"{name} owns exactly {COUNT_WORDS[red]} red {thing}, {COUNT_WORDS[blue]} blue {thing} and no others."
    if truth == "open":
        return premise, f"{name} made the {rng.choice(['red', 'blue'])} {thing} by hand."
    return premise, f"{name} owns more than {COUNT_WORDS[limit]} {thing}."


def infer_hours(rng: random.Random, truth: str) -> tuple[str, str]:
    """An hour within the opening times or outside them."""
    place, town = rng.choice(["swimming pool", "museum", "library"]), rng.choice(TOWNS)
    opens, closes = rng.choice([8, 9, 10]), rng.choice([17, 18, 19])
    premise = f"The {place} in {town} is open every day from {opens}:00 to {closes}:00 and at no other time."
    if truth == "open":
        return premise, f"On Sundays, entry to the {place} in {town} is free."
    hour = rng.randrange(opens + 1, closes) if truth == "entailed" else closes + 2
    return premise, f"On a Wednesday at {hour}:00, the {place} in {town} is open."


def infer_order(rng: random.Random, truth: str) -> tuple[str, str]:
    """A chain of comparisons followed, reversed or left."""
    first, second, third = rng.sample(NAMES, 3)
    word = rng.choice(["older", "taller"])
    premise = f"{first} is {word} than {second}, and {second} is {word} than {third}."
    if truth == "open":
        return premise, f"{first} and {third} are cousins."
    pair = (first, third) if truth == "entailed" else (third, first)
    return premise, f"{pair[0]} is {word} than {pair[1]}."


def infer_all(rng: random.Random, truth: str) -> tuple[str, str]:
    """All of a set, one of it, or something beside it."""
    room, other = rng.sample(["hall", "attic", "workshop", "cellar"], 2)
    premise = f"On the evening of the power cut, every lamp in the {room} was out."
    hypotheses = {
        "entailed": f"On that evening, no lamp was on in the {room}.",
        "contradicted": f"On that evening, one of the lamps in the {room} was on.",
        "open": f"On that evening, a lamp in the {other} was still on.",
    }
    return premise, hypotheses[truth]


def infer_purchase(rng: random.Random, truth: str) -> tuple[str, str]:
    """The wider kind of the thing bought, no purchase at all, or a detail left out."""
    things = [
        ("violin", "musical instrument"),
        ("armchair", "piece of furniture"),
        ("tulip", "flower"),
    ]
    (thing, kind), name, town = rng.choice(things), rng.choice(NAMES), rng.choice(TOWNS)
    premise = (
        f"At the spring market in {town}, {name} bought {with_article(thing)} from an old friend."
    )
    hypotheses = {
        "entailed": f"{name} bought {with_article(kind)} at the spring market in {town}.",
        "contradicted": f"{name} bought nothing at the spring market in {town}.",
        "open": f"The {thing} that {name} bought in {town} was the last one on the stall.",
    }
    return premise, hypotheses[truth]


INFERENCES = [infer_count, infer_hours, infer_order, infer_all, infer_purchase]


def make_pair(rng: random.Random, truth: str, size: int, infer: Callable) -> Slots:
    """Premise and hypothesis in one pattern of reasoning."""
    premise, hypothesis = infer(rng, truth)
    text = f"{('Text', 'Premise')[size % 2]}: {premise}\n{('Claim', 'Hypothesis')[size % 2]}: {hypothesis}"
    return {"premise": premise, "hypothesis": hypothesis, "text": text if size else ""}


def nli(rng: random.Random) -> list[dict]:
    """What follows from a text."""
    frames = [
        Frame(
            'True or false, given that "{premise}": "{hypothesis}"',
            {"entailed": "true", "contradicted": "false"},
            0,
        ),
        Frame(
            "Label the relation between the two lines with {or}.",
            {"entailed": "entailment", "contradicted": "contradiction", "open": "neutral"},
            1,
        ),
        Frame(
            "{name} checks whether answers in a reading test are backed by the text. The marks are {and}; "
            "unsupported is for things that the text neither says nor rules out. Which mark does this "
            "claim deserve?",
            {"entailed": "supported", "contradicted": "refuted", "open": "unsupported"},
            2,
            "The claim is {label}.",
        ),
        Frame(
            "Assume that the first sentence holds. Must the second hold as well, can it not hold, or is "
            "that undecided? Use the words must, cannot or undecided.",
            {"open": "undecided", "contradicted": "cannot", "entailed": "must"},
            1,
        ),
        Frame(
            'Someone is told: "{premise}" A friend concludes: "{hypothesis}" Is the '
            "conclusion {or}?",
            {"contradicted": "wrong", "open": "unproven", "entailed": "sound"},
            0,
        ),
    ]
    return pose(rng, "nli", frames, make_pair, INFERENCES)


# --- grammaticality ------------------------------------------------------------------------------

SLIPS: dict[str, list[tuple[str, str]]] = {
    "agreement": [
        ("The keys to the [boathouse|attic] are in the drawer", "is for are"),
        ("One of the [windows|lamps] in the corridor is broken", "are for is"),
        ("The [baker|gardener] from {town} knows all our names", "know for knows"),
    ],
    "article": [
        ("We waited for nearly an hour under the [arches|chestnut trees]", "a for an"),
        ("There was an old [map|violin] in the suitcase from {town}", "a for an"),
        ("{name} wants to become a teacher at a [village|music] school", "an for a"),
    ],
    "verb form": [
        ("The [guests|musicians] did not arrive until midnight", "arrived for arrive"),
        ("{name} has written a long letter to the [mayor|orchestra]", "wrote for written"),
        ("You should wash the [apples|brushes] before you put them away", "washing for wash"),
    ],
}
OTHER_SENTENCES = [
    "It was raining when we left {town}.",
    "Nobody had told us about the concert.",
    "The soup smelled wonderful.",
]


def make_sentence(rng: random.Random, truth: str, size: int) -> Slots:
    """A correct sentence, or the same with one word exchanged for a faulty one."""
    pattern, slip = rng.choice(SLIPS[rng.choice(list(SLIPS)) if truth == "none" else truth])
    wrong, right = slip.split(" for ")
    sentence = fill(rng, pattern)
    if truth != "none":
        sentence = re.sub(rf"\b{right}\b", wrong, sentence, count=1)
    parts = [sentence + ".", *(fill(rng, s) for s in rng.sample(OTHER_SENTENCES, size - 1))]
    rng.shuffle(parts)
    return {"text": " ".join(parts)}


def grammaticality(rng: random.Random) -> list[dict]:
    """Sentences with and without one fault."""
    wrong = {"agreement": "no", "article": "no", "verb form": "no"}
    frames = [
        Frame('Is this correct standard English, yes or no? "{text}"', {"none": "yes", **wrong}, 1),
        Frame(
            "There may be one mistake in the lines below. Say whether it concerns agreement, an article "
            "or a verb form, or write 'none' if there is no mistake.",
            {
                "agreement": "agreement",
                "article": "article",
                "verb form": "verb form",
                "none": "none",
            },
        ),
        Frame(
            "{name} is about to print a hundred copies of a leaflet for the choir and asks for a last "
            "look at the text. Nothing but the grammar matters now. Give a green light if it is sound and "
            "a red light if something has to be put right first. Green or red?",
            {"none": "green", "verb form": "red", "agreement": "red"},
            3,
            "{Label}.",
        ),
        Frame(
            "Grade the learner's sentence as {or}.",
            {"none": "well formed", "agreement": "faulty", "article": "faulty"},
            1,
        ),
        Frame(
            "Which rule does the passage break: the one on {or}?",
            {"article": "articles", "verb form": "verb forms", "agreement": "agreement"},
            3,
            "It breaks the rule on {label}.",
        ),
    ]
    return pose(rng, "grammaticality", frames, make_sentence)


# --- rhetorical device ---------------------------------------------------------------------------

FIGURES = {
    "simile": "[Her laughter|The rumour|The news] spread through the [hall|village] like [spilled "
    "ink|a warm draught|fire through straw].",
    "metaphor": "[The old library|Her memory|That notebook] is [a harbour for lost thoughts|an attic full of "
    "unopened trunks|a garden with many locked gates].",
    "personification": "[The rusty gate|The kettle|The old lift] [grumbled|sighed] at every visitor and [sulked|"
    "felt sorry for itself] for the rest of the day.",
    "hyperbole": "I have told [you|him] a [million|billion] times that [this suitcase|my schoolbag] weighs more "
    "than [the whole town|a dozen elephants].",
    "oxymoron": "After the [speeches|quarrel] there was a [deafening silence|cold warmth in the room], and "
    "[everybody|each guest] wore the same [cheerful gloom|bitter smile].",
    "anaphora": "We came with [empty hands|wet shoes], we came with [open hearts|old songs], we came with [a "
    "single lamp|nothing but hope], and we stayed.",
    "alliteration": "[Busy bakers brought big baskets of brown bread|Seven silver swans swam silently to the "
    "southern shore|Many merry milkmaids marched to the misty mill].",
}


def make_figure(rng: random.Random, truth: str, size: int) -> Slots:
    """A sentence that rests on one figure of speech."""
    return {"text": expand(rng, FIGURES[truth])}


def rhetorical_device(rng: random.Random) -> list[dict]:
    """Sentences by their figure of speech."""
    frames = [
        Frame(
            'Figure of speech ({or}): "{text}"',
            {k: k for k in ("simile", "metaphor", "hyperbole")},
        ),
        Frame(
            "Match the sentence with its stylistic device, which is one of {list}.",
            {k: k for k in ("personification", "oxymoron", "anaphora", "simile")},
        ),
        Frame(
            "In a poetry class for adults in {town}, everyone brings a line and the others have to name "
            "the device that makes it work. Only {and} have been covered so far. {name} reads out the "
            "line below. What should the others say?",
            {k: k for k in ("alliteration", "metaphor", "personification", "hyperbole")},
            2,
            'They should say "{label}".',
        ),
        Frame(
            "Speechwriters love their tricks. Which of these tricks, {list}, has been used here: "
            '"{text}"',
            {"anaphora": "anaphora", "alliteration": "alliteration", "oxymoron": "oxymoron"},
        ),
        Frame(
            "Whoever wrote this line for a greeting card was proud of it. My editor calls it a textbook "
            "case of one of these three: {list}. Of which?",
            {"oxymoron": "oxymoron", "simile": "simile", "metaphor": "metaphor"},
        ),
    ]
    return pose(rng, "rhetorical_device", frames, make_figure)


# --- code language -------------------------------------------------------------------------------

SNIPPETS = {
    "Python": [
        "print([@ for @ in range(~) if @ % 2 == 0])",
        "def double(@):\n    return @ * ~\n\nprint(double(7))",
    ],
    "JavaScript": [
        "const @ = [1, 2, ~].map((x) => x * x);",
        "let @ = ~;\nwhile (@ > 0) {\n  console.log(@--);\n}",
    ],
    "Java": [
        "System.out.println(Math.max(@, ~));",
        "public class Main {\n    public static void main(String[] args) {\n        int @ = ~;\n        "
        "System.out.println(@);\n    }\n}",
    ],
    "C": [
        'printf("%d\\n", @ + ~);',
        '#include <stdio.h>\n\nint main(void) {\n    int @ = ~;\n    printf("%d\\n", @);\n    return 0;\n}',
    ],
    "Rust": [
        "let mut @: u32 = ~; @ += 1;",
        'fn main() {\n    let @ = ~;\n    println!("{}", @);\n}',
    ],
    "SQL": [
        "SELECT @ FROM readings WHERE @ > ~;",
        "UPDATE readings\nSET @ = @ + ~\nWHERE station = 'north';",
    ],
    "CSS": [
        ".@ { margin: 0 ~px; }",
        ".@ {\n  color: teal;\n  padding: 0 ~px;\n}",
    ],
    "HTML": [
        '<p class="@">Total: ~</p>',
        '<ul class="@">\n  <li>Item ~</li>\n  <li>The rest</li>\n</ul>',
    ],
}


def make_snippet(rng: random.Random, truth: str, size: int) -> Slots:
    """A short snippet: one line (size 1) or several."""
    name, number = rng.choice(["total", "level", "score", "depth"]), str(rng.randrange(5, 40))
    return {"text": SNIPPETS[truth][size > 1].replace("@", name).replace("~", number)}


def code_language(rng: random.Random) -> list[dict]:
    """Snippets by programming or markup language."""
    frames = [
        Frame(
            "Language of `{text}`: {or}?",
            {k: k for k in ("Java", "Rust", "SQL", "CSS")},
            1,
            "{label}",
        ),
        Frame(
            "Set the syntax highlighting for this block to one of {list}.",
            {k: k for k in ("Python", "C", "JavaScript", "SQL")},
            2,
            "{label}",
        ),
        Frame(
            "The {town} Prize for tidy programs receives entries on paper, and the jury has one reader "
            "for each of the languages {and}. Before it can be judged, an entry has to reach the reader "
            "who knows its language. Which language is used in the entry printed here?",
            {k: k for k in ("Rust", "Python", "Java")},
            2,
            "The entry is written in {label}.",
        ),
        Frame(
            "Part of a web page, a style sheet, a script or a database query? Describe the fragment as "
            "markup, style, script or query.",
            {"HTML": "markup", "CSS": "style", "JavaScript": "script", "SQL": "query"},
            2,
        ),
        Frame(
            "My notes from a programming course contain the line `{text}` without any hint of where it "
            "came from. We did three languages that term, namely {and}. From which lesson are the notes?",
            {k: k for k in ("C", "JavaScript", "Python")},
            1,
            "They are from the {label} lesson.",
        ),
    ]
    return pose(rng, "code_language", frames, make_snippet)


# --- verb form -----------------------------------------------------------------------------------

VERBS = [
    ("write", "writes", "wrote", "written", "writing", "a letter to the editor"),
    ("mend", "mends", "mended", "mended", "mending", "the torn fishing net"),
    ("draw", "draws", "drew", "drawn", "drawing", "a plan of the courtyard"),
    ("bake", "bakes", "baked", "baked", "baking", "a tray of almond biscuits"),
    ("choose", "chooses", "chose", "chosen", "choosing", "the music for the parade"),
    ("clean", "cleans", "cleaned", "cleaned", "cleaning", "the brass lamp"),
]
SETTINGS = ["at home", "on the terrace", "with great care", "together with {other}"]


def make_verb(rng: random.Random, truth: str, size: int, verb: tuple) -> Slots:
    """A sentence with its verb in the wanted tense or voice."""
    base, third, past, participle, ing, thing = verb
    name, other = rng.sample(NAMES, 2)
    forms = {
        "simple present": f"{name} {third} {thing}",
        "present continuous": f"{name} is {ing} {thing}",
        "present perfect": f"{name} has {participle} {thing}",
        "simple past": f"{name} {past} {thing}",
        "past continuous": f"{name} was {ing} {thing}",
        "past perfect": f"{name} had {participle} {thing}",
        "future": f"{name} will {base} {thing}",
        "passive": f"{upper_first(thing)} was {participle} by {name}",
    }
    place = rng.choice(SETTINGS[: 3 if truth == "passive" else 4]).replace("{other}", other)
    return {"text": f"{forms[truth]} {place}."}


def verb_form(rng: random.Random) -> list[dict]:
    """Sentences by tense or voice, conjugated from a table."""
    frames = [
        Frame('Active or passive? "{text}"', {"simple past": "active", "passive": "passive"}, 1),
        Frame(
            "Write down the tense used in this sentence, one of {list}.",
            {k: k for k in ("simple past", "past continuous", "past perfect", "present perfect")},
        ),
        Frame(
            "{name} is learning English with coloured strips: a blue strip for what is over, a green strip "
            "for what is going on at this moment and a yellow strip for what is still to come. Looking at "
            "the verb alone, which strip goes under the sentence?",
            {"simple past": "blue", "present continuous": "green", "future": "yellow"},
            2,
            "The {label} strip goes under it.",
        ),
        Frame(
            'Look at the verb in this sentence: "{text}" Would you call its tense {or}?',
            {k: k for k in ("simple present", "present perfect", "future")},
        ),
        Frame(
            "Our style guide for picture captions allows the simple present only. An intern has handed in "
            "the caption below. Accept it or reject it? Answer with one of the two verbs.",
            {
                "simple present": "accept",
                "present continuous": "reject",
                "past continuous": "reject",
            },
        ),
    ]
    return pose(rng, "verb_form", frames, make_verb, VERBS)


# -------------------------------------------------------------------------------------------------

SUBTYPES = (
    sentiment,
    news_topic,
    support_intent,
    spam,
    formality,
    urgency,
    language_id,
    emotion,
    fact_opinion,
    sarcasm,
    part_of_speech,
    question_type,
    story_genre,
    product_category,
    animal_class,
    nli,
    grammaticality,
    rhetorical_device,
    code_language,
    verb_form,
)


def rows(rng: random.Random) -> list[dict]:
    """The 100 generated rows, five of each sub-type."""
    return [row for subtype in SUBTYPES for row in subtype(rng)]
