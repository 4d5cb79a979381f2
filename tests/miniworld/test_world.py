"""The world: its size, and that it follows from the seed."""

from collections import Counter

import facts
from documents import PHRASINGS


def test_a_few_hundred_entities_with_three_or_four_facts_each():
    count = Counter(f.entity for f in facts.world())
    kinds = Counter(kind for kind, _ in {(f.kind, f.entity) for f in facts.world()})
    assert 200 <= len(count) <= 400
    assert kinds.keys() == facts.SCHEMA.keys()
    assert set(count.values()) <= {3, 4}


def test_entity_names_are_unique_across_kinds():
    owners = Counter(entity for entities, _ in facts.SCHEMA.values() for entity in entities)
    assert max(owners.values()) == 1


def test_world_follows_from_the_seed():
    facts.world.cache_clear()
    first = facts.world(0)
    facts.world.cache_clear()
    assert facts.world(0) == first != facts.world(1)


def test_every_attribute_has_many_phrasings_forward_and_reversed():
    for attribute, forms in PHRASINGS.items():
        assert len(forms) >= 8, attribute
        assert any(form.index("{v}") < form.index("{e}") for form in forms), attribute
        assert any(form.index("{e}") < form.index("{v}") for form in forms), attribute
