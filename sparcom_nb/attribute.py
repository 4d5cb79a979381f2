"""``sparcom-nb attribute``: where a response comes from, as a page, a table or an array."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from sparcom_nb.errors import InputError
from sparcom_nb.expect import door, text
from sparcom_nb.model.sources import Identity, model_path
from sparcom_nb.store import digest, once, versions
from sparcom_nb.view.safe import uncomputed
from sparcom_nb.view.tokens import attribution_page


@door
def attribute(
    model: str,
    prompt: str,
    response: str,
    out: Path,
    *,
    objective: str = "probability",
    template: bool = False,
    device: str = "auto",
    batch_tokens: int | None = None,
) -> dict[str, Any]:
    """Attribute a response to its prompt, once; ``OUT.manifest.json``, returned, says what was run.

    Args:
        model: a pair's member, a folder, a GGUF file or a hub id.
        prompt: a text, or ``@`` and the name of a file that holds it.
        response: the same.
        out: ends in ``.html`` (heat map), ``.csv`` (a row a pair of tokens) or ``.nc`` (NetCDF: the
            array with its labels).
        objective: of :func:`sparcom_nb.shift.input_attribution`.
        template: the same.
        device: of :func:`sparcom_nb.load_model`.
        batch_tokens: tokens that may run together; text that is longer is an error.

    Raises:
        InputError: anything wrong with the model, the texts or the place.
    """
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise InputError(f"{out}: the file must end in {', '.join(_WRITERS)}")
    said, answer = _text(prompt), _text(response)
    if not answer.strip():
        raise InputError("the response is empty: there is nothing to attribute")
    identity = Identity(model, model_path(model))
    wanted = {
        **identity.hashes,
        "texts_sha256": digest({"prompt": said, "response": answer}),
        "parameters": {"objective": objective, "template": template},
        "versions": versions(),
    }

    def make(folder: Path) -> dict[str, Any]:
        from sparcom_nb.model.load import load_model  # takes seconds: what is wrong is said before
        from sparcom_nb.shift.attribution import attributions

        ready = load_model(model, device)
        how = {"template": template, "batch_tokens": batch_tokens}
        (found,) = attributions(ready, [said], [answer], objective, **how)
        facts = ready.template.facts() if template else {}
        found.attrs |= {"model": model} | {f"template_{name}": one for name, one in facts.items()}
        write(found, folder / out.name)
        sizes = {"prompt_tokens": found.sizes["input"], "response_tokens": found.sizes["output"]}
        return identity.told() | {"template": facts} | sizes

    reads = (identity.path, *(text[1:] for text in (prompt, response) if text.startswith("@")))
    name = f"{out.name}.manifest.json"
    return once(out, wanted, make, manifest=name, names=[out.name], reads=reads)


def _text(given: str) -> str:
    """Return the text itself, or what the file behind an ``@`` holds."""
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        if not path.is_file():
            raise InputError(f"{given[:200]}: no such file; give a file of text, or text without @")
        found = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{given[:200]}: not UTF-8 text ({error!s:.80}); save it as such"
        ) from None
    text(given, found)
    return found


def _html(found: xr.DataArray, out: Path) -> None:
    name = str(found.attrs["model"])
    out.write_text(
        attribution_page({name: found}, f"Where the response comes from: {name}"), "utf-8"
    )


def _csv(found: xr.DataArray, out: Path) -> None:
    """Write a row for every pair of tokens: input, output, input_token, output_token, attribution.

    A token that a spreadsheet would compute has an apostrophe before it.
    """
    uncomputed(found.to_dataframe().reset_index()).to_csv(out, index=False)


def _nc(found: xr.DataArray, out: Path) -> None:
    found.to_netcdf(out, engine="scipy")


_WRITERS: dict[str, Callable[[xr.DataArray, Path], None]] = {
    ".html": _html,
    ".csv": _csv,
    ".nc": _nc,
}
