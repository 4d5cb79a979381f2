"""From rows to token ids, with the tokens that count.

Every method counts the tokens of one span, and every span is contiguous, so a prompt is its ids and
the half-open range ``start:stop`` that counts. BOS, padding and template tokens never count. Text of a
row that spells a special token (``<s>``) is read as it is written; in a chat template, where the same
words are the template's own, the row is refused.

===============  ===================================  ===========================================
span             text that the model reads            tokens that count
===============  ===================================  ===========================================
``instruction``  instruction (newline, input)         all of them
``prompt``       the same in the chat template        those of the user's text
``response``     chat template, then the response     those of the response
``sample``       instruction (input), response        all of them (NAIT, Chen 2026)
===============  ===================================  ===========================================
"""

import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from sparcom_nb.errors import InputError, one_line
from sparcom_nb.rows.instructions import sample_text, user_text
from sparcom_nb.rows.records import UnusableRows

SPANS = ("instruction", "prompt", "response", "sample")
#: Spans that are read in the chat template.
TEMPLATED = ("prompt", "response")

#: A tokenizer keeps far more than the ids of the texts it gets at once.
_CHUNK_ROWS = 512


#: Seconds of computing that a chat template may take for one prompt; a sound one takes a thousandth.
_LONGEST = 1.0

#: The date for a chat template that asks for one, so that a prompt is the same on any day: the one
#: that Llama 3's template takes where it is told none.
DAY = datetime(2024, 7, 26)


@dataclass(frozen=True)
class Template:
    """What stands before and after the user's text in a chat prompt."""

    prefix: str
    suffix: str

    def render(self, content: str) -> str:
        """Return the prompt whose user says ``content``."""
        return self.prefix + content + self.suffix

    def facts(self) -> dict[str, str]:
        """Return what a manifest says of the template, once it has been used."""
        return {"prefix": self.prefix, "suffix": self.suffix}


class ChatTemplate(Template):
    """The chat template of a tokenizer around one user turn, proved when it is first used.

    A default system text (SmolLM2: "You are a helpful AI assistant ...") is left out with its turn:
    it would be shared by all prompts. The user's text must stand in what the template makes of it
    exactly once and untouched, whatever the text; space at its ends, which many templates (Llama 3,
    Gemma) strip, is kept here.

    Raises:
        InputError: on first use, for a template that fails or alters the text.
    """

    _tokenizer: Any  # no field: the class is no dataclass itself

    def __init__(self, tokenizer: Any) -> None:
        self.__dict__["_tokenizer"] = tokenizer

    @property
    def prefix(self) -> str:  # type: ignore[override]
        """What stands before the user's text, the default system turn left out."""
        return self._parts[0]

    @property
    def suffix(self) -> str:  # type: ignore[override]
        """What stands after it."""
        return self._parts[1]

    def render(self, content: str) -> str:
        """Return the prompt whose user says ``content``; prove that the template leaves it alone."""
        self._prove(self._whole, content)
        return super().render(content)

    def facts(self) -> dict[str, str]:
        """Return prefix and suffix, and the day that the template was told if it asked."""
        return super().facts() | ({"day": f"{DAY:%Y-%m-%d}"} if "dated" in self.__dict__ else {})

    @cached_property
    def _whole(self) -> tuple[str, str]:
        """What the template puts before and after the user's text, default system text included."""
        prefix, _, suffix = self._apply(_user(_PROBE)).partition(_PROBE)
        for text in (_PROBE, "a", f"  {_PROBE[::-1]}\t\n", f"{_PROBE}\n" * 40):
            self._prove((prefix, suffix), text)
        return prefix, suffix

    @cached_property
    def _parts(self) -> tuple[str, str]:
        prefix, suffix = self._whole
        if not self._has_default_system():
            return prefix, suffix
        return self._turn() or self._apply(_system(""), _user(_PROBE)).partition(_PROBE)[0], suffix

    def _prove(self, around: tuple[str, str], text: str) -> None:
        prefix, suffix = around
        made = self._apply(_user(text))
        stripped = (text, text.strip(), text.lstrip(), text.rstrip())
        if made not in [prefix + kept + suffix for kept in stripped]:
            raise InputError(
                "the chat template alters the user's text (strips, escapes, repeats or depends on it): "
                f"{one_line(text, 25)!r} became {one_line(made, 30)!r}; {_MEND}"
            )

    def _has_default_system(self) -> bool:
        """Whether a system text of our own takes the place of one that the template brings."""
        try:
            before, found, after = self._apply(_system(_SYSTEM), _user(_PROBE)).partition(_SYSTEM)
        except InputError:  # jinja's raise_exception: the template knows no system turn
            return False
        whole = _PROBE.join(self._whole)
        replaced = whole.startswith(before) and whole.endswith(after)
        return bool(found) and replaced and len(whole) > len(before) + len(after)

    def _turn(self) -> str:
        """What opens a user turn, seen where one follows other turns; empty when it cannot be seen.

        A BOS before it is put there by :func:`missing_bos`.
        """
        for history in ([_user("Hi")], [_user("Hi"), {"role": "assistant", "content": "Yes"}]):
            try:
                earlier = self._apply(*history, answer=False)
                whole = self._apply(*history, _user(_PROBE))
            except InputError:  # turns must alternate
                continue
            opened = whole.removeprefix(earlier).removesuffix(_PROBE + self._whole[1])
            if earlier + opened + _PROBE + self._whole[1] == whole and opened:
                return opened if self._whole[0].endswith(opened) else ""
        return ""

    def _apply(self, *messages: dict[str, str], answer: bool = True) -> str:
        """Render as transformers does, on the day :data:`DAY`."""
        from transformers.utils.chat_template_utils import _compile_jinja_template

        def strftime_now(form: str) -> str:
            self.__dict__["dated"] = True
            return DAY.strftime(form)

        source = self._tokenizer.get_chat_template()
        try:
            _check_powers(source)
            template = _compile_jinja_template(source)
            with _in_time(_LONGEST):
                return template.render(
                    messages=list(messages),
                    add_generation_prompt=answer,
                    tools=None,
                    documents=None,
                    strftime_now=strftime_now,
                    **self._tokenizer.special_tokens_map,
                )
        except Exception as error:
            raise InputError(
                f"the chat template fails: {one_line(f'{type(error).__name__}: {error}', 90)}; {_MEND}"
            ) from None


#: What to do about a chat template.
_MEND = "mend chat_template, or use span='instruction'"


def _check_powers(source: str) -> None:
    """Refuse powers, which no prompt needs: one of large numbers is a single step that nothing ends."""
    from jinja2 import Environment

    before = ""
    for _, kind, text in Environment(autoescape=True).lex(source):
        if kind == "operator" and text == "**" and before not in "(,":  # there it is a call's
            raise ValueError("it computes a power (**)")
        before = before if kind == "whitespace" else text


@contextmanager
def _in_time(seconds: float) -> Iterator[None]:
    """End Python code that computes for too long, in whatever thread: it is looked at line by line.

    Raises:
        TimeoutError: it took longer.
    """
    until, before = time.thread_time() + seconds, sys.gettrace()

    def look(*_: Any) -> Any:
        if time.thread_time() > until:
            raise TimeoutError(f"no end after {seconds:g} s")
        return look

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


#: Texts that show most of what a template may do to one: case, escapes, quotes, lines, indents.
_PROBE = '\u241fSay <b>"it\'s" & {so}</b>\\n,\n  DONE\u241f'
_SYSTEM = "\u241fSystem\u241f"

#: For a model that brings no chat template (the form of Stanford Alpaca, without its preamble).
PLAIN = Template("### Instruction:\n", "\n\n### Response:\n")


@dataclass(frozen=True)
class Prompt:
    """Token ids of one row (packed: all prompts of a run are kept) and the range that counts."""

    id: str
    ids: "array[int]"
    start: int
    stop: int


def chat_template(tokenizer: Any) -> Template:
    """Template of one user turn: the tokenizer's own chat template when it has one."""
    return ChatTemplate(tokenizer) if tokenizer.chat_template else PLAIN


def encode(
    tokenizer: Any, template: Template, data: pd.DataFrame, span: str, context: int
) -> list[Prompt]:
    """Tokenise every row of ``data`` for ``span``; at most ``context`` tokens each.

    Raises:
        InputError: unknown span, a chat template that fails, or (:class:`UnusableRows`) rows with no
            token to count, longer than the context, with a token that the model does not have, or
            whose text the template alters or would take for its own.
    """
    if span not in SPANS:
        raise InputError(f"unknown span {span!r}; use one of {', '.join(SPANS)}")
    if span in TEMPLATED:
        template.facts()  # one that fails on any text is no fault of a row
    prompts, refused = [], {}
    for first in range(0, len(data), _CHUNK_ROWS):
        chunk = data.iloc[first : first + _CHUNK_ROWS]
        try:
            encoded = _ENCODERS[span](tokenizer, template, chunk)
        except InputError:
            refused |= _refused(tokenizer, template, chunk)
            chunk = chunk[~chunk["id"].isin(refused)]
            encoded = _ENCODERS[span](tokenizer, template, chunk) if len(chunk) else []
        prompts += [
            Prompt(row_id, array("i", ids), start, stop)
            for row_id, (ids, start, stop) in zip(chunk["id"], encoded, strict=True)
        ]
    return _checked(tokenizer, prompts, span, context, refused)


def fitting(model: Any, data: pd.DataFrame, spans: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the rows of ``data`` that a model cannot read in one of ``spans``.

    Returns:
        The rows that are left, and why each of the others is not.
    """
    found, faults = data, []
    for span in spans:
        try:
            encode(model.tokenizer, model.template, found, span, model.cfg.n_ctx)
        except UnusableRows as error:
            found = found[~found["id"].isin(error.faults)].reset_index(drop=True)
            faults += error.faults.values()
    if found.empty:
        raise InputError(f"no row is left to use: {faults[0]}")
    return found, faults


def templated(
    tokenizer: Any, template: Template, texts: Sequence[str], responses: Sequence[str]
) -> "Encoded":
    """Tokenise prompts in their template, and behind each its response on its own.

    The one place that says what a model reads where its template is used: tuning, evaluation,
    frequencies, ablation, attribution and scores all do. (In one text, a tokenizer might make other
    tokens of the end of the prompt and the start of the response than the model was tuned to say.)

    Returns:
        For every row its ids and the first and the stop of the response's.
    """
    prompts = _rendered(tokenizer, template, texts)
    answers = as_written(tokenizer, responses).input_ids
    return [
        (prompt + answer, len(prompt), len(prompt) + len(answer))
        for (prompt, _), answer in zip(prompts, answers, strict=True)
    ]


def as_written(tokenizer: Any, texts: Sequence[str], **how: Any) -> Any:
    """Tokenise texts in which nothing is a special token, whatever they spell."""
    return in_template(tokenizer, texts, split_special_tokens=True, **how)


def in_template(tokenizer: Any, texts: Sequence[str], **how: Any) -> Any:
    """Tokenise texts whose special tokens are those of a template."""
    return tokenizer(list(texts), add_special_tokens=False, **how)


def encode_texts(tokenizer: Any, texts: Sequence[str], context: int) -> list[Prompt]:
    """Tokenise plain texts, cut at ``context``; the tokens count that have one before them.

    Raises:
        InputError: a text with no such token.
    """
    encoded = _encode_plain(tokenizer, list(texts))
    prompts = [
        Prompt(f"text {n}", array("i", ids[:context]), 1, len(ids[:context]))
        for n, (ids, _, _) in enumerate(encoded)
    ]
    return _checked(tokenizer, prompts, "text", context)


def shortened(prompt: Prompt, tokens: int) -> Prompt:
    """Return the prompt up to the first ``tokens`` counted ones; no causal model looks beyond.

    Raises:
        InputError: the prompt counts fewer tokens.
    """
    stop = prompt.start + tokens
    if tokens < 1 or stop > prompt.stop:
        raise InputError(
            f"row {prompt.id!r} has {prompt.stop - prompt.start} tokens to count, {tokens} are "
            "asked for: drop the row or ask for fewer, at least 1"
        )
    return Prompt(prompt.id, prompt.ids[:stop], prompt.start, stop)


Encoded = list[tuple[list[int], int, int]]


def _encode_plain(tokenizer: Any, texts: list[str]) -> Encoded:
    encoded = []
    for ids in as_written(tokenizer, texts).input_ids:
        full = missing_bos(tokenizer, ids) + ids
        encoded.append((full, len(_bos(tokenizer)), len(full)))
    return encoded


def _texts(data: pd.DataFrame, text: Any = user_text) -> list[str]:
    return [text(row) for row in data.to_dict("records")]


def _rendered(
    tokenizer: Any, template: Template, texts: Sequence[str]
) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """Ids of prompts in their template, after a BOS, and the characters of each (none of an added BOS)."""
    _check_spelling(tokenizer, texts)
    rendered = [template.render(text) for text in texts]
    made = in_template(tokenizer, rendered, return_offsets_mapping=True)
    found = []
    for ids, places in zip(made.input_ids, made.offset_mapping, strict=True):
        bos = missing_bos(tokenizer, ids)
        found.append((bos + ids, [(0, 0)] * len(bos) + places))
    return found


def _prompt(tokenizer: Any, template: Template, data: pd.DataFrame) -> Encoded:
    texts, encoded = _texts(data), []
    for text, (ids, places) in zip(texts, _rendered(tokenizer, template, texts), strict=True):
        low, high = len(template.prefix), len(template.prefix) + len(text)
        inside = [n for n, (a, b) in enumerate(places) if a < high and b > low]
        first, stop = (inside[0], inside[-1] + 1) if inside else (0, 0)
        encoded.append((ids, first, stop))
    return encoded


#: Encoder of a span by tokenizer, template and rows.
_ENCODERS: dict[str, Callable[[Any, Template, pd.DataFrame], Encoded]] = {
    "instruction": lambda one, _, data: _encode_plain(one, _texts(data)),
    "prompt": _prompt,
    "response": lambda one, template, data: templated(
        one, template, _texts(data), data["response"].to_list()
    ),
    "sample": lambda one, _, data: _encode_plain(one, _texts(data, sample_text)),
}


def _refused(tokenizer: Any, template: Template, data: pd.DataFrame) -> dict[str, str]:
    """Say why rows cannot stand in the template, by their ids."""
    faults = {}
    for row in data.to_dict("records"):
        try:
            _rendered(tokenizer, template, [user_text(row)])
        except InputError as error:
            faults[row["id"]] = f"row {one_line(row['id'], 40)!r}: {error}"
    return faults


def _check_spelling(tokenizer: Any, texts: Sequence[str]) -> None:
    """Refuse text that would be read as a mark of the template's own."""
    special = [one.content for one in tokenizer.added_tokens_decoder.values() if one.special]
    if spelled := next((one for text in texts for one in special if one in text), None):
        raise InputError(
            f"the text spells {one_line(spelled, 40)!r}, in a chat template a special token of this "
            "model; write it otherwise, or use span='instruction'"
        )


def _checked(
    tokenizer: Any,
    prompts: list[Prompt],
    span: str,
    context: int,
    refused: dict[str, str] | None = None,
) -> list[Prompt]:
    faults = (refused or {}) | {
        one.id: f"row {one_line(one.id, 40)!r} has {fault}"
        for one in prompts
        if (fault := _fault(tokenizer, one, span, context))
    }
    if faults:
        raise UnusableRows("the table", faults, len(prompts) + len(refused or {}))
    return prompts


def _fault(tokenizer: Any, prompt: Prompt, span: str, context: int) -> str:
    if prompt.stop <= prompt.start:
        return f"no token in its {span}"
    if len(prompt.ids) > context:
        return f"{len(prompt.ids)} tokens, more than the model's context of {context}"
    return _beyond_embedding(tokenizer, prompt.ids)


def check_embedded(tokenizer: Any, ids: Sequence[int], where: str) -> None:
    """Check that the model has all these tokens; the size of its embedding is put there at load.

    Raises:
        InputError: a token beyond the embedding.
    """
    if fault := _beyond_embedding(tokenizer, ids):
        raise InputError(f"{where} has {fault}")


def _beyond_embedding(tokenizer: Any, ids: Sequence[int]) -> str:
    highest, size = max(ids, default=0), getattr(tokenizer, "n_embedded", None)
    if size is None or highest < size:
        return ""
    token = one_line(tokenizer.convert_ids_to_tokens(highest), 40)
    return (
        f"the token {token!r} (id {highest}), but the model's embedding has {size} rows: the "
        "tokenizer is not this model's (was one added? is tokenizer_config.json missing?)"
    )


def _bos(tokenizer: Any) -> list[int]:
    return [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]


def missing_bos(tokenizer: Any, ids: Sequence[int]) -> list[int]:
    """The BOS to put in front of ``ids``: none when the tokenizer has none or it is there already."""
    bos = _bos(tokenizer)
    return [] if list(ids[:1]) == bos else bos
