"""Clones on disk: nothing secret in them, nothing run by them, made again, thrown away."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from app_readers import MEGABYTE, Readers, until
from fake_github import FakeGitHub, Hosted

from github_app.clones import Clone, Clones
from github_app.errors import (
    ForbiddenError,
    LeftAloneError,
    MissingError,
    StoppedError,
    UnavailableError,
)
from github_app.fetching import DamagedError, FetchLimits, Origin, create, fetch

SOURCE = "".join(f"line_{n} = {n}\n" for n in range(20))


@pytest.fixture
def app(github: FakeGitHub, tmp_path: Path) -> Iterator[Readers]:
    readers = Readers.of(github, tmp_path / "clones")
    yield readers
    readers.client.close()


@pytest.fixture
def pull(hosted: Hosted) -> Hosted:
    """octo/shop with one pull request that changes one file."""
    hosted.commit(a=SOURCE)
    hosted.push("main")
    hosted.branch("feature")
    hosted.commit(a=SOURCE + "more = 1\n")
    hosted.open_pull()
    return hosted


def clone_of(app: Readers, name: str = "octo/shop") -> Path:
    return app.folder / str(app.installation) / f"{app.ref(name).id}.git"


def used(app: Readers, clones: Clones, work: Callable[[Clone], object]) -> None:
    asked = app.repository()
    origin = Origin(asked.clone_url(), asked.clone_token())
    clones.use(app.installation, asked.ref, origin, work)


# --- secrets -------------------------------------------------------------------------------------


@pytest.fixture
def spied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every call of git writes its arguments and its environment here."""
    log = tmp_path / "calls"
    log.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(
        "#!/bin/sh\n"
        f'printf "%s\\n" "$@" >> "{log}/$$.arguments"\n'
        f'env >> "{log}/$$.environment"\n'
        f'exec {real.strip()} "$@"\n'
    )
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    return log


def test_the_token_is_in_no_argument_no_file_and_no_log(
    app: Readers, pull: Hosted, spied: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import base64

    with caplog.at_level(logging.DEBUG):
        app.read()
    token = app.repository().clone_token()
    packed = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    environments = [file.read_text() for file in spied.glob("*.environment")]
    arguments = [file.read_text() for file in spied.glob("*.arguments")]
    fetching = [text.splitlines() for text in environments if packed in text]
    assert fetching
    assert all("HOME=/dev/null" in lines for lines in fetching)  # there is a .netrc elsewhere
    for text in [*arguments, caplog.text]:
        assert token not in text
        assert packed not in text
    written = [file.read_bytes() for file in app.folder.rglob("*") if file.is_file()]
    assert written
    assert not any(token.encode() in text or packed.encode() in text for text in written)


def test_git_gets_no_configuration_but_ours(
    app: Readers, pull: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of the user, with helpers and other addresses, nor by the caller's variables."""
    home = tmp_path / "home"
    home.mkdir()
    sprung = tmp_path / "sprung"
    trap = f"!touch {sprung}"
    (home / ".gitconfig").write_text(
        f'[credential]\n\thelper = "{trap}"\n[core]\n\taskPass = touch {sprung}\n'
        '[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://127.0.0.1\n'
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_ASKPASS", f"touch {sprung}")
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {sprung}")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    origin = Origin(app.repository().clone_url(), "a wrong token")
    folder = tmp_path / "bare"
    folder.mkdir()
    create(folder)
    with pytest.raises((ForbiddenError, MissingError)) as raised:
        fetch(folder, origin, ["+refs/heads/main:refs/themis/main"], FetchLimits(30, MEGABYTE))
    assert "a wrong token" not in str(raised.value)
    assert not sprung.exists()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("protocol", ["file", "git", "ssh", "ext", ""])
def test_no_protocol_but_http_is_spoken(tmp_path: Path, protocol: str) -> None:
    url = {
        "": "--upload-pack=touch sprung",
        "ext": "ext::sh -c 'touch sprung'",
    }.get(protocol, f"{protocol}://{tmp_path}/bare")
    folder = tmp_path / "bare"
    folder.mkdir()
    create(folder)
    with pytest.raises(DamagedError, match=r"not allowed|not supported|blocked|no path|refuses"):
        fetch(folder, Origin(url, "token"), ["HEAD"], FetchLimits(10, MEGABYTE))
    assert not list(tmp_path.rglob("sprung"))


# --- made again ----------------------------------------------------------------------------------


def test_a_clone_is_bare_and_has_neither_hooks_nor_an_address(app: Readers, pull: Hosted) -> None:
    app.read()
    clone = clone_of(app)
    assert not (clone / "hooks").exists()
    assert "127.0.0.1" not in (clone / "config").read_text()
    assert not list(clone.rglob("a.py"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda clone: (clone / "HEAD").unlink(),
        lambda clone: (clone / "config").write_text("[core\n"),
        lambda clone: [pack.unlink() for pack in clone.rglob("*.idx")],
        lambda clone: list(map(_shortened, clone.rglob("*.pack"))),
        lambda clone: [ref.write_text("zzz\n") for ref in _refs(clone)],
        lambda clone: [ref.with_name(f"{ref.name}.lock").touch() for ref in _refs(clone)],
        lambda clone: (clone / "objects" / "pack" / "tmp_pack_x").write_bytes(b"0" * 1000),
    ],
    ids=lambda each: re.sub(r"\W+", "-", each.__code__.co_names.__str__())[:30],
)
def test_a_damaged_or_half_made_clone_is_made_again(
    app: Readers, pull: Hosted, damage: Callable[[Path], object]
) -> None:
    before = app.read().change
    damage(clone_of(app))
    pull.commit(a=SOURCE + "more = 2\n")
    pull.push()
    after = app.read().change
    assert (after.base, after.files[0].head) == (before.base, SOURCE + "more = 2\n")
    assert not list(app.folder.rglob("tmp_pack_*"))


def _shortened(pack: Path) -> None:
    pack.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with pack.open("r+b") as file:
        file.truncate(40)


def _refs(clone: Path) -> list[Path]:
    return [file for file in (clone / "refs" / "themis").rglob("*") if file.is_file()]


def test_a_clone_of_very_many_packs_is_made_again(
    app: Readers, pull: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.read()
    (clone_of(app) / "mine").touch()
    app.read()
    assert (clone_of(app) / "mine").exists()
    monkeypatch.setattr("github_app.clones._MAX_PACKS", 1)
    app.read()
    assert not (clone_of(app) / "mine").exists()


# --- one at a time -------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from github_app.clones import _lock
lock = _lock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(app: Readers, pull: Hosted) -> Iterator[subprocess.Popen[str]]:
    """Another worker that uses the clone."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(clone_of(app))], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_killed_holder_does_not_block_for_ever(
    app: Readers, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(UnavailableError, match="another worker"):
        app.read(clones=app.clones(seconds=1.0))
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert app.read().change.files


def test_waiting_for_another_worker_ends_when_nobody_wants_it(
    app: Readers, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(StoppedError):
        app.read(stop=lambda: True)


def test_two_at_once_get_the_same_one_after_the_other(app: Readers, pull: Hosted) -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(app.read().change)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 2
    assert found[0] == found[1]


# --- limits --------------------------------------------------------------------------------------


def test_a_repository_that_is_too_large_is_left_alone(app: Readers, hosted: Hosted) -> None:
    """Two megabytes of digits, which pack to one."""
    hosted.commit(a="x = 1\n")
    hosted.push("main")
    hosted.branch("feature")
    hosted.work.write("a.py", b"# " + os.urandom(MEGABYTE).hex().encode())
    hosted.commit()
    hosted.open_pull()
    with pytest.raises(LeftAloneError, match="raise repository_megabytes"):
        app.read(clones=app.clones(repository_bytes=MEGABYTE / 2))
    assert not clone_of(app).exists()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_says_nothing_is_left_when_time_is_over(
    tmp_path: Path, silent_server: str
) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    create(folder)
    origin = Origin(f"{silent_server}/octo/shop.git", "token")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"longer than 0\.5 s"):
        fetch(folder, origin, ["HEAD"], FetchLimits(0.5, MEGABYTE))
    with pytest.raises(StoppedError):
        fetch(folder, origin, ["HEAD"], FetchLimits(30, MEGABYTE), lambda: True)
    assert time.monotonic() - started < 10


def test_helpers_of_git_end_with_it(tmp_path: Path, silent_server: str) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    create(folder)
    with pytest.raises(StoppedError):
        fetch(folder, Origin(silent_server, "t"), ["HEAD"], FetchLimits(30, 1), lambda: True)

    def helpers() -> list[str]:
        lines = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline")]
        return [line.decode() for line in lines if silent_server.encode() in line]

    if Path("/proc/self/cmdline").exists():
        until(lambda: not helpers())


def another(app: Readers, hosted: Hosted, number: int) -> str:
    """One more repository with one pull request."""
    name = f"octo/other{number}"
    other = Hosted.create(app.github, name, hosted.work.path.parent / f"other{number}")
    other.commit(a="x = 1\n")
    other.push("main")
    other.branch("feature")
    other.commit(a="x = 2\n")
    other.open_pull()
    return name


def test_the_clone_used_longest_ago_goes_when_there_are_too_many_and_none_in_use(
    app: Readers, pull: Hosted
) -> None:
    first, second, third = "octo/shop", another(app, pull, 1), another(app, pull, 2)
    app.read(name=first)
    app.read(name=second)
    os.utime(clone_of(app, first) / "themis.size", (1, 1))
    os.utime(clone_of(app, second) / "themis.size", (2, 2))
    small = app.clones(total_bytes=1)

    def while_first_is_used(_: Clone) -> None:
        app.read(name=third, clones=small)
        assert clone_of(app, first).exists()
        assert not clone_of(app, second).exists()

    used(app, app.clones(), while_first_is_used)
    app.read(name=second, clones=small)
    assert not clone_of(app, first).exists()
    assert clone_of(app, second).exists()


def test_what_an_installation_that_is_gone_left_is_deleted(app: Readers, pull: Hosted) -> None:
    other = another(app, pull, 1)
    app.read()
    app.read(name=other)
    clones = app.clones()
    assert clones.total_bytes() > 0
    clones.forget(app.installation, [app.ref().id])
    assert not clone_of(app).exists()
    assert clone_of(app, other).exists()
    clones.forget(app.installation)
    assert not list(app.folder.rglob("*.git"))
    assert not list(app.folder.rglob("*.pack"))
    assert clones.total_bytes() == 0


# --- what GitHub says ----------------------------------------------------------------------------


def test_a_repository_that_is_gone_is_missing(app: Readers, pull: Hosted) -> None:
    pull_request = app.repository().pull_request(1)
    asked = app.repository()
    origin = Origin(asked.clone_url(), asked.clone_token())
    app.github.delete_repository("octo/shop")
    with pytest.raises(MissingError):
        app.clones().use(
            app.installation,
            asked.ref,
            origin,
            lambda clone: clone.fetch([f"+{pull_request.head_sha}:refs/themis/1/head"]),
        )


def test_a_token_that_ended_early_is_renewed_once(app: Readers, pull: Hosted) -> None:
    app.read()
    pull_request = app.repository().pull_request(1)
    app.github.expire_tokens()
    assert app.read(pull=pull_request).change.files
    app.github.fail("GET|POST", r"\.git/", status=403, times=100)
    with pytest.raises(ForbiddenError):
        app.read(pull=pull_request)
    assert [each.failed for each in app.github.log() if each.failed] == ["403", "403"]


def test_github_failing_is_said_to_be_so_and_the_clone_is_kept(app: Readers, pull: Hosted) -> None:
    app.read()
    (clone_of(app) / "mine").touch()
    app.github.fail("POST", r"git-upload-pack$", status=502, times=5)
    app.github.fail("GET", r"info/refs$", status=502, times=5)
    with pytest.raises(UnavailableError, match="502"):
        app.read()
    assert (clone_of(app) / "mine").exists()
