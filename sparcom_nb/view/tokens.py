"""Heat maps of tokens as HTML that is safe, needs no script, and can be read as a table.

Hovering or focusing a response token colours the prompt by where that token came from: every prompt
token holds its levels as CSS variables, and one rule for each response token picks the right one.
Token text is the user's or the model's: it is shown as text, with what cannot be seen made visible.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import xarray as xr
from IPython.display import display

from sparcom_nb.shift.density import LEVELS, importance_density, levels
from sparcom_nb.view import safe
from sparcom_nb.view.safe import POLICY, literal

#: Keeps a response token without any positive attribution from a division by zero.
_TINY = 1e-300
_ALONE = {"": "·", " ": "␣"}
_STYLE = """
{id} {{ display: flex; flex-wrap: wrap; gap: 1rem; font: 1rem/1.9 system-ui, sans-serif; color: #1b1f24;
  background: #fff; }}
{id} section {{ flex: 1 1 20rem; min-width: 0; }}
{id} p {{ margin: .3rem 0; }}
{id} p span, {id} button {{ white-space: pre-wrap; border-radius: 3px; padding: .1em 0; }}
{id} .in span {{ --s: var(--d); background: rgb(230 159 0 / var(--s)); }}
{id} button {{ font: inherit; color: inherit; background: #eef2f6; border: 1px solid #76818c;
  margin: 1px; cursor: pointer; }}
{id} button:is(:hover, :focus) {{ background: #cfe6f5; }}
{id} table {{ border-collapse: collapse; font-size: .8rem; }}
{id} td {{ text-align: right; padding: 0 .4em; white-space: pre; }}
{id} th {{ text-align: left; padding: 0 .4em; white-space: pre; }}
{id} div {{ overflow-x: auto; }}
"""


def show_attribution(attributions: Mapping[str, xr.DataArray]) -> None:
    """Display heat maps of one response side by side: name -> raw S [input, output]."""
    names = " and ".join(attributions)
    display(
        {"text/html": attribution_map(attributions), "text/plain": f"Heat map: {names}"}, raw=True
    )


def attribution_page(attributions: Mapping[str, xr.DataArray], title: str) -> str:
    """A page of its own with the heat maps."""
    return (
        f'<!doctype html><html lang="en"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta charset="utf-8"><title>{literal(title)}</title>'
        '<meta name="viewport" content="width=device-width"><body style="margin:1rem;background:#fff">'
        f"<main><h1>{literal(title)}</h1>{attribution_map(attributions)}</main></body></html>\n"
    )


def attribution_map(attributions: Mapping[str, xr.DataArray]) -> str:
    """HTML of the heat maps; the same response token is picked out in all of them.

    attributions: name -> raw S [input, output] with the coordinates input_token and output_token, of
    one response. Shown are levels 0 to 10 of every response token's largest attribution, however
    small that is; the prompt starts coloured by importance density.
    """
    longest = max(S.sizes["output"] for S in attributions.values())
    sections = [_section(name, S) for name, S in attributions.items()]
    mark = "a" + hashlib.sha256("".join(sections).encode()).hexdigest()[:10]
    rules = [
        f"#{mark}:has(.o{n}:is(:hover,:focus)) .in span{{--s:var(--l{n})}}"
        f"#{mark} .o{n}:is(:hover,:focus){{outline:2px solid #0072b2}}"
        for n in range(longest)
    ]
    style = _STYLE.format(id=f"#{mark}") + "\n".join(rules)
    shown = f'<div id="{mark}" class="attribution mathjax_ignore">{"".join(sections)}</div>'
    return f"<style>{style}</style>{shown}"


def _section(name: str, S: xr.DataArray) -> str:
    """One model: prompt, response, table."""
    level, density = levels(S, epsilon=_TINY).to_numpy(), importance_density(S).to_numpy()
    inputs, outputs = ([_text(t) for t in S[f"{x}_token"].to_numpy()] for x in ("input", "output"))
    prompt = "".join(
        f'<span style="--d:{d:.2f}{_variables(row)}" title="density {d:.2f}">{text}</span>'
        for text, d, row in zip(inputs, density, level, strict=True)
    )
    sources = [_sources(inputs, *both) for both in zip(level.T, S.to_numpy().T, strict=True)]
    response = "".join(
        f'<button type="button" class="o{n}" title="{source}">{text}</button>'
        for n, (text, source) in enumerate(zip(outputs, sources, strict=True))
    )
    return (
        f'<section><p><strong>{literal(name)}</strong></p><p class="in">{prompt}</p>'
        f"<p>Response (hover or focus a token): {response}</p>"
        f"{_table(name, inputs, outputs, level, density)}</section>"
    )


def _variables(row: np.ndarray) -> str:
    """Opacity of a prompt token for every response token that it has a level in; else zero."""
    return "".join(f";--l{n}:{value / LEVELS:g}" for n, value in enumerate(row))


def _sources(inputs: list[str], level: np.ndarray, values: np.ndarray) -> str:
    """Name the strongest prompt tokens of a response token, and how strong they are."""
    order = np.argsort(-values, kind="stable")[:3]
    named = ", ".join(f"{inputs[n].strip()} {level[n]}" for n in order if level[n])
    return f"from {named or 'no token'}; largest attribution {values.max(initial=0):.1e}"


def _table(
    name: str, inputs: list[str], outputs: list[str], level: np.ndarray, density: np.ndarray
) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in ["prompt token", "density", *outputs])
    rows = "".join(
        f'<tr><th scope="row">{text}</th><td>{d:.2f}</td>'
        + "".join(f"<td>{value}</td>" for value in row)
        + "</tr>"
        for text, d, row in zip(inputs, density, level, strict=True)
    )
    return (
        f"<details><summary>Values as a table: {literal(name)}</summary><div><table>"
        f"<caption>Levels (0 to {LEVELS}) of prompt tokens for response tokens: {literal(name)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def visible(token: str) -> str:
    """A token with all that cannot be seen made visible, line breaks and an only space too."""
    return _ALONE.get(token) or safe.visible(token).replace("\n", "⏎\n").replace("\t", "⇥")


def _text(token: str) -> str:
    return literal(visible(str(token)))
