"""What a person sees, over the report of conftest.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from review_cli.output import capture
from review_cli.terminal import print_report
from review_core.types import Axis, FunctionReview, Report, Verdict


def shown(report: Report, width: int = 100, *, quiet: bool = False, encoding: str = "utf-8") -> str:
    console = Console(width=width, highlight=False, markup=False, emoji=False, legacy_windows=False)
    if encoding != "utf-8":
        # rich asks the file it writes to
        class File:
            def __init__(self) -> None:
                self.encoding = encoding

            def write(self, text: str) -> int:
                return len(text)

            def flush(self) -> None: ...

        console = Console(file=File(), width=width, highlight=False)  # type: ignore[arg-type]
    with console.capture() as captured:
        print_report(report, console, quiet=quiet)
    return captured.get()


WIDE = """\
themis 0123456789ab → working tree  Speed up the cart

               correctness  efficiency  readability  security  maintainability
shop/cart.py
  Cart.total   ▼ 93 %       ·           ▲ 98 %       ·         ·
  Cart.clear   new
  Cart.old     deleted
  Cart.shown   only comments or layout changed
  Cart.talk    ·            ·           ·            ·         ·
    correctness: leans on comments
shop/login.py
  sign_in      ·            ▲ 92 %      ·            ▼ >99 %   ·
  dump         ·            ·           ·            ▼ 93 %    ·
  broken       ·            ·           ·            ·         ·
    syntax error
native/cart.rs
  Cart::total  not scored: the model was not trained on Rust

▼ likely worse   ▲ likely better   · unsure

shop/cart.py:13  Cart.total
  ▼ correctness: likely worse than base, P(worse) 93 %  aaaaaaa
    12 -     if not self.items:
    13 +     if self.items is None:

shop/login.py:41  sign_in
  ▼ security: likely worse than base, P(worse) >99 %  bbbbbbb
    40 -     return run(QUERY, (name,))
    41 +     return run(f"SELECT * FROM users WHERE name = '{name}'")

withheld  shop/login.py:81 security: ignored by the comment at line 79
skipped   2 files: generated file
skipped   logo.png: binary file
note      shop/cart.py:9: this `themis: ignore` withholds nothing in this change

9 changed functions in 3 files · 2 findings · 1 withheld · 1.8 s · model fake (abababab)
"""


def test_the_page_is_the_page(report: Report) -> None:
    assert shown(report) == WIDE


def test_an_id_is_shown_as_far_as_it_takes_to_tell_it_from_the_others(report: Report) -> None:
    """`themis feedback` takes what is shown. The same edit made twice has ids that differ at the
    end.
    """
    first, second = report.findings
    twins = replace(first, id="c0ffee1234567890"), replace(second, id="c0ffee1234567890-2")
    page = shown(replace(report, findings=twins))
    assert "P(worse) 93 %  c0ffee1234567890\n" in page
    assert "P(worse) >99 %  c0ffee1234567890-2\n" in page


def test_quiet_leaves_one_line_a_finding_that_editors_can_follow(report: Report) -> None:
    assert shown(report, quiet=True).splitlines() == [
        "shop/cart.py:13: correctness: likely worse than base, P(worse) 93 % (Cart.total)",
        "shop/login.py:41: security: likely worse than base, P(worse) >99 % (sign_in)",
    ]
    assert shown(replace(report, findings=()), quiet=True) == ""


def test_a_middling_terminal_gets_short_titles(report: Report) -> None:
    page = shown(report, 72)
    assert "correct  efficie  readabi  securit  maintai" in page
    assert "  Cart.total   ▼ 93 %   ·        ▲ 98 %   ·        ·" in page


def test_a_narrow_terminal_gets_verdicts_one_below_the_other(report: Report) -> None:
    lines = shown(report, 40).splitlines()
    at = lines.index("  Cart.total")
    assert lines[at + 1 : at + 3] == ["    correctness ▼ 93 %", "    readability ▲ 98 %"]
    assert "  Cart.talk  ·" in lines
    assert "  Cart.clear  new" in lines


SENTENCES = ("P(worse)", "not scored", "only comments")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_table_and_excerpts_never_exceed_the_width(report: Report, width: int) -> None:
    """Sentences may: the terminal wraps them, and a cut sentence tells nothing."""
    review = report.functions[5]
    long = replace(
        report,
        functions=(
            *report.functions,
            replace(review, function=renamed(review, "Very.long.qualified." + "字" * 60)),
        ),
    )
    for line in shown(long, width).splitlines():
        if line.startswith("  ") and not any(words in line for words in SENTENCES):
            assert cell_len(line) <= width, line


def renamed(review: FunctionReview, name: str):  # type: ignore[no-untyped-def]
    function = review.function
    assert function.base and function.head
    return replace(
        function, base=replace(function.base, name=name), head=replace(function.head, name=name)
    )


def test_a_long_name_keeps_its_end(report: Report) -> None:
    review = report.functions[0]
    name = "package.module." * 9 + "Cart.total_price"
    page = shown(
        replace(report, functions=(replace(review, function=renamed(review, name)),), findings=()),
        80,
    )
    assert "Cart.total_price   ▼ 93 %" in page.replace("  ▼", "   ▼").replace("    ▼", "   ▼")
    assert "  …" in page


def test_a_big_change_counts_the_functions_that_have_no_verdict(report: Report) -> None:
    silent = report.functions[4]
    before, after = report.functions[:5], report.functions[5:]
    many = replace(report, functions=(*before, *[silent] * 50, *after))
    page = shown(many)
    assert page.count("Cart.talk") == 0
    assert "  54 functions without a verdict" in page  # all of Cart's but total, which has one
    assert "  sign_in " in page


def test_a_big_change_counts_the_files_in_which_nothing_has_a_verdict(report: Report) -> None:
    silent = report.functions[4]
    function = replace(silent.function, path="shop/quiet.py")
    other = replace(silent.function, path="shop/still.py")
    many = [*[replace(silent, function=function)] * 30, *[replace(silent, function=other)] * 20]
    page = shown(replace(report, functions=(*report.functions, *many)))
    assert "quiet.py" not in page
    # native/cart.rs is the third: its one function is in no language of the model's
    assert "\n3 more files: 51 functions without a verdict\n" in page


def test_nothing_changed_is_said_without_an_empty_table(report: Report) -> None:
    cost = replace(report.statistics, files=0, functions=0)
    empty = replace(
        report,
        functions=(),
        findings=(),
        withheld=(),
        skipped=(),
        notices=(),
        intent=None,
        statistics=cost,
    )
    assert shown(empty) == (
        "themis 0123456789ab → working tree\n\n"
        "0 changed functions in 0 files · no findings · 1.8 s · model fake (abababab)\n"
    )


def test_control_characters_never_reach_the_terminal(report: Report) -> None:
    review = report.functions[0]
    head = review.function.head
    assert head is not None
    evil = "\x1b]0;owned\x07\u202e"
    function = replace(
        review.function, path=f"a{evil}.py", head=replace(head, text=f"def f():\n    {evil}\n\n")
    )
    page = shown(
        replace(
            report,
            base=evil,
            intent=evil,
            functions=(replace(review, function=function, note=evil),),
            findings=(replace(report.findings[0], path=f"a{evil}.py"),),
            skipped=(replace(report.skipped[0], path=evil, reason=evil),),
            notices=(evil,),
        )
    )
    assert not {"\x1b", "\x07", "\u202e"} & set(page)
    assert page.count(r"\x1b]0;owned\x07\u202e") >= 7


def test_text_in_brackets_and_colons_is_not_taken_for_markup(report: Report) -> None:
    page = shown(replace(report, intent="[red]x[/red] :tada:", notices=("[bold]",)))
    assert "[red]x[/red] :tada:" in page
    assert "note      [bold]" in page


def test_a_terminal_that_knows_ascii_only_gets_ascii(report: Report) -> None:
    page = shown(report, encoding="ascii")
    assert page.isascii()
    assert "Cart.total   v 93 %" in page
    assert "v likely worse   ^ likely better   . unsure" in page


def test_one_criterion_for_two_axes_is_one_column(report: Report) -> None:
    def merged(review: FunctionReview) -> FunctionReview:
        scores = dict(review.scores)
        if scores:
            readability = scores[Axis.READABILITY]
            scores[Axis.MAINTAINABILITY] = replace(readability, axis=Axis.MAINTAINABILITY)
        return replace(review, scores=scores)

    page = shown(replace(report, functions=tuple(map(merged, report.functions))))
    assert "readability + maintainability" in page
    assert page.count("▲ 98 %") == 1


def test_an_axis_without_scores_has_no_column(report: Report) -> None:
    def without(review: FunctionReview) -> FunctionReview:
        scores = dict(review.scores)
        scores.pop(Axis.SECURITY, None)
        return replace(review, scores=scores)

    functions = tuple(map(without, report.functions))
    page = shown(replace(report, functions=functions, findings=()))
    assert "maintainability" in page
    assert "security" not in page.split("▼ likely worse")[0]


# --- colours --------------------------------------------------------------------------------------


def colours(report: Report, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return capture(lambda console: print_report(report, console))


def test_a_pipe_gets_no_escape_and_the_same_width_everywhere(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert colours(report, monkeypatch) == WIDE


def test_a_terminal_gets_colours_and_no_color_takes_them_away(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured = colours(report, monkeypatch, FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[1;31m▼ 93 %" in coloured
    plain = colours(report, monkeypatch, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color")
    assert "31m" not in plain and "32m" not in plain


def test_a_file_gets_no_escape_even_if_stdout_is_a_terminal(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert capture(lambda console: print_report(report, console), plain=True) == WIDE


def test_the_widths_that_columns_names_are_used(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "    correctness ▼ 93 %" in colours(report, monkeypatch, COLUMNS="40")


def test_a_verdict_of_better_is_green_and_unsure_dim(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured = colours(report, monkeypatch, FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[32m▲ 98 %" in coloured
    assert "\x1b[2m·" in coloured
    assert report.functions[0].scores[Axis.READABILITY].verdict is Verdict.BETTER
