"""``sparcom-nb identify``: from a model and a file of instructions to files of components."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from sparcom_nb.expect import door
from sparcom_nb.model.prompts import TEMPLATED, fitting
from sparcom_nb.model.sources import Identity, model_path
from sparcom_nb.rows.instructions import limit_rows, load_instructions, table_hash
from sparcom_nb.sparcom.experts import RELATIVE, specific_experts
from sparcom_nb.sparcom.sets import chosen_top, component_table, specific
from sparcom_nb.store import Part, once, versions

_FILES = ("frequency.zarr", "components.parquet", "experts.parquet")


@door
def identify(
    model: str,
    data: str,
    out: Path,
    *,
    top: float | None = None,
    threshold: float | None = None,
    agreement: float = 0.5,
    relative: float = RELATIVE,
    span: str = "instruction",
    site: str = "gate",
    limit: int | None = None,
    device: str = "auto",
    batch_tokens: int | None = None,
    seed: int = 0,
    drop_unusable: bool = False,
) -> dict[str, Any]:
    """Find the components specific to every category and write them under ``out``.

    Writes ``frequency.zarr`` (frequency and count [instruction, layer, neuron], n_tokens beside
    them), ``components.parquet`` (see :func:`sparcom_nb.sparcom.sets.component_table`) and
    ``manifest.json`` (what was run; sizes, kinds and shares of what was found). For a model with
    experts the dimensions are [instruction, layer, expert, neuron]; routing (and the count routed)
    [instruction, layer, expert] stand beside them, and ``experts.parquet`` holds the experts that
    are chosen at least ``relative`` times as often as if all were used alike. It is kept by
    :func:`sparcom_nb.store.once`: a finished run with the same inputs is not done again, an
    interrupted one is taken up where it stopped.

    With ``drop_unusable`` rows that cannot be used, or not by this model, are left out, and the
    manifest says how many and why.

    Returns:
        The manifest, with ``fresh`` False when it was there already.

    Raises:
        InputError: anything wrong with the model, the data, a parameter or the place.
    """
    top = chosen_top(top, threshold)
    rows = limit_rows(load_instructions(data, drop_unusable), limit)
    identity = Identity(model, model_path(model))
    wanted = {
        **identity.hashes,
        "data_sha256": table_hash(rows),
        "parameters": {
            "top": top,
            "threshold": threshold,
            "agreement": agreement,
            "relative": relative,
            "span": span,
            "site": site,
            "limit": limit,
            "drop_unusable": drop_unusable,
        },
        "seed": seed,
        "versions": versions(),
    }

    def make(folder: Path) -> dict[str, Any]:
        from sparcom_nb.model.load import load_model  # takes seconds: what is wrong is said before

        loaded = load_model(model, device)
        found = _identify(loaded, rows, wanted["parameters"], folder, batch_tokens)
        return identity.told() | {"data": str(data)} | found

    reads = (data, identity.path)
    return once(out, wanted, make, names=_FILES, reads=reads, resumes=True)


def _identify(
    model: Any,
    rows: pd.DataFrame,
    asked: dict[str, Any],
    out: Path,
    batch_tokens: int | None,
) -> dict[str, Any]:
    """Do the work and return what only the run knows."""
    from sparcom_nb.sparcom.frequency import neuron_frequency

    unusable = rows.attrs["unusable"]
    if asked["drop_unusable"]:
        rows, unread = fitting(model, rows, [asked["span"]])
        unusable = unusable + unread
    began = time.perf_counter()
    frequency = neuron_frequency(
        model,
        rows,
        site=asked["site"],
        span=asked["span"],
        batch_tokens=batch_tokens,
        store=Part(out / "frequency.zarr"),
    )
    seconds = time.perf_counter() - began
    frequency.drop_attrs().to_dataset().to_zarr(out / "frequency.zarr", mode="a")
    frequency = xr.open_zarr(out / "frequency.zarr")["frequency"]
    marked = specific(frequency, top=asked["top"], threshold=asked["threshold"])
    found = _found(marked, asked["agreement"], out / "components.parquet")
    if "routing" in frequency.coords:
        chosen = specific_experts(frequency["routing"], asked["relative"])
        found["experts"] = _found(chosen, asked["agreement"], out / "experts.parquet")
    return {
        "instructions": len(rows),
        "unusable": {"rows": len(unusable), "first": unusable[:5]},
        "tokens": int(frequency["n_tokens"].sum()),
        "seconds": round(seconds, 2),
        "template": model.template.facts() if asked["span"] in TEMPLATED else None,
        **found,
    }


def _found(marked: xr.DataArray, agreement: float, path: Path) -> dict[str, Any]:
    """Write the table of components, and sum up: shares taken, sizes of sets, kinds.

    The marks stay on disk: there is one for every instruction and component.
    """
    table = component_table(marked, agreement)
    table.to_parquet(path, index=False)
    kinds = table.drop_duplicates(["layer", "expert", "neuron"])["kind"].value_counts()
    share = marked["share"].groupby("category").mean().to_series()
    return {
        "share_taken": float(marked["share"].mean()),
        "share_taken_by_category": share.to_dict(),
        "components": table.groupby("category", sort=False).size().to_dict(),
        "kinds": kinds.to_dict(),
        "kind_shares": (kinds / marked[0].size).to_dict(),
    }
