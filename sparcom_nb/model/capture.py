"""The capture pass: run every prompt once and keep only what a measure makes of its activations.

Prompts go in blocks of consecutive rows; inside a block they are sorted by length and batched by a
budget of tokens. A measure reduces every tapped activation while the batch runs, so no activation
outlives its layer. A finished block goes to memory, or to a Zarr store when the result is large or a
store is asked for; memory then does not grow with the number of rows, and a pass that was
interrupted goes on with the blocks that are missing or damaged.
"""

import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
import xarray as xr
import zarr
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb.errors import InputError
from sparcom_nb.expect import door
from sparcom_nb.model import taps
from sparcom_nb.model.prompts import Prompt, encode, shortened
from sparcom_nb.progress import progress
from sparcom_nb.rows.instructions import validate
from sparcom_nb.store import Part, checksums, damage, digest, once, say, versions, write

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


@door
def capture_all(
    model: TransformerBridge,
    data: pd.DataFrame,
    measures: Sequence[Measure],
    span: str,
    *,
    first_tokens: int | None = None,
    batch_tokens: int | None = None,
    padding_side: str = "right",
    store: Path | str | Part | None = None,
    show_progress: bool = True,
) -> xr.Dataset:
    """Run ``data`` through ``model`` once and return all measures of every row.

    Args:
        model: as :func:`sparcom_nb.load_model` returns it.
        data: rows as :func:`sparcom_nb.load_instructions` returns them.
        measures: what to keep; where they share a dimension they agree on its coordinate.
        span: which tokens count, one of :data:`sparcom_nb.model.prompts.SPANS`.
        first_tokens: count only so many tokens, the span's first, of every row: for a comparison
            of instructions of different lengths.
        batch_tokens: tokens (padding included) in one batch; None chooses by device.
        padding_side: ``right`` or ``left``; the result does not depend on it.
        store: Zarr folder for the result, kept by :func:`sparcom_nb.store.once`; None keeps a small
            result in memory and a large one in a temporary folder.
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
    plan = _Plan(data, prompts, [_Kept(measure, model) for measure in measures])

    def fill(result: "_InMemory | _InStore") -> xr.Dataset:
        with progress(len(prompts), "capture", "instructions", show_progress) as shown:
            for block in result.blocks():
                for batch_rows in batches(model, prompts[block], budget, padding_side):
                    rows = [prompts[block][n] for n in batch_rows]
                    _run(model, rows, plan.kept, batch_rows, padding_side)
                    shown.update(len(rows))
                result.finish(block)
        return result.dataset()

    if store is None and plan.row_bytes * len(prompts) <= MEMORY_BYTES:
        return fill(_InMemory(plan))
    if store is None or isinstance(store, Part):
        return fill(_InStore(store.path if store else _temporary_store(), plan))

    def make(folder: Path) -> dict[str, Any]:
        result = _InStore(folder, plan)
        fill(result)
        return {"files": result.files}

    once(store, plan.inputs(model), make, resumes=True)
    return plan.read(Path(store))


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


class _Plan:
    """What a pass is going to keep: blocks of rows, and the labels of the whole."""

    def __init__(self, data: pd.DataFrame, prompts: list[Prompt], kept: list[_Kept]) -> None:
        self.kept, self.prompts = kept, prompts
        self.row_bytes = sum(one.row_bytes for one in kept)
        self.block_rows = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // max(1, self.row_bytes)))
        self.coords: dict[str, Any] = _row_coords(data, prompts)
        for one in kept:
            one.block = one.zeros(self.block_rows)
            self.coords = one.coords | self.coords

    @property
    def starts(self) -> range:
        """First row of every block."""
        return range(0, len(self.prompts), self.block_rows)

    def block(self, start: int) -> slice:
        """Rows of the block that begins there."""
        return slice(start, min(start + self.block_rows, len(self.prompts)))

    def read(self, folder: Path) -> xr.Dataset:
        """The whole result from its store, lazily, labelled."""
        stored = xr.open_zarr(folder, chunks={})[[one.measure.name for one in self.kept]]
        return stored.assign_coords(self.coords)

    def inputs(self, model: TransformerBridge) -> dict[str, Any]:
        """All that the result depends on."""
        labels = {name: np.asarray(_values(coord)).tolist() for name, coord in self.coords.items()}
        return {
            **model.identity.hashes,
            "dtype": str(model.cfg.dtype),
            "prompts_sha256": _hash(self.prompts),
            "labels_sha256": digest(labels),
            "measures": [_described(one.measure) for one in self.kept],
            "block_rows": self.block_rows,
            "versions": versions(),
        }


class _InMemory:
    """A result in arrays."""

    def __init__(self, plan: _Plan) -> None:
        self.plan = plan
        for one in plan.kept:
            one.rows = one.zeros(len(plan.prompts))

    def blocks(self) -> Iterator[slice]:
        """Row ranges to do."""
        return map(self.plan.block, self.plan.starts)

    def finish(self, block: slice) -> None:
        """Move the current block to the rows."""
        for one in self.plan.kept:
            one.rows[block] = one.block[: block.stop - block.start]

    def dataset(self) -> xr.Dataset:
        """The whole result, labelled."""
        values = {one.measure.name: (one.dims, one.rows) for one in self.plan.kept}
        return xr.Dataset(values, self.plan.coords)


class _InStore:
    """A result in a Zarr folder. A line of a journal tells the checksums of a finished block's files."""

    def __init__(self, folder: Path, plan: _Plan) -> None:
        self.folder, self.plan = folder, plan
        journal = f"{plan.kept[0].measure.name}/.blocks.jsonl"  # where Zarr looks for chunks only
        self.journal = folder / journal
        laid = self._lay()
        self.done = self._finished()
        self._remove_all_but({*laid, *self.files, journal})

    @property
    def files(self) -> dict[str, str]:
        """Checksums of the files of finished blocks."""
        return {name: known for sums in self.done.values() for name, known in sums.items()}

    def blocks(self) -> Iterator[slice]:
        """Row ranges still to do."""
        for start in self.plan.starts:
            if start not in self.done:
                yield self.plan.block(start)

    def finish(self, block: slice) -> None:
        """Write the current block, then the line that says so; a line cut short counts for nothing."""
        names = []
        with zarr.config.set({"array.write_empty_chunks": True}):
            for one in self.plan.kept:
                array = zarr.open_array(self.folder / one.measure.name, mode="r+", zarr_format=2)
                array[block] = one.block[: block.stop - block.start]
                number = block.start // self.plan.block_rows
                names.append(
                    "/".join([one.measure.name, ".".join([str(number), *"0" * len(one.shape)])])
                )
        self.done[block.start] = checksums(self.folder, names)
        with self.journal.open("a", encoding="utf-8") as file:
            file.write("\n" + self._line(block.start) + "\n")

    def dataset(self) -> xr.Dataset:
        """The whole result, labelled and lazily read; the journal as if nothing had come between."""
        write(self.journal, "".join(self._line(start) + "\n" for start in self.plan.starts))
        return self.plan.read(self.folder)

    def _line(self, start: int) -> str:
        return json.dumps({"start": start, "files": self.done[start]})

    def _lay(self) -> list[str]:
        """Write what describes the arrays, and the labels, over what stands; return the names."""
        names = []
        with tempfile.TemporaryDirectory() as empty:
            self._write_empty(empty)
            for file in [path for path in Path(empty).rglob("*") if path.is_file()]:
                name = file.relative_to(empty)
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                write(self.folder / name, file.read_bytes())
                names.append(name.as_posix())
        return names

    def _write_empty(self, folder: str) -> None:
        arrays = {one.measure.name: (one.dims, self._empty(one)) for one in self.plan.kept}
        encoding = {name: {"_FillValue": None} for name in arrays}
        empty = xr.Dataset(arrays, self.plan.coords)
        empty.to_zarr(folder, compute=False, encoding=encoding, zarr_format=2)

    def _empty(self, one: _Kept) -> Any:
        import dask.array

        shape, chunks = (len(self.plan.prompts), *one.shape), (self.plan.block_rows, *one.shape)
        return dask.array.zeros(shape, dtype=one.block.dtype, chunks=chunks)

    def _finished(self) -> dict[int, dict[str, str]]:
        """Checksums of the blocks that are whole; a damaged one is named."""
        lines = (
            self.journal.read_text(encoding="utf-8", errors="replace")
            if self.journal.exists()
            else ""
        )
        told = dict(filter(None, map(_entry, lines.splitlines())))
        broken = {start: damage(self.folder, sums) for start, sums in told.items()}
        for start, names in broken.items():
            if names:
                rows = self.plan.block(start)
                say(f"rows {rows.start + 1} to {rows.stop} damaged, done again: {', '.join(names)}")
        return {start: sums for start, sums in told.items() if not broken[start]}

    def _remove_all_but(self, names: set[str]) -> None:
        """Remove what a block that was cut short, or whoever added to the store, left."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_dir():
                with suppress(OSError):
                    path.rmdir()
            elif path.relative_to(self.folder).as_posix() not in names:
                path.unlink()


def _entry(line: str) -> tuple[int, dict[str, str]] | None:
    """A block's start and files from a line of the journal; None where there is none."""
    try:
        told = json.loads(line)
        return int(told["start"]), dict(told["files"])
    except (ValueError, KeyError, TypeError):
        return None


def _hash(prompts: list[Prompt]) -> str:
    found = hashlib.sha256()
    for prompt in prompts:
        found.update(f"{prompt.start} {prompt.stop} ".encode())
        found.update(np.asarray(prompt.ids, np.int64).tobytes())
    return found.hexdigest()


def _described(measure: Measure) -> dict[str, Any]:
    """A measure's kind and plain settings; what else it holds shows in its labels."""
    plain = (str, int, float, bool)
    settings = {k: v for k, v in vars(measure).items() if isinstance(v, plain)}
    return settings | {"kind": type(measure).__name__, "dtype": measure.dtype, "name": measure.name}


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
