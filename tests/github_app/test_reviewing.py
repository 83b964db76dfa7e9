"""Reviews of pull requests that were read: what comes first, what is left out, when it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from app_readers import Readers
from fake_github import FakeGitHub, Hosted
from fake_scorer import FakeScorer

from github_app.errors import StoppedError
from github_app.reading import OVER_SIZE, Reading
from github_app.reviewing import OUT_OF_TIME, Reviewer, load_reviewer
from github_app.risk import by_risk
from review_core import api
from review_core.baseline import Baseline, baseline_text
from review_core.calibration import Calibration
from review_core.config import foreign_settings
from review_core.renderers.json import render_json
from review_core.types import Change, FileChange, Report, Skipped

ROOT = Path(__file__).parents[2]
LANGUAGES = ("Python", "Go")


def function(name: str, word: str, lines: int = 1) -> str:
    body = "".join(f"    {word}_{at} = {at}\n" for at in range(lines))
    return f"def {name}():\n{body}    return {word}\n"


def changed(path: str, lines: int = 1, word: str = "not_correct") -> FileChange:
    name = path.partition(".")[0].replace("/", "_")
    return FileChange(path, function(name, "plain", lines), function(name, word, lines))


def reading(
    *files: FileChange, configuration: str = "", skipped: Sequence[Skipped] = ()
) -> Reading:
    ordered = tuple(sorted(files, key=lambda each: each.path))
    change = Change("b" * 40, "f" * 40, ordered, tuple(skipped))
    return Reading(change, foreign_settings({".themis.toml": configuration}), "c" * 40)


class SlowScorer(FakeScorer):
    """Takes a second for every code, and looks up after each, as the engine does."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Mapping[str, float] | None]:
        for _ in codes:
            if cancelled is not None and cancelled():
                raise CancelledError
            self.now += 1.0
        return super().rewards(codes, intent=intent)


@pytest.fixture
def slow() -> SlowScorer:
    return SlowScorer()


@pytest.fixture
def reviewer(slow: SlowScorer, calibration: Calibration) -> Reviewer:
    return Reviewer(slow, calibration, {}, seconds=600.0, clock=lambda: slow.now)


def without_costs(report: Report) -> Report:
    return replace(report, statistics=replace(report.statistics, seconds=0.0))


def test_the_riskiest_file_comes_first_not_the_first_of_the_alphabet() -> None:
    """Most changed code first; then tests; then what the model cannot judge."""
    new = FileChange("new.py", None, function("new", "x", 50))
    files = [
        changed("a.py", 2),
        changed("b.rs", 90),
        FileChange("comments.py", "x = 1\n", "# much\n" * 80 + "x = 2\n"),
        new,
        changed("tests/test_a.py", 70),
        changed("z.py", 9),
    ]
    assert [each.path for each in by_risk(files, LANGUAGES)] == [
        "z.py",
        "a.py",
        "comments.py",
        "tests/test_a.py",
        "b.rs",
        "new.py",
    ]


def test_a_review_in_slices_says_what_one_in_one_piece_says(
    monkeypatch: pytest.MonkeyPatch, reviewer: Reviewer, calibration: Calibration
) -> None:
    """Among them code moved from one file to another, which no slice alone could know."""
    moved = function("moved", "not_safe", 5)
    files = [changed(f"m{at}.py", at) for at in range(1, 5)]
    files.append(FileChange("m5.py", moved + function("kept", "x"), function("kept", "y")))
    files.append(FileChange("m6.py", function("other", "x"), moved + function("other", "not_fast")))
    read = reading(*files)
    whole = api.review(read.change, FakeScorer(), calibration, read.configuration.settings)
    monkeypatch.setattr("github_app.reviewing._SLICE", 1)
    reviewed = reviewer.review(read)
    assert whole.findings
    assert (reviewed.left_out, reviewed.coverage) == ((), None)
    assert replace(without_costs(reviewed.report), statistics=whole.statistics) == whole


def test_findings_of_the_baseline_are_withheld(reviewer: Reviewer) -> None:
    first = reviewer.review(reading(changed("a.py"), changed("b.py"))).report
    assert len(first.findings) == 2
    known = Baseline.from_text(baseline_text(first.bundle, first.findings[:1]), "x")
    again = reviewer.review(replace(reading(changed("a.py"), changed("b.py")), baseline=known))
    assert [each.path for each in again.report.findings] == ["b.py"]
    assert [each.reason for each in again.report.withheld] == ["in the baseline"]


def test_no_code_is_scored_twice_however_it_is_sliced(
    monkeypatch: pytest.MonkeyPatch, slow: SlowScorer, reviewer: Reviewer
) -> None:
    monkeypatch.setattr("github_app.reviewing._SLICE", 1)
    report = reviewer.review(reading(changed("a.py"), changed("b.py"))).report
    asked = [code for call in slow.calls for code in call]
    assert len(asked) == len(set(asked)) == report.statistics.sequences


def test_when_time_is_over_the_rest_is_left_out_by_name_and_the_review_stands(
    monkeypatch: pytest.MonkeyPatch, reviewer: Reviewer
) -> None:
    """Each file takes four seconds of ten at least: the largest is looked at, the smallest not."""
    monkeypatch.setattr("github_app.reviewing._SLICE", 1)
    read = reading(
        changed("a_small.py", 1),
        changed("z_large.py", 6),
        *(changed(f"medium{at}.py", 4) for at in range(6)),
        configuration="[pull_request]\ntime_budget_seconds = 10\n",
        skipped=[Skipped("x.png", "not a language Themis reads")],
    )
    reviewed = reviewer.review(read)
    assert "z_large.py" in reviewed.files
    assert "a_small.py" not in reviewed.files
    assert Skipped("a_small.py", OUT_OF_TIME) in reviewed.left_out
    assert {each.path for each in reviewed.report.skipped} == {
        "x.png",
        *(each.path for each in reviewed.left_out),
    }
    assert {each.path for each in reviewed.report.findings} == set(reviewed.files)
    assert f"{len(reviewed.files)} of 8 files" in str(reviewed.coverage)
    assert "10 s" in str(reviewed.coverage)


def test_a_repository_may_ask_for_less_time_than_the_host_gives_and_not_for_more(
    slow: SlowScorer, calibration: Calibration
) -> None:
    host = Reviewer(slow, calibration, {}, seconds=1.0, clock=lambda: slow.now)
    long = "[pull_request]\ntime_budget_seconds = 3600\n"
    reviewed = host.review(reading(changed("a.py"), configuration=long))
    assert (reviewed.seconds, dict(reviewed.files)) == (1.0, {})


def test_what_was_too_large_to_read_counts_as_left_out(reviewer: Reviewer) -> None:
    too_large = Skipped("b.py", OVER_SIZE)
    read = replace(reading(changed("a.py"), skipped=[too_large]), left_out=(too_large,))
    reviewed = reviewer.review(read)
    assert reviewed.left_out == (too_large,)
    assert "1 of 2 files" in str(reviewed.coverage)


def test_it_stops_in_the_middle_of_scoring_when_nobody_wants_it_any_more(
    slow: SlowScorer, reviewer: Reviewer
) -> None:
    read = reading(*(changed(f"m{at}.py") for at in range(50)))
    with pytest.raises(StoppedError):
        reviewer.review(read, stop=lambda: slow.now >= 3)
    assert slow.now == 3


def test_a_review_waits_until_another_is_scored_and_stops_waiting_when_told(
    slow: SlowScorer, reviewer: Reviewer
) -> None:
    """The scorer is not for two at once."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> bool:
        entered.set()
        leave.wait(10)
        return False

    first = threading.Thread(target=lambda: reviewer.review(reading(changed("a.py")), stop=hold))
    first.start()
    try:
        assert entered.wait(10)
        with pytest.raises(StoppedError, match="another review"):
            reviewer.review(reading(changed("b.py")), stop=lambda: True)
    finally:
        leave.set()
        first.join(10)


def test_progress_is_told_in_files(monkeypatch: pytest.MonkeyPatch, reviewer: Reviewer) -> None:
    monkeypatch.setattr("github_app.reviewing._SLICE", 1)
    told: list[tuple[int, int]] = []
    reviewer.review(
        reading(changed("a.py"), changed("b.py")),
        progress=lambda done, all_: told.append((done, all_)),
    )
    assert told == [(1, 2), (2, 2)]


def test_a_repository_cannot_choose_what_decides_over_the_machine(
    slow: SlowScorer, calibration: Calibration
) -> None:
    host = Reviewer(slow, calibration, {"threads": 1}, seconds=600.0)
    written = 'model = "/evil"\nthreads = 64\n[cache]\ndirectory = "/etc"\n'
    resolved = host.configure({".themis.toml": written})
    assert (resolved.settings.model, resolved.settings.threads) == (None, 1)
    assert resolved.settings.cache.directory is None
    read = replace(reading(changed("a.py")), configuration=resolved)
    notices = host.review(read).report.notices
    assert sum("not taken from the repository" in each for each in notices) == 3


def test_a_pull_request_without_code_is_a_review_without_findings(reviewer: Reviewer) -> None:
    skipped = [Skipped("x.png", "not a language Themis reads"), Skipped("sub", "a submodule")]
    reviewed = reviewer.review(reading(skipped=skipped))
    assert (reviewed.report.functions, reviewed.report.findings) == ((), ())
    assert len(reviewed.report.skipped) == 2
    assert reviewed.coverage is None


# --- the whole way -------------------------------------------------------------------------------


@pytest.fixture
def app(github: FakeGitHub, tmp_path: Path) -> Iterator[Readers]:
    readers = Readers.of(github, tmp_path / "clones")
    yield readers
    readers.client.close()


def command_line(directory: Path, target: str, cache: Path) -> Any:
    """What `themis review --format json` prints."""
    run = subprocess.run(
        [sys.executable, "-m", "review_cli", "review", target, "-C", directory, "--format", "json"],
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.bundle
def test_a_pull_request_gets_the_numbers_that_the_command_line_gives(
    app: Readers, hosted: Hosted, tmp_path: Path
) -> None:
    """A part of the demo's change, by the bundled model. The title is not the commit's."""
    demo = ROOT / "examples" / "demo"
    for side in ("base", "head"):
        for file in sorted((demo / side / "orders").glob("*.py")):
            hosted.work.write(f"orders/{file.name}", file.read_bytes())
        hosted.commit(side)
        if side == "base":
            hosted.push("main")
            hosted.branch("feature")
    pull = hosted.open_pull(title="Something else")
    settings = {"threads": 1, "cache.enabled": False}
    reviewer = load_reviewer(settings, seconds=600.0)
    reviewed = reviewer.review(app.read(configure=reviewer.configure))
    ours = json.loads(render_json(reviewed.report))
    theirs = command_line(hosted.work.path, f"main...{pull.head_sha}", tmp_path / "cache")
    ours.pop("stats")
    theirs.pop("stats")
    assert theirs["findings"]
    assert ours == theirs
