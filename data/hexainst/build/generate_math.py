"""The generated half of MATH: about a hundred small programs, each writing one kind of question.

A *form* draws its numbers, names and scenario from ``rng`` and returns (instruction, input, response,
checker). Forms are registered under their sub-type; ``rows`` runs every form once, sub-type by
sub-type in shuffled order, so no two rows of a sub-type share a wording. Numbers are drawn so that
results are exact, or the question names the rounding; the checker works the answer out again from
the quantities of the question.
"""

import itertools
import math
import random
import statistics
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

Form = Callable[[random.Random], tuple[str, str, str, str]]
FORMS: dict[str, list[Form]] = {}

# fmt: off
NAMES = [
    "Adaeze", "Akira", "Alejandra", "Amir", "Anjali", "Arvid", "Ayesha", "Bence", "Bogdan",
    "Camille", "Chidi", "Dalia", "Dmitri", "Eilidh", "Emre", "Farid", "Freya", "Giulia", "Goran",
    "Hana", "Henrik", "Imani", "Ivana", "Jamal", "Joaquin", "Kaito", "Katarzyna", "Kwame",
    "Lakshmi", "Lars", "Leonor", "Linh", "Lucia", "Malik", "Marit", "Mehmet", "Miguel", "Nadia",
    "Naoki", "Noor", "Oluwaseun", "Paolo", "Priya", "Rahel", "Rosa", "Samir", "Sanne", "Sofia",
    "Stefan", "Tariq", "Thandiwe", "Tomasz", "Uma", "Viktor", "Wanjiru", "Xin", "Yara", "Zofia",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]
# fmt: on
TRIPLES = [(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29)]


def form(subtype: str) -> Callable[[Form], Form]:
    """Register a form under its sub-type."""

    def register(function: Form) -> Form:
        FORMS.setdefault(subtype, []).append(function)
        return function

    return register


def rows(rng: random.Random) -> list[dict]:
    """One row per form, one hundred in all."""
    fields = ("instruction", "input", "response", "checker")
    made = []
    for subtype, forms in FORMS.items():
        for write in rng.sample(forms, len(forms)):
            made.append({"subtype": subtype, **dict(zip(fields, write(rng), strict=True))})
    return made


def two(x: float | Decimal | Fraction) -> str:
    """An amount of money with two decimals and thousands commas."""
    return f"{Decimal(str(float(x))).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def num(x: float | Fraction) -> str:
    """A number in its shortest exact form, with thousands commas."""
    value = float(x)
    return f"{int(value):,}" if value == int(value) else f"{round(value, 6):,}"


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return f"{', '.join(words[:-1])} and {words[-1]}"


def linear(a: int, b: int, x: str = "x") -> str:
    """``ax + b`` as people write it."""
    head = {1: x, -1: f"-{x}"}.get(a, f"{a}{x}")
    return head if b == 0 else f"{head} {'+' if b > 0 else '-'} {abs(b)}"


def quadratic_text(a: int, b: int, c: int) -> str:
    """``ax^2 + bx + c`` as people write it."""
    head = {1: "x^2", -1: "-x^2"}.get(a, f"{a}x^2")
    middle = "" if b == 0 else f" {'+' if b > 0 else '-'} {'' if abs(b) == 1 else abs(b)}x"
    tail = "" if c == 0 else f" {'+' if c > 0 else '-'} {abs(c)}"
    return head + middle + tail


def clock(minutes: int) -> str:
    """Minutes after midnight as HH:MM."""
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


# ------------------------------------------------------------------------------- money


@form("money_problem")
def coins(rng):
    coin = rng.choice([20, 50])
    count = rng.randrange(31, 90)
    holder = rng.choice(["A glass jar", "An old biscuit tin", "A piggy bank"])
    amount = two(count * coin / 100)
    return (
        f"{holder} holds nothing but {coin}-cent coins, worth {amount} euros in all. Number of coins?",
        "",
        f"{amount} euros are {count * coin:,} cents, and {count * coin:,} / {coin} = {count} coins.",
        f"number:{amount}*100/{coin}",
    )


@form("money_problem")
def print_order(rng):
    name, count = rng.choice(NAMES), rng.choice([120, 160, 180, 240])
    thing, event = rng.choice(
        [
            ("flyers", "a flea market"),
            ("song sheets", "a carol evening"),
            ("programmes", "a school play"),
        ]
    )
    setup, each, off = (
        rng.choice([15, 20, 24]),
        rng.choice([15, 20, 25, 35]),
        rng.choice([5, 10, 20]),
    )
    gross = setup + Fraction(count * each, 100)
    net = gross * (100 - off) / 100
    return (
        f"{name} orders {count} {thing} for {event}. The print shop charges {setup} dollars for setting up and {each} cents apiece, then takes {off} percent off everything because it sponsors the event. What does the final bill come to, in dollars?",
        "",
        f"{setup} + {count} * {two(each / 100)} = {two(gross)} dollars.\nAfter the {off} percent discount: {two(gross)} * {two(1 - off / 100)} = {two(net)} dollars.",
        f"number:({setup}+{count}*{each}/100)*(1-{off}/100)",
    )


@form("money_problem")
def receipt(rng):
    shop, goods = rng.choice(
        [
            (
                "hardware store",
                [
                    "paint brush",
                    "roll of tape",
                    "box of screws",
                    "sanding block",
                    "tin of varnish",
                    "spirit level",
                ],
            ),
            (
                "stationer's",
                [
                    "fountain pen",
                    "ring binder",
                    "sketch pad",
                    "glue stick",
                    "pack of envelopes",
                    "desk calendar",
                ],
            ),
            (
                "garden centre",
                [
                    "bag of compost",
                    "lavender plant",
                    "terracotta pot",
                    "packet of seeds",
                    "watering can",
                    "ball of twine",
                ],
            ),
        ]
    )
    items = [(g, rng.randrange(1, 5), rng.randrange(21, 180) * 5) for g in rng.sample(goods, 4)]
    lines = [f"{g}: {k} x {two(c / 100)}" for g, k, c in items]
    total = sum(k * c for _, k, c in items)
    return (
        f"Before I file this receipt from the {shop}, would you check what the total should have been? Amounts are in pounds.",
        "\n".join(lines),
        f"{' + '.join(two(k * c / 100) for _, k, c in items)} = {two(total / 100)} pounds",
        "number:" + "+".join(f"{k}*{two(c / 100)}" for _, k, c in items),
    )


@form("money_problem")
def settle_up(rng):
    a, b, c = rng.sample(NAMES, 3)
    place = rng.choice(["a cabin by the lake", "a hut in the hills", "a flat near the beach"])
    rent, food = rng.randrange(50, 70) * 6, rng.randrange(30, 45) * 3
    petrol = rng.randrange(12, 25) * 3
    share = (rent + food + petrol) // 3
    return (
        f"After the weekend everything is to be shared equally among the three friends. How many euros does {c} still have to hand over to the others in total?",
        f"{a}, {b} and {c} spent two nights in {place}. {a} paid the rent of {rent} euros in advance. {b} bought all the food for {food} euros. {c} filled the tank for {petrol} euros. Everybody paid for their own ice cream, so that is settled.",
        f"Shared costs: {rent} + {food} + {petrol} = {rent + food + petrol} euros, so {share} euros each.\n{c} has paid {petrol}, so {share} - {petrol} = {share - petrol} euros are still due.",
        f"number:({rent}+{food}+{petrol})/3-{petrol}",
    )


@form("money_problem")
def pack_sizes(rng):
    ware = rng.choice(["muesli", "basmati rice", "cat food", "dried apricots"])
    small, big = rng.choice([(400, 1000), (500, 1200), (250, 750)])
    low, high = sorted(rng.sample(range(400, 800, 20), 2))
    prices = two(high * small / 100000), two(low * big / 100000)
    return (
        f"Which pack of {ware} is the better buy? Compare the prices per kilogram and put the lower of the two at the end.",
        f"Small pack: {small} g for {prices[0]} euros\nLarge pack: {num(big / 1000)} kg for {prices[1]} euros",
        f"Small: {prices[0]} / {num(small / 1000)} = {two(high / 100)} euros per kg. Large: {prices[1]} / {num(big / 1000)} = {two(low / 100)} euros per kg.\nThe large pack is the better buy, at {two(low / 100)}",
        f"number:min({prices[0]}/{small}*1000,{prices[1]}/{big}*1000)",
    )


# ------------------------------------------------------------------------------- rates


@form("rate_speed_work")
def distance(rng):
    thing, speed = rng.choice(
        [("freight train", 84), ("tram", 36), ("sailing boat", 12), ("hot-air balloon", 18)]
    )
    minutes = rng.choice([25, 35, 40, 50])
    return (
        f"At a constant {speed} km/h, how many kilometres does a {thing} cover in {minutes} minutes?",
        "",
        f"{minutes} minutes are {Fraction(minutes, 60)} of an hour: {speed} * {Fraction(minutes, 60)} = {num(Fraction(speed * minutes, 60))} km.",
        f"number:{speed}*{minutes}/60",
    )


@form("rate_speed_work")
def crew(rng):
    first, hours, second = rng.choice([(4, 9, 6), (5, 12, 8), (6, 10, 4), (3, 14, 4)])
    workers, job = rng.choice(
        [
            ("painters", "paint the railings of a bridge"),
            ("volunteers", "sort the books of a charity sale"),
            ("gardeners", "plant the bulbs in a park"),
        ]
    )
    return (
        f"Last year {first} {workers} needed {hours} hours to {job}. This year {second} of them are coming. Supposing that all work equally fast, how many hours should be planned?",
        "",
        f"The job takes {first} * {hours} = {first * hours} working hours.\nShared among {second}: {first * hours} / {second} = {num(first * hours / second)} hours.",
        f"number:{first}*{hours}/{second}",
    )


@form("rate_speed_work")
def catch_up(rng):
    walker, rider = rng.sample(NAMES, 2)
    walk, ride, lead = rng.choice([(5, 20, 45), (6, 18, 30), (4, 16, 60), (6, 24, 45)])
    when = Fraction(walk * lead, ride - walk)
    return (
        "After how many minutes of cycling is the forgotten lunch box delivered? Show the head start and the closing speed.",
        f"{walker} sets out on a hike at {walk} km/h but leaves the lunch box on the kitchen table. Exactly {lead} minutes later {rider} jumps on a bicycle and follows the same path at {ride} km/h. Neither of them stops on the way, and {walker} has not noticed anything yet.",
        f"Head start: {walk} * {lead}/60 = {num(Fraction(walk * lead, 60))} km. Closing speed: {ride} - {walk} = {ride - walk} km/h.\n{num(Fraction(walk * lead, 60))} / {ride - walk} hours = {num(when)} minutes",
        f"number:{walk}*{lead}/60/({ride}-{walk})*60",
    )


@form("rate_speed_work")
def leaking_tank(rng):
    inflow = rng.choice([18, 22, 25, 30])
    leak = rng.choice([3, 4, 5])
    minutes = rng.choice([36, 40, 48])
    litres = (inflow - leak) * minutes
    place = rng.choice(["paddling pool", "rainwater cistern", "stock pond for the ducks"])
    return (
        f"We are filling a {place} with a hose that delivers {inflow} litres a minute. Meanwhile a crack at the bottom lets {leak} litres escape every minute. The capacity is {litres:,} litres. How many minutes will it take until the water stands at the rim?",
        "",
        f"The level rises by {inflow} - {leak} = {inflow - leak} litres a minute.\n{litres:,} / {inflow - leak} = {minutes} minutes",
        f"number:{litres}/({inflow}-{leak})",
    )


# ------------------------------------------------------------------------------- percentages


@form("percentage")
def share_of_whole(rng):
    whole = rng.choice([80, 120, 160, 240])
    part = whole * rng.choice([35, 45, 55, 65]) // 100
    things, some = rng.choice(
        [("apple trees", "pruned"), ("library cards", "renewed"), ("letters", "stamped")]
    )
    return (
        f"Of {whole} {things}, {part} have already been {some}. What percentage is that?",
        "",
        f"{part} / {whole} = {num(part / whole)}, that is {num(Fraction(100 * part, whole))} percent.",
        f"number:{part}/{whole}*100",
    )


@form("percentage")
def before_discount(rng):
    name = rng.choice(NAMES)
    thing = rng.choice(
        ["a rucksack", "a desk lamp", "a pair of hiking boots", "an electric kettle"]
    )
    old, off = rng.choice([60, 80, 120, 140]), rng.choice([15, 25, 30, 35])
    new = Fraction(old * (100 - off), 100)
    return (
        f"{name} bought {thing} in the sale for {two(new)} euros, which was {off} percent below the regular price. The receipt shows nothing but the amount that was paid. How many euros had it cost before the reduction?",
        "",
        f"The sale price is {100 - off} percent of the regular one: {two(new)} / {two(1 - off / 100)} = {old} euros.",
        f"number:{two(new)}/(1-{off}/100)",
    )


@form("percentage")
def ballot(rng):
    topic, choices = rng.choice(
        [
            ("the next club excursion", ["castle", "lake", "zoo", "steam railway"]),
            ("the colour of the new benches", ["green", "blue", "red", "natural wood"]),
            ("the motto of the carnival", ["pirates", "outer space", "jungle", "the 1920s"]),
        ]
    )
    votes = rng.sample(range(21, 95), 4)
    winner = max(votes)
    total = sum(votes)
    percent = Decimal(winner * 100) / Decimal(total)
    shown = percent.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return (
        f"Our members voted on {topic}. Calculate what percentage of the valid votes went to the winner, with one decimal place.",
        "\n".join(f"{c}: {v}" for c, v in zip(choices, votes, strict=True))
        + f"\ninvalid: {rng.randrange(2, 8)}",
        f"Valid votes: {' + '.join(map(str, votes))} = {total}. The winner is {choices[votes.index(winner)]}, with {winner} / {total} = {shown} percent.",
        f"number:round(max({','.join(map(str, votes))})/({'+'.join(map(str, votes))})*100,1)",
    )


@form("percentage")
def mixture(rng):
    first, second, p, q = rng.choice(
        [(300, 200, 10, 40), (450, 150, 12, 32), (600, 400, 15, 30), (250, 750, 8, 20)]
    )
    result = Fraction(first * p + second * q, first + second)
    use = rng.choice(["a dye bath", "a batch of cleaning liquid", "a photographic developer"])
    return (
        f"For {use} two dilutions of the same concentrate are poured together, and nothing is spilt. Find the strength of the mixture, in percent by volume.",
        f"The first bottle contains {first} ml of a {p} percent solution. The second one contains {second} ml of a {q} percent solution. Both are emptied completely into a clean bucket and stirred. You may assume that the volumes simply add up and that the percentages refer to volume.",
        f"Pure concentrate: {num(Fraction(first * p, 100))} ml + {num(Fraction(second * q, 100))} ml = {num(Fraction(first * p + second * q, 100))} ml in {first + second:,} ml.\nThat is a strength of {num(result)} percent.",
        f"number:({first}*{p}+{second}*{q})/({first}+{second})",
    )


# ------------------------------------------------------------------------------- fractions


@form("fraction_arithmetic")
def fraction_quotient(rng):
    a, b = rng.choice(
        [
            (Fraction(5, 6), Fraction(10, 9)),
            (Fraction(7, 8), Fraction(21, 4)),
            (Fraction(4, 9), Fraction(8, 15)),
            (Fraction(9, 14), Fraction(6, 7)),
        ]
    )
    return (
        f"Divide {a} by {b} and cancel down completely.",
        "",
        f"{a} * {1 / b} = {a.numerator * b.denominator}/{a.denominator * b.numerator} = {a / b}.",
        f"value:str(Fraction({a.numerator},{a.denominator})/Fraction({b.numerator},{b.denominator}))",
    )


@form("fraction_arithmetic")
def cut_pieces(rng):
    thing, piece = rng.choice(
        [("satin ribbon", "bows"), ("copper wire", "hooks"), ("cotton cord", "drawstrings")]
    )
    part = rng.choice([Fraction(3, 8), Fraction(2, 5), Fraction(3, 5), Fraction(5, 8)])
    count = rng.choice([16, 24, 32]) if part.denominator == 8 else rng.choice([15, 20, 30])
    return (
        f"From a {num(count * part)} m roll of {thing} I cut lengths of {part} m for {piece}. How many such lengths do I get if nothing is wasted?",
        "",
        f"{num(count * part)} / ({part}) = {num(count * part)} * {1 / part} = {count} lengths.",
        f"number:{num(count * part)}/Fraction({part.numerator},{part.denominator})",
    )


@form("fraction_arithmetic")
def spread(rng):
    fractions = [
        Fraction(t)
        for t in rng.choice(
            ["5/8 7/12 2/3 11/18", "3/5 7/10 8/15 13/20", "4/9 1/2 5/12 7/18"]
        ).split()
    ]
    rng.shuffle(fractions)
    high, low = max(fractions), min(fractions)
    code = ",".join(f"Fraction({f.numerator},{f.denominator})" for f in fractions)
    return (
        "Four gauges in the boiler room show how full their tanks are. By what fraction of a tank does the fullest exceed the emptiest? Please reduce your result.",
        ", ".join(map(str, fractions)),
        f"Fullest: {high}. Emptiest: {low}.\n{high} - {low} = {high - low}",
        f"value:str(max({code})-min({code}))",
    )


@form("fraction_arithmetic")
def orchard(rng):
    a, b, c = rng.sample(["plums", "pears", "cherries", "apples", "quinces"], 3)
    x, y = rng.choice(
        [
            (Fraction(1, 3), Fraction(1, 4)),
            (Fraction(2, 5), Fraction(1, 3)),
            (Fraction(3, 8), Fraction(1, 4)),
        ]
    )
    rest = 1 - x - y
    trees = rest.denominator * rng.choice([3, 4, 6])
    return (
        "How many trees grow in the whole orchard? The pupils know how to add fractions, so that step should be visible in your solution.",
        f"{x} of the trees in the orchard bear {a}, {y} of all the trees bear {b}, and the remaining {num(rest * trees)} bear {c}. Two dead stumps along the fence have not been included in any of these figures.",
        f"{a.capitalize()} and {b} together: {x} + {y} = {x + y}. So the {c} are {rest} of the trees.\n{num(rest * trees)} / ({rest}) = {trees} trees",
        f"number:{num(rest * trees)}/(1-Fraction({x.numerator},{x.denominator})-Fraction({y.numerator},{y.denominator}))",
    )


# ------------------------------------------------------------------------------- ratios and scale


@form("ratio_and_scale")
def share_in_ratio(rng):
    a, b = rng.sample(NAMES, 2)
    p, q = rng.choice([(3, 5), (4, 7), (2, 7), (5, 8)])
    unit = rng.randrange(12, 40)
    return (
        f"{a} and {b} share {unit * (p + q)} dollars in the ratio {p}:{q}. How large is {b}'s part?",
        "",
        f"One of the {p + q} parts is {unit} dollars, so {b} gets {q} * {unit} = {q * unit} dollars.",
        f"number:{unit * (p + q)}*{q}/({p}+{q})",
    )


@form("ratio_and_scale")
def scale_model(rng):
    thing, measure, scale, length = rng.choice(
        [
            ("paddle steamer", "length", 150, 42),
            ("suspension bridge", "length", 400, 85),
            ("railway carriage", "length", 87, 30),
            ("lighthouse", "height", 72, 55),
        ]
    )
    return (
        f"The museum shop sells a kit for a model {thing} at a scale of 1:{scale}. On the assembled model the {measure} is {length} cm. What is the {measure} of the original in metres?",
        "",
        f"{length} cm * {scale} = {length * scale:,} cm, which is {num(length * scale / 100)} m.",
        f"number:{length}*{scale}/100",
    )


@form("ratio_and_scale")
def paint_mix(rng):
    colour, parts = rng.choice(
        [
            ("dusty rose", [("white", 5), ("red", 2), ("grey", 1)]),
            ("moss green", [("yellow", 4), ("blue", 3), ("brown", 2)]),
            ("petrol blue", [("blue", 6), ("green", 3), ("black", 1)]),
        ]
    )
    total = sum(k for _, k in parts)
    litres = Fraction(total, 2) * rng.choice([1, 3])
    name, k = rng.choice(parts)
    return (
        f"I'd like to mix {num(litres)} litres of this colour for the stage set. How many litres of {name} go into it?",
        f"{colour.capitalize()}: "
        + listed([f"{n} part{'s' if n > 1 else ''} {c}" for c, n in parts]),
        f"There are {total} parts of {num(litres)} / {total} = {num(litres / total)} litres each.\n{name.capitalize()}: {k} * {num(litres / total)} = {num(k * litres / total)} litres",
        f"number:{num(litres)}*{k}/({'+'.join(str(n) for _, n in parts)})",
    )


@form("ratio_and_scale")
def syrup(rng):
    flavour = rng.choice(["elderflower", "raspberry", "ginger", "hibiscus"])
    water, glass, bottle = rng.choice([(5, 240, 500), (7, 200, 500), (4, 250, 700), (6, 210, 600)])
    glasses = rng.choice([80, 90, 110, 130])
    need = glasses * glass // (water + 1)
    bottles = math.ceil(need / bottle)
    exact = need % bottle == 0
    return (
        f"Our street party needs {flavour} cordial, diluted as the label says. Each of the {glasses} glasses is to be filled with {glass} ml of the finished drink. How many bottles of syrup do I have to buy at least?",
        f"Label: mix 1 part syrup with {water} parts water. Contents of one bottle: {bottle} ml. Keep in a cool place after opening.",
        f"Finished drink: {glasses} * {glass} = {glasses * glass:,} ml, of which 1/{water + 1} is syrup: {need:,} ml.\n{need:,} / {bottle} = {num(round(need / bottle, 2))}, so you need {'exactly' if exact else 'to buy'} {bottles} bottles.",
        f"number:math.ceil(Fraction({glasses}*{glass},{water}+1)/{bottle})",
    )


# ------------------------------------------------------------------------------- units


@form("unit_conversion")
def simple_units(rng):
    amount, big, small, factor = rng.choice(
        [
            (Fraction(11, 4), "hours", "minutes", 60),
            (Fraction(17, 5), "kilograms", "grams", 1000),
            (Fraction(9, 4), "days", "hours", 24),
            (Fraction(13, 20), "square metres", "square centimetres", 10000),
        ]
    )
    return (
        f"How many {small} make {num(amount)} {big}?",
        "",
        f"{num(amount)} * {factor:,} = {num(amount * factor)} {small}.",
        f"number:{num(amount)}*{factor}",
    )


@form("unit_conversion")
def signpost(rng):
    place = rng.choice(["Inverness", "Aberystwyth", "Penzance", "Carlisle"])
    miles = rng.choice([37, 45, 58, 64, 73])
    km = Decimal(miles) * Decimal("1.609")
    return (
        f"A signpost on our cycling holiday in Britain says {miles} miles to {place}. Counting a mile as 1.609 km, what is the distance in kilometres, to one decimal place? We would rather not work it out while pedalling.",
        "",
        f"{miles} * 1.609 = {km}, so about {km.quantize(Decimal('0.1'), ROUND_HALF_UP)} km.",
        f"number:round({miles}*1.609,1)",
    )


@form("unit_conversion")
def cups(rng):
    counts = [
        (rng.choice([2, 3, 4]), "cups of buttermilk"),
        (rng.choice([3, 4, 5]), "tablespoons of oil"),
        (rng.choice([2, 3, 5]), "teaspoons of vanilla essence"),
    ]
    sizes = [240, 15, 5]
    total = sum(k * s for (k, _), s in zip(counts, sizes, strict=True))
    return (
        "Will the liquids fit into my measuring jug? Tell me their total volume in millilitres.",
        "\n".join(f"{k} {what}" for k, what in counts)
        + "\n(1 cup = 240 ml, 1 tablespoon = 15 ml, 1 teaspoon = 5 ml; the jug holds 1.5 litres)",
        f"{' + '.join(str(k * s) for (k, _), s in zip(counts, sizes, strict=True))} = {total:,} ml. "
        f"The jug holds 1,500 ml, so they fit: the total is {total:,} ml.",
        "number:" + "+".join(f"{k}*{s}" for (k, _), s in zip(counts, sizes, strict=True)),
    )


@form("unit_conversion")
def download(rng):
    name = rng.choice(NAMES)
    rate = rng.choice([20, 25, 40, 50])
    size = rng.choice([3, 6, 9, 12])
    minutes = Fraction(size * 8000, rate * 60)
    return (
        f"{name} wants to copy a film archive of {size} gigabytes from a server before the train leaves. The connection carries a steady {rate} megabits per second. One byte is 8 bits and one gigabyte is counted as 1,000 megabytes here. For how many minutes will the transfer keep the laptop busy?",
        "",
        f"{size} GB = {size * 1000:,} megabytes = {size * 8000:,} megabits.\n{size * 8000:,} / {rate} = {size * 8000 // rate:,} seconds, which is {num(minutes)} minutes.",
        f"number:{size}*1000*8/{rate}/60",
    )


# ------------------------------------------------------------------------------- linear equations


@form("linear_equation")
def bracket_equation(rng):
    x, a, b, c = (
        rng.randrange(4, 12),
        rng.choice([4, 5, 6]),
        rng.choice([1, 2, 3]),
        rng.choice([2, 3]),
    )
    d = a * (x - b) - c * x
    right = linear(c, d)
    return (
        f"Which x satisfies {a}(x - {b}) = {right}?",
        "",
        f"{linear(a, -a * b)} = {right}, so {linear(a - c, 0)} = {d + a * b} and x = {x}.",
        f"number:({d}+{a}*{b})/({a}-{c})",
    )


@form("linear_equation")
def consecutive(rng):
    kind, first = rng.choice(
        [("even", 2 * rng.randrange(14, 40)), ("odd", 2 * rng.randrange(14, 40) + 1)]
    )
    total = 3 * first + 6
    return (
        f"Three consecutive {kind} numbers add up to {total}. Name the largest of the three and say how you found it.",
        "",
        f"With n in the middle the sum is (n - 2) + n + (n + 2) = 3n = {total}, so n = {first + 2}; the largest is {first + 4}.",
        f"number:{total}/3+2",
    )


@form("linear_equation")
def taxi(rng):
    base, per = rng.choice([320, 380, 450]), rng.choice([160, 190, 210])
    km, extra = rng.randrange(7, 19), rng.choice([2, 3])
    bill = base + per * km + extra * 100
    return (
        "Judging by the printed tariff, how many kilometres long was the ride?",
        f"Taxi tariff: basic fare {two(base / 100)}, each kilometre {two(per / 100)}, each piece of luggage 1.00\nThis ride: {extra} pieces of luggage, to pay {two(bill / 100)}",
        f"{two(base / 100)} + {extra}.00 + {two(per / 100)} * k = {two(bill / 100)}, so {two(per / 100)} * k = {two(per * km / 100)} and k = {km}.",
        f"number:({two(bill / 100)}-{two(base / 100)}-{extra})/{two(per / 100)}",
    )


@form("linear_equation")
def candles(rng):
    slow, fast = rng.choice([(8, 20), (5, 15), (10, 25)])
    hours = rng.choice([4, 5, 6])
    gap = (fast - slow) * hours
    low = 10 * slow + rng.choice([0, 20])
    return (
        "When, counted in hours from the moment of lighting, are the two candles of equal height? Write the equation that leads to your answer.",
        f"Two candles are lit together. The thick one is {low} mm high and gets {slow} mm shorter every hour. The thin one is {low + gap} mm high, but it loses {fast} mm every hour. Both burn evenly and there is no draught in the room.",
        f"{low} - {slow}t = {low + gap} - {fast}t, so {fast - slow}t = {gap}.\nThey are equally high after {hours} hours.",
        f"number:({low + gap}-{low})/({fast}-{slow})",
    )


# ------------------------------------------------------------------------------- systems


@form("equation_system")
def plain_system(rng):
    x, y = rng.sample(range(2, 10), 2)
    a, b, c, d = rng.choice([(2, 3, 4, -1), (3, -2, 1, 4), (5, 2, 2, -3), (4, 3, 1, -2)])
    r, s = a * x + b * y, c * x + d * y
    det = abs(a * d - b * c)
    lines = []
    for p, q, value in ((a, b, r), (c, d, s)):
        tail = "y" if abs(q) == 1 else f"{abs(q)}y"
        lines.append(f"{linear(p, 0)} {'+' if q > 0 else '-'} {tail} = {value}")
    return (
        "Both lines are to hold at once; report x.",
        "\n".join(lines),
        f"Eliminating y leaves {det}x = {det * x}, so x = {x}.",
        f"number:({r}*({d})-({b})*{s})/({a}*({d})-({b})*{c})",
    )


@form("equation_system")
def mixed_coins(rng):
    count = rng.randrange(20, 32)
    high = rng.randrange(7, 14)
    total = 2 * (count - high) + 5 * high
    where = rng.choice(["a raffle", "a bottle-return machine", "a darts league"])
    return (
        f"The prize box of {where} contains {count} vouchers, some for 2 euros and some for 5 euros, worth {total} euros altogether. How many are there of the more valuable kind?",
        "",
        f"If all {count} were 2-euro vouchers, they would be worth {2 * count} euros. The missing {total - 2 * count} euros come in steps of 3: {total - 2 * count} / 3 = {high}.",
        f"number:({total}-2*{count})/(5-2)",
    )


@form("equation_system")
def cafe_orders(rng):
    drink, food = rng.choice(
        [
            ("mint tea", "slice of carrot cake"),
            ("cappuccino", "almond croissant"),
            ("lemonade", "cheese toastie"),
        ]
    )
    p, q = rng.randrange(24, 38) * 10, rng.randrange(39, 55) * 10
    (a, b), (c, d) = rng.choice([((3, 2), (2, 5)), ((2, 1), (3, 4)), ((4, 3), (1, 2))])

    def order(k: int, one: str) -> str:
        plural = one.replace("slice", "slices") if "slice" in one else f"{one}s"
        return f"{k} {one if k == 1 else plural}"

    bills = [two((a * p + b * q) / 100), two((c * p + d * q) / 100)]
    det = a * d - b * c
    return (
        f"The menu has got lost, but I still have two bills from the cafe. Deduce the price of one {food}.",
        f"Table 4: {order(a, drink)} and {order(b, food)}, {bills[0]} euros\nTable 9: {order(c, drink)} and {order(d, food)}, {bills[1]} euros",
        f"{a} times the second bill minus {'the first' if c == 1 else f'{c} times the first'}, so that the drinks cancel: {two(det * q / 100)} euros for {det} of them.\nOne costs {two(det * q / 100)} / {det} = {two(q / 100)} euros.",
        f"number:({a}*{bills[1]}-{c}*{bills[0]})/({a}*{d}-{b}*{c})",
    )


@form("equation_system")
def blend(rng):
    first, second = rng.choice(
        [("Assam", "Darjeeling"), ("robusta", "arabica"), ("green tea", "white tea")]
    )
    cheap, dear, mix = rng.choice([(18, 30, 22), (16, 28, 25), (20, 35, 29), (14, 26, 17)])
    total = 12 * rng.choice([2, 3, 5]) if (dear - cheap) == 12 else 15 * rng.choice([2, 3, 4])
    part = total * (mix - cheap) // (dear - cheap)
    return (
        f"A shop blends {first} at {cheap} euros a kilogram with {second} at {dear} euros a kilogram. The blend is supposed to weigh {total} kg and to be worth exactly {mix} euros a kilogram. Write down one equation for the weight and one for the value, then tell me how many kilograms of {second} are needed.",
        "",
        f"x + y = {total} and {cheap}x + {dear}y = {mix} * {total} = {mix * total:,}.\nInserting x = {total} - y: {dear - cheap}y = {mix * total:,} - {cheap * total:,} = {(mix - cheap) * total:,}, so y = {part}.",
        f"number:({mix}*{total}-{cheap}*{total})/({dear}-{cheap})",
    )


# ------------------------------------------------------------------------------- quadratics


@form("quadratic")
def smaller_root(rng):
    r, s = sorted(rng.sample(range(2, 13), 2))
    return (
        f"Give the smaller solution of {quadratic_text(1, -(r + s), r * s)} = 0.",
        "",
        f"(x - {r})(x - {s}) = 0 has the roots {s} and {r}, so the smaller solution is x = {r}.",
        f"number:({r + s}-math.sqrt({r + s}**2-4*{r * s}))/2",
    )


@form("quadratic")
def neighbours(rng):
    n = rng.randrange(13, 29)
    thing = rng.choice(
        [
            "the numbers of two facing pages in a novel",
            "two neighbouring house numbers in a lane that counts without gaps",
            "the ages of two sisters born exactly a year apart",
        ]
    )
    return (
        f"Multiplying {thing} gives {n * (n + 1)}. Set up a quadratic equation and state the smaller of the two numbers.",
        "",
        f"n(n + 1) = {n * (n + 1)}, so n^2 + n - {n * (n + 1)} = 0, or (n - {n})(n + {n + 1}) = 0. The positive solution is n = {n}.",
        f"number:(-1+math.sqrt(1+4*{n * (n + 1)}))/2",
    )


@form("quadratic")
def vertex(rng):
    h, k = rng.randrange(2, 7), rng.choice([-9, -4, -2, 3, 5])
    return (
        "Complete the square to find the smallest value that y can take on this parabola.",
        f"y = {quadratic_text(1, -2 * h, h * h + k)}",
        f"y = (x - {h})^2 {'+' if k > 0 else '-'} {abs(k)}, and the square is never negative.\nThe smallest value, reached at x = {h}, is y = {k}.",
        f"number:{h * h + k}-({2 * h}/2)**2",
    )


@form("quadratic")
def frame(rng):
    picture = rng.choice(["watercolour", "family photograph", "linocut"])
    w, h = rng.choice([(20, 30), (24, 36), (30, 40)])
    border = rng.choice([3, 4, 5])
    area = (w + 2 * border) * (h + 2 * border)
    return (
        "How wide, in centimetres, is the strip of cardboard on each side? Please give the quadratic equation as well.",
        f"A {picture} measuring {w} cm by {h} cm is glued onto a sheet of grey cardboard so that a strip of the same width stays visible all the way round. The whole sheet, including the part hidden behind the picture, has an area of {area:,} square centimetres.",
        f"({w} + 2x)({h} + 2x) = {area:,} becomes 4x^2 + {2 * (w + h)}x - {area - w * h} = 0.\nIts only positive solution is x = {border} cm.",
        f"number:(-{2 * (w + h)}+math.sqrt({2 * (w + h)}**2+16*({area}-{w}*{h})))/8",
    )


# ------------------------------------------------------------------------------- area and volume


@form("area_and_volume")
def trapezium(rng):
    a, b = sorted(rng.sample(range(6, 19), 2))
    h = rng.choice([4, 6, 8])
    return (
        f"Work out the area of a trapezium with parallel sides of {a} cm and {b} cm that lie {h} cm apart.",
        "",
        f"({a} + {b}) / 2 * {h} = {num((a + b) * h / 2)} square centimetres",
        f"number:({a}+{b})/2*{h}",
    )


@form("area_and_volume")
def tiles(rng):
    room = rng.choice(["bathroom", "hallway", "laundry room"])
    side = rng.choice([20, 25, 30])
    cols, lines = rng.sample(range(9, 19), 2)
    return (
        f"A {room} floor of {num(cols * side / 100)} m by {num(lines * side / 100)} m is to be covered with square tiles whose sides measure {side} cm. The floor is a plain rectangle, and luckily no tile has to be cut. Ignoring the joints, how many tiles are laid?",
        "",
        f"{cols * side} / {side} = {cols} tiles one way and {lines * side} / {side} = {lines} the other way: {cols} * {lines} = {cols * lines} tiles.",
        f"number:{num(cols * side / 100)}*{num(lines * side / 100)}/({side}/100)**2",
    )


@form("area_and_volume")
def l_shape(rng):
    a, b = rng.choice([(9, 7), (8, 6), (10, 8)])
    c, d = rng.choice([(3, 2), (4, 3), (2, 3)])
    place = rng.choice(["studio", "community hall", "workshop"])
    return (
        f"For the carpet quote, what is the floor area of our {place}, in square metres?",
        f"The floor is L-shaped: a rectangle of {a} m by {b} m from which a corner of {c} m by {d} m is missing, since the staircase stands there.",
        f"{a} * {b} - {c} * {d} = {a * b} - {c * d} = {a * b - c * d} square metres",
        f"number:{a}*{b}-{c}*{d}",
    )


@form("area_and_volume")
def cylinder(rng):
    thing = rng.choice(["rain barrel", "stock pot", "tall vase"])
    diameter, height = {"rain barrel": (60, 90), "stock pot": (28, 24), "tall vase": (14, 45)}[
        thing
    ]
    litres = math.pi * (diameter / 2) ** 2 * height / 1000
    return (
        f"How much water would fill my {thing} to the brim? It is a cylinder; answer in litres, rounded to one decimal.",
        f"inner diameter {diameter} cm, inner height {height} cm",
        f"pi * {num(diameter / 2)}^2 * {height} = {math.pi * (diameter / 2) ** 2 * height:,.0f} cubic cm, which is {litres:.1f} litres.",
        f"number:round(math.pi*({diameter}/2)**2*{height}/1000,1)",
    )


@form("area_and_volume")
def garden_path(rng):
    a, b = rng.choice([(8, 5), (10, 4), (9, 6), (12, 7)])
    width, depth = rng.choice([1, 2]), rng.choice([5, 8, 10])
    area = (a + 2 * width) * (b + 2 * width) - a * b
    middle = rng.choice(["pond", "flower bed", "sandpit"])
    return (
        f"A rectangular {middle}, {a} m long and {b} m wide, is to get a gravel path all around it. The path will be {width} m wide everywhere and has rectangular outer corners. The gravel should lie {depth} cm deep. What volume of gravel, in cubic metres, does the supplier need to deliver?",
        "",
        f"Path: {a + 2 * width} * {b + 2 * width} - {a} * {b} = {area} square metres.\nVolume: {area} * {depth / 100:.2f} = {num(round(area * depth / 100, 4))} cubic metres",
        f"number:(({a}+2*{width})*({b}+2*{width})-{a}*{b})*{depth}/100",
    )


# ------------------------------------------------------------------------------- triangles and angles


@form("triangle_and_angle")
def third_angle(rng):
    a, b = rng.randrange(33, 62), rng.randrange(63, 85)
    return (
        f"Two angles of a triangle are {a} and {b} degrees. And the third?",
        "",
        f"180 - {a} - {b} = {180 - a - b} degrees.",
        f"number:180-{a}-{b}",
    )


@form("triangle_and_angle")
def short_cut(rng):
    p, q, r = rng.choice(TRIPLES[:4])
    k = rng.choice([10, 20])
    place = rng.choice(["football pitch", "schoolyard", "park lawn", "meadow"])
    return (
        f"Instead of walking along two sides of a rectangular {place} measuring {p * k} m by {q * k} m, the children run straight across from corner to corner when they are late. How many metres does this short cut save them each time?",
        "",
        f"The diagonal is sqrt({p * k}^2 + {q * k}^2) = {r * k} m, the way round {p * k} + {q * k} = {(p + q) * k} m. Saved: {(p + q - r) * k} m.",
        f"number:{p * k}+{q * k}-math.sqrt({p * k}**2+{q * k}**2)",
    )


@form("triangle_and_angle")
def point_distance(rng):
    p, q, r = rng.choice(TRIPLES)
    x, y = rng.randrange(-4, 5), rng.randrange(-4, 5)
    return (
        "What is the straight-line distance between these two points of the coordinate plane?",
        f"P({x}, {y}) and Q({x + p}, {y + q})",
        f"The coordinates differ by {p} and {q}: sqrt({p * p} + {q * q}) = sqrt({r * r}) = {r}.",
        f"number:math.hypot({x + p}-({x}),{y + q}-({y}))",
    )


@form("triangle_and_angle")
def shadow(rng):
    thing = rng.choice(["flagpole", "church tower", "chestnut tree", "lamp post"])
    stick, short = rng.choice([(150, 120), (200, 250), (120, 80), (180, 150)])
    factor = rng.choice([4, 5]) if thing == "lamp post" else rng.choice([8, 9, 12])
    return (
        f"With similar triangles, determine how many metres high the {thing} is, given these observations from a sunny afternoon.",
        f"A vertical stick of {num(stick / 100)} m casts a shadow of {num(short / 100)} m on the level ground. At the same moment the shadow of the {thing} is measured at {num(short * factor / 100)} m. The sun is so far away that its rays may be treated as parallel.",
        f"Height and shadow have the same ratio for both: h / {num(short * factor / 100)} = {num(stick / 100)} / {num(short / 100)}.\nh = {num(short * factor / 100)} * {num(stick / 100)} / {num(short / 100)} = {num(stick * factor / 100)} metres",
        f"number:{num(short * factor / 100)}*{num(stick / 100)}/{num(short / 100)}",
    )


# ------------------------------------------------------------------------------- sequences


@form("sequence")
def gap(rng):
    start, step = rng.randrange(3, 15), rng.randrange(6, 14)
    terms = [start + step * k for k in range(5)]
    hole = rng.choice([2, 3])
    shown = ", ".join("_" if k == hole else str(t) for k, t in enumerate(terms))
    return (
        "Fill the gap in this evenly spaced list.",
        shown,
        f"Neighbours differ by {step}: {terms[hole - 1]} + {step} = {terms[hole]}.",
        f"number:({terms[hole - 1]}+{terms[hole + 1]})/2",
    )


@form("sequence")
def training(rng):
    name = rng.choice(NAMES)
    sport, unit = rng.choice(
        [("swims", "lengths"), ("skips rope for", "minutes"), ("rows", "kilometres")]
    )
    first, step, weeks = rng.choice([8, 10, 12]), rng.choice([2, 3]), rng.choice([8, 10, 12])
    last = first + step * (weeks - 1)
    return (
        f"In the first week of a training plan {name} {sport} {first} {unit}, and in each later week {step} {unit} more than in the week before. What is the total after {weeks} weeks?",
        "",
        f"In the last week it is {first} + {weeks - 1} * {step} = {last}.\nTotal: {weeks} * ({first} + {last}) / 2 = {weeks * (first + last) // 2} {unit}",
        f"number:sum([{first}+{step}*k for k in range({weeks})])",
    )


@form("sequence")
def recursive(rng):
    a, b = rng.sample(range(1, 6), 2)
    n = rng.choice([7, 8])
    terms = [a, b]
    while len(terms) < n:
        terms.append(terms[-1] + terms[-2])
    weights = {7: (5, 8), 8: (8, 13)}[n]
    return (
        f"Compute a({n}) for the sequence defined by this rule.",
        f"a(1) = {a}, a(2) = {b}, and from then on a(n) = a(n-1) + a(n-2)",
        f"The terms are {', '.join(map(str, terms))}, so the answer is {terms[-1]}.",
        f"number:{weights[0]}*{a}+{weights[1]}*{b}",
    )


@form("sequence")
def matchsticks(rng):
    shape, first, more = rng.choice([("squares", 4, 3), ("triangles", 3, 2), ("hexagons", 6, 5)])
    count = rng.randrange(22, 45)
    name = rng.choice(NAMES)
    return (
        f"{name} is laying a chain of {shape} out of matchsticks on the classroom floor. How long can the chain get? Give the number of {shape}.",
        f"The first of the {shape} takes {first} matchsticks. Each further one shares a side with the previous one and therefore takes only {more} new matchsticks. There are {first + more * (count - 1)} matchsticks in the box, and every single one is to be used up without breaking any of them.",
        f"n {shape} take {first} + {more}(n - 1) matchsticks. {first} + {more}(n - 1) = {first + more * (count - 1)} gives n - 1 = {count - 1}, so n = {count}.",
        f"number:({first + more * (count - 1)}-{first})/{more}+1",
    )


# ------------------------------------------------------------------------------- averages


@form("average")
def plain_mean(rng):
    values = rng.sample(range(14, 60), 4)
    values.append(-sum(values) % 5 + rng.choice([20, 30, 40]))
    what = rng.choice(["bus passengers", "loaves sold per hour", "emails a day"])
    return (
        f"Mean of these counts of {what}, please.",
        ", ".join(map(str, values)),
        f"The sum is {sum(values)}, and {sum(values)} / 5 = {sum(values) // 5}.",
        f"number:statistics.mean([{','.join(map(str, values))}])",
    )


@form("average")
def combined_mean(rng):
    a, b = rng.choice([(20, 30), (18, 12), (24, 16), (15, 25)])
    first = rng.randrange(60, 72)
    second = first + rng.choice([5, 10])
    mean = Fraction(a * first + b * second, a + b)
    group, what = rng.choice(
        [
            ("the morning course", "quiz"),
            ("the red team", "target-shooting round"),
            ("form 8A", "geography test"),
        ]
    )
    return (
        f"In a {what}, the {a} people of {group} scored {first} points on average and the other {b} participants {second} points. The two groups are of different size, so I hesitate simply to take the middle. What is the average over everybody?",
        "",
        f"All points: {a} * {first} + {b} * {second} = {a * first + b * second:,}.\nDivided by {a + b} people: {num(mean)}",
        f"number:({a}*{first}+{b}*{second})/({a}+{b})",
    )


@form("average")
def misread(rng):
    n = rng.choice([8, 10, 12])
    mean = rng.randrange(20, 40)
    wrong, right = rng.choice([(17, 71), (26, 62), (38, 83), (45, 54)])
    factor = Fraction(right - wrong, n)
    return (
        "Correct the mean without asking for the individual readings again, and explain the trick in a sentence.",
        f"From {n} length measurements of bean seedlings we calculated a mean of {num(mean)} millimetres, which was reported on Monday. On Tuesday somebody noticed that one of the readings had been typed in as {wrong} instead of {right}. All of the other readings were checked and are right.",
        f"The sum was too small by {right} - {wrong} = {right - wrong}, so the mean was too small by {right - wrong} / {n} = {num(factor)}.\nCorrect mean: {mean} + {num(factor)} = {num(mean + factor)} millimetres",
        f"number:({n}*{mean}-{wrong}+{right})/{n}",
    )


@form("average")
def frequency_median(rng):
    counts = rng.choice([[3, 7, 6, 4, 1], [4, 5, 9, 2, 3], [2, 4, 5, 8, 4], [6, 8, 4, 3, 2]])
    what, unit = rng.choice(
        [("pets per household", "pets"), ("goals per match", "goals"), ("books per pupil", "books")]
    )
    values = [v for v, k in enumerate(counts) for _ in range(k)]
    total = len(values)
    code = "+".join(f"[{v}]*{k}" for v, k in enumerate(counts))
    middle = (total + 1) // 2
    return (
        f"A frequency table of {what} is given. Find the median number of {unit}.",
        f"{unit} | frequency\n" + "\n".join(f"{v} | {k}" for v, k in enumerate(counts)),
        f"There are {total} values, so the median is number {middle} in order. Counting up the frequencies, that value is {statistics.median(values)}.",
        f"number:statistics.median({code})",
    )


# ------------------------------------------------------------------------------- probability


@form("probability")
def not_colour(rng):
    colours = rng.sample(["red", "green", "blue", "yellow", "white"], 3)
    counts = rng.choice([(4, 5, 6), (3, 8, 7), (2, 6, 10), (9, 3, 8)])
    total = sum(counts)
    p = Fraction(total - counts[0], total)
    bag = listed([f"{k} {c}" for k, c in zip(counts, colours, strict=True)])
    return (
        f"One marble is drawn from a bag with {bag} ones. Probability that it is not {colours[0]}, as a reduced fraction?",
        "",
        f"{total - counts[0]} of the {total} marbles are not {colours[0]}, which gives {p} in lowest terms.",
        f"value:str(Fraction({counts[1]}+{counts[2]},{'+'.join(map(str, counts))}))",
    )


@form("probability")
def at_least_one(rng):
    n = rng.choice([4, 5, 6])
    name = rng.choice(NAMES)
    return (
        f"If {name} flips a fair coin {n} times in a row, what are the chances that heads shows up at least once? I would like an exact fraction rather than a rounded decimal, please.",
        "",
        f"Only one of the 2^{n} = {2**n} equally likely series has no heads at all: 1 - 1/{2**n} = {2**n - 1}/{2**n}.",
        f"value:str(1-Fraction(1,2)**{n})",
    )


@form("probability")
def relative_frequency(rng):
    thing, outcomes = rng.choice(
        [
            ("a bent drawing pin", ["point up", "point down"]),
            ("a bottle cap", ["smooth side up", "printed side up"]),
            ("a buttered cracker", ["butter up", "butter down"]),
        ]
    )
    total = rng.choice([200, 250, 400])
    first = total * rng.choice([36, 42, 44, 58, 62]) // 100
    return (
        f"Our class dropped {thing} again and again. From the tally, estimate the probability of the first outcome as a decimal with two places. Nobody has cheated, and no throw was left out.",
        f"{outcomes[0]}: {first}\n{outcomes[1]}: {total - first}",
        f"There were {first} + {total - first} = {total} trials; the estimate is {first} / {total} = {first / total:.2f}.",
        f"number:{first}/({first}+{total - first})",
    )


@form("probability")
def two_machines(rng):
    share = rng.choice([60, 70, 80])
    p, q = rng.choice([(2, 5), (1, 4), (3, 8), (2, 7)])
    product = rng.choice(["light bulbs", "zips", "ballpoint pens", "door handles"])
    total = Fraction(share * p + (100 - share) * q, 100)
    return (
        "A single item is picked blindly from the day's output. What is the probability, in percent, that it is defective?",
        f"A factory makes {product} on two machines. The newer machine turns out {share} percent of the output, and {p} percent of what it makes is defective. The older machine contributes the rest, with {q} percent defective items. Good and bad items look alike and are thrown into one big crate.",
        f"{share / 100:.2f} * {p} percent + {1 - share / 100:.2f} * {q} percent = {num(Fraction(share * p, 100))} + {num(Fraction((100 - share) * q, 100))} = {num(total)} percent",
        f"number:({share}*{p}+(100-{share})*{q})/100",
    )


# ------------------------------------------------------------------------------- counting


@form("counting")
def choose(rng):
    n, k = rng.choice([(7, 3), (8, 3), (10, 4), (9, 4), (12, 3)])
    thing = rng.choice(
        ["toppings for a pizza", "songs for an encore", "films for a festival evening"]
    )
    top = " * ".join(str(n - j) for j in range(k))
    bottom = " * ".join(str(k - j) for j in range(k - 1)) if k > 2 else "2"
    return (
        f"Pick {k} {thing} out of {n} on offer, in any order: how many selections are possible?",
        "",
        f"({top}) / ({bottom}) = {math.comb(n, k)}",
        f"number:math.comb({n},{k})",
    )


@form("counting")
def codes(rng):
    letters, digits = rng.choice([(2, 3), (3, 2), (2, 4), (2, 2)])
    alphabet = rng.choice([20, 24, 26])
    total = alphabet**letters * 10**digits
    what = rng.choice(["a locker label", "a seed bank code", "a bicycle registration"])
    words = {2: "two letters", 3: "three letters"}[letters]
    return (
        f"{what.capitalize()} consists of {words} from an alphabet of {alphabet}, followed by {digits} digits from 0 to 9. Repetition is allowed, and the digits may well begin with 0. How many different ones can be issued before a new format is needed?",
        "",
        f"{alphabet}^{letters} * 10^{digits} = {alphabet**letters:,} * {10**digits:,} = {total:,}",
        f"number:{alphabet}**{letters}*10**{digits}",
    )


@form("counting")
def routes(rng):
    a, b, c = rng.choice([(3, 4, 2), (4, 2, 3), (2, 5, 1), (5, 3, 2)])
    start, middle, end = rng.choice(
        [
            ("the harbour", "the old town", "the castle"),
            ("the campsite", "the waterfall", "the summit"),
            ("the station", "the market hall", "the opera"),
        ]
    )
    direct = f"{c} direct {'way leads' if c == 1 else 'ways lead'}"
    return (
        f"In how many ways can one get from {start} to {end} if no path is walked twice and one never turns back?",
        f"{a} paths lead from {start} to {middle}, {b} paths from {middle} to {end}, and {direct} from {start} to {end}, bypassing {middle}.",
        f"Via {middle}: {a} * {b} = {a * b}. Directly: {c}. Together {a * b + c} ways.",
        f"number:{a}*{b}+{c}",
    )


@form("counting")
def word_arrangements(rng):
    word = rng.choice(["PEPPER", "BANANA", "TATTOO", "COFFEE", "BALLOON", "COMMON"])
    repeats = [word.count(c) for c in dict.fromkeys(word) if word.count(c) > 1]
    groups = math.prod(math.factorial(k) for k in repeats)
    total = math.factorial(len(word))
    divisor = " * ".join(f"{k}!" for k in repeats)
    return (
        f"A child has the wooden letters of {word} and forms strings that use all of them, whether they make sense or not. Letters of the same kind cannot be told apart. Count the strings.",
        "",
        f"{len(word)} letters, with equal ones grouped: {len(word)}! / ({divisor}) = {total:,} / {groups} = {total // groups:,}",
        f"number:math.factorial({len(word)})//({'*'.join(f'math.factorial({k})' for k in repeats)})",
    )


@form("counting")
def league(rng):
    n = rng.choice([8, 10, 12, 14])
    sport = rng.choice(["table tennis", "handball", "curling", "chess"])
    finals = 4
    games = n * (n - 1)
    return (
        f"I have to book referees for the whole season. How many matches of the {sport} league will there be, finals included?",
        f"There are {n} teams. In the main round every team plays every other team twice, once at home and once away. Afterwards the best four enter the finals: two semi-finals, one match for third place and the final itself, each decided in a single match. There are no replays.",
        f"Main round: {n} * {n - 1} = {games} matches. Finals: 2 + 1 + 1 = {finals}.\n{games} + {finals} = {games + finals} matches",
        f"number:{n}*({n}-1)+2+1+1",
    )


# ------------------------------------------------------------------------------- divisibility


@form("divisibility")
def remainder(rng):
    m, n = rng.choice([7, 9, 11, 13]), rng.randrange(1200, 9800)
    n += n % m == 0
    return (
        f"What remainder does {n:,} leave on division by {m}?",
        "",
        f"{m} * {n // m:,} = {n - n % m:,}, and {n:,} - {n - n % m:,} = {n % m}.",
        f"number:{n}%{m}",
    )


@form("divisibility")
def egg_boxes(rng):
    box = rng.choice([6, 10, 12])
    eggs = rng.randrange(300, 700)
    eggs += 1 if eggs % box == 0 else 0
    name = rng.choice(NAMES)
    return (
        f"{name} collected {eggs} eggs this week and packs them in boxes of {box} for the farm shop, where only full boxes may be sold. How many more eggs would be needed to fill the last, incomplete box?",
        "",
        f"{eggs} = {eggs // box} * {box} + {eggs % box}, so {box} - {eggs % box} = {-eggs % box} {'is' if -eggs % box == 1 else 'are'} missing.",
        f"number:-{eggs}%{box}",
    )


@form("divisibility")
def boards(rng):
    unit = rng.choice([15, 18, 24, 35])
    parts = rng.choice([(4, 6, 9), (5, 8, 10), (6, 7, 9)])
    lengths = [unit * p for p in parts]
    wood = rng.choice(["oak", "larch", "maple"])
    return (
        f"I want to saw these {wood} boards into equal pieces that are as long as possible, without any offcut. How many pieces will there be?",
        ", ".join(f"{x} cm" for x in lengths),
        f"The greatest common divisor of {listed([str(x) for x in lengths])} is {unit}, so the pieces are {unit} cm long.\n{' + '.join(map(str, parts))} = {sum(parts)} pieces",
        f"number:({'+'.join(map(str, lengths))})//math.gcd({','.join(map(str, lengths))})",
    )


@form("divisibility")
def blinking(rng):
    a, b, c = rng.choice([(6, 8, 10), (4, 10, 14), (9, 12, 15), (6, 14, 21)])
    lcm = math.lcm(a, b, c)
    hours, span = rng.choice([(1, "hour"), (2, "two hours"), (3, "three hours")])
    times = hours * 3600 // lcm
    return (
        f"How often do all three lamps flash at the same moment in the first {span} after the opening? Do not count the opening itself.",
        f"On the model railway three warning lamps flash at regular intervals: the first every {a} seconds, the second every {b} seconds and the third every {c} seconds. When the exhibition opens they are switched on so that they flash together for the first time.",
        f"They flash together every lcm({a}, {b}, {c}) = {lcm} seconds.\nThe first {span} {'has' if hours == 1 else 'have'} {hours * 3600:,} seconds, and dividing by {lcm} gives {times} whole intervals, so the number of times is {times}.",
        f"number:{hours}*3600//math.lcm({a},{b},{c})",
    )


# ------------------------------------------------------------------------------- compound growth


@form("compound_growth")
def town(rng):
    people, rate = rng.choice([20000, 30000, 50000, 80000]), rng.choice([2, 3, 5])
    value = people * (100 + rate) ** 2 // 10000
    return (
        f"A town of {people:,} grows by {rate} percent a year. How many inhabitants will it have in 2 years?",
        "",
        f"{people:,} * {1 + rate / 100:.2f}^2 = {people:,} * {(1 + rate / 100) ** 2:.4f} = {value:,}",
        f"number:{people}*(1+{rate}/100)**2",
    )


@form("compound_growth")
def half_life(rng):
    half, periods = rng.choice([(8, 3), (5, 4), (12, 3), (15, 4)])
    start = rng.choice([160, 240, 400])
    return (
        f"A tracer substance used in a geology lab decays with a half-life of {half} days. Of {start} mg, how many milligrams are left after {half * periods} days?",
        "",
        f"{half * periods} days are {periods} half-lives: {start} / 2^{periods} = {num(start / 2**periods)} mg.",
        f"number:{start}*0.5**({half * periods}/{half})",
    )


@form("compound_growth")
def passing(rng):
    rate, factor = rng.choice([(3, 20), (4, 25), (5, 30), (6, 50)])
    start = rng.choice([2000, 4000, 5000])
    goal = start * (100 + factor) // 100
    years = math.ceil(math.log(1 + factor / 100) / math.log(1 + rate / 100))
    low, high = start * (1 + rate / 100) ** (years - 1), start * (1 + rate / 100) ** years
    return (
        "After how many full years does the balance exceed the price of the piano for the first time?",
        f"Savings today: {start:,} euros\nInterest: {rate} percent at the end of each year, left in the account\nPrice of the piano: {goal:,} euros",
        f"After {years - 1} years there are {low:,.2f} euros, still too little, and one year later {high:,.2f} euros. So the number of years is {years}.",
        f"number:min([n for n in range(1,60) if {start}*(1+{rate}/100)**n>{goal}])",
    )


@form("compound_growth")
def two_deposits(rng):
    first, second = rng.choice([(1000, 500), (800, 400), (1200, 600)])
    rate = rng.choice([2, 3, 4])
    who = rng.choice(NAMES)
    mid = first * (100 + rate) / 100 + second
    end = mid * (100 + rate) / 100
    return (
        f"{who} pays {first:,} dollars into a new account at the beginning of January and another {second} dollars at the beginning of the following January. The bank adds {rate} percent interest at the end of every year, and nothing is withdrawn. What is the balance, in dollars and cents, at the end of the second year?",
        "",
        f"At the start of year two: {first:,} * {1 + rate / 100:.2f} + {second} = {mid:,.2f}.\nAt its end: {mid:,.2f} * {1 + rate / 100:.2f} = {two(end)} dollars",
        f"number:round(({first}*(1+{rate}/100)+{second})*(1+{rate}/100),2)",
    )


# ------------------------------------------------------------------------------- calendar and clock


@form("calendar_and_clock")
def weekday_later(rng):
    day, shift = rng.randrange(7), rng.choice([50, 75, 90, 100, 120])
    return (
        f"Today is {WEEKDAYS[day]}. Which weekday will it be in {shift} days?",
        "",
        f"{shift} = {shift // 7} * 7 + {shift % 7}, so count {shift % 7} {'day' if shift % 7 == 1 else 'days'} on from {WEEKDAYS[day]}: {WEEKDAYS[(day + shift) % 7]}.",
        f"value:{WEEKDAYS}[({day}+{shift})%7]".replace(" ", ""),
    )


@form("calendar_and_clock")
def film_evening(rng):
    start = 19 * 60 + rng.choice([5, 20, 35, 45])
    film, pause = rng.choice([128, 137, 146, 153]), rng.choice([10, 15, 20])
    end = start + film + pause
    return (
        f"The open-air cinema starts a film of {film} minutes at {clock(start)} and inserts one interval of {pause} minutes. There are no trailers, and nobody stays for a drink afterwards. At what time, on the 24-hour clock, do we walk home?",
        "",
        f"{film} + {pause} = {film + pause} minutes, or {(film + pause) // 60} h {(film + pause) % 60} min. {clock(start)} plus that is {clock(end)}.",
        f"value:str(datetime(2024,1,1,{start // 60},{start % 60})+timedelta(minutes={film}+{pause}))[11:16]",
    )


@form("calendar_and_clock")
def flight(rng):
    origin, target, shift, minutes = rng.choice(
        [
            ("Lisbon", "Athens", 2, 230),
            ("Nairobi", "Lagos", -2, 315),
            ("Delhi", "Singapore", 2.5, 345),
            ("Lima", "Sao Paulo", 2, 290),
        ]
    )
    start = 8 * 60 + rng.choice([15, 25, 40, 55])
    end = start + minutes + int(shift * 60)
    ahead = f"{num(abs(shift))} hours {'ahead of' if shift > 0 else 'behind'} {origin}"
    return (
        "What local time will it be at the destination on landing? Use the form 16:05.",
        f"Departure from {origin} at {clock(start)} local time. Flying time to {target}: {minutes // 60} h {minutes % 60} min. On that date {target} is {ahead}.",
        f"In {origin} time the plane lands at {clock(start + minutes)}. {target} is {ahead}, so the local time is {clock(end)}.",
        f"value:str(datetime(2024,1,1,{start // 60},{start % 60})+timedelta(minutes={minutes // 60}*60+{minutes % 60},hours={shift}))[11:16]",
    )


@form("calendar_and_clock")
def last_day(rng):
    what = rng.choice(["travelling exhibition", "pottery course", "photo competition"])
    first = date(2023, rng.choice([3, 4, 9, 10]), rng.randrange(4, 27))
    days = rng.choice([40, 45, 60])
    last = first + timedelta(days=days - 1)
    months = [first.month]
    while months[-1] != last.month:
        months.append(months[-1] % 12 + 1)
    ends = [(first.replace(month=m % 12 + 1, day=1) - timedelta(days=1)).day for m in months[:-1]]
    used = [ends[0] - first.day + 1, *ends[1:]]
    names = [MONTHS[m - 1] for m in months]
    return (
        f"A {what} opens on {first.day} {names[0]} and runs for exactly {days} days, the opening day included. On which date does it close? Write the day of the month followed by the month.",
        "",
        f"{listed([f'{k} days in {m}' for k, m in zip(used, names, strict=False)]) if len(used) > 1 else f'{used[0]} days fall in {names[0]}'}; the remaining {days - sum(used)} lead to {last.day} {names[-1]}.",
        f"value:(lambda d: str(d.day)+' '+{MONTHS}[d.month-1])(date(2023,{first.month},{first.day})+timedelta(days={days}-1))",
    )


@form("calendar_and_clock")
def timesheet(rng):
    name = rng.choice(NAMES)
    days = rng.sample(WEEKDAYS[:5], 3)
    days.sort(key=WEEKDAYS.index)
    spans = [
        (
            rng.choice([480, 495, 510, 525]),
            rng.choice([870, 885, 915, 930, 960]),
            rng.choice([30, 45]),
        )
        for _ in days
    ]
    minutes = sum(b - a - p for a, b, p in spans)
    return (
        f"Add up {name}'s paid working time for the week and express it as a decimal number of hours. Breaks are unpaid.",
        "\n".join(
            f"{d}: {clock(a)} to {clock(b)}, break {p} minutes"
            for d, (a, b, p) in zip(days, spans, strict=True)
        )
        + "\nOn the other days the office was closed.",
        f"{' + '.join(str(b - a - p) for a, b, p in spans)} = {minutes:,} minutes of work.\n{minutes:,} / 60 = {num(minutes / 60)} hours",
        "number:("
        + "+".join(f"({b // 60}*60+{b % 60}-{a // 60}*60-{a % 60}-{p})" for a, b, p in spans)
        + ")/60",
    )


# ------------------------------------------------------------------------------- order of operations


@form("order_of_operations")
def short_expression(rng):
    a, b, c, d = (
        rng.choice([20, 25, 30]),
        rng.choice([3, 4, 6]),
        rng.choice([5, 7, 8]),
        rng.choice([2, 3]),
    )
    return (
        f"Calculate {a} + {b} * {c} - {d}^3.",
        "",
        f"{a} + {b * c} - {d**3} = {a + b * c - d**3}",
        f"number:{a}+{b}*{c}-{d}**3",
    )


@form("order_of_operations")
def bracket_difference(rng):
    a, b, c = rng.choice([12, 14, 15]), rng.choice([4, 5, 6]), rng.choice([3, 7, 8])
    return (
        f"By how much does the result of ({a} + {b}) * {c} exceed that of {a} + {b} * {c}? I am checking whether the missing brackets in a spreadsheet matter.",
        "",
        f"With brackets: {a + b} * {c} = {(a + b) * c}. Without: {a} + {b * c} = {a + b * c}.\n{(a + b) * c} - {a + b * c} = {(a + b) * c - a - b * c}",
        f"number:({a}+{b})*{c}-({a}+{b}*{c})",
    )


@form("order_of_operations")
def nested(rng):
    root, b, c, d = (
        rng.choice([7, 8, 9, 11]),
        rng.choice([2, 3]),
        rng.choice([4, 5]),
        rng.choice([6, 10]),
    )
    top = d * (root * b - c)
    return (
        "Reduce the following to one number, innermost parts first.",
        f"{d} * {{sqrt({root**2}) * {b} - [{2 * c} - (3 + {c - 3})]}} / 2",
        f"sqrt({root**2}) = {root} and [{2 * c} - {c}] = {c}, so the braces hold {root * b} - {c} = {root * b - c}.\n{d} * {root * b - c} / 2 = {top // 2}",
        f"number:{d}*(math.sqrt({root**2})*{b}-({2 * c}-(3+{c - 3})))/2",
    )


@form("order_of_operations")
def spoken(rng):
    a, b, c, d = (
        rng.choice([6, 8, 9]),
        rng.choice([4, 5, 7]),
        rng.choice([3, 6, 10]),
        rng.choice([2, 4, 5]),
    )
    value = (a + b) ** 2 - c * d
    name = rng.choice(NAMES)
    return (
        f"{name} dictated a calculation over the phone. Turn it into a single formula with the brackets in the right places and evaluate that formula. If no bracket is needed somewhere, leave it out.",
        f"Add {a} and {b}. Square what you have got. From the square take away the product of {c} and {d}.",
        f"({a} + {b})^2 - {c} * {d} = {(a + b) ** 2} - {c * d} = {value}",
        f"number:({a}+{b})**2-{c}*{d}",
    )


# ------------------------------------------------------------------------------- number bases


@form("number_base")
def from_hex(rng):
    value = rng.choice([0x2B, 0x3E, 0x5A, 0x7C, 0x9D])
    high, low = divmod(value, 16)
    return (
        f"Hexadecimal {value:X} equals which decimal number?",
        "",
        f"{value:X} means {high} * 16 + {low} = {value}.",
        f"number:int('{value:X}',16)",
    )


@form("number_base")
def to_base(rng):
    base, hands = rng.choice(
        [
            (5, "a single five-fingered hand"),
            (6, "two hands of three fingers each"),
            (4, "two hands of two fingers each"),
        ]
    )
    count = rng.randrange(base**2 + base, base**3)
    digits = [count // base**2, count // base % base, count % base]
    places = [d * base**k for d, k in zip(digits, (2, 1, 0), strict=True) if d]
    return (
        f"In a story, creatures with {hands} count in base {base}. How would they write down a herd of {count} animals?",
        "",
        f"{count} = {' + '.join(map(str, places))}, which in base {base} is written {''.join(map(str, digits))}.",
        f"number:{count}//{base**2}*100+{count}//{base}%{base}*10+{count}%{base}",
    )


@form("number_base")
def largest_binary(rng):
    words = [f"{n:b}" for n in rng.sample(range(9, 30), 3)]
    total = sum(int(w, 2) for w in words)
    return (
        "Three counters report in binary. I need their sum as a decimal number.",
        ", ".join(words),
        f"{' + '.join(str(int(w, 2)) for w in words)} = {total}",
        "number:" + "+".join(f"int('{w}',2)" for w in words),
    )


@form("number_base")
def switches(rng):
    device = rng.choice(["stage spotlight", "fire alarm panel", "model locomotive decoder"])
    n = rng.choice([37, 44, 51, 58, 74, 89, 101])
    bits = f"{n:07b}"[::-1]
    on = [str(2**k) for k, b in enumerate(bits) if b == "1"]
    return (
        f"Which address, in ordinary decimal notation, has been set on this {device}?",
        f"The address is a binary number set with seven little switches. Switch 1 stands for the lowest place (1), switch 2 for the next (2), switch 3 for 4, and so on up to switch 7, which stands for 64. At the moment the following switches are on: {listed([str(k + 1) for k, b in enumerate(bits) if b == '1'])}. All the others are off.",
        f"{' + '.join(on)} = {n}",
        "number:" + "+".join(f"2**({k + 1}-1)" for k, b in enumerate(bits) if b == "1"),
    )


# ------------------------------------------------------------------------------- sets


@form("set_and_venn")
def only_first(rng):
    a, both = rng.randrange(24, 40), rng.randrange(7, 15)
    x, y = rng.choice([("tea", "coffee"), ("the violin", "the piano"), ("Italian", "German")])
    verb = {"tea": "drink", "the violin": "play", "Italian": "speak"}[x]
    return (
        f"If {a} guests {verb} {x} and {both} of them {verb} {y} as well, how many {verb} {x} but not {y}?",
        "",
        f"{a} - {both} = {a - both}",
        f"number:{a}-{both}",
    )


@form("set_and_venn")
def overlap(rng):
    total, none = rng.choice([(60, 8), (75, 12), (90, 14)])
    both = rng.randrange(9, 19)
    a = rng.randrange(32, 40)
    b = total - none - a + both
    x, y = rng.choice([("a dog", "a cat"), ("skis", "a sledge"), ("a tent", "a camper van")])
    return (
        f"Out of {total} households in our street, {a} own {x}, {b} own {y} and {none} own neither. In how many households are both to be found?",
        "",
        f"At least one: {total} - {none} = {total - none} households.\nBoth: {a} + {b} - {total - none} = {both} households",
        f"number:{a}+{b}-({total}-{none})",
    )


@form("set_and_venn")
def common_elements(rng):
    first = sorted(rng.sample(range(1, 31), 9))
    others = [n for n in range(1, 31) if n not in first]
    second = sorted(rng.sample(first, rng.choice([3, 4, 5])) + rng.sample(others, 4))
    common = [n for n in first if n in second]
    return (
        "Count the tickets that appear in both lists.",
        f"Sold at the door: {', '.join(map(str, first))}\nHanded in at the buffet: {', '.join(map(str, second))}",
        f"In both lists: {listed([str(n) for n in common])}. That makes {len(common)}.",
        f"number:len(set({first})&set({second}))",
    )


@form("set_and_venn")
def exactly_one(rng):
    a, b = rng.randrange(45, 60), rng.randrange(30, 44)
    both = rng.randrange(12, 22)
    none = rng.randrange(5, 12)
    event = rng.choice(["a beekeeping fair", "an astronomy weekend", "a comics convention"])
    return (
        f"For the report on {event}, how many participants attended exactly one of the two workshops? Draw on the idea of a Venn diagram, but a line of text is enough.",
        f"{a} participants came to the Saturday workshop and {b} came to the Sunday workshop. Among them, {both} were seen at both. Another {none} people had registered but stayed away on both days because of the rain.",
        f"Saturday only: {a} - {both} = {a - both}. Sunday only: {b} - {both} = {b - both}.\nExactly one: {a - both} + {b - both} = {a + b - 2 * both}",
        f"number:({a}-{both})+({b}-{both})",
    )


# ------------------------------------------------------------------------------- calculus


@form("calculus")
def slope(rng):
    a, b, x = rng.choice([2, 3, 4]), rng.choice([5, 6, 7]), rng.choice([1, 2, 3])
    return (
        f"Slope of y = {a}x^3 - {b}x at x = {x}?",
        "",
        f"y' = {3 * a}x^2 - {b}, and at x = {x} this is {3 * a * x * x} - {b} = {3 * a * x * x - b}.",
        f"number:3*{a}*{x}**2-{b}",
    )


@form("calculus")
def area_under(rng):
    a, c, end = rng.choice([3, 6, 9]), rng.choice([1, 2, 4]), rng.choice([2, 3, 4])
    area = a * end**3 // 3 + c * end
    return (
        f"How large is the area between the x-axis and the graph of f(x) = {a}x^2 + {c} from x = 0 to x = {end}? Integrate, then insert the limits.",
        "",
        f"The antiderivative is {a // 3 if a > 3 else ''}x^3 + {c if c > 1 else ''}x. At {end} it is {a * end**3 // 3} + {c * end} = {area}, at 0 it is zero; the area is {area}.",
        f"number:{a}*{end}**3/3+{c}*{end}",
    )


@form("calculus")
def turning_point(rng):
    p, q = rng.choice([(1, 3), (1, 5), (2, 4), (-1, 3), (-2, 2)])
    b, c = -3 * (p + q) // 2, 3 * p * q
    square = "" if b == 0 else f" {'+' if b > 0 else '-'} {abs(b)}x^2"
    factor = f"(x - {p})" if p > 0 else f"(x + {-p})"
    return (
        "At which x does this function have its local minimum?",
        f"f(x) = x^3{square} {'+' if c > 0 else '-'} {abs(c)}x + {rng.randrange(1, 10)}",
        f"f'(x) = {quadratic_text(3, 2 * b, c)} = 3{factor}(x - {q}).\nThe sign changes from minus to plus at the larger zero, so the minimum is at x = {q}.",
        f"number:({-2 * b}+math.sqrt(({2 * b})**2-4*3*({c})))/(2*3)",
    )


@form("calculus")
def best_price(rng):
    start, drop = rng.choice([(120, 4), (160, 5), (180, 6), (200, 8)])
    what = rng.choice(["boat tours", "jars of honey", "harbour photographs"])
    best = Fraction(start, 2 * drop)
    return (
        f"Use the derivative of the revenue function to find the price, in dollars, at which the income from {what} is highest.",
        f"Experience shows that at a price of p dollars we sell {start} - {drop}p {what} a week. The revenue per week is therefore R(p) = p({start} - {drop}p) dollars. Our costs do not depend on the number sold. Prices need not be whole dollars.",
        f"R(p) = {start}p - {drop}p^2, so R'(p) = {start} - {2 * drop}p, which is zero at p = {start}/{2 * drop} = {num(best)}. As R is a parabola open downwards, the best price is {num(best)} dollars.",
        f"number:{start}/(2*{drop})",
    )


# ------------------------------------------------------------------------------- matrices and vectors


@form("matrix_and_vector")
def vector_length(rng):
    v = list(rng.choice([(2, 3, 6), (1, 4, 8), (4, 4, 7), (2, 6, 9), (2, 10, 11)]))
    rng.shuffle(v)
    length = math.isqrt(sum(k * k for k in v))
    return (
        f"Find the length of the vector ({', '.join(map(str, v))}).",
        "",
        f"sqrt({' + '.join(str(k * k) for k in v)}) = sqrt({length**2}) = {length}",
        f"number:math.sqrt({'+'.join(f'{k}**2' for k in v)})",
    )


@form("matrix_and_vector")
def determinant3(rng):
    a, b, c = (rng.randrange(1, 6) for _ in range(3))
    d, e, f = (rng.randrange(1, 6) for _ in range(3))
    g = rng.randrange(2, 5)
    value = a * (d * f - e * g) - b * (c * f)
    return (
        "Expand along the first row to get the determinant of the 3 by 3 matrix shown.",
        f"{a} {b} 0\n{c} {d} {e}\n0 {g} {f}",
        f"{a} * ({d} * {f} - {e} * {g}) - {b} * ({c} * {f} - {e} * 0) = {a * (d * f - e * g)} - {b * c * f} = {value}",
        f"number:{a}*({d}*{f}-{e}*{g})-{b}*({c}*{f}-{e}*0)",
    )


@form("matrix_and_vector")
def product_entry(rng):
    a = [[rng.randrange(1, 7) for _ in range(2)] for _ in range(2)]
    b = [[rng.randrange(1, 7) for _ in range(2)] for _ in range(2)]
    i, j = rng.randrange(2), rng.randrange(2)
    places = ["top left", "top right", "bottom left", "bottom right"]
    value = a[i][0] * b[0][j] + a[i][1] * b[1][j]
    return (
        f"I am practising matrix multiplication and would like to compare one entry with yours: what stands at the {places[2 * i + j]} of the product AB?",
        f"A = {a}\nB = {b}",
        f"Row {i + 1} of A times column {j + 1} of B: {a[i][0]} * {b[0][j]} + {a[i][1]} * {b[1][j]} = {value}",
        f"number:{a[i][0]}*{b[0][j]}+{a[i][1]}*{b[1][j]}",
    )


@form("matrix_and_vector")
def workshop(rng):
    goods = rng.choice([("stools", "tables"), ("kites", "drums"), ("lanterns", "bird houses")])
    use = [[rng.randrange(2, 6), rng.randrange(1, 4)], [rng.randrange(4, 9), rng.randrange(2, 6)]]
    order = [rng.randrange(5, 15), rng.randrange(4, 10)]
    hours = sum(use[k][1] * order[k] for k in range(2))
    one = [g[:-1] for g in goods]
    return (
        "Write the requirements as a matrix with one row for wood and one for labour, multiply it by the order vector, and tell me the labour hours.",
        f"For one of its {goods[0]} a workshop needs {use[0][0]} strips of wood and {use[0][1]} hour{'s' if use[0][1] > 1 else ''} of labour. Each {one[1]} takes {use[1][0]} strips and {use[1][1]} hours. The order from the school is for {order[0]} {goods[0]} and {order[1]} {goods[1]}.",
        f"[[{use[0][0]}, {use[1][0]}], [{use[0][1]}, {use[1][1]}]] times ({order[0]}, {order[1]}): the wood row gives {use[0][0] * order[0] + use[1][0] * order[1]} strips.\nThe labour row gives {use[0][1]} * {order[0]} + {use[1][1]} * {order[1]} = {hours} hours",
        f"number:{use[0][1]}*{order[0]}+{use[1][1]}*{order[1]}",
    )


# ------------------------------------------------------------------------------- tables


@form("table_reading")
def weekly_total(rng):
    place = rng.choice(["lido", "ice rink", "planetarium"])
    counts = [rng.randrange(80, 400) for _ in range(5)]
    i, j = 1, 3
    chosen = counts[i : j + 1]
    return (
        f"Total admissions to the {place} from Tuesday to Thursday?",
        "Mon | Tue | Wed | Thu | Fri\n" + " | ".join(map(str, counts)),
        f"{' + '.join(map(str, chosen))} = {sum(chosen)}",
        f"number:{'+'.join(map(str, chosen))}",
    )


@form("table_reading")
def goal_difference(rng):
    teams = rng.sample(["Harriers", "Rovers", "Comets", "Falcons", "Otters", "Pilots"], 4)
    scores = [(rng.randrange(18, 45), rng.randrange(15, 38)) for _ in teams]
    diffs = [a - b for a, b in scores]
    while diffs.count(max(diffs)) > 1 or max(diffs) <= 0:
        scores = [(rng.randrange(18, 45), rng.randrange(15, 38)) for _ in teams]
        diffs = [a - b for a, b in scores]
    best = diffs.index(max(diffs))
    return (
        "Goal difference decides our hobby league this year. Name the champion, followed by that team's goal difference.",
        "Team | Scored | Conceded\n"
        + "\n".join(f"{t} | {a} | {b}" for t, (a, b) in zip(teams, scores, strict=True)),
        f"The {teams[best]} are champions: {scores[best][0]} - {scores[best][1]} = {diffs[best]}",
        "number:max(" + ",".join(f"{a}-{b}" for a, b in scores) + ")",
    )


@form("table_reading")
def meter_readings(rng):
    months = rng.choice([MONTHS[:5], MONTHS[5:10], MONTHS[7:12]])
    reading = [rng.randrange(2000, 7000)]
    for _ in months[1:]:
        reading.append(reading[-1] + rng.randrange(140, 390))
    used = [b - a for a, b in itertools.pairwise(reading)]
    top = used.index(max(used))
    return (
        "The electricity meter was read on the first day of each month. In which month was the consumption greatest, and how many kilowatt-hours was it? Name the month in which the electricity was used, not the one after it.",
        "Read on the first of | Meter in kWh\n"
        + "\n".join(f"{m} | {r}" for m, r in zip(months, reading, strict=True)),
        f"Consumption: {', '.join(f'{m} {u}' for m, u in zip(months, used, strict=False))}.\nIt was greatest in {months[top]}, with {reading[top + 1]} - {reading[top]} = {max(used)} kWh.",
        "number:max(" + ",".join(f"{b}-{a}" for a, b in itertools.pairwise(reading)) + ")",
    )


@form("table_reading")
def parcel_rates(rng):
    rates = [(1, 420), (3, 590), (5, 760), (10, 1120)]
    rates = [(w, c + rng.choice([0, 30, 50])) for w, c in rates]
    weights = rng.choice([[0.8, 2.4, 6.5], [1.5, 4.2, 4.9], [0.6, 3.5, 9.1], [2.9, 3.1, 7.0]])
    costs = [next(c for w, c in rates if x <= w) for x in weights]
    sender = rng.choice(NAMES)
    return (
        f"{sender} is sending three parcels, weighing {listed([f'{x} kg' for x in weights])}. Look up each one in the price list and state the postage for all three together, in euros.",
        "Weight up to | Price in euros\n"
        + "\n".join(f"{w} kg | {two(c / 100)}" for w, c in rates)
        + "\nA parcel heavier than one limit falls into the next class. Insurance is included.",
        f"{' + '.join(two(c / 100) for c in costs)} = {two(sum(costs) / 100)} euros",
        "number:" + "+".join(two(c / 100) for c in costs),
    )
