"""What is being worked on against a base: buffers, bases by name, renames, folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_repository import GitRepository

from review_core.errors import InputError, NoRepositoryError
from review_core.sources.filters import Limits
from review_core.sources.working import Held, buffer_change, held_content, working_change
from review_core.types import FileChange, Skipped

OLD, STAGED, NEW = (
    "def f():\n    return 1\n",
    "def f():\n    return 2\n",
    "def f():\n    return 3\n",
)
LONG = "".join(f"def f{at}():\n    return {at}\n\n\n" for at in range(20))


def only(file: Path, text: str, base: str = "HEAD") -> FileChange:
    (found,) = buffer_change(file, text, base).files
    return found


def test_a_buffer_is_compared_with_head_and_not_with_the_disk(repository: GitRepository) -> None:
    head = repository.commit("base", cart=OLD)
    file = repository.write("cart.py", STAGED)
    change = buffer_change(file, NEW, "HEAD")
    assert (change.base, change.head) == (head, "working tree")
    assert change.files == (FileChange("cart.py", OLD, NEW),)


def test_a_buffer_that_is_as_at_base_changes_nothing(repository: GitRepository) -> None:
    repository.commit("base", cart=OLD)
    file = repository.write("cart.py", NEW)
    assert buffer_change(file, OLD, "HEAD").files == ()


def test_the_index_a_revision_and_a_merge_base_are_bases_too(repository: GitRepository) -> None:
    repository.commit("base", cart=OLD)
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit("topic", cart=NEW + "# topic\n")
    repository.git("checkout", "--quiet", "main")
    repository.commit("main goes on", cart=STAGED + "# main\n")
    repository.git("checkout", "--quiet", "topic")
    file = repository.write("cart.py", STAGED)
    repository.git("add", "cart.py")
    assert only(file, NEW, "index").base == STAGED
    assert only(file, NEW, "main").base == STAGED + "# main\n"
    assert only(file, NEW, "main...").base == OLD


def test_the_content_of_any_file_is_found_at_a_base(repository: GitRepository) -> None:
    head = repository.commit("base", **{"deep/cart": OLD})
    file = repository.write("deep/cart.py", STAGED)
    repository.git("add", "deep/cart.py")
    notes = repository.write("notes.txt", "new")
    (repository.path / "link.py").symlink_to("deep/cart.py")
    repository.git("add", "link.py")
    path = "deep/cart.py"
    assert held_content(file, "HEAD") == Held(head, path, OLD.encode())
    assert held_content(file, "index") == Held("index", path, STAGED.encode())
    assert held_content(notes, "HEAD") == Held(head, "notes.txt", None)
    link = held_content(repository.path / "link.py", "index")
    assert link.content == Skipped("link.py", "not a regular file at base")
    large = held_content(file, "HEAD", limits=Limits(max_file_bytes=3))
    assert large.content == Skipped(path, "larger than 3 bytes")
    with pytest.raises(InputError, match="unknown revision 'nowhere'"):
        held_content(file, "nowhere")
    with pytest.raises(InputError, match="does not exist; save the file first"):
        held_content(repository.path / "nowhere" / "cart.py", "HEAD")


def test_a_detached_head_is_a_head(repository: GitRepository) -> None:
    first = repository.commit("base", cart=OLD)
    repository.commit("more", cart=STAGED)
    repository.git("checkout", "--quiet", first)
    assert only(repository.path / "cart.py", NEW).base == OLD


def test_before_the_first_commit_every_file_is_new(repository: GitRepository) -> None:
    file = repository.write("cart.py", OLD)
    assert only(file, OLD) == FileChange("cart.py", None, OLD)


@pytest.mark.parametrize("told", [True, False], ids=["git mv", "mv"])
def test_a_renamed_file_is_compared_with_what_it_was(repository: GitRepository, told: bool) -> None:
    repository.commit("base", cart=LONG)
    file = repository.path / "shop" / "basket.py"
    file.parent.mkdir()
    if told:
        repository.git("mv", "cart.py", "shop/basket.py")
    else:
        (repository.path / "cart.py").rename(file)
    found = only(file, LONG + NEW)
    assert (found.path, found.base_path, found.base) == ("shop/basket.py", "cart.py", LONG)


def test_a_name_with_blanks_brackets_and_letters_beyond_ascii_is_found(
    repository: GitRepository,
) -> None:
    repository.write("mäx [a]/c d.py", OLD)
    repository.commit()
    found = only(repository.path / "mäx [a]" / "c d.py", NEW)
    assert (found.path, found.base) == ("mäx [a]/c d.py", OLD)


def test_what_is_not_reviewed_says_why(repository: GitRepository) -> None:
    repository.commit("base", cart=OLD)
    file = repository.path / "cart.py"
    (skipped,) = buffer_change(file, NEW, "HEAD", limits=Limits(max_file_bytes=5)).skipped
    assert skipped.reason == "larger than 5 bytes"
    (repository.path / "link.py").symlink_to("cart.py")
    repository.commit("link")
    (skipped,) = buffer_change(repository.path / "link.py", NEW, "HEAD").skipped
    assert skipped.reason == "a symbolic link"


def test_without_a_repository_or_a_base_the_error_says_so(
    repository: GitRepository, tmp_path: Path
) -> None:
    with pytest.raises(NoRepositoryError, match="is not in a git repository"):
        buffer_change(tmp_path / "cart.py", NEW, "HEAD")
    repository.commit("base", cart=OLD)
    with pytest.raises(InputError, match="unknown revision 'nowhere'"):
        buffer_change(repository.path / "cart.py", NEW, "nowhere")
    with pytest.raises(InputError, match="does not exist; save the file first"):
        buffer_change(repository.path / "gone" / "cart.py", NEW, "HEAD")


def test_the_working_tree_counts_buffers_instead_of_files(repository: GitRepository) -> None:
    repository.commit("base", cart=OLD, login=OLD, same=OLD)
    repository.write("cart.py", STAGED)
    repository.write("login.py", STAGED)
    repository.write("new.py", NEW)
    buffers = {repository.path / "login.py": NEW, repository.path / "cart.py": OLD}
    change = working_change(repository.path, "HEAD", buffers)
    assert change.files == (
        FileChange("login.py", OLD, NEW),
        FileChange("new.py", None, NEW),
    )


def test_the_working_tree_is_compared_with_the_index(repository: GitRepository) -> None:
    repository.commit("base", cart=OLD, login=OLD)
    repository.write("cart.py", STAGED)
    repository.write("login.py", STAGED)
    repository.git("add", "cart.py", "login.py")
    repository.write("login.py", NEW)
    change = working_change(repository.path, "index")
    assert change.files == (FileChange("login.py", STAGED, NEW),)


def test_a_merge_conflict_is_skipped_against_any_base(repository: GitRepository) -> None:
    repository.commit("base", cart=OLD)
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit("topic", cart=STAGED)
    repository.git("checkout", "--quiet", "main")
    repository.commit("main", cart=NEW)
    with pytest.raises(AssertionError):
        repository.git("merge", "topic")
    for base in ("HEAD", "index"):
        change = working_change(repository.path, base)
        assert [each.reason for each in change.skipped] == ["an unresolved merge conflict"]
        assert change.files == ()
