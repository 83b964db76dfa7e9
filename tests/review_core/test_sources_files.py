from __future__ import annotations

import sys
from pathlib import Path

import pytest

from review_core.errors import InputError
from review_core.sources.files import paths_change, read_file
from review_core.sources.filters import DEFAULT_LIMITS, Limits
from review_core.sources.renames import renamed
from review_core.types import Change, FileChange, Skipped

SOURCE = "".join(f"line_{n} = {n}\n" for n in range(20))
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")


def folder(root: Path, **files: str) -> Path:
    for name, content in files.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".py").write_bytes(content.encode())
    return root


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "base").mkdir()
    (tmp_path / "head").mkdir()
    return tmp_path / "base", tmp_path / "head"


def test_two_files_are_one_change(sides: tuple[Path, Path]) -> None:
    base, head = (folder(side) / "a.py" for side in sides)
    base.write_text("x = 1\n")
    head.write_text("x = 2\n")
    assert paths_change(base, head) == Change(
        str(base), str(head), (FileChange("a.py", "x = 1\n", "x = 2\n"),)
    )


def test_two_files_of_different_names_are_a_rename(tmp_path: Path) -> None:
    folder(tmp_path, first="x = 1\n", second="y = 2\n")
    change = paths_change(tmp_path / "first.py", tmp_path / "second.py")
    assert change.files == (FileChange("second.py", "x = 1\n", "y = 2\n", base_path="first.py"),)


def test_two_equal_files_are_no_change(tmp_path: Path) -> None:
    folder(tmp_path, first="x = 1\n", second="x = 1\n")
    change = paths_change(tmp_path / "first.py", tmp_path / "second.py")
    assert (change.files, change.skipped) == ((), ())


def test_two_folders_have_changed_new_deleted_and_renamed_files(sides: tuple[Path, Path]) -> None:
    base, head = sides
    folder(base, changed="x = 1\n", gone="y = 1\n", same="z = 1\n", old=SOURCE)
    folder(head, changed="x = 2\n", new="w = 1\n", same="z = 1\n", sub__moved=SOURCE + "x = 1\n")
    (head / "notes.txt").touch()
    change = paths_change(base, head)
    assert change.files == (
        FileChange("changed.py", "x = 1\n", "x = 2\n"),
        FileChange("gone.py", "y = 1\n", None),
        FileChange("new.py", None, "w = 1\n"),
        FileChange("sub/moved.py", SOURCE, SOURCE + "x = 1\n", base_path="old.py"),
    )
    assert change.skipped == (Skipped("notes.txt", "not a language Themis reads"),)


def test_a_git_folder_inside_is_left_out(sides: tuple[Path, Path]) -> None:
    folder(sides[1], **{".git__hooks__a": "x = 1\n"})
    change = paths_change(*sides)
    assert (change.files, change.skipped) == ((), ())


@needs_links
def test_links_in_folders_are_not_followed(sides: tuple[Path, Path], tmp_path: Path) -> None:
    folder(tmp_path / "outside", secret="password = 1\n")
    (sides[1] / "link.py").symlink_to(tmp_path / "outside/secret.py")
    (sides[1] / "folder.py").symlink_to(tmp_path / "outside")
    (sides[1] / "loop.py").symlink_to(sides[1])
    change = paths_change(*sides)
    assert change.files == ()
    assert {skip.path: skip.reason for skip in change.skipped} == dict.fromkeys(
        ("link.py", "folder.py", "loop.py"), "a symbolic link"
    )


@needs_links
def test_a_link_given_by_name_is_followed(sides: tuple[Path, Path]) -> None:
    base, head = (folder(side, real=f"x = '{side.name}'\n") / "real.py" for side in sides)
    link = head.parent / "link.py"
    link.symlink_to(head)
    (file,) = paths_change(base, link).files
    assert (file.path, file.head) == ("link.py", "x = 'head'\n")


@needs_links
def test_a_file_is_read_below_its_root_only(tmp_path: Path) -> None:
    folder(tmp_path / "outside", a="password = 1\n")
    root = folder(tmp_path / "root", b="x = 1\n")
    (root / "way").symlink_to(tmp_path / "outside")
    assert read_file(root, "b.py", DEFAULT_LIMITS) == b"x = 1\n"
    assert read_file(root, "way/a.py", DEFAULT_LIMITS) == Skipped(
        "way/a.py", "behind a symbolic link"
    )
    assert isinstance(read_file(root, "../outside/a.py", DEFAULT_LIMITS), Skipped)
    (tmp_path / "door").symlink_to(root)  # a link to the root itself leads to where it says
    assert read_file(tmp_path / "door", "b.py", DEFAULT_LIMITS) == b"x = 1\n"


def test_a_huge_file_is_not_read(sides: tuple[Path, Path]) -> None:
    folder(sides[1], a="x = 1\n")
    change = paths_change(*sides, limits=Limits(max_file_bytes=5))
    assert change.skipped == (Skipped("a.py", "larger than 5 bytes"),)


def test_a_missing_path_and_a_mixed_pair_are_said_so(sides: tuple[Path, Path]) -> None:
    base, head = sides
    with pytest.raises(InputError, match="nowhere does not exist; give two files or two folders"):
        paths_change(base / "nowhere", head)
    folder(head, a="x = 1\n")
    with pytest.raises(InputError, match="a file and a folder; give two of a kind"):
        paths_change(base, head / "a.py")


def test_the_most_similar_files_are_paired_first() -> None:
    """Of 100 bytes, `near` shares 90 with `old` and `far` 50: enough, but `near` is nearer."""
    lines = [b"%09d\n" % n for n in range(10)]
    old = b"".join(lines)
    near = b"".join(lines[:9]) + b"another..\n"
    far = b"".join(lines[:5]) + b"".join(b"other %03d\n" % n for n in range(5))
    assert renamed([("old", old)], [("far", far), ("near", near)]) == {"near": "old"}
    assert renamed([("old", old)], [("far", far)]) == {"far": "old"}
    less = b"".join(lines[:4]) + b"".join(b"other %03d\n" % n for n in range(6))
    assert renamed([("old", old)], [("less", less)]) == {}


def test_empty_files_are_not_renames_of_each_other() -> None:
    assert renamed([("old", b"")], [("new", b"")]) == {}
