"""Where new functions stand among those of their repository: told, and never judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fake_scorer import FakeScorer
from git_repository import GitRepository

from review_core import api
from review_core.calibration import Calibration
from review_core.config import AxisMode, PathRule, Settings, default_settings
from review_core.languages import Language, language_named
from review_core.percentile import CAVEAT, LEAST, words
from review_core.renderers.html import render_html
from review_core.renderers.json import report_to_json
from review_core.renderers.markdown import render_markdown
from review_core.sources.filters import Limits
from review_core.sources.peers import git_peers
from review_core.types import Axis, Change, FileChange, Report, Standing, Verdict

SETTINGS = default_settings()
BASE = "def old():\n    return 1\n"
Reviewed = Callable[..., Report]


def new(*words: str, name: str = "fresh") -> str:
    return f"{BASE}\n\ndef {name}():\n" + "".join(
        f"    {each}()\n" for each in words or ("some_step_of_it",)
    )


def others(count: int, word: str, tests: bool = False) -> list[str]:
    return [f"def peer{word}{at}{tests}():\n    {word}({at})\n" for at in range(count)]


@pytest.fixture
def reviewed(calibration: Calibration) -> Reviewed:
    """Review a file that gains a function, beside 30 with `not_safe` and 10 with `very_safe`."""

    def run(
        head: str,
        path: str = "shop.py",
        settings: Settings = SETTINGS,
        peers: Any = lambda language, tests: [*others(30, "not_safe"), *others(10, "very_safe")],
        scorer: FakeScorer | None = None,
    ) -> Report:
        change = Change("a", "b", (FileChange(path, BASE, head),))
        scorer = scorer or FakeScorer()
        return api.review(change, scorer, calibration, settings, peers=peers)

    return run


def standing(report: Report, axis: Axis = Axis.SECURITY) -> Standing | None:
    found = [each for review in report.functions for each in review.standings if axis in each.axes]
    return found[0] if found else None


def test_a_new_function_is_told_its_place_on_every_axis(reviewed: Reviewed) -> None:
    """Rewards on security: 30 others have -6, 10 have +6, it has 0: above 30 of 40."""
    report = reviewed(new())
    (review,) = (each for each in report.functions if each.function.name == "fresh")
    of_security = standing(report)
    assert of_security == Standing((Axis.SECURITY,), "Security_Hardness", 0.75, 40)
    assert standing(report, Axis.CORRECTNESS) is not None  # all have 0: above none
    assert standing(report, Axis.CORRECTNESS).share == 0.0  # type: ignore[union-attr]
    assert review.note == "new"
    assert CAVEAT in report.notices


def test_it_is_no_verdict_and_no_finding_however_low_it_is(reviewed: Reviewed) -> None:
    report = reviewed(new("not_safe", "not_safe"))
    assert standing(report) is not None
    assert standing(report).share == 0.0  # type: ignore[union-attr]
    assert (report.findings, report.withheld) == ((), ())
    verdicts = [score.verdict for each in report.functions for score in each.scores.values()]
    assert set(verdicts) <= {Verdict.UNSURE}
    fresh = next(each for each in report.functions if each.function.name == "fresh")
    assert fresh.scores == {}


def test_praise_in_comments_buys_no_place(reviewed: Reviewed) -> None:
    praised = new().replace("fresh():\n", "fresh():\n    # very_safe very_safe very_safe\n")
    honest, bought = standing(reviewed(new())), standing(reviewed(praised))
    assert honest == bought
    assert honest is not None
    assert honest.share < 1.0


def test_nothing_is_asked_for_unless_there_is_a_new_function(
    reviewed: Reviewed, calibration: Calibration
) -> None:
    asked: list[tuple[str, bool]] = []

    def peers(language: Language, tests: bool) -> list[str]:
        asked.append((language.name, tests))
        return others(40, "plain")

    reviewed(BASE.replace("1", "2"), peers=peers)
    reviewed("fn new() {}\n", path="shop.rs", peers=peers)  # the model was not trained on it
    assert asked == []
    reviewed(new(), path="tests/test_shop.py", peers=peers)
    reviewed(new() + new(name="second").removeprefix(BASE), peers=peers)
    assert asked == [("Python", True), ("Python", False)]


def test_among_few_functions_there_is_no_place(reviewed: Reviewed) -> None:
    few = reviewed(new(), peers=lambda *_: others(LEAST - 1, "plain"))
    assert standing(few) is None
    assert CAVEAT not in few.notices
    assert standing(reviewed(new(), peers=lambda *_: others(1, "plain") * 99)) is None
    assert standing(reviewed(new(), peers=lambda *_: others(LEAST, "plain"))) is not None


def test_axes_that_are_off_or_mute_or_not_of_tests_have_no_place(
    reviewed: Reviewed, calibration: Calibration
) -> None:
    off = replace(SETTINGS, paths=(PathRule(("shop.py",), {Axis.SECURITY: AxisMode.OFF}),))
    assert standing(reviewed(new(), settings=off)) is None
    assert standing(reviewed(new(), path="tests/test_shop.py")) is None
    mute = replace(calibration.criteria["Security_Hardness"], worse_at=None, better_at=None)
    silent = replace(calibration, criteria={**calibration.criteria, "Security_Hardness": mute})
    change = Change("a", "b", (FileChange("shop.py", BASE, new()),))
    peers = lambda *_: others(40, "plain")  # noqa: E731
    report = api.review(change, FakeScorer(), silent, SETTINGS, peers=peers)
    assert standing(report) is None
    assert standing(report, Axis.CORRECTNESS) is not None


def test_axes_of_one_criterion_are_told_once(calibration: Calibration) -> None:
    shared = dict.fromkeys((Axis.READABILITY, Axis.MAINTAINABILITY), ("Readability",))
    change = Change("a", "b", (FileChange("shop.py", BASE, new()),))
    peers = lambda *_: others(40, "plain")  # noqa: E731
    report = api.review(change, FakeScorer(axes=shared), calibration, SETTINGS, peers=peers)
    (found,) = (each for review in report.functions for each in review.standings)
    assert found.axes == (Axis.READABILITY, Axis.MAINTAINABILITY)


def test_every_renderer_tells_it_with_the_caveat(reviewed: Reviewed) -> None:
    report = reviewed(new())
    told = "75 % on security"
    page = render_html(report)
    text = render_markdown(report)
    for rendered in (page, text):
        assert told in rendered
        assert CAVEAT in rendered
    (of_new,) = (each for each in report_to_json(report)["functions"] if each["name"] == "fresh")
    assert {
        "axes": ["security"],
        "criterion": "Security_Hardness",
        "share_below": 0.75,
        "among": 40,
    } in of_new["standings"]


def test_words_name_the_number_of_functions_once() -> None:
    one = Standing((Axis.SECURITY,), "S", 0.344, 200)
    two = Standing((Axis.READABILITY, Axis.MAINTAINABILITY), "R", 0.6, 200)
    assert words([one]) == "above 34 % of 200 functions of its size here on security"
    assert words([one, two]) == (
        "above 34 % of 200 functions of its size here on security, "
        "60 % on readability, maintainability"
    )
    assert words([]) == ""


# --- the sample ----------------------------------------------------------------------------------


PYTHON = language_named("Python")


def file_of(number: int, functions: int) -> str:
    return "".join(f"def f{number}_{at}():\n    return {at}\n\n\n" for at in range(functions))


def test_a_sample_is_bounded_the_same_everywhere_and_spread_over_files(
    repository: GitRepository,
) -> None:
    assert PYTHON is not None
    files = {f"pkg/m{number}": file_of(number, 9) for number in range(20)}
    repository.commit("Start", **files)
    repository.write("tests/test_a.py", file_of(99, 3))
    repository.write("vendor/lib.py", file_of(98, 3))
    repository.write("app.go", "package a\n\nfunc F() int {\n\treturn 1\n}\n")
    repository.commit("More")
    peers = git_peers(repository.path, "HEAD", 40, Limits())
    sample = peers(PYTHON, False)
    assert len(sample) == len(set(sample)) == 40
    of_files = {text.split("(")[0].split("_")[0] for text in sample}
    assert len(of_files) == 10  # four a file at most
    assert sample == git_peers(repository.path, "HEAD", 40, Limits())(PYTHON, False)
    assert sample[:20] == git_peers(repository.path, "HEAD", 20, Limits())(PYTHON, False)
    assert not any("f98_" in text or "f99_" in text for text in peers(PYTHON, False))
    assert len(peers(PYTHON, True)) == 3


def test_a_commit_later_nearly_all_of_a_sample_is_still_known(repository: GitRepository) -> None:
    assert PYTHON is not None
    repository.commit("Start", **{f"m{number}": file_of(number, 6) for number in range(30)})
    before = git_peers(repository.path, "HEAD", 60, Limits())(PYTHON, False)
    repository.commit("Next", m3=file_of(3, 6).replace("return 0", "return -1"), new=file_of(77, 6))
    after = git_peers(repository.path, "HEAD", 60, Limits())(PYTHON, False)
    assert len(set(before) & set(after)) >= 55


def test_the_sample_is_the_base_s_and_heads_where_the_base_is_no_commit(
    repository: GitRepository,
) -> None:
    assert PYTHON is not None
    first = repository.commit("Start", a=file_of(1, 2))
    repository.commit("Next", b=file_of(2, 2))
    assert len(git_peers(repository.path, first, 9, Limits())(PYTHON, False)) == 2
    assert len(git_peers(repository.path, "index", 9, Limits())(PYTHON, False)) == 4


def test_what_is_excluded_huge_or_broken_is_not_in_the_sample(repository: GitRepository) -> None:
    assert PYTHON is not None
    repository.commit("Start", a=file_of(1, 2), b=file_of(2, 50), c="def f(:\n    return (\n")
    limits = Limits(max_file_bytes=500, exclude=("a.py",))
    assert git_peers(repository.path, "HEAD", 9, limits)(PYTHON, False) == []


def test_a_function_is_compared_with_those_of_its_size(reviewed: Reviewed) -> None:
    """Of its size are 30 with a reward of -6; 30 of ten times its length have +90."""
    long = [
        text + "".join(f"    very_safe({at})\n" for at in range(30)) for text in others(30, "x")
    ]
    found = standing(reviewed(new(), peers=lambda *_: [*others(30, "not_safe"), *long]))
    assert found is not None
    assert (found.among, found.share) == (30, 1.0)
    assert standing(reviewed(new(), peers=lambda *_: long)) is None
