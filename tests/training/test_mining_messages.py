"""What a commit message is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from review_core.errors import ConfigurationError
from training.mining.messages import read_message
from training.mining.rules import Label, Rules, load_rules


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules()


CORRECT, RUNTIME, MEMORY = "Functional_Correctness", "Runtime_Efficiency", "Memory_Efficiency"
SECURITY, BOTH = "Security_Hardness", "Readability_Maintainability"


@pytest.mark.parametrize(
    ("message", "aspect", "fine"),
    [
        ("Fix crash when the list is empty", CORRECT, None),
        ("http2: fix off-by-one in the window", CORRECT, None),
        ("KAFKA-123: Handle null keys (#456)", CORRECT, None),
        ("fix(parser): do not lose the last token", CORRECT, None),
        ("Speed up lookup of unknown names", RUNTIME, None),
        ("perf: look names up once", RUNTIME, None),
        ("Avoid repeated lookups in the loop", RUNTIME, None),
        ("Fix memory leak in error path", MEMORY, None),
        ("Reduce allocations while decoding", MEMORY, None),
        ("Fix buffer overflow with long names", SECURITY, None),
        ("Prevent path traversal (CVE-2020-1234)", SECURITY, None),
        ("Simplify the condition", BOTH, "Readability"),
        ("Rename `tmp` to `remaining` for clarity", BOTH, "Readability"),
        ("Remove unused variable", BOTH, "Maintainability"),
        ("refactor: extract the retry loop into a helper", BOTH, "Maintainability"),
        ("Refactor the loop to make it clearer", BOTH, None),
    ],
)
def test_a_message_names_one_criterion(
    rules: Rules, message: str, aspect: str, fine: str | None
) -> None:
    label = rules.label(read_message(message))
    assert isinstance(label, Label), label
    assert (label.aspect, label.fine_aspect) == (aspect, fine)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("", "no message"),
        ("\n\n", "no message"),
        ("Fix memory leak and speed up parsing", "several"),
        ("Fix the crash, also rename the field", "several"),
        ("Fix crash of lists\n\n- handle null\n- handle empty", "several things"),
        ("Speed up parsing\n\nThis also reduces memory usage a lot.", "several criteria"),
        ("Fix typo in error message", "nothing of code"),
        ("docs: explain the buffer overflow", "a type of change"),
        ("Add a memory pool", "nothing of code"),
        ("Fix tests of the cache", "nothing of code"),
        ("Use the new API", "no criterion"),
        # the words are in a path, an identifier or a quotation only
        ("Use the flag in memory/leak_detector.c", "no criterion"),
        ("Pass the size to `avoidMemoryLeak`", "no criterion"),
        ("Show 'speed up' beside the button", "no criterion"),
        ("Call SecurityHardener from the outer loop", "no criterion"),
        # the words are in the name of the area only
        ("security: use the other constructor", "no criterion"),
    ],
)
def test_a_message_that_names_none_or_several_says_why(
    rules: Rules, message: str, why: str
) -> None:
    label = rules.label(read_message(message))
    assert isinstance(label, str), label
    assert why in label


def test_only_what_promises_less_code_has_to_shrink(rules: Rules) -> None:
    promises = {
        message: rules.label(read_message(message))
        for message in ("Simplify the loop", "Rename a variable", "Remove dead code")
    }
    shrink = {message: isinstance(it, Label) and it.smaller for message, it in promises.items()}
    assert shrink == {
        "Simplify the loop": True,
        "Rename a variable": False,
        "Remove dead code": True,
    }


def test_the_text_for_a_model_has_no_tickets_trailers_and_headings() -> None:
    message = read_message(
        "NETTY-12: Fix race in pool (#1234)\n\nMotivation:\n\nTwo threads could\ntake one.\n\n"
        "Modifications:\n\nA lock.\n\nSigned-off-by: A <a@b.c>\nFixes #7\n"
    )
    assert message.text == "Fix race in pool. Two threads could take one."


def test_a_message_that_a_stranger_made_huge_is_read_in_no_time(rules: Rules) -> None:
    """A pattern that backtracks would not come back from these; each is cut at 4,000 characters."""
    for filler in ("fix " * 100_000, "a/" * 100_000, "`" * 100_000, "(" * 100_000, "x_" * 100_000):
        rules.label(read_message(filler))
        rules.label(read_message(f"Fix {filler}\n{filler}"))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_rules_of_a_users_own_add_to_ours(tmp_path: Path) -> None:
    own = written(
        tmp_path / "own.toml",
        "[Memory_Efficiency]\nstrong = ['arenas?']\n[every]\nnever = ['gherkins']\n",
    )
    rules = load_rules(own)
    label = rules.label(read_message("Use an arena"))
    assert isinstance(label, Label)
    assert label.aspect == MEMORY
    assert isinstance(rules.label(read_message("Fix crash of gherkins")), str)
    assert isinstance(rules.label(read_message("Fix crash of pickles")), Label)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[Speed]\nstrong = []\n", "no criterion is called Speed"),
        ("[every]\nstrong = []\n", "no list strong; it takes never"),
        ("[Readability]\nstrong = 'x'\n", "a list of texts"),
        ("[Readability]\nstrong = ['(']\n", "which is no pattern"),
        ("[Readability\n", "not valid TOML"),
    ],
)
def test_rules_that_are_wrong_are_told_what_is(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_rules(written(tmp_path / "own.toml", text))


def test_rules_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        load_rules(tmp_path / "nowhere.toml")
