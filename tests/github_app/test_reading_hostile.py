"""Pull requests that mean harm, through the clone and into the review: nothing of theirs is run,
nothing crashes, and nothing but git's objects is written.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from app_readers import Readers
from fake_github import FakeGitHub, Hosted
from fake_scorer import FakeScorer

from github_app.errors import MissingError
from github_app.reading import Reading
from github_app.reviewing import Reviewer
from review_core.calibration import Calibration
from review_core.errors import ThemisError

BASE, HEAD = "x = 1\n", "x = 2\n"

NAMES = [
    "--output=owned.py",
    "-o.py",
    ":(top,exclude)x.py",
    ":!x.py",
    "a\nb.py",
    "a\tb.py",
    "'; touch owned; '.py",
    '"quoted".py',
    "`touch owned`.py",
    "$(touch owned).py",
    "back\\slash.py",
    "star*.py",
    "[a-z].py",
    "\u202egnp.py",
    "\u200b.py",
    "e\u0301.py",
    "👾.py",
    " leading and trailing .py",
    "con.py",
    "@{-1}.py",
    "HEAD~1.py",
    "x" * 200 + ".py",
]


@pytest.fixture
def app(github: FakeGitHub, tmp_path: Path) -> Iterator[Readers]:
    readers = Readers.of(github, tmp_path / "clones")
    yield readers
    readers.client.close()


def tree(hosted: Hosted, entries: list[tuple[str, bytes, str]]) -> str:
    """A tree with any names at all: (mode, name, hash)."""
    ordered = sorted(entries, key=lambda each: each[1] + (b"/" if each[0] == "40000" else b""))
    content = b"".join(
        mode.encode() + b" " + name + b"\0" + binascii.unhexlify(hash_)
        for mode, name, hash_ in ordered
    )
    options = ("-t", "tree", "-w", "--stdin", "--literally")
    return hosted.work.git("hash-object", *options, stdin=content)


def blob(hosted: Hosted, content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return hosted.work.git("hash-object", "-w", "--stdin", stdin=raw)


def pushed(app: Readers, hosted: Hosted, base: str, head: str) -> Reading:
    """Read a pull request from one tree to another; the fake is not told, git is."""
    first = hosted.work.git("commit-tree", "-m", "base", base)
    second = hosted.work.git("commit-tree", "-m", "head", "-p", first, head)
    bare = app.github.repository("octo/shop").folder
    hosted.branch("feature")
    hosted.commit()
    hosted.open_pull()
    pull = app.repository().pull_request(1)
    for commit, ref in ((first, "refs/heads/main"), (second, "refs/pull/1/head")):
        hosted.work.git("push", "--force", "-q", bare, f"{commit}:{ref}")
    return app.read(pull=replace(pull, base_sha=first, head_sha=second))


def reviewed(reading: Reading, calibration: Calibration) -> None:
    """The rest of the way works, too."""
    report = Reviewer(FakeScorer(), calibration, {}, seconds=60.0).review(reading).report
    assert len(report.skipped) == len(reading.change.skipped)


def nothing_outside_was_written(app: Readers) -> None:
    """Of the clone's folder: git's files, ours, and none that a name could have made."""
    home = app.folder.parent
    assert not [file for file in home.rglob("*") if "owned" in file.name]
    assert not Path("owned").exists()
    clone = next(app.folder.glob("*/*.git"))
    assert {file.name for file in clone.iterdir()} <= {
        *("HEAD", "config", "objects", "refs", "packed-refs", "info", "branches"),
        *("description", "themis.size", "shallow"),
    }


def test_a_name_is_a_name_whatever_it_says(
    app: Readers, hosted: Hosted, calibration: Calibration
) -> None:
    base, head = blob(hosted, BASE), blob(hosted, HEAD)
    sides = [
        tree(hosted, [("100644", name.encode(), side) for name in NAMES]) for side in (base, head)
    ]
    reading = pushed(app, hosted, *sides)
    assert {each.path for each in reading.change.files} == set(NAMES)
    reviewed(reading, calibration)
    nothing_outside_was_written(app)


def test_names_that_leave_the_tree_or_are_no_text_are_read_or_skipped_and_never_followed(
    app: Readers, hosted: Hosted, calibration: Calibration
) -> None:
    base, head = blob(hosted, BASE), blob(hosted, HEAD)

    def side(hash_: str) -> str:
        inner = tree(hosted, [("100644", b"hooks.py", hash_)])
        entries = [("100644", name, hash_) for name in (b"\xff\xfe.py", b"a.py")]
        return tree(hosted, [*entries, ("40000", b"..", inner), ("40000", b".git", inner)])

    reading = pushed(app, hosted, side(base), side(head))
    assert {each.path for each in reading.change.files} == {".git/hooks.py", "a.py"}
    assert {each.path: each.reason for each in reading.change.skipped} == {
        "../hooks.py": "its name leaves the repository",
        "\\xff\\xfe.py": "its name is not valid UTF-8",
    }
    reviewed(reading, calibration)
    nothing_outside_was_written(app)


def test_attributes_modules_links_and_settings_in_the_tree_run_nothing(
    app: Readers, hosted: Hosted, calibration: Calibration, tmp_path: Path
) -> None:
    trap = f"touch {tmp_path}/owned"
    attributes = "* filter=evil diff=evil merge=evil eol=crlf ident working-tree-encoding=UTF-16\n"
    modules = (
        '[submodule "sub.py"]\n\tpath = sub.py\n'
        f'\turl = "--upload-pack={trap}"\n\tupdate = !{trap}\n'
    )
    settings = f'[core]\n\tfsmonitor = "{trap}"\n[alias]\n\tdiff-tree = "!{trap}"\n'
    base, head = blob(hosted, BASE), blob(hosted, HEAD)
    common = [
        ("100644", b".gitattributes", blob(hosted, attributes)),
        ("100644", b".gitmodules", blob(hosted, modules)),
        ("100644", b".gitconfig", blob(hosted, settings)),
        ("100755", b"post-checkout", blob(hosted, f"#!/bin/sh\n{trap}\n")),
    ]
    secret = blob(hosted, "/etc/passwd")
    before = tree(hosted, [*common, ("100644", b"a.py", base), ("120000", b"link.py", base)])
    after = tree(
        hosted,
        [
            *common,
            ("100644", b"a.py", head),
            ("120000", b"link.py", secret),
            ("160000", b"sub.py", "1" * 40),
            ("120000", b"to.py", secret),
        ],
    )
    reading = pushed(app, hosted, before, after)
    assert [(each.path, each.head) for each in reading.change.files] == [("a.py", HEAD)]
    assert {each.path: each.reason for each in reading.change.skipped} == {
        "link.py": "a symbolic link",
        "sub.py": "a submodule",
        "to.py": "a symbolic link",
    }
    reviewed(reading, calibration)
    nothing_outside_was_written(app)


@pytest.mark.parametrize(
    "content",
    [
        "(" * 100_000,
        "if x:\n" + "".join(" " * depth + "if x:\n" for depth in range(1, 900)),
        '"' * 300_000,
        "\\\n" * 60_000,
        "def f():\n    return " + "lambda: " * 20_000 + "1\n",
    ],
    ids=["open", "ifs", "quotes", "joined", "lambdas"],
)
def test_code_nested_or_joined_beyond_reason_ends_and_the_rest_is_reviewed(
    app: Readers,
    hosted: Hosted,
    calibration: Calibration,
    monkeypatch: pytest.MonkeyPatch,
    content: str,
) -> None:
    """One of them would keep the parser for an hour."""
    monkeypatch.setattr("review_core.syntax._MOST_SECONDS", 0.2)
    files = [("100644", b"a.py", blob(hosted, BASE)), ("100644", b"b.py", blob(hosted, BASE))]
    base = tree(hosted, files)
    evil = [("100644", b"a.py", blob(hosted, content)), ("100644", b"b.py", blob(hosted, HEAD))]
    reading = pushed(app, hosted, base, tree(hosted, evil))
    assert {each.path for each in reading.change.files} == {"a.py", "b.py"}
    reviewed(reading, calibration)


def test_folders_nested_beyond_reason_are_read(
    app: Readers, hosted: Hosted, calibration: Calibration
) -> None:
    """A thousand deep."""
    sides = []
    path = "d/" * 1000 + "a.py"
    for content in (BASE, HEAD):
        added = f"100644 {blob(hosted, content)} 0\t{path}\n".encode()
        hosted.work.git("update-index", "--add", "--index-info", stdin=added)
        sides.append(hosted.work.git("write-tree"))
    hosted.work.git("read-tree", "HEAD")
    reading = pushed(app, hosted, *sides)
    assert [(each.path, each.head) for each in reading.change.files] == [(path, HEAD)]
    reviewed(reading, calibration)


def test_a_configuration_that_is_huge_or_no_text_or_nested_is_an_error_or_none(
    app: Readers, hosted: Hosted
) -> None:
    written = blob(hosted, b"x = " + b"[" * 5000)
    files = [("100644", b".themis.toml", written), ("100644", b"a.py", blob(hosted, BASE))]
    base = tree(hosted, files)
    head = tree(hosted, [files[0], ("100644", b"a.py", blob(hosted, HEAD))])
    with pytest.raises(ThemisError, match=r"\.themis\.toml"):
        pushed(app, hosted, base, head)


@pytest.mark.parametrize(
    "base_ref", ["x:refs/heads/y", "x y", "--upload-pack=touch owned", "../../evil", "a\nb", "*"]
)
def test_a_branch_name_that_is_no_branch_name_is_not_given_to_git(
    app: Readers, hosted: Hosted, base_ref: str
) -> None:
    hosted.branch("feature")
    hosted.commit(a=HEAD)
    hosted.open_pull()
    pull = replace(app.repository().pull_request(1), base_ref=base_ref)
    assert [each.path for each in app.read(pull=pull).change.files] == ["a.py"]
    nothing_outside_was_written(app)


@pytest.mark.parametrize("head", ["HEAD", "--all", "main", "f" * 39, "f" * 40 + "^"])
def test_a_head_that_is_no_hash_is_not_given_to_git(
    app: Readers, hosted: Hosted, head: str
) -> None:
    hosted.branch("feature")
    hosted.commit(a=HEAD)
    hosted.open_pull()
    pull = replace(app.repository().pull_request(1), head_sha=head)
    with pytest.raises(MissingError, match="not a commit's hash"):
        app.read(pull=pull)
