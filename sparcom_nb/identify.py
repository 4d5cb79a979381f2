"""``sparcom-nb identify``: from a model and a file of instructions to files of components."""

import hashlib
import json
import platform
import shutil
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from sparcom_nb.instructions import limit_rows, load_instructions
from sparcom_nb.models import load_model
from sparcom_nb.sources import Identity, model_path
from sparcom_nb.sparcom.components import component_table, specific
from sparcom_nb.sparcom.frequency import activation_frequency

_OUTPUTS = ("frequency.zarr", "components.parquet", "manifest.json")
_VERSIONS = ("sparcom-nb", "torch", "transformers", "transformer-lens", "numpy", "xarray")


def identify(
    model: str,
    data: str,
    out: Path,
    *,
    top: float | None = None,
    threshold: float | None = None,
    agreement: float = 0.5,
    span: str = "instruction",
    site: str = "gate",
    limit: int | None = None,
    device: str = "auto",
    batch_tokens: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Find the components specific to every category and write them under ``out``.

    Writes ``frequency.zarr`` (frequency and count [instruction, layer, neuron], n_tokens beside
    them), ``components.parquet`` (see :func:`sparcom_nb.sparcom.component_table`) and
    ``manifest.json``. A finished run with the same inputs is not done again; an interrupted one is
    taken up where it stopped.

    Returns:
        The manifest, with ``fresh`` False when it was there already.

    Raises:
        InputError: anything wrong with the model, the data or a parameter.
    """
    rows = limit_rows(load_instructions(data), limit)
    identity = Identity(model, model_path(model))
    wanted = {
        "model": model,
        "weights_sha256": identity.weights_sha256,
        "data": str(data),
        "data_sha256": _table_hash(rows),
        "parameters": {
            "top": 0.05 if top is None and threshold is None else top,
            "threshold": threshold,
            "agreement": agreement,
            "span": span,
            "site": site,
            "limit": limit,
        },
        "seed": seed,
        "versions": {name: version(name) for name in _VERSIONS}
        | {"python": platform.python_version()},
    }
    if (done := _finished(out, wanted)) is not None:
        return done | {"fresh": False}
    out.mkdir(parents=True, exist_ok=True)
    manifest = wanted | _identify(wanted, rows, out, device, batch_tokens)
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest | {"fresh": True}


def _identify(
    wanted: dict[str, Any], rows: pd.DataFrame, out: Path, device: str, batch_tokens: int | None
) -> dict[str, Any]:
    """Do the work and return what only the run knows."""
    asked = wanted["parameters"]
    model = load_model(wanted["model"], device)
    began = time.perf_counter()
    frequency = activation_frequency(
        model,
        rows,
        site=asked["site"],
        span=asked["span"],
        batch_tokens=batch_tokens,
        store=_fresh_store(out, wanted),
    )
    seconds = time.perf_counter() - began
    frequency.drop_attrs().to_dataset().to_zarr(out / "frequency.zarr", mode="a")
    frequency = xr.open_zarr(out / "frequency.zarr")["frequency"]
    marked = specific(frequency, top=asked["top"], threshold=asked["threshold"]).compute()
    table = component_table(marked, asked["agreement"])
    table.to_parquet(out / "components.parquet", index=False)
    return {
        "instructions": len(rows),
        "tokens": int(frequency["n_tokens"].sum()),
        "seconds": round(seconds, 2),
        "share_taken": float(marked["share"].mean()),
        "components": table.groupby("category", sort=False).size().to_dict(),
        "kinds": table.drop_duplicates(["layer", "neuron"])["kind"].value_counts().to_dict(),
    }


def _table_hash(rows: pd.DataFrame) -> str:
    return hashlib.sha256(str(rows.to_json(orient="records")).encode()).hexdigest()


def _finished(out: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Return the manifest of a run with these inputs whose files are all there."""
    if not all((out / name).exists() for name in _OUTPUTS):
        return None
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return manifest if manifest | wanted == manifest else None


def _fresh_store(out: Path, wanted: dict[str, Any]) -> Path:
    """Path of the store, emptied when it was begun for other inputs than these."""
    begun = out / ".begun.json"
    inputs = json.dumps(
        {k: wanted[k] for k in ("weights_sha256", "data_sha256")}
        | {k: wanted["parameters"][k] for k in ("span", "site")}
    )
    if not begun.exists() or begun.read_text(encoding="utf-8") != inputs:
        shutil.rmtree(out / "frequency.zarr", ignore_errors=True)
        begun.write_text(inputs, encoding="utf-8")
    return out / "frequency.zarr"
