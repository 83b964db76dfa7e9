"""`themis calibrate` with the model that ships and answers made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_scorer import WORDS, FakeScorer
from git_repository import GitRepository

from review_cli.main import cli
from review_cli.merge_history import Watched, by_history
from review_core.bundle import load_bundle
from review_core.calibration import Calibration
from review_core.command import run
from review_core.config import Settings, default_settings, load_settings
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


# --- by merges -----------------------------------------------------------------------------------


ONLY_SECURITY = "".join(
    f'[axes.{axis}]\nmode = "off"\n' for axis in Axis if axis is not Axis.SECURITY
)


def function(number: int, *words: str) -> str:
    body = "".join(f"    {word}()\n" for word in (f"step{number}", *words))
    return f"def f{number}(items):\n{body}    return items\n"


def branch(repository: GitRepository, *changes: str) -> None:
    """A function for each change, then the changes, a commit each, then two months of quiet."""
    repository.write(".themis.toml", ONLY_SECURITY)
    everything = {f"m{at}": function(at) for at, _ in enumerate(changes)}
    repository.commit("Start", **everything)
    for at, word in enumerate(changes):
        repository.commit(f"Change {at}", **{f"m{at}": function(at, word)})
    repository.write("late.py", "x = 1\n")
    repository.git("add", "--all")
    tree = repository.git("write-tree")
    late = f"Ada <ada@example.org> {1767323045 + 60 * 86_400} +0000"
    text = f"tree {tree}\nparent {repository.git('rev-parse', 'HEAD')}\n"
    text += f"author {late}\ncommitter {late}\n\nLate\n"
    made = repository.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
    repository.git("reset", "--quiet", "--hard", made)


def by_merges(repository: GitRepository, budget: float = 0.3) -> tuple[dict[str, float], bool]:
    settings = load_settings(repository.path).settings
    watched = Watched("HEAD", 100, 30, budget)
    return by_history(repository.path, settings, watched, load_fake)


def load_fake(_: Settings) -> tuple[FakeScorer, Calibration]:
    """Worse from P .9 on. One word is 3 logits, P .953; two are 6, P .998."""
    each = {"temperature": 1.0, "worse_at": 0.1, "better_at": 0.9, "isotonic": None}
    document = {"format": 1, "criteria": dict.fromkeys(WORDS, each)}
    return FakeScorer(), Calibration.from_json(document)


def test_a_history_of_findings_on_code_that_was_left_alone_raises_the_threshold(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eight of twenty merges have a finding at .953: upper bound .61. From .96 on none has."""
    branch(repository, *["plain"] * 12, *["not_safe"] * 8)
    values, enough = by_merges(repository)
    assert (values, enough) == ({"axes.security.worse_at": 0.96}, True)
    told = capsys.readouterr().out
    assert "security: findings from P(worse) 0.96 (8 of 20 merges noisy at P(worse) 90 %)" in told
    assert "functions with a finding: 0 reverted or fixed, 8 left alone" in told
    assert "without a finding: 0 reverted or fixed, 12 left alone (0 % of those two)" in told


def test_a_quiet_history_leaves_the_threshold_alone(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    branch(repository, *["plain"] * 19, "not_safe")
    assert by_merges(repository) == ({}, True)
    assert "security: the present threshold holds (1 of 20 merges noisy" in capsys.readouterr().out


def test_a_short_history_is_refused_with_what_it_has_and_needs(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    """.7 ** n <= .05: n = 9."""
    branch(repository, *["not_safe"] * 8)
    assert by_merges(repository) == ({}, False)
    assert "too few merges with a known end (8); it takes 9" in capsys.readouterr().out


def test_axes_that_nobody_is_told_of_are_not_set(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    branch(repository, *["not_safe"] * 12)
    off = ONLY_SECURITY + '[axes.security]\nmode = "monitor"\n'
    repository.write(".themis.toml", off)
    assert by_merges(repository) == ({}, False)
    assert "no axis has findings" in capsys.readouterr().out


def test_the_command_goes_by_merges_with_the_model_that_ships(
    repository: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    branch(repository, "plain", "other")
    (repository.path / ".themis.toml").unlink()
    assert calibrate(repository, "--history", "HEAD", "--noise", "0.5", "--write") == 1
    told = capsys.readouterr().out
    assert "4 commits of HEAD, functions watched for 30 days each" in told
    assert "correctness: too few merges with a known end (2); it takes" in told
