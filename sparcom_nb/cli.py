"""The command line. Exit code 0: all was done; 1: something failed; 2: wrong use, said in one line."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

from sparcom_nb import stop

if Path(sys.argv[0]).stem == "sparcom-nb" or Path(sys.argv[0]).parent.name == "sparcom_nb":
    # not where the module is only imported
    stop.install()

import typer

from sparcom_nb.errors import InputError
from sparcom_nb.expect import device, shown

app = typer.Typer(
    help="What instruction tuning does inside a language model.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

#: Typer keeps the base class of its usage errors to itself.
_UsageError: Any = typer.BadParameter.__bases__[0]


def _device(value: str) -> str:
    device("--device", value)
    return value


Model = Annotated[str, typer.Option(help="A pair's member, a folder, a GGUF file or a hub id.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0, max=2**32 - 1)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda ...", callback=_device)]
DropUnusable = Annotated[
    bool,
    typer.Option(
        "--drop-unusable", help="Go on without rows that cannot be used; the manifest names them."
    ),
]
BatchTokens = Annotated[
    int | None,
    typer.Option(help="Tokens in one batch, padding included.", min=1, show_default="by device"),
]


@app.command()
def models(seed: Seed = 0, device: Device = "auto", batch_tokens: BatchTokens = None) -> None:
    """List the model pairs: name, kind, size, where they come from, which members are here."""
    from sparcom_nb.model.sources import list_pairs

    typer.echo(list_pairs().to_string(index=False))


@app.command()
def identify(
    model: Model,
    data: Annotated[
        str,
        typer.Option(
            help="A file of rows (JSON lines or array, .gz, Parquet), hexainst or miniworld."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    top: Annotated[
        float | None, typer.Option(help="Share of neurons to take.", show_default="0.05")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Take frequencies of at least this instead.")
    ] = None,
    agreement: Annotated[
        float, typer.Option(help="Share of a category's instructions that must agree.")
    ] = 0.5,
    relative: Annotated[
        float, typer.Option(help="Take experts chosen at least this many times as often as evenly.")
    ] = 1.5,
    span: Annotated[
        str, typer.Option(help="instruction, prompt, response or sample.")
    ] = "instruction",
    site: Annotated[str, typer.Option(help="gate or post.")] = "gate",
    limit: Annotated[
        int | None, typer.Option(help="Rows to use, balanced over categories.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    batch_tokens: BatchTokens = None,
    drop_unusable: DropUnusable = False,
) -> None:
    """Find the neurons, and the experts, that serve each category of instructions."""
    from sparcom_nb.identify import identify as run

    manifest = run(
        model,
        data,
        out,
        top=top,
        threshold=threshold,
        agreement=agreement,
        relative=relative,
        span=span,
        site=site,
        limit=limit,
        device=device,
        batch_tokens=batch_tokens,
        drop_unusable=drop_unusable,
        seed=seed,
    )
    state = f"{manifest['seconds']} s" if manifest["fresh"] else "done before"
    typer.echo(
        f"{manifest['instructions']:,} instructions, {manifest['tokens']:,} tokens, {state}; "
        f"share taken {manifest['share_taken']:.2%}"
    )
    experts = manifest.get("experts", {}).get("components", {})
    for category, size in manifest["components"].items():
        chosen = f" {experts.get(category, 0):5,} experts" if experts else ""
        typer.echo(f"  {category:5} {size:7,} neurons{chosen}")
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in manifest["kinds"].items())
    typer.echo(f"of the neurons: {kinds}")
    _say_unusable(data, manifest["unusable"])
    typer.echo(f"written to {out}")


@app.command()
def attribute(
    model: Model,
    prompt: Annotated[str, typer.Option(help="Text, or @FILE.")],
    response: Annotated[str, typer.Option(help="Text, or @FILE.")],
    out: Annotated[Path, typer.Option(help="FILE.html, FILE.csv or FILE.nc.")],
    objective: Annotated[
        str, typer.Option(help="probability, logit or log_probability of a response token.")
    ] = "probability",
    template: Annotated[
        bool, typer.Option(help="Put the prompt into the model's chat template.")
    ] = False,
    seed: Seed = 0,
    device: Device = "auto",
    batch_tokens: BatchTokens = None,
) -> None:
    """Show which tokens of a prompt each token of a response comes from."""
    from sparcom_nb.attribute import attribute as run

    found = run(
        model,
        prompt,
        response,
        out,
        objective=objective,
        template=template,
        device=device,
        batch_tokens=batch_tokens,
    )
    told = f"{found['prompt_tokens']} prompt tokens x {found['response_tokens']} response tokens"
    typer.echo(f"{told}{'' if found['fresh'] else ', done before'}; written to {out}")


@app.command()
def select(
    model: Model,
    target: Annotated[Path, typer.Option(help="A file of samples of the capability.")],
    pool: Annotated[Path, typer.Option(help="A file of samples to choose from.")],
    ratio: Annotated[float, typer.Option(help="Share of the pool to choose.")],
    out: Annotated[Path, typer.Option(help="FILE.jsonl for the chosen rows, best first.")],
    method: Annotated[
        str,
        typer.Option(
            help="nait (the paper's, turned towards the target), nait-drift (with the sign that "
            "accounts of the paper give, often upside down), contrast, auto (the better of nait and "
            "contrast), or a baseline: random, length, perplexity, difficulty, embedding (needs the "
            "extra 'words'); highest first."
        ),
    ] = "auto",
    candidate: Annotated[
        str, typer.Option(help="What of a row is scored along a direction: mean or drift.")
    ] = "mean",
    skip: Annotated[int, typer.Option(help="Leave so many of a sample's first tokens out.")] = 0,
    seed: Seed = 0,
    device: Device = "auto",
    batch_tokens: BatchTokens = None,
    drop_unusable: DropUnusable = False,
) -> None:
    """Choose the training samples of a pool that serve a capability best.

    Files are JSON lines, a JSON array (both also as .gz) or Parquet, in the form of Alpaca
    (instruction, input, output), of chats (messages) or our own (instruction, input, response), which
    is detected.

    No score finds every capability, so a quarter of the target rows (at least 2 of at least 4) is
    held out and ranked among the pool: AUC is how often one of them is above a row of the pool, .5
    for a coin. It is told for every score, and the default method is chosen by it. Rows held out are
    never among the chosen; rows of the pool that equal a target row may be, and are counted.
    """
    from sparcom_nb.selection import select_rows

    manifest = select_rows(
        model,
        target,
        pool,
        ratio,
        out,
        method=method,
        candidate=candidate,
        skip=skip,
        seed=seed,
        device=device,
        batch_tokens=batch_tokens,
        drop_unusable=drop_unusable,
    )
    for name in ("target", "pool"):
        told = manifest[name]
        typer.echo(f"{name}: {told['rows']:,} rows in the form {told['form']} ({told['file']})")
        _say_unusable(told["file"], told["unusable"])
    held, same = manifest["target"]["held_out"], manifest["pool"]["same_as_target"]
    typer.echo(f"AUC of {held} held-out target rows against the pool (95 %; .5 is chance):")
    for name, area in manifest["auc"].items():
        mark = "  <- used" if name == manifest["method"] else ""
        typer.echo(f"  {name:10} {area['value']:.2f} [{area['low']:.2f}, {area['high']:.2f}]{mark}")
    if same:
        typer.echo(f"{same:,} rows of the pool are target rows too: candidates, not in the AUC")
    told = manifest["length_correlation"]["spearman"]
    state = f"{manifest['seconds']} s" if manifest["fresh"] else "done before"
    typer.echo(
        f"{manifest['chosen']:,} rows chosen by {manifest['method']}, {state}; rank correlation of the "
        f"score with length {told:+.2f}"
    )
    if manifest["advice"]:
        typer.echo(f"warning: {manifest['advice']}", err=True)
    typer.echo(f"written to {out}")


@app.command()
def report(
    pair: Annotated[
        list[str] | None,
        typer.Option(help="Pair to run (repeatable).", show_default="tiny-dense, or tiny-moe"),
    ] = None,
    notebook: Annotated[
        list[str] | None, typer.Option(help="Notebook to run (repeatable).", show_default="all")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the pages.")] = Path("reports"),
    param: Annotated[
        list[str] | None, typer.Option(help="K=V for notebooks that have the parameter K.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Run again what is up to date.")] = False,
    jobs: Annotated[
        int, typer.Option(min=1, help="Notebooks to run at once; each loads the pair for itself.")
    ] = 1,
    seed: Seed = 0,
    device: Device = "auto",
    batch_tokens: BatchTokens = None,
) -> None:
    """Run the notebooks on model pairs and make pages with an index.

    Notebooks about experts run on tiny-moe, and are left out on a dense pair.
    """
    from sparcom_nb.parameters import given
    from sparcom_nb.report import build

    options = {"SEED": (seed, 0), "DEVICE": (device, "auto"), "BATCH_TOKENS": (batch_tokens, None)}
    asked = [f"{k}={v}" for k, (v, default) in options.items() if v != default]
    parameters = given([*(param or []), *asked])
    if jobs > 1:  # else the library's own choice
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    failed = build(pair or None, notebook or None, out, parameters, fresh, at_once=jobs)
    typer.echo(f"open {out / 'index.html'}")
    if failed:
        raise typer.Exit(1)


@app.command()
def findings(
    folder: Annotated[Path, typer.Argument(help="Folder of a report.", metavar="DIR")],
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    seed: Seed = 0,
    device: Device = "auto",
    batch_tokens: BatchTokens = None,
) -> None:
    """Print every claim of a report with its verdict."""
    from sparcom_nb.findings import BRIEF
    from sparcom_nb.findings import findings as read

    if form not in ("table", "csv", "json"):
        raise InputError(f"--format must be table, csv or json, not {shown(form)}")
    found = read(folder)
    if form == "table" and found.empty:
        typer.echo("no notebook of this report claims anything")
    else:
        _print(found[BRIEF] if form == "table" else found, form)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Folder of a report.", metavar="RUN_A")],
    after: Annotated[Path, typer.Argument(help="Folder of another.", metavar="RUN_B")],
    seed: Seed = 0,
    device: Device = "auto",
    batch_tokens: BatchTokens = None,
) -> None:
    """Print the claims whose verdict differs between two reports."""
    from sparcom_nb.findings import compare as differing

    changed = differing(before, after)
    if len(changed):
        _print(changed.drop(columns="name"), "table")
    else:
        typer.echo("no verdict differs")


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A GGUF file.")],
    out: Annotated[Path, typer.Option(help="Folder for the model.")],
    seed: Seed = 0,
    device: Device = "auto",
    batch_tokens: BatchTokens = None,
) -> None:
    """Make a safetensors folder of a GGUF file: the same weights to the bit, and its tokenizer.

    Every command takes a GGUF file as it is, and does this once, into the user's cache.
    """
    from sparcom_nb.model.convert import convert as run

    typer.echo(f"written to {run(file, out)}")


def main() -> None:
    """Run the command line; wrong use becomes one line and exit code 2."""
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except InputError as error:
        _stop(str(error), 2)
    except _UsageError as error:
        _stop(f"{error.format_message()}{_given(error)} (see --help)", 2)
    except BrokenPipeError:
        os._exit(1)  # whoever read this has gone; nothing can be told any more
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _stop(f"{name}{error.strerror or error}; choose another place or make it usable", 2)
    except MemoryError:
        _stop("not enough memory; a smaller --batch-tokens or --limit takes less", 1)


def _stop(text: str, code: int) -> None:
    said = text.encode(errors="backslashreplace").decode()  # an argument can hold any bytes
    typer.echo("sparcom-nb: " + " ".join(said.split()), err=True)
    sys.exit(code)


def _given(error: Any) -> str:
    """The value that an option was given, which not every usage error says."""
    named = getattr(getattr(error, "param", None), "opts", ())
    pairs = zip(sys.argv, [*sys.argv[1:], ""], strict=True)
    given = [shown(value) for option, value in pairs if option in named]
    return f", not {given[-1]}" if given and given[-1] not in str(error) else ""


def _print(table: Any, form: str) -> None:
    """A table of claims as CSV, as JSON, or a line a claim."""
    from sparcom_nb.view.safe import uncomputed

    if form == "csv":
        typer.echo(uncomputed(table).to_csv(index=False), nl=False)
    elif form == "json":
        typer.echo(table.to_json(orient="records", indent=1, force_ascii=False))
    else:
        typer.echo(table.to_string(index=False, float_format=lambda x: f"{x:.3g}"))


def _say_unusable(source: str, unusable: dict[str, Any]) -> None:
    if unusable["rows"]:
        typer.echo(f"{unusable['rows']:,} rows of {source} left out, first {unusable['first'][0]}")
