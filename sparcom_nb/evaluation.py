"""What a model answers, and whether it is right."""

import pandas as pd
import torch
from transformer_lens.model_bridge import TransformerBridge

from sparcom_nb import taps
from sparcom_nb.capture import pad
from sparcom_nb.checkers import check
from sparcom_nb.instructions import validate
from sparcom_nb.progress import progress
from sparcom_nb.prompts import encode

_BATCH_ROWS = 32


def answer(
    model: TransformerBridge,
    data: pd.DataFrame,
    max_new_tokens: int = 64,
    show_progress: bool = True,
) -> pd.DataFrame:
    """Let the model answer every row by greedy decoding, and judge by the row's checker.

    Args:
        model: from :func:`sparcom_nb.load_model`; its template makes the prompt.
        data: rows from :func:`sparcom_nb.load_instructions`.
        max_new_tokens: longest answer.
        show_progress: False for silence.

    Returns:
        DataFrame, a row an instruction: id, category, subtype, output (text, stripped), correct
        (True, False, or None where the checker gives no verdict; nothing is executed).
    """
    data = validate(data)
    context = model.cfg.n_ctx - max_new_tokens
    prompts = encode(model.tokenizer, model.template, data, "prompt", context)
    order = sorted(range(len(prompts)), key=lambda n: len(prompts[n].ids))
    outputs = [""] * len(prompts)
    with progress(len(prompts), "answer", "instructions", show_progress) as shown:
        for start in range(0, len(order), _BATCH_ROWS):
            rows = order[start : start + _BATCH_ROWS]
            texts = _generate(model, [prompts[n] for n in rows], max_new_tokens)
            for n, text in zip(rows, texts, strict=True):
                outputs[n] = text
            shown.update(len(rows))
    judged = zip(data["checker"], data["response"], outputs, strict=True)
    return data[["id", "category", "subtype"]].assign(
        output=outputs, correct=pd.array([check(*one) for one in judged], dtype="boolean")
    )


def _generate(model: TransformerBridge, prompts: list, max_new_tokens: int) -> list[str]:
    tokenizer = model.tokenizer
    fill = tokenizer.pad_token_id or tokenizer.eos_token_id or 0
    batch = pad(prompts, fill, "left", taps.device(model))
    with torch.inference_mode():
        ids = taps.generate(model, batch.ids, batch.mask, max_new_tokens, fill)
    new = ids[:, batch.ids.shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
