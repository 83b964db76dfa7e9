"""The HTML report of a thousand functions in a real browser: fast, sortable, accessible, closed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_scorer import AXES
from playwright.sync_api import Browser, Page, sync_playwright
from tools import ROOT, tool

from review_core.findings import percent
from review_core.renderers.html import render_html
from review_core.types import (
    AxisScore,
    Cause,
    ChangedFunction,
    Finding,
    Function,
    FunctionKind,
    FunctionReview,
    Hunk,
    LineRange,
    Report,
    Verdict,
)

PICTURES = Path(os.environ.get("THEMIS_ARTIFACTS", ROOT / ".artifacts")) / "html"
COUNT = 1000
PATIENCE = 20_000
"""Milliseconds that anything in the page may take, on a busy machine."""
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</code><script>document.title = 'taken'</script>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "&lt;b&gt;bold&lt;/b&gt;",
    "\u202egpj.exe",
    "名前" * 40,
    "Very.long.qualified." + "a" * 200,
)


def large_report(report: Report) -> Report:
    """A thousand functions with verdicts here and there, and names that would like to be markup."""
    rng = random.Random(0)
    reviews, findings = [], []
    for at in range(COUNT):
        name = HOSTILE[at] if at < len(HOSTILE) else f"Service{at % 40}.operation_{at}"
        path = f"services/s{at % 25}/module{at // 25}.py"
        start = 10 + 7 * (at % 30)
        base, head = (
            Function(
                name,
                FunctionKind.METHOD,
                f"def operation(self, rows):\n    total = {at}\n    return {kind}(rows, total)",
                (LineRange(start, start + 2),),
            )
            for kind in ("sum", "combine")
        )
        function = ChangedFunction(path, "Python", base, head, (Hunk(start + 2, 1, start + 2, 1),))
        scores = {}
        for axis, criteria in AXES.items():
            preference = rng.choice((rng.random() * 0.08, 0.95, *[rng.uniform(0.2, 0.8)] * 20))
            verdict = Verdict.WORSE if preference < 0.1 else Verdict.UNSURE
            verdict = Verdict.BETTER if preference > 0.9 else verdict
            scores[axis] = AxisScore(axis, criteria[0], 0.0, preference, verdict)
            if verdict is Verdict.WORSE:
                findings.append(
                    Finding(
                        id=f"{len(findings):016x}",
                        path=path,
                        start_line=start + 2,
                        end_line=start + 2,
                        axis=axis,
                        criterion=criteria[0],
                        preference=preference,
                        margin=-2.0,
                        function=name,
                        message=f"{axis}: likely worse than base, "
                        f"P(worse) {percent(1 - preference)}",
                        causes=(Cause(start + 2, start + 2, 0.6, 0.2),) * 2 if at % 3 else (),
                    )
                )
        is_new = at % 50 == 49
        reviews.append(
            FunctionReview(function, {} if is_new else scores, "new" if is_new else None)
        )
    known = {(each.function.path, each.function.name) for each in reviews if each.scores}
    return replace(
        report,
        functions=tuple(reviews),
        findings=tuple(each for each in findings if (each.path, each.function) in known),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # Root, as CI runs, has no sandbox; and nothing is asked of the network.
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


class Visit:
    """The page, opened; what it asked for and what it complained about."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        # What the tests themselves put into the page is not what its policy is about.
        context = {"viewport": {"width": 1280, "height": 900}, "bypass_csp": False} | context
        self._context = browser.new_context(**context)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.goto(file.as_uri())

    def picture(self, name: str, **how: Any) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", **how)

    def column(self, index: int) -> list[float]:
        """What the rows that are seen sort by, from the top."""
        found: list[float] = self.page.evaluate(
            "index => Array.from(document.querySelectorAll('#table tbody tr:not([hidden])'),"
            " row => Number(row.cells[index].dataset.sort))",
            index,
        )
        return found

    def shown(self) -> int:
        return self.page.locator("#table tbody tr:not([hidden])").count()

    def milliseconds(self) -> tuple[float, float]:
        """From the request to the end of the document, and to the first that is painted."""
        self.page.wait_for_function(
            "performance.getEntriesByName('first-contentful-paint').length > 0"
        )
        ready, paint = self.page.evaluate(
            "() => [performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd,"
            " performance.getEntriesByName('first-contentful-paint')[0].startTime]"
        )
        return ready, paint

    def close(self) -> None:
        self._context.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("html") / "report.html"


@pytest.fixture
def visit(browser: Browser, page_file: Path, report: Report) -> Iterator[Visit]:
    if not page_file.exists():
        page_file.write_text(render_html(large_report(report)), "utf-8")
    found = Visit(browser, page_file)
    yield found
    found.close()


def test_the_page_asks_for_nothing_and_complains_of_nothing(visit: Visit, page_file: Path) -> None:
    visit.page.locator("#find").fill("operation_5")
    visit.page.get_by_role("button", name="security").click()
    assert visit.asked == [page_file.as_uri()]
    assert visit.complaints == []


def test_names_that_are_markup_are_names(visit: Visit) -> None:
    assert visit.page.title().startswith("Themis: ")
    assert visit.page.locator("body img, #table svg, body script").count() == 1  # its own script
    names = visit.page.locator("#table tbody th code").all_inner_texts()[: len(HOSTILE)]
    assert names[0] == HOSTILE[0]
    assert names[1] == HOSTILE[1]
    assert names[6] == "\\u202egpj.exe"
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1280, "a long name widens the page"


def test_a_click_sorts_the_worst_first_and_the_next_one_last(visit: Visit) -> None:
    for index, axis in enumerate(AXES, 1):
        button = visit.page.get_by_role("button", name=axis.value, exact=True)
        button.click()
        head = visit.page.locator("#table thead th").nth(index)
        assert head.get_attribute("aria-sort") == "ascending"
        found = visit.column(index)
        assert found == sorted(found)
        assert found[0] < 0
        button.click()
        assert head.get_attribute("aria-sort") == "descending"
        assert visit.column(index) == sorted(found, reverse=True)
        assert visit.page.locator("#table [aria-sort]").count() == 1


def test_the_keyboard_alone_sorts_filters_and_reaches_every_part(visit: Visit) -> None:
    page = visit.page
    page.locator("#find").focus()
    page.keyboard.type("operation_77")
    assert visit.shown() == 11  # 77 and 770 to 779
    assert page.locator("#count").inner_text() == "11 of 1000"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    spoken = visit.shown()
    assert 0 < spoken < 11
    page.keyboard.press("Space")
    page.keyboard.press("Tab")  # the table, which scrolls
    page.keyboard.press("Tab")  # the first column's button
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "correctness"
    page.keyboard.press("Enter")
    assert visit.column(1) == sorted(visit.column(1))
    assert page.evaluate("document.activeElement.textContent") == "correctness"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_what_is_not_there_is_said(visit: Visit) -> None:
    visit.page.locator("#find").fill("no such function")
    assert visit.shown() == 0
    assert visit.page.locator("#count").inner_text() == "0 of 1000"


def brightness(page: Page, selector: str, what: str) -> float:
    colour = page.evaluate(
        "([selector, what]) => getComputedStyle(document.querySelector(selector))[what]",
        [selector, what],
    )
    red, green, blue = (int(part.strip(" )")) for part in colour.split("(")[1].split(",")[:3])
    return (red + green + blue) / 765


def axe(page: Page, source: Path) -> list[str]:
    """What axe-core finds wrong, a line each. The page's policy forbids scripts of others."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": source.read_text("utf-8")})
    found = page.evaluate(
        "axe.run({resultTypes: ['violations']}).then(found => found.violations.map(each =>"
        " `${each.id}: ${each.help} (${each.nodes.length}, ${each.nodes[0].html.slice(0, 200)})`))"
    )
    return list(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_are_accessible(
    browser: Browser, page_file: Path, report: Report, scheme: str
) -> None:
    """By the rules of axe-core; on few functions, since it looks at each cell."""
    script = tool("axe.min.js")
    large = large_report(report)
    few = replace(large, functions=large.functions[:60])
    few = replace(
        few,
        findings=tuple(
            each
            for each in large.findings
            if any(each.function == one.function.name for one in few.functions)
        ),
    )
    file = page_file.with_name(f"{scheme}.html")
    file.write_text(render_html(few), "utf-8")
    visit = Visit(browser, file, color_scheme=scheme)
    ground = brightness(visit.page, "body", "backgroundColor")
    ink = brightness(visit.page, "body", "color")
    assert (ground > 0.9 > 0.4 > ink) if scheme == "light" else (ground < 0.15 < 0.6 < ink)
    visit.page.get_by_role("button", name="security", exact=True).click()
    visit.page.locator("details").first.click()
    visit.picture(f"report-{scheme}")
    assert axe(visit.page, script) == []
    visit.page.locator("#functions").scroll_into_view_if_needed()
    visit.page.evaluate("document.querySelector('#functions').scrollIntoView()")
    visit.picture(f"functions-{scheme}")
    assert visit.complaints == []
    visit.close()


def test_a_telephone_shows_it_without_scrolling_sideways(
    browser: Browser, page_file: Path, visit: Visit
) -> None:
    small = Visit(browser, page_file, viewport={"width": 390, "height": 844})
    assert small.page.evaluate("document.documentElement.scrollWidth") <= 390
    small.picture("telephone")
    small.page.evaluate("document.querySelector('#functions').scrollIntoView()")
    small.picture("telephone-functions")
    small.close()


def test_a_thousand_functions_open_about_as_fast_as_a_plain_page_of_that_size(
    browser: Browser, page_file: Path, visit: Visit
) -> None:
    """The plain page has as many bytes, as paragraphs of text. Open is what is read to its end and
    painted; which comes first the browser decides anew each time. The better of three openings
    each, in turns, since tests run side by side.
    """
    size = page_file.stat().st_size
    plain = page_file.with_name("plain.html")
    line = f"<p>{'word ' * 40}</p>\n"
    plain.write_text(f"<!doctype html><title>plain</title>{line * (size // len(line))}", "utf-8")
    took: dict[Path, list[float]] = {page_file: [], plain: []}
    for _ in range(3):
        for file, found in took.items():
            opened = Visit(browser, file)
            found.append(max(opened.milliseconds()))
            opened.close()
    ours, theirs = min(took[page_file]), min(took[plain])
    assert ours < 5 * theirs, f"{ours:.0f} ms, and {theirs:.0f} ms the plain page"
