"""Re-ranking, on lists whose figures can be counted by hand."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from review_core.errors import InputError
from training.evaluation.lists import (
    ResponseList,
    list_rewards,
    rank,
    rank_at_random,
    rank_by_length,
    read_lists,
)


def responses(
    correct: Sequence[int], *, scores: Sequence[float] | None = None, group: str = "g"
) -> ResponseList:
    """Responses of 1, 2, 3 ... characters."""
    texts = tuple("x" * (index + 1) for index in range(len(correct)))
    values = tuple(map(float, scores or correct))
    return ResponseList(
        "", texts, values, tuple(map(bool, correct)), "C", "Functional_Correctness", group
    )


def test_the_first_right_response_decides() -> None:
    """Right ones are the second best of four and the best of two: Hits@1 .5, MRR (1/2 + 1) / 2."""
    found = rank([responses([0, 1, 0, 0]), responses([1, 0])], [[4, 3, 2, 1], [2, 1]])
    assert (found.hits[1].value, found.hits[5].value, found.mrr.value) == (0.5, 1.0, 0.75)


def test_a_prompt_without_a_right_response_cannot_be_answered_and_does_not_count() -> None:
    found = rank([responses([0, 0], scores=[0.1, 0.2]), responses([1, 0])], [[1, 2], [2, 1]])
    assert (found.prompts, found.answerable, found.hits[1].value) == (2, 1, 1.0)


def test_a_model_that_cannot_tell_gets_nothing_for_it() -> None:
    found = rank([responses([1, 0, 0])], [[5, 5, 5]])
    assert (found.hits[1].value, found.mrr.value) == (0.0, pytest.approx(1 / 3))
    assert found.spearman.value is None


def test_rank_correlations_follow_the_scores() -> None:
    """Three in order but for the last two swapped: Spearman 1 - 6 * 2 / 24, Kendall 1/3."""
    found = rank([responses([0, 0, 1], scores=[1, 2, 3])], [[1, 3, 2]])
    assert found.spearman.value == pytest.approx(0.5)
    assert found.kendall.value == pytest.approx(1 / 3)


def test_the_longest_first_is_the_last_of_ours() -> None:
    assert rank_by_length([responses([0, 0, 1])]).hits[1].value == 1.0
    assert rank_by_length([responses([1, 0, 0])]).hits[1].value == 0.0


@pytest.mark.parametrize("correct", [(1, 0, 0, 0, 0, 0), (1, 1, 0, 0, 0, 0, 0), (1, 1), (1,)])
def test_chance_is_the_mean_over_all_orders(correct: tuple[int, ...]) -> None:
    each = responses(correct, scores=range(len(correct)))
    orders = list(itertools.permutations(correct))
    first = [order.index(1) + 1 for order in orders]
    found = rank_at_random([each])
    for k, estimate in found.hits.items():
        assert estimate.value == pytest.approx(sum(at <= k for at in first) / len(orders))
    assert found.mrr.value == pytest.approx(sum(1 / at for at in first) / len(orders))


def test_intervals_resample_the_sources_of_prompts() -> None:
    """Half of ten sources all right, half all wrong: the mean is .5 and far from certain."""
    lists = [responses([index % 2, 1 - index % 2], group=f"g{index}") for index in range(10)]
    found = rank(lists, [[2, 1]] * 10).hits[1]
    assert found.value == 0.5
    assert found.low is not None and found.high is not None
    assert found.low < 0.3 and found.high > 0.7


class ShortScorer:
    criteria = ("Functional_Correctness",)
    reads_intent = True

    def __init__(self) -> None:
        self.intents: list[str] = []

    def rewards(
        self, codes: Sequence[str], *, intent: str = ""
    ) -> list[Mapping[str, float] | None]:
        self.intents.append(intent)
        return [
            None if len(code) > 2 else {"Functional_Correctness": -float(len(code))}
            for code in codes
        ]


ASKED = ResponseList("why", ("a", "bbb"), (1, 0), (True, False), "C", ShortScorer.criteria[0], "g")
OTHER = ResponseList("why", ("a",), (1,), (True,), "C", "Beauty", "g")


def score(
    path: Path, lists: Sequence[ResponseList], scorer: ShortScorer, identity: str = "model"
) -> list[tuple[float, ...] | None]:
    return list_rewards(path, lists, scorer, identity, lambda done, count: None)


def test_a_response_too_long_to_score_comes_last_and_the_prompt_is_the_intent(
    tmp_path: Path,
) -> None:
    scorer = ShortScorer()
    assert score(tmp_path / "r.jsonl", [ASKED, OTHER], scorer) == [(-1.0, -math.inf), None]
    assert scorer.intents == ["why"]


def test_lists_are_gone_on_with_where_a_run_broke_off(tmp_path: Path) -> None:
    """The last line is cut: of two lists one is left, by the same model on the same lists only."""
    path = tmp_path / "r.jsonl"
    whole = score(path, [ASKED, ASKED], ShortScorer())
    path.write_text(path.read_text()[:-3])
    again, other_model, other_lists = ShortScorer(), ShortScorer(), ShortScorer()
    assert score(path, [ASKED, ASKED], again) == whole
    assert len(again.intents) == 1
    score(path, [ASKED, ASKED], other_model, "another")
    assert len(other_model.intents) == 2
    score(path, [ASKED, OTHER], other_lists, "another")
    assert len(other_lists.intents) == 1


def write(path: Path, *records: Mapping[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_lists_are_read_with_our_names_and_with_those_of_the_authors(tmp_path: Path) -> None:
    ours = {"prompt": "p", "responses": ["a", "b"], "correct": [False, True], "language": "Go"}
    theirs = {
        "id": "7",
        "description": "p",
        "completions": ["a", "b"],
        "num_passed": [1, 4],
        "num_failed": [3, 0],
        "final_verdict": [False, True],
    }
    first, second = read_lists(write(tmp_path / "l.jsonl", ours, theirs))
    assert (first.prompt, first.correct, first.scores) == ("p", (False, True), (0.0, 1.0))
    assert (second.prompt, second.correct, second.scores) == ("p", (False, True), (0.25, 1.0))
    assert (first.language, second.group) == ("Go", "7")


def test_where_only_scores_are_known_the_best_is_right(tmp_path: Path) -> None:
    (found,) = read_lists(
        write(tmp_path / "l.jsonl", {"prompt": "p", "responses": ["a", "b"], "scores": [3, 9]})
    )
    assert found.correct == (False, True)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"responses": ["a"]}, "scores"),
        ({"prompt": "p"}, "completions"),
        ({"responses": [], "scores": []}, "at least one"),
        ({"responses": [1], "scores": [1]}, "are texts"),
        ({"responses": ["a", "b"], "scores": [1]}, "2 responses have 1 scores"),
        ({"responses": ["a"], "scores": [1], "correct": [True, True]}, "2 correct flags"),
        ({"responses": ["a"], "scores": ["high"]}, "high"),
        ({"responses": ["a"], "scores": [math.inf]}, "finite"),
    ],
)
def test_what_is_no_list_is_named_with_its_place(
    tmp_path: Path, record: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=rf"l\.jsonl:1 .*{told}.*it needs prompt"):
        list(read_lists(write(tmp_path / "l.jsonl", record)))


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    path.write_text("{\n")
    with pytest.raises(InputError, match=r"l\.jsonl:1 is not JSON"):
        list(read_lists(path))
