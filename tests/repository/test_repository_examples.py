"""What the pages show was run: commands, their output, and the model's word on the examples."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from review_core.types import Axis
from scripts.documents import axis_examples, transcripts

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
AXIS_PAGES = {axis: ROOT / "docs" / "axes" / f"{axis}.md" for axis in Axis}
_NUMBER = re.compile(r"(\d+) %|\d+\.\d s(?= ·)")


def same(shown: str, now: str) -> None:
    """Fail unless the texts agree, seconds apart and percentages within 2: rewards of another
    processor differ in the last digits.
    """
    assert _NUMBER.sub("#", shown) == _NUMBER.sub("#", now), "if this is meant: make pages"
    for page, fresh in zip(_NUMBER.finditer(shown), _NUMBER.finditer(now), strict=True):
        if page[1]:
            assert int(page[1]) == pytest.approx(int(fresh[1]), abs=2), "make pages"


def test_a_line_or_a_number_that_is_stale_is_noticed() -> None:
    shown = "P(worse) 82 %\n1 finding · 3.2 s · model\n"
    same(shown, shown.replace("82", "83").replace("3.2", "14.0"))
    for stale in (shown.replace("82", "79"), shown.replace("1 finding", "2 findings")):
        with pytest.raises(AssertionError):
            same(shown, stale)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rewards of the demo change are asked for twice here and computed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.bundle
@pytest.mark.timeout(600)  # a dozen commands
@pytest.mark.parametrize("name", ["tutorial"])
def test_a_page_shows_what_its_commands_print(name: str, tmp_path: Path, cache: Path) -> None:
    page = ROOT / "docs" / f"{name}.md"
    shown = page.read_text("utf-8")
    now = transcripts.written_anew(shown, tmp_path, PROGRAMS, cache)
    same(shown, now)


def test_every_page_with_a_session_is_run() -> None:
    with_sessions = {
        path.stem
        for path in (ROOT / "docs").rglob("*.md")
        if "```console" in path.read_text("utf-8")
    }
    assert with_sessions == {"tutorial"}


def test_a_session_keeps_its_folder_its_variables_and_the_exit_code(tmp_path: Path) -> None:
    page = (
        "Text.\n\n```console\n$ cd themis-review && ls Makefile\n$ NAME='a b'\n```\n\nMore.\n\n"
        '```console\n$ echo "$NAME" \\\n  again\nstale\n$ false\n$ echo $?\n$ nothing-such\n```\n'
    )
    now = transcripts.written_anew(page, tmp_path, PROGRAMS)
    assert now.startswith(
        "Text.\n\n```console\n$ cd themis-review && ls Makefile\nMakefile\n$ NAME="
    )
    assert '$ echo "$NAME" \\\n  again\na b again\n$ false\n$ echo $?\n1\n$ nothing-such\n' in now
    assert "command not found\n```\n" in now


def test_the_callers_settings_stay_outside_of_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEMIS_MODEL", "elsewhere")
    now = transcripts.written_anew("```console\n$ echo [$THEMIS_MODEL]\n```\n", tmp_path, PROGRAMS)
    assert "\n[]\n" in now


@pytest.fixture(scope="module")
def said(cache: Path) -> axis_examples.Said:
    return axis_examples.review_demo(PROGRAMS, cache)


@pytest.mark.bundle
@pytest.mark.parametrize("axis", Axis)
def test_an_axis_page_says_what_the_model_says_of_its_examples(
    axis: Axis, said: axis_examples.Said
) -> None:
    shown = AXIS_PAGES[axis].read_text("utf-8")
    assert shown.count("*The model:*") >= 2
    now = axis_examples.written_anew(shown, axis, said)
    same(shown, now)


@pytest.mark.bundle
def test_the_program_of_the_python_page_runs(tmp_path: Path, cache: Path) -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    program = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert program is not None
    discounts = axis_examples.DEMO / "{}" / "pricing" / "discounts.rb"
    for side, demo in (("base", "head"), ("head", "base")):  # the change that the tutorial makes
        shutil.copy(str(discounts).format(demo), tmp_path / f"{side}.rb")
    run = subprocess.run(
        [sys.executable, "-c", program[1]],
        cwd=tmp_path,
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"^head.rb:\d+: readability.*: likely worse than base", run.stdout)
    assert "Pricing.Discounts.rate security: unsure, P(better) 0." in run.stdout


@pytest.mark.parametrize("axis", Axis)
def test_the_evidence_of_an_axis_is_the_model_cards(axis: Axis) -> None:
    card = (ROOT / "models" / "default" / "MODEL_CARD.md").read_text("utf-8").splitlines()
    page = AXIS_PAGES[axis].read_text("utf-8")
    section = page.partition("\n## What evidence there is\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|") and "---" not in line]
    assert len(rows) >= 4
    assert [row for row in rows if row not in card] == []


def test_the_examples_show_a_planted_change_that_is_not_the_models_way_as_well() -> None:
    """Each page has an example that the model gets wrong, or is told to be blind for."""
    for axis in set(Axis) - {Axis.READABILITY}:
        assert re.search(r"\*\*(Wrong|Blind)\.\*\*", AXIS_PAGES[axis].read_text("utf-8"))
