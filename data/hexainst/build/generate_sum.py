"""The generated half of the summarization rows (100 of 200).

Each function makes the rows of one sub-type. It draws structured data (an event, a match, a
meeting, a forecast, a journey ...), tells it in a passage with asides and in varied order, and
derives the summary and its checker from the same data. ``_compose`` pairs wordings ("frames") with
data; a frame is ``(instruction, passage, response, checker)``, in which ``{slot}`` is filled from
the data, ``{slot!c}`` with a capital first letter, and ``{limit}`` is a word limit that the
response keeps (checker ``WITHIN``).
"""

import random
import string

Row = dict[str, str]
Frame = tuple[str, str, str, str]

WITHIN = "words:1-{limit}"
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NUMBERS = "zero one two three four five six seven eight nine ten".split()
NAMES = (
    "Amina Bruno Chidi Dilara Emre Farah Goran Hana Isak Jelena Kofi Linnea Mateo Nadia Omar Paola Quentin Rosa "
    "Samir Tuva Umberto Vera Wanda Xenia Yusuf Zofia"
).split()
PLACES = (
    "Tessin Oakhaven Kirkholm Arvida Brenna Dunmore Elvas Fjordby Halden Lomas Morava Navia".split()
)


class _Slots(string.Formatter):
    """``str.format`` with one more conversion, ``!c``: capital first letter."""

    def convert_field(self, value, conversion):
        if conversion == "c":
            return str(value)[:1].upper() + str(value)[1:]
        return super().convert_field(value, conversion)


_fill = _Slots().format


def _row(rng: random.Random, subtype: str, frame: Frame, facts: dict) -> Row:
    """One row: the frame's four texts filled from the facts."""
    instruction, passage, response, checker = frame
    response = _fill(response, **facts)
    facts = {**facts, "limit": len(response.split()) + rng.randint(0, 2)}
    return {
        "subtype": subtype,
        "instruction": _fill(instruction, **facts),
        "input": _fill(passage, **facts),
        "response": response,
        "checker": _fill(checker, **facts),
    }


def _compose(rng: random.Random, subtype: str, frames: list[Frame], facts: list[dict]) -> list[Row]:
    """A row per frame, each with its own draw from the facts."""
    drawn = rng.sample(facts, len(frames))
    return [_row(rng, subtype, f, d) for f, d in zip(frames, drawn, strict=True)]


def _paired(rng: random.Random, subtype: str, cases: list[tuple[Frame, dict]]) -> list[Row]:
    """Rows of frames that come with their own facts."""
    return [_row(rng, subtype, frame, facts) for frame, facts in cases]


def _shuffled(rng: random.Random, items: list) -> list:
    return rng.sample(items, len(items))


def _bullets(points: list[str], mark: str = "- ") -> str:
    return "\n".join(mark + point[:1].upper() + point[1:] for point in points)


def news_gist(rng: random.Random) -> list[Row]:
    keys = ("place", "event", "effect", "aside", "later", "key")
    table = [
        (
            "Marlow Bay",
            "a runaway goat stopped the morning train",
            "two hundred commuters arrived late",
            "The driver lured the animal away with his sandwich",
            "Trains ran normally by ten",
            "goat",
        ),
        (
            "Tessin",
            "a burst water main flooded the market square",
            "all stalls had to close",
            "A fishmonger joked that his stock had never felt so at home",
            "Repairs will take several days",
            "water main",
        ),
        (
            "Oakhaven",
            "workers digging a cellar found a Roman mosaic",
            "building has stopped",
            "A crowd gathered at the fence within the hour",
            "Archaeologists are to examine the floor next week",
            "mosaic",
        ),
        (
            "Kirkholm",
            "a class of ten-year-olds collected four tonnes of waste paper",
            "the school can now buy a telescope",
            "Their teacher had expected half a tonne",
            "It will be set up on the roof in May",
            "paper",
        ),
        (
            "Port Ansel",
            "lightning struck the radio mast",
            "the island was without telephone for six hours",
            "A postman carried messages by bicycle",
            "A second mast is planned",
            "lightning",
        ),
    ]
    facts = [{**dict(zip(keys, line, strict=True)), "day": rng.choice(DAYS)} for line in table]
    frames = [
        (
            "What is the news from {place} in one sentence?",
            "On {day} {event} in {place}. {aside}. As a result, {effect}. {later}.",
            "{event!c} in {place} on {day}; as a result, {effect}.",
            "contains:{place}|{key}",
        ),
        (
            "An editor in a hurry asks who, what and where. Give her one line.",
            "{place}, {day}: Nobody here will forget how {event}. {aside}.",
            "{event!c} in {place} on {day}.",
            "contains:{place}|{key}",
        ),
        (
            "I missed the paper. Tell me in up to {limit} words why {place} is in it.",
            "Residents of {place} rubbed their eyes on {day} when {event}. {aside}, and {effect}.",
            "{event!c}, and {effect}.",
            WITHIN,
        ),
        (
            "Shorten this for the lunchtime bulletin, without the anecdote.",
            "This morning {event} in {place}, and {effect}. {aside}. {later}, the mayor told our reporter.",
            "{event!c} in {place} this morning, and {effect}.",
            "contains:{place}|{key}",
        ),
    ]
    return _compose(rng, "news_gist", frames, facts)


def headline(rng: random.Random) -> list[Row]:
    winner, loser = rng.sample(["Halden Rovers", "Navia United", "Brenna Hawks", "Lomas City"], 2)
    score = rng.randint(24, 31)
    match = {
        "a": winner,
        "b": loser,
        "x": score,
        "y": score - rng.randint(1, 4),
        "day": rng.choice(DAYS[4:]),
    }
    building = rng.choice(["swimming pool", "theatre", "railway museum"])
    opening = {"place": rng.choice(PLACES), "thing": building, "day": rng.choice(DAYS)}
    doing, item = rng.choice(
        [
            ("digging up potatoes", "Bronze Age ring"),
            ("walking her dog", "Viking coin"),
            ("clearing an attic", "lost Chopin letter"),
        ]
    )
    find = {
        "name": rng.choice(["Amina Diallo", "Vera Novak", "Rosa Lindqvist"]),
        "doing": doing,
        "item": item,
    }
    contest = rng.choice(["regional chess open", "national baking prize", "harbour swim"])
    win = {
        "name": rng.choice(["Kofi Mensah", "Tuva Strand", "Emre Kaya"]),
        "age": rng.randint(12, 15),
        "contest": contest,
        "n": rng.randint(31, 68),
    }
    return _paired(
        rng,
        "headline",
        [
            (
                (
                    "Handball headline, please, with both teams and the score:",
                    "{b} led for forty minutes on {day}, but {a} won {x} to {y}.",
                    "{a} beat {b} {x}–{y}",
                    "contains:{a}|{b}|{x}|{y}",
                ),
                match,
            ),
            (
                (
                    "For the front page, {limit} words at most:",
                    "After four years of scaffolding and postponed dates, {place}'s long-awaited {thing} finally opens on {day}.",
                    "{place}'s {thing} opens {day}",
                    WITHIN,
                ),
                opening,
            ),
            (
                (
                    "How would you title this item?",
                    "While {doing} on Sunday, {name} found a {item}. It will be shown in the town library.",
                    "{name} finds {item}",
                    "contains:{item}",
                ),
                find,
            ),
            (
                (
                    "Our column is narrow: title this in {limit} words or fewer.",
                    "Against {n} rivals, some of them three times as old, {age}-year-old {name} won the {contest}.",
                    "{name}, {age}, wins {contest}",
                    WITHIN,
                ),
                win,
            ),
        ],
    )


def email_gist(rng: random.Random) -> list[Row]:
    asks = [
        ("return the key to the rowing shed", "another crew trains at the weekend", "key"),
        (
            "send the logo in a larger format",
            "the printer is about to start on the banners",
            "logo",
        ),
        ("confirm the number of guests", "the cook has to order the fish", "guests"),
        ("check the subtitles of the second film", "the festival copies it overnight", "subtitles"),
        ("collect the repaired violin", "the workshop closes for the holidays", "violin"),
    ]
    polite = [
        "the garden survived the storm",
        "the move went smoothly",
        "the lake was warm enough for swimming",
        "the twins are enjoying school",
        "the new neighbours are quiet",
    ]
    people, polite = rng.sample(NAMES, 10), _shuffled(rng, polite)
    facts = [
        {
            "ask": ask,
            "why": why,
            "key": key,
            "to": people[2 * i],
            "sender": people[2 * i + 1],
            "polite": polite[i],
            "day": rng.choice(DAYS[:5]),
        }
        for i, (ask, why, key) in enumerate(asks)
    ]
    frames = [
        (
            "What is {sender} after? Tell {to} in a sentence.",
            "Dear {to}, I hope {polite}. Would you be so kind as to {ask} by {day}, since {why}? Many thanks, {sender}",
            "{sender} asks you to {ask} by {day}, because {why}.",
            "contains:{sender}|{key}|{day}",
        ),
        (
            "My watch shows only {limit} words of a message. Squeeze this in.",
            "Hello {to}, could you {ask} by {day}? You see, {why}. {sender}",
            "{sender}: please {ask} by {day}.",
            WITHIN,
        ),
        (
            "Sort my inbox: this mail as one line that starts with the sender's name.",
            "Hi {to}! Lovely to see you on the ferry. A reminder: {why}, so please {ask} before {day} is over. Best, {sender}",
            "{sender} needs you to {ask} by {day}.",
            "contains:{sender}|{key}|{day}",
        ),
        (
            "Anything for me to do here, and by when?",
            "Hello {to}, {why}, and that means you would have to {ask} by {day}. Sorry! {sender}",
            "Yes: {ask} by {day}.",
            "contains:{key}|{day}",
        ),
    ]
    return _compose(rng, "email_gist", frames, facts)


def meeting_decisions(rng: random.Random) -> list[Row]:
    groups = [
        (
            "rowing club",
            [
                (
                    "The paint on the boathouse is peeling",
                    "repaint the boathouse in May",
                    "boathouse",
                ),
                (
                    "Two lakes were suggested for the summer camp",
                    "hold the summer camp at Lake Orta",
                    "Orta",
                ),
                ("Costs have risen", "leave the fees unchanged", "fees"),
            ],
        ),
        (
            "film society",
            [
                ("The old seats were called a torture", "buy forty cushions", "cushions"),
                (
                    "Several members asked for older films",
                    "show a silent film every month",
                    "silent",
                ),
                ("The projector is noisy", "have the projector serviced", "projector"),
            ],
        ),
        (
            "street committee",
            [
                (
                    "Last year's party clashed with the marathon",
                    "hold the party on 14 June",
                    "14 June",
                ),
                (
                    "Parking on the pavement was criticised",
                    "ask the town for flower tubs",
                    "flower",
                ),
                ("Nobody likes the noticeboard", "build a new noticeboard", "noticeboard"),
            ],
        ),
        (
            "parents' council",
            [
                ("The playground lacks shade", "plant six maples", "maples"),
                (
                    "The tombola raised less than hoped",
                    "replace the tombola with a flea market",
                    "flea market",
                ),
                ("Many children arrive by car", "start a walking bus in September", "walking bus"),
            ],
        ),
        (
            "beekeepers' association",
            [
                ("Jars have become dear", "order jars together with the neighbours", "jars"),
                (
                    "New members know little about swarms",
                    "offer a course on swarms in April",
                    "swarms",
                ),
                (
                    "The honey show was badly attended",
                    "move the honey show to the town hall",
                    "town hall",
                ),
            ],
        ),
    ]
    settled = [
        "{0}; it was agreed to {1}.",
        "{0}, so the meeting voted to {1}.",
        "{0}. Decision: to {1}.",
    ]
    open_ends = [
        "{0}, but opinions differed and no vote was taken.",
        "{0}; this was put off until autumn.",
    ]
    facts = []
    for group, items in groups:
        topics, parts = _shuffled(rng, items), rng.sample(settled, 2)
        loser = rng.randrange(3)
        parts.insert(loser, rng.choice(open_ends))
        done = [topic for i, topic in enumerate(topics) if i != loser]
        text = " ".join(part.format(*topic) for part, topic in zip(parts, topics, strict=True))
        facts.append(
            {
                "group": group,
                "text": text,
                "first": done[0][1],
                "second": done[1][1],
                "keys": f"{done[0][2]}|{done[1][2]}",
                "name": rng.choice(NAMES),
            }
        )
    frames = [
        (
            "What did the {group} decide? Skip everything that was merely talked about.",
            "{text}",
            "They decided to {first} and to {second}.",
            "contains:{keys}",
        ),
        (
            "Members want last night's results as bullets, one per decision.",
            "Minutes of the {group}. {name} apologised for the cold. {text} The evening ended with soup.",
            "- {first!c}\n- {second!c}",
            "lines:2",
        ),
        (
            "Write one sentence about the {group} for the parish letter, with the firm results only.",
            "{text} {name} showed slides of Iceland.",
            "The {group} has agreed to {first} and to {second}.",
            "contains:{group}|{keys}",
        ),
        (
            "How many questions were settled by the {group}, and how?",
            "{name} took the chair. {text}",
            "Two: it will {first} and {second}.",
            "contains:two|{keys}",
        ),
    ]
    return _compose(rng, "meeting_decisions", frames, facts)


def review_gist(rng: random.Random) -> list[Row]:
    keys = ("product", "good", "bad", "plus", "minus", "key", "key2")
    table = [
        (
            "pizza stone",
            "bases come out crisp in six minutes",
            "it takes an hour to heat",
            "crisp bases",
            "slow to heat",
            "crisp",
            "heat",
        ),
        (
            "folding chair",
            "it is as light as a newspaper",
            "the fabric faded in one summer",
            "very light",
            "the fabric fades",
            "light",
            "fabric",
        ),
        (
            "desk lamp",
            "the light is warm and even",
            "the switch broke after a week",
            "warm, even light",
            "fragile switch",
            "warm",
            "switch",
        ),
        (
            "backpack",
            "every pocket is where I want it",
            "the zip jams in the cold",
            "well-placed pockets",
            "the zip jams in the cold",
            "pocket",
            "zip",
        ),
        (
            "hand mixer",
            "cream stiffens in a minute",
            "the noise wakes the whole house",
            "fast",
            "very loud",
            "cream",
            "noise",
        ),
    ]
    facts = [
        {**dict(zip(keys, line, strict=True)), "n": rng.choice(NUMBERS[3:9])} for line in table
    ]
    frames = [
        (
            "The gist, {limit} words at most:",
            "I use this {product} every day. {good!c}, but {bad}.",
            "{plus!c}, but {minus}.",
            WITHIN,
        ),
        (
            "Would this reviewer buy the {product} again, and why?",
            "I have had this {product} for {n} months. Yes, {bad}. Yet {good}, and I would order it again tomorrow.",
            "Yes, because {good}, even though {bad}.",
            "contains:yes|{key}",
        ),
        (
            "Our shop page shows one plus and one minus. Extract them, each on its own line.",
            "I chose this {product} for the colour alone, but {good}, as even my sister admits. What annoys me is that {bad}.",
            "+ {plus!c}\n- {minus!c}",
            "lines:2",
        ),
        (
            "Cut the comment by this {product} owner down to its verdict, {limit} words at most.",
            "Three stars. {good!c}; the catch is that {bad}.",
            "Mixed: {plus}, but {minus}.",
            WITHIN,
        ),
    ]
    return _compose(rng, "review_gist", frames, facts)


def plot_summary(rng: random.Random) -> list[Row]:
    keys = ("hero", "who", "goal", "trouble", "helper", "rescue", "key")
    table = [
        (
            "Ngozi",
            "a young clockmaker",
            "mend the tower clock before the king's visit",
            "the clock's smallest wheel rolls into the river",
            "a heron",
            "fishes the lost wheel out of the water",
            "heron",
        ),
        (
            "Ivo",
            "a shepherd boy",
            "play at the great music contest",
            "a storm carries off his flute",
            "his oldest sheep",
            "finds the flute in a thorn bush",
            "sheep",
        ),
        (
            "Mei",
            "a ship's cook",
            "sail home in time for her sister's wedding",
            "the captain loses the only map",
            "the ship's parrot",
            "recites the whole course from memory",
            "parrot",
        ),
        (
            "Rosalind",
            "a retired spy",
            "grow the largest pumpkin in the county",
            "somebody starts salting her garden at night",
            "the vicar's dog",
            "catches the salter in the act",
            "dog",
        ),
        (
            "Anouk",
            "a snow-plough driver",
            "deliver a piano across the pass",
            "an avalanche buries the road",
            "a stranded choir",
            "digs the road free in one night",
            "choir",
        ),
    ]
    frames = [
        (
            "Sum up this bedtime story in one sentence for the back cover.",
            "{hero} is {who} and wants, more than anything, to {goal}. Then {trouble}. Friends shrug, an uncle laughs, the mayor writes a sad poem. At last {helper} {rescue}, and the mayor has to write another one.",
            "Although {trouble}, {hero} can {goal}, because {helper} {rescue}.",
            "contains:{hero}|{key}",
        ),
        (
            "Who solves the problem here, and how?",
            "{hero}, {who}, is about to {goal} when {trouble}. {helper!c} {rescue}.",
            "{helper!c} {rescue}.",
            "contains:{key}",
        ),
        (
            "Pitch this film in {limit} words or fewer; keep the ending secret.",
            "Scene one: {hero}, {who}, swears to {goal}. Scene two: {trouble}. Scene three: {helper} {rescue}, and everybody dances.",
            "{hero}, {who}, is set to {goal}, until {trouble}.",
            WITHIN,
        ),
        (
            "A pen pal asks what my comic is about. Tell her in two sentences.",
            "Page 1 shows {hero}, {who}, dreaming of a chance to {goal}. On page 2 {trouble}; rain falls, a violin plays. Page 3: {helper} {rescue}. Page 4: cake for all.",
            "{hero} hopes to {goal}. When {trouble}, {helper} {rescue}.",
            "contains:{hero}|{key}",
        ),
    ]
    return _compose(
        rng, "plot_summary", frames, [dict(zip(keys, line, strict=True)) for line in table]
    )


def dialogue_summary(rng: random.Random) -> list[Row]:
    names = rng.sample(NAMES, 8)
    first = rng.randrange(5)
    plan = {
        "a": names[0],
        "b": names[1],
        "no": DAYS[first],
        "yes": DAYS[first + 2],
        "hour": rng.choice(NUMBERS[4:8]),
        "what": rng.choice(["paint the fence", "rehearse the duet", "try out the kayak"]),
    }
    offer = 5 * rng.randint(3, 8)
    bargain = {
        "item": rng.choice(["brass lamp", "rocking chair", "globe"]),
        "ask": offer + 20,
        "offer": offer,
        "mid": offer + 10,
    }
    spots = rng.sample(
        [
            "in the bread bin",
            "behind the piano",
            "under the dog's blanket",
            "in the laundry basket",
        ],
        3,
    )
    lost = {
        "a": names[2],
        "b": names[3],
        "c": names[4],
        "thing": rng.choice(["garage key", "opera ticket", "tape measure"]),
        "s1": spots[0],
        "s2": spots[1],
        "s3": spots[2],
    }
    call = {
        "a": names[5],
        "b": names[6],
        "c": names[7],
        "matter": rng.choice(
            ["the leaking boat", "the choir's invoice", "the broken greenhouse pane"]
        ),
        "back": rng.choice(NUMBERS[3:6]),
        "by": rng.choice(["seven", "eight", "half past six"]),
    }
    return _paired(
        rng,
        "dialogue_summary",
        [
            (
                (
                    "When are they meeting, and what for?",
                    "{a}: Are you free on {no} to {what}?\n{b}: No, my parents are coming. How about {yes}?\n{a}: After {hour}?\n{b}: {hour!c} sharp.",
                    "On {yes} at {hour}, to {what}.",
                    "contains:{yes}",
                ),
                plan,
            ),
            (
                (
                    "Sum up the bargaining, with item and final price.",
                    "Buyer: How much is the {item}?\nSeller: {ask} euros.\nBuyer: I thought {offer}.\nSeller: {mid}, and you carry it yourself.\nBuyer: Done.",
                    "The {item}, first offered at {ask} euros, was sold for {mid}.",
                    "contains:{item}|{mid}",
                ),
                bargain,
            ),
            (
                (
                    "Never mind the whole chat: where was the {thing} in the end?",
                    "{a}: Has anybody seen the {thing}? It isn't {s1}.\n{b}: Did you look {s2}?\n{a}: Twice!\n{c}: Found it. It was {s3}, of all places.",
                    "{c} found the {thing} {s3}.",
                    "contains:{s3}",
                ),
                lost,
            ),
            (
                (
                    "{b} was out. Make a note of at most {limit} words.",
                    "{a}: Is {b} there?\n{c}: Not before {back}, I'm afraid.\n{a}: It's about {matter}. I'm at home until {by}, if {b} could ring back.",
                    "{a} called about {matter}; ring back before {by}.",
                    WITHIN,
                ),
                call,
            ),
        ],
    )


def steps_gist(rng: random.Random) -> list[Row]:
    fry, simmer = rng.choice([5, 8, 10]), rng.choice([20, 25, 30])
    veg, liquid, finish, wet, last = rng.choice(
        [
            ("leeks", "a litre of stock", "stir in a spoonful of mustard", "stock", "mustard"),
            ("courgettes", "two tins of tomatoes", "add a handful of basil", "tomatoes", "basil"),
            ("mushrooms", "half a litre of cream", "season with nutmeg", "cream", "nutmeg"),
        ]
    )
    soup = {
        "g": rng.choice([300, 400, 600]),
        "veg": veg,
        "fry": fry,
        "simmer": simmer,
        "liquid": liquid,
        "finish": finish,
        "wet": wet,
        "last": last,
        "total": fry + simmer,
    }
    device, steps = rng.choice(
        [
            (
                "coffee grinder",
                [
                    ("unplug", "the machine, even if you trust it"),
                    ("brush", "the old powder out of the burrs"),
                    ("wipe", "the hopper with a dry cloth"),
                    ("reassemble", "everything in the order shown overleaf"),
                ],
            ),
            (
                "aquarium filter",
                [
                    ("stop", "the pump before you open the lid"),
                    ("rinse", "the sponge in water from the tank, never from the tap"),
                    ("replace", "the white wool if it has turned brown"),
                    ("restart", "the pump and listen for air"),
                ],
            ),
        ]
    )
    label = {
        "device": device,
        "text": ". ".join(f"{v.capitalize()} {rest}" for v, rest in steps),
        "verbs": ", ".join(v for v, _ in steps),
        "parts": "|".join(v for v, _ in steps),
    }
    bulb, month, depth, gap = rng.choice(
        [
            ("tulips", "October", 15, 10),
            ("crocuses", "September", 8, 6),
            ("daffodils", "September", 15, 12),
        ]
    )
    garden = {"bulb": bulb, "month": month, "depth": depth, "gap": gap}
    loaf = {
        "loaf": rng.choice(["rye loaf", "plaited loaf", "walnut bread"]),
        "k": rng.choice([8, 10, 12]),
        "r": rng.choice([60, 75, 90]),
        "t": rng.choice([190, 200, 220]),
        "b": rng.choice([35, 40, 45]),
    }
    return _paired(
        rng,
        "steps_gist",
        [
            (
                (
                    "One line, please, with the total cooking time.",
                    "Chop {g} g of {veg} and fry them gently for {fry} minutes. Pour in {liquid} and let it simmer for {simmer} minutes. Finally {finish}.",
                    "Fry {veg} {fry} min, add {wet}, simmer {simmer} min, add {last}: {total} minutes in all.",
                    "contains:{veg}|{total}",
                ),
                soup,
            ),
            (
                (
                    "Only the verbs, comma-separated, for a sticker on the {device}:",
                    "{text}.",
                    "{verbs}",
                    "contains:{parts}",
                ),
                label,
            ),
            (
                (
                    "A child is to plant the {bulb}. Make three short numbered steps of this.",
                    "In {month}, dig holes {depth} cm deep and {gap} cm apart. Put one bulb into each, pointed end up. Fill in the earth and water well. Then be patient: nothing will show before spring.",
                    "1. Dig holes {depth} cm deep, {gap} cm apart.\n2. One bulb in each, point up.\n3. Cover and water.",
                    "lines:3",
                ),
                garden,
            ),
            (
                (
                    "What has to be done to the {loaf}, with times? No chatter.",
                    "Knead the dough for {k} minutes; put on some music. Cover it and let it rise for {r} minutes. Shape it and bake it at {t} degrees for {b} minutes.",
                    "Knead {k} min, let rise {r} min, shape, bake {b} min at {t} degrees.",
                    "contains:{k} min|{r}|{t}|{b}",
                ),
                loaf,
            ),
        ],
    )


def abstract_plain(rng: random.Random) -> list[Row]:
    shares = [(20, "a fifth"), (25, "a quarter"), (33, "a third")]
    table = [
        (
            "mass gain in Sturnus vulgaris nestlings",
            "lower",
            "sustained traffic noise",
            "Young starlings gain about {share} less weight where traffic is always loud.",
            "starlings",
        ),
        (
            "root biomass of Quercus robur seedlings",
            "higher",
            "mycorrhizal inoculation",
            "Young oaks grow about {share} more root when helpful fungi are added to their soil.",
            "oak",
        ),
        (
            "lumbricid density in arable plots",
            "higher",
            "reduced tillage",
            "Fields that are ploughed less contain about {share} more earthworms.",
            "worms",
        ),
        (
            "flexural strength of laminated timber beams",
            "lower",
            "cyclic humidification",
            "Glued wooden beams lose about {share} of their strength when they are dampened again and again.",
            "beams",
        ),
        (
            "aerodynamic drag on the trailing cyclist",
            "lower",
            "close-formation riding",
            "A cyclist who rides close behind others meets about {share} less air resistance.",
            "cyclist",
        ),
    ]
    facts = []
    for measure, direction, factor, plain, key in table:
        percent, share = rng.choice(shares)
        facts.append(
            {
                "measure": measure,
                "direction": direction,
                "factor": factor,
                "percent": percent,
                "n": rng.randint(24, 96),
                "plain": plain.format(share=share),
                "key": key,
            }
        )
    frames = [
        (
            "Translate the finding into everyday English.",
            "{measure!c} was {percent}% {direction} under {factor} than in controls (n = {n}, p < 0.01).",
            "{plain}",
            "contains:{key}",
        ),
        (
            "Which plain sentence could a newspaper print instead of this abstract? No abbreviations, please.",
            "Previous work on the effects of {factor} has yielded conflicting results. In a preregistered experiment (n = {n}) we found {measure} to be {percent}% {direction} in the treatment group, an effect robust to the exclusion of outliers. Implications for future research are discussed.",
            "{plain}",
            "contains:{key}",
        ),
        (
            "My uncle loves documentaries but hates jargon. How would you tell him this result?",
            "We report that {factor} was associated with a {measure} {percent}% {direction} than the baseline ({n} replicates). The underlying mechanism was not investigated in this study.",
            "{plain}",
            "contains:{key}",
        ),
        (
            "For the podcast intro, put the outcome into words one could use at a bus stop, {limit} at the most.",
            "Objective: to assess the influence of {factor}. Methods: {n} paired measurements. Results: {measure} proved {percent}% {direction} than in the reference condition. Conclusions: replication appears desirable.",
            "{plain}",
            WITHIN,
        ),
    ]
    return _compose(rng, "abstract_plain", frames, facts)


def weather_brief(rng: random.Random) -> list[Row]:
    start = rng.randrange(5)
    days = DAYS[start : start + 3]
    skies = _shuffled(
        rng, [("bright sunshine", 24, 29), ("light cloud", 18, 22), ("heavy rain", 12, 16)]
    )
    temps = [rng.randint(low, high) for _, low, high in skies]
    outlook = "; ".join(
        f"{d}: {s[0]}, {t} degrees" for d, s, t in zip(days, skies, temps, strict=True)
    )
    best, worst = (
        next(i for i, s in enumerate(skies) if s[0] == what)
        for what in ("bright sunshine", "heavy rain")
    )
    three = {"outlook": outlook, "warm": days[best], "top": temps[best], "wet": days[worst]}
    before, after = rng.choice(
        [("rain", "sun"), ("fog", "sunshine"), ("sleet", "snow"), ("drizzle", "thunder")]
    )
    winds = rng.sample([6, 9, 14, 22, 28], 3)
    calm = winds.index(min(winds))
    wind = {
        "d": DAYS[4:],
        "w": winds,
        "day": DAYS[4:][calm],
        "least": min(winds),
        "what": rng.choice(["fly the balloon", "hang the bunting", "paddle across the lake"]),
    }
    rain = [rng.choice([0, 0, 2, 3, 5, 8]) for _ in range(6)] + [4]
    low, high = rng.randint(3, 7), rng.randint(15, 19)
    told = ", ".join(f"{d} {mm} mm" if mm else f"{d} dry" for d, mm in zip(DAYS, rain, strict=True))
    wet = sum(mm > 0 for mm in rain)
    week = {
        "told": told,
        "sum": sum(rain),
        "wet": NUMBERS[wet],
        "s": "s" * (wet != 1),
        "low": low,
        "high": high,
    }
    return _paired(
        rng,
        "weather_brief",
        [
            (
                (
                    "Sum up the outlook by its warmest and its wettest day.",
                    "{outlook}.",
                    "Warmest on {warm} ({top} degrees), wettest on {wet}.",
                    "contains:{warm}|{top}|{wet}",
                ),
                three,
            ),
            (
                (
                    "Three words for the weather icon:",
                    "According to the harbour office, {before} will give way to {after} by noon, earlier inland.",
                    "{before!c}, then {after}",
                    "words:3-3",
                ),
                {"before": before, "after": after},
            ),
            (
                (
                    "We need as little wind as possible to {what}. Which day does this bulletin favour?",
                    "Good visibility. Expect {w[0]} knots on {d[0]}, {w[1]} knots on {d[1]} and {w[2]} knots on {d[2]}.",
                    "{day}, with only {least} knots of wind.",
                    "contains:{day}",
                ),
                wind,
            ),
            (
                (
                    "Our week in one sentence, please, with total rainfall and temperature range.",
                    "Rain gauge: {told}. The thermometer fell to {low} degrees before dawn on Tuesday and climbed to {high} on Thursday, when the observer ate his lunch outside.",
                    "{wet!c} wet day{s} brought {sum} mm of rain, and temperatures ranged from {low} to {high} degrees.",
                    "contains:{sum}|{high}",
                ),
                week,
            ),
        ],
    )


def key_points(rng: random.Random) -> list[Row]:
    topics = [
        (
            "compost",
            [
                (
                    "Compost feeds the soil, so less fertiliser has to be bought",
                    "feeds the soil, saves fertiliser",
                ),
                ("Like a sponge it holds water in dry weeks", "holds water in dry weeks"),
                ("It keeps kitchen scraps out of the bin", "keeps scraps out of the bin"),
                ("Earthworms, which love it, loosen the ground", "attracts soil-loosening worms"),
            ],
        ),
        (
            "hedgerows",
            [
                ("Hedgerows give birds a safe place to nest", "nesting places for birds"),
                ("They slow the wind that would dry out the fields", "slow the drying wind"),
                (
                    "On slopes, their roots keep the soil from being washed away",
                    "roots hold soil on slopes",
                ),
                ("In autumn, the berries feed thrushes and mice", "berries as autumn food"),
            ],
        ),
        (
            "owls",
            [
                (
                    "The soft fringes of their feathers let owls fly almost without a sound",
                    "soft feathers for silent flight",
                ),
                (
                    "Since their eyes cannot roll, they turn the whole head instead",
                    "turn the head, not the eyes",
                ),
                (
                    "With ears at different heights, some species can locate a mouse in the dark",
                    "uneven ears locate prey",
                ),
                ("Bones and fur are coughed up again as pellets", "cough up bones and fur"),
            ],
        ),
        (
            "paper maps",
            [
                ("Paper maps need no battery", "no battery needed"),
                ("They show a whole region at one glance", "whole region at a glance"),
                ("Notes can be pencilled right onto them", "room for pencilled notes"),
                ("Lost without a signal, a hiker still knows the way", "work without a signal"),
            ],
        ),
        (
            "night trains",
            [
                ("Whoever takes a night train saves a hotel bill", "save a hotel bill"),
                (
                    "You wake up in the middle of town, not at an airport",
                    "arrive in the town centre",
                ),
                ("They need far less energy than planes", "need less energy than planes"),
                ("There is no limit of one small bag", "room for luggage"),
            ],
        ),
    ]
    facts = []
    for topic, points in topics:
        picked = _shuffled(rng, points)
        # the first listed point names the topic, so it stays in front
        picked.insert(0, picked.pop(picked.index(points[0])))
        for n in (2, 3, 4):
            picked_n = picked[:n]
            facts.append(
                {
                    "topic": topic,
                    "n": n,
                    "count": NUMBERS[n],
                    "text": ". ".join(p for p, _ in picked_n) + ".",
                    "list": _bullets([b for _, b in picked_n]),
                }
            )
    chosen = rng.sample(range(5), 4)
    frames = [
        (
            "Slide on {topic}: {count} bullets, no full sentences.",
            "{text}",
            "{list}",
            "lines:{n}",
            4,
        ),
        (
            "Could you put her points on two short lines?",
            "Dear editor, as a gardener, hiker and grandmother I can no longer keep silent. {text} Do print this.",
            "{list}",
            "lines:{n}",
            2,
        ),
        (
            "Which points did the speaker make about {topic}? One dash for each.",
            "Good evening and welcome. {text} Now let us have the lights on and hear your questions.",
            "{list}",
            "lines:{n}",
            3,
        ),
        (
            "Notes on {topic} for a poster: as many dashes as there are facts, six words at most in each.",
            "{text}",
            "{list}",
            "lines:{n}",
            3,
        ),
    ]
    rows = []
    for index, (*frame, n) in zip(chosen, frames, strict=True):
        rows.append(_row(rng, "key_points", tuple(frame), facts[3 * index + n - 2]))
    return rows


def forum_tldr(rng: random.Random) -> list[Row]:
    keys = ("thing", "symptom", "t1", "t2", "cause", "fix", "key")
    table = [
        (
            "dishwasher",
            "left a grey film on every glass",
            "cleaned the filter",
            "changed the tablets",
            "the salt container was empty",
            "filling the salt container",
            "salt",
        ),
        (
            "bicycle",
            "clicked at every turn of the pedals",
            "oiled the chain",
            "swapped the saddle",
            "the left pedal was loose",
            "tightening the pedal",
            "pedal",
        ),
        (
            "printer",
            "pulled in three sheets at once",
            "cleaned the rollers",
            "updated the driver",
            "the paper had become damp",
            "replacing the damp paper",
            "damp",
        ),
        (
            "oven",
            "burnt everything at the back",
            "bought a thermometer",
            "turned the trays",
            "a sheet of foil was blocking the fan",
            "removing the foil",
            "foil",
        ),
        (
            "tent",
            "was wet inside every morning",
            "sealed the seams",
            "changed the groundsheet",
            "the air vents were closed",
            "opening the vents",
            "vents",
        ),
    ]
    people = rng.sample(NAMES, 3)
    extra = dict(zip(("a", "b", "c"), people, strict=True))
    facts = [{**dict(zip(keys, line, strict=True)), **extra} for line in table]
    frames = [
        (
            "TL;DR, please, for those who only want the fix.",
            "I was close to giving up on my {thing}. For weeks it {symptom}. I {t1}, then {t2}, in vain. On Sunday my aunt noticed that {cause}; {fix} was all it took.",
            "My {thing} {symptom} because {cause}; {fix} solved it.",
            "contains:{thing}|{key}",
        ),
        (
            "Where did the trouble lie? {limit} words at most.",
            "Solved! My {thing} {symptom}, although I {t1}. It turned out that {cause}.",
            "{cause!c}.",
            WITHIN,
        ),
        (
            "The search page shows one sentence per thread. Write the one for this {thing} story.",
            "Hello everyone, first post, please be kind. My {thing} used to be my brother's, and after the move it {symptom}. Somebody here said it was normal. I {t1}; my father laughed, so I {t2}. Neither helped. Then a friend looked at it for ten seconds and saw that {cause}. {fix!c} did the trick. Ten seconds!",
            "{thing!c} {symptom}; cured by {fix}.",
            "contains:{thing}|{key}",
        ),
        (
            "Whose advice helped in the end, and what was it?",
            "{a}: My {thing} {symptom}. What now?\n{b}: I {t1} when mine did that.\n{a}: Tried it, no change.\n{c}: With mine, {cause}.\n{a}: That's it, thank you!",
            "{c}'s: {cause}.",
            "contains:{c}|{key}",
        ),
    ]
    return _compose(rng, "forum_tldr", frames, facts)


def complaint_summary(rng: random.Random) -> list[Row]:
    keys = ("item", "fault", "wish", "key")
    table = [
        ("toaster", "arrived without a plug", "a replacement", "plug"),
        ("wool blanket", "has a hole the size of a fist", "a new one", "hole"),
        ("jigsaw puzzle", "lacks four pieces", "the missing pieces", "four"),
        ("garden bench", "has one leg shorter than the others", "a matching leg", "leg"),
        ("wall calendar", "has two Februaries and no March", "a corrected copy", "March"),
    ]
    facts = [
        {
            **dict(zip(keys, line, strict=True)),
            "no": rng.randint(2100, 9800),
            "name": name,
            "day": rng.choice(DAYS[:5]),
        }
        for line, name in zip(
            table,
            rng.sample(["Mr Osei", "Ms Lindgren", "Mrs Tanaka", "Mr Moreau", "Ms Rossi"], 5),
            strict=True,
        )
    ]
    frames = [
        (
            "Register this: order number, fault, wish.",
            "I have never been so disappointed! My {item} (order {no}) {fault}. My children wept, my husband laughed. I expect {wish} by {day}.",
            "Order {no}: {item} {fault}; wish: {wish} by {day}.",
            "contains:{no}|{key}|{day}",
        ),
        (
            "The hotline agent has {limit} words to describe the problem. Which?",
            "Honestly, it is hard to stay calm: the {item} you sent me {fault}.",
            "The {item} {fault}.",
            WITHIN,
        ),
        (
            "Summarize calmly for the manager what {name} is unhappy about and would like.",
            "To whom it may concern, I have been a customer since your shop was a stall. On {day} I unpacked my {item}, and what did I see? It {fault}. I am not asking for flowers, I am not asking for a speech. All I want is {wish}, and soon. Yours, {name}",
            "{name}'s {item} {fault}; {name} would like {wish} soon.",
            "contains:{name}|{key}",
        ),
        (
            "What does {name} want us to send?",
            "{name} rang again, rather loud this time. As we know, the {item} {fault}. Money back is not enough; it has to be {wish}.",
            "{wish!c}, because the {item} {fault}.",
            "contains:{key}",
        ),
    ]
    return _compose(rng, "complaint_summary", frames, facts)


def biography_line(rng: random.Random) -> list[Row]:
    keys = ("name", "pron", "a_job", "deed", "key")
    table = [
        ("Ilona Varga", "she", "a glassmaker", "invented a bottle that never drips", "bottle"),
        ("Kwame Asante", "he", "a mapmaker", "charted the caves of Bero", "caves"),
        (
            "Signe Dahl",
            "she",
            "a schoolteacher",
            "discovered a comet from her kitchen window",
            "comet",
        ),
        (
            "Rafael Ortiz",
            "he",
            "an engineer",
            "built the first footbridge across the Lora gorge",
            "bridge",
        ),
        ("Yuki Arai", "she", "a botanist", "described forty-one new mosses", "mosses"),
    ]
    habits = [
        "kept geese",
        "slept four hours a night",
        "never owned a clock",
        "played the tuba",
        "collected umbrellas",
    ]
    facts = []
    for line, place, habit in zip(
        table, rng.sample(PLACES, 5), _shuffled(rng, habits), strict=True
    ):
        born = rng.randint(1820, 1890)
        age = rng.randint(24, 47)
        facts.append(
            {
                **dict(zip(keys, line, strict=True)),
                "job": line[2].split()[1],
                "place": place,
                "habit": habit,
                "born": born,
                "year": born + age,
                "died": born + age + rng.randint(15, 30),
                "age": age,
            }
        )
    frames = [
        (
            "One line for the birthplace plaque:",
            "{name}, {job}, was born here in {born}, {habit} and in {year} {deed}.",
            "Birthplace of {name}, who {deed}.",
            "contains:{name}|{key}",
        ),
        (
            "Roughly how old was {name} at the great moment, and what was it? Just a sentence.",
            "The child of a miller, {name} was born in {born}, trained as {a_job}, {habit} and in {year} {deed}.",
            "At about {age}, the {job} {name} {deed}.",
            "contains:{age}|{key}",
        ),
        (
            "Introduce {name} for our exhibition guide, {limit} words at most.",
            "Visitors to {place} still ask for the house of {name}, the {job} who {habit} and, in {year}, {deed}.",
            "{name}, {a_job} from {place}, {deed} in {year}.",
            WITHIN,
        ),
        (
            "Reduce the encyclopedia article to a first sentence with dates, profession and claim to fame.",
            "{name}'s parents wanted a lawyer. Born in {place} in {born}, {name} instead became {a_job}, {habit}, quarrelled with two universities and in {year} {deed}. The diaries, eleven volumes, break off shortly before {pron} died in {died}.",
            "{name} ({born}–{died}) was {a_job} who {deed}.",
            "contains:{born}|{died}|{key}",
        ),
    ]
    return _compose(rng, "biography_line", frames, facts)


def event_notice(rng: random.Random) -> list[Row]:
    table = [
        (
            "kite festival",
            "on the east beach",
            "Kites can be borrowed; children under six need a grown-up hand on the string",
            "beach",
        ),
        (
            "repair café",
            "in the old fire station",
            "Volunteers mend lamps, zips and bicycles while you drink coffee",
            "fire station",
        ),
        (
            "astronomy night",
            "on Cooper's Hill",
            "Bring a blanket and leave your torch at home",
            "Cooper's Hill",
        ),
        (
            "accordion concert",
            "in St Anne's courtyard",
            "The duo will play tangos, polkas and, on request, the weather forecast",
            "courtyard",
        ),
        (
            "seed exchange",
            "behind the greenhouse",
            "Last year somebody went home with twelve kinds of bean",
            "greenhouse",
        ),
    ]
    facts = []
    for event, where, aside, key in table:
        date = rng.randint(2, 21)
        facts.append(
            {
                "event": event,
                "where": where,
                "aside": aside,
                "key": key,
                "date": date,
                "later": date + 7,
                "month": rng.choice(["May", "July", "August"]),
                "day": rng.choice(DAYS),
                "hour": rng.choice([4, 5, 6, 7]),
            }
        )
    frames = [
        (
            "When is it, and where?",
            "Our {event} will be held {where} this {day} at {hour} pm. {aside}.",
            "This {day} at {hour} pm {where}.",
            "contains:{day}|{hour} pm|{key}",
        ),
        (
            "As a text message of {limit} words at most:",
            "We look forward to seeing you at the {event} {where} on {date} {month} at {hour} pm. {aside}.",
            "{event!c} {where}, {date} {month}, {hour} pm.",
            WITHIN,
        ),
        (
            "My aunt has no patience for long notices. Tell her just the essentials.",
            "Friends and neighbours, after the great success of last year, about which even the radio reported, the committee has the pleasure of inviting you to a second {event}. It begins at {hour} pm on {day}, {date} {month}, {where}. {aside}. Please do not park on the lawn.",
            "The second {event} is on {day}, {date} {month}, at {hour} pm {where}.",
            "contains:{event}|{date}|{month}|{key}",
        ),
        (
            "Something about the {event} has changed. What?",
            "Please note that the {event} {where}, planned for {date} {month}, takes place one week later. It still begins at {hour} pm.",
            "It has moved from {date} to {later} {month}.",
            "contains:{later} {month}",
        ),
    ]
    return _compose(rng, "event_notice", frames, facts)


def travel_log(rng: random.Random) -> list[Row]:
    stops = rng.sample(PLACES, 4)
    legs = [rng.randint(12, 48) for _ in range(3)]
    ride = {"p": stops, "k": legs, "total": sum(legs), "name": rng.choice(NAMES)}
    means = rng.sample(
        [("rowing boat", "rowed"), ("bicycle", "cycled"), ("ski", "skied"), ("foot", "walked")], 3
    )
    route = {"p": rng.sample(PLACES, 4), "v": [v for _, v in means]}
    place, sight, key = rng.choice(
        [
            ("the salt lake", "ten thousand flamingos took off at once", "flamingos"),
            ("the north cape", "the northern lights turned the snow green", "northern lights"),
            ("the old monastery", "a monk let us ring the great bell", "bell"),
        ]
    )
    high = {"place": place, "sight": sight, "key": key, "n": rng.choice(NUMBERS[3:9])}
    bad, did, key = rng.choice(
        [
            ("the left oar snapped", "paddled home with a frying pan", "oar"),
            ("a goat ate the map", "followed the river instead", "map"),
            ("the stove caught the wind and went out", "lived on raisins", "stove"),
        ]
    )
    mishap = {"bad": bad, "did": did, "key": key, "place": rng.choice(PLACES)}
    return _paired(
        rng,
        "travel_log",
        [
            (
                (
                    "How far did {name} ride altogether, and between which towns?",
                    "{name} cycled {k[0]} km from {p[0]} to {p[1]} on the first day, {k[1]} km against the wind to {p[2]} on the second and {k[2]} km downhill to {p[3]} on the third.",
                    "{total} km, from {p[0]} to {p[3]} in three days.",
                    "contains:{total}|{p[0]}|{p[3]}",
                ),
                ride,
            ),
            (
                (
                    "The route only, as place names joined by arrows:",
                    "From {p[0]} we {v[0]} to {p[1]}, where the inn was shut. Having {v[1]} on to {p[2]}, we slept in a barn and {v[2]} to {p[3]} in the morning.",
                    "{p[0]} → {p[1]} → {p[2]} → {p[3]}",
                    "contains:{p[0]}|{p[1]}|{p[2]}|{p[3]}",
                ),
                route,
            ),
            (
                (
                    "Highlight of the trip, for a photo caption?",
                    "We spent {n} days in the rain, mostly arguing about tent pegs. Then, at {place}, {sight}, and nobody mentioned pegs again.",
                    "At {place}, {sight}.",
                    "contains:{key}",
                ),
                high,
            ),
            (
                (
                    "Grandma will ask what went wrong and how we coped. Prepare my answer, {limit} words at most.",
                    "Second evening, camp near {place}. Soup excellent, mosquitoes too. We had planned to be home by Friday, but at noon {bad}. There was a vote, then some shouting; in the end we {did}. Everybody is in good spirits, except the one who packed.",
                    "{bad!c}, so we {did}.",
                    WITHIN,
                ),
                mishap,
            ),
        ],
    )


def data_trend(rng: random.Random) -> list[Row]:
    base, year = rng.choice([200, 400, 500]), rng.randint(2008, 2018)
    grow = [base, int(base * 1.2), int(base * 1.5), base * 2]
    members = {
        "y": [year + i for i in range(4)],
        "g": grow,
        "club": rng.choice(["chess club", "choir", "hiking club"]),
    }
    pages = [rng.randint(11, 16), rng.randint(17, 23)]
    classes = {
        "lo": pages[0],
        "hi": pages[1],
        "gap": pages[1] - pages[0],
        "t": rng.sample(["Ms Okoye", "Mr Brandt", "Ms Silva", "Mr Demir"], 2),
    }
    counts = sorted(rng.sample(range(8, 60), 4), reverse=True)
    fruit = rng.sample(["plum", "cherry", "apricot", "rhubarb"], 4)
    order = _shuffled(rng, list(range(4)))
    survey = {
        "told": ", ".join(f"{fruit[i]} {counts[i]}" for i in order),
        "best": fruit[0],
        "top": counts[0],
        "all": sum(counts),
        "last": fruit[3],
        "low": counts[3],
    }
    peak = rng.randint(700, 950)
    curve = {
        "m": ["May", "June", "July", "August"],
        "v": [peak - 450, peak - 200, peak, peak - 330],
        "peak": peak,
        "first": peak - 450,
        "end": peak - 330,
        "pool": rng.choice(["lido", "castle", "maze"]),
    }
    old = 50 * rng.randint(60, 90)
    cut = rng.choice([20, 30, 40])
    energy = {
        "old": f"{old:,}",
        "new": f"{old * (100 - cut) // 100:,}",
        "cut": cut,
        "what": rng.choice(["new windows", "a heat pump", "an insulated roof"]),
    }
    return _paired(
        rng,
        "data_trend",
        [
            (
                (
                    "Describe the trend in one sentence for the {club}'s annual report.",
                    "Our secretary has been through the card index. Members on 31 December, guests not counted: {y[0]}: {g[0]}, {y[1]}: {g[1]}, {y[2]}: {g[2]}, {y[3]}: {g[3]}.",
                    "Membership grew every year and doubled from {y[0]} to {y[3]}.",
                    "contains:doubled|{y[0]}|{y[3]}",
                ),
                members,
            ),
            (
                (
                    "Two classes, one reading contest: what is the upshot?",
                    "On average, the pupils of {t[0]} finished {lo} books this year; those of {t[1]} managed {hi}, although they started three weeks late.",
                    "{t[1]}'s class won with {hi} books per pupil, {gap} more than {t[0]}'s.",
                    "contains:{t[1]}|{hi}",
                ),
                classes,
            ),
            (
                (
                    "Result of our cake poll, please: winner, loser, number of votes.",
                    "Tally sheet, checked twice by both cooks: {told}. Nobody abstained, and the crumbs were shared among the birds.",
                    "Of {all} votes, {best} won most ({top}) and {last} fewest ({low}).",
                    "contains:{best}|{last}|{all}",
                ),
                survey,
            ),
            (
                (
                    "Caption for the {pool} chart, {limit} words at most:",
                    "Visitors were {v[0]} in {m[0]}, {v[1]} in {m[1]}, {v[2]} in {m[2]} and {v[3]} in {m[3]}.",
                    "Visitor numbers rose until {m[2]} ({peak}), then fell sharply.",
                    "contains:{m[2]}|{peak}",
                ),
                curve,
            ),
            (
                (
                    "Did it pay off? One line with a percentage.",
                    "Last year the house used {old} kWh of heat; after we put in {what}, it was {new}.",
                    "Yes: with {what}, heat use fell by {cut} percent.",
                    "contains:{cut}",
                ),
                energy,
            ),
        ],
    )


def policy_rule(rng: random.Random) -> list[Row]:
    hour, day = rng.choice([21, 22, 23]), rng.choice(DAYS[:5])
    keys = ("law", "rule", "key")
    table = [
        (
            f"campers shall refrain from operating audio equipment subsequent to {hour}:00",
            f"turn off your music by {hour}:00",
            f"{hour}",
        ),
        (
            "admission to the basin is conditional upon prior use of the showers",
            "shower before you swim",
            "shower",
        ),
        (
            "dogs are tolerated on the premises solely when restrained by a lead",
            "keep your dog on a lead",
            "lead",
        ),
        (
            "the removal of reference works from the library is reserved to members of staff",
            "leave reference books in the library",
            "reference",
        ),
        (
            "bicycles deposited in the stairwell are liable to removal at the owner's expense",
            "do not leave bicycles in the stairwell",
            "stairwell",
        ),
        (
            f"applications received later than {day} cannot be taken into consideration",
            f"apply by {day} at the latest",
            f"{day}",
        ),
    ]
    frames = [
        (
            "Say it in simple words:",
            "Notice, effective until further orders: {law}.",
            "{rule!c}.",
            "contains:{key}",
        ),
        (
            "The sign has room for {limit} words. What should it say?",
            "Users are hereby reminded that {law}.",
            "{rule!c}!",
            WITHIN,
        ),
        (
            "A visitor asks me what this paragraph means. What do I tell her?",
            "Section 4 (2): Notwithstanding any earlier version of these regulations, {law}. Objections may be lodged with the secretary.",
            "It simply means: {rule}.",
            "contains:{key}",
        ),
        (
            "Reword this as a friendly request that begins with “Please”.",
            "By order of the administration, {law}, irrespective of season.",
            "Please {rule}.",
            "contains:please|{key}",
        ),
    ]
    return _compose(
        rng, "policy_rule", frames, [dict(zip(keys, line, strict=True)) for line in table]
    )


def argument_claim(rng: random.Random) -> list[Row]:
    keys = ("claim", "reason", "but", "key")
    table = [
        (
            "the museum should open in the evening",
            "working people never get to see it",
            "guards would cost more",
            "evening",
        ),
        (
            "the village should keep its old lime tree",
            "no young tree will give such shade for decades",
            "its leaves clog the gutters",
            "tree",
        ),
        (
            "school should start at nine",
            "half the class is asleep at eight",
            "the buses would need a new timetable",
            "nine",
        ),
        (
            "the club should buy used boats",
            "beginners wreck new ones",
            "old hulls need more repairs",
            "used boats",
        ),
        (
            "the orchestra should play in the park",
            "most people never enter a concert hall",
            "rain may spoil a night or two",
            "park",
        ),
    ]
    facts = [
        {**dict(zip(keys, line, strict=True)), "name": name}
        for line, name in zip(table, rng.sample(NAMES, 5), strict=True)
    ]
    frames = [
        (
            "What is the main point?",
            "I have listened to you all. Since {reason}, {claim}.",
            "{claim!c}.",
            "contains:{key}",
        ),
        (
            "What is {name} calling for, and on what ground? One sentence.",
            "{name} rose. “We have talked for an hour, and my tea is cold. I say that {claim}. After all, {reason}. Thank you.”",
            "{name} thinks that {claim} because {reason}.",
            "contains:{name}|{key}",
        ),
        (
            "Strip the rhetoric and state the thesis in {limit} words or fewer.",
            "Shall we wait another generation? Shall we sit on our hands merely because {but}? No: {claim}!",
            "{claim!c}.",
            WITHIN,
        ),
        (
            "I'm preparing a debate. List this letter's thesis, its reason and the objection it admits, one per line.",
            "Sir, in all the years I have read your paper, hardly a subject has been so muddled. It is true that {but}, and I don't make light of it. But {reason}. Anyone who looks at the matter coolly will agree that {claim}.",
            "Thesis: {claim}\nReason: {reason}\nObjection: {but}",
            "lines:3",
        ),
    ]
    return _compose(rng, "argument_claim", frames, facts)


def pros_cons(rng: random.Random) -> list[Row]:
    table = [
        (
            "house by the railway",
            [
                ("the rent is low", "low rent"),
                ("the station is two minutes away", "near the station"),
            ],
            [
                ("the cups rattle at every train", "rattling trains"),
                ("there is no garden", "no garden"),
            ],
        ),
        (
            "tandem",
            [
                ("two of us get to the lake without a car", "no car needed"),
                ("nobody is left behind on the hills", "nobody left behind"),
            ],
            [
                ("it does not fit into the shed", "too long for the shed"),
                ("one of us always stares at the other's back", "poor view for one rider"),
            ],
        ),
        (
            "wood stove",
            [
                ("it works in a power cut", "works in a power cut"),
                ("the whole family gathers round it", "brings the family together"),
            ],
            [
                ("the ash must be carried out every morning", "daily ash"),
                ("the logs fill half the garage", "logs take up space"),
            ],
        ),
        (
            "food truck",
            [
                ("we could follow the festivals", "freedom to follow festivals"),
                ("no shop rent is due", "no shop rent"),
            ],
            [("winter would be quiet", "quiet winters"), ("the kitchen is tiny", "tiny kitchen")],
        ),
        (
            "piano",
            [
                ("all three children want to learn", "children want to learn"),
                ("it holds its tuning well", "stays in tune"),
            ],
            [
                ("four strong people must carry it upstairs", "hard to carry upstairs"),
                ("the neighbours have thin walls", "thin walls next door"),
            ],
        ),
    ]
    facts = []
    for thing, pros, cons in table:
        good, bad = _shuffled(rng, pros), _shuffled(rng, cons)
        facts.append(
            {
                "thing": thing,
                "g": [g for g, _ in good],
                "b": [b for b, _ in bad],
                "pro": [p for _, p in good],
                "con": [c for _, c in bad],
                "name": rng.choice(NAMES),
            }
        )
    frames = [
        (
            "Two lines, please, one headed Pros and one Cons.",
            "About the {thing}: {g[0]}, and {g[1]}. Then again, {b[0]}, not to mention that {b[1]}.",
            "Pros: {pro[0]}, {pro[1]}\nCons: {con[0]}, {con[1]}",
            "lines:2",
        ),
        (
            "What speaks for the {thing}, what against? A few words each.",
            "You ask about the {thing}. Yes, {b[0]}. But {g[0]}!",
            "For: {pro[0]}. Against: {con[0]}.",
            "none",
        ),
        (
            "Mark every advantage in {name}'s voice message with + and every drawback with -, each on its own line.",
            "So I've slept on it, badly. That {thing} we looked at: {g[0]}, which is wonderful. On the other hand {b[0]}, and you know how I am. Anyway, {g[1]}. Ring me, I'm at the dentist until four.",
            "+ {pro[0]!c}\n+ {pro[1]!c}\n- {con[0]!c}",
            "lines:3",
        ),
        (
            "Our family votes tonight. Turn the discussion into a balanced sheet: two points for, then two against, one per line.",
            "{name} wants the {thing} because {g[0]}. Mum worries that {b[0]}. Dad agrees with both, as usual, and adds that {g[1]}, whereas Grandpa, from behind his newspaper, remarks that {b[1]}.",
            "For: {pro[0]}\nFor: {pro[1]}\nAgainst: {con[0]}\nAgainst: {con[1]}",
            "lines:4",
        ),
    ]
    return _compose(rng, "pros_cons", frames, facts)


def timeline(rng: random.Random) -> list[Row]:
    y = rng.randint(1880, 1930)
    a, b = rng.randint(3, 9), rng.randint(11, 25)
    firm = {
        "what": rng.choice(["umbrella factory", "bell foundry", "brewery"]),
        "y0": y,
        "y1": y + a,
        "y2": y + a + b,
        "a": NUMBERS[a],
        "b": b,
    }
    start = rng.randint(6, 8)
    who, job = rng.choice(
        [
            ("the vet", "treats a lame goat"),
            ("the lock-keeper", "lets the first barge through"),
            ("the beekeeper", "opens the hives"),
        ]
    )
    day = {"h0": start, "h1": start + 2, "h2": start + 5, "who": who, "job": job}
    r = rng.randint(1995, 2006)
    band = {
        "name": rng.choice(["The Copper Owls", "Paper Moon Five", "Velvet Tractor"]),
        "y0": r,
        "y1": r + 2,
        "y2": r + 5,
        "y3": r + 9,
    }
    d = rng.randint(2, 9)
    month = rng.choice(["March", "May", "October"])
    bridge = {"d0": d, "d1": d + 7, "d2": d + 10, "m": month, "place": rng.choice(PLACES)}
    t = rng.randint(1740, 1790)
    tower = {"y0": t, "y1": t + 60, "y2": t + 110, "y3": t + 195, "place": rng.choice(PLACES)}
    return _paired(
        rng,
        "timeline",
        [
            (
                (
                    "List the {what}'s three milestones by year, earliest first.",
                    "Sold in {y2}, the {what} had stood idle for {b} years, ever since a fire that broke out {a} years after its foundation in {y0}.",
                    "{y0}: founded\n{y1}: fire\n{y2}: sold",
                    "lines:3",
                ),
                firm,
            ),
            (
                (
                    "Make a three-line timetable of this.",
                    "By {h2} o'clock {who} is having lunch. Breakfast was at {h0}, and two hours after that {who} {job}.",
                    "{h0}:00 breakfast\n{h1}:00 {job}\n{h2}:00 lunch",
                    "lines:3",
                ),
                day,
            ),
            (
                (
                    "For the fan page: the band's career in four dated lines.",
                    "Today {name} are history: the farewell concert took place in {y3}. Four years before, the second album had sold out in a week. The first one, recorded in a garage in {y1}, two years after the band was formed, had hardly been noticed.",
                    "{y0}: band formed\n{y1}: first album\n{y2}: second album\n{y3}: farewell concert",
                    "lines:4",
                ),
                band,
            ),
            (
                (
                    "In what order did things happen at {place} bridge? Date and event, a line for each of the three.",
                    "The repaired bridge was reopened on {d2} {m}. Engineers had needed three days for the work, which began a week after a truck damaged the railing.",
                    "{d0} {m}: truck damages railing\n{d1} {m}: repairs begin\n{d2} {m}: bridge reopened",
                    "lines:3",
                ),
                bridge,
            ),
            (
                (
                    "The tour guide needs the tower of {place} as a list of four years with keywords, oldest on top.",
                    "You are standing before the tower of {place}. Its clock was added in {y2}, its lift, to everyone's relief, in {y3}. The tower itself was begun in {y0} as a granary, and only in {y1} did the town turn it into a watchtower, after one fire too many. Please mind your heads on the stairs.",
                    "{y0}: begun as granary\n{y1}: watchtower\n{y2}: clock\n{y3}: lift",
                    "lines:4",
                ),
                tower,
            ),
        ],
    )


def keywords(rng: random.Random) -> list[Row]:
    people, doing, craft, thing = rng.choice(
        [
            ("two boys", "weaving willow baskets", "basket weaving", "willow"),
            ("a woman", "painting clay tiles", "tile painting", "clay"),
            ("three brothers", "repairing a bellows", "bellows repair", "brothers"),
        ]
    )
    photo = {
        "people": people,
        "doing": doing,
        "craft": craft,
        "thing": thing,
        "place": rng.choice(PLACES),
        "year": rng.choice([1911, 1924, 1936, 1952]),
    }
    bake, tag1, tag2 = rng.choice(
        [
            ("lemon cake without eggs", "lemoncake", "eggfree"),
            ("rye bread in a flowerpot", "ryebread", "flowerpot"),
            ("plum dumplings on a campfire", "plumdumplings", "campfire"),
        ]
    )
    topic, method, site, aim = rng.choice(
        [
            ("barn owls", "night cameras", "church towers", "their feeding habits"),
            ("peat bogs", "soil cores", "the northern lowlands", "past climates"),
            ("folk songs", "wax recordings", "fishing villages", "changes of melody"),
        ]
    )
    talk = {
        "topic": topic,
        "method": method,
        "site": site,
        "aim": aim,
        "name": rng.choice(["Dr Abara", "Dr Lehto", "Dr Castellano"]),
    }
    item, stuff, use = rng.choice(
        [
            ("jug", "enamel", "watering seedlings"),
            ("crate", "beech", "storing apples"),
            ("apron", "linen", "grilling"),
        ]
    )
    advert = {
        "item": item,
        "stuff": stuff,
        "use": use,
        "colour": rng.choice(["blue", "cream", "grey"]),
    }
    return _paired(
        rng,
        "keywords",
        [
            (
                (
                    "Index this photograph with four terms:",
                    "From an unsigned album, page twelve: {people} {doing} in {place}, around {year}.",
                    "{craft}, {thing}, {place}, {year}",
                    "contains:{thing}|{place}|{year}",
                ),
                photo,
            ),
            (
                (
                    "Which two hashtags suit my post?",
                    "Yesterday, for want of anything better to do, I made {bake}.",
                    "#{t1} #{t2}",
                    "words:2-2",
                ),
                {"bake": bake, "t1": tag1, "t2": tag2},
            ),
            (
                (
                    "Three keywords for the programme, separated by semicolons: subject, method, location.",
                    "{name} reports on {topic}. For eleven years her team has worked in {site}, in all weathers, and thanks to {method} it is now possible to say much more about {aim}.",
                    "{topic}; {method}; {site}",
                    "contains:{topic}|{method}|{site}",
                ),
                talk,
            ),
            (
                (
                    "What might buyers type to find this offer? Up to {limit} words, commas between the terms.",
                    "Moving house, so this must go: a {colour} {item}, {stuff}, hardly scratched, ideal for {use}.",
                    "{item}, {stuff}, {colour}, {use}",
                    WITHIN,
                ),
                advert,
            ),
        ],
    )


def subject_line(rng: random.Random) -> list[Row]:
    day, other = rng.sample(DAYS[:5], 2)
    names = rng.sample(NAMES, 5)
    thing, spot, key = rng.choice(
        [
            ("a green scarf", "on the tram", "scarf"),
            ("a child's violin", "in the waiting room", "violin"),
            ("a set of keys with a tin whale", "by the lake", "keys"),
        ]
    )
    cancel = {
        "day": day,
        "course": rng.choice(["pottery course", "Italian class", "dance lesson"]),
        "why": rng.choice(
            [
                "the teacher has lost her voice",
                "the room is being painted",
                "the heating has failed",
            ]
        ),
        "name": names[0],
    }
    days = rng.choice(NUMBERS[3:7])
    loan = {
        "book": rng.choice(["The Salt Atlas", "Bees of the North", "Knots and Splices"]),
        "days": days,
        "name": names[1],
    }
    party = {
        "age": rng.choice([40, 50, 60, 70]),
        "who": names[2],
        "day": other,
        "where": rng.choice(["in the boathouse", "at Rosa's inn", "on our roof"]),
    }
    room = {
        "room": rng.randint(101, 340),
        "item": rng.choice(["projector", "blind", "tap"]),
        "name": names[3],
    }
    return _paired(
        rng,
        "subject_line",
        [
            (
                (
                    "Subject line, please, with the day:",
                    "Dear all, sorry for the short notice: as {why}, our {course} on {day} is off. {name}",
                    "No {course} on {day}",
                    "contains:{day}|{course}",
                ),
                cancel,
            ),
            (
                (
                    "Subject for this lost-property mail?",
                    "Hello everyone, somebody left {thing} {spot} yesterday. I have it here.",
                    "Found {spot}: {key}",
                    "contains:{key}",
                ),
                {"thing": thing, "spot": spot, "key": key},
            ),
            (
                (
                    "Which subject of {limit} words at most makes sure the borrower reacts?",
                    "Dear {name}, as three other readers are waiting, we kindly ask you to bring back “{book}” within {days} days. Your library",
                    "Please return “{book}” within {days} days",
                    WITHIN,
                ),
                loan,
            ),
            (
                (
                    "My invitation lacks a subject line. It should give the occasion and the day, but keep the place a surprise.",
                    "Psst! {who} turns {age}, and nobody is to say a word. We meet on {day} at seven {where}, with lanterns and, if all goes well, a brass band.",
                    "{who}'s {age}th birthday: surprise party on {day}",
                    "contains:{who}|{age}|{day}",
                ),
                party,
            ),
            (
                (
                    "Suggest a subject that lets the caretaker see problem and room at once.",
                    "Good morning, {name} here. I did try to mend it myself, but the {item} in room {room} is broken. Could you look in?",
                    "Broken {item} in room {room}",
                    "contains:{item}|{room}",
                ),
                room,
            ),
        ],
    )


def famous_story(rng: random.Random) -> list[Row]:
    keys = ("title", "start", "turn", "end", "moral", "key")
    table = [
        (
            "The Tortoise and the Hare",
            "a boastful hare races a slow tortoise",
            "he is so sure of winning that he takes a nap",
            "the tortoise plods past the sleeping hare and wins",
            "steady effort beats careless talent",
            "tortoise",
        ),
        (
            "The Boy Who Cried Wolf",
            "a bored shepherd boy keeps raising false alarms about a wolf",
            "a real wolf comes",
            "nobody believes his cries and the flock is lost",
            "liars are not believed even when they tell the truth",
            "wolf",
        ),
        (
            "King Midas",
            "a greedy king is granted the wish that all he touches turns to gold",
            "his food turns to gold as well",
            "he begs to be freed from the gift",
            "greed can turn a blessing into a curse",
            "gold",
        ),
        (
            "The Emperor's New Clothes",
            "two swindlers sell a vain emperor cloth that fools supposedly cannot see",
            "everyone pretends to admire it, until he parades in it",
            "a child calls out that he is wearing nothing",
            "one honest voice can expose what all pretend to believe",
            "child",
        ),
        (
            "The Ant and the Grasshopper",
            "a grasshopper sings all summer while an ant gathers food",
            "winter comes",
            "the grasshopper goes hungry and the ant has plenty",
            "prepare today for tomorrow's needs",
            "winter",
        ),
        (
            "Hansel and Gretel",
            "two children left in the forest find a house of sweets",
            "the witch who lives there plans to eat the boy",
            "Gretel pushes her into the oven and they escape",
            "courage and wit can save the weak",
            "witch",
        ),
    ]
    frames = [
        (
            "What is {title} about, in a sentence?",
            "",
            "{start!c}; {turn}, and {end}.",
            "contains:{key}",
        ),
        ("I forgot how {title} ends. Remind me in one sentence.", "", "{end!c}.", "contains:{key}"),
        (
            "Three lines for {title}, one each for beginning, middle and end.",
            "",
            "{start!c}.\n{turn!c}.\n{end!c}.",
            "lines:3",
        ),
        ("State the moral of {title} in {limit} words or fewer.", "", "{moral!c}.", WITHIN),
        (
            "Give our quiz team {title} in two sentences: the story, then its moral.",
            "",
            "{start!c}; {turn}, and {end}. The moral: {moral}.",
            "contains:{key}",
        ),
    ]
    return _compose(
        rng, "famous_story", frames, [dict(zip(keys, line, strict=True)) for line in table]
    )


MAKERS = [
    news_gist, headline, email_gist, meeting_decisions, review_gist, plot_summary, dialogue_summary, steps_gist,
    abstract_plain, weather_brief, key_points, forum_tldr, complaint_summary, biography_line, event_notice, travel_log,
    data_trend, policy_rule, argument_claim, pros_cons, timeline, keywords, subject_line, famous_story,
]  # fmt: skip


def rows(rng: random.Random) -> list[Row]:
    """The 100 generated rows, sub-type by sub-type."""
    return [row for make in MAKERS for row in make(rng)]
