"""JSON and Markdown, over the report of conftest.py."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema
import pytest

from review_core.renderers.json import render_json, report_to_json
from review_core.renderers.markdown import render_markdown
from review_core.renderers.markup import code, escaped
from review_core.renderers.view import columns, excerpt, shared_findings, visible
from review_core.types import (
    Axis,
    BundleIdentity,
    ChangedFunction,
    Function,
    FunctionKind,
    LineRange,
    Report,
    Skipped,
)


def schema() -> dict[str, Any]:
    text = resources.files("review_core").joinpath("schemas/report.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


# --- JSON -----------------------------------------------------------------------------------------


def test_json_is_what_the_shipped_schema_says(report: Report) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(render_json(report)), schema())


def test_the_schema_allows_nothing_that_json_does_not_have(report: Report) -> None:
    """Every key that may be there is there: a field that is dropped fails here."""
    document = report_to_json(report)
    defs = schema()["$defs"]
    assert [*document] == [*schema()["properties"]]
    assert [*document["functions"][0]] == [*defs["function"]["properties"]]
    assert [*document["functions"][0]["axes"]["security"]] == [*defs["score"]["properties"]]
    assert [*document["functions"][0]["hunks"][0]] == [*defs["hunk"]["properties"]]
    assert [*document["findings"][0]] == [*defs["finding"]["properties"]]
    assert [*document["withheld"][0]] == [*defs["withheld"]["properties"]]


def test_the_same_report_gives_the_same_bytes_and_only_stats_may_differ(report: Report) -> None:
    slower = replace(report, statistics=replace(report.statistics, seconds=99.0, cache_hits=7))
    assert render_json(report) == render_json(replace(report))
    first, second = json.loads(render_json(report)), json.loads(render_json(slower))
    assert [*first][-1] == "stats"
    assert first.pop("stats") != second.pop("stats")
    assert first == second


def test_margins_have_four_decimals_and_preferences_three(report: Report) -> None:
    review = report.functions[0]
    score = replace(review.scores[Axis.SECURITY], margin=-0.00001, preference=0.123456)
    changed = replace(review, scores={Axis.SECURITY: score})
    text = render_json(replace(report, functions=(changed,)))
    assert '"margin": 0.0,' in text  # not -0.0
    assert '"preference": 0.123,' in text


def test_json_is_ascii_whatever_the_paths_are(report: Report) -> None:
    odd = replace(report, intent="naïve \u202e", skipped=(Skipped("caf\udce9.py", "binary"),))
    text = render_json(odd)
    assert text.isascii()
    assert json.loads(text)["skipped"][0]["path"] == "caf\udce9.py"


# --- what renderers for people share --------------------------------------------------------------


def shared(report: Report) -> Report:
    """The report as a model would make it whose readability and maintainability are one."""

    def merged(review: Any) -> Any:
        scores = dict(review.scores)
        if scores:
            scores[Axis.MAINTAINABILITY] = replace(
                scores[Axis.READABILITY], axis=Axis.MAINTAINABILITY
            )
        return replace(review, scores=scores)

    finding = report.findings[0]
    both = tuple(
        replace(finding, axis=axis, criterion="RM", message=f"{axis}: likely worse")
        for axis in (Axis.READABILITY, Axis.MAINTAINABILITY)
    )
    functions = tuple(merged(each) for each in report.functions)
    return replace(report, functions=functions, findings=(*both, report.findings[1]))


def test_axes_that_one_criterion_serves_are_one_column_and_one_finding(report: Report) -> None:
    assert len(columns(report)) == 5
    assert (Axis.READABILITY, Axis.MAINTAINABILITY) in columns(shared(report))
    assert len(columns(shared(report))) == 4
    first, second = shared_findings(shared(report))
    assert first.message == "readability, maintainability: likely worse"
    assert second.axes == (Axis.SECURITY,)


def changed(base: str, head: str, *head_spans: LineRange) -> ChangedFunction:
    def side(text: str, *spans: LineRange) -> Function:
        whole = LineRange(10, 10 + text.count("\n"))
        return Function("f", FunctionKind.FUNCTION, text, spans or (whole,))

    return ChangedFunction("a.py", "Python", side(base), side(head, *head_spans))


def test_an_excerpt_has_the_lines_of_both_sides_with_their_numbers() -> None:
    lines = [(line.sign, line.number, line.text) for line in excerpt(changed("a\nb\nc", "a\nB\nc"))]
    assert lines == [("-", 11, "b"), ("+", 11, "B")]


def test_the_lines_of_a_class_body_keep_the_numbers_they_have_in_the_file() -> None:
    """Head stands on 10-11 and 30-31; the text joins the two with an empty line."""
    spans = LineRange(10, 11), LineRange(30, 31)
    lines = list(excerpt(changed("a\nb\n\nc\nd", "a\nb\n\nc\nD", *spans)))
    assert [(line.sign, line.number) for line in lines] == [("-", 14), ("+", 31)]


def test_a_long_excerpt_shows_both_sides_and_counts_the_rest() -> None:
    """40 lines became 40: four of each, 72 left."""
    base, head = ("\n".join(f"{side}{n}" for n in range(40)) for side in "xy")
    lines = list(excerpt(changed(base, head)))
    assert [line.sign for line in lines] == ["-"] * 4 + ["+"] * 4 + ["…"]
    assert lines[-1].text == "72 more changed lines"


def test_one_short_side_leaves_its_room_to_the_other() -> None:
    base = "\n".join(f"x{n}" for n in range(40))
    assert [line.sign for line in excerpt(changed(base, "y"))] == ["-"] * 7 + ["+", "…"]
    assert [line.sign for line in excerpt(changed("y", base))] == ["-"] + ["+"] * 7 + ["…"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcödé 字 🎉\t.", "plain ünïcödé 字 🎉\t."),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\u202eb", r"a\u202eb"),
        ("a\u200bb", r"a\u200bb"),
        ("a\nb", r"a\nb"),
        ("a\udce9b", r"a\udce9b"),
        ("a\U000e0041b", r"a\U000e0041b"),
        ("a\u2028b", r"a\u2028b"),
    ],
)
def test_characters_that_act_are_shown_instead(text: str, shown: str) -> None:
    assert visible(text) == shown


# --- Markdown -------------------------------------------------------------------------------------


def test_markdown_has_findings_a_table_and_what_else_there_is(report: Report) -> None:
    text = render_markdown(report)
    assert text.startswith("### Themis: 2 findings\n\n`0123456789ab` → `working tree`: Speed up")
    assert (
        "- `Cart.total` at `shop/cart.py:13`\n"
        "  - **correctness: likely worse than base, P(worse) 93 %**\n"
    ) in text
    assert "  -    if not self.items:\n  +    if self.items is None:\n" in text
    assert "| <code>sign\\_in</code><br><code>shop/login.py</code> |  | 🔺 better 92 % |" in text
    assert "- withheld: `shop/login.py:81` security, ignored by the comment at line 79" in text
    assert "- skipped: 2 files, generated file" in text
    assert text.endswith(
        "<sub>6 of 9 changed functions without a verdict · fake (abababab)</sub>\n"
    )


def test_markdown_of_a_change_without_functions_is_short(report: Report) -> None:
    empty = replace(
        report, functions=(), findings=(), withheld=(), skipped=(), notices=(), intent=None
    )
    assert "no findings" in render_markdown(empty)
    assert "|" not in render_markdown(empty)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<img src=x onerror=1>", "&lt;img src=x onerror=1&gt;"),
        ("a | b", "a \\| b"),
        ("`code` *bold* _it_ ~s~", "\\`code\\` \\*bold\\* \\_it\\_ \\~s\\~"),
        ("[text](https://x.y)", "\\[text\\](https\u200b://x.y)"),
        ("cc @someone", "cc @\u200bsomeone"),
        ("@org/team", "@\u200borg/team"),
        ("fixes #12 and GH-3", "fixes #\u200b12 and GH-\u200b3"),
        ("see www.example.com", "see www\u200b.example.com"),
        ("# heading", "\\# heading"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("one\ntwo\r\n\r\nthree", "one two three"),
        ("a\u202eb", "a\\\\u202eb"),
        ("&lt;", "&amp;lt;"),
        ("$x$", "\\$x\\$"),
        ("\\", "\\\\"),
    ],
)
def test_foreign_text_stays_text(text: str, safe: str) -> None:
    assert escaped(text) == safe


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``a", "``` ``a ```"),
        ("a\nb", "`a b`"),
        ("\u202e", "`\\u202e`"),
    ],
)
def test_a_code_span_cannot_be_left(text: str, span: str) -> None:
    assert code(text) == span


def test_hostile_names_and_code_stay_inside_their_places(report: Report) -> None:
    review = report.functions[0]
    head = review.function.head
    assert head is not None
    hostile = replace(head, text="def x():\n````\n@everyone</details>\n")
    function = replace(review.function, path="a|`b`.py", head=hostile)
    finding = replace(report.findings[0], path="a|`b`.py")
    text = render_markdown(
        replace(
            report,
            intent="</details><script>alert(1)</script> @everyone",
            functions=(replace(review, function=function),),
            findings=(finding,),
            bundle=BundleIdentity("<b>|", "ab" * 32),
        )
    )
    outside = [line for line in text.splitlines() if not line.startswith("  ")]
    assert "<script>" not in text
    assert not any("@everyone" in line for line in outside)
    assert "  `````diff\n" in text  # longer than any run inside
    row = next(line for line in outside if line.startswith("| <code>") and "total" in line)
    assert row.count("|") - row.count("\\|") == 7
    assert "<b>" not in text


def test_markdown_shows_what_changed_in_a_function_once_however_much_is_said_of_it(
    report: Report,
) -> None:
    first = report.findings[0]
    second = replace(first, id="other", axis=Axis.SECURITY, criterion="Security_Hardness")
    again = render_markdown(replace(report, findings=(first, second, *report.findings[1:])))
    place = f"`{first.path}:{first.start_line}`"
    assert again.count(place) == render_markdown(report).count(place)
    assert again.count("```diff") == render_markdown(report).count("```diff")
    assert again.count("\n  - **") == render_markdown(report).count("\n  - **") + 1
