"""A report made from notebooks that use everything a page can show."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from sparcom_nb.report import build

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

START = r"""A neuron is *specific* to an instruction when it is active on many of its tokens.

**You will learn** what a threshold does. *Needs:* [00](00_start.ipynb). Two minutes.

### A heading that skips a level

The frequency of neuron $j$ in layer $\ell$ on instruction $i$ with $T_i$ tokens:

$$
f_{i\ell j} = \frac{1}{T_i}\sum_{t=1}^{T_i} \mathbb{1}\left[\operatorname{act}(x_{t\ell j}) > 0\right]
$$

and the overlap of two sets, where $\mathcal{A}, \mathcal{B} \subseteq \{1,\dots,d\}$, is

\begin{align*}
J(\mathcal{A},\mathcal{B}) &= \frac{|\mathcal{A}\cap\mathcal{B}|}{|\mathcal{A}\cup\mathcal{B}|} \\
\hat\theta &= \lVert \mathbf{w} \rVert_2 \quad\text{in } 95\,\% \text{ of cases}
\end{align*}
"""

LONG = r"""# A second first-level heading

$$
S_{1} + S_{2} + S_{3} + S_{4} + S_{5} + S_{6} + S_{7} + S_{8} + S_{9} + S_{10} + S_{11} + S_{12}
= \sum_k S_k
$$

| Span | Counted | Template |
|---|---:|---|
| `instruction` | 17 | no |
| `prompt` | 17 | yes |

> A threshold is a choice, not a fact.

1. Choose a share.
2. Look at the sets.

## Exercise

What happens at a share of one half?

<details><summary>Solution</summary>

The sets of all categories meet, as $J \to 1$:

```python
specific(frequency, top=0.5)  # half of them
```

</details>
"""

PICTURE = """import matplotlib.pyplot as plt
import numpy as np
from sparcom_nb.view.figure import show

layers = np.arange(1, 13)
share = 100 / (1 + np.exp(-(layers - 6) / 2))
fig, ax = plt.subplots(figsize=(7, 3.5))
ax.errorbar(layers, share, yerr=4, marker="o", capsize=3)
ax.set(xlabel="layer", ylabel="specific neurons (%)")
show(fig, "Share of specific neurons per layer: it rises from 8 % to 95 %.")"""

TABLE = """import pandas as pd

names = ["CLS", "CODE", "QA", "GEN", "MATH", "SUM"]
frame = pd.DataFrame(rng.random((6, 12)).round(3), index=names)
frame.columns = [f"layer {n}" for n in range(1, 13)]
frame"""

STYLED = """frame.iloc[:3, :5].style.background_gradient("Blues")"""

ARRAY = """import xarray as xr

xr.DataArray(rng.random((2, 3)), dims=("instruction", "neuron"))"""

WIDGET = """import ipywidgets as widgets

widgets.interact(lambda share: None, share=(0.01, 0.2, 0.01));"""

BAR = """from tqdm.auto import tqdm

for _ in tqdm(range(20), desc="capture"):
    pass
print("escaped: <b>not bold</b> & $5 to $6, a " + "very " * 40 + "long line")"""

FIGURES = """from sparcom_nb.evidence import Finding
from sparcom_nb.studies.results import Results

Results.of(
    "Specific neurons",
    {"overlap": Finding("Instructions of a category share more neurons than others do", 0.41,
                        0.39, 0.44, "Jaccard", "shuffled labels", 0.09, 0.08, 0.1, 0.002),
     "wording": Finding("Wording changes the sets", -0.0214, -0.05, 0.007, p=0.4, detectable=0.04)},
    {"Specific neurons": {"value": 12345, "unit": "neurons", "n": 1200}},
).save(OUT)"""


def sample(extra=(), title="Which neurons does an instruction wake?"):
    """A notebook with text, formulas, code, a picture, tables, a widget and a bar."""
    parameters = 'PAIR = "tiny-dense"\nSEED = 0\nOUT = "../runs/sample"\nTHRESHOLD = 0.05  # share'
    cells = [
        new_markdown_cell(f"# {title}\n\n{START}"),
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        new_markdown_cell("## The picture"),
        new_code_cell(PICTURE),
        new_code_cell("rng = np.random.default_rng(SEED)\n" + TABLE),
        new_code_cell(STYLED),
        new_code_cell(ARRAY),
        new_code_cell(WIDGET),
        new_code_cell(BAR),
        new_markdown_cell(LONG),
        new_code_cell(FIGURES),
        *extra,
    ]
    return new_notebook(cells=cells)


@pytest.fixture(scope="session")
def chromium():
    """Path of Chromium, or skip with the way to get it."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("no Chromium: apt-get install chromium, or set CHROMIUM to its path")
    return path


@pytest.fixture(scope="session")
def browser(chromium):
    """A browser for all tests."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install -e .[dev]")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory, chromium) -> Path:
    """The report on three notebooks, the last of which fails."""
    folder = tmp_path_factory.mktemp("checkout") / "notebooks"
    folder.mkdir()
    failing = [new_code_cell('raise ValueError("the capture saw no tokens: <nothing>")')]
    short = new_notebook(cells=[new_markdown_cell("# Start here\n\nHow to read the suite.")])
    nbformat.write(short, folder / "00_start.ipynb")
    nbformat.write(sample(), folder / "12_identify.ipynb")
    nbformat.write(sample(failing, "What happens when a step fails?"), folder / "13_failing.ipynb")
    out = tmp_path_factory.mktemp("report")
    assert build(["tiny-dense"], None, out, {}, folder=folder) == 1
    return out
