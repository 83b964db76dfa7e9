"""Changes read from real repositories; for those that mean harm see test_sources_hostile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from review_core.errors import InputError
from review_core.sources.filters import Limits
from review_core.sources.git import git_change
from review_core.sources.repository import open_repository
from review_core.types import Change, FileChange, Skipped

if TYPE_CHECKING:
    from tests.conftest import GitRepository


def reasons(change: Change) -> dict[str, str]:
    return {skip.path: skip.reason for skip in change.skipped}


def paths(change: Change) -> list[str]:
    return [file.path for file in change.files]


# --- targets -------------------------------------------------------------------------------------


def test_three_dots_compare_with_the_merge_base(repository: GitRepository) -> None:
    fork = repository.commit(ours="x = 1\n")
    repository.git("switch", "--quiet", "--create", "topic")
    head = repository.commit(theirs="y = 1\n")
    repository.commit(theirs="y = 2\n")
    head = repository.git("rev-parse", "HEAD")
    repository.git("switch", "--quiet", "main")
    repository.commit(ours="x = 2\n")
    change = git_change(repository.path, "main...topic")
    assert (change.base, change.head) == (fork, head)
    assert change.files == (FileChange("theirs.py", None, "y = 2\n"),)
    assert change.intent is None


def test_two_dots_compare_the_two_ends(repository: GitRepository) -> None:
    repository.commit(ours="x = 1\n")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.commit(theirs="y = 1\n")
    repository.git("switch", "--quiet", "main")
    base = repository.commit(ours="x = 2\n")
    change = git_change(repository.path, "main..topic")
    assert change.base == base
    assert paths(change) == ["ours.py", "theirs.py"]
    assert change.files[0] == FileChange("ours.py", "x = 2\n", "x = 1\n")


@pytest.mark.parametrize("target", ["first...", "first..", "first...HEAD", "first..HEAD"])
def test_an_empty_side_of_a_range_is_head(repository: GitRepository, target: str) -> None:
    repository.commit(a="x = 1\n")
    repository.git("tag", "first")
    head = repository.commit(a="x = 2\n")
    assert git_change(repository.path, target).head == head


def test_an_empty_first_side_is_head_too(repository: GitRepository) -> None:
    head = repository.commit(a="x = 1\n")
    repository.git("branch", "same")
    assert git_change(repository.path, "..same").base == head


def test_one_commit_is_compared_with_its_parent_and_gives_its_subject(
    repository: GitRepository,
) -> None:
    base = repository.commit(a="x = 1\n")
    head = repository.commit("Double x\nwith care\n\nBecause.", a="x = 2\n")
    repository.commit(a="x = 3\n")
    change = git_change(repository.path, "HEAD~1")
    assert (change.base, change.head, change.intent) == (base, head, "Double x with care")
    assert change.files == (FileChange("a.py", "x = 1\n", "x = 2\n"),)


def test_a_range_of_one_commit_has_its_subject_as_intent(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    repository.commit("Double x", a="x = 2\n")
    assert git_change(repository.path, "HEAD~1...HEAD").intent == "Double x"


def test_the_first_commit_is_compared_with_nothing(repository: GitRepository) -> None:
    head = repository.commit("Begin", a="x = 1\n")
    change = git_change(repository.path, "HEAD")
    assert change == Change(
        "empty tree", head, (FileChange("a.py", None, "x = 1\n"),), intent="Begin"
    )


def test_a_merge_is_compared_with_its_first_parent(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.commit(b="y = 1\n")
    repository.git("switch", "--quiet", "main")
    first_parent = repository.commit(a="x = 2\n")
    repository.git("merge", "--quiet", "--no-edit", "topic")
    change = git_change(repository.path, "HEAD")
    assert change.base == first_parent
    assert paths(change) == ["b.py"]


def test_a_subject_in_an_old_encoding_is_read(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    tree = repository.git("write-tree")
    head = repository.git(
        *("-c", "i18n.commitEncoding=ISO-8859-1", "commit-tree", tree),
        stdin="Grün".encode("latin-1"),
    )
    assert git_change(repository.path, head).intent == "Grün"


def test_the_staged_change_is_the_index_against_head(repository: GitRepository) -> None:
    base = repository.commit(a="x = 1\n")
    repository.write("a.py", "x = 2\n")
    repository.git("add", "a.py")
    repository.write("a.py", "x = 3\n")
    change = git_change(repository.path, None, staged=True)
    assert (change.base, change.head) == (base, "index")
    assert change.files == (FileChange("a.py", "x = 1\n", "x = 2\n"),)


def test_the_staged_change_of_an_unborn_branch_is_all_of_the_index(
    repository: GitRepository,
) -> None:
    repository.write("a.py", "x = 1\n")
    repository.git("add", "a.py")
    change = git_change(repository.path, None, staged=True)
    assert change == Change("empty tree", "index", (FileChange("a.py", None, "x = 1\n"),))


def test_the_working_tree_has_changed_deleted_staged_and_untracked_files(
    repository: GitRepository,
) -> None:
    base = repository.commit(changed="a = 1\n", gone="b = 1\n", same="c = 1\n", staged="d = 1\n")
    repository.write(".gitignore", "ignored.py\n")
    repository.write("changed.py", "a = 2\n")
    (repository.path / "gone.py").unlink()
    repository.write("ignored.py", "e = 1\n")
    repository.write("new/file.py", "f = 1\n")
    repository.write("staged.py", "d = 2\n")
    repository.git("add", "staged.py")
    change = git_change(repository.path, None)
    assert (change.base, change.head) == (base, "working tree")
    assert change.files == (
        FileChange("changed.py", "a = 1\n", "a = 2\n"),
        FileChange("gone.py", "b = 1\n", None),
        FileChange("new/file.py", None, "f = 1\n"),
        FileChange("staged.py", "d = 1\n", "d = 2\n"),
    )
    assert reasons(change) == {".gitignore": "not a language Themis reads"}


def test_the_working_tree_of_an_unborn_branch_is_all_new(repository: GitRepository) -> None:
    repository.write("a.py", "x = 1\n")
    assert paths(git_change(repository.path, None)) == ["a.py"]


def test_a_file_that_was_only_touched_is_not_in_the_change(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    repository.write("picture.png", b"\0")
    repository.commit()
    for name in ("a.py", "picture.png"):
        os.utime(repository.path / name, (1, 1))
    change = git_change(repository.path, None)
    assert (change.files, change.skipped) == ((), ())


def test_a_file_moved_without_telling_git_is_a_rename(repository: GitRepository) -> None:
    lines = "".join(f"line_{n} = {n}\n" for n in range(20))
    repository.commit(old=lines)
    (repository.path / "old.py").unlink()
    repository.write("sub/new.py", lines.replace("= 7", "= 8"))
    (file,) = git_change(repository.path, None).files
    assert (file.path, file.base_path) == ("sub/new.py", "old.py")
    assert file.base == lines


def test_a_sub_folder_stands_for_its_whole_repository(repository: GitRepository) -> None:
    repository.write("sub/b.py", "y = 1\n")
    repository.commit(a="x = 1\n")
    repository.write("a.py", "x = 2\n")
    repository.write("sub/b.py", "y = 2\n")
    repository.write("new.py", "z = 1\n")
    assert paths(git_change(repository.path / "sub", None)) == ["a.py", "new.py", "sub/b.py"]
    assert paths(git_change(repository.path / "sub", "HEAD")) == ["a.py", "sub/b.py"]


# --- kinds of files ------------------------------------------------------------------------------


def test_a_rename_keeps_its_base(repository: GitRepository) -> None:
    lines = "".join(f"line_{n} = {n}\n" for n in range(20))
    repository.commit(old=lines)
    repository.git("mv", "old.py", "new.py")
    repository.commit(new=lines + "more = 1\n")
    (file,) = git_change(repository.path, "HEAD").files
    assert file == FileChange("new.py", lines, lines + "more = 1\n", base_path="old.py")


def test_a_mere_rename_is_skipped(repository: GitRepository) -> None:
    repository.commit(old="x = 1\n")
    repository.git("mv", "old.py", "new.py")
    repository.commit()
    change = git_change(repository.path, "HEAD")
    assert change.skipped == (Skipped("new.py", "renamed from old.py, content unchanged"),)


@pytest.mark.parametrize(
    "name", ["grün.py", "with space.py", "日本/语.py", 'quo"te.py', "tab\there.py", "-dash.py"]
)
@pytest.mark.skipif(sys.platform == "win32", reason="such names do not exist on Windows")
def test_odd_names_are_read_as_they_are(repository: GitRepository, name: str) -> None:
    repository.write(name, "x = 1\n")
    assert paths(git_change(repository.path, None)) == [name]
    repository.commit()
    repository.write(name, "x = 2\n")
    assert paths(git_change(repository.path, None)) == [name]
    assert paths(git_change(repository.path, "HEAD")) == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
def test_a_name_that_is_not_utf8_is_skipped(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    (repository.path / os.fsdecode(b"caf\xe9.py")).touch()
    repository.commit()
    change = git_change(repository.path, "HEAD")
    assert change.skipped == (Skipped(r"caf\xe9.py", "its name is not valid UTF-8"),)


def test_line_ends_and_byte_order_marks_are_no_change(repository: GitRepository) -> None:
    repository.git("config", "core.autocrlf", "false")
    repository.commit(crlf="x = 1\n", bom="x = 1\n", end="x = 1\n", real="x = 1\ny = 1\n")
    repository.commit(crlf="x = 1\r\n", bom="\ufeffx = 1\n", end="x = 1", real="x = 2\r\ny = 1")
    change = git_change(repository.path, "HEAD")
    assert change.files == (FileChange("real.py", "x = 1\ny = 1\n", "x = 2\r\ny = 1"),)
    assert reasons(change) == dict.fromkeys(
        ("crlf.py", "bom.py", "end.py"), "only line ends or the byte order mark changed"
    )


def test_a_byte_order_mark_is_not_part_of_the_text(repository: GitRepository) -> None:
    repository.commit(a="\ufeffx = 1\n")
    assert git_change(repository.path, "HEAD").files[0].head == "x = 1\n"


def test_a_change_of_mode_alone_is_skipped(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    repository.git("update-index", "--chmod=+x", "a.py")
    (repository.path / "a.py").chmod(0o755)
    expected = (Skipped("a.py", "only its mode changed"),)
    assert git_change(repository.path, None, staged=True).skipped == expected
    assert git_change(repository.path, None).skipped == expected
    repository.commit()
    assert git_change(repository.path, "HEAD").skipped == expected


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_symbolic_link_is_skipped_and_not_followed(repository: GitRepository) -> None:
    secret = repository.path.parent / "secret.py"
    secret.write_text("password = 1\n")
    repository.commit(a="x = 1\n")
    (repository.path / "link.py").symlink_to(secret)
    expected = (Skipped("link.py", "a symbolic link"),)
    assert git_change(repository.path, None).skipped == expected
    repository.commit()
    assert git_change(repository.path, "HEAD").skipped == expected


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_file_behind_a_linked_folder_is_not_read(repository: GitRepository) -> None:
    outside = repository.path.parent / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("password = 1\n")
    repository.write("folder/a.py", "x = 1\n")
    repository.commit()
    (repository.path / "folder/a.py").unlink()
    (repository.path / "folder").rmdir()
    (repository.path / "folder").symlink_to(outside)
    change = git_change(repository.path, None)
    assert change.files == (FileChange("folder/a.py", "x = 1\n", None),)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_not_opened(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    (repository.path / "a.py").unlink()
    os.mkfifo(repository.path / "a.py")
    change = git_change(repository.path, None)
    assert change.skipped == (Skipped("a.py", "not a regular file"),)


def test_a_submodule_is_skipped(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit(a="x = 1\n")
    other = repository.another(tmp_path / "other")
    other.commit(a="x = 1\n")
    repository.git("submodule", "--quiet", "add", str(other.path), "parts.py")
    repository.commit()
    assert reasons(git_change(repository.path, "HEAD"))["parts.py"] == "a submodule"
    repository.git("-C", "parts.py", "commit", "--quiet", "--allow-empty", "--message", "on")
    assert reasons(git_change(repository.path, None)) == {"parts.py": "a submodule"}


def test_a_repository_inside_the_working_tree_is_skipped(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    repository.another(repository.path / "inner").commit(b="y = 1\n")
    assert reasons(git_change(repository.path, None)) == {"inner": "a repository of its own"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.py", b"x = '\0'\n", "binary"),
        ("a.py", b"x = '\xff'\n", "not valid UTF-8"),
        ("a.py", b"x = 1\n" * 10, "larger than 50 bytes"),
        ("a.txt", b"x\n", "not a language Themis reads"),
    ],
)
def test_what_cannot_be_reviewed_is_skipped_with_its_reason(
    repository: GitRepository, name: str, content: bytes, reason: str
) -> None:
    repository.write(name, "x = 1\n")
    repository.commit()
    repository.write(name, content)
    limits = Limits(max_file_bytes=50)
    assert reasons(git_change(repository.path, None, limits=limits)) == {name: reason}
    repository.commit()
    assert reasons(git_change(repository.path, "HEAD", limits=limits)) == {name: reason}
    repository.git("rm", "--quiet", name)
    repository.commit()
    assert reasons(git_change(repository.path, "HEAD", limits=limits)) == {name: reason}


def test_an_unresolved_conflict_is_skipped(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.commit(a="x = 2\n")
    repository.git("switch", "--quiet", "main")
    repository.commit(a="x = 3\n")
    with pytest.raises(AssertionError):
        repository.git("merge", "topic")
    expected = (Skipped("a.py", "an unresolved merge conflict"),)
    assert git_change(repository.path, None).skipped == expected
    assert git_change(repository.path, None, staged=True).skipped == expected


def test_deleted_and_new_files_have_one_side(repository: GitRepository) -> None:
    repository.commit(old="x = 1\n")
    repository.git("rm", "--quiet", "old.py")
    repository.commit(new="def f():\n    return 2\n")
    assert git_change(repository.path, "HEAD").files == (
        FileChange("new.py", None, "def f():\n    return 2\n"),
        FileChange("old.py", "x = 1\n", None),
    )


# --- kinds of repositories -----------------------------------------------------------------------


def test_a_bare_repository_has_ranges_but_nothing_uncommitted(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit(a="x = 1\n")
    repository.commit(a="x = 2\n")
    bare = tmp_path / "bare.git"
    repository.git("clone", "--quiet", "--bare", ".", str(bare))
    assert paths(git_change(bare, "HEAD~1...HEAD")) == ["a.py"]
    for staged in (False, True):
        with pytest.raises(InputError, match=r"bare repository .* give a range"):
            git_change(bare, None, staged=staged)


def test_a_detached_linked_worktree_is_read(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit(a="x = 1\n")
    linked = tmp_path / "linked"
    repository.git("worktree", "add", "--quiet", "--detach", str(linked))
    (linked / "a.py").write_text("x = 2\n")
    assert paths(git_change(linked, None)) == ["a.py"]
    assert paths(git_change(linked, "HEAD")) == ["a.py"]
    assert git_change(repository.path, None).files == ()


def test_a_repository_with_sha256_hashes_is_read(tmp_path: Path, repository: GitRepository) -> None:
    long = repository.another(tmp_path / "long", "--object-format=sha256")
    assert len(long.commit(a="x = 1\n")) == 64
    assert git_change(long.path, "HEAD").files == (FileChange("a.py", None, "x = 1\n"),)
    os.utime(long.path / "a.py", (1, 1))
    assert git_change(long.path, None).files == ()


def shallow_clone(repository: GitRepository, path: Path) -> Path:
    repository.git(
        *("clone", "--quiet", "--depth=1", "--no-single-branch"),
        *(f"file://{repository.path}", str(path)),
    )
    return path


def test_the_missing_parent_of_a_shallow_clone_names_the_remedy(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit(a="x = 1\n")
    repository.commit(a="x = 2\n")
    clone = shallow_clone(repository, tmp_path / "clone")
    with pytest.raises(InputError, match=r"parent of HEAD .* git fetch --deepen=1$"):
        git_change(clone, "HEAD")
    with pytest.raises(InputError, match=r"unknown revision 'HEAD~1' .* git fetch --unshallow$"):
        git_change(clone, "HEAD~1...HEAD")


def test_the_missing_merge_base_of_a_shallow_clone_names_the_remedy(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit(a="x = 1\n")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.commit(a="x = 2\n")
    repository.git("switch", "--quiet", "main")
    repository.commit(a="x = 3\n")
    clone = shallow_clone(repository, tmp_path / "clone")
    with pytest.raises(InputError, match=r"merge base .* git fetch --unshallow$"):
        git_change(clone, "main...origin/topic")
    assert paths(git_change(clone, "main..origin/topic")) == ["a.py"]


def test_a_partial_clone_without_the_files_names_the_remedy_and_fetches_nothing(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit(a="x = 1\n")
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone.git"
    repository.git(
        *("clone", "--quiet", "--bare", "--filter=blob:none"),
        *(f"file://{repository.path}", str(clone)),
    )
    with pytest.raises(InputError, match=r"partial clone .* git fetch"):
        git_change(clone, "HEAD")


# --- bad input -----------------------------------------------------------------------------------


def test_a_folder_without_repository_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not in a git repository; give"):
        git_change(tmp_path, None)


def test_a_folder_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a folder; give"):
        git_change(tmp_path / "nowhere", None)


@pytest.mark.parametrize("target", ["nope", "nope...HEAD", "HEAD..nope", "a\0b", "-x", "HEAD:a.py"])
def test_an_unknown_revision_is_named(repository: GitRepository, target: str) -> None:
    repository.commit(a="x = 1\n")
    with pytest.raises(InputError, match=r"^unknown revision .*git fetch$"):
        git_change(repository.path, target)


@pytest.mark.parametrize("target", ["...", "..", "HEAD....HEAD", "a..b..c", "a...b..c"])
def test_a_bad_range_is_said_so(repository: GitRepository, target: str) -> None:
    repository.commit(a="x = 1\n")
    with pytest.raises(InputError, match="is not a range; write it as"):
        git_change(repository.path, target)


def test_sides_without_common_history_are_said_so(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    repository.git("switch", "--quiet", "--orphan", "other")
    repository.commit(b="y = 1\n")
    with pytest.raises(InputError, match="share no history; compare them with two dots"):
        git_change(repository.path, "main...other")


def test_an_empty_repository_is_said_so(repository: GitRepository) -> None:
    with pytest.raises(InputError, match="neither commits nor files"):
        git_change(repository.path, None)
    with pytest.raises(InputError, match="no commit yet; review what is staged: --staged"):
        git_change(repository.path, "HEAD")


def test_staged_takes_no_range(repository: GitRepository) -> None:
    with pytest.raises(InputError, match="leave out HEAD or --staged"):
        git_change(repository.path, "HEAD", staged=True)


def test_a_damaged_repository_is_an_input_error(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    blob = repository.git("rev-parse", "HEAD:a.py")
    (repository.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(InputError, match=f"object {blob} is missing.*git fsck"):
        git_change(repository.path, "HEAD")


def test_git_has_a_time_limit(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    with pytest.raises(InputError, match=r"took longer than 1e-06 s .* give a smaller range"):
        git_change(repository.path, "HEAD", time_limit=1e-6)


def test_no_process_outlives_the_change(repository: GitRepository) -> None:
    repository.commit(a="x = 1\n")
    git_change(repository.path, "HEAD")
    children = subprocess.run(
        ["ps", "-A", "-o", "ppid=", "-o", "args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert not [child for child in children if str(os.getpid()) in child and "cat-file" in child]


def test_fields_come_while_the_command_runs_and_a_failure_says_so(
    repository: GitRepository,
) -> None:
    hashes = [repository.commit(f"commit {n}", a=f"x = {n}\n") for n in range(3)]
    with open_repository(repository.path) as opened:
        assert list(opened.fields("rev-list", "HEAD", end=b"\n")) == hashes[::-1]
        told = "\n".join(hashes).encode()
        shown = opened.fields("diff-tree", "--stdin", "-z", "--root", "--format=%s", told=told)
        assert next(shown) == "commit 0"
        shown.close()  # whoever has seen enough leaves no process behind
        with pytest.raises(InputError, match="git rev-list failed"):
            list(opened.fields("rev-list", "--end-of-options", "nothing"))


@pytest.mark.timeout(60)
def test_a_file_that_was_asked_for_and_never_read_does_not_hold_the_end(
    repository: GitRepository,
) -> None:
    """As an interrupt leaves it: git writes more than a pipe holds, and waits for a reader."""
    repository.commit("large", large="x = 1\n" * 100_000)
    hash_ = repository.git("rev-parse", "HEAD:large.py")
    with pytest.raises(KeyboardInterrupt), open_repository(repository.path) as opened:
        assert len(opened.content(hash_)) == 600_000
        assert opened._contents is not None
        opened._contents.ask(hash_)
        raise KeyboardInterrupt
