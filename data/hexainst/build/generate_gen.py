"""Generated rows of the category GEN: writing requests whose answers are composed from hand-made parts.

Every sub-type has a table of parts that fit together (scenes, gifts, products, timetables, ...) and
a few differently worded requests. Each request is used once, with parts drawn at random; word limits,
clock times, quantities and line counts are computed from what was composed.
"""

import random
from collections.abc import Callable
from datetime import date

NAMES = [
    ("Amara", "she", "her"),
    ("Jiro", "he", "his"),
    ("Halina", "she", "her"),
    ("Tariq", "he", "his"),
    ("Solveig", "she", "her"),
    ("Mateus", "he", "his"),
    ("Nomvula", "she", "her"),
    ("Ilja", "he", "his"),
    ("Parisa", "she", "her"),
    ("Cormac", "he", "his"),
]
SIGNERS = [
    "Aylin",
    "Benedikt",
    "Chidi",
    "Dalia",
    "Emre",
    "Fiona",
    "Goran",
    "Hana",
    "Ikenna",
    "Jana",
]
FAMILIES = ["Petrov", "Achebe", "Larsen", "Moreau", "Tanaka", "Silva", "Nowak", "Haddad"]
COUNT = "zero one two three four five six seven eight nine ten eleven twelve".split()


def row(
    subtype: str, instruction: str, response: str, given: str = "", checker: str = "none"
) -> dict:
    """One finished row."""
    return {
        "subtype": subtype,
        "instruction": instruction,
        "input": given,
        "response": response,
        "checker": checker,
    }


def cap(text: str) -> str:
    """The text with a capital first letter."""
    return text[0].upper() + text[1:]


def an(noun: str) -> str:
    """The noun with its indefinite article."""
    return ("an " if noun[0].lower() in "aeiou" else "a ") + noun


def listed(items: list[str]) -> str:
    """'a, b and c'."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def limit(text: str) -> int:
    """A word limit the text keeps with some room: the next multiple of five, at least four above."""
    return (len(text.split()) + 8) // 5 * 5


def within(text: str) -> str:
    """The checker that goes with :func:`limit`."""
    return f"words:1-{limit(text)}"


def has(*parts: str) -> str:
    """The checker that asks for these parts."""
    return "contains:" + "|".join(parts)


def drawn(rng: random.Random, table: list, frames: int) -> list:
    """As many different entries of a table as there are frames, in random order."""
    return rng.sample(table, frames)


def day_of(rng: random.Random, month: int, weekday: int) -> tuple[str, str]:
    """A date of 2025 that falls on the weekday, as ('Saturday', '14 June')."""
    days = [date(2025, month, d) for d in range(1, 29)]
    day = rng.choice([d for d in days if d.weekday() == weekday])
    return f"{day:%A}", f"{day.day} {day:%B}"


def clock(minutes: int) -> str:
    """Minutes after midnight as 9:05."""
    return f"{minutes // 60}:{minutes % 60:02d}"


# --- story openings -----------------------------------------------------------------------------

STORIES = [
    (
        "night porter",
        "in a seaside hotel out of season",
        [
            "At two every morning {n} walked the corridors and tried each handle, although only three of the rooms were taken.",
            "{n} liked January best, when the hotel had forty rooms, three guests and nobody at the piano.",
        ],
        [
            (
                "sound",
                "a piano playing in the locked ballroom",
                "Tonight, behind the locked doors of the ballroom, somebody was playing a waltz.",
            ),
            (
                "object",
                "a wet swimming costume on a door handle",
                "Tonight a swimming costume hung on the handle of room 31, dripping, though the pool had been empty since October.",
            ),
        ],
    ),
    (
        "lock keeper",
        "on a quiet canal",
        [
            "{n} had kept the lock for nine years and knew every boat by its engine.",
            "Nothing came through the lock after dark, and in nine years {n} had never known an exception.",
        ],
        [
            (
                "sound",
                "a knocking inside the lock gate",
                "Then, a little before midnight, something knocked three times on the inside of the gate.",
            ),
            (
                "object",
                "an open birdcage on the lock gate",
                "Then, one morning, a birdcage stood on the lock gate, its door open and its seed fresh.",
            ),
        ],
    ),
    (
        "librarian",
        "in a mountain village",
        [
            "The library had four shelves, and {n} could recite them.",
            "Every Friday {n} counted the books, since there were few enough to count.",
        ],
        [
            (
                "sound",
                "pages turning after closing time",
                "Then, one evening after closing, pages began to turn on the other side of the stove.",
            ),
            (
                "object",
                "a book that nobody had ordered",
                "Then, one Friday, there was one too many: a thin green book with no title and no stamp.",
            ),
        ],
    ),
    (
        "tram driver",
        "on the last run of the night",
        [
            "The number 6 ran empty after midnight, and {n} drove it to the terminus all the same, calling out every stop.",
            "{n} had driven the last tram for so long that the foxes knew the bell.",
        ],
        [
            (
                "sound",
                "the stop bell ringing in an empty tram",
                "Tonight, halfway up the hill, with every seat empty, the stop bell rang.",
            ),
            (
                "object",
                "a child's boot on the back seat",
                "Tonight there was a child's boot on the back seat, neatly laced and still warm.",
            ),
        ],
    ),
    (
        "map-maker",
        "on an uninhabited island",
        [
            "In eleven days {n} had walked the whole coast of the island and drawn every yard of it.",
            "The island was four miles round, and {n} had been sent to map it because nobody else could bear the quiet.",
        ],
        [
            (
                "sound",
                "a school bell ringing inland",
                "On the twelfth morning, from somewhere inland, came the ringing of a school bell.",
            ),
            (
                "object",
                "a teacup on a rock",
                "On the twelfth morning a teacup stood on the flat rock by the tent, with sugar in it.",
            ),
        ],
    ),
]
STORY_ENDS = {
    "object": [
        "{n} did not touch it. First {he} wanted to know who was watching.",
        "A label was tied to it, and on the label, in a hand {n} knew well, stood {his} own name.",
        "Nobody had asked {n} a question for weeks, and now here was one.",
    ],
    "sound": [
        "{n} said hello, feeling foolish. It stopped.",
        "{n} counted to ten, as one does, and on ten it began again.",
        "{n} knew every noise this place could make, and that was not one of them.",
    ],
}


def story_opening(rng: random.Random) -> list[dict]:
    """First paragraphs: a routine, a disturbance, an open ending."""
    frames = [
        ("Begin a {genre} about {a_job} {place} in no more than {limit} words.", ""),
        (
            "I always get stuck on page one. My main character is {n}, {a_job} {place}, and what sets the plot going is {odd}. Could you write an opening paragraph of at most {limit} words, third person, past tense?",
            "",
        ),
        (
            "How might this novel begin? One paragraph, {limit} words at the very most, that stops just before anything is explained.",
            "Genre: {genre}. Main character: {n}, {job}. Setting: {place}. First odd event: {odd}.",
        ),
        (
            "A reading group collects first paragraphs that hook us without any violence. Contribute one built on the outline underneath: call the character by name, hold the strange event back for the second half, leave the ending open and stay within {limit} words.",
            "{n}, {a_job} {place}. The routine comes first, then {odd}. Mood: quiet, slightly uneasy. No dialogue.",
        ),
    ]
    rows = []
    people = drawn(rng, NAMES, len(frames))
    ends = {kind: rng.sample(bank, len(bank)) for kind, bank in STORY_ENDS.items()}
    for (job, place, habits, odds), (n, he, his), (frame, given) in zip(
        drawn(rng, STORIES, len(frames)), people, frames, strict=True
    ):
        kind, odd, event = rng.choice([o for o in odds if ends[o[0]]])
        parts = [rng.choice(habits), event, ends[kind].pop()]
        text = " ".join(parts).format(n=n, he=he, his=his)
        slots = {
            "n": n,
            "job": job,
            "a_job": an(job),
            "place": place,
            "odd": odd,
            "limit": limit(text),
        }
        slots["genre"] = "ghost story" if kind == "sound" else "mystery"
        rows.append(
            row("story_opening", frame.format(**slots), text, given.format(**slots), within(text))
        )
    return rows


# --- poems --------------------------------------------------------------------------------------

POEMS = [
    (
        "rain",
        [
            "The rain came early, rang the bell,\nAnd had a hundred things to tell;",
            "All night the gutters talked of rain\nAnd told the street, and told again;",
        ],
        [
            "It drummed on bins, it tapped on tin,\nIt asked the cat to let it in;",
            "The pavement shone, the buses hissed,\nThe hills went missing in the mist;",
        ],
        [
            "And when it stopped, the air was clean\nAnd every hedge a different green.",
            "At noon it packed its drums and went\nAnd would not tell us what it meant.",
        ],
    ),
    (
        "baking bread",
        [
            "The baker wakes before the birds\nAnd kneads the dark and wastes no words;",
            "At four o'clock the ovens glow\nAnd somebody must turn the dough;",
        ],
        [
            "The loaves go in, the minutes pass,\nThe heat leans up against the glass;",
            "The flour drifts on shelf and chair,\nOn radio and brow and hair;",
        ],
        [
            "Then someone late for work walks by\nAnd stops, and doesn't quite know why.",
            "At seven sharp the door swings wide\nAnd half the street is warm inside.",
        ],
    ),
    (
        "an old bicycle",
        [
            "My bicycle is red and slow,\nIt clicks wherever we may go;",
            "I have a bike with half a bell,\nA basket and an oily smell;",
        ],
        [
            "It grumbles when the road goes up\nAnd rattles like a spoon and cup;",
            "It knows the bridge, the shop, the school,\nThe shady short cut by the pool;",
        ],
        [
            "But down the hill, with feet held wide,\nThere is no king with such a ride.",
            "So let the faster bikes go by:\nThey miss the hedge, the lark, the sky.",
        ],
    ),
    (
        "a bossy cat",
        [
            "The cat has taken my best chair\nAnd shed a second cat's worth there;",
            "Our cat inspects the house at eight\nAnd notes that breakfast will be late;",
        ],
        [
            "She owns the sunlight on the floor,\nBoth sides of every kitchen door;",
            "She sat upon the thing I wrote\nAnd left a comment on my coat;",
        ],
        [
            "I pay the rent, I fetch, I bow;\nShe looks at me and says: not now.",
            "And yet, when all the lamps are out,\nIt's my cold feet she cares about.",
        ],
    ),
    (
        "market day",
        [
            "The stalls go up before the light\nAnd clatter off the last of night;",
            "On Saturday the square wakes loud\nWith crates and melons and a crowd;",
        ],
        [
            "There's cheese that smells of boots and hay,\nThere's fish that swam till yesterday;",
            "The plum man sings, the egg man shouts,\nThe cabbage lady has her doubts;",
        ],
        [
            "I came for one small loaf of bread\nAnd carried home a chair instead.",
            "By two the square is swept and bare;\nA single grape says: we were there.",
        ],
    ),
    (
        "the first snow",
        [
            "It snowed while everybody slept,\nAnd not a single footstep crept;",
            "The morning came without a sound,\nFor someone had wrapped up the ground;",
        ],
        [
            "The hedge has cotton in its hair,\nThe garden gnome is hardly there;",
            "The bins wear hats, the cars are sheep,\nThe road has drifted off to sleep;",
        ],
        [
            "Then out we went, all shout and boot,\nAnd wrote our names on it, on foot.",
            "By lunch there's nothing left to see\nExcept one carrot by the tree.",
        ],
    ),
]


def poem(rng: random.Random) -> list[dict]:
    """Rhyming couplets: opening, middle, close."""
    frames = [
        ("Six rhyming lines about {topic} for a wall calendar, please.", "omc", ""),
        (
            "Somebody began this poem about {topic} and gave up. Finish it with exactly four lines in the same metre, rhymed in pairs, without repeating the beginning.",
            "mc",
            "{opening}",
        ),
        (
            "Our parish newsletter has a gap beside the crossword. Would you fill it with something light on {topic}: six lines, rhymed in pairs, nothing that needs a footnote?",
            "omc",
            "",
        ),
        (
            "Next week I'm to read aloud to thirty children and their grandparents in a draughty gymnasium, so the poem has to be short enough to survive the echo. The subject is {topic}. Four lines in rhyming couplets would do, with ordinary words, one small surprise at the end and nothing anybody would have to explain to a five-year-old.",
            "oc",
            "",
        ),
    ]
    rows = []
    for (topic, *banks), (frame, plan, given) in zip(
        drawn(rng, POEMS, len(frames)), frames, strict=True
    ):
        couplets = dict(zip("omc", map(rng.choice, banks), strict=True))
        text = "\n".join(couplets[p] for p in plan)
        slots = {"topic": topic, "opening": couplets["o"]}
        rows.append(
            row(
                "poem", frame.format(**slots), text, given.format(**slots), f"lines:{2 * len(plan)}"
            )
        )
    return rows


# --- haiku --------------------------------------------------------------------------------------

HAIKU = [
    (
        "the first frost",
        ["First frost on the lawn:", "White breath at the door:"],
        ["the dog reads the news with care;", "each blade has put on its fur;"],
        ["inside, the kettle", "the gate will not move"],
        "Up before seven. First frost, white breath at the door. The dog took her time reading the lawn, every blade furred. Gate frozen shut. Kettle on.",
    ),
    (
        "a night train",
        ["Night train, dark windows:", "Somewhere past midnight"],
        ["a whole town goes by, asleep,", "one lit kitchen passes us,"],
        ["and we don't get off", "and then fields again"],
        "On the night train, past midnight. Dark windows. A sleeping town went by, then one kitchen with the light on, then fields. It was nobody's stop.",
    ),
    (
        "a washing line",
        ["Sheets on the long line:", "Wind in the washing:"],
        ["my father's shirt waves at me", "the trousers run on the spot"],
        ["all afternoon long", "going nowhere fast"],
        "Big wash today, windy. The sheets were out on the long line with Dad's shirt, which waved, and the trousers ran and ran without getting anywhere.",
    ),
    (
        "a sleeping old dog",
        ["Under the table", "Grey round the muzzle,"],
        ["the old dog chases a hare", "he runs all the hills again"],
        ["with just his back paws", "without waking up"],
        "The old dog is asleep under the table, grey round the muzzle. His back paws are running. Hares, I suppose, on some hill he used to know.",
    ),
    (
        "low tide in the harbour",
        ["Low tide, boats leaning:", "Mud and gulls, low tide:"],
        ["the harbour shows us its floor", "the moon has borrowed the sea"],
        ["and one lost sandal", "till a quarter past"],
        "Low tide at the harbour. Boats lean in the mud, gulls everywhere. You can see right to the floor, and somebody's sandal. Water back at quarter past.",
    ),
    (
        "an exam hall in June",
        ["Three hundred pencils;", "The big clock, the heat;"],
        ["somewhere a wasp is reading;", "somebody's chair gives a creak;"],
        ["ten minutes to go", "nobody looks up"],
        "Invigilated this morning. Heat, the big clock, three hundred pencils. A wasp wandered over the papers and a chair creaked. With ten minutes left nobody looked up.",
    ),
]


def haiku(rng: random.Random) -> list[dict]:
    """Five, seven and five syllables from banks counted by hand."""
    frames = [
        ("May I have a haiku about {topic}?", ""),
        (
            "The back of a postcard shows {topic} and has room for three lines. Fill it with five, seven and five syllables.",
            "",
        ),
        (
            "A page from my notebook follows. Distil it into a haiku that keeps at least one of its images, seventeen syllables on three lines.",
            "{note}",
        ),
        (
            "Every week our office plant-watering rota carries a haiku that nobody asked for, and this week's subject is {topic}. Three lines in the usual syllable count, present tense, no names and no moral, please.",
            "",
        ),
    ]
    rows = []
    for (topic, first, second, third, note), (frame, given) in zip(
        drawn(rng, HAIKU, len(frames)), frames, strict=True
    ):
        text = "\n".join(rng.choice(bank) for bank in (first, second, third))
        rows.append(
            row("haiku", frame.format(topic=topic), text, given.format(note=note), "lines:3")
        )
    return rows


# --- acrostics ----------------------------------------------------------------------------------

ACROSTIC_WORDS = [
    (
        "SNOW",
        "a winter morning",
        [
            ["Silence first, before you open the curtains.", "Something has rubbed out the road."],
            ["No bus, no bins, no rush.", "Not one footprint on the steps."],
            ["Over the hedge a shovel starts to scrape.", "Our gate has grown a hat."],
            ["Wool on, boots on, out.", "We shall be late for everything, and glad."],
        ],
    ),
    (
        "OVEN",
        "waiting for a cake",
        [
            ["On at six, with the shelf in the right place.", "Open it only when you must."],
            ["Vanilla is the first to reach the stairs.", "Very soon the whole house knows."],
            [
                "Everyone finds a reason to be in the kitchen.",
                "Eleven minutes more, says the timer.",
            ],
            ["Now: gloves, a rack, and nobody breathe.", "Not yet, not yet, and then: yes."],
        ],
    ),
    (
        "TRAIN",
        "a trip to the sea",
        [
            ["Ten past eight, and the doors sigh shut.", "Tickets in one hand, tea in the other."],
            ["Rows of back gardens hurry past.", "Rails hum before there is anything to see."],
            ["A stranger's crossword, nearly done.", "All the sheep look up at once."],
            ["In the tunnel we each meet our own face.", "Inland slips away behind the last hill."],
            ["Next stop: sea.", "Nobody minds being late on the way to the sea."],
        ],
    ),
    (
        "GARDEN",
        "growing things badly",
        [
            ["Gloves with a hole in the thumb.", "Gate that has to be lifted."],
            ["Apples on the grass, half of them the wasps'.", "A robin, supervising."],
            ["Rake left out, as ever.", "Radishes, the only crop that obeys."],
            ["Dirt under every nail.", "Dahlias showing off by the fence."],
            ["Each year the same war with the snails.", "Evening, and the hose still ticking."],
            ["Nettles where the path should be.", "Nothing to do but sit."],
        ],
    ),
]
FRIEND_LINES = {
    "A": ["Always knows where the spare key is", "Asks the question everyone else is saving"],
    "D": ["Dances at weddings, with or without music"],
    "E": ["Eats the burnt one and says it's the best", "Explains things twice without a sigh"],
    "I": ["Insists on walking you to the bus"],
    "K": ["Keeps secrets, and cuttings of everyone's plants"],
    "L": ["Laughs before reaching the end of the joke"],
    "M": ["Makes soup for anyone with a cold", "Mends what other people throw away"],
    "N": ["Notices when somebody has gone quiet", "Never lets a phone interrupt a story"],
    "O": ["Owns eleven umbrellas and can find none"],
    "R": ["Remembers birthdays without a calendar", "Rings instead of writing"],
    "S": ["Sings in the car, all the parts", "Saves you the seat by the window"],
    "T": ["Turns up early to carry chairs", "Tells the truth, but over cake"],
}
FRIENDS = ["Nadia", "Samir", "Lotte", "Oskar", "Elena", "Tomas", "Marta"]


def friend_lines(rng: random.Random, name: str) -> str:
    """A different phrase for each letter of a name."""
    left = {letter: rng.sample(bank, len(bank)) for letter, bank in FRIEND_LINES.items()}
    return "\n".join(left[letter].pop() for letter in name.upper())


def acrostic(rng: random.Random) -> list[dict]:
    """Words from letter banks by theme, names from a bank of friendly habits."""
    frames = [
        ("{word} as an acrostic, one phrase a letter?", ""),
        (
            "Pupils of mine are painting a word down the left-hand edge of the classroom door and want one phrase per letter. What could they write next to it? Keep strictly to the theme.",
            "Word: {word}. Theme: {theme}.",
        ),
    ]
    rows = []
    for (word, theme, banks), (frame, given) in zip(
        drawn(rng, ACROSTIC_WORDS, len(frames)), frames, strict=True
    ):
        text = "\n".join(map(rng.choice, banks))
        slots = {"word": word, "theme": theme}
        rows.append(
            row(
                "acrostic", frame.format(**slots), text, given.format(**slots), f"lines:{len(word)}"
            )
        )
    frames = [
        "Our friend {name} turns {age} soon and dislikes anything solemn. Spell out the name as an acrostic of small, affectionate observations, {n} lines in all, with no adjectives like 'amazing' or 'lovely'.",
        "To go round the edge of a farewell cake we need {n} short lines that begin, one after the other, with the letters of {name}. Each should describe a habit, so that whoever reads it aloud gets a nod from the whole table.",
    ]
    for name, frame in zip(drawn(rng, FRIENDS, len(frames)), frames, strict=True):
        slots = {
            "name": name,
            "age": rng.choice(["thirty", "forty", "fifty"]),
            "n": COUNT[len(name)],
        }
        rows.append(
            row(
                "acrostic",
                frame.format(**slots),
                friend_lines(rng, name),
                checker=f"lines:{len(name)}",
            )
        )
    return rows


# --- dialogue -----------------------------------------------------------------------------------

REPAIRS = [
    (
        "toaster",
        "It throws the bread across the kitchen.",
        "How far?",
        "On Sunday it reached the fruit bowl.",
        "Then the spring is fine. I'll see what I can do about the aim.",
    ),
    (
        "alarm clock",
        "It only rings when I'm already awake.",
        "And when you're asleep?",
        "Not a sound. My daughter has tested it.",
        "I could repair it, but I admire it too much.",
    ),
    (
        "umbrella",
        "It opens by itself indoors and stays shut in the rain.",
        "Which would you like it to do?",
        "The other way round, ideally.",
        "That's one screw. Mind your hat.",
    ),
    (
        "typewriter",
        "The letter E sticks.",
        "Do you need it often?",
        "My name is Eleanor Everett-Lee.",
        "Tomorrow, then. I'll work through the night.",
    ),
    (
        "radio",
        "It gets a single station, and that's in Finnish.",
        "Do you speak Finnish?",
        "I've started to.",
        "In that case I'd better not touch it.",
    ),
    (
        "kettle",
        "It whistles long before the water boils.",
        "What does it whistle?",
        "Something from an opera, I think.",
        "Then it's only rehearsing. Nothing to repair.",
    ),
]
GREETINGS = ["Put it on the bench. What's the trouble?", "Good morning. What has it done?"]
PLACES = ["bakery", "post office", "swimming pool", "library", "town museum"]
LANDMARKS = [
    "opposite the fountain",
    "next to the cinema",
    "behind the church",
    "between the bank and the chemist's",
]


def repair_talk(rng: random.Random, repair: tuple) -> str:
    """Five lines at a repairer's bench."""
    _, fault, question, answer, verdict = repair
    turns = [rng.choice(GREETINGS), fault, question, answer, verdict]
    return "\n".join(f"{('Repairer', 'Owner')[k % 2]}: {turn}" for k, turn in enumerate(turns))


def way_talk(rng: random.Random, place: str) -> tuple[str, dict]:
    """Six lines of asking the way, and the facts used."""
    facts = {
        "place": place,
        "nth": rng.choice(["first", "second", "third"]),
        "side": rng.choice(["left", "right"]),
        "minutes": COUNT[rng.randint(4, 9)],
        "mark": rng.choice(LANDMARKS),
        "shut": COUNT[rng.randint(5, 8)],
    }
    turns = [
        "Excuse me, how do I get to the {place}?",
        "Go straight on and take the {nth} street on the {side}.",
        "The {nth} on the {side}. Is it far?",
        "No, about {minutes} minutes on foot. You'll see it {mark}.",
        "Do you know how long it's open?",
        "Until {shut}, so there's no need to run.",
    ]
    return "\n".join(
        f"{'AB'[k % 2]}: {turn.format(**facts)}" for k, turn in enumerate(turns)
    ), facts


def dialogue(rng: random.Random) -> list[dict]:
    """Sketches at the repairer's bench and model conversations for learners."""
    frames = [
        ("Let a repairer and the owner of {item} talk for five lines.", ""),
        (
            "We open the annual meeting of our repair café with a sketch of one minute. This year's broken object is {item}. Could you script it: five turns, one per line, the repairer first and last, deadpan, with the joke kept for the end?",
            "",
        ),
    ]
    rows = []
    for repair, (frame, given) in zip(drawn(rng, REPAIRS, len(frames)), frames, strict=True):
        rows.append(
            row(
                "dialogue",
                frame.format(item=an(repair[0])),
                repair_talk(rng, repair),
                given,
                "lines:5",
            )
        )
    frames = [
        (
            "Learners in their first term need a model conversation between A and B for asking the way. Six short lines, polite, with every detail from the card.",
            "Destination: {place}. Route: {nth} street on the {side}. On foot: {minutes} minutes. Look for it {mark}. Closes at {shut}.",
        ),
        (
            "Two strangers, A and B, in the street: A is looking for the {place}, {minutes} minutes' walk away in the {nth} street on the {side}, and would like to know when it shuts (at {shut}). Give me their six lines.",
            "",
        ),
    ]
    for place, (frame, given) in zip(drawn(rng, PLACES, len(frames)), frames, strict=True):
        text, facts = way_talk(rng, place)
        rows.append(row("dialogue", frame.format(**facts), text, given.format(**facts), "lines:6"))
    return rows


# --- e-mails ------------------------------------------------------------------------------------

MOVES = [
    ("the planning meeting", "the projector is being repaired", "The agenda stays as it is"),
    ("choir rehearsal", "the hall floor is being waxed", "Please bring the same music as always"),
    (
        "the chess club final",
        "the referee's flight has been cancelled",
        "The pairings do not change",
    ),
    (
        "the first-aid course",
        "the trainer is needed elsewhere",
        "Everyone already on the list keeps a place",
    ),
    (
        "the budget workshop",
        "two departments are still sending figures",
        "The reading list stays as it is",
    ),
]
REQUESTS = [
    (
        "the village hall",
        "hire the hall for a swing dance evening",
        "about sixty people",
        [
            "Is the floor suitable for dancing shoes?",
            "Until what time may we play music?",
            "What would you charge for one evening?",
        ],
    ),
    (
        "the observatory",
        "bring our walking club to one of your open nights",
        "twelve adults, none of them astronomers",
        [
            "Do we have to book?",
            "What happens if it is cloudy?",
            "Is there anywhere to park a minibus?",
        ],
    ),
    (
        "the orchard museum",
        "bring apples from our old trees to be identified",
        "five trees, possibly five varieties",
        [
            "In which weeks do you identify fruit?",
            "How many apples of each kind do you need?",
            "Should the leaves stay on?",
        ],
    ),
    (
        "the model railway club",
        "donate my late uncle's layout",
        "four metres of track in eleven boxes",
        [
            "Would you have room for it?",
            "Could somebody look at it before you decide?",
            "Are you able to collect it?",
        ],
    ),
]


def move_slots(rng: random.Random, move: tuple) -> dict:
    """The facts of a postponed event."""
    event, reason, same = move
    old, new = rng.sample(["Monday", "Tuesday", "Wednesday", "Thursday"], 2)
    return {
        "event": event,
        "reason": reason,
        "same": same,
        "old": old,
        "new": new,
        "hour": rng.choice(["10:00", "14:30", "17:00", "18:30"]),
        "sender": rng.choice(SIGNERS),
    }


def email(rng: random.Random) -> list[dict]:
    """Rescheduling messages and enquiries with exactly three questions."""
    body = "Dear all,\n\n{Event} is moving: because {reason}, we will meet on {new} instead of {old}, at {hour}. {same}. If you can't make the new date, let me know by reply.\n\nBest wishes,\n{sender}"
    frames = [
        (
            "Tell everyone by email that {event} moves from {old} to {new} at {hour} because {reason}. Sign it {sender}.",
            "",
        ),
        (
            "These are the notes I took during a phone call. Could they become a brief, courteous message to all participants? Give the reason, name both days, ask people to speak up if the change doesn't suit them, and add no new information.",
            "{event}: {old} is off, {reason}. New: {new}, {hour}. {same}. From: {sender}.",
        ),
    ]
    rows = []
    for move, (frame, given) in zip(drawn(rng, MOVES, len(frames)), frames, strict=True):
        slots = move_slots(rng, move)
        slots["Event"] = cap(slots["event"])
        rows.append(
            row(
                "email",
                frame.format(**slots),
                body.format(**slots),
                given.format(**slots),
                has(slots["old"], slots["new"], slots["hour"]),
            )
        )
    body = "Subject: {Subject}\n\nDear Sir or Madam,\n\nI would like to {wish} ({detail}). Before I do anything further, may I ask three things?\n\n{questions}\n\nThank you for your help.\n\nKind regards,\n{sender}"
    frames = [
        (
            "I'd like to {wish} and need an email to {whom} with a subject line and three numbered questions. It concerns {detail}; sign as {sender}.",
            "",
        ),
        (
            "Put this request into an email of at most {limit} words: subject line first, then the purpose in one sentence, then the questions as a numbered list.",
            "To: {whom}. I want to {wish}. Details: {detail}. Questions: {asked} From: {sender}.",
        ),
    ]
    for (whom, wish, detail, questions), (frame, given) in zip(
        drawn(rng, REQUESTS, len(frames)), frames, strict=True
    ):
        slots = {"whom": whom, "wish": wish, "detail": detail, "sender": rng.choice(SIGNERS)}
        slots["Subject"] = f"Three questions for {whom}"
        slots["questions"] = "\n".join(f"{k}. {q}" for k, q in enumerate(questions, 1))
        slots["asked"] = " ".join(questions)
        text = body.format(**slots)
        slots["limit"] = limit(text)
        checker = within(text) if "{limit}" in frame else has("Subject", slots["sender"])
        rows.append(row("email", frame.format(**slots), text, given.format(**slots), checker))
    return rows


# --- invitations --------------------------------------------------------------------------------

PARTIES = [
    (
        "a pancake breakfast",
        "The batter will be ready before you are",
        "a topping to share",
        "the allotment hut",
        6,
        5,
        "9 am",
    ),
    (
        "a silent film evening",
        "There will be a sheet for a screen and a cousin at the piano",
        "something to sit on",
        "number 14, in the back garden",
        5,
        8,
        "9 pm",
    ),
    (
        "a seed swap",
        "Come with too many tomatoes and leave with a row of somebody's beans",
        "labelled seeds in envelopes",
        "the village library",
        5,
        4,
        "11 am",
    ),
    (
        "a lantern walk",
        "We will go once round the pond, slowly, and finish with hot chocolate",
        "a lantern, home-made or borrowed",
        "the north gate of Mill Park",
        4,
        11,
        "6 pm",
    ),
    (
        "a book-burial supper",
        "Each guest gets two minutes to bury a novel nobody should have to finish",
        "the book in question",
        "Farah's flat above the dairy",
        4,
        2,
        "7 pm",
    ),
    (
        "a kite afternoon",
        "If there is wind we fly them, and if there isn't we run",
        "a kite, or at least a long piece of string",
        "the top of Barrow Hill",
        6,
        10,
        "2 pm",
    ),
]


def invitation(rng: random.Random) -> list[dict]:
    """Invitations from a party table and a calendar."""
    frames = [
        ("Invite friends to {party}: {when} at {hour}, {place}.", "", "Dear friends,"),
        (
            "What would be a cheerful text for the card? It needs every fact in the list, fits on a postcard ({limit} words at most) and shouldn't contain more than one exclamation mark.",
            "Occasion: {party}. When: {when}, {hour}. Where: {place}. Guests bring: {bring}.",
            "Hello!",
        ),
        (
            "For our street's message board I have to invite people who hardly know one another to {party} on {when} at {hour}. The place is {place}; everyone should bring {bring}. Please sound welcoming rather than clever.",
            "",
            "Dear neighbours,",
        ),
        (
            "My aunt, who distrusts telephones, is writing to her old classmates by hand, and she wants the wording in advance. She is holding {party}. Put the date, the time and the place near the beginning, then what to bring, and close with a line saying that no one need reply unless they are coming.",
            "{when}, {hour}, {place}; to bring: {bring}",
            "Dear old friends,",
        ),
    ]
    closes = [
        "You would be very welcome.",
        "No need to dress up.",
        "Come early if you like helping, late if you don't.",
    ]
    rng.shuffle(closes)
    last = "There is no need to reply unless you are coming."
    rows = []
    for (party, charm, bring, place, weekday, month, hour), (frame, given, hail) in zip(
        drawn(rng, PARTIES, len(frames)), frames, strict=True
    ):
        when = " ".join(day_of(rng, month, weekday))
        alone = "My aunt" in frame
        close, host = (last, "I am") if alone else (closes.pop(), "we are")
        text = f"{hail}\n\nOn {when} at {hour} {host} holding {party} at {place}. {charm}. Please bring {bring}. {close}"
        slots = {
            "party": party,
            "when": when,
            "hour": hour,
            "place": place,
            "bring": bring,
            "limit": limit(text),
        }
        if "bring" not in frame + given:
            text = text.replace(f" Please bring {bring}.", "")
        rows.append(
            row(
                "invitation",
                frame.format(**slots),
                text,
                given.format(**slots),
                has(when, hour, place),
            )
        )
    return rows


# --- apologies ----------------------------------------------------------------------------------

WRONGS = [
    (
        "forgot to water your plants while you were away",
        "forgetting to water {whose} plants",
        "The fern forgave me; the basil did not",
        "I have put a new pot of basil on your windowsill",
        "next time there will be an alarm on my phone",
    ),
    (
        "left your bicycle out in the rain all weekend",
        "leaving {whose} bicycle out in the rain",
        "The chain is brown and it is entirely my doing",
        "I have cleaned and oiled it",
        "in future it will sleep indoors, even if I have to sleep in the shed",
    ),
    (
        "ate the last of the cheese you were saving",
        "eating the last of {whose} cheese",
        "I saw the label and I read it as a suggestion",
        "a larger piece of the same kind is now in the fridge",
        "from today I stop at anything with a name on it",
    ),
    (
        "missed your concert",
        "missing {whose} concert",
        "I wrote the right time under the wrong date",
        "I have a ticket for the next one",
        "it is in my calendar twice, and on the kitchen door",
    ),
    (
        "called you by the wrong name in front of everybody",
        "getting {whose} name wrong in public",
        "You were kind enough to let it pass, and it should not have been necessary",
        "I have told the others your correct name",
        "you will not hear the wrong one from me again",
    ),
]


def apology(rng: random.Random) -> list[dict]:
    """Apologies in the order fault, blame, repair, promise."""
    frames = [
        ("Apologise to {n} for {gerund}, in {limit} words or fewer.", ""),
        (
            "I need to say sorry to {n} properly. Here's what happened and what I've already done about it; could you write the note, without excuses, in the order fault, blame, repair, promise?",
            "I {wrong_other}. {Repair}. Promise: {promise}.",
        ),
        (
            "Three or four sentences to {n}, please, because yesterday I {wrong_other}. They should own up to it, mention that {repair}, and promise to do better. Nothing like 'I'm sorry if you felt...', and no more than {limit} words.",
            "",
        ),
        (
            "For a workshop on difficult messages I collect examples of good short apologies, and a case about {gerund} is still missing. The reader should see at once who is to blame, what has been put right and what will be different from now on. Address it to {n}.",
            "Put right: {repair}. Different from now on: {promise}. At most {limit} words.",
        ),
    ]
    rows = []
    people = drawn(rng, NAMES, len(frames))
    for (wrong, gerund, blame, repair, promise), (n, _, her), (frame, given) in zip(
        drawn(rng, WRONGS, len(frames)), people, frames, strict=True
    ):
        text = f"Dear {n},\n\nI {wrong}, and I am sorry. {blame}. {cap(repair)}, and {promise}."
        other = wrong.replace("your", her).replace(
            "you were", "she was" if her == "her" else "he was"
        )
        other = other.replace("called you", "called " + ("her" if her == "her" else "him"))
        slots = {
            "n": n,
            "gerund": gerund.format(whose="a friend's" if "a case about" in frame else her),
            "wrong_other": other,
            "repair": repair.replace("your", her),
            "Repair": cap(repair).replace("your", her),
            "promise": promise.replace(
                "you will not hear the wrong one from me again", "no more wrong names"
            ),
            "limit": limit(text),
        }
        checker = within(text) if "{limit}" in frame + given else has(n)
        rows.append(row("apology", frame.format(**slots), text, given.format(**slots), checker))
    return rows


# --- thank-you notes ----------------------------------------------------------------------------

GIFTS = [
    (
        "a cast-iron pan",
        "The first thing in it was an omelette, and for once it came out in one piece",
        "I have been told it will outlive me, which is a comfort at breakfast",
    ),
    (
        "a jar of home-made quince jelly",
        "It lasted four days, and only because I hid it on the second",
        "The empty jar is washed and ready, should it wish to come home",
    ),
    (
        "a pair of hand-knitted socks",
        "They went straight from the parcel onto my feet and have hardly been off since",
        "Even the cold tile by the cooker has lost its power",
    ),
    (
        "a book of star maps",
        "On Friday I found three constellations and a neighbour who wanted to know what I was doing in the road",
        "He has borrowed it, and I want it back",
    ),
    (
        "a pot of lavender",
        "It stands by the front door, where every visitor brushes against it and smiles without knowing why",
        "The bees found it before I had taken off the ribbon",
    ),
    (
        "a fountain pen",
        "This is the first letter it has written, so please excuse the blot",
        "It makes even my shopping list look considered",
    ),
]
GIVERS = ["Uncle Farhad", "Aunt Beatriz", "Grandma Ilse", "Mr Oyelaran", "cousin Mirek"]
OCCASIONS = ["my birthday", "my new flat", "passing my exams", "my name day"]


def thank_you_note(rng: random.Random) -> list[dict]:
    """Notes that say what the present is used for."""
    frames = [
        ("Word a note that thanks {giver} for {gift}.", ""),
        (
            "Three or four sentences of thanks, please, to {giver}, who sent me {gift} for {occasion}. Say what became of the present; don't call it 'thoughtful' or 'perfect'.",
            "",
        ),
        (
            "Would you make a proper thank-you note, {limit} words at the outside, out of what I scribbled on the wrapping paper?",
            "From {giver}, for {occasion}: {gift}. {use}. Signed {sender}.",
        ),
        (
            "My grandmother judges people by their thank-you letters. She will read the one I am about to send, although the present came from {giver}. It was {gift}, for {occasion}. What should I write, so that both of them are satisfied? Concrete, cheerful, one light joke, and no longer than {limit} words. I sign as {sender}.",
            "",
        ),
    ]
    rows = []
    givers = drawn(rng, GIVERS, len(frames))
    for (gift, use, smile), giver, (frame, given) in zip(
        drawn(rng, GIFTS, len(frames)), givers, frames, strict=True
    ):
        occasion, sender = rng.choice(OCCASIONS), rng.choice(SIGNERS)
        for_it = f" you sent for {occasion}" if "{occasion}" in frame + given else ""
        text = f"Dear {giver[0].upper() + giver[1:]},\n\nThank you for the {gift.split(' ', 1)[1]}{for_it}. {use}. {smile}."
        text += f"\n\nYours,\n{sender}" if "{sender}" in frame + given else ""
        slots = {"giver": giver, "gift": gift, "occasion": occasion, "use": use, "sender": sender}
        slots["limit"] = limit(text)
        checker = within(text) if "{limit}" in frame else has(giver)
        rows.append(
            row("thank_you_note", frame.format(**slots), text, given.format(**slots), checker)
        )
    return rows


# --- product descriptions -----------------------------------------------------------------------

PRODUCTS = [
    (
        "rucksack",
        "Fjell 22",
        [
            ("22 litres", "It holds 22 litres, enough for a day and a change of mind"),
            ("roll top", "The roll top keeps rain out and lets an umbrella look out"),
            ("padded back", "A padded back keeps your flask from introducing itself to your spine"),
            ("reflective loops", "Reflective loops show drivers where you are"),
        ],
        "{name} is the rucksack you grab on the way out",
    ),
    (
        "bread knife",
        "Krume",
        [
            ("25 cm blade", "The 25 cm blade crosses the biggest country loaf in one stroke"),
            ("walnut handle", "Its walnut handle was shaped for left and right hands alike"),
            ("rounded tip", "The rounded tip won't go through the bag on the way to a picnic"),
            ("resharpening service", "When it is blunt after some years, we sharpen it"),
        ],
        "Crust should crackle, not surrender, and {name} sees to it",
    ),
    (
        "board game",
        "Ferrymen",
        [
            ("two to five players", "Two to five players steer their boats across the same river"),
            ("40 minutes", "A game takes 40 minutes, explanation included"),
            (
                "wooden pieces",
                "All the pieces are wood, and pleasant to hold while you wait for your turn",
            ),
            ("no elimination", "Nobody is ever knocked out, so nobody has to make the tea"),
        ],
        "{name} is easy to learn and hard to put away",
    ),
    (
        "garden bench",
        "Elm & Son No. 3",
        [
            ("seats three", "It seats three adults, or one adult and a newspaper"),
            ("larch wood", "The larch turns silver in its second summer and needs no varnish"),
            ("wide armrests", "The armrests are wide enough for a plate"),
            (
                "assembled with eight bolts",
                "You put it together with eight bolts and one spanner, which is in the box",
            ),
        ],
        "{name} is for the part of gardening that is done sitting down",
    ),
    (
        "alarm clock",
        "Lark",
        [
            ("wakes by light", "It wakes you with light that rises over half an hour"),
            ("no app", "There is no app, only one knob and one button"),
            ("runs a year on two batteries", "Two batteries last a year"),
            ("silent hands", "The hands move without ticking"),
        ],
        "Mornings needn't begin with an argument: meet {name}",
    ),
]


def product_description(rng: random.Random) -> list[dict]:
    """Shop texts that turn listed features into sentences."""
    frames = [
        (
            "Catalogue text for the following, {limit} words at most.",
            2,
            "{A_kind} called {name}: {features}",
        ),
        (
            "We are a two-person workshop and bad at praising our own things. From the data below, could you write a description in short sentences, with a light touch of humour, that uses each feature once and ends on the last one?",
            3,
            "Product: {kind} '{name}'. Features, in this order: {features}.",
        ),
        (
            "How would you present {a_kind} to people who have never wanted one? It's named {name}; the points to get across are: {features}. One paragraph, {limit} words or fewer, no prices.",
            3,
            "",
        ),
        (
            "The photograph shows {a_kind} on a white background and tells customers nothing. Supply the words that go beside it. Start with a general line that makes somebody stop scrolling, give every feature from the sheet one sentence of its own saying what it means in daily life, and keep the whole text to {limit} words.",
            4,
            "{name} / {features}",
        ),
    ]
    rows = []
    for (kind, name, features, hook), (frame, number, given) in zip(
        drawn(rng, PRODUCTS, len(frames)), frames, strict=True
    ):
        chosen = sorted(rng.sample(range(len(features)), number))
        text = hook.format(name=name) + ". " + " ".join(features[k][1] + "." for k in chosen)
        slots = {
            "kind": kind,
            "a_kind": an(kind),
            "A_kind": cap(an(kind)),
            "name": name,
            "limit": limit(text),
        }
        slots["features"] = ", ".join(features[k][0] for k in chosen)
        checker = within(text) if "{limit}" in frame else has(name)
        rows.append(
            row("product_description", frame.format(**slots), text, given.format(**slots), checker)
        )
    return rows


# --- slogans ------------------------------------------------------------------------------------

TRADES = [
    (
        "bicycle repair shop",
        "mending punctures while you wait",
        [
            "Flat at nine, rolling by ten.",
            "We fix the bike. You do the hills.",
            "Round again, sooner than you think.",
        ],
    ),
    (
        "bakery",
        "sourdough made overnight",
        [
            "Slow bread for fast mornings.",
            "We knead you to try this.",
            "Up at three so you needn't be.",
        ],
    ),
    (
        "second-hand bookshop",
        "buying and selling old novels",
        [
            "Previously loved. Ready to be again.",
            "Every book deserves a second opinion.",
            "Somebody else's ending, your beginning.",
        ],
    ),
    (
        "swimming school",
        "teaching adults who are afraid of water",
        [
            "It's never too late to get in.",
            "First you float, then you boast.",
            "Deep breaths, shallow end, no hurry.",
        ],
    ),
    (
        "tailor",
        "altering clothes people already own",
        [
            "It fitted once. It will again.",
            "We take it in, and you out.",
            "Your wardrobe, minus the excuses.",
        ],
    ),
    (
        "clock repairer",
        "restoring grandfather clocks",
        [
            "Your hour will strike again.",
            "Making up for lost time since lunch.",
            "We have all the time you brought.",
        ],
    ),
]


def slogan(rng: random.Random) -> list[dict]:
    """One or more lines from a bank by trade."""
    frames = [
        ("{A_trade} needs a slogan of no more than eight words.", 1, ""),
        (
            "Our town has {a_trade} known for {forte}. Could you think of two rival slogans for its window, each on its own line, one modest and one a bit cheeky?",
            2,
            "",
        ),
        (
            "Read the brief and come back with three slogans, one per line, none above eight words, all of them fit to be painted on a wall by hand.",
            3,
            "Client: {a_trade}. Strong point: {forte}. Customers: mostly neighbours. Please no superlatives and no rhymes for the sake of rhyming.",
        ),
        (
            "The {trade} round the corner, run by the {family} family and known for {forte}, asked me for a single memorable line, and I promised one by this evening. Eight words are the most that fit over the door. What shall I tell them?",
            1,
            "",
        ),
    ]
    rows = []
    families = drawn(rng, FAMILIES, len(frames))
    for (trade, forte, lines), family, (frame, number, given) in zip(
        drawn(rng, TRADES, len(frames)), families, frames, strict=True
    ):
        chosen = [rng.choice(lines)] if number == 1 else lines[:number]
        slots = {
            "trade": trade,
            "a_trade": an(trade),
            "A_trade": cap(an(trade)),
            "forte": forte,
            "family": family,
        }
        checker = "words:1-8" if number == 1 else f"lines:{number}"
        rows.append(
            row("slogan", frame.format(**slots), "\n".join(chosen), given.format(**slots), checker)
        )
    return rows


# --- social posts -------------------------------------------------------------------------------

FINDS = [
    (
        "a blue tricycle",
        "by the bottle bank",
        "One blue tricycle is parked by the bottle bank with nobody on it.",
        "If your rider has been walking home lately, you'll know where to look.",
        "#LostWheels",
    ),
    (
        "a hearing aid",
        "on bench 4 in the station",
        "A small thing that matters a great deal: one hearing aid, found on bench 4 in the station.",
        "It's safe with me; please pass this on to anyone who isn't online.",
        "#FoundAtTheStation",
    ),
    (
        "a single red welly (size 24)",
        "in the playground sandpit",
        "One red welly, size 24, is standing in the playground sandpit, full of sand and good intentions.",
        "Its partner must be at somebody's back door.",
        "#OneWelly",
    ),
    (
        "a ring of seven keys with a cork float",
        "under the footbridge",
        "Seven keys on a cork float have washed up under the footbridge.",
        "Somebody's boat, shed and front door are missing them.",
        "#SevenKeys",
    ),
]
OPENINGS = [
    (
        "a reading hour for dogs",
        "the children's library",
        "Dogs are excellent listeners and never correct anyone's reading.",
        "Bring a book; we supply the ears",
        2,
        "4 pm",
    ),
    (
        "a free guitar lesson",
        "the youth centre",
        "You need ten fingers, or fewer and some stubbornness.",
        "Guitars are provided, blisters are not",
        3,
        "6 pm",
    ),
    (
        "an evening of board games",
        "the Three Herons café",
        "Losing is allowed and even encouraged.",
        "Come alone or bring a rival",
        4,
        "7 pm",
    ),
    (
        "a mending circle",
        "the community kitchen",
        "That jumper has waited since last winter.",
        "Bring the hole; we have the wool",
        1,
        "5 pm",
    ),
]


def social_post(rng: random.Random) -> list[dict]:
    """Found things and small events, with place, time and one hashtag."""
    frames = [
        (
            "I found {thing} {where}. Word it for the neighbourhood group, ending with a hashtag.",
            "",
        ),
        (
            "Something turned up this morning and the owner should hear of it quickly. Turn the slip from our porter's lodge into a kindly online post that people will want to share: two sentences, then a single hashtag.",
            "Found: {thing}, {where}. Finder keeps it safe. Owner unknown.",
        ),
    ]
    rows = []
    for (thing, where, first, second, tag), (frame, given) in zip(
        drawn(rng, FINDS, len(frames)), frames, strict=True
    ):
        slots = {"thing": thing, "where": where}
        rows.append(
            row(
                "social_post",
                frame.format(**slots),
                f"{first} {second} {tag}",
                given.format(**slots),
                has("#"),
            )
        )
    frames = [
        (
            "Would you announce this in a post of at most {limit} words? Friendly, no hashtags.",
            "{What}, {place}, {when}, {hour}",
        ),
        (
            "Hardly anyone came last time, because the post read like a parking regulation. Do better with this one, please: a first line that makes people curious, then what, where and when, and a close that still sounds like a person. Up to {limit} words.",
            "{What}. Venue: {place}. {when}, {hour}. Free.",
        ),
    ]
    for (what, place, hook, close, weekday, hour), (frame, given) in zip(
        drawn(rng, OPENINGS, len(frames)), frames, strict=True
    ):
        when = " ".join(day_of(rng, rng.choice([3, 5, 9, 11]), weekday))
        free = " It's free." if "Free" in given else ""
        text = f"{hook} Join us for {what} at {place} on {when} at {hour}.{free} {close}."
        slots = {
            "what": what,
            "What": cap(what),
            "place": place,
            "when": when,
            "hour": hour,
            "limit": limit(text),
        }
        rows.append(
            row("social_post", frame.format(**slots), text, given.format(**slots), within(text))
        )
    return rows


# --- recipes ------------------------------------------------------------------------------------

SOUPS = [
    ("carrots", 150, "a teaspoon of ground coriander", "toasted almonds", "sliced"),
    ("parsnips", 140, "a teaspoon of curry powder", "a spoonful of yoghurt", "peeled and diced"),
    ("peas", 160, "a handful of mint leaves", "crumbled feta", "straight from the freezer"),
    ("pumpkin", 180, "a pinch of nutmeg", "fried sage leaves", "peeled and diced"),
]
SALADS = [
    (
        "couscous",
        60,
        "pour over the same weight of boiling water, cover and leave for five minutes",
        ["cucumber", "tomatoes", "parsley"],
        "lemon juice and olive oil",
    ),
    (
        "bulgur",
        60,
        "simmer in twice its weight of water for about twelve minutes, then let it cool",
        ["radishes", "spring onions", "mint"],
        "yoghurt and lemon juice",
    ),
    (
        "green lentils",
        70,
        "boil until tender, about twenty-five minutes, then drain",
        ["celery", "apple", "walnuts"],
        "mustard and cider vinegar with a little oil",
    ),
]
OATS = [
    ("a grated apple", "cinnamon", "chopped hazelnuts"),
    ("a handful of blueberries", "lemon zest", "pumpkin seeds"),
    ("a sliced banana", "cocoa powder", "flaked almonds"),
]


def recipe_steps(rng: random.Random) -> list[dict]:
    """Soups, grain salads and overnight oats with quantities scaled to the number of eaters."""
    rows = []
    frames = [
        (
            "Soup for {many} from {veg}, flavoured with {spice}: five steps, one per line, with amounts.",
            "",
        ),
        (
            "Somebody who can't cook is feeding {many} people tonight. Compose five commands, one to a line, that begin with a verb and use up what is on the counter; the topping comes last.",
            "{grams} g {veg}, one onion, a little butter, {stock} ml vegetable stock, {spice}, {top}",
        ),
    ]
    for (veg, each, spice, top, cut), (frame, given) in zip(
        drawn(rng, SOUPS, len(frames)), frames, strict=True
    ):
        people = rng.choice([2, 3, 4, 6])
        slots = {
            "veg": veg,
            "spice": spice,
            "top": top,
            "many": COUNT[people],
            "grams": each * people,
            "stock": 250 * people,
        }
        steps = [
            "Soften a chopped onion in a little butter over a low heat for five minutes.",
            f"Add {each * people} g of {veg}, {cut}, and {spice}, and stir for a minute.",
            f"Pour in {250 * people} ml of vegetable stock and simmer until everything is tender.",
            "Blend until smooth and season with salt and pepper.",
            f"Ladle into {COUNT[people]} bowls and top with {top}.",
        ]
        rows.append(
            row(
                "recipe_steps",
                frame.format(**slots),
                "\n".join(steps),
                given.format(**slots),
                "lines:5",
            )
        )
    frames = [
        (
            "What are the steps for a {grain} salad with {extras} that serves {many}? Four lines, quantities included, please.",
            "",
        ),
        (
            "For the lunch box page of our school magazine: turn the ingredients into four numbered steps, one per line, for {many} portions. Parents read it at six in the morning, so no step may have more than 25 words.",
            "{grams} g {grain}; {all_extras} g {extras}; dressing of {dressing}",
        ),
    ]
    for (grain, each, cook, extras, dressing), (frame, given) in zip(
        drawn(rng, SALADS, len(frames)), frames, strict=True
    ):
        people = rng.choice([2, 4, 5])
        slots = {
            "grain": {"green lentils": "lentil"}.get(grain, grain),
            "extras": listed(extras),
            "dressing": dressing,
            "many": COUNT[people],
            "grams": each * people,
            "all_extras": 100 * people,
        }
        if "{grams}" in given:
            slots["grain"] = grain
        steps = [
            f"Weigh out {each * people} g of {grain}; {cook}.",
            f"Meanwhile chop the {listed(extras)}, about {100 * people} g in all.",
            f"Mix {COUNT[people]} tablespoons of dressing from {dressing}, with salt and pepper.",
            "Toss everything together while the bowl is still a little warm, and taste once more.",
        ]
        number = "numbered" in frame
        text = "\n".join(f"{k}. {s}" if number else s for k, s in enumerate(steps, 1))
        rows.append(
            row("recipe_steps", frame.format(**slots), text, given.format(**slots), "lines:4")
        )
    fruit, spice, nuts = rng.choice(OATS)
    jars = rng.choice([2, 3, 4])
    text = f"Divide {50 * jars} g of rolled oats and {120 * jars} ml of milk between {COUNT[jars]} jars and leave them in the fridge overnight.\nIn the morning stir {fruit} and a little {spice} into each.\nScatter {nuts} on top and eat cold."
    frame = f"Breakfast should be ready before I am. Explain overnight oats with {fruit}, {spice} and {nuts} to me in three lines, in the right order, scaled to {COUNT[jars]} jars."
    return [*rows, row("recipe_steps", frame, text, checker="lines:3")]


# --- packing lists ------------------------------------------------------------------------------

TRIPS = [
    (
        "a hut-to-hut walk",
        [
            "broken-in boots",
            "sleeping bag liner",
            "map in a plastic sleeve",
            "blister plasters",
            "earplugs for the dormitory",
            "trekking poles",
        ],
    ),
    (
        "a sailing course",
        [
            "non-marking shoes",
            "sailing gloves",
            "spare pair of glasses on a cord",
            "head torch with a red light",
            "soft holdall instead of a suitcase",
            "tablets against seasickness",
        ],
    ),
    (
        "a chess tournament",
        [
            "pens for the score sheets",
            "water bottle",
            "wristwatch",
            "nuts and dried fruit",
            "book of endgames",
            "cushion for hard chairs",
        ],
    ),
    (
        "a pottery week",
        [
            "apron",
            "old towel",
            "short-sleeved shirts that can get dirty",
            "notebook for glaze recipes",
            "hand cream",
            "slippers for the studio",
        ],
    ),
    (
        "a bird ringing camp",
        [
            "binoculars",
            "head torch",
            "fingerless gloves",
            "folding stool",
            "flask",
            "clothes in dull colours",
        ],
    ),
]
WEATHERS = [
    ("cold and wet", ["waterproof jacket", "woollen hat", "thick jumper"]),
    ("hot and dry", ["sun hat", "sunscreen", "light long-sleeved shirt"]),
    ("windy and changeable", ["windproof jacket", "fleece", "scarf"]),
    ("mild and showery", ["light raincoat", "cardigan", "small umbrella"]),
]


def packing_list(rng: random.Random) -> list[dict]:
    """Lists from an activity, the weather and the number of nights."""
    frames = [
        ("List {n} things to pack for {trip} in {weather} weather, one item a line.", 3, 2, ""),
        (
            "I'm leaving for {trip}: {nights} nights, {weather}. What goes into the bag? {N} lines, one item each, with the right number of socks and no toiletries.",
            4,
            2,
            "",
        ),
        (
            "My checklist app takes plain text only, one item per line. Would you fill it with {n} entries for the trip below, socks counted so that one dry pair is left over?",
            4,
            3,
            "Purpose: {trip}. Nights: {nights}. Forecast: {weather}.",
        ),
        (
            "Anything I forget cannot be bought there, yet my bag is small. Given the message I had from the organisers, decide on {n} objects; leave out food, bedding and whatever everyone carries anyway, such as a phone. One object per line.",
            4,
            3,
            "You are signed up for {trip}: {nights} nights together. Meals and beds are taken care of. The forecast is {weather}.",
        ),
    ]
    rows = []
    (novice, things), *trips = drawn(rng, TRIPS, len(frames) + 1)
    frame = f"It's my daughter's first time away on her own, at {novice}. Name five things beginners tend to leave behind, one per line."
    rows.append(row("packing_list", frame, "\n".join(map(cap, things[-5:])), checker="lines:5"))
    weathers = drawn(rng, WEATHERS, len(frames))
    for (trip, things), (weather, clothes), (frame, own, worn, given) in zip(
        trips, weathers, frames, strict=True
    ):
        nights = rng.choice([3, 4, 5, 6])
        shown = [
            t
            for t in things
            if not ("food" in frame and t in ("nuts and dried fruit", "sleeping bag liner"))
        ]
        items = shown[:own] + clothes[:worn]
        if "{nights}" in frame + given:
            items.append(f"{COUNT[nights + 2]} pairs of socks")
        slots = {
            "trip": trip,
            "weather": weather,
            "nights": COUNT[nights],
            "n": COUNT[len(items)],
            "N": cap(COUNT[len(items)]),
        }
        rows.append(
            row(
                "packing_list",
                frame.format(**slots),
                "\n".join(map(cap, items)),
                given.format(**slots),
                f"lines:{len(items)}",
            )
        )
    return rows


# --- brainstorming ------------------------------------------------------------------------------

PRESENTS = [
    (
        "keeps bees",
        [
            "a long lighter for the smoker",
            "a stamp for honey jar labels",
            "a bag of seeds for a bee-friendly verge",
            "a framed map of what flowers nearby",
            "a second, larger veil for visitors",
        ],
    ),
    (
        "bakes every weekend",
        [
            "a dough scraper with initials on it",
            "a rare kind of flour",
            "a voucher for one hour of washing up",
            "a notebook ruled for recipes",
            "a proving basket",
        ],
    ),
    (
        "swims in the sea all year",
        [
            "a changing robe",
            "a flask that opens with numb fingers",
            "a tide table for the coming year",
            "a bobble hat in a visible colour",
            "a bath mat for the car boot",
        ],
    ),
    (
        "restores old radios",
        [
            "a tin of assorted knobs",
            "a magnifying lamp",
            "a recording of the first broadcast they remember",
            "a set of tiny screwdrivers",
            "a visit to a museum of broadcasting",
        ],
    ),
]
ICEBREAKERS = [
    ("Line up by birthday without speaking", 5, False, 8),
    ("Find three things that everybody in your group of four dislikes", 10, False, 8),
    ("Tell the story of your first name to a partner, who retells it", 15, False, 4),
    ("Build the tallest tower from one newspaper", 15, True, 6),
    ("Draw your way to work as a map and let others guess", 15, True, 4),
    ("Write one skill nobody suspects on a card, shuffle, and match cards to people", 20, True, 6),
    ("Invent a flag for the team in pairs and explain it", 20, True, 4),
]
REUSES = [
    (
        "wine corks",
        [
            "slice them into wedges for wobbly tables",
            "glue them edge to edge as a pinboard",
            "float a bunch of keys on one",
        ],
    ),
    (
        "odd buttons",
        [
            "sort them into a counting game for a child",
            "mark the front of a fitted sheet with one",
            "string them as a curtain tie",
        ],
    ),
    (
        "empty jam jars",
        [
            "root cuttings on a windowsill in them",
            "shake salad dressing in one",
            "hang them with candles along a fence",
        ],
    ),
    (
        "old maps",
        [
            "line a drawer with one",
            "wrap presents for travellers in them",
            "cut one into envelopes",
        ],
    ),
]


def brainstorm(rng: random.Random) -> list[dict]:
    """Ideas chosen from tables by the conditions of the request."""
    rows = []
    whom = rng.sample(["My aunt", "Our neighbour", "A colleague", "My best friend"], 2)
    frames = [
        ("{Whom} {does}. Three present ideas, one per line?", 3, ""),
        (
            "Four colleagues and I are putting money together for a retirement present, and all we know is written on the slip. Nothing generic, nothing with a joke printed on it. Which four ideas would you put to the group, one on each line?",
            4,
            "She {does}, has no room for large things, and says she needs nothing.",
        ),
    ]
    for (does, ideas), person, (frame, number, given) in zip(
        drawn(rng, PRESENTS, len(frames)), whom, frames, strict=True
    ):
        chosen = [ideas[k] for k in sorted(rng.sample(range(len(ideas)), number))]
        text = "\n".join(map(cap, chosen))
        rows.append(
            row(
                "brainstorm",
                frame.format(Whom=person, does=does),
                text,
                given.format(does=does),
                f"lines:{number}",
            )
        )
    thing, ideas = rng.choice(REUSES)
    frame = f"A box full of {thing} is too good to throw away. Think of three uses, each a line that starts with a verb."
    rows.append(row("brainstorm", frame, "\n".join(map(cap, ideas)), checker="lines:3"))
    people, minutes = rng.choice([8, 12]), rng.choice([10, 15])
    fits = [
        text
        for text, takes, paper, least in ICEBREAKERS
        if takes <= minutes and not paper and people >= least
    ][:2]
    frame = f"Two warm-up activities are wanted for the start of a workshop in which hardly anybody knows anybody else. There will be {people} people and no materials whatsoever, not even paper, and each activity has to be over within {minutes} minutes. No trust falls, and nobody should have to perform alone. One line each."
    rows.append(row("brainstorm", frame, "\n".join(f"{t}." for t in fits), checker="lines:2"))
    return rows


# --- names --------------------------------------------------------------------------------------

FIRSTS = [
    ("Heron", "the heron that fishes there"),
    ("Rowan", "the rowan trees round it"),
    ("Plover", "its plovers"),
    ("Lark", "the larks overhead"),
    ("Raven", "the ravens on the crag"),
]
LASTS = [
    ("mere", "a lake", "beside a small lake"),
    ("ford", "a river crossing", "at a shallow river crossing"),
    ("ley", "a woodland clearing", "in a forest clearing"),
    ("combe", "a short valley", "in a short, steep valley"),
]
PETS = [
    (
        "a black kitten",
        [
            ("Treacle", "dark, slow and likely to get on everything"),
            ("Comma", "small, black, and forever in the middle of the page"),
            ("Soot", "black, light on its feet and found in odd corners"),
        ],
    ),
    (
        "a very round hamster",
        [
            ("Dumpling", "no further description is needed"),
            ("Orbit", "for the shape, and for the wheel"),
            ("Bagel", "round, brown and best in the morning"),
        ],
    ),
    (
        "a greyhound who prefers sleeping",
        [
            ("Sprint", "a reminder of what is possible"),
            ("Sunday", "for the speed at which the day is spent"),
            ("Rug", "for where you will find it"),
        ],
    ),
]
SHOPS = [
    (
        "a bookshop that sells only crime novels",
        [
            ("The Last Page", "where all is revealed, and where the till is"),
            ("Usual Suspects", "for the stock and the regulars"),
            ("Motive & Means", "a reason to read and a shelf to supply it"),
        ],
    ),
    (
        "a mobile coffee cart on an old tricycle",
        [
            ("Third Wheel", "three wheels, and welcome company for any two people"),
            ("Slow Drip", "honest about the coffee and the driving"),
            ("Round the Corner", "where it usually is"),
        ],
    ),
    (
        "a plant nursery run by two sisters",
        [
            ("Two Spades", "a pair of tools and a pair of sisters"),
            ("Sister Stems", "family, and something growing"),
            ("Second Leaf", "the moment when a seedling shows what it is"),
        ],
    ),
]
BANDS = [
    (
        "teachers who play punk",
        [
            ("Red Pen", "short, sharp and feared"),
            ("Detention", "loud, and everyone has to stay to the end"),
        ],
    ),
    (
        "accountants who play jazz",
        [
            ("Petty Cash", "modest, and kept in a tin"),
            ("The Loose Figures", "what accountants are never allowed to have"),
        ],
    ),
    (
        "gardeners who sing sea shanties",
        [
            ("Salt & Compost", "half sea, half shed"),
            ("The Watering Crew", "sailors' work, done with a hose"),
        ],
    ),
]


def naming(rng: random.Random) -> list[dict]:
    """Names with reasons: villages from old roots, pets, shops and bands from tables."""
    rows = []
    frames = [
        (
            "Make up an English-sounding name for a fictional village {site}, and explain both halves in one sentence.",
            "",
        ),
        (
            "The players in my fantasy campaign are about to reach a settlement that I haven't named. It ought to sound as if it could be found on an old English map and as if somebody had chosen it for a reason. Give the name first, then one sentence on what its two parts mean.",
            "It lies {site}, and travellers remember {feature}.",
        ),
    ]
    firsts, lasts = drawn(rng, FIRSTS, len(frames)), drawn(rng, LASTS, len(frames))
    for (first, feature), (last, meaning, site), (frame, given) in zip(
        firsts, lasts, frames, strict=True
    ):
        text = f"{first}{last}. The first half stands for {feature}, and '-{last}' is an old ending that means {meaning}."
        slots = {"site": site, "feature": feature}
        rows.append(row("naming", frame.format(**slots), text, given.format(**slots), "lines:1"))
    plans = [
        (
            PETS,
            "We've adopted {what}. Could we have three names with a few words of explanation after a colon, one on each line?",
            "",
        ),
        (
            SHOPS,
            "Suggest three names for the business on this slip, one a line, each followed by a colon and the reason. Puns are tolerated, initials and made-up spellings are not.",
            "{what}",
        ),
        (
            BANDS,
            "Which two names would suit a band of {what}? Put each on its own line and add, after a colon, why it fits.",
            "",
        ),
    ]
    for table, frame, given in plans:
        what, names = rng.choice(table)
        text = "\n".join(f"{name}: {why}" for name, why in rng.sample(names, len(names)))
        rows.append(
            row(
                "naming",
                frame.format(what=what),
                text,
                cap(given.format(what=what)) if given else "",
                f"lines:{len(names)}",
            )
        )
    return rows


# --- characters ---------------------------------------------------------------------------------

FIGURES = [
    (
        "retired postal worker",
        [
            "{N} still rises at four and reads other people's door numbers aloud.",
            "{N} knows the name of every dog in town and of hardly any owner.",
        ],
        [
            "{He} carries rubber bands on {his} wrist, as others wear a watch.",
            "{His} left shoulder hangs a hand lower than {his} right.",
        ],
    ),
    (
        "stage prompter",
        [
            "{N} has known every play in the house by heart for twenty years and has never been seen by an audience.",
            "{N} moves {his} lips whenever anybody else is speaking.",
        ],
        [
            "{He} dresses in black and eats {his} sandwiches in the dark.",
            "In {his} bag there is a torch, a throat sweet and a second torch.",
        ],
    ),
    (
        "mountain guide",
        [
            "{N} walks so slowly that clients overtake {him} at the start, and so steadily that none of them ever sees it twice.",
            "{N} can tell tomorrow's weather from the smell of {his} own barn.",
        ],
        [
            "{His} hands look like something left out over winter.",
            "{He} owns one good jacket and has lent it to a client.",
        ],
    ),
    (
        "crossword setter",
        [
            "{N} answers questions with a pause in which you can hear the letters being counted.",
            "{N} has not said a plain sentence before lunch since {his} schooldays.",
        ],
        [
            "There is ink on {his} cuffs, and graph paper in every pocket.",
            "{He} reads menus backwards, to see what is in them.",
        ],
    ),
    (
        "village vet",
        [
            "{N} talks to cows in a low, reasonable voice and to their owners in the same one.",
            "{N} drives too fast, brakes for hedgehogs and is late for everything else.",
        ],
        [
            "{His} coat smells of hay, and of something you decide not to ask about.",
            "{He} keeps a lamb's bottle in the glove compartment and biscuits in the first-aid box.",
        ],
    ),
]
SECRETS = [
    (
        "afraid of being thanked",
        "Thank {him} and {he} will look behind {him} for the person you mean.",
    ),
    (
        "secretly learning to dance",
        "On Wednesdays the curtains are drawn early, and the ceiling lamp below begins, very gently, to swing.",
    ),
    (
        "unable to throw anything away",
        "{He} once moved house over a weekend; the string alone took until Saturday noon.",
    ),
    (
        "never on time for anything pleasant",
        "To {his} own birthday {he} came a day late, with an excellent reason and no cake.",
    ),
]


def character_sketch(rng: random.Random) -> list[dict]:
    """A habit, a detail and a weakness that is shown."""
    frames = [
        ("In at most {limit} words, introduce {n}, {a_job} who is {secret}.", ""),
        (
            "Would you write a character sketch for my notebook? It's {a_job} called {n}, and the reader ought to sense, without being told, somebody who is {secret}. {limit} words at most, present tense.",
            "",
        ),
        (
            "From this casting sheet make a paragraph that an actor could use: behaviour, one visible detail, and the weakness shown in action instead of named. No backstory; up to {limit} words.",
            "{n}, {job}. Weakness: {secret}.",
        ),
        (
            "I'm editing an anthology in which each story opens with a portrait of a person we never meet again. One is missing. The particulars are given; everything else is up to you, as long as there is a habit in the first sentence, humour that doesn't sneer, and no description of eyes or hair. Don't exceed {limit} words.",
            "Name: {n}. Occupation: {job}. Trait: {secret}.",
        ),
    ]
    rows = []
    people, secrets = drawn(rng, NAMES, len(frames)), drawn(rng, SECRETS, len(frames))
    for (job, habits, details), (n, he, his), (secret, shown), (frame, given) in zip(
        drawn(rng, FIGURES, len(frames)), people, secrets, frames, strict=True
    ):
        him = "her" if he == "she" else "him"
        text = " ".join([rng.choice(habits), rng.choice(details), shown])
        text = text.format(N=n, n=n, he=he, He=cap(he), his=his, His=cap(his), him=him)
        slots = {"n": n, "job": job, "a_job": an(job), "secret": secret, "limit": limit(text)}
        rows.append(
            row(
                "character_sketch", frame.format(**slots), text, given.format(**slots), within(text)
            )
        )
    return rows


# --- scenes -------------------------------------------------------------------------------------

SCENES = [
    (
        "a railway buffet at closing time",
        {
            "sight": "The last sandwich lies under its glass dome like an exhibit.",
            "sound": "Chairs go up on tables, four legs at a time, and a cloth squeaks along the counter.",
            "smell": "It smells of burnt milk and wet coats.",
        },
        "Then a train is announced that nobody is waiting for.",
    ),
    (
        "a boatyard in winter",
        {
            "sight": "The boats stand on props under tarpaulins, too tall, like guests who came on the wrong day.",
            "sound": "A loose rope taps a mast, waits, and taps again.",
            "smell": "The air smells of tar, cold iron and somebody's soup.",
        },
        "Below the slipway the water has frozen just thick enough to hold a gull.",
    ),
    (
        "a school corridor in the holidays",
        {
            "sight": "Sunlight has moved into the corridor and lies the whole length of the floor.",
            "sound": "A tap drips in the art room, and the clock answers it a little late.",
            "smell": "Floor polish has won against gym shoes, for now.",
        },
        "On the last peg hangs a single blue bag, still packed for the end of term.",
    ),
    (
        "a greenhouse during a thunderstorm",
        {
            "sight": "Each flash prints the tomato plants on the glass and rubs them out again.",
            "sound": "The rain on the roof is so loud that it has become a kind of silence.",
            "smell": "Everything smells green: bruised leaf, warm soil, string.",
        },
        "A toad has come in under the door and sits there as though it had paid.",
    ),
    (
        "a launderette at midnight",
        {
            "sight": "Behind one round window a red shirt keeps falling and never lands.",
            "sound": "The dryers hum two notes that almost agree.",
            "smell": "There's a smell of hot cotton and lemon powder.",
        },
        "The only customer has fallen asleep against the change machine, one sock in his hand.",
    ),
]


def scene_description(rng: random.Random) -> list[dict]:
    """Places through chosen senses, with a last small event."""
    frames = [
        ("Describe {place} in {limit} words or fewer, using {senses}.", 2, ""),
        (
            "Writers in my group are swapping settings this month and I drew {place}. Can you show me how you'd do it with nothing but {senses}, plus a last sentence nobody expects? Present tense, no more than {limit} words.",
            2,
            "",
        ),
        (
            "Audio guide, track 7. Listeners stand in an empty room with their eyes closed and should see the place named on the sheet. Give the speaker at most {limit} words.",
            3,
            "Place: {place}. Senses, in this order: {senses}. Last sentence: one unexpected detail.",
        ),
        (
            "Here is a location from my screenplay. The producer says it reads like an estate agent's list. Rewrite it as atmosphere: present tense, one sentence for each sense in brackets, one closing image, no characters by name and no camera directions, {limit} words at most.",
            3,
            "LOCATION: {place} ({senses}).",
        ),
    ]
    rows = []
    for (place, senses, end), (frame, number, given) in zip(
        drawn(rng, SCENES, len(frames)), frames, strict=True
    ):
        chosen = [list(senses)[k] for k in sorted(rng.sample(range(3), number))]
        text = " ".join([senses[s] for s in chosen] + [end])
        slots = {"place": place, "senses": listed(chosen), "limit": limit(text)}
        rows.append(
            row(
                "scene_description",
                frame.format(**slots),
                text,
                given.format(**slots),
                within(text),
            )
        )
    return rows


# --- complaints ---------------------------------------------------------------------------------

FAULTS = [
    (
        "a folding umbrella",
        "folded itself up on its first windy day, while I was holding it",
        "I had expected it to last longer than the bus ride home",
        "a replacement of the same model",
    ),
    (
        "a cordless kettle",
        "leaks from the base whenever it is more than half full",
        "the worktop has to be dried after every cup of tea",
        "a repair or a new base",
    ),
    (
        "a bookcase kit",
        "arrived with four left-hand sides and no right-hand one",
        "it cannot stand up, and nor can my dictionaries",
        "the missing side",
    ),
    (
        "a pair of walking boots",
        "lost a heel in the second week, eight kilometres from the car",
        "I finished the walk in a circle, so to speak",
        "my money back",
    ),
    (
        "an atlas",
        "is missing pages 113 to 128, that is to say most of Africa",
        "my daughter has a geography project on the Nile",
        "a complete copy",
    ),
]
NUISANCES = [
    (
        "the street lamp outside number {k} flickers from dusk until midnight",
        "street lighting department",
        "two bedrooms face it and curtains don't help",
        "have the lamp replaced",
    ),
    (
        "the bins behind number {k} have not been emptied on the last two collection days",
        "waste collection office",
        "the foxes have begun to treat them as a restaurant",
        "send a lorry this week",
    ),
    (
        "roadworks start at half past five in the morning in front of number {k}",
        "roads department",
        "thirty households are awake an hour before they need to be",
        "have the work begin no earlier than seven",
    ),
]


def complaint_letter(rng: random.Random) -> list[dict]:
    """Letters about goods and about local nuisances: facts, effect, demand."""
    frames = [
        ("Complain politely about {item} that {fault}; ask for {remedy}.", ""),
        (
            "What do I write to the shop? I want to be firm without being rude, stay within {limit} words, and leave no doubt about the remedy.",
            "Bought on {bought}: {item}. It {fault}. Consequence: {effect}. I want {remedy}. Name: {sender}.",
        ),
    ]
    rows = []
    for (item, fault, effect, remedy), (frame, given) in zip(
        drawn(rng, FAULTS, len(frames)), frames, strict=True
    ):
        slots = {
            "item": item,
            "fault": fault,
            "effect": effect,
            "remedy": remedy,
            "sender": rng.choice(SIGNERS),
        }
        slots["bought"] = f"{rng.randint(2, 27)} {rng.choice(['January', 'March', 'October'])}"
        bought = "on " + slots["bought"] if given else "from you recently"
        text = f"Dear Sir or Madam,\n\nThe {item.split(' ', 1)[1]} I bought {bought} {fault}. {cap(effect)}. I would be grateful for {remedy}. The receipt is enclosed."
        text += f"\n\nYours faithfully,\n{slots['sender']}" if given else ""
        slots["limit"] = limit(text)
        checker = within(text) if given else has(remedy.removeprefix("a ").removeprefix("the "))
        rows.append(
            row("complaint_letter", frame.format(**slots), text, given.format(**slots), checker)
        )
    frames = [
        (
            "Could you draft a letter to the council's {office} for me? Keep the whole thing to {limit} words, without a single exclamation mark.",
            "{Matter}. {Effect}. They should {wish}.",
        ),
        (
            "As chair of the residents' association I have been handed this note and told to do something about it. Please make a letter out of it that a busy official will read to the end: problem, effect and request, one sentence each, then a friendly close. Sign with {sender}.",
            "To: {office}. {Matter}. {Effect}. They should {wish}.",
        ),
    ]
    for (matter, office, effect, wish), (frame, given) in zip(
        drawn(rng, NUISANCES, len(frames)), frames, strict=True
    ):
        slots = {"office": office, "effect": effect, "wish": wish, "sender": rng.choice(SIGNERS)}
        slots["matter"] = matter.format(k=rng.randint(8, 60))
        chaired = "{sender}" in frame
        slots |= {"Matter": cap(slots["matter"]), "Effect": cap(effect)}
        text = f"Dear Sir or Madam,\n\nI am writing because {slots['matter']}. {cap(effect)}. Would you please {wish}? We know you look after many streets, and we would be grateful for an answer about this one."
        text += (
            f"\n\nYours faithfully,\n{slots['sender']}, Residents' Association"
            if chaired
            else "\n\nYours faithfully,\nA resident"
        )
        slots["limit"] = limit(text)
        checker = has(slots["sender"]) if chaired else within(text)
        rows.append(
            row("complaint_letter", frame.format(**slots), text, given.format(**slots), checker)
        )
    return rows


# --- announcements ------------------------------------------------------------------------------

CLOSURES = [
    (
        "the swimming pool",
        "the tiles of the diving bay are being replaced",
        "the paddling pool and the café remain open",
        "Season tickets will be extended by the same number of days",
    ),
    (
        "the north entrance",
        "the revolving door is being made wider",
        "the south entrance is open for everyone",
        "The step there has been fitted with a ramp",
    ),
    (
        "the reading garden",
        "the old lime tree is being pruned",
        "there are deckchairs on the terrace",
        "The tree is healthy and will be glad of the haircut",
    ),
    (
        "the canteen",
        "a new dishwasher is being installed",
        "sandwiches and soup are sold in the foyer",
        "Please bring your own mug, since ours can't be washed",
    ),
    (
        "the music rooms",
        "all six pianos are being tuned at once",
        "the hall piano may be used until eight",
        "From Monday everything will be in tune with everything else",
    ),
]
STATION = [
    ("Brindle Bay", "a flock of sheep on the line", "The guard is out there reasoning with them"),
    (
        "Upper Marl",
        "a signal that has frozen on red",
        "An engineer is walking towards it with a kettle",
    ),
    (
        "Castle Weir",
        "a tree that came down in the night",
        "It is being sawn up as quickly as safety allows",
    ),
]


def announcement(rng: random.Random) -> list[dict]:
    """Notices about closures and announcements of delays."""
    frames = [
        (
            "Please word a notice: {place} will be closed from {first} to {last} because {reason}, but {instead}. {limit} words at most, and it should sound as if a person had written it.",
            "",
        ),
        (
            "Make these facts into a sign that can be read while walking past it, in this order: what, when, why, what instead. No apologies for 'any inconvenience caused', and not more than {limit} words.",
            "{Place} closed {first} to {last}. Reason: {reason}. Meanwhile {instead}. {extra}.",
        ),
        (
            "Our director likes long sentences and will have to read this out at the staff meeting. Give her something short enough that she can't get lost: the facts from the memo in three or four plain sentences, within {limit} words, with a friendly note to end on.",
            "MEMO: {place}, closure {first} to {last} ({reason}); {instead}. {extra}.",
        ),
    ]
    rows = []
    for (place, reason, instead, extra), (frame, given) in zip(
        drawn(rng, CLOSURES, len(frames)), frames, strict=True
    ):
        first = rng.randint(2, 14)
        month = rng.choice(["March", "May", "August", "November"])
        slots = {
            "place": place,
            "Place": cap(place),
            "reason": reason,
            "instead": instead,
            "extra": extra,
        }
        slots |= {"first": f"{first} {month}", "last": f"{first + rng.randint(3, 12)} {month}"}
        text = f"{cap(place)} will be closed from {slots['first']} to {slots['last']} because {reason}. In the meantime {instead}."
        text += f" {extra}." if given else " Thank you for bearing with us."
        slots["limit"] = limit(text)
        rows.append(
            row("announcement", frame.format(**slots), text, given.format(**slots), within(text))
        )
    town, cause, doing = rng.choice(STATION)
    late, due = rng.choice([20, 25, 40]), rng.choice([8 * 60 + 15, 11 * 60 + 50, 17 * 60 + 35])
    text = f"Good news first: the {clock(due)} to {town} is running. The other news is that it is running {late} minutes late, owing to {cause}. {doing}, and we now expect to leave at {clock(due + late)}."
    frame = "Platform announcement, three sentences, good-humoured, with the new departure time."
    given = f"{clock(due)} to {town}: {late} minutes late. Cause: {cause}."
    return [*rows, row("announcement", frame, text, given, has(clock(due + late)))]


# --- riddles ------------------------------------------------------------------------------------

RIDDLES = [
    (
        "a clock",
        [
            "I have hands but cannot clap.",
            "I have a face and never blush.",
            "I run all day and stay on the wall.",
        ],
    ),
    (
        "a piano",
        [
            "I have keys but open no doors.",
            "I have three feet and cannot walk.",
            "Strike me all evening and people will applaud.",
        ],
    ),
    (
        "a map",
        [
            "I have rivers without water.",
            "I have cities without people.",
            "Fold me and whole countries touch.",
        ],
    ),
    (
        "a candle",
        [
            "I am tall when I'm young and short when I'm old.",
            "The harder I work, the less there is of me.",
            "One breath and I'm gone.",
        ],
    ),
    (
        "a river",
        [
            "I have a mouth but never speak.",
            "I have a bed but never sleep.",
            "I leave home all day long and I'm always there.",
        ],
    ),
    (
        "a needle",
        [
            "I have one eye and cannot see.",
            "I pull a tail behind me that grows shorter as I go.",
            "Where I've passed, things hold together.",
        ],
    ),
    (
        "a comb",
        [
            "I have many teeth and never bite.",
            "I meet knots every day but tie none.",
            "The bald have no use for me.",
        ],
    ),
]


def riddle(rng: random.Random) -> list[dict]:
    """First-person clues, sometimes with the answer on a last line."""
    frames = [
        ("Riddle me {thing}: two clues, one per line, and the answer isn't named.", 2, False, ""),
        (
            "At our quiz night every table has to guess an object from three clues, each a sentence on its own line. We are short of one. Take {thing}, and don't reveal it.",
            3,
            False,
            "",
        ),
        (
            "Would you make a riddle for the children's page? Clues first, one on each line, going from hard to easy if you can, then a last line with the solution after the word 'Answer'.",
            3,
            True,
            "Object: {thing}. Number of clues: three.",
        ),
        (
            "For an escape room I'm designing, the key lies beside {thing}, and players should be led there by a slip of paper that speaks as though the object itself were talking. There is room for three lines of at most twelve words each; the thing must not be mentioned.",
            3,
            False,
            "",
        ),
    ]
    rows = []
    for (thing, clues), (frame, number, solved, given) in zip(
        drawn(rng, RIDDLES, len(frames)), frames, strict=True
    ):
        lines = clues[:number] + ([f"Answer: {thing}"] if solved else [])
        rows.append(
            row(
                "riddle",
                frame.format(thing=thing),
                "\n".join(lines),
                given.format(thing=thing),
                f"lines:{len(lines)}",
            )
        )
    return rows


# --- interview questions ------------------------------------------------------------------------

JOBS = [
    ("bridge inspector", "hanging under a bridge on a rope", "a crack", "drivers", "rust"),
    (
        "chocolate maker",
        "tasting before breakfast",
        "a batch that has gone grey",
        "customers",
        "cocoa beans",
    ),
    (
        "sign language interpreter",
        "standing beside somebody else's speech",
        "a joke that can't be translated",
        "audiences",
        "silence",
    ),
    (
        "tree surgeon",
        "working twenty metres up in the wind",
        "a tree that has to come down",
        "neighbours",
        "old oaks",
    ),
    (
        "museum conservator",
        "spending a year on one painting",
        "somebody else's bad repair",
        "visitors",
        "dust",
    ),
    (
        "railway timetable planner",
        "moving trains by half a minute",
        "a knot that won't come undone",
        "passengers",
        "delays",
    ),
]


def interview_questions(rng: random.Random) -> list[dict]:
    """Open questions whose patterns are filled with the particulars of a job."""
    patterns = [
        "What goes through your mind while you are {task}?",
        "What do you do first when you come across {trouble}?",
        "Which question do {people} ask you most often, and which should they ask?",
        "What do you know about {matter} that the rest of us would never guess?",
        "When did you last go home proud of something that nobody will ever notice?",
    ]
    frames = [
        (
            "I'm meeting {a_job} tomorrow. Three questions that can't be answered with yes or no, one per line?",
            [0, 1, 3],
            "",
        ),
        (
            "The school paper is interviewing {a_job} about a working life that involves {task}. Which four questions should our reporters, all aged twelve, take along? One on each line, none of them about pay.",
            [0, 1, 2, 3],
            "",
        ),
        (
            "Prepare a radio talk from the fact sheet. We have time for three questions, each on its own line; the last should invite a story and not mention the subject at all.",
            [1, 2, 4],
            "Guest: {job}. Typical moment: {task}. Typical problem: {trouble}. Meets: {people}.",
        ),
        (
            "A trainee will be shadowing {a_job} for a day and has been told to come with questions rather than opinions. She is shy, so they should be easy to say aloud. Draw on these keywords and supply two, one to a line.",
            [0, 3],
            "{task}; {matter}",
        ),
    ]
    rows = []
    for (job, task, trouble, people, matter), (frame, chosen, given) in zip(
        drawn(rng, JOBS, len(frames)), frames, strict=True
    ):
        slots = {
            "job": job,
            "a_job": an(job),
            "task": task,
            "trouble": trouble,
            "people": people,
            "matter": matter,
        }
        text = "\n".join(patterns[k].format(**slots) for k in chosen)
        rows.append(
            row(
                "interview_questions",
                frame.format(**slots),
                text,
                given.format(**slots),
                f"lines:{len(chosen)}",
            )
        )
    return rows


# --- itineraries --------------------------------------------------------------------------------

OUTINGS = [
    (
        "the mill museum",
        [
            ("guided tour of the mill", 75),
            ("picnic by the weir", 45),
            ("paper-making workshop", 90),
        ],
    ),
    (
        "the old harbour",
        [("lifeboat station", 60), ("fish soup at the pier", 50), ("harbour cruise", 80)],
    ),
    (
        "the botanic garden",
        [("palm house", 55), ("lunch in the orangery", 60), ("seed bank talk", 40)],
    ),
    (
        "the castle",
        [("walk round the walls", 50), ("lunch in the courtyard", 55), ("falconry display", 45)],
    ),
]
PLACES_AWAY = [
    (
        "on",
        "a small island",
        [
            ("ferry across and a walk to the lighthouse", "fish and chips on the quay"),
            ("bicycles round the coast road", "board games at the inn"),
            ("a swim in the sheltered bay", "the last ferry home"),
        ],
    ),
    (
        "in",
        "a mountain village",
        [
            ("train up the valley and a stroll by the stream", "dumplings at the inn"),
            ("the path to the upper lake with a picnic", "an early night"),
            ("the cheese dairy and its cellar", "the evening train home"),
        ],
    ),
    (
        "in",
        "an old university town",
        [
            ("arrival and a climb up the tower for the view", "supper in a cellar restaurant"),
            ("the print museum, then punting", "a concert in the chapel"),
            ("second-hand bookshops until lunch", "the slow train home with the loot"),
        ],
    ),
]


def timetable(start: int, walk: int, stops: list[tuple[str, int]]) -> tuple[list[str], list[str]]:
    """Lines 'h:mm stop' with a walk between stops and the end of the day; and the times alone."""
    lines, times, now = [], [], start
    for what, minutes in stops:
        lines.append(f"{clock(now)} {cap(what)}")
        times.append(clock(now))
        now += minutes + walk
    return [*lines, f"{clock(now - walk)} End"], [*times, clock(now - walk)]


def itinerary(rng: random.Random) -> list[dict]:
    """Days worked out to the minute and three-day trips."""
    frames = [
        (
            "Times, please, for our outing to {place}: it begins at {start}, and there are {walk} minutes' walk between stops. Four lines, each starting with the clock time, the last being the end.",
            "{Stops}",
        ),
        (
            "A colleague has left me nothing but a list of durations. Would you turn them into a programme for {place} in the form 'time, then item', with {walk} minutes for getting from one item to the next and a final line for the end?",
            "Start {start}. {Stops}.",
        ),
        (
            "I have to post a plan for the class trip to {place} by tonight. We start at {start} with the {first} ({first_minutes} minutes), go on to the {second} ({second_minutes} minutes) and finish with the {third} ({third_minutes} minutes); allow {walk} minutes between them. When does each part begin, and when is it all over? One line per entry, clock time first.",
            "",
        ),
    ]
    rows = []
    for (place, stops), (frame, given) in zip(
        drawn(rng, OUTINGS, len(frames)), frames, strict=True
    ):
        start, walk = rng.choice([9 * 60 + 30, 10 * 60, 10 * 60 + 45]), rng.choice([10, 15, 20])
        lines, times = timetable(start, walk, stops)
        slots = {"place": place, "start": clock(start), "walk": walk}
        slots["stops"] = "; ".join(f"{what}, {minutes} minutes" for what, minutes in stops)
        slots["Stops"] = cap(slots["stops"])
        for key, (what, minutes) in zip(("first", "second", "third"), stops, strict=True):
            slots |= {key: what, key + "_minutes": minutes}
        rows.append(
            row(
                "itinerary",
                frame.format(**slots),
                "\n".join(lines),
                given.format(**slots),
                has(*times),
            )
        )
    frames = [
        ("Three days {where} {place}, one line a day, nothing strenuous.", ""),
        (
            "Suggest a plan with one activity and one evening for each day, a line apiece, labelled Day 1 to Day 3. Travel happens on the first and the last day.",
            "Two friends, both over sixty, no car. Destination: {place}. They enjoy food, views and being in bed by ten.",
        ),
    ]
    for (where, place, days), (frame, given) in zip(
        drawn(rng, PLACES_AWAY, len(frames)), frames, strict=True
    ):
        text = "\n".join(
            f"Day {k}: {cap(by_day)}; in the evening, {evening}."
            for k, (by_day, evening) in enumerate(days, 1)
        )
        rows.append(
            row(
                "itinerary",
                frame.format(where=where, place=place),
                text,
                given.format(place=place),
                "lines:3",
            )
        )
    return rows


# --- given words --------------------------------------------------------------------------------

BEASTS = [
    ("heron", "a heron stood on the {spot}, looking like someone who has been told to wait"),
    ("goat", "a goat had got as far as the {spot} and saw no reason to turn back"),
    ("owl", "an owl sat on the {spot}, wide awake and not at all surprised"),
    ("hedgehog", "a hedgehog was crossing the {spot} at the speed of a clock"),
]
SPOTS = [
    ("fog", "bridge", "The fog had swallowed the town by six, and"),
    ("frost", "platform", "There was frost on everything, and"),
    ("moonlight", "lawn", "The moonlight was so bright that nobody could sleep, and"),
    ("drizzle", "bandstand", "All afternoon it had been drizzle and nothing else, and"),
]
OBJECTS = [
    (
        "trumpet",
        "{n} lowered the trumpet, because there are audiences one doesn't play wrong notes for.",
    ),
    ("suitcase", "{n} put down the suitcase and decided that the journey could begin tomorrow."),
    ("teapot", "{n}, who had only come out to empty the teapot, went back in for two cups."),
    ("bicycle", "{n} got off the bicycle, took off the helmet and said good evening."),
]


def given_words(rng: random.Random) -> list[dict]:
    """Two-sentence stories that use a weather, a place, an animal and an object."""
    frames = [
        ("Two sentences that contain these four words, please.", "{words}"),
        (
            "Which little story could hold all of these words? At most {limit} words, and the person in it should be called {n}.",
            "{words}",
        ),
        (
            "Every morning my writing group warms up with four words picked out of a hat, and today I have drawn {words}. Show me what you would do with them in two sentences that belong together, funny rather than deep, with somebody named {n}.",
            "",
        ),
        (
            "Vocabulary practice with a difference: fit the listed nouns into a miniature of no more than {limit} words that makes sense from beginning to end. Each is to be used once, unchanged, and the animal has to be treated with respect.",
            "{words}. Main character: {n}.",
        ),
    ]
    rows = []
    people, spots, objects = (drawn(rng, table, len(frames)) for table in (NAMES, SPOTS, OBJECTS))
    for (beast, acts), (n, _, _), (sky, spot, opening), (thing, ends), (frame, given) in zip(
        drawn(rng, BEASTS, len(frames)), people, spots, objects, frames, strict=True
    ):
        text = f"{opening} {acts.format(spot=spot)}. {ends.format(n=n)}"
        keys = rng.sample([sky, spot, beast, thing], 4)
        slots = {"words": ", ".join(keys) if given else listed(keys), "n": n, "limit": limit(text)}
        rows.append(
            row("given_words", frame.format(**slots), text, given.format(**slots), has(*keys))
        )
    return rows


# --- all ----------------------------------------------------------------------------------------

WRITERS: list[Callable[[random.Random], list[dict]]] = [
    story_opening,
    poem,
    haiku,
    acrostic,
    dialogue,
    email,
    invitation,
    apology,
    thank_you_note,
    product_description,
    slogan,
    social_post,
    recipe_steps,
    packing_list,
    brainstorm,
    naming,
    character_sketch,
    scene_description,
    complaint_letter,
    announcement,
    riddle,
    interview_questions,
    itinerary,
    given_words,
]


def rows(rng: random.Random) -> list[dict]:
    """The 100 generated rows, each sub-type from a generator of its own."""
    return [made for write in WRITERS for made in write(random.Random(rng.getrandbits(64)))]
