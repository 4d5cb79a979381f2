"""Name concepts: from the first words of a component to what they have in common, if anything.

Wu et al. 2024, section 3.3, ask a language model for a one-line concept or "cannot tell", for the
task it serves, and for its linguistic level. Here an *annotator* is any function from words to an
:class:`Annotation`. The one that comes along is a :class:`Lexicon` of concepts, which needs no
network and always answers the same; :class:`sparcom_nb.shift.Endpoint` asks a language model.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from sparcom_nb.errors import InputError
from sparcom_nb.files import shipped
from sparcom_nb.shift.concepts import component_keys

TASKS = ("writing", "math", "coding", "translation")
LEVELS = ("phonology", "morphology", "syntax", "semantic")
CANNOT_TELL = "cannot tell"
#: Words of a component that an annotator sees, and components of a network that are annotated.
FIRST, RANK = 15, 300


@dataclass(frozen=True)
class Annotation:
    """What the words of a component have in common; ``none`` where nothing fits."""

    concept: str = CANNOT_TELL
    task: str = "none"
    level: str = "none"


#: ``annotator(words, run)``: words of one component, the nearest first; run numbers repetitions.
Annotator = Callable[[Sequence[str], int], Annotation]


@dataclass(frozen=True)
class Entry:
    """A concept of the lexicon: a list of words, or a pattern that words match."""

    annotation: Annotation
    words: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    def fits(self, word: str) -> bool:
        """Whether the word is one of these; one listed in lower case fits in any case."""
        if self.pattern:
            return bool(self.pattern.search(word))
        return word in self.words or word.casefold() in self.words


class Lexicon:
    """An annotator that counts how many of the words stand in one list.

    A list explains a component when so many of its words would be a surprise among words drawn at
    random from the vocabulary: the hypergeometric tail, times the number of lists (Bonferroni), is
    at most ``alpha``, and they are at least ``least``. The most surprising list gives the name.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        path: Path | None = None,
        alpha: float = 0.05,
        least: int = 3,
    ) -> None:
        """Take the words that components are described with, and a file of concepts.

        Raises:
            InputError: names file and line that are not as data/lexicon/README.md says.
        """
        self.entries = read_lexicon(path or shipped("data") / "lexicon" / "concepts.jsonl")
        self.number = {word: n for n, word in enumerate(vocabulary)}
        self.member = np.array([[e.fits(word) for word in self.number] for e in self.entries])
        self.alpha, self.least = alpha, least
        self.tails = cache(self._tails)

    def __call__(self, words: Sequence[str], run: int = 0) -> Annotation:
        """Name the words; all must be of the vocabulary."""
        known = list(dict.fromkeys(words))
        if unknown := [word for word in known if word not in self.number]:
            raise InputError(f"word {unknown[0]!r} is not in the vocabulary of the lexicon")
        hits = self.member[:, [self.number[word] for word in known]].sum(axis=1)
        p = self.tails(len(known))[hits, np.arange(len(hits))]
        p = np.where(hits >= self.least, p * len(self.entries), np.inf)
        best = int(p.argmin())
        return self.entries[best].annotation if p[best] <= self.alpha else Annotation()

    def _tails(self, n: int) -> np.ndarray:
        """Probability [hits, entry] of as many hits or more among ``n`` random words."""
        hits, sizes = np.arange(n + 1)[:, None], self.member.sum(axis=1)
        return hypergeom.sf(hits - 1, self.member.shape[1], sizes, n)


def read_lexicon(path: Path) -> list[Entry]:
    """Read a JSON Lines file of concepts; the form is in data/lexicon/README.md.

    Raises:
        InputError: names file, line and what is wrong.
    """
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, KeyError, TypeError, re.error) as error:
            said = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(f"{path}:{number}: not a concept ({said})") from None
    if not entries:
        raise InputError(f"{path}: no concepts")
    return entries


def annotate(
    concepts: pd.DataFrame,
    annotator: Annotator,
    first: int = FIRST,
    rank: int = RANK,
    runs: int = 1,
) -> pd.DataFrame:
    """Annotate every component.

    Args:
        concepts: from :func:`sparcom_nb.shift.ffn_concepts`.
        annotator: a :class:`Lexicon`, an :class:`sparcom_nb.shift.Endpoint`, or your own.
        first: words of a component that it sees.
        rank: components of a network, the strongest first.
        runs: repetitions, for an annotator that does not always say the same.

    Returns:
        DataFrame, a row a component and run: its key (layer, component, ...), run, concept, task
        (one of TASKS or ``none``) and level (one of LEVELS, ``none`` where it cannot tell).
    """
    seen = concepts[(concepts["rank"] <= first) & (concepts["component"] < rank)]
    rows = []
    keys = component_keys(seen)
    for key, part in seen.groupby(keys, sort=False):
        words = part["word"].tolist()
        for run in range(runs):
            said = asdict(annotator(words, run))
            rows.append(dict(zip(keys, key, strict=True)) | {"run": run} | said)
    return pd.DataFrame(rows)


def shuffle_words(concepts: pd.DataFrame, first: int = FIRST, seed: int = 0) -> pd.DataFrame:
    """Deal the words of each layer's components out again at random: the control of an annotation.

    Only the ``first`` words of every component are kept. Each layer keeps every word as often as it
    has it, so that a word near to many components stays so; no two words still belong together.
    """
    rng = np.random.default_rng(seed)
    kept = concepts[concepts["rank"] <= first]
    words = kept["word"].to_numpy(copy=True)
    for rows in kept.groupby("layer").indices.values():
        words[rows] = rng.permutation(words[rows])
    return kept.assign(word=words)


def checked(concept: Any, task: Any, level: Any) -> Annotation:
    """Make an annotation of what a file or a language model says; ValueError where it is none."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(concept)).split())
    if not line or line.casefold().rstrip(".") == CANNOT_TELL:
        return Annotation()
    if task not in (*TASKS, "none"):
        raise ValueError(f"unknown task {task!r}; use one of {', '.join(TASKS)}, none")
    if level not in LEVELS:
        raise ValueError(f"unknown level {level!r}; use one of {', '.join(LEVELS)}")
    return Annotation(line, task, level)


def _entry(row: dict[str, Any]) -> Entry:
    annotation = checked(row["concept"], row["task"], row["level"])
    if ("words" in row) == ("pattern" in row):
        raise ValueError("give either words or a pattern")
    if "pattern" in row:
        return Entry(annotation, pattern=re.compile(row["pattern"]))
    if not isinstance(row["words"], list) or not row["words"]:
        raise ValueError("words must be a list of words")
    return Entry(annotation, frozenset(row["words"]))
