"""Instructions whose sets follow their sub-type, and their category as far as there is an effect."""

import numpy as np
import pandas as pd
import xarray as xr

import sparcom_nb as sn
from sparcom_nb.evidence import Clusters
from sparcom_nb.rows.instructions import CATEGORIES
from sparcom_nb.studies.identify import separation, wording
from worlds import Path


def labels(subtypes=6, each=4):
    """Rows of six categories."""
    made = [(c, f"s{s}") for c in CATEGORIES for s in range(subtypes) for _ in range(each)]
    return pd.DataFrame(made, columns=["category", "subtype"])


def likely(table, effect, rng, n):
    """How likely components are in the set of a row: [row, n]; many rarely, some nearly always."""
    category, subtype = (
        table.groupby(by, sort=False).ngroup().to_numpy()
        for by in (["category"], ["category", "subtype"])
    )
    logit = rng.normal(-1.5, 1.5, n) + rng.normal(0, 1, (subtype.max() + 1, n))[subtype]
    return 1 / (1 + np.exp(-logit - effect * rng.normal(0, 1, (category.max() + 1, n))[category]))


def labelled(values, table):
    """An array [instruction, layer, neuron] with one layer."""
    coords = {name: ("instruction", table[name].to_numpy(str)) for name in table}
    names = np.arange(len(table)).astype(str)
    dims = ("instruction", "layer", "neuron")
    return xr.DataArray(values[:, None], coords | {"instruction": names, "layer": [0]}, dims)


def category(effect, seed):
    """Also the claim of every cut, which is made of mean overlaps in the same way."""
    rng, table = np.random.default_rng(seed), labels()
    p = likely(table, effect, rng, 80)
    pairwise = sn.sparcom.overlap(labelled(rng.random(p.shape) < p, table))
    return separation(pairwise, 99, seed, "Within above across.", "Jaccard"), 0.0


def request(effect, seed):
    """Also the claim of phrasing: the next two rungs of the same ladder."""
    rng, table = np.random.default_rng(seed), labels(6, 2)
    clusters = Clusters.of(table)
    own = rng.normal(0, 1, (36, 4))[clusters.index]
    values = own + rng.normal(0, 1, own.shape)
    values[:, 0] += effect
    return wording(values, clusters, 99, seed)["request"], effect


PATHS = {"category, every cut": Path(category, 0.38), "request, phrasing": Path(request, 0.9, 100)}
