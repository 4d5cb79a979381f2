"""The pages in a real browser: nothing fetched, readable without a script, accessible."""

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="no playwright: pip install -e .[dev]")
from axe_playwright_python.sync_playwright import Axe

PAGES = (
    "index.html",
    "tiny-dense/00_start.html",
    "tiny-dense/12_identify.html",
    "tiny-dense/13_failing.html",
)


@pytest.fixture
def visit(browser, report):
    """Open a page of the report in a context of its own; its requests are kept on the page."""
    contexts = []

    def opened(name, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.requests_made = []
        page.on("request", lambda request: page.requests_made.append(request.url))
        page.goto((report / name).as_uri(), wait_until="load")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched(visit, name, script):
    page = visit(name, java_script_enabled=script, bypass_csp=True)
    assert [url for url in page.requests_made if not url.startswith(("file://", "data:"))] == []
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_no_serious_accessibility_violation(visit, name, width, scheme):
    page = visit(name, color_scheme=scheme, viewport={"width": width, "height": 900})
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], [n["html"][:200] for n in v["nodes"]])
        for v in found
        if v["impact"] in ("serious", "critical")
    ] == []


def test_paper_is_white_whatever_the_screen(visit):
    page = visit("tiny-dense/13_failing.html", color_scheme="dark")
    page.emulate_media(media="print")
    found = Axe().run(page).response["violations"]
    assert "color-contrast" not in [violation["id"] for violation in found]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


def test_the_checker_finds_what_is_wrong(visit):
    page = visit("index.html")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<main><img src=data:,></main>')")
    assert "image-alt" in [violation["id"] for violation in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_need_not_scroll_sideways(visit, name):
    page = visit(name, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_formulas_and_pictures_are_drawn(visit):
    page = visit("tiny-dense/12_identify.html", java_script_enabled=False)
    assert page.locator("math").count() >= 6
    assert page.locator(".bad-formula").count() == 0
    fraction = page.locator("math mfrac").first.bounding_box()
    assert fraction["height"] > 20
    assert page.locator("main table").count() == 3
    assert page.locator("main img").first.bounding_box()["width"] > 300


def test_links_between_pages_lead_somewhere(visit, report):
    for name in PAGES:
        page = visit(name)
        targets = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        local = [target.partition("#")[0] for target in targets if target.startswith("file://")]
        assert all(Path(target.removeprefix("file://")).exists() for target in local), name
