"""Sets as those of :mod:`worlds.identify`, of two sources, counted by category."""

from dataclasses import replace

import numpy as np

from sparcom_nb.studies import generality
from sparcom_nb.studies.generality import AGREEMENTS, Votes
from worlds import Path
from worlds.identify import labelled, labels, likely


def marked(effect, seed, n=120):
    rng, table = np.random.default_rng(seed), labels()
    p = likely(table, effect, rng, n)
    return labelled(rng.random(p.shape) < p, table)


def distinct(effect, seed):
    """Also at equal length: the same of other frequencies."""
    votes = Votes.of(marked(effect, seed))
    drawn = generality.drawn_numbers(votes, 99, seed)
    return generality.distinct("distinct", drawn, votes.clusters), np.nan


def general(effect, seed):
    votes = Votes.of(marked(effect, seed))
    return generality.general(generality.drawn_numbers(votes, 99, seed), votes.clusters), np.nan


def unique(effect, seed):
    votes = Votes.of(marked(effect, seed))
    drawn = [generality.by_kind(replace(votes, agreement=a), seed)[:, 0] for a in AGREEMENTS]
    return generality.over_cuts(np.array(drawn), votes.clusters), np.nan


def halves(effect, seed):
    return generality.found_again(Votes.of(marked(effect, seed)), 39, seed), np.nan


def sources(effect, seed):
    """Every sub-type has rows of both sources and components of its own: no evidence."""
    sets = marked(effect, seed)
    source = np.tile(["authored", "generated"], len(sets) // 2)
    return generality.sources(sets, source, 0.5, 99, seed), np.nan


PATHS = {
    "distinct, equal length": Path(distinct, 0.63),
    "general": Path(general, 1.3, 100),
    "unique": Path(unique, 0.75),
    "halves": Path(halves, 0.52),
    "sources": Path(sources, 0.6),
}
