"""`themis history` as a user runs it: a process, a real repository, a real (random) model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import GitRepository

Themis = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shop(repository: GitRepository) -> GitRepository:
    """Three commits that touch one function."""
    for amount in (1, 2, 3):
        repository.commit(f"Add {amount}", shop=f"def pay(cart):\n    return cart + {amount}\n")
    return repository


def test_a_trend_is_shown_in_three_ways(themis: Themis, shop: GitRepository) -> None:
    shown = themis("history", cwd=shop.path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [line.split()[2] for line in shown.stdout.splitlines() if " Add " in line] == list("123")
    assert shown.stdout.splitlines()[-1].startswith("3 commits")

    found = json.loads(themis("history", "HEAD~1..", "--format", "json", cwd=shop.path).stdout)
    assert [each["subject"] for each in found["commits"]] == ["Add 3"]
    assert {sum(each.values()) for each in found["commits"][0]["axes"].values()} == {1}

    page = themis("history", "-C", shop.path, "--format", "html", "--output", "trend.html")
    assert (page.returncode, page.stdout) == (0, "")
    assert (shop.path / "trend.html").read_text().startswith("<!doctype html>")


def test_older_commits_beyond_the_limit_are_counted(themis: Themis, shop: GitRepository) -> None:
    shown = themis("history", "--limit", "2", cwd=shop.path).stdout
    assert "Add 1" not in shown
    assert "1 older commit left out; --limit takes more" in shown


def test_a_range_that_is_none_is_bad_input(themis: Themis, shop: GitRepository) -> None:
    run = themis("history", "nowhere..main", cwd=shop.path)
    assert (run.returncode, run.stdout) == (2, "")
    assert "unknown revision 'nowhere'" in run.stderr


def test_outside_of_a_repository_it_says_where_to_go(themis: Themis, tmp_path: Path) -> None:
    run = themis("history", cwd=tmp_path)
    assert run.returncode == 2
    assert "not in a git repository" in run.stderr
