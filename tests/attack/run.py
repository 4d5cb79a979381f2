"""Kill a command at its write events, run it again, and compare with a run that nobody disturbed.

    python tests/attack/run.py FOLDER SAMPLE [COMMAND ...]

SAMPLE is a number of points to draw for every command, or ``all``. One process imports everything and
forks a child for every run. Prints a JSON object: by command the number of events and of points, how
many runs were killed, how many came back equal, and what went wrong with the others.
"""

import ctypes
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
SHARED = "qqqq2048s"  # as struct shared in events.c
SECONDS = 120


def preloaded() -> None:
    """Start this program again with the counting library before all others."""
    library = Path(sys.argv[1]) / "events.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "events.c", "-ldl"]
    subprocess.run(command, check=True)
    os.environ["LD_PRELOAD"] = str(library)
    os.execv(sys.executable, [sys.executable, *sys.argv])


# ---------------------------------------------------------------- commands


def rows(folder: Path) -> Path:
    """Six rows in two categories, of our own form."""
    made = [
        {"id": f"r{n}", "category": ("QA", "MATH")[n % 2], "instruction": f"What is {n} and {n}?",
         "response": f"It is {n + n}."}
        for n in range(6)
    ]  # fmt: skip
    pool = [row | {"response": f"{row['response']} So it is."} for row in made]
    for name, held in (("rows", made), ("pool", pool)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held))
    return folder / "rows.jsonl"


def command_line(*arguments: str | Path) -> None:
    """Run ``sparcom-nb`` in this process."""
    from sparcom_nb.cli import main
    from sparcom_nb.model import capture

    capture._BLOCK_ROWS = 3  # two blocks
    sys.argv = ["sparcom-nb", *map(str, arguments)]
    main()


def identify(data: Path, folder: Path, model: str = "tiny-dense/base") -> None:
    command_line("identify", "--model", model, "--data", data, "--out", folder / "out")


def identify_experts(data: Path, folder: Path) -> None:
    identify(data, folder, "tiny-moe/base")


def select(data: Path, folder: Path) -> None:
    own = ["--target", data, "--pool", data.with_name("pool.jsonl"), "--ratio", "0.5"]
    command_line("select", "--model", "tiny-dense/base", *own, "--out", folder / "out.jsonl")


def tune(data: Path, folder: Path) -> None:
    from sparcom_nb.model import tune as tuning
    from sparcom_nb.rows.instructions import load_instructions

    tuning.CHECKPOINT_EVERY = 1
    tuning.tune("tiny-dense/base", load_instructions(data), 3, 0, folder / "out", batch=2)


def report(data: Path, folder: Path) -> None:
    """A report of one small notebook, whose kernel writes too."""
    from sparcom_nb import jobs

    jobs.notebooks_folder = lambda: notebooks(data.parent)
    command_line("report", "--out", folder / "out")


def notebooks(folder: Path) -> Path:
    """A folder of one notebook that writes key figures and a table, and reads them."""
    from nbformat import v4, write

    parameters = v4.new_code_cell('PAIR = "tiny-dense"\nOUT = "x"')
    parameters.metadata.tags = ["parameters"]
    code = """from pathlib import Path
from sparcom_nb.studies.results import Results
Results("One", numbers={"one": {"value": 1}}).save(OUT)
Path(OUT, "more").mkdir()
Path(OUT, "more", "table.csv").write_text("a,b\\n1,2\\n")
print(OUT)"""
    cells = [v4.new_markdown_cell("# A title\n\nText."), parameters, v4.new_code_cell(code)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    (folder / "notebooks").mkdir(exist_ok=True)
    write(v4.new_notebook(cells=cells), folder / "notebooks" / "10_a.ipynb")
    return folder / "notebooks"


def careless(data: Path, folder: Path) -> None:
    """Keeps a result as one should not: shows that the attack finds that out."""
    out = folder / "out.txt"
    if not out.exists():
        with out.open("w") as file:
            file.write(data.read_text())
        (folder / "done.txt").write_text("yes")


COMMANDS = {
    "identify": identify,
    "identify, experts": identify_experts,
    "select": select,
    "tune": tune,
    "report": report,
}
TWIN = {"careless": careless}


def prepare() -> None:
    """Import all that the commands use, and load the models once."""
    import peft  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import torch
    import zarr.storage  # noqa: F401

    torch.set_num_threads(1)
    from sparcom_nb import identify, report, running, selection  # noqa: F401
    from sparcom_nb.model import load as models
    from sparcom_nb.model import tune  # noqa: F401
    from sparcom_nb.nait import contest  # noqa: F401
    from sparcom_nb.view.html import render  # noqa: F401

    names = ("tiny-dense/base", "tiny-moe/base")
    loaded = {name: models.load_model(name, "cpu") for name in names}
    models.load_model = lambda name, device: loaded[name]  # type: ignore


# ---------------------------------------------------------------- runs


def run(command, data: Path, folder: Path, kill_at: int, shared: Path) -> tuple[int, str]:
    """Run a command in a child; return how it ended (minus the signal) and what it said."""
    folder.mkdir(parents=True, exist_ok=True)
    said = shared.with_suffix(".said")
    child = os.fork()
    if child == 0:
        os.setsid()
        output = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        shared.write_bytes(struct.pack(SHARED, 0, 0, kill_at, os.getpid(), str(folder).encode()))
        os.environ["ATTACK_FILE"] = str(shared)
        ctypes.CDLL(None).attack_map()
        code = 0
        try:
            command(data, folder)
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            import traceback

            traceback.print_exc()
            code = 99
        sys.stdout.flush()
        os._exit(code)
    deadline = time.monotonic() + SECONDS
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return 124, f"stuck for {SECONDS} s"
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")[-500:]


def content(folder: Path) -> dict[str, object]:
    """Every file's bytes; of manifests all but the times, and what depends on them."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): timeless(path) for path in found}


def timeless(path: Path) -> object:
    if path.suffix == ".html":
        return CLOCKS.sub(b"", path.read_bytes())
    if not path.name.endswith("manifest.json"):
        return path.read_bytes()
    said = json.loads(path.read_text())
    run = {key: value for key, value in said.get("run", {}).items() if key not in TIMES}
    return {key: said[key] for key in said if key not in TIMES} | {"run": run}


#: What a manifest says of times, and what depends on that; the same in a page.
TIMES = ("seconds", "minutes", "finished", "sha256")
CLOCKS = re.compile(rb"[\d.]+ s\b|[\d-]+ [\d:]+ UTC|[0-9a-f]{64}")


def attack(name: str, data: Path, folder: Path, sample: str) -> dict[str, object]:
    """Kill one command at its points and compare."""
    command, shared = (COMMANDS | TWIN)[name], folder / "shared"
    code, said = run(command, data, folder / "0", 0, shared)
    if code:
        raise SystemExit(f"{name}: {said}")
    count, openings, *_ = struct.unpack(SHARED, shared.read_bytes())
    expected, points = content(folder / "0"), range(1, count + 1)
    drawn = random.Random(os.environ.get("SPARCOM_ATTACK_SEED", name))
    chosen = points if sample == "all" else sorted(drawn.sample(points, min(int(sample), count)))
    told = {"events": count - openings, "points": count, "killed": 0, "equal": 0, "wrong": []}
    for point in chosen:
        place = folder / str(point)
        killed, said = run(command, data, place, point, shared)
        told["killed"] += killed == -signal.SIGKILL
        code, said = run(command, data, place, 0, shared)
        found = content(place)
        if code == 0 and found == expected:
            told["equal"] += 1
        else:
            names = [n for n in expected | found if expected.get(n) != found.get(n)]
            told["wrong"].append({"point": point, "code": code, "differ": names[:5], "said": said})
        shutil.rmtree(place)
    return told


def main() -> None:
    """Attack the commands that are named, or all."""
    folder, sample, names = Path(sys.argv[1]), sys.argv[2], sys.argv[3:] or list(COMMANDS)
    if names != list(TWIN):
        prepare()
    told = {}
    for name in names:
        began, place = time.monotonic(), folder / name.replace(", ", "-")
        place.mkdir()
        told[name] = attack(name, rows(place), place, sample)
        told[name]["seconds"] = round(time.monotonic() - began)
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    preloaded() if "events.so" not in os.environ.get("LD_PRELOAD", "") else main()
