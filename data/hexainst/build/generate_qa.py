"""The 100 generated rows of QA: one function a sub-type, each holding four or five small programs.

Closed-book questions draw on hand-checked fact tables and word the situation from slots; reading
questions draw up a short text (or table, schedule, dialogue), and the answer is computed from the
same draw. Every row is decided by the ``random.Random`` it is given and by nothing else.
"""

# One row a line, however long, is easier to read here than one argument a line.
# fmt: off
import calendar
import random
from typing import NamedTuple

Row = dict[str, str]


class Person(NamedTuple):
    """A first name with its pronouns."""

    name: str
    he: str
    him: str
    his: str


WOMEN = "Aiko Fatima Ingrid Chiara Mwende Priya Zofia Leila Camila Noor Siobhan Tuuli Yasmin Hyejin Beatriz Adwoa Katya Renske Marisol Thandi Elif Vesna Anahit Mele Rosa Gudrun Sabine Olena".split()
MEN = "Tariq Bjorn Mateo Kwame Rahul Pavel Hiroshi Declan Emre Luca Sipho Andrei Jorge Minho Nikos Ruben Tevita Viktor Oskar Babak Diego Henrik Idris Samir Lwazi Gregor Joaquim Cuong".split()


class Draw:
    """The random draws of one run; a name is handed out once only."""

    def __init__(self, rng: random.Random) -> None:
        """Shuffle the names."""
        self.rng = rng
        people = [Person(n, "she", "her", "her") for n in WOMEN]
        people += [Person(n, "he", "him", "his") for n in MEN]
        self.people = rng.sample(people, len(people))
        self.turn = 0

    def person(self) -> Person:
        """The next person of the deck, which starts again when it is used up."""
        self.turn += 1
        return self.people[(self.turn - 1) % len(self.people)]

    def names(self, count: int) -> list[str]:
        """Several different names."""
        return [self.person().name for _ in range(count)]

    def one(self, options):
        """One of the options."""
        return self.rng.choice(options)

    def some(self, options, count: int) -> list:
        """Several different options, in random order."""
        return self.rng.sample(list(options), count)

    def number(self, low: int, high: int, step: int = 1) -> int:
        """A number from low to high."""
        return self.rng.randrange(low, high + 1, step)


def row(subtype: str, instruction: str, response: str, checker: str, text: str = "") -> Row:
    """A row; ``text`` is its input."""
    return {"subtype": subtype, "instruction": instruction, "input": text, "response": response, "checker": checker}


def listed(items: list[str], word: str = "and") -> str:
    """'a, b and c'."""
    return f"{', '.join(items[:-1])} {word} {items[-1]}" if len(items) > 1 else items[0]


def upper(text: str) -> str:
    """The text with a capital first letter."""
    return text[0].upper() + text[1:]


def an(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def has(*parts: str) -> str:
    """A ``contains`` checker."""
    return "contains:" + "|".join(parts)


# --------------------------------------------------------------------------- closed-book questions

CAPITAL_OR_NOT = [("Australia", "Canberra", "Sydney"), ("Canada", "Ottawa", "Toronto"), ("New Zealand", "Wellington", "Auckland"), ("Morocco", "Rabat", "Casablanca"), ("Vietnam", "Hanoi", "Ho Chi Minh City"), ("Pakistan", "Islamabad", "Karachi"), ("Nigeria", "Abuja", "Lagos")]
CAPITALS = {
    "South America": [("Peru", "Lima"), ("Chile", "Santiago"), ("Ecuador", "Quito"), ("Uruguay", "Montevideo"), ("Venezuela", "Caracas"), ("Argentina", "Buenos Aires")],
    "Africa": [("Kenya", "Nairobi"), ("Ghana", "Accra"), ("Egypt", "Cairo"), ("Senegal", "Dakar"), ("Zambia", "Lusaka"), ("Mozambique", "Maputo"), ("Tunisia", "Tunis")],
    "Europe": [("Norway", "Oslo"), ("Hungary", "Budapest"), ("Greece", "Athens"), ("Finland", "Helsinki"), ("Bulgaria", "Sofia"), ("Slovenia", "Ljubljana"), ("Croatia", "Zagreb")],
    "Asia": [("Thailand", "Bangkok"), ("Nepal", "Kathmandu"), ("Jordan", "Amman"), ("South Korea", "Seoul"), ("Laos", "Vientiane"), ("Japan", "Tokyo")],
}
CITY_RIVER = [("Vienna", "Danube"), ("Paris", "Seine"), ("Rome", "Tiber"), ("Cologne", "Rhine"), ("Cairo", "Nile"), ("Prague", "Vltava"), ("Florence", "Arno"), ("Lisbon", "Tagus"), ("London", "Thames"), ("Baghdad", "Tigris")]
LANDLOCKED = [("Bolivia", "Brazil, Paraguay, Argentina, Chile and Peru"), ("Mongolia", "Russia and China"), ("Nepal", "India and China"), ("Paraguay", "Argentina, Brazil and Bolivia"), ("Austria", "eight other countries")]
COASTAL = [("Ghana", "the Gulf of Guinea"), ("Portugal", "the Atlantic"), ("Peru", "the Pacific"), ("Kenya", "the Indian Ocean"), ("Vietnam", "the South China Sea")]
CURRENCIES = [("Japan", "yen"), ("India", "rupee"), ("Sweden", "krona"), ("South Africa", "rand"), ("Thailand", "baht"), ("Mexico", "peso"), ("Brazil", "real"), ("Switzerland", "franc"), ("Vietnam", "dong"), ("Turkey", "lira")]


def geography(d: Draw) -> list[Row]:
    """Capitals, rivers, coasts, currencies."""
    s, p, q = "geography", d.person(), d.person()
    land, capital, big = d.one(CAPITAL_OR_NOT)
    continent = d.one(list(CAPITALS))
    three = d.some(CAPITALS[continent], 3)
    (city, river), (far_land, money) = d.one(CITY_RIVER), d.one(CURRENCIES)
    place = d.one(["the kitchen wall", "our classroom door", "a birthday cake", "the hall of the scout hut"])
    if d.one([True, False]):
        shore, neighbours = d.one(LANDLOCKED)
        coast = f"No, {shore} is landlocked; it lies between {neighbours}." if "eight" not in neighbours else f"No, {shore} is landlocked, surrounded by {neighbours}."
    else:
        shore, sea = d.one(COASTAL)
        coast = f"Yes, {shore} has its own coast on {sea}."
    return [
        row(s, f"{p.name} lost a point in our {d.one(['pub', 'family', 'office'])} quiz by giving {big} as the capital of {land}. Which city should {p.he} have named?", f"{capital}. {big} is the bigger city, but it is not the capital.", has(capital)),
        row(s, f"We're painting a map of {continent} on {place} and only the capitals of {listed([c for c, _ in three])} are still missing. Please give them to me in this order.", f"{', '.join(c for _, c in three)}.", has(*[c for _, c in three])),
        row(s, f"On which river does the city of {city} stand?", f"On the {river}.", has(river)),
        row(s, f"Could a freight ship unload its containers at a seaport of {shore} itself, that is, does the country have a coast? Say yes or no first, then where it lies.", coast, "label:yes|no"),
        row(s, f"{q.name} is off to {far_land} for {d.one(['a wedding', 'an exchange year', 'a chess tournament', 'two weeks of hiking'])}, and {q.his} bank wants to know the name of the currency {q.he} would like to order. What is it?", f"The {money}.", has(money)),
    ]


PHENOMENA = [
    ("hanging out the washing", "wet laundry dries faster on a windy day than on a calm one", "The air right next to wet cloth soon fills up with water vapour and takes in little more. Wind carries this moist air away and brings drier air, so the water goes on evaporating quickly.", "evaporat"),
    ("waiting out a thunderstorm", "we see the lightning well before we hear the thunder", "Both start at the same moment, but light reaches us almost at once, while sound travels only about a kilometre in three seconds. The farther away the storm, the longer the delay.", "sound"),
    ("cycling to work", "the pitch of a siren drops the moment the ambulance has passed", "This is the Doppler effect. While the siren comes closer its sound waves are squeezed together and sound higher; once it moves away they are stretched and sound lower.", "waves"),
    ("standing in front of the steamed-up mirror", "the bathroom mirror fogs up whenever somebody takes a hot shower", "The hot shower fills the air with water vapour. Where this air touches the cool glass it cools down, and the vapour condenses into a film of tiny droplets.", "condens"),
    ("moving a boulder with a crowbar", "a long lever lets a person lift a load far too heavy to raise by hand", "A lever is a kind of swap. Your hand pushes gently over a long way at the far end; near the pivot the load moves only a little, but it is lifted with a much greater force.", "force"),
    ("salting the front steps last January", "salt makes ice melt although it is below freezing", "Salt dissolves in the thin film of water on the ice, and salty water freezes at a lower temperature than pure water. So the ice melts even a few degrees below zero.", "lower"),
    ("stirring my iced tea", "a straw looks bent where it enters the water", "Light changes direction when it passes from water into air; this is called refraction. The part of the straw under water therefore appears shifted, and the straw looks broken at the surface.", "refract"),
    ("getting undressed in the dark", "a woollen pullover crackles and sparks when it is pulled over the head", "Rubbing moves electric charge from one material to the other. When enough static electricity has built up, it jumps back through the air as tiny sparks that we see and hear.", "electric"),
]


def everyday_why(d: Draw) -> list[Row]:
    """Physics at home: a phenomenon in four kinds of situation."""
    s, p, q = "everyday_why", d.person(), d.person()
    *picks, rest = d.some(PHENOMENA, 4)
    age, club = d.number(7, 11), d.one(["science corner", "nature club", "holiday camp"])
    return [
        row(s, f"{p.name}, who is {age} and never satisfied with 'because', asked me why {picks[0][1]}. What can I tell {p.him}?", picks[0][2], has(picks[0][3])),
        row(s, f"While {picks[1][0]}, I noticed once more that {picks[1][1]}. Please explain the reason in two or three sentences.", picks[1][2], has(picks[1][3])),
        row(s, f"Next week {q.name} and I run the {club} of our school, and the first card reads: 'Why is it that {picks[2][1]}?' We lack a clear text for the back of the card, written for children but correct. Would you supply one?", picks[2][2], has(picks[2][3])),
        row(s, f"Is there a simple explanation of why {rest[1]}?", rest[2], has(rest[3])),
    ]


EVENTS = [
    (1066, "the Norman conquest of England"),
    (1215, "the sealing of Magna Carta"),
    (1453, "the fall of Constantinople to the Ottomans"),
    (1492, "the first voyage of Columbus to the Americas"),
    (1666, "the Great Fire of London"),
    (1776, "the American Declaration of Independence"),
    (1789, "the storming of the Bastille"),
    (1815, "the Battle of Waterloo"),
    (1869, "the opening of the Suez Canal"),
    (1912, "the sinking of the Titanic"),
    (1945, "the founding of the United Nations"),
    (1969, "the first landing of humans on the Moon"),
]
ORDINALS = {10: "eleventh", 12: "thirteenth", 14: "fifteenth", 16: "seventeenth", 17: "eighteenth", 18: "nineteenth", 19: "twentieth"}
MARKET_WORDS = [
    ("a baker hands a fisherman six loaves and gets a basket of herring, and no coins change hands", "barter", "barter, the direct exchange of goods for goods"),
    ("one single company sells all the salt in the country and has no competitor to fear", "monopoly", "a monopoly"),
    ("a bank adds a small percentage to a savings account at the end of each year", "interest", "interest"),
    ("a grower in the hills sells her coffee to roasters abroad", "export", "an export"),
    ("the state keeps a share of everybody's wages to pay for roads and schools", "tax", "a tax, more precisely income tax"),
    ("a family writes down beforehand what it expects to earn and to spend in the month", "budget", "a budget"),
]


def history_and_society(d: Draw) -> list[Row]:
    """Order and century of events; economic terms."""
    s, p = "history_and_society", d.person()
    first, second = sorted(d.some(EVENTS, 2))
    pair = d.some([first, second], 2)
    one = d.one([e for e in EVENTS if e[1] not in (first[1], second[1])])
    three = d.some([e for e in EVENTS if e not in (first, second, one)], 3)
    ordered = sorted(three)
    case, key, term = d.one(MARKET_WORDS)
    room = d.one(["corridor of our school", "stairs of the town hall", "wall of the reading room"])
    return [
        row(s, f"Which happened earlier, {pair[0][1]} or {pair[1][1]}?", f"{upper(first[1])} ({first[0]}); {second[1]} followed in {second[0]}.", "label:" + "|".join(e[1].split(" of ")[-1].removeprefix("the ") for e in pair)),
        row(s, f"{upper(one[1])} comes up in a novel that {p.name} is reading, but the book gives no date. In which century did it take place, and in which year?", f"In the {ORDINALS[one[0] // 100]} century, in {one[0]}.", has(str(one[0]))),
        row(s, f"Our timeline along the {room} has come apart. Tell me the right order, earliest first and with years, of these three cards: {'; '.join(e[1] for e in three)}.", "; ".join(f"{n}. {e[1]} ({e[0]})" for n, e in enumerate(ordered, 1)) + ".", has(*[str(e[0]) for e in ordered])),
        row(s, f"In a comic about a small town, {case}. What do economists call this?", f"They call it {term}.", has(key)),
    ]


YOUNG = [("kangaroo", "joey"), ("swan", "cygnet"), ("goose", "gosling"), ("hare", "leveret"), ("deer", "fawn"), ("horse", "foal"), ("owl", "owlet"), ("frog", "tadpole"), ("seal", "pup"), ("goat", "kid")]
CLASSES = {
    "mammal": ["bat", "dolphin", "hedgehog", "otter", "seal", "whale"],
    "bird": ["penguin", "ostrich", "owl", "puffin", "heron", "kiwi"],
    "reptile": ["tortoise", "crocodile", "gecko", "chameleon", "iguana", "viper"],
    "amphibian": ["toad", "newt", "salamander", "frog"],
    "fish": ["seahorse", "eel", "trout", "salmon", "pike"],
}
TRICKY = [("mammal", "fish"), ("mammal", "bird"), ("fish", "mammal"), ("reptile", "amphibian"), ("amphibian", "reptile")]
EATEN_PART = [("carrots", "root"), ("beetroot", "root"), ("spinach", "leaves"), ("celery sticks", "stalks"), ("cauliflower", "flower"), ("asparagus", "shoots"), ("tomatoes", "fruit"), ("lentils", "seeds"), ("cabbage", "leaves"), ("artichokes", "flower")]
PART_WORDS = {
    "root": "The thickened root, in which the plant stores food for its next season.",
    "leaves": "The leaves.",
    "stalks": "The stalks of the leaves.",
    "flower": "The flower, picked while it is still an unopened bud.",
    "shoots": "The young shoots, cut before they unfold.",
    "fruit": "The fruit, which holds the seeds.",
    "seeds": "The seeds, which are rich in food for the young plant.",
}
DIETS = [("koalas", "eucalyptus", "the leaves of eucalyptus trees"), ("giant pandas", "bamboo", "bamboo"), ("ospreys", "fish", "fish, which they snatch from the water"), ("giant anteaters", "termites", "ants and termites"), ("hummingbirds", "nectar", "nectar from flowers, and small insects")]


def animals_and_plants(d: Draw) -> list[Row]:
    """Young animals, odd one out, parts of plants, diets."""
    s, p = "animals_and_plants", d.person()
    (beast, child), (veg, part), (eater, key, food) = d.one(YOUNG), d.one(EATEN_PART), d.one(DIETS)
    most, single = d.one(TRICKY)
    three, odd = d.some(CLASSES[most], 3), d.one(CLASSES[single])
    four = d.some([*three, odd], 4)
    plural = most if most == "fish" else most + "s"
    where = d.one(["birthday party", "scout evening", "rainy afternoon at the campsite"])
    return [
        row(s, f"What is the special English word for a young {beast}?", f"{upper(an(child))}.", has(child)),
        row(s, f"I'm drawing cards for a {where}: {listed(four)}. Three of these animals are {plural}. Which one isn't, and what is it then?", f"The {odd}: it is {an(single)}.", has(odd, single)),
        row(s, f"Over lunch we argued about botany. When people eat {veg}, which part of the plant is on their plate?", PART_WORDS[part], has({"leaves": "lea", "stalks": "stalk", "shoots": "shoot", "seeds": "seed"}.get(part, part))),
        row(s, f"{p.name} helps at a wildlife park and has to write a sign about the diet of its {eater}. What do these animals feed on in nature?", f"{upper(eater)} live on {food}." if "and" not in food else f"{upper(eater)} live mainly on {food}.", has(key)),
    ]


ORGANS = [
    ("kidneys", "They filter waste and surplus water out of the blood and turn them into urine.", "filter"),
    ("lungs", "They take oxygen from the air into the blood and give off carbon dioxide.", "oxygen"),
    ("eyelashes", "They keep dust and sweat out of the eye and trigger a blink when something touches them.", "dust"),
    ("red blood cells", "They carry oxygen from the lungs to all parts of the body.", "oxygen"),
    ("sweat glands", "They moisten the skin, and the evaporating sweat cools the body.", "cool"),
]
PARTS_BY_JOB = [
    ("tells us which way is up even with our eyes shut", "the inner ear, with its organ of balance", "inner ear"),
    ("separates the chest from the belly and drives our breathing", "the diaphragm", "diaphragm"),
    ("joins a muscle to a bone", "a tendon", "tendon"),
    ("gives skin and hair their colour", "the pigment melanin", "melanin"),
    ("turns light into signals for the brain", "the retina at the back of the eye", "retina"),
]
BONES = [("patella", "kneecap"), ("clavicle", "collarbone"), ("femur", "thigh"), ("scapula", "shoulder blade"), ("sternum", "breastbone"), ("tibia", "shin"), ("mandible", "jaw")]
BODY_WHY = [
    ("running for the bus", "I sweat so much after a sprint", "Working muscles produce heat. The body gets rid of it by sweating: as the sweat evaporates from the skin, it takes warmth with it.", "evaporat"),
    ("climbing to the fifth floor", "my heart pounds on the stairs", "Your leg muscles suddenly need more oxygen and fuel. The heart beats faster and harder to bring them more blood.", "oxygen"),
    ("riding up a mountain in a cable car", "my ears pop on the way up", "The air pressure outside falls as you climb, while the air behind the eardrum is still at the old pressure. The pop is that air escaping through a narrow tube to the throat, which evens out the difference.", "pressure"),
    ("waiting at a freezing tram stop", "I shiver in the cold", "Shivering is rapid, tiny muscle work. It produces heat and so helps to keep the body temperature up.", "heat"),
]


def human_body(d: Draw) -> list[Row]:
    """Organs, functions, bones, reactions."""
    s, p, q = "human_body", d.person(), d.person()
    (organ, job, key), (does, name, name_key) = d.one(ORGANS), d.one(PARTS_BY_JOB)
    bones, (when, what, why, why_key) = d.some(BONES, 2), d.one(BODY_WHY)
    common = [{"thigh": "the thigh bone", "shin": "the shinbone", "jaw": "the lower jaw"}.get(b, f"the {b}") for _, b in bones]
    return [
        row(s, f"What are our {organ} good for?", job, has(key)),
        row(s, f"There is a gap in {p.name}'s biology worksheet: 'The part of the body that {does} is called ___.' What belongs there?", f"{upper(name)}.", has(name_key)),
        row(s, f"For a life-drawing course I bought an anatomical chart with Latin labels only. Which bones are the {bones[0][0]} and the {bones[1][0]} in everyday English?", f"The {bones[0][0]} is {common[0]}, and the {bones[1][0]} is {common[1]}.", has(*[b for _, b in bones])),
        row(s, f"Yesterday, {when} with {q.name}, I wondered why {what}. {d.one(['What is going on in the body?', 'Does biology have an answer?'])}", why, has(why_key)),
    ]


PLANETS = [("Mercury", 4879), ("Venus", 12104), ("Earth", 12756), ("Mars", 6792), ("Jupiter", 142984), ("Saturn", 120536), ("Uranus", 51118), ("Neptune", 49528)]
PLANET_TRAITS = [
    ("owes its red colour to iron oxide, that is, rust, in its soil", "Mars"),
    ("is known as the morning star or the evening star", "Venus"),
    ("has shown a huge storm called the Great Red Spot for centuries", "Jupiter"),
    ("is tipped over so far that it seems to roll along its orbit on its side", "Uranus"),
    ("was first found by calculating where it had to be", "Neptune"),
    ("goes round the Sun faster than any other", "Mercury"),
]
SKY_CLAIMS = [
    ("summer comes because the Earth is closer to the Sun then", "No. The seasons come from the tilt of the Earth's axis: in summer our half of the globe leans towards the Sun, so the days are longer and the light falls more steeply.", "tilt"),
    ("the Moon shines with light of its own", "No. The Moon has no light of its own; it reflects the light of the Sun.", "reflect"),
    ("the Pole Star is the brightest star of the night sky", "No. The Pole Star is only of medium brightness; Sirius is the brightest. It is famous because it stands almost exactly due north.", "Sirius"),
    ("shooting stars are stars that fall down", "No. A shooting star is a meteor: a small grain from space that burns up and glows as it races into the atmosphere.", "meteor"),
]


def astronomy(d: Draw) -> list[Row]:
    """Order, size and features of the planets; common errors."""
    s, p, q = "astronomy", d.person(), d.person()
    names = [n for n, _ in PLANETS]
    middle = d.number(1, 6)
    near, far = sorted(d.some(range(8), 2))
    shown = d.some([names[near], names[far]], 2)
    sizes = d.some(PLANETS, 4)
    by_size = [n for n, _ in sorted(sizes, key=lambda x: x[1])]
    (trait, planet), (claim, truth, key) = d.one(PLANET_TRAITS), d.one(SKY_CLAIMS)
    town = d.one(["Tartu", "Bergen", "Porto", "Nelson", "Graz"])
    return [
        row(s, f"Between the orbits of which two planets does {names[middle]} travel around the Sun?", f"Between those of {names[middle - 1]} and {names[middle + 1]}.", has(names[middle - 1], names[middle + 1])),
        row(s, f"A planet trail in {town} begins at a golden ball for the Sun and leads outwards. Walking it from the start, do we reach the board for {shown[0]} or the one for {shown[1]} first?", f"{names[near]} comes first, because it is closer to the Sun than {names[far]}.", f"label:{shown[0]}|{shown[1]}"),
        row(s, f"{p.name} wants to hang four paper planets above the bed from the smallest to the largest: {listed([n for n, _ in sizes])}. What is the right order?", ", ".join(by_size) + ".", has(", ".join(by_size))),
        row(s, f"Which planet {trait}?", f"{planet}.", has(planet)),
        row(s, f"In {q.name}'s opinion {claim}. Is that so? Correct it in a sentence or two if it's a mistake.", truth, has(key)),
    ]


IDIOMS = [
    ("the exam was a piece of cake", "a piece of cake", "The exam was very easy.", "easy"),
    ("her uncle turns up once in a blue moon", "once in a blue moon", "Her uncle comes very rarely.", "rare"),
    ("the neighbours have been on cloud nine since Monday", "on cloud nine", "The neighbours have been extremely happy since Monday.", "happy"),
    ("the crew called it a day at six", "to call it a day", "The crew stopped working at six.", "stop"),
    ("the new coach broke the ice with a silly song", "to break the ice", "The coach made everyone feel relaxed with one another at the first meeting, by singing a silly song.", "relax"),
]
LOANS = [
    ("kindergarten", "German", "it means 'garden of children'"),
    ("tsunami", "Japanese", "it means 'harbour wave'"),
    ("robot", "Czech", "it goes back to 'robota', forced labour"),
    ("sauna", "Finnish", "it is the ordinary word there for this kind of bath"),
    ("opera", "Italian", "its literal meaning is 'work'"),
    ("geyser", "Icelandic", "it comes from Geysir, the name of a hot spring"),
]
PREFIXES = [("hydro", "water", "hydropower", "hydroplane"), ("geo", "earth", "geology", "geography"), ("thermo", "heat", "thermometer", "thermostat"), ("bio", "life", "biology", "biography"), ("tele", "far", "telephone", "telescope"), ("photo", "light", "photography", "photosynthesis")]
CONFUSED = [
    ("The noise did not ___ her concentration.", "affect", "effect", "A verb is needed, and 'affect' means to influence; 'effect' is normally a noun."),
    ("Mind that you don't ___ the key again.", "lose", "loose", "It is the verb for misplacing something; 'loose' means not tight."),
    ("The tram stood ___ for ten minutes.", "stationary", "stationery", "It means not moving; 'stationery' is paper and envelopes."),
    ("We agree with the idea in ___.", "principle", "principal", "It means a basic rule; 'principal' means main, or the head of a school."),
    ("The firm moved to ___ new office in May.", "its", "it's", "It shows possession; 'it's' is short for 'it is' or 'it has'."),
]


def words_and_idioms(d: Draw) -> list[Row]:
    """Idioms, loan words, prefixes, pairs that get mixed up."""
    s, p, q = "words_and_idioms", d.person(), d.person()
    (usage, idiom, meaning, key), (loan, tongue, note) = d.one(IDIOMS), d.one(LOANS)
    (prefix, sense, *both), (gap, right, wrong, reason) = d.one(PREFIXES), d.one(CONFUSED)
    options = d.some([right, wrong], 2)
    return [
        row(s, f"{p.name} wrote me that {usage}. As I'm still learning English: what did {p.he} mean by '{idiom}'?", meaning, has(key)),
        row(s, f"From which language did English borrow the word '{loan}'? Add what you know about its origin.", f"From {tongue}; {note}.", has(tongue)),
        row(s, f"The words '{both[0]}' and '{both[1]}' begin alike. What does the element '{prefix}-' stand for?", f"It comes from Greek and means '{sense}'.", has(sense)),
        row(s, f"{q.name} has left one word open in a letter: \"{gap}\" Should '{options[0]}' or '{options[1]}' be filled in, and why?", f"Fill in '{right}'. {reason}", f"label:{options[0]}|{options[1]}"),
    ]


NOVELS = [("Don Quixote", "Cervantes"), ("Frankenstein", "Mary Shelley"), ("War and Peace", "Tolstoy"), ("Pride and Prejudice", "Jane Austen"), ("Treasure Island", "Stevenson"), ("Moby-Dick", "Melville")]
MUSIC = [("The Four Seasons", "Vivaldi"), ("The Magic Flute", "Mozart"), ("Swan Lake", "Tchaikovsky"), ("The Planets", "Holst"), ("Carmen", "Bizet")]
PAINTINGS = [("Guernica", "Picasso"), ("The Starry Night", "van Gogh"), ("The Night Watch", "Rembrandt"), ("The Birth of Venus", "Botticelli"), ("The Scream", "Munch")]
GODS = [("Poseidon", "Neptune", "the sea"), ("Ares", "Mars", "war"), ("Aphrodite", "Venus", "love"), ("Hermes", "Mercury", "messages and trade"), ("Athena", "Minerva", "wisdom"), ("Artemis", "Diana", "the hunt"), ("Demeter", "Ceres", "the harvest")]
FAMILIES = {"string": ["violin", "cello", "viola", "double bass"], "woodwind": ["oboe", "bassoon", "clarinet", "flute"], "brass": ["trumpet", "trombone", "tuba", "French horn"], "percussion": ["xylophone", "snare drum", "triangle", "kettledrum"]}
MYTHS = [
    ("a weak spot is called an Achilles heel", "In Greek myth Achilles was dipped into the river Styx as a baby, which made him invulnerable except at the heel by which his mother held him. An arrow in that heel killed him.", "heel"),
    ("people speak of a Midas touch", "In Greek myth King Midas was granted the wish that everything he touched should turn to gold. Today the phrase means the gift of making money with everything one does.", "gold"),
    ("harmful software is known as a Trojan horse", "The Greeks hid soldiers in a huge wooden horse, and the Trojans themselves pulled it into their city. Such software likewise looks harmless and carries something hostile inside.", "wooden"),
    ("endless, pointless work is described as Sisyphean", "In Greek myth Sisyphus had to roll a boulder up a hill for ever; each time it neared the top, it rolled down again.", "boulder"),
]


def arts_and_myths(d: Draw) -> list[Row]:
    """Works and their makers, gods, instruments, mythological phrases."""
    s, p, q = "arts_and_myths", d.person(), d.person()
    novel, music, painting = d.one(NOVELS), d.one(MUSIC), d.one(PAINTINGS)
    god = d.one(GODS)
    most, single = d.some(FAMILIES, 2)
    three, odd = d.some(FAMILIES[most], 3), d.one(FAMILIES[single])
    four = d.some([*three, odd], 4)
    phrase, story, key = d.one(MYTHS)
    return [
        row(s, f"Three answers are missing in our culture quiz: who wrote '{novel[0]}', who composed '{music[0]}', and who painted '{painting[0]}'?", f"{novel[1]} wrote '{novel[0]}', {music[1]} composed '{music[0]}', and {painting[1]} painted '{painting[0]}'.", has(novel[1], music[1], painting[1])),
        row(s, f"Under what name did the Romans know {god[0]}, and what was that deity in charge of?", f"As {god[1]}; the deity was in charge of {god[2]}.", has(god[1], god[2].split()[-1])),
        row(s, f"At the rehearsal {p.name} put the {four[0]}, {four[1]}, {four[2]} and {four[3]} next to one another, but one of them does not belong to the {most} family. Name it and its own family.", f"The {odd}; it is {an(single)} instrument.", has(odd, single)),
        row(s, f"{q.name}'s crossword magazine says in passing that {phrase}. Which old story lies behind this?", story, has(key)),
    ]


TEAMS = [("football", 11), ("basketball", 5), ("handball", 7), ("rugby union", 15), ("netball", 7), ("water polo", 7), ("cricket", 11), ("baseball", 9)]
SPORT_TERMS = [("birdie", "bunker", "golf"), ("home run", "pitcher", "baseball"), ("spare", "strike", "bowling"), ("wicket", "over", "cricket"), ("scrum", "try", "rugby"), ("checkmate", "castling", "chess"), ("tie-break", "love", "tennis"), ("slam dunk", "free throw", "basketball")]
GEAR = [("shuttlecock", "badminton"), ("puck", "ice hockey"), ("foil", "fencing"), ("quiver", "archery")]
CHESS = [
    ("rook", "It moves any number of free squares in a straight line, along a row or a column, but never diagonally.", "straight"),
    ("bishop", "It moves any number of free squares diagonally and therefore always stays on squares of one colour.", "diagonal"),
    ("queen", "She moves any number of free squares in any direction: along a row, along a column or diagonally.", "diagonal"),
    ("king", "He moves one square in any direction, but never onto a square that the opponent attacks.", "one square"),
]


def sports_and_games(d: Draw) -> list[Row]:
    """Team sizes, terms, equipment, chess."""
    s, p, q = "sports_and_games", d.person(), d.person()
    (sport, size), (a, b, game), (piece, move, key) = d.one(TEAMS), d.one(SPORT_TERMS), d.one(CHESS)
    gear = d.some(GEAR, 2)
    return [
        row(s, f"{p.name} wants to enter a {sport} team for the company games. How many players does one side have in play at the start of a match, counting everybody? A number is all I need.", str(size), f"number:{size}"),
        row(s, f"The commentator keeps saying '{a}' and '{b}'. What am I watching?", f"{upper(game)}.", has(game)),
        row(s, f"In the lost property of the sports hall lie {an(gear[0][0])} and {an(gear[1][0])}. Which sport does each of them come from?", f"The {gear[0][0]} comes from {gear[0][1]}, the {gear[1][0]} from {gear[1][1]}.", has(gear[0][1], gear[1][1])),
        row(s, f"Teaching {q.name} to play chess, I got stuck on the {piece}. Remind me how it is allowed to move.", move, has(key)),
    ]


INGREDIENTS = [("guacamole", "avocado"), ("tofu", "soy"), ("marzipan", "almond"), ("sauerkraut", "cabbage"), ("polenta", "maize"), ("tahini", "sesame"), ("risotto", "rice"), ("caviar", "roe"), ("tzatziki", "yog")]
INGREDIENT_WORDS = {
    "avocado": "Mashed avocado.",
    "soy": "Soybeans: it is curdled and pressed soy milk.",
    "almond": "Ground almonds, mixed with sugar.",
    "cabbage": "White cabbage, finely cut and fermented.",
    "maize": "Coarsely ground maize (cornmeal).",
    "sesame": "Ground sesame seeds.",
    "rice": "Short-grain rice.",
    "roe": "The salted eggs (roe) of sturgeon.",
    "yog": "Yogurt, with grated cucumber.",
}
KITCHEN_TERMS = [
    ("blanch the beans", "Put them into boiling water for a minute or two and then cool them at once in cold water.", "boiling"),
    ("simmer the sauce", "Keep it just below boiling over a low heat, so that only a few small bubbles rise.", "boil"),
    ("zest the lemon", "Grate off the thin yellow outer layer of the peel, without the bitter white part below.", "peel"),
    ("marinate the tofu", "Let it soak in a seasoned liquid for some time before cooking, so that it takes on flavour.", "liquid"),
    ("knead the dough", "Press, fold and stretch it with your hands for several minutes, until it is smooth and elastic.", "fold"),
]
KITCHEN_WHY = [
    ("a cut apple turn brown within minutes", "Cutting opens the cells, and an enzyme lets substances in the apple react with oxygen from the air; the products are brown. Lemon juice slows this down.", "oxygen"),
    ("popcorn pop", "A kernel holds a little water inside a hard shell. When heated, the water turns to steam, the pressure grows until the shell bursts, and the soft starch puffs up.", "steam"),
    ("cream become stiff when it is whipped", "Whipping beats in tiny air bubbles, and droplets of fat stick together around them. This network holds the air and makes the cream firm.", "air"),
    ("an egg set when it is boiled", "Heat unfolds the protein molecules of the egg. They then join into a firm network that traps the water.", "protein"),
]
DISHES = [("paella", "Spain"), ("sushi", "Japan"), ("pierogi", "Poland"), ("goulash", "Hungary"), ("kimchi", "Korea"), ("ceviche", "Peru"), ("haggis", "Scotland"), ("pho", "Vietnam"), ("tagine", "Morocco")]


def food_and_cooking(d: Draw) -> list[Row]:
    """Ingredients, terms, reasons, origins."""
    s, p, q = "food_and_cooking", d.person(), d.person()
    dish, key = d.one(INGREDIENTS)
    (order, how, how_key), (what, why, why_key), dishes = (d.one(KITCHEN_TERMS), d.one(KITCHEN_WHY), d.some(DISHES, 3))
    house = d.one(["youth hostel", "mountain hut", "sailing camp"])
    return [
        row(s, f"What is the basis of {dish}?", INGREDIENT_WORDS[key], has(key)),
        row(s, f"It's my first evening as a kitchen help in {an(house)}. Chef {p.name} calls out: '{upper(order)}!' and disappears. What exactly am I expected to do?", how, has(how_key)),
        row(s, f"What makes {what}? I'd like to know what happens inside.", why, has(why_key)),
        row(s, f"{q.name} is planning a dinner around the world with {listed([x for x, _ in dishes])}, and each dish is to carry a little flag. Of which country is each one a classic?", upper("; ".join(f"{x}: {c}" for x, c in dishes)) + ".", has(*[c for _, c in dishes])),
    ]


GAUGES = [("barometer", "air pressure", "pressure"), ("anemometer", "the speed of the wind", "wind"), ("hygrometer", "the humidity of the air", "humid"), ("seismograph", "vibrations of the ground, above all earthquakes", "earthquake"), ("odometer", "the distance a vehicle has travelled", "distance")]
UNITS = [
    ("watt", "power", "the back of a heater"),
    ("volt", "voltage, the electrical 'pressure' that drives a current", "a battery"),
    ("hertz", "frequency, that is, how many times something happens per second", "the box of a monitor"),
    ("decibel", "how loud a sound is", "the sticker of a lawnmower"),
    ("pascal", "pressure", "a bicycle pump from abroad"),
    ("joule", "energy", "a packet of oat biscuits"),
]
UNIT_KEYS = {"watt": "power", "volt": "volt", "hertz": "frequency", "decibel": "sound", "pascal": "pressure", "joule": "energy"}
SOUTHERN = ["Melbourne", "Cape Town", "Buenos Aires", "Wellington", "Montevideo", "Santiago de Chile"]
SOUTH_SEASONS = {"January": "summer", "July": "winter", "October": "spring", "April": "autumn"}


def units_and_calendar(d: Draw) -> list[Row]:
    """Instruments, units, southern seasons, lengths of months."""
    s, p, q = "units_and_calendar", d.person(), d.person()
    (gauge, what, key), (unit, quantity, where) = d.one(GAUGES), d.one(UNITS)
    month, city = d.one(list(SOUTH_SEASONS)), d.one(SOUTHERN)
    number = d.number(3, 12)
    days, name = calendar.monthrange(2023, number)[1], calendar.month_name[number]
    answer = f"Yes, {name} has 31 days." if days == 31 else f"No, {name} ends on the {days}th."
    return [
        row(s, f"What does {an(gauge)} measure?", f"{upper(what)}.", has(key)),
        row(s, f"On {where} I came across the unit '{unit}'. Which physical quantity is it used for?", f"The {unit} is a unit of {quantity}." if unit != "decibel" else f"The decibel tells {quantity}, that is, its sound level.", has(UNIT_KEYS[unit])),
        row(
            s,
            f"{p.name} has been invited to {city} in {month} and only knows the northern half of the globe. Which season should {p.he} pack for, and for what reason?",
            f"For {SOUTH_SEASONS[month]}: {city} lies in the southern hemisphere, where the seasons are the opposite of those in the north.",
            has(SOUTH_SEASONS[month]),
        ),
        row(s, f"The lease of {q.name}'s workshop says that the rent is due 'on the 31st'. Is there such a day in {name}? Begin with yes or no.", answer, "label:yes|no"),
    ]


INVENTORS = [
    ("dynamite", "Alfred Nobel", "Nobel"),
    ("the World Wide Web", "Tim Berners-Lee", "Berners-Lee"),
    ("the raised-dot alphabet for blind readers", "Louis Braille", "Braille"),
    ("the phonograph, the first machine to record and replay sound", "Thomas Edison", "Edison"),
    ("the lightning rod", "Benjamin Franklin", "Franklin"),
    ("the smallpox vaccine", "Edward Jenner", "Jenner"),
    ("the engine that ignites its fuel by compression alone", "Rudolf Diesel", "Diesel"),
]
SHORT_FORMS = [
    ("CPU", "Central Processing Unit", "it carries out the instructions of the programs"),
    ("LED", "light-emitting diode", "it is a small electronic part that turns current into light"),
    ("GPS", "Global Positioning System", "it lets a receiver find its position with the help of satellites"),
    ("PIN", "personal identification number", "it is a secret code that proves who is using a card or device"),
    ("URL", "Uniform Resource Locator", "it is the address of a page or file on the web"),
]
HOW_IT_WORKS = [
    ("a vacuum flask keep tea hot", "Between its two walls there is hardly any air, so heat can scarcely be conducted away or carried off by moving air. Shiny inner walls also reflect radiated heat back.", "wall"),
    ("a refrigerator cool things", "A liquid coolant evaporates in tubes inside and takes up heat from the food compartment. A compressor then squeezes the vapour, it turns liquid again in the coils at the back, and the heat is given off to the room.", "evaporat"),
    ("a microwave oven warm up soup", "Its microwaves make the water molecules in the soup turn to and fro very quickly. This motion is heat, which spreads through the soup.", "water"),
    ("a magnetic compass point north", "The Earth itself is a large magnet. The needle is a small one that can turn freely, so it lines up with the Earth's magnetic field.", "Earth"),
]
FIRSTS = [(1450, "Gutenberg's printing press"), (1608, "the telescope"), (1804, "the steam locomotive"), (1876, "the telephone"), (1903, "the first powered aeroplane flight"), (1947, "the transistor"), (1989, "the World Wide Web")]


def technology_and_inventions(d: Draw) -> list[Row]:
    """Inventors, abbreviations, how things work, what came first."""
    s, p, q = "technology_and_inventions", d.person(), d.person()
    (thing, inventor, key), (short, full, use) = d.one(INVENTORS), d.one(SHORT_FORMS)
    (device, how, how_key), three = d.one(HOW_IT_WORKS), d.some(FIRSTS, 3)
    ordered = [x for _, x in sorted(three)]
    return [
        row(s, f"Whose invention was {thing}?", f"{inventor}'s.", has(key)),
        row(s, f"My father has bought a {d.one(['magazine', 'second-hand manual', 'guide'])} about computers and stumbles over the letters {short} on every page. What do they stand for, and what is behind them?", f"{short} stands for '{full}'; {use}.", has(full)),
        row(s, f"How does {device}? {p.name}, who is curious but no engineer, would like to understand the principle in a few lines.", how, has(how_key)),
        row(s, f"For the history corner of our {d.one(['repair café', 'hobby club', 'village museum'])} {q.name} has built models of three milestones: {listed([x for _, x in three])}. In what order, oldest first, should they stand on the shelf?", upper(", then ".join(ordered)) + ".", has(*[x.removeprefix("the ") for x in ordered])),
    ]


# ------------------------------------------------------------------------------ reading questions

COLOURS = ["blue", "green", "grey", "red", "yellow", "brown", "striped"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
TOWNS = ["Oakridge", "Sandvik", "Montreal", "Corvara", "Lowfield", "Altmere", "Pinhal", "Kestrel Bay"]


def find_fact(d: Draw) -> list[Row]:
    """One fact out of a note, an invitation, a museum label, a letter."""
    s, p, q = "find_fact", d.person(), d.person()
    day, colour, item = (d.one(DAYS), d.one(COLOURS), d.one(["umbrella", "rucksack", "sports bag", "thermos flask"]))
    counter, line = d.number(2, 9), d.number(11, 58)
    lost = f"Found on {day} evening on tram {line}: {an(colour)} {item} with the initials {p.name[0]}. {q.name[0]}. on the handle. The owner may collect it at the central station, counter {counter}, between 8 and 17 o'clock. Please bring some proof of identity."
    lost_question = d.one([("at which counter is it waiting", f"At counter {counter} of the central station.", f"contains:counter {counter}"), ("which initials does it bear", f"The initials {p.name[0]}. {q.name[0]}.", has(f"{p.name[0]}. {q.name[0]}."))])
    square, price, band = (d.one(["Mill Lane", "Castle Square", "the Old Harbour"]), d.number(3, 9), d.one(["a brass band", "a steel band", "two accordionists"]))
    fair = f"Saturday, from noon: street fair in {square}. Forty stalls, {band}, a puppet theatre at three. Entry is free; the boat swing costs {price} crowns a ride. Cars must leave the area by nine in the morning."
    fair_question = d.one([("how much is a turn on the boat swing", f"{price} crowns.", f"number:{price}"), ("by what time do parked cars have to be gone", "By nine in the morning.", has("nine")), ("what music is there going to be", f"{upper(band)} will play.", has(band.split()[1]))])
    stuff, year, town = (d.one(["walnut", "pewter", "copper"]), d.number(1740, 1860, 5), d.some(TOWNS, 2))
    label = f"Clock, {stuff} and glass, about {year}. Made in {town[0]} by the workshop of Gerrit Holm. It told the time in the customs house of {town[1]} until the building was pulled down, and came to the museum as a gift of the last customs officer, who had kept it in a barn."
    label_question = d.one([("Who gave the clock to the museum?", "The last customs officer.", has("customs officer")), ("Where did the clock hang while it was in use?", f"In the customs house of {town[1]}.", has("customs house")), ("Who made this clock?", "The workshop of Gerrit Holm.", has("Holm"))])
    aunt, fruit, uncle = d.person(), d.one(["plums", "quinces", "cherries"]), d.person()
    letter = f"Dear all, the {fruit} are ripe at last, and the tree is bending. {uncle.name} has propped up the lowest branch with an oar. Come before {d.one(DAYS)} if you want some; after that they go to the school kitchen. Bring baskets, we have no bags left. Love, {aunt.name}"
    letter_question = d.one(
        [
            ("What will happen to the fruit that the family doesn't collect?", "It will go to the school kitchen.", has("school kitchen")),
            ("What are the visitors asked to bring along?", "Baskets.", has("baskets")),
            ("How has the overloaded tree been supported?", f"{uncle.name} has propped up the lowest branch with an oar.", has("oar")),
        ]
    )
    return [
        row(s, f"My {item} went missing, and this notice seems to be about it: {lost_question[0]}?", lost_question[1], lost_question[2], lost),
        row(s, f"Going by the leaflet, {fair_question[0]}?", fair_question[1], fair_question[2], fair),
        row(s, f"{label_question[0]} The label beside it has the answer.", label_question[1], label_question[2], label),
        row(s, f"A letter came from the farm this morning. {letter_question[0]}", letter_question[1], letter_question[2], letter),
    ]


def who_did_it(d: Draw) -> list[Row]:
    """Follow a thing from hand to hand; places in a row; shared work; swapped presents."""
    s = "who_did_it"
    a, b, c = d.names(3)
    thing = d.one(["key of the boathouse", "only umbrella", "tent pegs", "camera"])
    it = "them" if thing == "tent pegs" else "it"
    chain = f"At first {a} had the {thing}. Before lunch {b} borrowed {it} and, on the way back, left {it} with {c} to save a walk. {a} never noticed."
    row4 = d.names(4)
    bench = f"Four friends have found seats in a row at the open-air theatre. {row4[0]} sits on the far left with the picnic basket. Right beside the basket comes {row4[1]}, then {row4[2]}, who has forgotten the blanket; {row4[3]} has the seat next to the aisle."
    spot = d.number(1, 2)
    e, f, g = d.person(), d.person(), d.person()
    soup = d.one(["lentil soup", "mushroom stew", "vegetable curry"])
    kitchen = f"The {soup} was {e.name}'s idea. {e.he.capitalize()} did the shopping and chopped everything, but then the phone rang and {f.name} took over at the stove until it was done. {g.name}, who had laid the table, praised the cook at once."
    job = d.one([("stood at the stove to the end", f.name), ("laid the table", g.name), ("bought the ingredients", e.name)])
    h, i = d.person(), d.person()
    gift = d.some(["a mug", "a scarf", "a puzzle", "a candle", "a book of maps"], 2)
    wrapped = f"The parcel with {gift[0]} was meant for {h.name}, the one with {gift[1]} for {i.name}. While tying the ribbons, however, little Ben swapped the two name cards, and nobody noticed until both had been opened."
    asked = d.one([(gift[0], i.name), (gift[1], h.name)])
    return [
        row(s, f"We need the {thing}. Whom should we ask, judging by this message?", f"{c}, with whom {b} left {it}.", has(c), chain),
        row(s, f"Between which two people is {row4[spot]} sitting?", f"Between {row4[spot - 1]} and {row4[spot + 1]}.", has(row4[spot - 1], row4[spot + 1]), bench),
        row(s, f"Tell me who {job[0]}.", f"{job[1]}.", has(job[1]), kitchen),
        row(s, f"After this mix-up, who unwrapped {asked[0]}?", f"{asked[1]}, because the name cards had been swapped.", has(asked[1]), wrapped),
    ]


def yes_no_with_reason(d: Draw) -> list[Row]:
    """A rule and a case; the rule decides."""
    s = "yes_no_with_reason"
    child, visitor, sender, reader = d.person(), d.person(), d.person(), d.person()
    need, height, age = d.number(120, 140, 5), d.number(112, 148), d.number(7, 11)
    tall = height >= need
    ride = f"Wave rider: passengers must be at least {need} cm tall. Smaller children may not ride, not even with an adult. {child.name} is {age} years old, {height} cm tall, and has come with {child.his} grandmother."
    ride_answer = f"Yes. {child.name} is {height} cm tall and so reaches the {need} cm required." if tall else f"No. {child.name} is only {height} cm tall; {need} cm are required, even in the company of an adult."
    closed, day = d.one(DAYS[:3]), d.one(DAYS[:5])
    hour = d.number(9, 12)
    opening = f"The clock museum is open from 10 to 17 o'clock. It is closed on {closed}s. Groups of more than eight please ring beforehand. {visitor.name} plans to arrive alone on {an(day)} at {hour if day != closed else hour + 3} o'clock."
    if day == closed:
        opening_answer = f"No. The museum is closed on {closed}s."
    elif hour < 10:
        opening_answer = f"No. It opens at 10 o'clock, and {visitor.he} would be there at {hour}."
    else:
        opening_answer = f"Yes. The museum is open on that day from 10 o'clock, and {visitor.he} needs no appointment alone."
    side, weight = d.number(35, 70, 5), d.number(6, 24)
    parcel = f"Locker rules: no side longer than 60 cm, weight up to 20 kg, no plants or animals. The parcel that {sender.name} wants to send is {side} cm long, 30 cm wide and 20 cm high. It holds books and weighs {weight} kg."
    why_not = [f"it is {side} cm long and the limit is 60 cm"] * (side > 60) + [f"it weighs {weight} kg and the limit is 20 kg"] * (weight > 20)
    parcel_answer = f"No: {listed(why_not)}." if why_not else "Yes. Size, weight and contents are all within the rules."
    had, extra = d.number(2, 4), d.number(2, 4)
    words = {2: "two", 3: "three", 4: "four"}
    library = f"Readers may have up to six books at home at the same time; magazines don't count. {reader.name} still has {words[had]} novels from last month and would like to borrow {words[extra]} travel guides and a magazine today."
    total = had + extra
    library_answer = f"Yes. That makes {total} books, and six are allowed; the magazine doesn't count." if total <= 6 else f"No. That would make {total} books, but only six are allowed at a time."
    return [
        row(s, f"Is {child.name} allowed on the ride? Please say yes or no before you explain.", ride_answer, "label:yes|no", ride),
        row(s, "Would this visitor find the door open? Yes or no, plus the deciding point.", opening_answer, "label:yes|no", opening),
        row(s, "I work at the front desk and have to decide about a parcel: does it go into the locker or not? Start with yes or no and name every rule it breaks, if any.", parcel_answer, "label:yes|no", parcel),
        row(s, f"According to the library's rule, can {reader.name} take everything home? Give me a yes or a no along with the reason.", library_answer, "label:yes|no", library),
    ]


CITY_LAND = [("Porto", "Portugal"), ("Tartu", "Estonia"), ("Osaka", "Japan"), ("Bergen", "Norway"), ("Kumasi", "Ghana"), ("Cusco", "Peru"), ("Bologna", "Italy"), ("Marrakesh", "Morocco")]


def multi_hop(d: Draw) -> list[Row]:
    """Two statements have to be joined."""
    s = "multi_hop"
    who = d.names(3)
    homes, jobs = (d.some(CITY_LAND, 3), d.some(["bakes the bread", "repairs the boats", "keeps the accounts", "runs the night shift"], 3))
    k, m, n, o = d.number(0, 2), d.number(0, 2), d.number(0, 2), d.number(0, 2)
    crew = f"In our cooperative {who[0]} {jobs[0]}, {who[1]} {jobs[1]} and {who[2]} {jobs[2]}. None of them was born here: {who[2]} comes from {homes[2][0]}, {who[0]} from {homes[0][0]} and {who[1]} from {homes[1][0]}."
    staff, floors, tags = (d.names(3), d.some(["first", "second", "third", "fourth"], 3), d.some(["green", "orange", "black", "white"], 3))
    keys = f"Keys: {tags[0]} tag for the {floors[0]} floor, {tags[1]} tag for the {floors[1]} floor, {tags[2]} tag for the {floors[2]} floor.\nDesks: {staff[1]} - {floors[1]} floor; {staff[2]} - {floors[2]} floor; {staff[0]} - {floors[0]} floor."
    kids, pets, foods = (d.names(3), d.some(["rabbit", "tortoise", "parrot", "hamster"], 3), d.some(["dandelions", "sunflower seeds", "cucumber", "apple slices"], 3))
    boxes = d.some(range(3), 3)
    pet = f"{kids[0]} has {an(pets[0])}, {kids[1]} {an(pets[1])} and {kids[2]} {an(pets[2])}. In the kitchen hangs a list: {'; '.join(f'{pets[i]}: {foods[i]}' for i in boxes)}."
    ships, captains = d.some(["Heron", "Marigold", "Northern Star", "Patience"], 3), d.names(3)
    piers = d.some(range(3), 3)
    harbour = f"Three ships are lying in the harbour. The {ships[0]} is commanded by {captains[0]}, the {ships[1]} by {captains[1]}, the {ships[2]} by {captains[2]}. Pier {piers[0] + 1} belongs to the {ships[0]}, pier {piers[1] + 1} to the {ships[1]} and pier {piers[2] + 1} to the {ships[2]}."
    talks = d.some(["glaciers", "beekeeping", "old bridges", "sea shanties"], 2)
    speakers = [d.person(), d.person()]
    rain = f"The evening about {talks[0]} was given by a {d.one(['retired pilot', 'young teacher'])} named {speakers[0].name}, the one about {talks[1]} by a carpenter, {speakers[1].name}. Because of the rain the carpenter's lecture was moved to the gym; the other took place in the orchard as planned."
    t = d.number(0, 1)
    return [
        row(s, f"Which country does the member who {jobs[k]} come from?", f"{homes[k][1]}: {who[k]} {jobs[k]} and is from {homes[k][0]}.", has(homes[k][1]), crew),
        row(s, f"{staff[m]} is ill and I have to get something from {'her' if staff[m] in WOMEN else 'his'} desk. What colour is the tag on the key I need?", f"{upper(tags[m])}; the desk is on the {floors[m]} floor.", has(tags[m]), keys),
        row(s, f"I'm looking after the animals this week. What does {kids[n]}'s pet get to eat?", f"{upper(foods[n])}, since {kids[n]} has {an(pets[n])}.", has(foods[n]), pet),
        row(s, f"A parcel for Captain {captains[o]} has arrived at the harbour office. To which pier must it be taken?", f"To pier {piers[o] + 1}, where the {ships[o]} lies.", has(f"pier {piers[o] + 1}"), harbour),
        row(s, f"Where was the talk on {talks[t]} held?", "In the orchard." if t == 0 else "In the gym.", has("orchard" if t == 0 else "gym"), rain),
    ]


def maybe_not_in_text(d: Draw) -> list[Row]:
    """Texts of which one sentence may have been left out, with a question on that sentence."""
    s = "maybe_not_in_text"
    skip = d.some([True, True, True, False], 4)
    coach, author, street = (d.person(), d.person(), d.one(["Harbour Lane", "Station Road", "Elm Street"]))
    fee, year, seats = d.number(12, 30), d.number(1994, 2012), d.number(18, 40, 2)
    club = f"The rowing club takes beginners aged twelve and over. Training is on {d.one(DAYS[:5])} evenings with {coach.name}, a former ferry captain." + ("" if skip[0] else f" The fee is {fee} euros a month.") + " Boats and oars are provided; swimming badges have to be shown on the first day."
    born = (
        f"{author.name} grew up on a sheep farm and learned to read from seed catalogues. {author.his.capitalize()} first book, a collection of recipes told as ghost stories, came out in {year}"
        + (" and went unnoticed." if skip[1] else " with a tiny press called Lantern House.")
        + f" Today {author.he} tours village halls with a suitcase full of spoons."
    )
    bus = f"The night bus leaves from {street} at half past eleven on Fridays and Saturdays and stops on request anywhere along the coast road. " + ("" if skip[2] else f"It has {seats} seats. ") + "Tickets are sold by the driver, who accepts coins only."
    goat = "A goat walked into the town hall on Thursday and rode the lift to the third floor. Two clerks led it out with a salad." + ("" if skip[3] else " It turned out to belong to the fire brigade, where it keeps the lawn short.") + " Nobody was hurt, although one application form is still being looked for."
    return [
        row(s, "What does membership cost per month? If this ad keeps quiet about it, just write 'not mentioned'.", "Not mentioned." if skip[0] else f"{fee} euros a month.", has("not mentioned") if skip[0] else has(str(fee)), club),
        row(s, f"I'm compiling a list of publishers. Who published {author.name}'s first book? Don't guess: put 'unknown' where the portrait gives no answer.", "Unknown." if skip[1] else "Lantern House.", has("unknown") if skip[1] else has("Lantern House"), born),
        row(s, "How many passengers can sit on this bus? Should the information be lacking, answer with the words 'no information'.", "No information." if skip[2] else f"{seats}.", has("no information") if skip[2] else has(str(seats)), bus),
        row(s, "Whose goat was it? Stick to the report, and say 'not reported' in case it leaves that open.", "Not reported." if skip[3] else "It belonged to the fire brigade.", has("not reported") if skip[3] else has("fire brigade"), goat),
    ]


def piped(head: list[str], lines: list[list]) -> str:
    """A table with bars."""
    return "\n".join(" | ".join(map(str, line)) for line in [head, *lines])


def table_lookup(d: Draw) -> list[Row]:
    """Cells and rows of small tables under one or two conditions."""
    s = "table_lookup"
    inns = d.some(["Blue Anchor", "Old Mill", "Hotel Vega", "Pine Lodge", "Sea View"], 4)
    prices, breakfast = d.some(range(48, 99, 3), 4), d.some(["yes", "yes", "no", "no"], 4)
    inn_table = piped(["House", "Price per night", "Breakfast"], [[i, f"{p} euros", b] for i, p, b in zip(inns, prices, breakfast, strict=True)])
    low = min(p for p, b in zip(prices, breakfast, strict=True) if b == "yes")
    plants = d.some([("basil", "full sun", "daily"), ("fern", "shade", "twice a week"), ("cactus", "full sun", "monthly"), ("ivy", "shade", "weekly"), ("mint", "half shade", "daily"), ("orchid", "half shade", "weekly")], 5)
    plant = d.one([x for x in plants if sum(y[1:] == x[1:] for y in plants) == 1])
    plant_table = "plant,light,water\n" + "\n".join(",".join(x) for x in plants)
    places, months = (d.some(["Norrvik", "Santa Rita", "Dunmore", "Kalyani"], 3), ["May", "June", "July"])
    sun = [d.some(range(120, 320), 3) for _ in places]
    sun_table = "\n".join(f"{p}: " + ", ".join(f"{m} {h}" for m, h in zip(months, hours, strict=True)) for p, hours in zip(places, sun, strict=True))
    which, month = d.number(0, 2), d.number(0, 2)
    top = max(range(3), key=lambda i: sun[i][month])
    teachers, rooms, langs = (d.names(4), d.some(range(101, 130), 4), d.some(["Arabic", "Italian", "Polish", "Swahili", "Korean"], 4))
    course = d.number(0, 3)
    course_table = piped(["Course", "Teacher", "Room"], [list(x) for x in zip(langs, teachers, rooms, strict=True)])
    bikes = [("Comet", "city", d.number(11, 13)), ("Badger", "mountain", d.number(14, 16)), ("Swift", "racing", d.number(7, 8)), ("Mule", "cargo", d.number(24, 29))]
    bike = d.one(bikes)
    bike_table = "\n".join(f"{n} ({w} kg): {kind} bike" for n, kind, w in d.some(bikes, 4))
    return [
        row(s, "Where do I sleep most cheaply without giving up breakfast?", f"{inns[prices.index(low)]}, at {low} euros a night with breakfast.", has(inns[prices.index(low)]), inn_table),
        row(s, f"For a spot in {plant[1]} I want a plant from our shop list that is to be watered {plant[2]}. Only one fits; which?", f"{upper(an(plant[0]))}." if plant[0] in ("fern", "cactus", "orchid") else f"{upper(plant[0])}.", has(plant[0]), plant_table),
        row(
            s,
            f"The figures are hours of sunshine. Look up the value for {places[which]} in {months[month]} and name the sunniest place of that month.",
            f"{places[which]} had {sun[which][month]} hours in {months[month]}; the sunniest place was {places[top]}{' itself' if top == which else ''}.",
            has(str(sun[which][month]), places[top]),
            sun_table,
        ),
        row(s, f"Somebody at reception wants to join the {langs[course]} course. Who teaches it, and behind which door?", f"{teachers[course]}, in room {rooms[course]}.", has(teachers[course], str(rooms[course])), course_table),
        row(s, f"What is the {bike[1]} bike called, and how heavy is it?", f"It is called {bike[0]} and weighs {bike[2]} kg.", has(bike[0], str(bike[2])), bike_table),
    ]


def schedule_lookup(d: Draw) -> list[Row]:
    """Next departure, duty roster, moved lessons, programme of a day."""
    s = "schedule_lookup"
    minutes = [d.number(3, 27), d.number(33, 57)]
    hour, stop = d.number(7, 18), d.one(["Museum", "Zoo", "Lake Road", "Town Hall"])
    trams = [f"{h}.{m:02d}" for h in (hour, hour + 1) for m in minutes]
    now = f"{hour}.{d.number(minutes[0] + 1, 31)}"
    tram = f"Tram 4 towards {stop}: {', '.join(trams)}. The last one of these runs on weekdays only. Tickets must be bought before boarding."
    team, days = d.names(4), d.some(DAYS, 4)
    days.sort(key=DAYS.index)
    swap = d.some(range(4), 2)
    roster = "Kitchen duty: " + ", ".join(f"{x} {n}" for x, n in zip(days, team, strict=True)) + f". Note: {team[swap[0]]} and {team[swap[1]]} have swapped days this week."
    lesson, room, other = (d.one(["drama", "pottery", "photography"]), d.number(3, 9), d.number(11, 19))
    old, new = d.some(DAYS[:5], 2)
    moved = f"Autumn courses. Drawing: Mondays, 17.00, room 1. {upper(lesson)}: {old}s, 18.30, room {room}. Singing: Fridays, 19.00, hall. Change from October: {lesson} meets on {new}s in room {other}; the time stays the same."
    acts = d.some(["fire jugglers", "puppet show", "stilt walkers", "clown duo", "mime"], 4)
    hours = [14, 15, 16, 17]
    show = "\n".join(f"{h}.00 {a}" for h, a in zip(hours, acts, strict=True)) + "\nBetween the acts: music from the barrel organ."
    k = d.number(0, 2)
    return [
        row(s, f"It is {now}, and I'm standing at the tram stop. When does the next one come, and when the one after it?", f"The next tram comes at {trams[1]}, the one after it at {trams[2]}.", has(trams[1], trams[2]), tram),
        row(s, f"Who is really in the kitchen on {days[swap[0]]}?", f"{team[swap[1]]}, who has swapped with {team[swap[0]]}.", has(team[swap[1]]), roster),
        row(s, f"I'd like to try the {lesson} course in November. On what day, at what time and in which room will I find it?", f"On {new}s at 18.30 in room {other}.", has(new, "18.30", f"room {other}"), moved),
        row(s, f"We want to see the {acts[k]}, but the children will be hungry afterwards. What is on next, so that we know what we'd be missing?", f"The {acts[k + 1]}, at {hours[k + 1]}.00.", has(acts[k + 1]), show),
    ]


def dialogue(d: Draw) -> list[Row]:
    """What was agreed, ordered, found or promised."""
    s = "dialogue"
    a, b, c, e, f = d.names(5)
    first, second, third = sorted(d.some(DAYS, 3), key=DAYS.index)
    hour, place = (d.number(4, 8), d.one(["at the skate park", "outside the library", "by the old crane"]))
    meet = f"{a}: Are you free on {first}?\n{b}: {first} is choir. {second}?\n{a}: My cousin is here then. What about {third}, {place}?\n{b}: Perfect. At {hour}?\n{a}: Half past {hour} would be safer."
    cake, drink, other = (d.one(["walnut roll", "plum tart", "lemon slice"]), d.one(["hot chocolate", "mint tea"]), d.one(["apple juice", "black coffee"]))
    cafe = f"Waiter: What can I bring you?\n{c}: {upper(an(cake))} and {an(other)}, please.\nWaiter: I'm afraid the {cake.split()[1]} is sold out.\n{c}: Then a cheese sandwich. And make that a {drink} instead, it's cold today.\nWaiter: With pleasure."
    spots = d.some(["in the bread bin", "under the sofa", "in the laundry basket", "behind the radio"], 3)
    lost = f"{e}: Have you seen my glasses?\n{f}: Not {spots[0]} again?\n{e}: I looked there first. And it's dark {spots[1]}.\n{f}: Wait, what is glittering {spots[2]}?\n{e}: Oh! How did they get there?"
    sender, machine, day = (d.person(), d.one(["sewing machine", "record player", "film projector"]), d.one(DAYS))
    phone = f"Clerk: Your {machine} is repaired.\n{sender.name}: Already? I'm away until {day}. Can my neighbour pick it up?\nClerk: Certainly, if he brings the receipt.\n{sender.name}: I'll put it under his door before I leave. And the bill?\nClerk: Is settled. It was still under guarantee."
    ask = d.one([("What must the neighbour bring along, and how will he get it?", f"The receipt; {sender.name} will put it under his door.", ("receipt", "door")), ("Why does nothing have to be paid for the repair?", "Because the machine was still under guarantee.", ("guarantee",))])
    return [
        row(s, "When and where are they going to meet in the end?", f"On {third} at half past {hour}, {place}.", has(third, place.split()[-1]), meet),
        row(s, f"You're the kitchen. What does {c} actually get after all the changes?", f"A cheese sandwich and a {drink}.", has("cheese sandwich", drink), cafe),
        row(s, "Where did the glasses turn up?", f"{upper(spots[2])}.", has(spots[2].split()[-1]), lost),
        row(s, f"I missed half of this phone call. {ask[0]}", ask[1], has(*ask[2]), phone),
    ]


HOMOGRAPHS = [
    ("crane", "At sunrise a crane stepped through the shallows behind the dyke, lifted its neck and called. Twenty others answered from the reeds.", "a large, long-legged bird", "bird", "it steps through shallow water, has a neck and calls"),
    ("crane", "The crane swung the last girder over the roofs. High up in the cabin the driver could see all the way to the coast.", "a tall machine for lifting loads", "machine", "it swings a girder and has a cabin with a driver"),
    ("bark", "The old birch has lost its bark on the weather side. Deer rub against the bare wood, and beetles have moved into the cracks.", "the outer covering of a tree", "tree", "it belongs to a birch, and the bare wood shows where it is missing"),
    ("pitch", "After three days of rain the pitch was under water, so the match against the visitors from the valley had to be moved to the next village.", "a sports ground", "ground", "a match was to be played on it"),
    ("spring", "Behind the chapel a spring rises between two rocks. Walkers fill their bottles there, even in August.", "a place where water comes out of the ground", "water", "it rises between rocks, and walkers fill their bottles there"),
    ("spring", "The clock had stopped because its spring was worn out. The watchmaker took out the coil of steel and bent a new one.", "a coil of metal that drives the clock", "coil", "it is called a coil of steel and drives a clock"),
]
RARE_WORDS = [
    ("cairn", "When the fog came down we lost the path twice. What saved us were the cairns: every hundred steps somebody had piled up stones to the height of a child, and we groped our way from one to the next.", "A heap of stones that marks a path.", "stones"),
    ("monger", "In the old town each lane had its own trade. You bought your nails from an ironmonger and your herring from a fishmonger, and neither monger would have dreamed of selling what the other sold.", "A trader who sells a particular kind of goods.", "sell"),
    ("gloaming", "We set out in the gloaming. The sun had gone down behind the moor, but there was still enough light to find the gate without a lamp.", "The twilight after sunset, when it is not yet fully dark.", "sunset"),
    ("flotsam", "After the storm the beach was covered with flotsam: planks, corks, a chair with three legs, all of it washed ashore from a wreck far out at sea.", "Floating remains of a wreck that are washed ashore.", "wreck"),
]
HOUSE_TERMS = [
    ("quiet hour", "the time between one and three in the afternoon when no machines may run", "The quiet hour lasts from one to three in the afternoon; all machines have to be off then", "workshop"),
    ("floater", "a member without a table of his or her own, who takes whichever one is free", "A floater, meaning a member who has no table of his or her own, takes whichever one is free", "studio"),
    ("dark day", "a day on which there is no performance and the stage belongs to the carpenters", "On a dark day, when there is no performance, the stage belongs to the carpenters", "theatre"),
]
ABBREVIATIONS = [
    ("BYO", "The picnic on Sunday is BYO. Last year some guests misunderstood this and stayed hungry, so once more in full: nobody will be serving anything; each family fills its own basket.", "Guests have to bring their own food and drink.", "own"),
    ("ETA", "Message from the convoy: ETA 18.20. With this wind we may reach you some minutes sooner than that, so please have the pier lights on from six.", "The time at which somebody is expected to arrive.", "arriv"),
    ("N/A", "In the column for the number of the trailer, please write N/A if you come by car only. An empty box makes our computer believe that you forgot the question.", "'Not applicable': the question does not apply in this case.", "appl"),
]


def meaning_in_context(d: Draw) -> list[Row]:
    """Which sense, what a rare word must mean, what a house calls something."""
    s, p, q = "meaning_in_context", d.person(), d.person()
    word, text, sense, key, clue = d.one(HOMOGRAPHS)
    rare, story, means, rare_key = d.one(RARE_WORDS)
    term, definition, start, house = d.one(HOUSE_TERMS)
    short, note, full, short_key = d.one(ABBREVIATIONS)
    rules = f"From the rules of the {house}: Please sweep up before you go and sign the list at the door. {start}. Questions go to {q.name}, who has the office on the left."
    return [
        row(s, f"'{upper(word)}' can mean several things. What is it in these lines, and what gives it away?", f"Here it is {sense}: {clue}.", has(key), text),
        row(s, f"Without a dictionary at hand, {p.name} tries to work out from the passage what the word '{rare}' means. Help with a short definition.", means, has(rare_key), story),
        row(s, f"I'm new here. Explain to me what people in this house understand by a '{term}'.", f"{upper(definition)}.", has({"quiet hour": "machine", "floater": "table", "dark day": "performance"}[term]), rules),
        row(s, f"What do the letters {short} tell the reader here?", full, has(short_key), note),
    ]


def compare_in_text(d: Draw) -> list[Row]:
    """Two or three things described in prose, compared in one respect."""
    s = "compare_in_text"
    a, b = d.person(), d.person()
    times = d.some(range(20, 60, 5), 2)
    quick, slow = (a, b) if times[0] < times[1] else (b, a)
    commute = f"{a.name} and {b.name} work in the same office. {a.name} takes the train and needs {times[0]} minutes from door to door, with a book on {a.his} knees. {b.name} comes by bicycle along the canal, which takes {b.him} {times[1]} minutes in any weather."
    weights, walls = d.some(range(12, 32), 2), d.some(range(2, 7), 2)
    tents = f"The Alba tent weighs {weights[0] / 10} kg and takes {walls[0]} minutes to put up, as three of our readers found. Its rival, the Corrie, brings {weights[1] / 10} kg to the scales; practised hands have it standing after {walls[1]} minutes. Both sleep two and come in orange only."
    light = "Alba" if weights[0] < weights[1] else "Corrie"
    fast = "Alba" if walls[0] < walls[1] else "Corrie"
    same = f"the {light} wins in both respects" if light == fast else f"the {light} is lighter, but the {fast} is put up faster"
    years = d.some(range(1780, 1930), 3)
    bridges = d.some(["Weavers' Bridge", "Chain Bridge", "Mill Bridge", "Ferry Bridge"], 3)
    oldest = bridges[years.index(min(years))]
    town = f"Three bridges cross the river in the town. {bridges[0]} was opened in {years[0]} and rests on oak piles. {bridges[1]} followed the great flood and bears the date {years[1]}; {bridges[2]}, the widest, has carried carts and later trams since {years[2]}."
    open_first = d.one([True, False])
    late, early = ("Lotus", "Corner") if open_first else ("Corner", "Lotus")
    cafes = f"Both cafés are on the market square. The {late} opens at ten and serves soup until midnight. The {early} has its first rolls on the counter at half past six and closes after lunch. Dogs are welcome in either; cards are accepted only at the {d.one([late, early])}."
    wish = d.one([("a roll before our train at half past seven", early, "it opens before half past seven, the other only at ten"), ("a hot soup after the late show", late, "it serves soup until midnight, while the other closes after lunch")])
    return [
        row(s, "Whose way to work is the shorter one in terms of time?", f"{quick.name}'s: {min(times)} minutes against {slow.name}'s {max(times)}.", has(quick.name), commute),
        row(s, "Our scout group is torn between two tents. Judging from the test, which is lighter and which goes up faster?", f"{upper(same)}.", has(*dict.fromkeys([light, fast])), tents),
        row(s, "Name the oldest of the bridges and the year given for it.", f"{oldest}, {min(years)}.", has(oldest, str(min(years))), town),
        row(s, f"Which of the cafés should we go to for {wish[0]}?", f"The {wish[1]}: {wish[2]}.", has(wish[1]), cafes),
    ]


CHAINS = [
    (
        "the concert began an hour late",
        "a goose had settled on the railway line",
        "the train with the orchestra was held up",
        "A goose had settled on the railway line near {town}, and nobody could persuade it to leave. The train with the orchestra was held up for an hour. The audience in the hall waited with patience, and the concert began at nine instead of eight.",
        "goose",
        "train",
    ),
    (
        "the ice cream in the kiosk melted",
        "a mouse had gnawed through the cable of the freezer",
        "the freezer stopped working",
        "On Sunday night a mouse gnawed through the cable of the freezer in {name}'s kiosk. The freezer stopped working, and by the morning forty tubs of ice cream had melted. The children of {town} were invited to bring spoons.",
        "mouse",
        "freezer",
    ),
    (
        "the streets were full of paper",
        "somebody had left a window of the archive open",
        "the wind blew a stack of old forms out of the building",
        "Last Tuesday somebody left a window of the archive open. In the evening the wind blew a whole stack of old forms out of the building. By midnight the streets of {town} were full of paper, and {name} from the town hall was seen running after the letter Q.",
        "window",
        "wind",
    ),
    (
        "the village had no bread for two days",
        "the river had risen after heavy rain",
        "the bridge to the mill was closed",
        "After a week of heavy rain the river rose above its mark. The bridge to the mill had to be closed, no flour could be fetched, and for two days the village of {town} had no bread. {name}, the baker, used the time to paint the shop.",
        "rain",
        "bridge",
    ),
]


def cause_and_effect(d: Draw) -> list[Row]:
    """First cause, direct cause, consequence, and a purpose."""
    s = "cause_and_effect"
    picks = d.some(CHAINS, 3)
    texts = [p[3].format(town=d.one(TOWNS), name=d.person().name) for p in picks]
    p, stall = d.person(), d.one(["honey", "candles", "jam"])
    choice = d.one([("the rent on the square had doubled", "rent"), ("hardly anyone passed there any more after the bus stop was moved", "bus stop")])
    moved = f"For nine years {p.name} sold {stall} on the square, every Saturday, in all weathers. This spring {p.he} gave up the stand, not because of {p.his} age, as some believed, but because {choice[0]}. Since then {p.he} has been selling from a cargo bike, and the customers find {p.him} by the bell."
    return [
        row(s, f"Explain what lay at the root of it all when {picks[0][0]}.", f"{upper(picks[0][1])}.", has(picks[0][4]), texts[0]),
        row(s, f"Step by step, what followed from the fact that {picks[1][1]}?", f"As a result {picks[1][2]}, and in the end {picks[1][0]}.", has(picks[1][5]), texts[1]),
        row(s, f"What was the immediate reason why {picks[2][0]}, and what had brought that about in turn?", f"Immediate reason: {picks[2][2]}. That happened because {picks[2][1]}.", has(picks[2][4], picks[2][5]), texts[2]),
        row(s, f"There are rumours about {p.name}. Why did {p.he} really give up the stand?", f"Because {choice[0]}.", has(choice[1]), moved),
    ]


DEVICES = {
    "the bread maker": [
        ("pour the water into the pan", "poured in the water"),
        ("add the flour and the salt", "added the flour and the salt"),
        ("make a hollow and put the yeast into it", "put in the yeast"),
        ("click the pan into place", "clicked the pan into place"),
        ("choose a programme", "chosen a programme"),
        ("press Start", "pressed Start"),
    ],
    "the projector": [("take off the lens cap", "taken off the lens cap"), ("connect the laptop", "connected the laptop"), ("switch on the projector", "switched on the projector"), ("wait until the fan runs quietly", "waited for the fan"), ("turn the ring until the picture is sharp", "turned the ring")],
    "the paddling pool": [("spread the mat on level ground", "spread the mat"), ("unfold the pool on top of it", "unfolded the pool"), ("inflate the upper ring", "inflated the upper ring"), ("close the drain plug", "closed the drain plug"), ("let in the water slowly", "let in the water")],
    "the letter press": [("wipe the plate clean", "wiped the plate"), ("roll the ink on thinly", "rolled on the ink"), ("lay the paper on the plate", "laid down the paper"), ("cover it with the felt", "covered it with the felt"), ("turn the wheel once", "turned the wheel")],
}
CODES = [("F1", "the lid is open", "close it", "close"), ("F2", "the tank is empty", "refill it", "refill"), ("F3", "the filter is clogged", "rinse it under the tap", "rinse"), ("F4", "the motor is too hot", "let it cool for half an hour", "cool")]


def numbered(steps: list[tuple[str, str]]) -> str:
    """Steps as a numbered list."""
    return "\n".join(f"{n}. {upper(step)}." for n, (step, _) in enumerate(steps, 1))


def manual_steps(d: Draw) -> list[Row]:
    """The next step, the step before, the last step, a fault code."""
    s = "manual_steps"
    (one, steps1), (two, steps2), (three, steps3) = d.some(DEVICES.items(), 3)
    i, j = d.number(1, len(steps1) - 2), d.number(2, len(steps2) - 1)
    prose = "First " + ", then ".join(step for step, _ in steps3[:-1]) + f". Finally {steps3[-1][0]}. Keep these instructions in a dry place."
    code, fault, cure, cure_key = d.one(CODES)
    codes = "Fault codes of the steam cleaner\n" + "\n".join(f"{c}: {f}; {k}" for c, f, k, _ in CODES) + "\nFor all other codes unplug the device and call us."
    return [
        row(s, f"I have just {steps1[i][1]}. What comes next with {one}?", f"{upper(steps1[i + 1][0])}.", has(steps1[i + 1][1].split()[-1]), numbered(steps1)),
        row(s, f"Before I {steps2[j][0]}, what should have been done immediately beforehand, according to the instructions for {two}?", f"You should have {steps2[j - 1][1]}.", has(steps2[j - 1][1].split()[-1]), numbered(steps2)),
        row(s, f"With which action does the preparation of {three} end?", f"{upper(steps3[-1][0])}.", has(steps3[-1][1].split()[-1]), prose),
        row(s, f"Our steam cleaner blinks {code} and refuses to go on. Tell me the trouble and the remedy.", f"{upper(fault)}: {cure}.", has(fault.split()[-1], cure_key), codes),
    ]


PROGRAMS = (
    geography,
    everyday_why,
    history_and_society,
    animals_and_plants,
    human_body,
    astronomy,
    words_and_idioms,
    arts_and_myths,
    sports_and_games,
    food_and_cooking,
    units_and_calendar,
    technology_and_inventions,
    find_fact,
    who_did_it,
    yes_no_with_reason,
    multi_hop,
    maybe_not_in_text,
    table_lookup,
    schedule_lookup,
    dialogue,
    meaning_in_context,
    compare_in_text,
    cause_and_effect,
    manual_steps,
)


def rows(rng: random.Random) -> list[Row]:
    """All generated rows, decided by ``rng``."""
    d = Draw(rng)
    return [one for program in PROGRAMS for one in program(d)]
