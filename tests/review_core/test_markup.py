"""Hostile names, rendered as GitHub's own parser renders them, stay text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from hypothesis import example, given, settings
from hypothesis import strategies as st

from review_core.renderers.markup import code, code_cell, escaped, fenced
from review_core.renderers.view import visible

PIECES = [
    *"`~*_[](){}<>|\\!#+-.=:@&$\"' \t\r\n",
    *("```", "~~~", "---", "===", "1. ", "- ", "> ", "    ", "&lt;", "&#64;", "\u202e", "\u200b"),
    *("<img src=x onerror=y>", "<!-- themis:summary -->", "</code>", "</details>", "![a](b)"),
    *("[a](javascript:b)", "[a]: b", "https://x.yz", "1http://x.yz", "www.x.yz", "a@b.cd"),
    *("@someone", "@org/team", "fixes #12", "GH-3", "mailto:a@b.cd", "<https://x.yz>", "a", "é"),
]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join)


def rendered(markdown: str) -> str:
    """As GitHub does, before it sanitises: raw HTML is let through, so that the test can see it."""
    html: str = github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    return html


def tags(html: str) -> set[str]:
    return set(re.findall(r"<(/?\w+|!--)", html))


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).replace("\u200b", "")


@settings(max_examples=300, deadline=None)
@given(hostile)
@example("a|b\\|c")
@example("1http://x.yz")
@example("a@-b.c")
def test_an_escaped_name_is_one_paragraph_of_the_same_text(name: str) -> None:
    html = rendered(f"{escaped(name)} is worse")
    assert tags(html) == {"p", "/p"}
    shown = visible(" ".join(name.split()))
    assert text_of(html).split() == f"{shown} is worse".split()
    assert not re.search(r"@\w|#\d|(?i:https?:|www\.)", re.sub("<[^>]*>", "", html))


@settings(max_examples=300, deadline=None)
@given(hostile.filter(lambda text: "\n\n" not in text))
def test_a_code_span_holds_whatever_it_is_given(name: str) -> None:
    html = rendered(f"see {code(name)} here")
    assert tags(html) <= {"p", "/p", "code", "/code"}
    assert html.count("<code>") == 1
    assert html.startswith("<p>see <code>")
    assert html.rstrip().endswith("</code> here</p>")


@settings(max_examples=300, deadline=None)
@given(hostile, hostile)
@example("a\\|b", "|")
def test_a_cell_stays_one_cell(first: str, second: str) -> None:
    row = f"| {code_cell(first)} | {escaped(second)} |"
    html = rendered(f"| a | b |\n| - | - |\n{row}\n")
    assert html.count("<td") == 2
    allowed = {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert tags(html) <= allowed | {f"/{tag}" for tag in allowed}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(hostile, st.sampled_from(["```", "~~~~", "`````x"])).map(str.strip)))
def test_a_block_is_closed_by_its_own_fence_alone(lines: list[str]) -> None:
    flat = [line.replace("\n", " ").replace("\r", " ") for line in lines]
    html = rendered("\n".join([*fenced(flat, "diff"), "", "after"]))
    assert html.count("<pre") == 1
    assert html.rstrip().endswith("</code></pre>\n<p>after</p>")
    assert tags(html) == {"pre", "/pre", "code", "/code", "p", "/p"}


@pytest.mark.parametrize("length", [3, 4, 30])
def test_a_fence_is_longer_than_any_inside(length: int) -> None:
    assert next(iter(fenced(["`" * length], "suggestion"))) == "`" * (length + 1) + "suggestion"
