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
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
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
from sparcom_nb.prompts import Prompt, encode, shortened

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
    """What a capture pass keeps of every row: one array of type ``dtype``."""

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
    """Number of counted tokens at which a neuron's activation is above zero.

    ``kind`` says which neurons: those of dense layers or of shared experts.
    """

    site: str = "gate"
    kind: str = "dense"
    name: str = "count"
    dtype: str = "uint16"

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Dimensions layer, neuron."""
        neurons = np.arange(taps.width(model, self.kind))
        return {"layer": taps.network_layers(model, self.kind), "neuron": neurons}

    @contextmanager
    def reading(self, model: TransformerBridge, batch: Batch, out: Tensor) -> Iterator[None]:
        """Count by a product, layer by layer."""
        visit = _token_counts(batch, out, taps.network_layers(model, self.kind))
        with taps.reading(model, self.site, visit, self.kind):
            yield


@dataclass(frozen=True)
class RoutingCounts:
    """Number of counted tokens that the router sends to each expert."""

    name: str = "routed"
    dtype: str = "uint16"

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Dimensions layer, expert."""
        n_experts, _ = taps.experts_shape(model)
        return {"layer": taps.sparse_layers(model), "expert": np.arange(n_experts)}

    @contextmanager
    def reading(self, model: TransformerBridge, batch: Batch, out: Tensor) -> Iterator[None]:
        """Count the tokens at which an expert has a weight."""
        visit = _token_counts(batch, out, taps.sparse_layers(model))
        with taps.reading_routes(model, visit):
            yield


@dataclass(frozen=True)
class ExpertCounts:
    """Number of counted tokens sent to an expert at which its neuron's activation is above zero."""

    site: str = "gate"
    name: str = "count"
    dtype: str = "uint16"

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Dimensions layer, expert, neuron."""
        n_experts, width = taps.experts_shape(model)
        layers = taps.sparse_layers(model)
        return {"layer": layers, "expert": np.arange(n_experts), "neuron": np.arange(width)}

    @contextmanager
    def reading(self, model: TransformerBridge, batch: Batch, out: Tensor) -> Iterator[None]:
        """Count by a product, expert by expert."""
        visit = _expert_counts(batch, out, taps.sparse_layers(model))
        with taps.reading_experts(model, self.site, visit):
            yield


@dataclass(frozen=True)
class ActivationSums:
    """Sum over the counted tokens of every neuron's activation at site ``post``.

    ``kind`` as in :func:`token_sums`; ``absolute`` sums absolute values.
    """

    kind: str = "dense"
    absolute: bool = False
    name: str = "activation_sum"
    dtype: str = "float32"

    def coords(self, model: TransformerBridge) -> dict[str, Any]:
        """Dimensions layer, (expert,) neuron."""
        return neuron_coords(model, self.kind)

    @contextmanager
    def reading(self, model: TransformerBridge, batch: Batch, out: Tensor) -> Iterator[None]:
        """Give every counted token the weight one."""

        def keep(place: tuple[int, ...], sums: Tensor) -> None:
            out[:, *place] = sums[:, 0]

        counted = batch.counted.unsqueeze(1)
        with token_sums(model, "post", counted, keep, self.kind, self.absolute):
            yield


def neuron_coords(model: TransformerBridge, kind: str) -> dict[str, Any]:
    """Dimensions layer, neuron (kind ``dense``, ``shared``) or layer, expert, neuron (``expert``)."""
    if kind == "expert":
        return ExpertCounts().coords(model)
    return PositiveCounts(kind=kind).coords(model)


@contextmanager
def token_sums(
    model: TransformerBridge,
    site: str,
    weights: Tensor,
    add: Callable[[tuple[int, ...], Tensor], None],
    kind: str = "dense",
    absolute: bool = False,
) -> Iterator[None]:
    """Call ``add`` with weighted sums over tokens of every network's activations.

    Args:
        model: the model that runs inside the context.
        site: ``gate`` or ``post``.
        weights: [batch, weight, token], zero where a token does not count.
        add: ``add(place, sums)``; place is the network's position among the layers of its kind (and
            the expert), sums are [batch, weight, neuron].
        kind: ``dense``, ``shared`` or ``expert``. An expert's neurons are zero on tokens that are
            not sent to it; where it is sent none, ``add`` is not called.
        absolute: sum absolute values.
    """
    experts = kind == "expert"
    layers = taps.sparse_layers(model) if experts else taps.network_layers(model, kind)
    position = {layer: n for n, layer in enumerate(layers)}
    weights = weights.to(torch.promote_types(model.cfg.dtype, torch.float32))
    n_rows, n_weights, length = weights.shape
    of_token = weights.transpose(0, 1).flatten(1)  # [weight, row and token]
    row = torch.arange(n_rows, device=weights.device).unsqueeze(1)

    def visit(layer: int, values: Tensor) -> None:
        values = values.abs() if absolute else values
        by_row = values.reshape(n_rows, length, -1).to(weights.dtype)
        add((position[layer],), torch.bmm(weights, by_row))

    def visit_expert(layer: int, expert: int, token: Tensor, values: Tensor) -> None:
        values = values.abs() if absolute else values
        own = (row == token // length).unsqueeze(1) * of_token[:, token]  # [row, weight, token]
        sums = own.flatten(0, 1) @ values.to(weights.dtype)
        add((position[layer], expert), sums.unflatten(0, (n_rows, n_weights)))

    reading = (
        taps.reading_experts(model, site, visit_expert)
        if experts
        else taps.reading(model, site, visit, kind=kind)
    )
    with reading:
        yield


def _positive(values: Tensor) -> Tensor:
    """1.0 where a value is above zero, else 0.0; much quicker than by way of a bool."""
    return torch.gt(values, 0, out=torch.empty(values.shape, device=values.device))


def _token_counts(batch: Batch, out: Tensor, layers: list[int]) -> taps.Visit:
    """Count by a product with the 0/1 row of counted tokens (counts are exact: far below 2**24)."""
    position = {layer: n for n, layer in enumerate(layers)}

    def visit(layer: int, activation: Tensor) -> None:
        values = _positive(activation).view(*batch.counted.shape, -1)
        counted = batch.counted.unsqueeze(1).to(values.dtype)
        out[:, position[layer]] = torch.bmm(counted, values).squeeze(1)

    return visit


def _expert_counts(batch: Batch, out: Tensor, layers: list[int]) -> taps.ExpertVisit:
    """Count by a product with the 0/1 matrix of rows and the expert's counted tokens."""
    position = {layer: n for n, layer in enumerate(layers)}
    row = torch.arange(len(batch.counted), device=out.device).unsqueeze(1)
    row_of_token = torch.where(batch.counted, row, -1).flatten()

    def visit(layer: int, expert: int, token: Tensor, activation: Tensor) -> None:
        own = (row == row_of_token[token]).to(out.dtype)
        out[:, position[layer], expert] = own @ _positive(activation).to(out.dtype)

    return visit


def capture(
    model: TransformerBridge, data: pd.DataFrame, measure: Measure, span: str, **options: Any
) -> xr.DataArray:
    """Run ``data`` through ``model`` and return one measure of every row.

    See :func:`capture_all`, whose result for several measures this is for one.
    """
    return capture_all(model, data, [measure], span, **options)[measure.name]


def capture_all(
    model: TransformerBridge,
    data: pd.DataFrame,
    measures: Sequence[Measure],
    span: str,
    *,
    first_tokens: int | None = None,
    batch_tokens: int | None = None,
    padding_side: str = "right",
    store: Path | str | None = None,
    show_progress: bool = True,
) -> xr.Dataset:
    """Run ``data`` through ``model`` once and return all measures of every row.

    Args:
        model: as :func:`sparcom_nb.load_model` returns it.
        data: rows as :func:`sparcom_nb.load_instructions` returns them.
        measures: what to keep; where they share a dimension they agree on its coordinate.
        span: which tokens count, one of :data:`sparcom_nb.prompts.SPANS`.
        first_tokens: count only so many tokens, the span's first, of every row: for a comparison
            of instructions of different lengths.
        batch_tokens: tokens (padding included) in one batch; None chooses by device.
        padding_side: ``right`` or ``left``; the result does not depend on it.
        store: Zarr folder to write to and to resume from; None keeps a small result in memory and
            a large one in a temporary folder.
        show_progress: False for silence.

    Returns:
        Dataset of an array [instruction, *dims] a measure, lazily read where they lie in a store,
        with coordinates category, subtype and n_tokens (counted tokens, int) on ``instruction``.

    Raises:
        InputError: a row without a token to count, with fewer than ``first_tokens`` or longer than
            the context, a budget smaller than the longest prompt, or a store that holds something
            else.
    """
    data = validate(data)
    prompts = encode(model.tokenizer, model.template, data, span, model.cfg.n_ctx)
    if first_tokens is not None:
        prompts = [shortened(prompt, first_tokens) for prompt in prompts]
    budget = token_budget(prompts, batch_tokens, model)
    result = _Result(data, prompts, [_Kept(measure, model) for measure in measures], store)
    with progress(len(prompts), "capture", "instructions", show_progress) as shown:
        for block in result.blocks():
            for batch_rows in batches(model, prompts[block], budget, padding_side):
                rows = [prompts[block][n] for n in batch_rows]
                _run(model, rows, result.kept, batch_rows, padding_side)
                shown.update(len(rows))
            result.finish(block)
    return result.dataset()


def pad(prompts: list[Prompt], side: str, device: torch.device, fill: int = 0) -> Batch:
    """Put prompts into one rectangle, padded on ``side`` with a token that nothing looks at."""
    length = max(len(p.ids) for p in prompts)
    ids = torch.full((len(prompts), length), fill)
    mask, counted = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        first = length - len(prompt.ids) if side == "left" else 0
        ids[row, first : first + len(prompt.ids)] = torch.tensor(prompt.ids)
        mask[row, first : first + len(prompt.ids)] = 1
        counted[row, first + prompt.start : first + prompt.stop] = True
    return Batch(ids.to(device), mask.to(device), counted.to(device))


def _run(
    model: TransformerBridge, rows: list[Prompt], kept: list["_Kept"], places: list[int], side: str
) -> None:
    """Run one batch and keep its measures; ``places`` are its rows' positions in the block."""
    batch = pad(rows, side, taps.device(model))
    with torch.inference_mode(), ExitStack() as readers:
        exact = torch.promote_types(model.cfg.dtype, torch.float32)
        outs = [
            torch.zeros(len(rows), *one.shape, dtype=exact, device=batch.ids.device) for one in kept
        ]
        for one, out in zip(kept, outs, strict=True):
            readers.enter_context(one.measure.reading(model, batch, out))
        taps.forward(model, batch.ids, batch.mask)
    for one, out in zip(kept, outs, strict=True):
        one.block[places] = out.cpu().numpy()


def token_budget(prompts: list[Prompt], asked: int | None, model: TransformerBridge) -> int:
    """Tokens, padding included, in a batch: as many as asked for, or as suit the device."""
    longest = max(prompts, key=lambda p: len(p.ids))
    device = taps.device(model).type
    budget = asked or _BATCH_TOKENS.get(device, _BATCH_TOKENS_ELSEWHERE)
    if asked and asked < len(longest.ids):
        raise InputError(
            f"batch_tokens {asked} is smaller than row {longest.id!r} with {len(longest.ids)} "
            "tokens; raise it"
        )
    return max(budget, len(longest.ids))


def batches(
    model: TransformerBridge,
    prompts: list[Prompt],
    budget: int,
    side: str = "right",
    rows: int | None = None,
) -> Iterator[list[int]]:
    """Positions of prompts to run together, padded on ``side``: of similar length, or of the same.

    Where padding changes what the model computes, prompts of one length go together. The padded
    rectangle keeps the budget of tokens, and has at most so many rows.
    """
    batch: list[int] = []
    for n in sorted(range(len(prompts)), key=lambda n: len(prompts[n].ids)):
        length = len(prompts[n].ids)
        full = (len(batch) + 1) * length > budget or len(batch) == rows
        longer = batch and length > len(prompts[batch[0]].ids)
        if batch and (full or (longer and side == "left" and not taps.pads_left(model, length))):
            yield batch
            batch = []
        batch.append(n)
    yield batch


class _Kept:
    """What is kept of one measure: the current block, and all rows where they fit in memory."""

    def __init__(self, measure: Measure, model: TransformerBridge) -> None:
        self.measure = measure
        self.coords = measure.coords(model)
        self.dims = ("instruction", *self.coords)
        self.shape = tuple(len(c) for c in self.coords.values())
        self.row_bytes = int(np.prod(self.shape)) * np.dtype(measure.dtype).itemsize
        self.block = self.rows = np.zeros((0, *self.shape), measure.dtype)

    def zeros(self, n_rows: int) -> np.ndarray:
        """An array of as many rows."""
        return np.zeros((n_rows, *self.shape), self.measure.dtype)


class _Result:
    """The growing result: one block in memory, finished blocks in arrays or a store."""

    def __init__(
        self,
        data: pd.DataFrame,
        prompts: list[Prompt],
        kept: list[_Kept],
        store: Path | str | None,
    ) -> None:
        self.kept, self.n_rows = kept, len(prompts)
        row_bytes = sum(one.row_bytes for one in kept)
        self.block_rows = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // max(1, row_bytes)))
        self.coords: dict[str, Any] = _row_coords(data, prompts)
        for one in kept:
            one.block = one.zeros(self.block_rows)
            self.coords = one.coords | self.coords
        self.in_memory = store is None and row_bytes * self.n_rows <= MEMORY_BYTES
        if self.in_memory:
            for one in kept:
                one.rows = one.zeros(self.n_rows)
        else:
            self.store = Path(store) if store else _temporary_store()
            self._open_store()

    def blocks(self) -> Iterator[slice]:
        """Row ranges still to do."""
        done = set() if self.in_memory else self._finished()
        for start in range(0, self.n_rows, self.block_rows):
            if start not in done:
                yield slice(start, min(start + self.block_rows, self.n_rows))

    def finish(self, block: slice) -> None:
        """Move the current block to where the result lives."""
        n_rows = block.stop - block.start
        if self.in_memory:
            for one in self.kept:
                one.rows[block] = one.block[:n_rows]
            return
        region: Any = {"instruction": block}
        values = {one.measure.name: (one.dims, one.block[:n_rows].copy()) for one in self.kept}
        xr.Dataset(values).to_zarr(self.store, region=region)
        done = xr.DataArray(np.ones(n_rows, bool), dims="instruction", name="done")
        done.to_dataset().to_zarr(self.store, region=region)

    def dataset(self) -> xr.Dataset:
        """Return the whole result, labelled."""
        if self.in_memory:
            values = {one.measure.name: (one.dims, one.rows) for one in self.kept}
            return xr.Dataset(values, self.coords)
        stored = xr.open_zarr(self.store, chunks={})[[one.measure.name for one in self.kept]]
        return stored.assign_coords(self.coords)

    def _open_store(self) -> None:
        """Make an empty store, or accept one that was begun for the same rows and measures."""
        if (self.store / ".zgroup").exists():
            self._accept()
            return
        arrays = {one.measure.name: (one.dims, self._empty(one)) for one in self.kept}
        done = {"done": ("instruction", np.zeros(self.n_rows, bool))}
        encoding: dict[str, dict] = {name: {"_FillValue": None} for name in arrays}
        encoding["done"] = {"chunks": (self.block_rows,)}
        empty = xr.Dataset(arrays | done, self.coords)
        empty.to_zarr(self.store, compute=False, encoding=encoding, zarr_format=2)

    def _empty(self, one: _Kept) -> Any:
        import dask.array

        chunks = (self.block_rows, *one.shape)
        return dask.array.zeros((self.n_rows, *one.shape), dtype=one.block.dtype, chunks=chunks)

    def _accept(self) -> None:
        begun = xr.open_zarr(self.store)
        same = begun.sizes.get("instruction") == self.n_rows and all(
            name in begun and np.array_equal(begun[name], _values(coord))
            for name, coord in self.coords.items()
        )
        if not same or not {one.measure.name for one in self.kept} <= set(begun):
            raise InputError(f"{self.store} holds another capture; choose another folder")

    def _finished(self) -> set[int]:
        done = xr.open_zarr(self.store)["done"].to_numpy()
        return {start for start in range(0, self.n_rows, self.block_rows) if done[start]}


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


def _temporary_store() -> Path:
    """Return a folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix="sparcom_nb-")
    weakref.finalize(taps, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "capture.zarr"
