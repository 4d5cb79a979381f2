"""Ctrl-C: one ends every command at once, with all that it started."""

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import sparcom_nb as sn

LINE = "sparcom-nb: stopped; the same command goes on from here"
#: The command line with notebooks of the test, and with a file that says when the program is that far.
PROGRAM = """
import sys
from pathlib import Path
sys.argv = ["sparcom-nb", *sys.argv[1:]]
from sparcom_nb import cli
{before}
cli.main()
"""
NOTEBOOKS = "from sparcom_nb import jobs; jobs.notebooks_folder = lambda: Path({!r})"


def begin(*arguments, before=""):
    """A command in a group of its own, as from a terminal."""
    program = PROGRAM.format(before=before)
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def wait_for(found, seconds=60):
    """Wait until a function finds something."""
    until = time.monotonic() + seconds
    while not found() and time.monotonic() < until:
        time.sleep(0.05)
    assert found()


def end(process, number=signal.SIGINT, send=os.killpg):
    """Send a signal; what the process said, and what is left of its children, after at most 5 s."""
    children = psutil.Process(process.pid).children(recursive=True)
    send(process.pid, number)
    try:
        said = process.communicate(timeout=5)[0]
    finally:
        process.kill()
    _, left = psutil.wait_procs(children, timeout=1)
    return said, [child for child in left if child.status() != psutil.STATUS_ZOMBIE], len(children)


def sleepers(folder):
    """Two notebooks that begin a process each, say that they are at work, and wait."""
    for name in ("10_a", "20_b"):
        code = f"""
            import pathlib, subprocess, sys, time
            child = [sys.executable, "-c", "import time; time.sleep(300)"]
            waiting = not pathlib.Path(r"{folder}", "go").exists()
            waiting and subprocess.Popen(child)
            pathlib.Path(r"{folder}", "{name}.begun").touch()
            waiting and time.sleep(300)"""
        parameters = new_code_cell(
            'PAIR = "tiny-dense"\nOUT = "x"', metadata={"tags": ["parameters"]}
        )
        cells = [new_markdown_cell("# A\n\n## Waiting"), new_code_cell(textwrap.dedent(code))]
        nbformat.write(new_notebook(cells=[parameters, *cells]), folder / f"{name}.ipynb")


@pytest.fixture
def report(tmp_path):
    """Begin a report of the two notebooks; it is at work on both."""
    sleepers(tmp_path)
    before = NOTEBOOKS.format(str(tmp_path))

    def begun(wait=True):
        process = begin("report", "--jobs", 2, "--out", tmp_path / "out", before=before)
        if wait:
            wait_for(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
        return process

    return begun


def test_ctrl_c_ends_a_report_with_two_notebooks_at_work(report, tmp_path):
    process = report()
    said, left, children = end(process)
    assert process.returncode == 130 and said.strip().endswith(LINE)
    assert children >= 4 and left == [] and "KeyboardInterrupt" not in said

    (tmp_path / "go").touch()
    process = report(wait=False)
    assert process.communicate(timeout=120)[0].count("  ok") == 2 and process.returncode == 0
    assert len(list(tmp_path.glob("out/tiny-dense/*.html"))) == 2


def test_kernels_of_a_killed_report_end_by_themselves(report):
    process = report()
    kernels = psutil.Process(process.pid).children()
    process.kill()
    assert len(kernels) == 2 and psutil.wait_procs(kernels, timeout=10)[1] == []


IDENTIFY = ["identify", "--model", "tiny-dense/instruct", "--data", "miniworld"]


def test_ctrl_c_ends_identify_while_it_loads(tmp_path):
    process = begin(*IDENTIFY, "--out", tmp_path / "out")
    wait_for(lambda: "torch" in open_files(process))
    said, left, _ = end(process, send=os.kill)
    assert process.returncode == 130 and said == LINE + "\n" and left == []


def open_files(process):
    """Names of the libraries that a process has loaded so far."""
    return " ".join(one.path for one in psutil.Process(process.pid).memory_maps())


def test_ctrl_c_ends_select_at_work(tmp_path):
    data = sn.load_instructions("miniworld")
    for name, rows in (("target", data[:20]), ("pool", data[20:])):
        rows.to_json(tmp_path / f"{name}.jsonl", orient="records", lines=True)
    files = [
        part for name in ("target", "pool") for part in (f"--{name}", tmp_path / f"{name}.jsonl")
    ]
    model = ["--model", "tiny-dense/base", "--ratio", 0.1, "--out", tmp_path / "o.jsonl"]
    process = begin("select", *files, *model)
    wait_for(lambda: psutil.Process(process.pid).memory_info().rss > 6e8)  # torch and model are in
    said, left, _ = end(process)
    assert process.returncode == 130 and said.endswith(LINE + "\n") and left == []


def test_asked_to_end_it_does_the_same(tmp_path):
    child = "import subprocess; subprocess.Popen(['sleep', '300'])"
    process = begin(
        "models", before=f'{child}; Path(r"{tmp_path}", "x").touch(); cli.stop.time.sleep(60)'
    )
    wait_for((tmp_path / "x").exists)
    said, left, children = end(process, signal.SIGTERM, os.kill)
    assert (process.returncode, said, children, left) == (143, LINE + "\n", 1, [])


C_CODE = "import numpy as np; np.linalg.svd(np.random.default_rng(0).random((4000, 4000)))"


def test_ctrl_c_ends_what_is_in_c_code(tmp_path):
    process = begin("models", before=f'Path(r"{tmp_path}", "there").touch(); {C_CODE}')
    wait_for((tmp_path / "there").exists)
    time.sleep(1.5)
    said, _, _ = end(process)
    assert process.returncode == 130 and said == LINE + "\n"


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    hanging = (
        "from sparcom_nb import stop; import time; stop._end_children = lambda: time.sleep(60)"
    )
    process = begin("models", before=f'{hanging}; Path(r"{tmp_path}", "x").touch(); time.sleep(60)')
    wait_for((tmp_path / "x").exists)
    os.kill(process.pid, signal.SIGINT)
    assert process.stdout.readline() == LINE + "\n"
    said, _, _ = end(process, send=os.kill)
    assert process.returncode == 130 and said == ""


def test_importing_the_command_line_changes_nothing():
    before = signal.getsignal(signal.SIGINT)
    from sparcom_nb import cli

    importlib.reload(cli)
    assert signal.getsignal(signal.SIGINT) is before
    assert Path(sys.argv[0]).stem != "sparcom-nb"


def test_ctrl_c_of_the_package_run_as_a_module(tmp_path):
    command = [sys.executable, "-m", "sparcom_nb", *IDENTIFY, "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    wait_for(lambda: "torch" in open_files(process))
    said, left, _ = end(process)
    assert process.returncode == 130 and said == LINE + "\n" and left == []
