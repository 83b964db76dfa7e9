"""Histories that mean harm: nothing of theirs is run, and no name breaks the reading."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from review_core.records import PreferencePair
from review_core.sources.repository import open_repository
from training.mining.clones import find_clones
from training.mining.history import read_history
from training.mining.parts import Ledger, Parts
from training.mining.run import pipeline
from training.mining.settings import MineSettings

if TYPE_CHECKING:
    from tests.conftest import GitRepository

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the traps are shell scripts")

BASE = "def total(values):\n    return sum(values) / len(values)\n"
HEAD = "def total(values):\n    return sum(values) / max(1, len(values))\n"


def mined(out: Path, path: Path) -> tuple[list[PreferencePair], Ledger]:
    clones, parts = find_clones([path]), Parts(out)
    data = None
    for step in pipeline(clones, parts, MineSettings(licences=("any",))):
        data = step(data, 0, 1)
    deque(data, maxlen=0)
    ledger = parts.ledger(clones[0])
    assert ledger is not None
    assert ledger.adds_up
    return list(parts.pairs(clones)), ledger


def test_a_history_cannot_run_what_its_repository_configures(
    repository: GitRepository, tmp_path: Path
) -> None:
    sprung = tmp_path / "sprung"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho run >> '{sprung}'\n[ $# -gt 0 ] || exec cat\n")
    trap.chmod(0o755)
    repository.commit("start", a=BASE)
    repository.commit("Fix crash of an empty list", a=HEAD)
    signed = repository.git("cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n -----END PGP SIGNATURE-----\n\n", 1
    )
    hash_ = repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{signed}\n".encode()
    )
    repository.git("update-ref", "HEAD", hash_)
    for key, value in {
        "core.fsmonitor": "TRAP",
        "core.pager": "TRAP",
        "core.sshCommand": "TRAP",
        "log.showSignature": "true",
        "gpg.program": "TRAP",
        "diff.external": "TRAP",
        "diff.evil.textconv": "TRAP",
        "diff.evil.command": "TRAP",
        "filter.evil.clean": "TRAP",
        "filter.evil.smudge": "TRAP",
        "alias.rev-list": "!TRAP",
        "alias.diff-tree": "!TRAP",
        "i18n.logOutputEncoding": "UTF-16",
        "log.date": "relative",
    }.items():
        repository.git("config", key, value.replace("TRAP", str(trap)))
    repository.write(".git/info/attributes", "* filter=evil diff=evil\n")
    pairs, _ = mined(tmp_path / "out", repository.path)
    assert [pair.input for pair in pairs] == ["Fix crash of an empty list."]
    assert not sprung.exists()
    repository.git("log", "-p", "--ext-diff", "-1")
    assert sprung.exists(), "the trap was set right"


def test_names_and_messages_that_look_like_gits_own_output_are_read_as_they_are(
    repository: GitRepository, tmp_path: Path
) -> None:
    names = ["--output=pwned.py", ":100644 100644.py", "a\nb.py", "ü b.py", "tab\there.py"]
    zeros = "0" * 40
    for name in names:
        repository.write(name, BASE)
    repository.commit("start")
    for name in names:
        repository.write(name, HEAD.replace("max", f"max_{names.index(name)}"))
        repository.commit(f"Fix crash {names.index(name)} of lists\n\n:{zeros} {zeros} M\n{zeros}")
    pairs, ledger = mined(tmp_path / "out", repository.path)
    assert sorted((pair.source or "").partition(":")[2] for pair in pairs) == sorted(names)
    assert all(pair.group == "local/repository" for pair in pairs)
    assert ledger.commits == 6
    assert not (repository.path / "pwned.py").exists()


def test_a_commit_no_sane_git_would_write_ends_no_run(
    repository: GitRepository, tmp_path: Path
) -> None:
    """An encoding whose text can hold a NUL, a date that no calendar has, bytes of no encoding."""
    repository.commit("start", a=BASE)
    start = repository.git("rev-parse", "HEAD")
    repository.commit("Fix crash of an empty list", a=HEAD)
    tree = repository.git("rev-parse", "HEAD^{tree}")
    who = "A <a@example.org>"
    for time, encoding, message in (
        (b"99999999999999 +0000", b"UTF-7", b"Fix +AAA- crash of lists"),
        (b"-5 +0000", b"nonsense", b"Fix \xff\xfe crash of lists"),
        (b"1 +0000", b"UTF-8", b""),
    ):
        content = (
            f"tree {tree}\nparent {start}\nauthor {who} ".encode()
            + time
            + f"\ncommitter {who} 1 +0000\nencoding ".encode()
            + encoding
            + b"\n\n"
            + message
        )
        start = repository.git(
            "hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=content
        )
    repository.git("update-ref", "HEAD", start)
    with open_repository(repository.path) as opened:
        commits = list(read_history(opened, start))
    assert [len(commit.hash) for commit in commits] == [40] * 4
    assert all(len(commit.date) == 10 for commit in commits)
    pairs, ledger = mined(tmp_path / "out", repository.path)
    assert ledger.commits == 4
    assert len(pairs) <= 1


def test_a_link_and_a_submodule_are_no_code(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit("start", a=BASE)
    (repository.path / "b.py").symlink_to("a.py")
    repository.commit("one")
    (repository.path / "b.py").unlink()
    (repository.path / "b.py").symlink_to("/etc/passwd")
    repository.commit("Fix crash of the link")
    repository.git(
        *("update-index", "--add", "--cacheinfo"),
        f"160000,{repository.git('rev-parse', 'HEAD')},c.py",
    )
    repository.git("commit", "--quiet", "-m", "Fix crash of the submodule")
    pairs, ledger = mined(tmp_path / "out", repository.path)
    assert not pairs
    assert ledger.dropped["no regular file"] == 1
    assert ledger.dropped["a new, gone or moved file"] == 2
