"""The real notebooks' pages in a real browser."""

import pytest

from sparcom_nb.files import shipped

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install -e .[dev]")
NAMES = sorted(path.stem for path in shipped("notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", ["index", *NAMES])
def test_page_is_self_contained_and_accessible(browser, course, name):
    page = browser.new_page(bypass_csp=True)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    (file,) = course.rglob(f"{name}.html")
    page.goto(file.resolve().as_uri(), wait_until="load")
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
    assert page.locator("img:not([alt])").count() == 0
    found = axe.Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    page.close()
