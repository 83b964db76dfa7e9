"""`themis calibrate` with the model that ships and answers made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import GitRepository

from review_cli.main import cli
from review_core.bundle import load_bundle
from review_core.command import run
from review_core.config import default_settings, load_settings
from review_core.feedback import (
    FeedbackStore,
    ShownFinding,
    default_feedback_path,
    repository_of,
)
from review_core.loading import bundle_path
from review_core.types import Axis

Answered = Callable[..., None]
AXIS = Axis.CORRECTNESS


@pytest.fixture
def answered(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Answered:
    """Answers findings on correctness in the repository: so many, right or not, at a P(worse)."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("THEMIS_MODEL", raising=False)
    bundle = load_bundle(bundle_path(default_settings()))
    (criterion,) = bundle.manifest.axes[AXIS]
    store, root = FeedbackStore(default_feedback_path()), repository_of(repository.path)

    def answer(count: int, worse: float, *, right: bool, model: str | None = None) -> None:
        for number in range(count):
            finding = ShownFinding(
                ids=(f"{number:08x}{int(worse * 1000):04x}{right:04x}",),
                path="shop.py",
                function="pay",
                language="Python",
                axis=AXIS.value,
                criterion=criterion,
                preference=1 - worse,
                bundle=model or bundle.identity.sha256,
                intent="",
                base=f"base {number}",
                head=f"head {number} {worse} {right}",
            )
            store.remember(root, [finding])
            store.answer(root, finding.id, right=right, note=None)

    return answer


def calibrate(repository: GitRepository, *options: str) -> int:
    return run(cli, "themis", ["calibrate", "-C", str(repository.path), *options])


def worse_at(repository: GitRepository) -> float | None:
    return load_settings(repository.path).settings.axes[AXIS].worse_at


def test_with_too_few_answers_it_refuses_with_both_counts(
    repository: GitRepository, answered: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(19, 0.97, right=True)
    assert calibrate(repository, "--write") == 1
    told = capsys.readouterr().out
    assert "19 answers, 19 right); it takes 20 of each criterion" in told
    assert not (repository.path / ".themis.toml").exists()


def test_a_threshold_that_answers_show_is_shown_first_and_written_when_told(
    repository: GitRepository, answered: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"# ours\n[axes.{AXIS}]\nworse_at = 0.6  # a guess\n"
    file = repository.write(".themis.toml", text)
    answered(22, 0.97, right=True)
    answered(22, 0.7, right=False)
    assert calibrate(repository) == 0
    told = capsys.readouterr().out
    assert f"{AXIS}: findings from P(worse) 0.97" in told
    assert "-worse_at = 0.6  # a guess\n+worse_at = 0.97  # a guess\n" in told
    assert "nothing is written" in told
    assert file.read_text() == text

    assert calibrate(repository, "--write") == 0
    assert file.read_text() == text.replace("0.6", "0.97")
    assert worse_at(repository) == 0.97
    capsys.readouterr()
    assert calibrate(repository) == 0  # and once it is in force there is nothing left to do
    assert f"{AXIS}: the present threshold holds" in capsys.readouterr().out


def test_answers_that_show_nothing_are_told_how_to_be_quiet(
    repository: GitRepository, answered: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(20, 0.97, right=True)
    answered(20, 0.97, right=False)
    assert calibrate(repository, "--write") == 0
    told = capsys.readouterr().out
    assert "right 80 % of the time" in told and 'mode = "monitor"' in told
    assert worse_at(repository) is None


def test_answers_of_another_model_are_counted_apart(
    repository: GitRepository, answered: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(30, 0.97, right=True, model="ab" * 32)
    assert calibrate(repository) == 1
    assert "30 of 30 answers are of another model's findings" in capsys.readouterr().out
