"""Every claim of a report with its verdict, read from the files that the notebooks left."""

from dataclasses import fields
from pathlib import Path

import pandas as pd

from sparcom_nb.errors import InputError
from sparcom_nb.evidence import Finding
from sparcom_nb.studies.results import load

#: First digit of a notebook's name -> what it is about.
PAPERS = {"0": "start", "1": "SPARCOM", "2": "behaviour shift", "3": "NAIT", "4": "synthesis"}
_PLACE = ("pair", "notebook", "paper", "name")
_FIELDS = [one.name for one in fields(Finding)]
#: What a terminal has room for.
BRIEF = ["pair", "notebook", "claim", "verdict", "value", "low", "high", "p_adjusted"]
COLUMNS = [*_PLACE, _FIELDS[0], "verdict", *_FIELDS[1:]]


def findings(folder: str | Path) -> pd.DataFrame:
    """The claims of the report in a folder.

    Returns:
        DataFrame, a row a claim: pair (its folder's name), notebook, paper, and the fields of
        :class:`sparcom_nb.evidence.Finding` with its verdict.

    Raises:
        InputError: there is no report, or a file of it cannot be read.
    """
    root = Path(folder)
    files = sorted(root.glob("*/*/figures.json"))
    if not files:
        raise InputError(f"{root}: no claims here; give the folder that `sparcom-nb report` wrote")
    rows = []
    for file in files:
        try:
            found = load(file.parent)["findings"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: {error}; run the report again") from error
        notebook = file.parent.name
        place = {"pair": file.parent.parent.name, "notebook": notebook}
        rows += [place | {"paper": paper(notebook)} | one for one in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def paper(notebook: str) -> str:
    """What a notebook is about, by its number."""
    return PAPERS.get(notebook[:1], "other")


def compare(before: str | Path, after: str | Path) -> pd.DataFrame:
    """Claims whose verdict differs between two reports, and those that only one of them makes.

    Returns:
        DataFrame: pair, notebook, name, claim, verdict_before, verdict_after, value_before,
        value_after; a verdict is missing where the claim is not made.
    """
    key, kept = ["pair", "notebook", "name"], ["claim", "verdict", "value"]
    both = findings(before)[key + kept].merge(
        findings(after)[key + kept], on=key, how="outer", suffixes=("_before", "_after")
    )
    both["claim"] = both.pop("claim_after").fillna(both.pop("claim_before"))
    differ = both["verdict_before"].fillna("") != both["verdict_after"].fillna("")
    ends = [f"{name}_{end}" for name in ("verdict", "value") for end in ("before", "after")]
    return both.loc[differ, [*key, "claim", *ends]].reset_index(drop=True)
