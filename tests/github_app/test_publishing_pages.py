"""What people read: the check, the summary, comments; short enough, honest, and never markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import file_of, outcome

from github_app.github.values import CheckOutput, Conclusion
from github_app.publishing.checks import (
    ACTIONS,
    ANNOTATIONS_A_REQUEST,
    annotation,
    conclusion,
    output,
    pages,
    queued,
    reading,
    scoring,
    skipped,
    title,
)
from github_app.publishing.fitting import FIELD_BYTES, MESSAGE_BYTES, fitting, shortened, size
from github_app.publishing.marks import SUMMARY
from github_app.publishing.outcome import Outcome, identified, silenced
from github_app.publishing.summary import summary_body
from github_app.publishing.wording import comment_body
from review_core.types import Axis, Cause, Report, Skipped, Withheld

TWO = outcome(file_of(f=("1", "2"), g=("1", "2"), fine=("1", "2")))
NONE = outcome(file_of(fine=("1", "2")))


def shown(of: Outcome) -> CheckOutput:
    found = identified(of)
    return output(of, found, found)


# --- conclusions ----------------------------------------------------------------------------------


def test_green_means_that_everything_was_reviewed_and_nothing_found() -> None:
    assert conclusion(NONE, ()) is Conclusion.SUCCESS


def test_findings_are_neutral_unless_one_blocks() -> None:
    assert conclusion(TWO, identified(TWO)) is Conclusion.NEUTRAL
    gated = replace(TWO, blocking=TWO.report.findings[1:])
    assert conclusion(gated, identified(gated)) is Conclusion.FAILURE


def test_nothing_reviewed_is_never_green() -> None:
    new = outcome(file_of(), replace(file_of("b.py", f="1"), base=None))
    assert conclusion(new, ()) is Conclusion.NEUTRAL
    assert title(new, ()) == "Nothing to review"


def test_a_part_left_out_is_never_green_and_is_said() -> None:
    part = replace(NONE, left_out=("b.py", "c.py"), coverage="the time was up")
    assert conclusion(part, ()) is Conclusion.NEUTRAL
    assert title(part, ()) == "No function likely worse · 1 reviewed · 2 files left out"
    assert "2 files left out this time: the time was up" in shown(part).summary
    assert "- `c.py`" in (shown(part).text or "")


def test_the_title_counts_functions() -> None:
    assert title(TWO, identified(TWO)) == "2 functions likely worse · 3 reviewed"
    assert title(NONE, ()) == "No function likely worse · 1 reviewed"


def test_an_axis_that_is_silenced_is_counted_as_withheld_and_not_shown() -> None:
    of = replace(TWO, report=silenced(TWO.report, {Axis.SECURITY: "asked for by @ada"}))
    assert identified(of) == ()
    text = shown(of).text or ""
    assert text.count("asked for by @\u200bada") == 4  # two findings, two functions
    assert "| function |" not in shown(of).summary
    assert silenced(TWO.report, {}) is TWO.report


# --- what is in the check -------------------------------------------------------------------------


def test_the_table_has_only_cells_the_model_is_sure_of(report: Report) -> None:
    of = Outcome(report, TWO.settings, {}, web_url="https://ghes.example/octo/shop")
    summary = shown(of).summary
    rows = [line for line in summary.splitlines() if line.startswith("| [<code>")]
    assert len(rows) == 3  # of nine functions
    assert not any("unsure" in row for row in rows)
    assert "blob/working%20tree/shop/cart.py#L12-L15" in rows[0]


def test_everything_that_is_not_a_finding_is_counted_and_listed(report: Report) -> None:
    page = shown(Outcome(report, TWO.settings, {}))
    assert "6 of 9 changed functions reviewed; the others: 1 new, 1 deleted, 1" in page.summary
    assert "3 files skipped: 2 generated file, 1 binary file" in page.summary
    assert "1 finding withheld: 1 ignored by the comment at line 79" in page.summary
    text = page.text or ""
    for heading in ("Findings (2)", "Withheld (1)", "Unsure (3)", "Not compared (3)"):
        assert f"### {heading}" in text
    assert "leans on comments" in text
    assert "- `logo.png`: binary file" in text


def test_what_caused_a_finding_is_told_with_it() -> None:
    cause = Cause(22, 22, without=0.6, alone=None)
    report = replace(TWO.report, findings=(replace(TWO.report.findings[0], causes=(cause,)),))
    assert "; line 22: P(worse) 40 % without" in (shown(replace(TWO, report=report)).text or "")


def test_what_a_person_resolved_is_still_listed() -> None:
    found = identified(TWO)
    page = output(TWO, found, (), dismissed=found[:1])
    assert (page.text or "").count("(resolved by a person)") == 1


def test_every_skip_has_its_reason_and_fits() -> None:
    page = skipped("a @person's <b>reason</b>\n" + "x" * 70_000)
    assert size(page.title) <= 255
    assert size(page.summary) <= FIELD_BYTES
    assert "@\u200bperson" in page.summary
    assert "<b>" not in page.summary
    for each in (queued(), reading(), scoring(3, 9), scoring(1, 1)):
        assert each.title
        assert each.summary


def test_the_buttons_keep_to_githubs_limits() -> None:
    assert len(ACTIONS) <= 3
    for each in ACTIONS:
        assert len(each.label) <= 20
        assert len(each.identifier) <= 20
        assert len(each.description) <= 40


# --- limits ---------------------------------------------------------------------------------------


def huge() -> Outcome:
    """400 findings, 400 withheld, 5,000 skipped files, names of three bytes a character."""
    name = "é字" * 40
    files = [file_of(f"{name}{n}.py", f=("1", "2"), fine=("1", "2")) for n in range(400)]
    of = outcome(*files)
    withheld = tuple(Withheld(each, f"reason {name}") for each in of.report.findings)
    gone = tuple(Skipped(f"{name}{n}.bin", f"binary {n}") for n in range(5000))
    report = replace(of.report, withheld=withheld, skipped=gone, notices=(name,) * 500)
    return replace(of, report=report, left_out=tuple(each.path for each in files))


def test_what_is_too_long_is_cut_with_the_rest_counted() -> None:
    of = huge()
    page = shown(of)
    assert size(page.summary) <= FIELD_BYTES
    assert size(page.text or "") <= FIELD_BYTES
    assert size(summary_body(of, identified(of), identified(of), 1)) <= FIELD_BYTES
    left = re.search(r"… and (\d+) more functions", page.summary)
    assert left is not None
    rows = page.summary.count("\n| <code>")
    assert rows + int(left[1]) == 400
    for noun in ("findings", "notices", "files", "functions"):
        assert re.search(rf"… and \d+ more {noun}", page.text or ""), noun


def test_annotations_go_fifty_a_request_and_are_continued_where_they_stopped() -> None:
    whole = shown(huge())
    sent = [len(page.annotations) for page in pages(whole, 0)]
    assert max(sent) == ANNOTATIONS_A_REQUEST
    assert sum(sent) == 400
    rest = [each for page in pages(whole, 350) for each in page.annotations]
    assert rest == list(whole.annotations[350:])
    assert [len(page.annotations) for page in pages(whole, 400)] == [0]
    assert [len(page.annotations) for page in pages(whole, 999)] == [0]


def test_an_annotation_is_plain_text_of_its_lines() -> None:
    (first, _) = identified(TWO)
    note = annotation(first)
    assert (note.path, note.start_line, note.end_line, note.level) == ("a.py", 22, 22, "warning")
    assert note.message == "f: security: likely worse than base, P(worse) 95 %"
    assert annotation(replace(first, blocks=True)).level == "failure"


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(40, 400))
def test_lines_that_fit_are_kept_and_the_others_counted(lines: list[str], room: int) -> None:
    kept = fitting(lines, room, "line")
    assert sum(size(line) + 1 for line in kept) <= room
    if kept != lines:
        *whole, rest = kept
        assert whole == lines[: len(whole)]
        assert rest.startswith(f"… and {len(lines) - len(whole)} more line")


@given(st.text(), st.integers(3, 50))
def test_shortened_text_fits_and_begins_the_same(text: str, room: int) -> None:
    short = shortened(text, room)
    assert size(short) <= room
    assert short == text or text.startswith(short.removesuffix("…"))


def test_an_annotations_message_fits() -> None:
    (first, _) = identified(TWO)
    finding = replace(first.shared.finding, function="x" * 100_000)
    long = replace(first, shared=replace(first.shared, finding=finding))
    assert size(annotation(long).message) <= MESSAGE_BYTES


# --- hostile text ---------------------------------------------------------------------------------

EVIL = [
    "@everyone",
    "<img src=x onerror=y>",
    "</code></details>",
    "[a](https://evil.example)",
    "![a](https://evil.example/a.png)",
    "https://evil.example",
    "`" * 5,
    "a|b",
    "\u202egnp.exe",
    "<!-- themis:summary -->",
    "fixes #1",
    "~~~",
    "*a*",
]
evil = st.lists(st.sampled_from(EVIL), min_size=1, max_size=3).map(" ".join)


def rendered(markdown: str) -> str:
    html: str = github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    return html


@settings(max_examples=80, deadline=None)
@given(evil, evil, evil)
def test_hostile_names_reasons_and_notices_stay_text(path: str, name: str, why: str) -> None:
    finding = replace(TWO.report.findings[0], path=f"{path}.py", function=name)
    review = TWO.report.functions[0]
    head = review.function.head
    assert head is not None
    function = replace(review.function, path=f"{path}.py", head=replace(head, name=name))
    report = replace(
        TWO.report,
        functions=(replace(review, function=function),),
        findings=(finding,),
        withheld=(Withheld(finding, why),),
        skipped=(Skipped(path, why),),
        notices=(why,),
    )
    of = replace(
        TWO, report=report, left_out=(path,), coverage=why, web_url="https://ours.example/r"
    )
    page = shown(of)
    (each,) = identified(of)
    texts = [
        page.summary,
        page.text or "",
        summary_body(of, [each], [each], 3),
        comment_body(each, of),
        skipped(why).summary,
    ]
    for text in texts:
        html = rendered(text)
        hrefs = re.findall(r'href="([^"]*)"', html)
        assert all(href.startswith("https://ours.example/r/") for href in hrefs), hrefs
        assert not re.search(r"<(img|script|/details|/?b>)", html)
        outside = re.sub(r"<code>.*?</code>|<[^>]*>", "", html, flags=re.DOTALL)
        assert not re.search(r"@\w|#\d|\u202e", outside)
        assert html.count("<!--") == text.startswith("<!--")


def test_the_summarys_mark_is_its_first_line_and_only_there(report: Report) -> None:
    body = summary_body(TWO, identified(TWO), (), 1)
    assert body.startswith(f"{SUMMARY}\n### Themis: 2 functions likely worse")
    calm = summary_body(NONE, (), (), 1)
    assert "no function likely worse" in calm
    assert "|" not in calm


@pytest.mark.parametrize("of", [TWO, NONE])
def test_the_same_review_gives_the_same_words(of: Outcome) -> None:
    assert shown(of) == shown(of)
    assert summary_body(of, identified(of), (), 1) == summary_body(of, identified(of), (), 1)
