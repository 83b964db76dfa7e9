"""Pull requests as changes, read over real HTTP from a real git server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from app_readers import Readers
from fake_github import FakeGitHub, Hosted

from github_app.errors import LeftAloneError
from github_app.reading import OVER_SIZE
from review_core.baseline import FILE_NAME as BASELINE
from review_core.errors import ConfigurationError
from review_core.sources.git import git_change
from review_core.types import Change

LONG = "".join(f"line_{n} = {n}\n" for n in range(20))


@pytest.fixture
def app(github: FakeGitHub, tmp_path: Path) -> Iterator[Readers]:
    readers = Readers.of(github, tmp_path / "clones")
    yield readers
    readers.client.close()


def reasons(change: Change) -> dict[str, str]:
    return {each.path: each.reason for each in change.skipped}


def test_a_pull_request_is_what_the_head_changed_since_it_left_the_base(
    app: Readers, hosted: Hosted
) -> None:
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit("Raise x", a="x = 2\n")
    hosted.open_pull(title="Another title")
    hosted.checkout("main")
    hosted.commit(elsewhere="y = 1\n")
    hosted.push("main")
    change = app.read().change
    assert [(each.path, each.base, each.head) for each in change.files] == [
        ("a.py", "x = 1\n", "x = 2\n")
    ]
    assert change.intent == "Raise x"


def test_it_is_the_change_that_the_command_line_reads(app: Readers, hosted: Hosted) -> None:
    """Renamed, changed in mode, deleted, new, a link, a submodule, a picture, vendored, too big."""
    hosted.work.write("vendor/x.py", "x = 1\n")
    hosted.work.write("old name.py", LONG)
    hosted.work.write("notes.txt", LONG.replace("line", "row"))
    hosted.work.write("picture.png", b"\x89PNG\0" + bytes(range(256)) * 40)
    hosted.commit(gone="g = 1\n", kept="k = 1\n", mode="m = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    work = hosted.work
    (work.path / "old name.py").rename(work.path / "new name.py")
    work.write("new name.py", LONG + "more = 1\n")
    (work.path / "notes.txt").unlink()
    work.write("notes.py", LONG.replace("line", "row") + "more = 1\n")
    (work.path / "gone.py").unlink()
    (work.path / "mode.py").chmod(0o755)
    (work.path / "link.py").symlink_to("kept.py")
    (work.path / "picture.png").rename(work.path / "image.png")
    work.write("vendor/x.py", "x = 2\n")
    work.write("large.py", "z = 1\n" * 200_000)
    work.write("binary.py", b"\0\1")
    work.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub.py")
    hosted.commit("First", kept="k = 2\n", new="n = 1\n")
    hosted.commit("Second", kept="k = 3\n")
    pull = hosted.open_pull()
    read_here = app.read().change
    read_there = git_change(work.path, f"main...{pull.head_sha}")
    assert read_here.files == read_there.files
    assert {each.path: each.base_path for each in read_here.files}["new name.py"] == "old name.py"
    assert {each.path: each.base_path for each in read_here.files}["notes.py"] == "notes.txt"
    missing = reasons(read_there).keys() - reasons(read_here).keys()
    assert not missing
    assert reasons(read_here).keys() - reasons(read_there).keys() == {"picture.png"}
    assert read_here.intent is read_there.intent is None


def test_pictures_and_archives_are_never_fetched(app: Readers, hosted: Hosted) -> None:
    hosted.work.write("model.bin", b"\0" * 1000)
    hosted.commit(a="x = 1\n", untouched="u = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.work.write("model.bin", b"\1" * 1000)
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    app.read()
    clone = next(app.folder.glob("*/*.git"))
    here = hosted.work.another(app.folder / "look")
    here.path = clone
    listed = here.git(
        "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)"
    )
    blobs = [line for line in listed.splitlines() if line.startswith("blob")]
    assert blobs == ["blob 6", "blob 6"]


def test_a_second_push_fetches_what_is_new_alone(app: Readers, hosted: Hosted) -> None:
    hosted.commit(a=LONG)
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a=LONG + "b = 1\n")
    hosted.open_pull()
    app.read()
    asked = len(app.github.log("POST", "git-upload-pack"))
    hosted.commit(a=LONG + "b = 2\n")
    hosted.push()
    app.read()
    assert app.read().change.files[0].head == LONG + "b = 2\n"
    bodies = len(app.github.log("POST", "git-upload-pack")) - asked
    assert bodies <= 5  # to list refs and to fetch them, for base and head; one for the file


def test_a_forced_push_and_a_rebase_are_read_as_they_are_now(app: Readers, hosted: Hosted) -> None:
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    first = app.read()
    hosted.checkout("main")
    hosted.commit(b="y = 1\n")
    main = hosted.push("main")
    hosted.checkout("feature")
    head = hosted.rebase()
    second = app.read()
    assert (second.change.base, second.change.head, second.base_tip) == (main, head, main)
    assert second.change.files == first.change.files


def test_what_was_merged_from_the_base_branch_is_not_the_pull_requests(
    app: Readers, hosted: Hosted
) -> None:
    """Though GitHub may still name the commit that the base branch was at before."""
    hosted.commit(a="x = 1\n")
    before = hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    hosted.checkout("main")
    hosted.commit(theirs="y = 1\n")
    hosted.push("main")
    hosted.checkout("feature")
    hosted.work.git("merge", "-q", "--no-edit", "main")
    hosted.push()
    pull = replace(app.repository().pull_request(1), base_sha=before)
    assert [each.path for each in app.read(pull=pull).change.files] == ["a.py"]


def test_a_head_whose_branch_or_fork_is_gone_is_read(app: Readers, hosted: Hosted) -> None:
    fork = hosted.fork("eve/shop", app.folder.parent / "fork")
    fork.branch("feature")
    fork.commit(a="x = 2\n")
    fork.open_pull(into="octo/shop")
    pull = app.repository().pull_request(1)
    app.github.delete_repository("eve/shop")
    assert app.read(pull=pull).change.files[0].head == "x = 2\n"


def test_a_head_that_was_pushed_over_is_read_as_it_was_named(app: Readers, hosted: Hosted) -> None:
    hosted.branch("feature")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    pull = app.repository().pull_request(1)
    hosted.work.git("commit", "-q", "--amend", "-m", "again")
    hosted.push(force=True)
    assert app.read(pull=pull).change.head == pull.head_sha


def test_a_base_branch_that_is_gone_is_known_by_its_hash(app: Readers, hosted: Hosted) -> None:
    hosted.branch("release")
    hosted.commit(a="x = 1\n")
    base = hosted.push("release")
    hosted.branch("feature", "release")
    hosted.commit(a="x = 2\n")
    hosted.open_pull(base="release")
    pull = app.repository().pull_request(1)
    hosted.delete_branch("release")
    found = app.read(pull=pull)
    assert (found.base_tip, found.change.base) == (base, base)


def test_a_base_that_was_edited_is_the_one_to_compare_with(app: Readers, hosted: Hosted) -> None:
    hosted.branch("release")
    hosted.commit(a="x = 1\n")
    hosted.push("release")
    hosted.branch("feature", "release")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    assert app.read().change.files[0].base is None
    app.github.edit("octo/shop", 1, base="release")
    assert app.read().change.files[0].base == "x = 1\n"


def test_histories_that_share_nothing_are_left_alone_with_the_reason(
    app: Readers, hosted: Hosted
) -> None:
    hosted.branch("feature")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    hosted.work.git("checkout", "-q", "--orphan", "other")
    hosted.work.git("commit", "-q", "-m", "Begin anew")
    hosted.work.git("push", "-q", "--force", "origin", "other:main")
    with pytest.raises(LeftAloneError, match="share no history"):
        app.read()


def test_a_pull_request_without_files_is_an_empty_change(app: Readers, hosted: Hosted) -> None:
    hosted.branch("feature")
    hosted.commit("Nothing")
    hosted.open_pull()
    change = app.read().change
    assert (change.files, change.skipped, change.intent) == ((), (), "Nothing")


def test_the_base_branch_configures_and_the_pull_request_does_not(
    app: Readers, hosted: Hosted
) -> None:
    hosted.work.write(".themis.toml", 'exclude = ["generated/"]\nmodel = "/evil"\n')
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.work.write(".themis.toml", 'exclude = ["*.py"]\n')
    hosted.work.write("generated/b.py", "x = 2\n")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    found = app.read()
    assert [each.path for each in found.change.files] == ["a.py"]
    assert found.configuration.settings.model is None
    assert found.configuration.origins["exclude"] == ".themis.toml"
    assert "may not set it" in found.configuration.origins["model"]


def test_the_base_branch_s_baseline_holds_and_the_pull_request_s_own_does_not(
    app: Readers, hosted: Hosted
) -> None:
    def accept(*ids: str) -> None:
        found = [{"id": each, "path": "a.py", "function": "f", "axis": "security"} for each in ids]
        written = {"format": 1, "bundle": "ab" * 32, "findings": found}
        hosted.work.write(BASELINE, json.dumps(written))

    accept("known")
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    accept("known", "my own")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    assert app.read().baseline.ids == {"known"}


def test_a_baseline_that_is_none_is_said(app: Readers, hosted: Hosted) -> None:
    hosted.work.write(BASELINE, "[]")
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    with pytest.raises(ConfigurationError, match="is no baseline"):
        app.read()


def test_a_configuration_that_is_not_valid_is_said(app: Readers, hosted: Hosted) -> None:
    hosted.work.write("pyproject.toml", "[tool.themis]\nexclud = []\n")
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    with pytest.raises(ConfigurationError, match="did you mean exclude"):
        app.read()


def test_a_configuration_that_is_a_link_is_none(app: Readers, hosted: Hosted) -> None:
    (hosted.work.path / ".themis.toml").symlink_to("/etc/passwd")
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a="x = 2\n")
    hosted.open_pull()
    assert app.read().configuration.origins["exclude"] == "default"


def test_more_files_than_github_lists_are_read(app: Readers, hosted: Hosted) -> None:
    """Above 300 GitHub gives no diff and above 3,000 not all names; git gives all."""
    hosted.commit(**{f"m{n}": f"x = {n}\n" for n in range(350)})
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(**{f"m{n}": f"y = {n}\n" for n in range(350)})
    hosted.open_pull()
    assert len(app.read().change.files) == 350


def test_what_does_not_fit_into_memory_is_left_out_tests_first(
    app: Readers, hosted: Hosted
) -> None:
    """Each file has two sides of 180 bytes; 400 bytes hold one of them."""
    hosted.commit(test_a=LONG, zebra=LONG)
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(test_a=LONG[:180], zebra=LONG[:180])
    hosted.open_pull()
    found = app.read(max_bytes=len(LONG) + 200)
    assert [each.path for each in found.change.files] == ["zebra.py"]
    assert reasons(found.change) == {"test_a.py": OVER_SIZE}
    assert [each.path for each in found.left_out] == ["test_a.py"]
