"""The grammar of commands in comments."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.grammar import Command, command_of
from github_app.types import CommandName
from review_core.types import Axis

SLUG = "themis-review"
REVIEW = Command(CommandName.REVIEW)


WITH_AN_OBJECT = {CommandName.IGNORE, CommandName.FEEDBACK}


@pytest.mark.parametrize("name", [each for each in CommandName if each not in WITH_AN_OBJECT])
def test_each_command_is_its_words_after_the_name(name: CommandName) -> None:
    assert command_of(f"@{SLUG} {name}", SLUG) == Command(name)


@pytest.mark.parametrize("axis", Axis)
def test_an_axis_can_be_ignored(axis: Axis) -> None:
    assert command_of(f"@{SLUG} ignore {axis}", SLUG) == Command(CommandName.IGNORE, axis)


@pytest.mark.parametrize(("word", "right"), [("good", True), ("bad", False)])
def test_a_finding_is_right_or_wrong(word: str, right: bool) -> None:
    assert command_of(f"@{SLUG} feedback {word}", SLUG) == Command(
        CommandName.FEEDBACK, right=right
    )


@pytest.mark.parametrize(
    "body",
    [
        "@themis-review review",
        "@Themis-Review REVIEW",
        "@themis-review   review.",
        "@themis-review: review!",
        "@themis-review, review",
        "@themis-review[bot] review",
        "   @themis-review review",
        "Thank you.\n@themis-review review\nSee you.",
        "Thank you.\r\n\r\n@themis-review review\r\n",
        "> what it said\n\n@themis-review review",
        "```\ncode\n```\n@themis-review review",
        "<!-- hidden --> \n\n@themis-review review",
        "@themis-review review\n@themis-review pause",
    ],
)
def test_ways_to_ask_for_a_review(body: str) -> None:
    assert command_of(body, SLUG) == REVIEW


@pytest.mark.parametrize(
    "body",
    [
        "",
        "review",
        "I would ask @themis-review review here",
        "@themis-reviewer review",
        "@themis-review-2 review",
        "@themis-review_ review",
        "mail@themis-review review",
        "> @themis-review review",
        "> quoted\n@themis-review review",  # rendered, this line is part of the quote
        ">> @themis-review review",
        "```\n@themis-review review\n```",
        "~~~sh\n@themis-review review\n~~~",
        "````\n```\n@themis-review review\n````",
        "```\n@themis-review review",  # never closed: code to the end
        "    @themis-review review",
        "\t@themis-review review",
        "- @themis-review review",
        "1. @themis-review review",
        "<!--\n@themis-review review\n-->",
        "text <!-- \n@themis-review review\n --> text",
        "<pre>\n@themis-review review\n</pre>",
        "`@themis-review review`",
        "# @themis-review review",
    ],
)
def test_quotes_code_lists_hidden_text_and_other_names_do_not_count(body: str) -> None:
    assert command_of(body, SLUG) is None


def test_the_name_alone_asks_for_help() -> None:
    assert command_of("@themis-review", SLUG) == Command(CommandName.HELP)
    assert command_of("@themis-review ?", SLUG) is not None


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("reveiw", "`reveiw` is not a command; did you mean `review`?"),
        ("review please", "`review please` is not a command; did you mean `review`?"),
        ("fullreview", "`fullreview` is not a command; did you mean `full review`?"),
        ("ignore securty", "`ignore securty` is not a command; did you mean `ignore security`?"),
        ("approve", "`approve` is not a command."),
        ("审查", "That is not a command."),
    ],
)
def test_what_is_not_understood_asks_for_help_with_a_hint(said: str, hint: str) -> None:
    assert command_of(f"@{SLUG} {said}", SLUG) == Command(CommandName.HELP, hint=hint)


@given(st.text(min_size=1, max_size=80))
def test_a_hint_is_safe_to_post_whatever_was_said(said: str) -> None:
    """One line; no mention, link, HTML or way out of the code span."""
    found = command_of(f"@{SLUG} {said}", SLUG)
    if found is not None:
        outside, *inside = found.hint.split("`")
        assert not set("@<>[]&\n\r") & set(found.hint)
        assert outside in ("", "That is not a command.")
        assert len(inside) in (0, 2, 4)
        assert len(found.hint) < 120


def test_a_command_far_down_a_long_comment_is_not_looked_for() -> None:
    assert command_of("a\n\n" * 3_000 + f"@{SLUG} review", SLUG) == REVIEW
    assert command_of("a\n\n" * 4_000 + f"@{SLUG} review", SLUG) is None


def test_a_name_is_taken_literally() -> None:
    assert command_of("@axb review\n\nas in @a.b", "a.b") is None


@pytest.mark.parametrize(
    "piece", [">", "- ", "* a\n", "> a\n", "[", "`", "<!--\n", "a\n", "1. ", "_*", "&#x41;"]
)
def test_a_comment_as_long_as_they_get_is_read_in_time(piece: str) -> None:
    """65,536 characters, of which the first 10,000 count; the slowest took 0.1 s."""
    body = f"@{SLUG} x\n" + piece * (65_536 // len(piece))
    started = time.process_time()
    command_of(body, SLUG)
    assert time.process_time() - started < 1
