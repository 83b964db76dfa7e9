"""Repositories that mean harm: nothing of theirs is run and nothing is written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from review_core.errors import InputError
from review_core.sources.git import git_change
from review_core.types import FileChange

if TYPE_CHECKING:
    from tests.conftest import GitRepository

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the traps are shell scripts")

SOURCE = "".join(f"line_{n} = {n}\n" for n in range(20))


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """The file that appears when a trap was run."""
    return tmp_path / "sprung"


@pytest.fixture
def trap(tmp_path: Path, sprung: Path) -> str:
    """A command that leaves a trace and, as a filter, passes its input on."""
    script = tmp_path / "trap"
    script.write_text(f"#!/bin/sh\necho run >> '{sprung}'\n[ $# -gt 0 ] || exec cat\n")
    script.chmod(0o755)
    return str(script)


def all_changes(path: Path) -> None:
    """Read all that can be read of a repository with two commits, a staged and a changed file."""
    for target in ("HEAD", "HEAD~1...HEAD", "HEAD~1..HEAD"):
        assert git_change(path, target).files
    assert git_change(path, None, staged=True).files
    assert git_change(path, None).files


def history(repository: GitRepository) -> None:
    """Two commits; then staged, changed, moved, untracked and merely touched files."""
    repository.commit(a="x = 1\n", b=SOURCE, c=SOURCE.replace("line", "row"))
    repository.commit(a="x = 2\n", b=SOURCE + "more = 1\n")
    repository.write("a.py", "x = 3\n")
    repository.git("add", "a.py")
    repository.write("a.py", "x = 4\n")
    (repository.path / "c.py").rename(repository.path / "d.py")
    repository.write("d.py", SOURCE.replace("line", "row") + "more = 1\n")
    repository.git("add", "--all", "--", "c.py", "d.py")
    repository.write("new.py", "y = 1\n")
    os.utime(repository.path / "b.py", (1, 1))


CONFIGURATIONS = [
    {"core.fsmonitor": "TRAP"},
    {"core.hooksPath": "HOOKS"},
    {"diff.external": "TRAP"},
    {"diff.evil.textconv": "TRAP", "diff.evil.command": "TRAP"},
    {"filter.evil.clean": "TRAP", "filter.evil.smudge": "TRAP", "filter.evil.required": "true"},
    {"filter.evil.process": "TRAP"},
    {"filter.Evil=x.y.clean": "TRAP"},
    {"core.pager": "TRAP", "pager.diff": "TRAP", "pager.rev-parse": "TRAP"},
    {"alias.diff": "!TRAP", "alias.diff-tree": "!TRAP", "alias.rev-parse": "!TRAP"},
    {"core.sshCommand": "TRAP", "credential.helper": "TRAP", "core.askPass": "TRAP"},
    {"gpg.program": "TRAP", "log.showSignature": "true"},
    {"core.editor": "TRAP", "sequence.editor": "TRAP", "interactive.diffFilter": "TRAP"},
]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda each: next(iter(each)))
def test_a_repository_cannot_run_what_it_configures(
    repository: GitRepository, trap: str, sprung: Path, configuration: dict[str, str]
) -> None:
    history(repository)
    repository.write(".git/info/attributes", "* filter=evil diff=evil\nd.py filter=Evil=x.y\n")
    repository.write(".gitattributes", "* filter=evil diff=evil\nd.py filter=Evil=x.y\n")
    hooks = repository.path.parent / "hooks"
    hooks.mkdir()
    for folder in (hooks, repository.path / ".git/hooks"):
        for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
            (folder / hook).symlink_to(trap)
    for key, value in configuration.items():
        repository.git("config", key, value.replace("TRAP", trap).replace("HOOKS", str(hooks)))
    all_changes(repository.path)
    assert not sprung.exists()


def test_the_traps_do_spring_when_git_runs_unguarded(
    repository: GitRepository, trap: str, sprung: Path
) -> None:
    """Otherwise the tests above would prove nothing."""
    history(repository)
    repository.write(".gitattributes", "* filter=evil\n")
    repository.git("config", "filter.evil.clean", trap)
    repository.git("diff", "--raw", "HEAD")
    assert sprung.exists()


def test_a_submodule_cannot_run_what_it_configures(
    repository: GitRepository, tmp_path: Path, trap: str, sprung: Path
) -> None:
    other = repository.another(tmp_path / "other")
    other.commit(a="x = 1\n")
    repository.git("submodule", "--quiet", "add", str(other.path), "sub")
    history(repository)
    repository.git("-C", "sub", "config", "core.fsmonitor", f"{trap} now")
    repository.git("-C", "sub", "config", "filter.evil.clean", trap)
    repository.write("sub/.gitattributes", "* filter=evil\n")
    repository.git("config", "diff.ignoreSubmodules", "none")
    repository.write("sub/a.py", "x = 2\n")
    all_changes(repository.path)
    assert not sprung.exists()
    repository.git("status")
    assert sprung.exists(), "the trap was set right"


def test_a_partial_clone_cannot_run_its_transport(
    repository: GitRepository, tmp_path: Path, trap: str, sprung: Path
) -> None:
    repository.commit(a="x = 1\n")
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    repository.git(
        *("clone", "--quiet", "--no-checkout", "--filter=blob:none"),
        *(f"file://{repository.path}", str(clone)),
    )
    repository.git("-C", str(clone), "config", "remote.origin.url", f"ext::{trap} now")
    repository.git("-C", str(clone), "config", "protocol.ext.allow", "always")
    with pytest.raises(InputError, match="partial clone"):
        git_change(clone, "HEAD")
    assert not sprung.exists()
    with pytest.raises(AssertionError):
        repository.git("-C", str(clone), "show", "HEAD:a.py")
    assert sprung.exists(), "the trap was set right"


@pytest.mark.parametrize(
    "target",
    ["--output=pwned", "-opwned", "--output=pwned...HEAD", "HEAD..--output=pwned", "--all"],
)
def test_a_target_is_never_an_option(repository: GitRepository, target: str) -> None:
    history(repository)
    with pytest.raises(InputError, match="unknown revision"):
        git_change(repository.path, target)
    assert not list(repository.path.rglob("*pwned*"))


def test_names_that_look_like_options_or_patterns_are_names(repository: GitRepository) -> None:
    names = ["--output=pwned.py", "-o.py", ":(exclude)a.py", "*.py", "@{-1}.py"]
    for name in names:
        repository.write(name, "x = 1\n")
    repository.commit()
    head = git_change(repository.path, "HEAD")
    assert sorted(file.path for file in head.files) == sorted(names)
    assert not (repository.path / "pwned.py").exists()


def test_a_branch_named_like_an_option_is_only_a_branch(repository: GitRepository) -> None:
    first = repository.commit(a="x = 1\n")
    repository.commit(a="x = 2\n")
    repository.git("update-ref", "refs/heads/--output=pwned", first)
    change = git_change(repository.path, "--output=pwned..HEAD")
    assert change.files == (FileChange("a.py", "x = 1\n", "x = 2\n"),)
    assert not list(repository.path.glob("pwned*"))


def test_reading_writes_nothing(repository: GitRepository) -> None:
    history(repository)

    def state() -> dict[Path, tuple[int, bytes]]:
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes())
            for path in repository.path.rglob("*")
            if path.is_file()
        }

    before = state()
    all_changes(repository.path)
    assert state() == before


@pytest.mark.parametrize(
    "settings",
    [
        "[core]\n\tquotePath = true\n\tautocrlf = true\n[diff]\n\trenames = false\n"
        "\tnoprefix = true\n\trelative = true\n[color]\n\tui = always\n",
        "not a configuration",
    ],
    ids=["odd", "broken"],
)
def test_the_users_configuration_does_not_change_what_is_read(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    history(repository)
    expected = [git_change(repository.path, target) for target in ("HEAD", None)]
    configuration = tmp_path / "gitconfig"
    configuration.write_text(settings)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(configuration))
    assert [git_change(repository.path, target) for target in ("HEAD", None)] == expected


def test_what_the_user_ignores_everywhere_is_not_in_the_working_tree(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(repository)
    (tmp_path / "ignored").write_text("new.py\n")
    configuration = tmp_path / "gitconfig"
    configuration.write_text(f"[core]\n\texcludesFile = {tmp_path / 'ignored'}\n")
    assert "new.py" in [file.path for file in git_change(repository.path, None).files]
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    assert "new.py" not in [file.path for file in git_change(repository.path, None).files]


def test_the_repository_of_another_user_is_refused_with_the_remedy(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(a="x = 1\n")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for such tests
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    remedy = f"git config --global --add safe.directory {repository.path.resolve()}"
    with pytest.raises(InputError, match=f"belongs to another user.*{remedy}$"):
        git_change(repository.path, "HEAD")


@pytest.mark.parametrize("trusted", ["*", "PATH"])
def test_a_repository_that_the_user_trusts_is_read(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    repository.commit(a="x = 1\n")
    configuration = tmp_path / "gitconfig"
    trusted = trusted.replace("PATH", str(repository.path.resolve()))
    configuration.write_text(f"[safe]\n\tdirectory = /elsewhere\n\tdirectory = {trusted}\n")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    assert git_change(repository.path, "HEAD").files
    assert git_change(repository.path, None).files == ()


@pytest.mark.parametrize("encoding", ["punycode", "undefined", "no-such", "hex", "\xff"])
def test_a_commit_in_a_made_up_encoding_is_read(repository: GitRepository, encoding: str) -> None:
    repository.commit(a="x = 1\n")
    tree = repository.git("write-tree")
    person = "Ada <ada@example.org> 1767323045 +0000"
    raw = (
        f"tree {tree}\nauthor {person}\ncommitter {person}\n".encode()
        + b"encoding "
        + encoding.encode("latin-1")
        + b"\n\nGr\xc3\xbcn\n"
    )
    commit = repository.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    assert git_change(repository.path, commit).intent
