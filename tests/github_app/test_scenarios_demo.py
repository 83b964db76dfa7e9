"""The demo change as a pull request, reviewed by the model that ships; and a picture of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from app_work import App, app
from fake_github import FakeGitHub, Hosted
from pull_request_page import check_page, conversation, screenshot
from tools import ROOT, tool

from review_core.config import default_settings
from review_core.loading import load_scorer

PICTURES = Path(os.environ.get("THEMIS_ARTIFACTS", ROOT / ".artifacts")) / "pull_request"
DEMO = ROOT / "examples" / "demo"
PARTS = ("orders", "pricing")  # where the model has something to say; scoring all takes longer


@pytest.fixture
def demo(github: FakeGitHub, hosted: Hosted, tmp_path: Path) -> Iterator[App]:
    """The demo's pull request, open and reviewed."""
    github.limits.points = github.limits.contents = None
    hosted.work.write("README.md", "# Shop\n")
    for side, branch in (("base", "main"), ("head", "faster")):
        if side == "head":
            hosted.branch(branch)
        for part in PARTS:
            shutil.copytree(DEMO / side / part, hosted.work.path / part, dirs_exist_ok=True)
        hosted.commit(f"The demo's {side}")
        hosted.push(branch)
    hosted.open_pull(title="Speed up the shop")
    settings = default_settings()
    cache = replace(settings.cache, directory=tmp_path / "cache")
    scorer, calibration = load_scorer(replace(settings, threads=1, cache=cache))
    with app(github, tmp_path / "app", scorer=scorer, calibrated=calibration) as work:
        work.review()
        yield work


@pytest.mark.bundle
def test_the_bundled_model_reviews_the_demo_and_a_person_can_read_it(demo: App) -> None:
    (told,) = demo.open()
    assert told.path == "orders/store.py"
    assert "correctness: likely worse than base" in told.body
    check = demo.check()
    assert check.conclusion == "neutral"
    assert check.output["title"].startswith("1 function likely worse · ")
    assert "Pricing.Discounts.rate" in check.output["summary"]  # better, in the table
    before = [told.body], demo.summaries(), check.output
    demo.review(occasion="again")
    assert ([demo.open()[0].body], demo.summaries(), demo.check().output) == before
    chromium = tool("chromium")
    for name, page, height in (
        ("conversation", conversation(demo), 880),
        ("check", check_page(demo), 900),
    ):
        screenshot(page, PICTURES / f"{name}.png", chromium, height=height)
        assert (PICTURES / f"{name}.png").stat().st_size > 20_000
    shutil.rmtree(PICTURES / "profile", ignore_errors=True)
