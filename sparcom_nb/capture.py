"""The capture pass: run every prompt once and keep only what a measure makes of its activations.

Prompts go in blocks of consecutive rows; inside a block they are sorted by length and batched by a
budget of tokens. A measure reduces every tapped activation while the batch runs, so no activation
outlives its layer. A finished block goes to memory, or to a Zarr store when the result is large or a
store is asked for; memory then does not grow with the number of rows, and a pass that was
interrupted goes on after its last finished block.
"""

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb import taps
from sparcom_nb.errors import InputError
from sparcom_nb.instructions import validate
from sparcom_nb.progress import progress
from sparcom_nb.prompts import Prompt, encode

#: Results above this many bytes go to a Zarr store.
MEMORY_BYTES = 512 * 2**20
_BLOCK_BYTES = 64 * 2**20
_BLOCK_ROWS = 512
_BATCH_TOKENS = {"cpu": 1024}
_BATCH_TOKENS_ELSEWHERE = 16384


@dataclass(frozen=True)
class Batch:
    """Padded prompts: ids, attention mask and the tokens that count, each [batch, token]."""

    ids: Tensor
    mask: Tensor
    counted: Tensor


class Measure(Protocol):
    """What one capture pass keeps of every row: an array of ``dims`` and ``dtype``."""

    @property
    def name(self) -> str:
        """Return the name of the result."""
        ...

    @property
    def dtype(self) -> str:
        """Return the type in which the result is kept."""
        ...

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Return name -> coordinate of every dimension of one row's result."""
        ...

    def reading(
        self, model: TransformerBridge, batch: Batch, out: Tensor
    ) -> AbstractContextManager[None]:
        """Fill ``out`` [batch, *dims] while the model runs inside the context."""
        ...


@dataclass(frozen=True)
class PositiveCounts:
    """Number of counted tokens at which a dense neuron's activation is above zero."""

    site: str = "gate"
    name: str = "count"
    dtype: str = "uint16"

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Dimensions layer, neuron."""
        return {"layer": taps.dense_layers(model), "neuron": np.arange(taps.width(model))}

    @contextmanager
    def reading(self, model: TransformerBridge, batch: Batch, out: Tensor) -> Iterator[None]:
        """Count by a product with the 0/1 row of counted tokens (exact: sums far below 2**24)."""
        counted = batch.counted.unsqueeze(1).float()
        position = {layer: n for n, layer in enumerate(taps.dense_layers(model))}

        def visit(layer: int, activation: Tensor) -> None:
            out[:, position[layer]] = torch.bmm(counted, (activation > 0).float()).squeeze(1)

        with taps.reading(model, self.site, visit, sign_only=True):
            yield


def capture(
    model: TransformerBridge,
    data: pd.DataFrame,
    measure: Measure,
    span: str,
    *,
    batch_tokens: int | None = None,
    padding_side: str = "right",
    store: Path | str | None = None,
    show_progress: bool = True,
) -> xr.DataArray:
    """Run ``data`` through ``model`` and return the measure of every row.

    Args:
        model: as :func:`sparcom_nb.load_model` returns it.
        data: rows as :func:`sparcom_nb.load_instructions` returns them.
        measure: what to keep.
        span: which tokens count, one of :data:`sparcom_nb.prompts.SPANS`.
        batch_tokens: tokens (padding included) in one batch; None chooses by device.
        padding_side: ``right`` or ``left``; the result does not depend on it.
        store: Zarr folder to write to and to resume from; None keeps a small result in memory and
            a large one in a temporary folder.
        show_progress: False for silence.

    Returns:
        DataArray [instruction, *dims of the measure], lazily read where it lies in a store, with
        coordinates category, subtype and n_tokens (counted tokens, int) on ``instruction``.

    Raises:
        InputError: a row without a token to count or longer than the context, a budget smaller
            than the longest prompt, or a store that holds something else.
    """
    data = validate(data)
    prompts = encode(model.tokenizer, model.template, data, span, model.cfg.n_ctx)
    budget = _budget(prompts, batch_tokens, model)
    result = _Result(data, prompts, measure, measure.coords(model), store)
    with progress(len(prompts), "capture", "instructions", show_progress) as shown:
        for block in result.blocks():
            for batch_rows in _batches(prompts[block], budget):
                rows = [prompts[block][n] for n in batch_rows]
                result.keep(batch_rows, _measured(model, rows, measure, result, padding_side))
                shown.update(len(rows))
            result.finish(block)
    return result.array()


def pad(prompts: list[Prompt], pad_id: int, side: str, device: torch.device) -> Batch:
    """Put prompts into one rectangle, padded on ``side``."""
    length = max(len(p.ids) for p in prompts)
    ids = torch.full((len(prompts), length), pad_id)
    mask, counted = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        first = length - len(prompt.ids) if side == "left" else 0
        ids[row, first : first + len(prompt.ids)] = torch.tensor(prompt.ids)
        mask[row, first : first + len(prompt.ids)] = 1
        counted[row, first + prompt.start : first + prompt.stop] = True
    return Batch(ids.to(device), mask.to(device), counted.to(device))


def _measured(
    model: TransformerBridge, rows: list[Prompt], measure: Measure, result: "_Result", side: str
) -> Tensor:
    """Run one batch: [batch, *dims]."""
    batch = pad(rows, model.tokenizer.pad_token_id or 0, side, taps.device(model))
    out = torch.zeros(len(rows), *result.shape, device=taps.device(model))
    with torch.inference_mode(), measure.reading(model, batch, out):
        taps.forward(model, batch.ids, batch.mask)
    return out


def _budget(prompts: list[Prompt], asked: int | None, model: TransformerBridge) -> int:
    longest = max(prompts, key=lambda p: len(p.ids))
    device = taps.device(model).type
    budget = asked or _BATCH_TOKENS.get(device, _BATCH_TOKENS_ELSEWHERE)
    if asked and asked < len(longest.ids):
        raise InputError(
            f"batch_tokens {asked} is smaller than row {longest.id!r} with {len(longest.ids)} "
            "tokens; raise it"
        )
    return max(budget, len(longest.ids))


def _batches(prompts: list[Prompt], budget: int) -> Iterator[list[int]]:
    """Positions of prompts of similar length whose padded rectangle keeps the budget."""
    batch: list[int] = []
    for n in sorted(range(len(prompts)), key=lambda n: len(prompts[n].ids)):
        if batch and (len(batch) + 1) * len(prompts[n].ids) > budget:
            yield batch
            batch = []
        batch.append(n)
    yield batch


class _Result:
    """The growing result: one block in memory, finished blocks in an array or a store."""

    def __init__(
        self,
        data: pd.DataFrame,
        prompts: list[Prompt],
        measure: Measure,
        coords: dict[str, Any],
        store: Path | str | None,
    ) -> None:
        self.shape = tuple(len(c) for c in coords.values())
        row_bytes = int(np.prod(self.shape)) * np.dtype(measure.dtype).itemsize
        self.block_rows = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // max(1, row_bytes)))
        self.block = np.zeros((self.block_rows, *self.shape), measure.dtype)
        self.name, self.dims = measure.name, ("instruction", *coords)
        self.coords = coords | _row_coords(data, prompts)
        self.n_rows = len(prompts)
        self.memory: np.ndarray | None = None
        if store is None and row_bytes * self.n_rows <= MEMORY_BYTES:
            self.memory = np.zeros((self.n_rows, *self.shape), measure.dtype)
        else:
            self.store = Path(store) if store else _temporary_store(self)
            self._open_store()

    def blocks(self) -> Iterator[slice]:
        """Row ranges still to do."""
        done = set() if self.memory is not None else self._finished()
        for start in range(0, self.n_rows, self.block_rows):
            if start not in done:
                yield slice(start, min(start + self.block_rows, self.n_rows))

    def keep(self, rows: list[int], values: Tensor) -> None:
        """Put a batch into the current block; ``rows`` are positions inside it."""
        self.block[rows] = values.cpu().numpy()

    def finish(self, block: slice) -> None:
        """Move the current block to where the result lives."""
        values = self.block[: block.stop - block.start]
        if self.memory is not None:
            self.memory[block] = values
            return
        region: Any = {"instruction": block}
        array = xr.DataArray(values.copy(), dims=self.dims, name=self.name)
        array.to_dataset().to_zarr(self.store, region=region)
        done = xr.DataArray(np.ones(len(values), bool), dims="instruction", name="done")
        done.to_dataset().to_zarr(self.store, region=region)

    def array(self) -> xr.DataArray:
        """Return the whole result, labelled."""
        if self.memory is not None:
            return xr.DataArray(self.memory, dims=self.dims, coords=self.coords, name=self.name)
        stored = xr.open_zarr(self.store, chunks={})[self.name]
        return stored.assign_coords(self.coords)

    def _open_store(self) -> None:
        """Make an empty store, or accept one that was begun for the same rows and measure."""
        if (self.store / ".zgroup").exists():
            self._accept()
            return
        chunks = (self.block_rows, *self.shape)
        empty = xr.Dataset(
            {
                self.name: (
                    self.dims,
                    _empty((self.n_rows, *self.shape), chunks, self.block.dtype),
                ),
                "done": ("instruction", np.zeros(self.n_rows, bool)),
            },
            self.coords,
        )
        encoding = {self.name: {"_FillValue": None}, "done": {"chunks": (self.block_rows,)}}
        empty.to_zarr(self.store, compute=False, encoding=encoding, zarr_format=2)

    def _accept(self) -> None:
        begun = xr.open_zarr(self.store)
        same = begun.sizes.get("instruction") == self.n_rows and all(
            np.array_equal(begun[name], _values(coord)) for name, coord in self.coords.items()
        )
        if not same or self.name not in begun:
            raise InputError(f"{self.store} holds another capture; choose another folder")

    def _finished(self) -> set[int]:
        done = xr.open_zarr(self.store)["done"].to_numpy()
        return {start for start in range(0, self.n_rows, self.block_rows) if done[start]}


def _empty(shape: tuple[int, ...], chunks: tuple[int, ...], dtype: Any) -> Any:
    import dask.array

    return dask.array.zeros(shape, dtype=dtype, chunks=chunks)


def _row_coords(data: pd.DataFrame, prompts: list[Prompt]) -> dict[str, Any]:
    columns = {name: ("instruction", data[name].to_numpy(str)) for name in ("category", "subtype")}
    n_tokens = np.array([p.stop - p.start for p in prompts], dtype=np.int64)
    return {
        "instruction": data["id"].to_numpy(str),
        **columns,
        "n_tokens": ("instruction", n_tokens),
    }


def _values(coord: Any) -> Any:
    return coord[1] if isinstance(coord, tuple) else coord


def _temporary_store(owner: object) -> Path:
    """Return a folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix="sparcom_nb-")
    weakref.finalize(taps, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "capture.zarr"
