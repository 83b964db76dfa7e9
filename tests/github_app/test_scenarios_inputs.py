"""Pull requests of every kind: large, renamed, from forks, at Enterprise Servers, and with nothing
to review in them. Never green without a review, never silent about what was left out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_work import SHOP, App, app, bad, function, good
from cmarkgfm import github_flavored_markdown_to_html
from fake_github import FakeGitHub, Hosted, create_shop

from github_app.github.client import GitHubClient
from github_app.site import github_site
from review_core.types import Axis


@pytest.fixture
def work(github: FakeGitHub, hosted: Hosted, tmp_path: Path) -> Iterator[App]:
    github.limits.points = github.limits.contents = None
    hosted.commit("Base", a=good("f", "g"))
    hosted.push("main")
    hosted.branch("feature")
    with app(github, tmp_path / "app") as made:
        yield made


def test_over_300_files(work: App, hosted: Hosted) -> None:
    """danger-js#1440: GitHub gives no diff of 350 files; we have our own."""
    hosted.checkout("main")
    for n in range(350):
        hosted.work.write(f"lib/m{n}.py", f"def f{n}():\n    return 1\n")
    hosted.commit("Many")
    hosted.push("main")
    hosted.branch("many")
    for n in range(350):
        word = "not_safe" if n == 349 else f"{n}"
        hosted.work.write(f"lib/m{n}.py", f"def f{n}():\n    return {word}\n")
    hosted.commit("Change many")
    hosted.open_pull()
    work.review()
    assert [each.path for each in work.open()] == ["lib/m349.py"]
    assert "349 reviewed" in work.check().output["title"]  # one of them was `return 1` already
    assert "left out" not in work.check().output["title"]


def test_a_renamed_file_is_compared_with_what_it_was(work: App, hosted: Hosted) -> None:
    hosted.work.git("mv", "a.py", "moved.py")
    hosted.commit(moved=bad("f") + good("g"))
    hosted.open_pull()
    work.review()
    assert [(each.path, each.line) for each in work.open()] == [("moved.py", 14)]
    hosted.work.git("mv", "moved.py", "again.py")
    hosted.commit("Move again")
    hosted.push()
    work.review()
    assert len(work.open()) == len(work.told()) == 1


def test_a_pull_request_from_a_fork_is_reviewed_like_any(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    fork = hosted.fork("eve/shop", tmp_path / "fork")
    fork.branch("feature")
    fork.commit(a=bad("f") + good("g"))
    fork.open_pull(into=SHOP)
    work.review()
    assert len(work.open()) == 1
    work.github.delete_repository("eve/shop")
    work.review(occasion="again")
    assert len(work.told()) == 1


def test_a_deleted_branch_is_read_by_the_pull_requests_own_ref(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    hosted.work.git("push", "-q", "origin", "--delete", "feature")  # GitHub has not closed it yet
    work.review()
    assert len(work.open()) == 1
    work.github.branch_deleted(SHOP, "feature")
    work.review(occasion="late")
    assert len(work.told()) == 1


def test_hidden_configuration_of_the_pull_request_itself_does_not_count(
    work: App, hosted: Hosted
) -> None:
    """The base branch's is used; a hostile one in the pull request changes nothing."""
    hosted.work.write(".themis.toml", 'exclude = ["*.py"]\n[axes.security]\nmode = "off"\n')
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    work.review()
    assert len(work.open()) == 1


def test_an_edited_base_is_another_change_and_another_configuration(
    work: App, hosted: Hosted
) -> None:
    hosted.checkout("main")
    hosted.branch("strict")
    hosted.work.write(".themis.toml", '[axes.security]\nmode = "monitor"\n')
    hosted.commit("Only watch")
    hosted.push("strict")
    hosted.checkout("feature")
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    work.review()
    assert len(work.open()) == 1
    work.github.edit(SHOP, 1, base="strict")
    work.review(occasion="edited")
    assert work.open() == []
    assert "monitored only" in work.check().output["text"]
    work.github.edit(SHOP, 1, base="main")
    work.review(occasion="edited back")
    assert len(work.open()) == len(work.told()) == 1


def test_a_wrong_configuration_is_said_and_nothing_is_reviewed(work: App, hosted: Hosted) -> None:
    hosted.checkout("main")
    hosted.work.write(".themis.toml", "thread = 2\n")
    hosted.commit("Misspell")
    hosted.push("main")
    hosted.checkout("feature")
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    work.review()
    check = work.check()
    assert check.conclusion == "neutral"
    assert check.output["title"].startswith("Not reviewed: .themis.toml: unknown key thread")
    assert work.told() == []


def test_a_repository_that_is_too_large_is_left_alone_and_that_is_said(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    hosted.commit("Blow up", a=bad("f") + good("g"))
    for n in range(40):  # names and trees count, files do not
        hosted.work.write(f"{random.Random(n).randbytes(60).hex()}/x.py", f"{n}\n")
    hosted.commit("Names")
    hosted.open_pull()
    with app(work.github, tmp_path / "small", repository_megabytes=0.0005) as small:
        small.review()
    check = work.check()
    assert check.conclusion == "neutral"
    assert "larger than" in check.output["title"]


@pytest.mark.parametrize("kind", ["empty", "binary", "submodule", "new", "prose"])
def test_green_without_a_review(work: App, hosted: Hosted, kind: str) -> None:
    """jobfetcher#73: where nothing could be reviewed the check is neutral and says why."""
    match kind:
        case "empty":
            hosted.commit("Nothing at all")
        case "binary":
            hosted.work.write("logo.png", b"\x89PNG\0\0")
        case "submodule":
            entry = f"160000,{'1' * 40},vendor/lib"
            hosted.work.git("update-index", "--add", "--cacheinfo", entry)
            hosted.work.git("commit", "-q", "-m", "Submodule")
        case "new":
            hosted.work.write("new.py", good("n"))
        case "prose":
            hosted.work.write("README.md", "# More\n")
    if kind not in ("empty", "submodule"):
        hosted.commit("One kind")
    hosted.open_pull()
    work.review()
    check = work.check()
    assert (check.status, check.conclusion) == ("completed", "neutral")
    assert check.output["title"] == "Nothing to review"
    assert work.told() == work.summaries() == []
    if kind in ("binary", "submodule", "prose"):
        assert "1 file skipped" in check.output["summary"]


def test_hidden_findings_that_were_real_are_counted_and_listed(work: App, hosted: Hosted) -> None:
    """ai-agents#4526: whatever is not told on lines is in the check, with its reason."""
    hosted.checkout("main")
    hosted.work.write(".themis.toml", "[pull_request]\nmax_comments = 1\n")
    hosted.commit("Quiet", a=good("f", "g", "h"))
    hosted.push("main")
    hosted.branch("three")
    ignored = "# themis: ignore[security]\n" + bad("h")
    hosted.commit(a=bad("f", "g") + ignored)
    hosted.open_pull()
    work.review()
    check = work.check()
    assert len(work.open()) == 1
    assert len(check.annotations) == 1
    assert check.output["text"].count("likely worse") == 3
    assert "1 finding withheld: 1 ignored by the comment at line" in check.output["summary"]
    assert "Not commented on lines:" in work.summaries()[0]


def test_what_there_was_no_time_for_is_said_and_nothing_is_resolved_for_it(
    work: App, hosted: Hosted, tmp_path: Path
) -> None:
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    work.review()
    hosted.commit(a=bad("f") + function("g", "return 5"))
    hosted.push()
    with app(work.github, tmp_path / "slow", seconds=0.0) as slow:
        slow.review()
    check = work.check()
    assert check.conclusion == "neutral"
    assert check.output["title"] == "Nothing to review"
    assert "1 file left out this time" in check.output["summary"]
    assert len(work.open()) == 1


def test_drafts_wait_until_they_are_ready_or_somebody_asks(work: App, hosted: Hosted) -> None:
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull(draft=True)
    work.review()
    assert work.check().output["title"].startswith("Not reviewed: the pull request is a draft")
    assert work.check().conclusion == "neutral"
    work.review(asked=True, occasion="asked")
    assert len(work.open()) == 1
    work.github.set_draft(SHOP, 1, False)
    work.review(occasion="ready")
    assert len(work.told()) == 1
    assert len(work.github.check_runs(SHOP)) == 1


def test_findings_go_to_code_scanning_where_that_is_switched_on(work: App, hosted: Hosted) -> None:
    hosted.checkout("main")
    hosted.work.write(".themis.toml", "[pull_request]\nsarif = true\n")
    hosted.commit("Scan")
    hosted.push("main")
    hosted.checkout("feature")
    hosted.rebase()
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    work.review()
    (upload,) = work.github.world.sarifs
    assert '"themis/security"' in upload.sarif
    assert upload.commit_sha == work.github.pull(SHOP, 1).head_sha
    work.github.fail("POST", "/code-scanning/sarifs", status=403, times=9)
    work.review(occasion="again")
    assert "not uploaded to code scanning" in work.check().output["text"]


def test_a_suggestion_takes_the_hunk_back_that_made_it_worse(work: App, hosted: Hosted) -> None:
    """Two hunks, one of them bad: that one is offered, with the line it replaces."""
    hosted.commit(a=function("f", "return not_safe").replace("x0 = 0", "x0 = 7") + good("g"))
    hosted.open_pull()
    work.review()
    (told,) = work.open()
    assert "```suggestion\n    return 1\n```" in told.body
    assert told.line == 14
    work.review(occasion="again")
    assert work.open() == [told]


def test_a_check_that_went_is_offered_again_on_the_line_below(work: App, hosted: Hosted) -> None:
    hosted.checkout("main")
    hosted.commit("Guard", a=function("f", "very_safe = check()", "return 1") + good("g"))
    hosted.push("main")
    hosted.branch("unguarded")
    hosted.commit(a=good("f", "g"))
    hosted.open_pull()
    work.review()
    (told,) = work.open()
    assert "```suggestion\n    very_safe = check()\n    return 1\n```" in told.body


def test_ghes(enterprise: FakeGitHub, tmp_path: Path) -> None:
    """pr-agent#724, #1120: an Enterprise Server: other addresses, its own authority."""
    enterprise.limits.points = enterprise.limits.contents = None
    hosted = create_shop(enterprise, tmp_path / "shop")
    hosted.commit("Base", a=good("f", "g"))
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a=bad("f") + good("g"))
    hosted.open_pull()
    site = github_site(enterprise.at.web, ca_file=enterprise.authority)
    with app(enterprise, tmp_path / "app", site=site) as work:
        work.review()
        work.review(occasion="again")
        assert isinstance(work.client, GitHubClient)
        (told,) = work.open()
        assert work.check().conclusion == "neutral"
        assert f"{enterprise.at.web}/octo/shop/blob/" in work.check().output["summary"]
        assert "github.com" not in told.body + str(work.check().output)


def test_the_bots_own_security(work: App, hosted: Hosted) -> None:
    """pr-agent#2445: names that are markup, mentions and marks stay text wherever they appear."""
    evil = "<!-- themis:summary -->@everyone [a](javascript:b) `b|c` www.evil.example.py"
    hosted.checkout("main")
    hosted.work.write(evil, good("f"))
    hosted.commit("Evil names")
    hosted.push("main")
    hosted.branch("evil")
    hosted.work.write(evil, bad("f"))
    hosted.commit("@everyone <img src=x>")
    hosted.open_pull(title="</details> @everyone")
    work.review()
    assert [each.path for each in work.open()] == [evil]
    (summary,) = work.summaries()
    texts = [summary, work.check().output["summary"], work.check().output["text"]]
    for text in [*texts, work.told()[0].body]:
        html = github_flavored_markdown_to_html(text)
        links = re.findall(r'href="([^"]*)"', html)
        assert all(link.startswith(f"{work.github.at.web}/octo/shop/") for link in links)
        outside = re.sub(r"<code>.*?</code>|<[^>]*>", "", html, flags=re.DOTALL)
        assert "@everyone" not in outside
        assert not re.search("<img|<script", html)
    assert work.told()[0].body.startswith("<!-- themis:finding id=")
    work.review(occasion="again")
    assert len(work.summaries()) == 1
    assert Axis.SECURITY in work.told()[0].body
