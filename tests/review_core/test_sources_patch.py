from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review_core.errors import InputError
from review_core.sources.files import paths_change
from review_core.sources.git import git_change
from review_core.sources.patch import patch_change
from review_core.types import FileChange, Skipped

if TYPE_CHECKING:
    from tests.conftest import GitRepository

SOURCE = "".join(f"line_{n} = {n}\n" for n in range(20))
CHANGED = SOURCE.replace("= 3\n", "= 33\n").replace("= 15\n", "= 16\nextra = 1\n")
PATCH = """\
--- a/a.py
+++ b/a.py
@@ -1,3 +1,3 @@
 x = 1
-y = 1
+y = 2
 z = 1
"""
needs_diff = pytest.mark.skipif(shutil.which("diff") is None, reason="needs diff")


@pytest.fixture
def base_dir(tmp_path: Path) -> Path:
    """A folder below which there is only a.py, to which PATCH applies."""
    path = tmp_path / "base"
    path.mkdir()
    (path / "a.py").write_text("x = 1\ny = 1\nz = 1\n")
    return path


def git_diff(repository: GitRepository, base_dir: Path, *options: str) -> str:
    """The patch of the last commit, and in base_dir a copy of what it starts from."""
    patch = repository.git("diff", *options, "HEAD~1", "HEAD")
    repository.git("worktree", "add", "--quiet", "--detach", str(base_dir), "HEAD~1")
    return patch + "\n"


# --- patches that apply --------------------------------------------------------------------------


def test_a_patch_is_applied_to_the_files_of_a_folder(base_dir: Path) -> None:
    change = patch_change(PATCH, base_dir)
    assert (change.base, change.head) == (str(base_dir), "patch")
    assert change.files == (FileChange("a.py", "x = 1\ny = 1\nz = 1\n", "x = 1\ny = 2\nz = 1\n"),)
    assert (base_dir / "a.py").read_text() == "x = 1\ny = 1\nz = 1\n", "on disk, nothing changes"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--unified=0",),
        ("--unified=30",),
        ("--no-prefix",),
        ("--src-prefix=i/", "--dst-prefix=w/"),
        ("--no-renames",),
        ("--patience", "--full-index"),
    ],
    ids=lambda options: " ".join(options) or "plain",
)
def test_a_patch_of_git_gives_what_git_gives(
    repository: GitRepository, tmp_path: Path, options: tuple[str, ...]
) -> None:
    repository.write("sub/changed.py", SOURCE)
    repository.write("name with space.py", "x = 1\n")
    repository.write("grün.py", "x = 1\n")
    repository.commit(gone="g = 1\n", emptied="e = 1\n", crlf="x = 1\r\ny = 1\r\n")
    repository.write("sub/changed.py", CHANGED)
    repository.write("name with space.py", "x = 2")
    repository.write("grün.py", "x = 2\n")
    (repository.path / "gone.py").unlink()
    repository.commit(new="n = 1\n", empty="", emptied="", crlf="x = 1\r\ny = 2\r\n")
    patch = git_diff(repository, tmp_path / "base", *options)
    expected = git_change(repository.path, "HEAD")
    found = patch_change(patch, tmp_path / "base")

    def texts(files: tuple[FileChange, ...]) -> list[tuple[str, list[str] | None]]:
        return [
            (file.path, file.head.splitlines() if file.head is not None else None) for file in files
        ]

    assert texts(found.files) == texts(expected.files)
    assert [file.base for file in found.files] == [file.base for file in expected.files]
    assert found.skipped == expected.skipped


@pytest.mark.parametrize("prefix", [(), ("--no-prefix",)])
def test_renames_keep_their_base(
    repository: GitRepository, tmp_path: Path, prefix: tuple[str, ...]
) -> None:
    repository.commit(old=SOURCE, mere=SOURCE.replace("line", "row"))
    repository.git("mv", "old.py", "new name.py")
    repository.git("mv", "mere.py", "moved.py")
    repository.write("new name.py", CHANGED)
    repository.commit()
    change = patch_change(git_diff(repository, tmp_path / "base", "-M", *prefix), tmp_path / "base")
    assert change.files == (FileChange("new name.py", SOURCE, CHANGED, base_path="old.py"),)
    assert change.skipped == (Skipped("moved.py", "renamed from mere.py, content unchanged"),)


def test_a_copy_is_a_new_file(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit(old=SOURCE)
    repository.commit(old="more = 1\n" + SOURCE, copy=CHANGED, other=CHANGED)
    patch = git_diff(repository, tmp_path / "base", "--find-copies-harder")
    assert patch.count("copy from") == 2, "one stands before the change of old.py, one behind"
    assert patch_change(patch, tmp_path / "base").files == (
        FileChange("copy.py", None, CHANGED),
        FileChange("old.py", SOURCE, "more = 1\n" + SOURCE),
        FileChange("other.py", None, CHANGED),
    )


@pytest.mark.skipif(sys.platform == "win32", reason="such files do not exist on Windows")
def test_what_is_no_text_is_skipped_with_its_reason(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit(mode="x = 1\n", binary=b"\0\1")
    repository.write("notes.txt", "x\n")
    (repository.path / "link.py").symlink_to("mode.py")
    (repository.path / "mode.py").chmod(0o755)
    repository.commit(binary=b"\0\2")
    change = patch_change(git_diff(repository, tmp_path / "base"), tmp_path / "base")
    assert change.files == ()
    assert {skip.path: skip.reason for skip in change.skipped} == {
        "binary.py": "binary",
        "link.py": "a symbolic link",
        "mode.py": "only its mode changed",
        "notes.txt": "not a language Themis reads",
    }


def test_patches_in_a_row_build_on_each_other(repository: GitRepository, tmp_path: Path) -> None:
    start = repository.commit(a="x = 1\n")
    repository.commit("Two\n\n--- not a header", a="x = 2\n", b="y = 1\n")
    repository.git("mv", "b.py", "c.py")
    repository.commit("Three", a="x = 3\nz = 3\n")
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "base"), start)
    patch = repository.git("format-patch", "--stdout", start) + "\n"
    assert patch_change(patch, tmp_path / "base").files == (
        FileChange("a.py", "x = 1\n", "x = 3\nz = 3\n"),
        FileChange("c.py", None, "y = 1\n"),
    )


@needs_diff
def test_a_patch_of_diff_gives_what_the_folders_give(tmp_path: Path) -> None:
    sides: dict[str, tuple[str | None, str | None]] = {
        "changed.py": (SOURCE, CHANGED),
        "gone.py": ("g = 1\n", None),
        "né w.py": (None, "x = 1\n"),
    }
    for name, contents in sides.items():
        for side, content in zip(("old", "new"), contents, strict=True):
            (tmp_path / side / "sub").mkdir(parents=True, exist_ok=True)
            if content is not None:
                (tmp_path / side / "sub" / name).write_text(content)
    patch = subprocess.run(
        ["diff", "-ruN", "old", "new"], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout
    expected = paths_change(tmp_path / "old", tmp_path / "new")
    assert patch_change(patch, tmp_path / "old").files == expected.files


@needs_diff
def test_a_patch_of_two_files_is_for_the_one_that_is_there(base_dir: Path) -> None:
    (base_dir / "a.py.new").write_text("x = 1\ny = 2\nz = 1\n")
    patch = subprocess.run(
        ["diff", "-u", "a.py", "a.py.new"],
        **{"cwd": base_dir, "capture_output": True, "text": True, "check": False},
    ).stdout
    (base_dir / "a.py.new").unlink()
    backwards = patch.replace("--- a.py", "--- a.py.orig").replace("+++ a.py.new", "+++ a.py")
    for each in (patch, backwards):
        (file,) = patch_change(each, base_dir).files
        assert (file.path, file.base_path) == ("a.py", None)


def test_hunks_that_moved_are_found_near_by(base_dir: Path) -> None:
    (base_dir / "a.py").write_text("# new\n# lines\nx = 1\ny = 1\nz = 1\n")
    (file,) = patch_change(PATCH, base_dir).files
    assert file.head == "# new\n# lines\nx = 1\ny = 2\nz = 1\n"


def test_line_ends_need_not_agree(base_dir: Path) -> None:
    (base_dir / "a.py").write_bytes(b"\xef\xbb\xbfx = 1\r\ny = 1\r\nz = 1\r\n")
    marked = PATCH.replace(" x = 1", " \ufeffx = 1")
    for patch in (marked, marked.replace("\n", "\r\n")):
        (file,) = patch_change(patch, base_dir).files
        assert file.head == "x = 1\ny = 2\nz = 1\n"


def test_a_blank_context_line_may_have_lost_its_blank(base_dir: Path) -> None:
    (base_dir / "a.py").write_text("x = 1\n\nz = 1\n")
    (file,) = patch_change(
        "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n x = 1\n\n-z = 1\n+z = 2\n", base_dir
    ).files
    assert file.head == "x = 1\n\nz = 2\n"


def test_lines_that_look_like_headers_are_lines(base_dir: Path) -> None:
    (base_dir / "a.py").write_text("-- x\n++ y\n")
    patch = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n--- x\n-++ y\n+++ z\n+diff --git a/b b/b\n"
    (file,) = patch_change(patch, base_dir).files
    assert file.head == "++ z\ndiff --git a/b b/b\n"


def test_an_empty_patch_is_an_empty_change(base_dir: Path) -> None:
    assert patch_change("\n", base_dir).files == ()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(*[st.lists(st.sampled_from(["a", "b", "", "@@ -1 +1 @@", "-- x"]), max_size=12)] * 2)
def test_any_patch_of_git_turns_base_into_head(
    tmp_path: Path, base: list[str], head: list[str]
) -> None:
    for name, lines in (("a.py", base), ("b.py", head)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    patch = subprocess.run(
        ["git", "diff", "--no-index", "--no-prefix", "--unified=1", "a.py", "b.py"],
        **{"cwd": tmp_path, "capture_output": True, "text": True, "check": False},
    ).stdout
    (tmp_path / "b.py").unlink()
    for file in patch_change(patch, tmp_path).files:
        assert file.head == "".join(f"{line}\n" for line in head)


# --- patches that do not -------------------------------------------------------------------------


def test_a_hunk_that_does_not_apply_is_named(base_dir: Path) -> None:
    (base_dir / "a.py").write_text(SOURCE)
    patch = PATCH.replace(
        "@@ -1,3 +1,3 @@", "@@ -1 +1 @@\n-line_0 = 0\n+line_0 = 1\n@@ -3,3 +3,3 @@"
    )
    with pytest.raises(InputError) as error:
        patch_change(patch, base_dir)
    assert str(error.value) == (
        f"hunk 2 (@@ -3,3 +3,3 @@) of a.py does not apply to {base_dir / 'a.py'}; "
        "--base-dir has to hold the files as they were before the patch"
    )


def test_a_patch_that_was_applied_already_is_said_so(base_dir: Path) -> None:
    (base_dir / "a.py").write_text("x = 1\ny = 2\nz = 1\n")
    with pytest.raises(InputError, match="as they were before the patch"):
        patch_change(PATCH, base_dir)
    new = "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+x\n"
    with pytest.raises(InputError, match=r"a\.py is new in the patch but there; "):
        patch_change(new, base_dir)


def test_a_file_that_is_not_there_is_named(base_dir: Path) -> None:
    (base_dir / "a.py").unlink()
    with pytest.raises(InputError, match=f"^{base_dir / 'a.py'} is not there; --base-dir"):
        patch_change(PATCH, base_dir)


def test_a_missing_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a folder; give"):
        patch_change(PATCH, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("nonsense\n", "names no changed file; make one with git diff or diff -u"),
        ("@@ -1 +1 @@\n-x\n+y\n", "line 1 of the patch is a hunk without a file"),
        (PATCH.removesuffix(" z = 1\n"), "line 7 .* hunk @@ -1,3 [+]1,3 @@ .* cut short"),
        (PATCH + "+w = 1\n", "line 8 .* hunk @@ -1,3 [+]1,3 @@ .* edited"),
        (PATCH.replace(" x = 1", "?x = 1"), "line 4 .* hunk @@ -1,3 [+]1,3 @@ .* edited"),
        ("diff --cc a.py\nindex 1,2..3\n", "line 1 .* combined diff .* git diff A B"),
        ("diff --git \n", "a diff --git line of the patch has no names; make it with git diff"),
    ],
)
def test_a_malformed_patch_names_its_line(base_dir: Path, patch: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        patch_change(patch, base_dir)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.py",
        "a/../../secret.py",
        "b/../../secret.py",
        "/etc/secret.py",
        "a//etc/secret.py",
        r"a/C:\secret.py",
        r"a/..\secret.py",
        r'"a/..\057secret.py"',
    ],
)
def test_a_patch_does_not_lead_out_of_its_folder(base_dir: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.py").write_text("x = 1\ny = 1\nz = 1\n")
    for patch in (
        PATCH.replace("a/a.py", name).replace("b/a.py", name),
        PATCH.replace("b/a.py", name),
        PATCH.replace("a/a.py", name),
    ):
        with pytest.raises(InputError, match=r"outside of .*; it is not applied|is not there"):
            patch_change(patch, base_dir)


@pytest.mark.parametrize("side", ["from", "to"])
def test_a_rename_does_not_lead_out_of_its_folder(base_dir: Path, side: str) -> None:
    names = {"from": "a.py", "to": "b.py", side: "../secret.py"}
    patch = (
        f"diff --git a/{names['from']} b/{names['to']}\nsimilarity index 100%\n"
        f"rename from {names['from']}\nrename to {names['to']}\n"
    )
    with pytest.raises(InputError, match=r"the patch names \.\./secret\.py, outside of"):
        patch_change(patch, base_dir)


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_patch_does_not_follow_links_out_of_its_folder(base_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/a.py").write_text("x = 1\ny = 1\nz = 1\n")
    (base_dir / "way").symlink_to(tmp_path / "secret")
    (base_dir / "a.py").unlink()
    (base_dir / "a.py").symlink_to(tmp_path / "secret/a.py")
    assert patch_change(PATCH, base_dir).skipped == (Skipped("a.py", "a symbolic link"),)
    through = patch_change(PATCH.replace("/a.py", "/way/a.py"), base_dir)
    assert through.skipped == (Skipped("way/a.py", "behind a symbolic link"),)
