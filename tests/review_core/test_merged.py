"""What became of merged changes, told from the merges that follow; on real repositories."""

from __future__ import annotations

import pytest
from fake_scorer import FakeScorer
from git_repository import GitRepository

from review_core import api
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.merged import Fate, Merged, fates, merged
from review_core.sources.first_parents import past_range
from review_core.sources.git import git_change

DAY = 86_400.0


def code(**words: str) -> str:
    return "".join(f"def {name}():\n    return {word}\n\n\n" for name, word in words.items())


class Branch:
    """Commits on main, each so many days after the first."""

    def __init__(self, repository: GitRepository) -> None:
        self.repository = repository

    def commit(self, day: int, subject: str, text: str, path: str = "shop.py") -> None:
        self.repository.write(path, text)
        self.repository.git("add", "--all")
        tree = self.repository.git("write-tree")
        known = self.repository.git("for-each-ref", "--format=%(objectname)", "refs/heads/main")
        parent = f"parent {known}\n" if known else ""
        who = f"Ada <ada@example.org> {1_767_225_600 + day * 86_400} +0000"
        text = f"tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{subject}\n"
        made = ("hash-object", "-t", "commit", "-w", "--stdin")
        hash_ = self.repository.git(*made, stdin=text.encode())
        self.repository.git("update-ref", "refs/heads/main", hash_)

    def merges(self, calibration: Calibration) -> list[Merged]:
        path, settings = self.repository.path, default_settings()
        found = []
        for past in past_range(path, "HEAD", 100).commits:
            change = git_change(path, past.commit.hash)
            report = api.review(change, FakeScorer(), calibration, settings)
            found.append(merged(past, change, report))
        return found

    def fates(self, calibration: Calibration, days: int = 10) -> dict[str, list[tuple[str, str]]]:
        """By subject: the functions and what became of them."""
        return {
            merge.subject: [
                (function.head_key[1] if function.head_key else "-", str(fate))
                for function, fate in zip(merge.functions, labels, strict=True)
            ]
            for merge, labels in fates(self.merges(calibration), days * DAY)
        }


@pytest.fixture
def branch(repository: GitRepository) -> Branch:
    return Branch(repository)


def test_a_function_that_gets_its_old_text_back_was_worse_and_one_left_alone_is_kept(
    branch: Branch, calibration: Calibration
) -> None:
    branch.commit(0, "Start", code(f="plain", g="plain"))
    branch.commit(1, "Speed up", code(f="not_safe", g="not_safe"))
    branch.commit(3, "Go back", code(f="plain", g="not_safe"))
    branch.commit(30, "Much later", code(f="plain", g="not_safe", h="plain"))
    found = branch.fates(calibration)
    assert found["Speed up"] == [("f", "worse"), ("g", "kept")]
    assert found["Go back"] == [("f", "kept")]
    assert found["Start"] == [("f", "unknown"), ("g", "unknown")]  # new: nothing was made worse


def test_a_fix_on_the_same_function_makes_it_worse_and_other_work_leaves_it_unknown(
    branch: Branch, calibration: Calibration
) -> None:
    branch.commit(0, "Start", code(f="a", g="a", h="a"))
    branch.commit(1, "Add a discount", code(f="b", g="b", h="b"))
    branch.commit(2, "Fix rounding of discounts (#12)", code(f="c", g="b", h="b"))
    branch.commit(3, "Add taxes", code(f="c", g="c", h="b"))
    branch.commit(40, "End", code(f="c", g="c", h="b", i="a"))
    assert branch.fates(calibration)["Add a discount"] == [
        ("f", "worse"),
        ("g", "unknown"),
        ("h", "kept"),
    ]


@pytest.mark.parametrize(
    ("subject", "is_fix"),
    [
        ("Fix crash on empty carts", True),
        ("fixes #12: total of refunds", True),
        ("Bugfix in pay()", True),
        ('Revert "Speed up"', True),
        ("Fix typo in docstring", False),
        ("Fix flaky tests", False),
        ("Fix mypy errors", False),
        ("Add a prefix", False),
        ("Debug output for carts", False),
    ],
)
def test_a_fix_says_so_and_repairs_what_code_does(subject: str, is_fix: bool) -> None:
    assert Merged("a", subject, 0, ()).is_fix is is_fix


def test_what_is_too_young_or_comes_too_late_is_no_evidence(
    branch: Branch, calibration: Calibration
) -> None:
    branch.commit(0, "Start", code(f="a", g="a"))
    branch.commit(1, "Change", code(f="b", g="a"))
    branch.commit(20, "Fix it", code(f="c", g="a"))
    found = branch.fates(calibration, days=10)
    assert found["Change"] == [("f", "kept")]  # the fix came on the 20th day
    assert found["Fix it"] == [("f", "unknown")]
    assert branch.fates(calibration, days=30)["Change"] == [("f", "worse")]


def test_a_function_is_followed_through_a_renamed_file(
    branch: Branch, calibration: Calibration
) -> None:
    more = code(x="1", y="2", z="3")
    branch.commit(0, "Start", code(f="a") + more)
    branch.commit(1, "Change", code(f="b") + more)
    (branch.repository.path / "shop.py").unlink()
    branch.commit(2, "Move", code(f="bb") + more, path="store.py")
    branch.commit(3, "Fix", code(f="c") + more, path="store.py")
    branch.commit(30, "End", code(f="c", q="1") + more, path="store.py")
    assert branch.fates(calibration)["Change"] == [("f", "worse")]


def test_a_finding_goes_with_its_function(branch: Branch, calibration: Calibration) -> None:
    branch.commit(0, "Start", code(f="plain", g="plain"))
    branch.commit(1, "Hurry", code(f="not_safe", g="other"))
    (_, hurry) = branch.merges(calibration)
    worse = {each.head_key[1]: dict(each.worse) for each in hurry.functions if each.head_key}
    assert worse["g"] == {}
    assert worse["f"]["security"] == pytest.approx(0.9526, abs=1e-4)  # sigmoid(3)
    assert [label for _, labels in fates([hurry], DAY) for label in labels] == [Fate.UNKNOWN] * 2
