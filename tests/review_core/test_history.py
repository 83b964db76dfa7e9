"""A branch reviewed commit by commit, in real repositories, by a scorer that counts words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from importlib import resources
from typing import Any

import jsonschema
import pytest
from fake_scorer import AXES, FakeScorer
from git_repository import GitRepository

from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.errors import InputError
from review_core.history import CommitReview, History, Tally, columns_of, walk
from review_core.renderers.history_html import render_history_html
from review_core.renderers.history_json import history_to_json
from review_core.sources.first_parents import PastRange, past_range
from review_core.sources.git import git_change
from review_core.types import Axis


def body(word: str) -> str:
    return f"def pay(cart):\n    return cart.{word}()\n"


@pytest.fixture
def shop(repository: GitRepository) -> GitRepository:
    """Five commits on main: start, worse, a merge that mends, nothing to review, better."""
    repository.commit("Start", shop=body("plain"))
    repository.commit("Hurry", shop=body("not_safe"))
    repository.git("switch", "--quiet", "--create", "mend")
    repository.commit("Look", shop=body("plain"))
    repository.commit("Mend", shop=body("very_safe"))
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message", "Bring the mend", "mend")
    repository.write("notes.txt", "paid\n")
    repository.commit("Note <b>")
    repository.commit("Clear", shop=body("very_safe_very_clear"))
    return repository


def walked(
    shop: GitRepository, past: PastRange, scorer: FakeScorer, calibration: Calibration
) -> list[CommitReview]:
    change_of = partial(git_change, shop.path)
    return list(walk(past.commits, change_of, scorer, calibration, default_settings()))


def history_of(shop: GitRepository, calibration: Calibration, target: str = "main") -> History:
    past = past_range(shop.path, target, 100)
    reviewed = walked(shop, past, FakeScorer(), calibration)
    columns = columns_of(AXES)
    return History(target, FakeScorer().bundle.identity, columns, tuple(reviewed), past.left_out)


def subjects(past: PastRange) -> list[str]:
    return [each.commit.subject for each in past.commits]


def test_a_range_is_walked_along_first_parents_oldest_first(shop: GitRepository) -> None:
    everything = past_range(shop.path, "main", 100)
    assert subjects(everything) == ["Start", "Hurry", "Bring the mend", "Note <b>", "Clear"]
    assert [each.is_merge for each in everything.commits] == [False, False, True, False, False]
    assert {each.date for each in everything.commits} == {"2026-01-02"}
    assert subjects(past_range(shop.path, "main~2..main", 100)) == ["Note <b>", "Clear"]
    assert subjects(past_range(shop.path, "mend...main", 100)) == [
        "Bring the mend",
        "Note <b>",
        "Clear",
    ]


def test_a_limit_keeps_the_newest_and_counts_the_others(shop: GitRepository) -> None:
    past = past_range(shop.path, "main", 2)
    assert (subjects(past), past.left_out) == (["Note <b>", "Clear"], 3)


@pytest.mark.parametrize("target", ["nowhere", "main..nowhere", "..", "main....", "--all"])
def test_what_is_no_range_is_said(shop: GitRepository, target: str) -> None:
    with pytest.raises(InputError):
        past_range(shop.path, target, 10)


def test_each_commit_is_judged_against_its_parent_and_a_merge_by_what_it_brought(
    shop: GitRepository, calibration: Calibration
) -> None:
    history = history_of(shop, calibration)
    security = [each.axes.get(Axis.SECURITY) for each in history.commits]
    # From not_safe to very_safe is one merge; within the merged branch it would be two steps.
    assert security == [None, Tally(worse=1), Tally(better=1), None, Tally(unsure=1)]
    assert [each.functions for each in history.commits] == [1, 1, 1, 0, 1]
    assert [each.findings for each in history.commits] == [0, 1, 0, 0, 0]
    assert history.total(Axis.SECURITY) == Tally(worse=1, better=1, unsure=1)
    assert history.total(Axis.READABILITY) == Tally(better=1, unsure=2)


def test_the_walk_is_lazy_so_that_what_is_done_stays_done(
    shop: GitRepository, calibration: Calibration
) -> None:
    past, scorer = past_range(shop.path, "main", 100), FakeScorer()
    change_of = partial(git_change, shop.path)
    steps = walk(past.commits, change_of, scorer, calibration, default_settings())
    next(steps), next(steps)
    told = len(scorer.calls)
    next(steps)
    assert 0 < told < len(scorer.calls)


def test_a_commit_without_its_parent_is_noted_and_the_walk_goes_on(
    shop: GitRepository, calibration: Calibration, tmp_path: Any
) -> None:
    shallow = GitRepository(tmp_path / "shallow")
    shop.git("clone", "--quiet", "--depth", "2", f"file://{shop.path}", str(shallow.path))
    history = history_of(shallow, calibration, "HEAD")
    assert [each.past.commit.subject for each in history.commits] == ["Note <b>", "Clear"]
    assert "shallow clone" in str(history.commits[0].note)
    assert history.commits[1].note is None


def test_axes_that_the_same_criteria_serve_are_one_column() -> None:
    shared: dict[Axis, Sequence[str]] = {
        Axis.SECURITY: ("S",),
        Axis.READABILITY: ("C",),
        Axis.MAINTAINABILITY: ("C",),
    }
    assert columns_of(shared) == (
        (Axis.READABILITY, Axis.MAINTAINABILITY),
        (Axis.SECURITY,),
    )


def test_the_document_is_what_its_schema_says(
    shop: GitRepository, calibration: Calibration
) -> None:
    document = history_to_json(history_of(shop, calibration))
    schema = resources.files("review_core").joinpath("schemas/history.schema.json").read_text()
    jsonschema.Draft202012Validator(
        json.loads(schema), format_checker=jsonschema.FormatChecker()
    ).validate(document)
    assert document["commits"][1]["axes"]["security"] == {"worse": 1, "better": 0, "unsure": 0}
    assert document["commits"][2]["merge"] is True
    assert document["total"]["security"] == {"worse": 1, "better": 1, "unsure": 1}


def test_the_page_draws_each_axis_and_lets_nothing_foreign_act(
    shop: GitRepository, calibration: Calibration
) -> None:
    history = history_of(shop, calibration)
    page = render_history_html(history)
    assert page == render_history_html(history)
    assert page.count("<svg") == page.count("</svg>") == 5
    assert "default-src 'none'" in page
    assert "<script" not in page and " style=" not in page and "http://" not in page
    assert "Note &lt;b&gt;" in page and "Note <b>" not in page
    # Security went -1, then +1, then stayed: the line falls to the bottom and comes back.
    line = re.findall(r'<polyline points="([^"]*)"', page)[3]
    assert [point.split(",")[1] for point in line.split()] == ["50.00", "96.00"] + ["50.00"] * 3


def test_a_page_of_no_commits_says_so(
    shop: GitRepository, calibration: Calibration, fake_scorer: Callable[..., FakeScorer]
) -> None:
    page = render_history_html(history_of(shop, calibration, "main..main"))
    assert "No commits." in page and "<svg" not in page
