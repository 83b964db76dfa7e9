"""Answers to findings, from the command that exports them to the sets that training reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_repository import GitRepository

from review_cli.main import cli as themis
from review_core.command import run
from review_core.feedback import FeedbackStore, ShownFinding, default_feedback_path, repository_of
from review_core.records import PreferencePair, read_pairs
from training.preparation.pipeline import prepare
from training.preparation.settings import PrepareSettings
from training.preparation.splits import SETS


def function(seed: int) -> str:
    """A function of its own."""
    steps = "".join(f"    step{seed}_{at} = value * {seed * 31 + at} + {at}\n" for at in range(8))
    return f"def f{seed}(value, other):\n{steps}    return step{seed}_3 if other else value\n"


def shown(seed: int, intent: str) -> ShownFinding:
    """A finding of the model that ships: its criterion is one that training knows."""
    base = function(seed)
    return ShownFinding(
        ids=(f"{seed:016x}",),
        path="shop/cart.py",
        function=f"f{seed}",
        language="Python",
        axis="readability, maintainability",
        criterion="Readability_Maintainability",
        preference=0.08,
        bundle="ab" * 32,
        intent=intent,
        base=base,
        head=base.replace(" + 3", " - 3"),
    )


@pytest.mark.parametrize("intent", ["Fix the total of a cart", ""])
def test_what_a_team_answered_can_be_trained_on(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, intent: str
) -> None:
    """Three right answers and a wrong one: three preferences for base, and a tie."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    findings = [shown(seed, intent) for seed in range(4)]
    store, key = FeedbackStore(default_feedback_path()), repository_of(repository.path)
    store.remember(key, findings)
    for at, each in enumerate(findings):
        store.answer(key, each.id, right=at > 0, note=None)
    file = tmp_path / "pairs.jsonl.zst"
    assert run(themis, "themis", ["feedback", "export", str(file), "-C", str(repository.path)]) == 0

    made = tmp_path / "prepared"
    prepare(made, [file], PrepareSettings(min_language=0.0))
    read = [pair for name in SETS for pair in read_pairs(made / f"{name}.jsonl.zst")]
    by_idx: dict[str | None, PreferencePair] = {pair.idx: pair for pair in read}
    assert len(read) == len(by_idx) == 4
    for at, each in enumerate(findings):
        pair = by_idx[each.id]
        sides = {pair.chosen.strip(), pair.rejected.strip()}
        assert sides == {each.base.strip(), each.head.strip()}
        assert pair.tie is (at == 0)
        assert pair.aspect == "Readability_Maintainability"
        if not pair.tie:
            assert pair.chosen.strip() == each.base.strip()
