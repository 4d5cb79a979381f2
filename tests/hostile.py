"""Rows, folders and names as somebody would write them who wants to lead a reader astray."""

from pathlib import Path

import numpy as np
import pandas as pd

import sparcom_nb as sn

#: Each is to be read on a page as it stands here (in SHOWN where some of it cannot be seen).
MARKS = [
    '<meta http-equiv="refresh" content="0;url=https://evil.example/"><img src=//evil.example/i '
    "onerror=hit=1><script>hit=1</script> [a](https://evil.example/a) $b$ `c` *d* <textarea>",
    "is <textarea> a tag?",
    "<!-- is this swallowed?",
    "<style>*{display:none}</style>",
    "<plaintext>",
    "<script>window.hit=1;alert(1)</script>",
    "</td></tr></table></div></main></body>",
    '<base href="https://evil.example/">',
    "<svg onload=alert(1)><foreignObject>",
    "<iframe src=https://evil.example/f>",
    "<form action=https://evil.example/g><button>press</button>",
    '<a href="javascript:alert(1)">click</a>',
    "<link rel=stylesheet href=https://evil.example/c>",
    "[click](javascript:alert(1)) and [here](https://evil.example/l)",
    "![seen](https://evil.example/p.png)",
    "<https://evil.example/a> or https://evil.example/b",
    r"$\href{javascript:alert(1)}{x}$ costs $5 to $6",
    r"\(a\) and \[b\] and \begin{x} and $$ \frac{ $$",
    "`tick` ``` fence ~~~ ~~s~~",
    "| a | b | and |---|---|",
    "**bold** _em_ * star * 2*3*4 __init__",
    "# heading",
    "- item",
    "1. list",
    "> quote",
    "&lt;b&gt; &amp; &#60;i&#62; &nbsp;",
    "back\\slash \\* \\` \\",
    'it\'s "quoted" \' onmouseover=alert(1) x="',
    "{{ 7*7 }} {% raw %} {x} %s",
    "=1+1 @SUM(A1) +2 -3",
    "\u202egpj.exe\u202c",
    "zero\u200bwidth\u2066\u00ad",
    "\x1b[31mred\x1b]8;;https://evil.example/o\x07",
]
SHOWN = {
    "\u202egpj.exe\u202c": "\\u202egpj.exe\\u202c",
    "zero\u200bwidth\u2066\u00ad": "zero\\u200bwidth\\u2066\\u00ad",
    "\x1b[31mred\x1b]8;;https://evil.example/o\x07": "␛[31mred␛]8;;https://evil.example/o␇",
}
#: Stands in the name of every model's folder.
FOLDER = "<img src=x onerror=alert(1)> $x$ *a* `b` [c](d) <textarea>"


def framed(n: int) -> str:
    """A mark between words that tell where it begins and ends."""
    return f"qx{n % len(MARKS)}x {MARKS[n % len(MARKS)]} x{n % len(MARKS)}xq"


def rows() -> pd.DataFrame:
    """The mini-world with a mark in every sub-type, source and id, and in every fourth text.

    Every text has the labels of another, drawn by lot: whatever is claimed of categories is false.
    """
    data = sn.load_instructions("miniworld")
    order = np.random.default_rng(3).permutation(len(data))
    texts = ["instruction", "input", "response", "checker"]
    data[texts] = data[texts].to_numpy()[order]
    numbers = data.groupby("category").cumcount()
    subtypes = {name: n for n, name in enumerate(data["subtype"].unique())}
    data["id"] = [f"{framed(n)} {name}" for n, name in enumerate(data["id"])]
    data["subtype"] = [f"{name} {framed(subtypes[name])}" for name in data["subtype"]]
    data["source"] = [framed(5 * (n % 2)) for n in numbers]
    for field, turn in (("instruction", 0), ("input", 1), ("response", 2)):
        marked = [
            f"{framed(n)} {text}" if n % 4 == turn else text for n, text in enumerate(data[field])
        ]
        data[field] = marked
    return data


def file(folder: Path) -> Path:
    """The rows in a file whose name is a mark."""
    path = folder / "<img src=x onerror=alert(1)> *rows* $y$.jsonl"
    rows().to_json(path, orient="records", lines=True, force_ascii=False)
    return path


def pair(folder: Path, name: str) -> tuple[str, str]:
    """A shipped pair and its placebo under another path: ``BASE,INSTRUCT`` and PLACEBO."""
    models = sn.files.shipped("data") / "models"
    (folder / FOLDER).mkdir(exist_ok=True)
    at = {
        member: folder / FOLDER / f"{name}-{member}" for member in ("base", "instruct", "placebo")
    }
    for member, path in at.items():
        path.symlink_to(models / f"{name}-{member}", target_is_directory=True)
    return f"{at['base']},{at['instruct']}", str(at["placebo"])


def shown(n: int) -> str:
    """How a mark is read on a page."""
    return SHOWN.get(MARKS[n], MARKS[n])


def course(folder: Path) -> list[tuple[str, list[str] | None, dict[str, object]]]:
    """Pair, notebooks and parameters of builds that make the whole course, small, of what is here."""
    notebooks = [path.stem for path in sorted(sn.files.shipped("notebooks").glob("*.ipynb"))]
    data, (dense, placebo), (moe, _) = file(folder), pair(folder, "dense"), pair(folder, "moe")
    rows = {"LIMIT": 36, "DATA": str(data)}
    select = {"POOL": 120, "STEPS": 2, "BATCH": 4, "SEEDS": 1, "EVALUATION": 36}
    small = {"OWN": 8}
    named = [name for name in notebooks if name[:2] not in ("14", "15", "33")]
    return [
        (dense, named, {**rows, **select, **small, "DRAWS": 9, "PLACEBO": placebo}),
        (dense, ["14"], {**rows, "DRAWS": 2, "TEXTS": 4, "ANSWER_TOKENS": 4}),
        (moe, ["15"], {**rows, "DRAWS": 9}),
        ("tiny-dense", ["33"], {**select, "DATA": str(data)}),
    ]
