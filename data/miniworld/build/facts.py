"""The mini-world: a few hundred people, animals, towns and things, and what is true of them.

Everything follows from one seed. A fact is (entity, attribute, value); values are drawn at random, so
nothing but the documents can teach them. Names and words are plain English; the facts are invented.
"""

from dataclasses import dataclass
from functools import cache
from random import Random
from zlib import crc32

WORLD_SEED = 0


def listed(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


PEOPLE = listed(
    "Anna Ben Clara Dan Emma Felix Grace Henry Ida Jack Kate Leo Maria Nina Oscar Paul Rosa Sam Tom "
    "Vera Will Zoe Adam Beth Carl Dora Eric Fay George Helen Ivan Jane Karl Lucy Mark Nora Otto Peter "
    "Ruth Sara Tim Uma Victor Wendy Alan Amy Bella Colin Daisy David Edith Ella Frank Fred Gina Gus "
    "Hanna Hugo Iris Jacob Jill Joan John Julia June Kim Laura Lena Lily Linda Louis Lisa Luke Mary Mia "
    "Max Mona Nick Noah Olga Olive Pam Pete Phil Rita Rob Rose Roy Ryan Sally Simon Sofia Stan Sue Tess "
    "Theo Tina Toby Tony Ursula Viola Wanda Walter Yara Abel Alma Amos Boris Cora Cyrus Della Edgar Elsa "
    "Flora Glen Greta Hal Hazel Ike Irma Jonas"
)
TOWNS = listed(
    "Marlow Benton Carford Delby Elmton Fenwick Garston Hexley Ipsham Jarrow Kelby Lanford Milton "
    "Norbury Oakham Penrith Quarley Redford Selby Tarwick Upton Verwood Welby Yarmouth Ashby Brixton "
    "Corby Denham Epping Farley Gosport Harlow Ilford Kendal Ludlow Morley Newark Otley Preston Ripon"
)
ANIMALS = listed(
    "fox cat dog hen cow pig goat horse duck owl bear wolf deer mouse frog crow swan lamb rabbit snake "
    "tiger lion eagle otter seal whale crab bee ant spider turtle lizard monkey camel zebra donkey goose "
    "pigeon badger beaver"
)
THINGS = listed(
    "lamp cup box ring key book coat boat bell drum flute chair table clock mirror basket ladder spoon "
    "knife plate brush candle kite ball doll vase rope bag pen map coin hat scarf belt shoe glove pillow "
    "blanket bottle jar"
)

JOBS = listed(
    "baker farmer doctor teacher painter singer sailor cook nurse judge driver tailor writer miner"
)
PETS = listed("cat dog parrot rabbit hamster turtle goldfish pony snake mouse")
FOODS = listed("bread soup rice cheese cake apples honey fish pasta beans plums nuts")
PLACES = listed("forest river desert garden meadow cave lake mountain barn swamp")
ANIMAL_FOODS = listed("grass seeds fish worms berries leaves nuts eggs roots flies")
COLOURS = listed("red blue green white black brown grey yellow pink purple")
REGIONS = listed("north south east west coast valley hills plain")
GOODS = listed("wool glass salt silk wine butter paper steel tea silver")
RIVERS = listed("Arrow Brent Cole Dove Esk Frome Glen Hull Irwell Kent Lune Medway")
MATERIALS = listed("wood iron glass leather clay paper gold stone cotton copper")
ROOMS = listed("kitchen attic cellar hall office bedroom shed garage library workshop")
USES = listed("cooking hunting dancing fishing sewing travel school war music sleep")

SCHEMA: dict[str, tuple[tuple[str, ...], dict[str, list[str]]]] = {
    "person": (tuple(PEOPLE), {"town": TOWNS, "job": JOBS, "pet": PETS, "food": FOODS}),
    "town": (tuple(TOWNS), {"region": REGIONS, "goods": GOODS, "river": RIVERS}),
    "animal": (tuple(ANIMALS), {"place": PLACES, "eats": ANIMAL_FOODS, "colour": COLOURS}),
    "thing": (tuple(THINGS), {"material": MATERIALS, "room": ROOMS, "use": USES}),
}


@dataclass(frozen=True)
class Fact:
    """One truth of the world, e.g. ("person", "Anna", "town", "Marlow")."""

    kind: str
    entity: str
    attribute: str
    value: str


@cache
def world(seed: int = WORLD_SEED) -> tuple[Fact, ...]:
    """All facts, entity by entity; about 840 of them."""
    rng = Random(seed)
    return tuple(
        Fact(kind, entity, attribute, rng.choice(values))
        for kind, (entities, attributes) in SCHEMA.items()
        for entity in entities
        for attribute, values in attributes.items()
    )


@cache
def facts_of(entity: str, seed: int = WORLD_SEED) -> tuple[Fact, ...]:
    """The facts about one entity, in the order of the schema."""
    return tuple(fact for fact in world(seed) if fact.entity == entity)


def is_heldout(kind: str, key: str, share: float = 0.2) -> bool:
    """Whether a content key is reserved for evaluation: a stable hash, the same on every machine."""
    return crc32(f"{kind}/{key}".encode()) % 1000 < share * 1000


def asked_only_in_evaluation(entity: str) -> bool:
    """Entities (30 %) whose facts stand in documents but are never asked about in tuning."""
    return is_heldout("entity", entity, 0.3)


def pair_is_heldout(a: int, b: int) -> bool:
    """Ordered number pairs (15 %) that never occur as the operands of a sum, difference or comparison."""
    return is_heldout("pair", f"{a},{b}", 0.15)
