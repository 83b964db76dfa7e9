"""What is kept of findings and of what people say about them."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_scorer import FakeScorer

from review_core import api
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.errors import InputError
from review_core.feedback import (
    MOST_SHOWN,
    FeedbackStore,
    ShownFinding,
    preference_pairs,
    read_answers,
    repository_of,
    shown_findings,
    write_answers,
)
from review_core.records import read_pairs, write_pairs
from review_core.types import Axis, Change, FileChange

BASE = "def pay(cart):\n    return cart.plain()\n"
HEAD = "def pay(cart):\n    return cart.not_safe()\n"


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    """A store whose clock stands at 2026-01-02."""
    return FeedbackStore(tmp_path / "data" / "feedback.sqlite", clock=lambda: 1767323045.0)


@pytest.fixture
def finding(calibration: Calibration) -> ShownFinding:
    """The one finding of a review of HEAD against BASE."""
    change = Change("a", "b", (FileChange("shop.py", BASE, HEAD),), intent="Hurry")
    report = api.review(change, FakeScorer(), calibration, default_settings())
    (found,) = shown_findings(report)
    assert found.id == report.findings[0].id
    return found


def test_a_shown_finding_holds_both_texts_and_what_the_model_said(finding: ShownFinding) -> None:
    assert (finding.base, finding.head, finding.intent) == (BASE.rstrip(), HEAD.rstrip(), "Hurry")
    assert (finding.axis, finding.criterion) == ("security", "Security_Hardness")
    assert finding.preference == pytest.approx(0.0474, abs=1e-4)  # sigmoid(-3)


def test_axes_that_share_a_criterion_are_one_finding_that_each_of_their_ids_names(
    calibration: Calibration, store: FeedbackStore
) -> None:
    shared = {Axis.READABILITY: ("Readability",), Axis.MAINTAINABILITY: ("Readability",)}
    head = HEAD.replace("not_safe", "not_clear")
    change = Change("a", "b", (FileChange("shop.py", BASE, head),))
    scorer = FakeScorer(axes=shared)
    report = api.review(change, scorer, calibration, default_settings())
    found = list(shown_findings(report))
    assert [each.ids for each in found] == [tuple(each.id for each in report.findings)]
    assert len(found[0].ids) == 2
    store.remember("/shop", found)
    second = store.answer("/shop", found[0].ids[1], right=True, note=None)
    assert second.finding == found[0]


def test_an_answer_needs_only_the_start_of_an_id_and_the_last_one_counts(
    store: FeedbackStore, finding: ShownFinding
) -> None:
    store.remember("/shop", [finding])
    store.answer("/shop", finding.id[:4], right=True, note=None)
    store.answer("/shop", finding.id, right=False, note="it is a test")
    (answer,) = store.answers("/shop")
    assert (answer.finding, answer.right, answer.note) == (finding, False, "it is a test")
    assert answer.date == "2026-01-02"


@pytest.mark.parametrize("asked", ["", "abc", "ffff"])
def test_an_id_that_was_not_shown_is_refused(
    store: FeedbackStore, finding: ShownFinding, asked: str
) -> None:
    store.remember("/shop", [replace(finding, ids=("abcdef",))])
    with pytest.raises(InputError, match="themis feedback list"):
        store.answer("/shop", asked, right=True, note=None)


def test_the_start_of_two_ids_is_too_little(store: FeedbackStore, finding: ShownFinding) -> None:
    store.remember("/shop", [replace(finding, ids=(f"abcd{last}",)) for last in "12"])
    with pytest.raises(InputError, match="2 findings begin with abcd"):
        store.answer("/shop", "abcd", right=True, note=None)


def test_one_repository_knows_nothing_of_another(
    store: FeedbackStore, finding: ShownFinding
) -> None:
    store.remember("/shop", [finding])
    assert store.shown("/shelf") == []
    with pytest.raises(InputError):
        store.answer("/shelf", finding.id, right=True, note=None)


def test_answers_outlive_what_was_shown(store: FeedbackStore, finding: ShownFinding) -> None:
    store.remember("/shop", [finding])
    store.answer("/shop", finding.id, right=True, note=None)
    others = [replace(finding, ids=(f"{number:016x}",)) for number in range(MOST_SHOWN)]
    store.remember("/shelf", others)
    assert store.shown("/shop") == []
    assert len(store.shown("/shelf")) == MOST_SHOWN
    assert [each.finding for each in store.answers("/shop")] == [finding]
    assert not store.answer("/shop", finding.id, right=False, note=None).right


def test_what_is_forgotten_is_in_no_byte_of_the_file(
    store: FeedbackStore, finding: ShownFinding, tmp_path: Path
) -> None:
    file = tmp_path / "data" / "feedback.sqlite"
    store.remember("/shop", [finding])
    store.answer("/shop", finding.id, right=True, note="a secret of ours")
    assert b"a secret of ours" in file.read_bytes()
    assert store.forget("/shop", finding.id[:6]) == finding
    assert b"a secret of ours" not in file.read_bytes()
    assert b"not_safe" not in file.read_bytes()
    with pytest.raises(InputError):
        store.forget("/shop", finding.id)


def test_a_repository_is_forgotten_without_the_others(
    store: FeedbackStore, finding: ShownFinding
) -> None:
    for repository in ("/shop", "/shelf"):
        store.remember(repository, [finding])
        store.answer(repository, finding.id, right=True, note=None)
    assert store.forget_all("/shop") == 1
    assert (store.shown("/shop"), store.answers("/shop")) == ([], [])
    assert len(store.answers("/shelf")) == 1


def test_only_the_owner_may_read_the_file(
    store: FeedbackStore, finding: ShownFinding, tmp_path: Path
) -> None:
    store.remember("/shop", [finding])
    assert stat.S_IMODE((tmp_path / "data" / "feedback.sqlite").stat().st_mode) == 0o600


def test_a_file_that_is_no_store_is_an_error_that_names_it(
    store: FeedbackStore, tmp_path: Path
) -> None:
    file = tmp_path / "data" / "feedback.sqlite"
    file.parent.mkdir()
    file.write_text("these are my notes and no database at all, " * 50)
    with pytest.raises(InputError, match=r"feedback\.sqlite cannot be used"):
        store.answers("/shop")


def test_answers_become_pairs_that_training_reads(
    store: FeedbackStore, finding: ShownFinding, tmp_path: Path
) -> None:
    wrong = replace(finding, ids=("ffff0000ffff0000",))
    store.remember("/my shop", [finding, wrong])
    store.answer("/my shop", finding.id, right=True, note=None)
    store.answer("/my shop", wrong.id, right=False, note=None)
    write_pairs(tmp_path / "pairs.jsonl", preference_pairs(store.answers("/my shop"), "/my shop"))
    right, tie = sorted(read_pairs(tmp_path / "pairs.jsonl"), key=lambda pair: pair.tie)
    assert (right.chosen, right.rejected, right.tie) == (finding.base, finding.head, False)
    assert (tie.chosen, tie.rejected, tie.tie) == (finding.head, finding.base, True)
    assert (right.aspect, right.language, right.input) == ("Security_Hardness", "Python", "Hurry")
    assert {right.group, tie.group} == {"feedback/my_shop"}  # one side of a split


def test_answers_belong_to_the_root_of_the_repository(repository: Any, tmp_path: Path) -> None:
    inside = repository.path / "src"
    inside.mkdir()
    assert repository_of(inside) == str(repository.path.resolve())
    outside = tmp_path / "plain"
    outside.mkdir()
    assert repository_of(outside) == str(outside.resolve())


def test_answers_go_to_another_machine_and_the_later_of_two_counts(
    store: FeedbackStore, finding: ShownFinding, tmp_path: Path
) -> None:
    store.remember("7/1/octo/shop", [finding])
    given = store.answer("7/1/octo/shop", finding.id, right=False, note="meant so")
    write_answers(tmp_path / "answers.jsonl.zst", [given])
    taken = read_answers(tmp_path / "answers.jsonl.zst")
    assert taken == [given]

    def at(day: int) -> FeedbackStore:
        return FeedbackStore(tmp_path / "mine.sqlite", clock=lambda: 1767323045.0 + day * 86_400)

    assert at(0).take_in("/clone", taken) == 1
    assert at(0).answers("/clone") == [given]
    assert at(0).take_in("/clone", taken) == 0
    changed = at(1).answer("/clone", finding.id, right=True, note=None)
    assert at(2).take_in("/clone", taken) == 0
    assert at(2).answers("/clone") == [changed]


def test_the_repositories_of_a_store_are_those_with_something_kept(
    store: FeedbackStore, finding: ShownFinding
) -> None:
    store.remember("/a", [finding])
    store.remember("/b", [finding])
    store.answer("/b", finding.id, right=True, note=None)
    assert store.repositories() == ["/a", "/b"]
    assert store.drop_shown(float("inf")) == 2
    assert store.repositories() == ["/b"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"right": "yes"},
        {"date": None},
        {"finding": {}},
        {"finding.preference": 7},
        {"finding.head": None},
        {"finding.more": 1},
        {"finding.ids": []},
    ],
    ids=str,
)
def test_a_file_that_holds_no_answers_is_refused_by_its_line(
    store: FeedbackStore, finding: ShownFinding, tmp_path: Path, change: dict[str, Any]
) -> None:
    store.remember("/a", [finding])
    file = tmp_path / "answers.jsonl"
    write_answers(file, [store.answer("/a", finding.id, right=True, note=None)])
    record = json.loads(file.read_text("utf-8"))
    ((key, value),) = change.items()
    part, _, name = key.rpartition(".")
    (record[part] if part else record)[name] = value
    file.write_text("\n".join([file.read_text("utf-8").strip(), json.dumps(record)]), "utf-8")
    with pytest.raises(InputError, match=r"answers\.jsonl:2 is not an answer"):
        read_answers(file)
