"""The HTML page: complete, closed to foreign text, and without any network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from review_core.renderers.html import render_html
from review_core.types import Axis, Cause, Report

_VOID = {"meta", "input"}


class Page(HTMLParser):
    """What is on a page: the text of each element, by tag; attributes; whether all is closed."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(source)
        self.close()
        assert self.open == [], "elements that nothing closes"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def policy(self) -> str:
        return next(
            str(given["content"])
            for tag, given in self.tags
            if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy"
        )


def test_the_page_has_findings_every_function_and_what_else_there_is(report: Report) -> None:
    page = Page(render_html(report))
    assert page.texts["h1"] == ["2 findings"]
    assert [text.strip() for text in page.texts["h3"]] == ["Cart.total", "sign_in"]
    names = [text.strip().split("\n")[0] for text in page.texts["th"]]
    for review in report.functions:
        assert any(name.startswith(review.function.name) for name in names)
    remarks = " ".join(page.texts["li"])
    assert "ignored by the comment at line 79" in remarks
    assert "2 files, generated file" in remarks
    assert "worse 93 %" in page.texts["td"]
    assert "better 98 %" in page.texts["td"]


def test_an_unsure_cell_says_why_and_shows_no_number_as_a_verdict(report: Report) -> None:
    page = Page(render_html(report))
    cells = [given for tag, given in page.tags if tag == "td" and given.get("class") == "unsure"]
    assert any("leans on comments" in (given.get("title") or "") for given in cells)


def test_the_worst_sorts_first_then_what_is_unsure_then_better_then_what_has_no_score(
    report: Report,
) -> None:
    """Cells sort by P(better), a verdict worse 1 below and better 1 above, no score 2."""
    page = Page(render_html(report))
    by_verdict: dict[str, set[float]] = {}
    for tag, given in page.tags:
        if tag == "td" and given.get("data-sort"):
            by_verdict.setdefault(str(given["class"]), set()).add(float(str(given["data-sort"])))
    order = ["worse", "unsure", "better", "none"]
    for first, second in pairwise(order):
        assert max(by_verdict[first]) < min(by_verdict[second])


def test_the_policy_allows_the_page_its_own_style_and_script_and_nothing_else(
    report: Report,
) -> None:
    source = render_html(report)
    page = Page(source)
    policy = page.policy()
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\bon[a-z]+=|style=", source)


@pytest.mark.parametrize(
    "text",
    [
        "</td></table><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }}{% raw %}",
        "<!--",
        "</style><script>",
        "&lt;b&gt;",
    ],
)
def test_foreign_text_stays_text(report: Report, text: str) -> None:
    review = report.functions[0]
    head = review.function.head
    assert head is not None
    hostile = replace(head, name=text, text=head.text.replace("return self.sum", text))
    function = replace(review.function, path=text, head=hostile)
    functions = (replace(review, function=function, note=text), *report.functions[1:])
    finding = replace(report.findings[0], path=text, function=text, message=f"correctness {text}")
    page = Page(
        render_html(
            replace(
                report,
                base=text,
                intent=text,
                functions=functions,
                findings=(finding, *report.findings[1:]),
                notices=(text,),
            )
        )
    )
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [tag for tag, _ in page.tags].count("style") == 1
    assert not any(tag in ("img", "b") for tag, _ in page.tags)
    links = [given["href"] for tag, given in page.tags if tag == "a"]
    assert links == ["#findings", "#functions"]
    assert not any(name.startswith("on") for _, given in page.tags for name in given)
    assert text in page.texts["li"][-1]
    assert any(text in each for each in page.texts["pre"])


def test_characters_that_act_are_shown_instead(report: Report) -> None:
    source = render_html(replace(report, intent="safe\u202egpj.exe"))
    assert "safe\\u202egpj.exe" in source
    assert "\u202e" not in source


def test_a_finding_says_which_part_it_is(report: Report) -> None:
    causes = (Cause(14, 15, 0.6, None), Cause(13, 13, 0.1, 0.45))
    finding = replace(report.findings[0], causes=causes)
    page = Page(render_html(replace(report, findings=(finding,))))
    assert page.texts["li"][:2] == [
        "lines 14-15: P(worse) 40 % without",
        "line 13: P(worse) 90 % without, 55 % with nothing else",
    ]


def test_the_same_report_gives_the_same_bytes(report: Report) -> None:
    changed = replace(report.statistics, seconds=99.0)
    assert render_html(replace(report, statistics=changed)) == render_html(report)


def test_a_change_without_functions_is_a_page_too(report: Report) -> None:
    empty = replace(report, functions=(), findings=(), withheld=(), skipped=(), notices=())
    page = Page(render_html(empty))
    assert page.texts["h1"] == ["No findings"]
    assert "table" not in page.texts


def test_axes_that_one_criterion_serves_are_one_column(report: Report) -> None:
    def shared(review):  # type: ignore[no-untyped-def]
        scores = dict(review.scores)
        if scores:
            scores[Axis.MAINTAINABILITY] = replace(
                scores[Axis.READABILITY], axis=Axis.MAINTAINABILITY
            )
        return replace(review, scores=scores)

    functions = tuple(shared(each) for each in report.functions)
    page = Page(render_html(replace(report, functions=functions)))
    assert "readability, maintainability" in page.texts["th"]


def test_ids_are_unique_though_two_findings_are_alike(report: Report) -> None:
    source = render_html(report)
    ids = re.findall(r'id="([^"]+)"', source)
    assert len(ids) == len(set(ids))
