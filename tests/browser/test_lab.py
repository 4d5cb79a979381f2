"""The slider of notebook 12 in a real JupyterLab, moved by a real browser."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from sparcom_nb.files import shipped


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chromium):
    """Address of a JupyterLab on this machine that serves a copy of notebook 12, made small."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.read(shipped("notebooks") / "12_identify_neurons.ipynb", as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = re.sub(r"LIMIT = \d+", "LIMIT = 60", cell.source)
    nbformat.write(notebook, folder / "12.ipynb")
    options = [
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        "--ServerApp.password=",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
    ]
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", *options]
    home = {
        "HOME": str(folder),
        "HF_HUB_OFFLINE": "1",
        "JUPYTER_CONFIG_DIR": str(folder / ".jupyter"),
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env=os.environ | home, stderr=log, stdout=log)
    try:
        yield _address(folder / "log")
    finally:
        server.terminate()
        server.wait(20)


def _address(log: Path) -> str:
    for _ in range(240):
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab", log.read_text()):
            urllib.request.urlopen(found[0], timeout=30).read()
            return found[0]
        time.sleep(0.5)
    raise AssertionError(log.read_text()[-2000:])


def test_the_slider_changes_the_picture(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{lab}/tree/12.ipynb", timeout=120_000)
    page.get_by_role("menuitem", name="Run", exact=True).click(timeout=120_000)
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    picture = page.locator(".widget-html img").last
    picture.wait_for(state="attached", timeout=300_000)
    handle = page.locator(".widget-slider .noUi-handle").last
    handle.scroll_into_view_if_needed()
    before = picture.get_attribute("src")
    handle.focus()
    milliseconds = page.evaluate(_TIMED)
    assert picture.get_attribute("src") != before
    assert "Overlaps for the top" in (picture.get_attribute("alt") or "")
    assert milliseconds < 1000, "200 ms is the target; this machine may be busy"
    if screenshot := os.environ.get("LAB_SCREENSHOT"):
        page.screenshot(path=screenshot)
    page.close()


_TIMED = """async () => {
  const picture = () => [...document.querySelectorAll('.widget-html img')].at(-1)?.src;
  const handle = document.activeElement;
  const before = picture(), began = performance.now();
  handle.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', keyCode: 39, bubbles: true}));
  while (picture() === before && performance.now() - began < 20000)
    await new Promise(done => setTimeout(done, 5));
  return performance.now() - began;
}"""
