"""The capture pass: run every prompt once and keep only what a measure makes of its activations.

Prompts go in blocks of consecutive rows; inside a block they are sorted by length and batched by a
budget of tokens. A measure reduces every tapped activation while the batch runs, so no activation
outlives its layer. A finished block goes to memory, or to a Zarr store when the result is large or a
store is asked for; memory then does not grow with the number of rows, and a pass that was
interrupted goes on with the blocks that are missing or damaged.
"""

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numcodecs
import numpy as np
import pandas as pd
import torch
import xarray as xr
import zarr
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge
from zarr.storage import MemoryStore

from sparcom_nb.errors import InputError
from sparcom_nb.expect import door
from sparcom_nb.model import taps
from sparcom_nb.model.prompts import Prompt, encode, shortened
from sparcom_nb.progress import progress
from sparcom_nb.rows.instructions import validate
from sparcom_nb.store import Part, digest, once, say, versions, write

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


#: What may be summed of an activation.
_OF: dict[str, Callable[[Tensor], Tensor]] = {
    "value": lambda values: values,
    "absolute": torch.abs,
    # much quicker than by way of a bool
    "positive": lambda values: torch.gt(
        values, 0, out=torch.empty(values.shape, device=values.device)
    ),
}


@dataclass(frozen=True)
class ActivationSums:
    """Sum over the counted tokens of every neuron's activation, or of its absolute value.

    ``kind`` as in :func:`token_sums`.
    """

    site: str = "post"
    kind: str = "dense"
    of: str = "value"
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
        with token_sums(model, self.site, counted, keep, self.kind, _OF[self.of]):
            yield


@dataclass(frozen=True)
class PositiveCounts(ActivationSums):
    """Number of counted tokens at which a neuron's activation is above zero (exact: below 2**24).

    Of kind ``expert``: at which, too, the token is sent to the neuron's expert.
    """

    site: str = "gate"
    of: str = "positive"
    name: str = "count"
    dtype: str = "uint16"


@dataclass(frozen=True)
class RoutingCounts(PositiveCounts):
    """Number of counted tokens that the router sends to each expert: dimensions layer, expert."""

    kind: str = "routing"
    name: str = "routed"


def neuron_coords(model: TransformerBridge, kind: str) -> dict[str, Any]:
    """Dimensions layer, neuron (kind ``dense``, ``shared``) or layer, expert, neuron (``expert``).

    Kind ``routing`` has no neuron.
    """
    if kind in taps.KINDS:
        layers, sizes = taps.network_layers(model, kind), {"neuron": taps.width(model, kind)}
    else:
        layers = taps.sparse_layers(model)
        sizes = dict(zip(("expert", "neuron"), taps.experts_shape(model), strict=True))
    if kind == "routing":
        del sizes["neuron"]
    return {"layer": layers} | {dim: np.arange(size) for dim, size in sizes.items()}


@contextmanager
def token_sums(
    model: TransformerBridge,
    site: str,
    weights: Tensor,
    add: Callable[[tuple[int, ...], Tensor], None],
    kind: str = "dense",
    of: Callable[[Tensor], Tensor] = _OF["value"],
) -> Iterator[None]:
    """Call ``add`` with weighted sums over tokens of every network's activations.

    Args:
        model: the model that runs inside the context.
        site: ``gate`` or ``post``.
        weights: [batch, weight, token], zero where a token does not count.
        add: ``add(place, sums)``; place is the network's position among the layers of its kind (and
            the expert), sums are [batch, weight, neuron].
        kind: ``dense``, ``shared``, ``expert``, or ``routing`` for the experts' weights in place of
            activations. An expert's neurons are zero on tokens that are not sent to it; where it is
            sent none, ``add`` is not called.
        of: what is summed of an activation.
    """
    layers = taps.network_layers(model, kind) if kind in taps.KINDS else taps.sparse_layers(model)
    position = {layer: n for n, layer in enumerate(layers)}
    weights = weights.to(torch.promote_types(model.cfg.dtype, torch.float32))
    n_rows, n_weights, length = weights.shape
    of_token = weights.transpose(0, 1).flatten(1)  # [weight, row and token]
    row = torch.arange(n_rows, device=weights.device).unsqueeze(1)

    def visit(layer: int, values: Tensor) -> None:
        by_row = of(values).reshape(n_rows, length, -1).to(weights.dtype)
        add((position[layer],), torch.bmm(weights, by_row))

    def visit_expert(layer: int, expert: int, token: Tensor, values: Tensor) -> None:
        own = (row == token // length).unsqueeze(1) * of_token[:, token]  # [row, weight, token]
        sums = own.flatten(0, 1) @ of(values).to(weights.dtype)
        add((position[layer], expert), sums.unflatten(0, (n_rows, n_weights)))

    if kind == "routing":
        reading = taps.reading_routes(model, visit)
    elif kind == "expert":
        reading = taps.reading_experts(model, site, visit_expert)
    else:
        reading = taps.reading(model, site, visit, kind=kind)
    with reading:
        yield


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

    def fill(arrays: dict[str, Any], blocks: Sequence[slice]) -> None:
        with progress(len(prompts), "capture", "instructions", show_progress) as shown:
            for block in blocks:
                for batch_rows in batches(model, prompts[block], budget, padding_side):
                    rows = [prompts[block][n] for n in batch_rows]
                    _run(model, rows, plan.kept, batch_rows, padding_side)
                    shown.update(len(rows))
                for one in plan.kept:
                    arrays[one.measure.name][block] = one.block[: block.stop - block.start]

    def make(folder: Path) -> None:
        arrays = _laid(folder, plan)
        fill(arrays, _left(folder, plan, arrays))

    if store is None and plan.row_bytes * len(prompts) <= MEMORY_BYTES:
        arrays = {one.measure.name: one.zeros(len(prompts)) for one in plan.kept}
        fill(arrays, plan.blocks)
        values = {one.measure.name: (one.dims, arrays[one.measure.name]) for one in plan.kept}
        return xr.Dataset(values, plan.coords)
    if store is None or isinstance(store, Part):
        folder = store.path if store else _temporary_store()
        make(folder)
    else:
        folder = Path(store)
        once(folder, plan.inputs(model), make, resumes=True)
    return plan.read(folder)


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
    """What is kept of one measure, and the current block of it."""

    def __init__(self, measure: Measure, model: TransformerBridge) -> None:
        self.measure = measure
        self.coords = measure.coords(model)
        self.dims = ("instruction", *self.coords)
        self.shape = tuple(len(c) for c in self.coords.values())
        self.row_bytes = int(np.prod(self.shape)) * np.dtype(measure.dtype).itemsize
        self.block = self.zeros(0)

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
    def blocks(self) -> list[slice]:
        """Rows of every block."""
        starts = range(0, len(self.prompts), self.block_rows)
        return [slice(n, min(n + self.block_rows, len(self.prompts))) for n in starts]

    def chunks(self, block: slice) -> list[str]:
        """Files of a block, one a measure."""
        first = block.start // self.block_rows
        return [
            f"{one.measure.name}/{'.'.join(map(str, [first, *(0 for _ in one.shape)]))}"
            for one in self.kept
        ]

    def read(self, folder: Path) -> xr.Dataset:
        """The whole result from its store, lazily, labelled."""
        stored = xr.open_zarr(folder, chunks={})[[one.measure.name for one in self.kept]]
        return stored.assign_coords(self.coords)

    def inputs(self, model: TransformerBridge) -> dict[str, Any]:
        """All that the result depends on."""
        coords = xr.Dataset(coords=self.coords).coords
        labels = {str(name): coord.to_numpy().tolist() for name, coord in coords.items()}
        return {
            **model.identity.hashes,
            "dtype": str(model.cfg.dtype),
            "prompts_sha256": _hash(self.prompts),
            "labels_sha256": digest(labels),
            "measures": [_described(one.measure) for one in self.kept],
            "block_rows": self.block_rows,
            "versions": versions(),
        }


def _laid(folder: Path, plan: _Plan) -> dict[str, zarr.Array]:
    """Write labels and what describes the arrays over what stands; a chunk holds a checksum of itself."""
    import dask.array

    values, encoding = {}, {}
    for one in plan.kept:
        shape, chunks = (len(plan.prompts), *one.shape), (plan.block_rows, *one.shape)
        empty = dask.array.zeros(shape, dtype=one.block.dtype, chunks=chunks)
        values[one.measure.name] = one.dims, empty
        encoding[one.measure.name] = {"_FillValue": None, "filters": [numcodecs.CRC32C()]}
    files: dict[str, Any] = {}
    described = MemoryStore(files)
    xr.Dataset(values, plan.coords).to_zarr(
        described, compute=False, encoding=encoding, zarr_format=2
    )
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, content.to_bytes())
    _remove_all_but(
        folder, {*files, *(chunk for block in plan.blocks for chunk in plan.chunks(block))}
    )
    how: Any = {"mode": "r+", "zarr_format": 2, "config": {"write_empty_chunks": True}}
    return {name: zarr.open_array(folder / name, **how) for name in values}


def _left(folder: Path, plan: _Plan, arrays: dict[str, zarr.Array]) -> list[slice]:
    """Blocks still to do; one that is damaged is named."""
    left = []
    for block in plan.blocks:
        chunks = plan.chunks(block)
        there = [(folder / name).is_file() for name in chunks]
        broken = [
            name
            for name, array, here in zip(chunks, arrays.values(), there, strict=True)
            if here and not _is_whole(array, block)
        ]
        if broken:
            say(f"rows {block.start + 1} to {block.stop} damaged, done again: {', '.join(broken)}")
        if broken or not all(there):
            left.append(block)
    return left


def _is_whole(array: zarr.Array, block: slice) -> bool:
    try:
        return array[block] is not None
    except (RuntimeError, ValueError):  # whatever a decoder says
        return False


def _remove_all_but(folder: Path, names: set[str]) -> None:
    """Remove what a block that was cut short, or whoever added to the store, left."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            with suppress(OSError):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in names:
            path.unlink()


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


def _temporary_store() -> Path:
    """Return a folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix="sparcom_nb-")
    weakref.finalize(taps, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "capture.zarr"
