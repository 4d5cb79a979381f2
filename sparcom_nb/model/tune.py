"""Tuning a model on instruction rows, on transformers' Trainer.

A run is a function from step number to batch, so that a resumed run sees the same batches as an
uninterrupted one.
"""

import random
import shutil
import time
from array import array
from collections.abc import Callable, Sized
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformer_lens.model_bridge.sources._hf_format import map_default_transformer_lens_config
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from sparcom_nb.errors import InputError
from sparcom_nb.model import sources
from sparcom_nb.model.capture import pad
from sparcom_nb.model.load import load_bare, load_weights, quiet, usable_device
from sparcom_nb.model.prompts import Prompt, chat_template, check_embedded, encode
from sparcom_nb.progress import progress
from sparcom_nb.rows.instructions import table_hash, validate
from sparcom_nb.store import is_whole, once, scratch, seal, versions

IGNORED = -100
BETAS, WEIGHT_DECAY = (0.9, 0.98), 0.01
CHECKPOINT_EVERY = 100
Batch = dict[str, Tensor]  # input_ids, labels, attention_mask: int64 [rows, tokens]


def adamw(model: Any, lr: float) -> torch.optim.Optimizer:
    """Optimizer of all weights that are trained."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, lr=lr, betas=BETAS, weight_decay=WEIGHT_DECAY)


# ---------------------------------------------------------------- the routine


class Run(Trainer):
    """Training of a model in place, where it is; the loss is the model's own, on the labels.

    Args:
        model: of transformers.
        batch_of: batch by 0-based step.
        steps: how many there are.
        optimizer: of the model's weights.
        rate: share of the optimizer's rate by step.
        folder: for checkpoints, from which an interrupted run goes on.
        seed: of dropout.
        options: of :class:`transformers.TrainingArguments`.
    """

    def __init__(
        self,
        model: Any,
        batch_of: Callable[[int], Batch],
        steps: int,
        optimizer: torch.optim.Optimizer,
        rate: Callable[[int], float],
        folder: Path,
        seed: int,
        **options: Any,
    ) -> None:
        plain = {
            "per_device_train_batch_size": 1,  # an item of the data set is a whole batch
            "train_sampling_strategy": "sequential",
            "max_grad_norm": 1.0,
            "save_steps": CHECKPOINT_EVERY,
            "include_num_input_tokens_seen": "non_padding",
            "remove_unused_columns": False,
            "dataloader_pin_memory": False,
            "use_cpu": model.device.type == "cpu",
            "report_to": "none",
            "disable_tqdm": True,
        }
        super().__init__(
            model,
            TrainingArguments(str(folder), seed=seed, max_steps=steps, **(plain | options)),
            data_collator=lambda batches: batches[0],
            train_dataset=_Steps(batch_of, steps),
            optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)),
            callbacks=[_Sealed()],
        )
        self.folder = folder
        self.remove_callback(PrinterCallback)

    def finish(self, show_progress: bool = False) -> dict[str, float]:
        """Train to the end, from the last whole checkpoint on.

        Returns steps, tokens (attended; both over all sittings) and minutes (of this sitting).
        """
        checkpoint, began = _last_checkpoint(self.folder), time.time()
        with progress(self.args.max_steps, "train", "steps", show_progress) as shown:
            self.add_callback(_Progress(shown))
            self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        self.model.eval()  # type: ignore[union-attr]
        return {
            "steps": self.state.global_step,
            "tokens": int(self.state.num_input_tokens_seen),
            "minutes": (time.time() - began) / 60,
        }

    def _save(self, output_dir: str | None = None, state_dict: dict | None = None) -> None:
        with quiet():
            super()._save(output_dir, state_dict)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Read weights as they were written: experts are stored under other names than they have.

        The library's own way passes over names that it does not find in the model, without a word.
        """
        if hasattr(self.model, "peft_config"):
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        own: Any = self.model
        saved = load_weights(
            type(own), resume_from_checkpoint, Path(resume_from_checkpoint), dtype=own.dtype
        )
        own.load_state_dict(saved.state_dict())


class _Steps(Dataset[Batch], Sized):
    """The batches of a run by step number."""

    def __init__(self, batch_of: Callable[[int], Batch], steps: int) -> None:
        self.batch_of, self.steps = batch_of, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        return self.batch_of(step)


class _Progress(TrainerCallback):
    def __init__(self, shown: Any) -> None:
        self.shown, self.step = shown, 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.shown.update(state.global_step - self.step)
        self.step = state.global_step


class _Sealed(TrainerCallback):
    """Seal a new checkpoint, then remove the others."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        new = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        seal(new)
        _keep_only(new)


def _last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that is whole; any other is removed."""
    whole = filter(is_whole, folder.glob("checkpoint-*"))
    newest = max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
    _keep_only(newest or folder / "none")
    return newest


def _keep_only(checkpoint: Path) -> None:
    for path in checkpoint.parent.glob("checkpoint-*"):
        if path != checkpoint:
            shutil.rmtree(path)


def save_folder(model: Any, tokenizer: Any, out: Path, dtype: torch.dtype | None = None) -> Path:
    """Write a Hugging Face folder: config, generation config, ``model.safetensors``, tokenizer files."""
    out.mkdir(parents=True, exist_ok=True)
    model.config.use_cache = True
    with quiet():
        (model.to(dtype) if dtype else model).save_pretrained(out, safe_serialization=True)
    tokenizer.save_pretrained(out)
    return out


# ---------------------------------------------------------------- tuning on instructions


def examples(tokenizer: Any, data: pd.DataFrame, context: int) -> list[Prompt]:
    """Prompt, response and end of every row; the response and the end count.

    Raises:
        InputError: a row without a response, or longer than the context, or a tokenizer without end.
    """
    if tokenizer.eos_token_id is None:
        raise InputError("the tokenizer has no end-of-sequence token (eos_token): set one")
    end = array("i", [tokenizer.eos_token_id])
    check_embedded(tokenizer, end, "the end of a response")
    return [
        replace(prompt, ids=prompt.ids + end, stop=prompt.stop + 1)
        for prompt in encode(tokenizer, chat_template(tokenizer), data, "response", context - 1)
    ]


def collate(items: list[Prompt], pad_id: int) -> Batch:
    """Right-padded batch whose labels leave out the tokens that do not count."""
    batch = pad(items, "right", torch.device("cpu"), pad_id)
    labels = batch.ids.masked_fill(~batch.counted, IGNORED)
    return {"input_ids": batch.ids, "labels": labels, "attention_mask": batch.mask}


def shuffled_batches(
    items: list[Prompt], size: int, seed: int, pad_id: int
) -> Callable[[int], Batch]:
    """Batches by step number: pass after pass over ``items``, each pass in a new seeded order.

    Items of like length go together (sorted within eight batches), which saves padding. What does not
    fill a batch is left out of a pass, other items each time; fewer items than ``size`` are one batch.
    """
    per_pass = max(1, len(items) // size)

    @cache
    def order_of(number: int) -> list[list[int]]:
        rng = random.Random(f"{seed}/{number}")
        order = rng.sample(range(len(items)), min(len(items), per_pass * size))
        span = 8 * size
        runs = [
            sorted(order[i : i + span], key=lambda j: len(items[j].ids))
            for i in range(0, len(order), span)
        ]
        batches = [run[i : i + size] for run in runs for i in range(0, len(run), size)]
        return rng.sample(batches, len(batches))

    def batch_of(step: int) -> Batch:
        chosen = order_of(step // per_pass)[step % per_pass]
        return collate([items[i] for i in chosen], pad_id)

    return batch_of


def tune(
    model_path: str | Path,
    data: pd.DataFrame,
    steps: int,
    seed: int,
    out: str | Path,
    lr: float = 1e-3,
    batch: int = 32,
    device: str = "cpu",
    lora: int | None = None,
    show_progress: bool = False,
) -> Path:
    """Fine-tune a model on instruction rows; the loss is on the response only.

    It is kept by :func:`sparcom_nb.store.once`: a tuning that is there already is not done again,
    and one that was interrupted goes on after its last checkpoint.

    Args:
        model_path: whatever :func:`sparcom_nb.load_model` takes, a GGUF file included.
        data: rows with instruction, input and response. The prompt is rendered with the tokenizer's
            chat template.
        steps: number of updates, whatever the number of rows: passes follow one another.
        seed: of the order of rows, of dropout and of new LoRA weights.
        out: folder for the tuned model; ``manifest.json`` there says what made it.
        lr: highest learning rate; it warms up over a tenth of the steps (at most 40) and falls to 0.
        batch: rows in a step.
        device: ``cpu`` or ``cuda``.
        lora: train low-rank updates of this rank instead of all weights (extra ``tune``), on all
            linear layers except the head; they are merged in the end. Routed experts, which are no
            linear layers, stay as they are.
        show_progress: False for silence.

    Returns:
        ``out``, a Hugging Face folder in the dtype of the original.

    Raises:
        InputError: no rows, a model as in :func:`sparcom_nb.load_model`, LoRA without peft, rows as
            in :func:`examples`, or a place that is taken.
    """
    if len(data) == 0:
        raise InputError("no rows to tune on; give at least one")
    if lora is not None:
        _peft()
    source = sources.Identity(str(model_path), sources.model_path(model_path))
    rows = validate(data)
    wanted = {
        **source.hashes,
        "data_sha256": table_hash(rows),
        "parameters": {"steps": steps, "lr": lr, "batch": batch, "lora": lora},
        "seed": seed,
        "versions": versions(),
    }

    def make(folder: Path) -> dict[str, Any]:
        torch.manual_seed(seed)
        model, tokenizer = load_bare(source.name, source.path, usable_device(device), "auto")
        dtype = model.dtype
        model = _with_lora(model.float(), lora)
        context = map_default_transformer_lens_config(model.config).n_ctx  # as in load_model
        items = examples(tokenizer, rows, context)
        batches = shuffled_batches(items, batch, seed, tokenizer.pad_token_id or 0)
        warmup = max(1, min(40, steps // 10))
        run = Run(
            *(model, batches, steps, adamw(model, lr)),
            lambda step: min((step + 1) / warmup, 1 - step / steps),
            scratch(folder),
            seed,
        )
        done = run.finish(show_progress)
        save_folder(model.merge_and_unload() if lora else model, tokenizer, folder, dtype)
        return done | source.told()

    once(out, wanted, make, names=["config.json", "model.safetensors"], reads=[source.path])
    return Path(out)


def _with_lora(model: Any, rank: int | None) -> Any:
    if rank is None:
        return model
    peft = _peft()
    config = peft.LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return peft.get_peft_model(model, config)


def _peft() -> Any:
    try:
        import peft  # type: ignore[import-not-found]
    except ImportError:
        raise InputError("lora= needs the package peft: pip install 'sparcom-nb[tune]'") from None
    return peft
