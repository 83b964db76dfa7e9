"""Checkpoints by their hub names, from a small hub of our own on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from model_export.hub import find_checkpoint
from review_core.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"a pickle",
    "eval/results.json": b"{}",
}


class Hub(BaseHTTPRequestHandler):
    """The few endpoints that a snapshot needs, as the public hub answers them.

    Repositories: owner/open, owner/gated (listed, its files not given), owner/pickled.
    """

    def do_GET(self) -> None:
        """A repository's list of files, or a file."""
        parts = self.path.strip("/").split("/")
        if parts[0] == "api":
            self._list("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main")
        else:
            self._file("/".join(parts[:2]), "/".join(parts[4:]))

    def do_HEAD(self) -> None:
        """The same without the body."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """stderr is the program's that is looked at."""

    def _list(self, repository: str, revision: str) -> None:
        if repository not in {"owner/open", "owner/gated", "owner/pickled"}:
            return self._fail(404, "RepoNotFound")
        if revision not in {"main", "v1", COMMIT}:
            return self._fail(404, "RevisionNotFound")
        names = [name for name in FILES if repository != "owner/pickled" or "safe" not in name]
        siblings = [{"rfilename": name} for name in names]
        return self._send(
            json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode()
        )

    def _file(self, repository: str, name: str) -> None:
        if repository == "owner/gated":
            return self._fail(403, "GatedRepo")
        return self._send(FILES[name])

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SCRIPT = """
import json, sys
from model_export.hub import find_checkpoint
from review_core.errors import InputError
told = []
for named in sys.argv[1:]:
    try:
        found = find_checkpoint(named)
    except InputError as error:
        told.append(str(error))
    else:
        files = sorted(path.name for path in found.path.rglob("*"))
        told.append([found.name, found.origin, files])
print(json.dumps(told))
"""


def found(endpoint: str, cache: Path, *names: str) -> list[object]:
    """What a fresh process finds: huggingface_hub reads its settings when it is imported."""
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1"}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *names],
        env=inherited | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    told: list[object] = json.loads(done.stdout)
    return told


def test_a_hub_name_is_downloaded_without_pickles_and_found_again_offline(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    wanted = ["config.json", "model.safetensors", "tokenizer.json"]
    with hub() as endpoint:
        online = found(endpoint, cache, "owner/open", "owner/open@v1")
    assert online == [["open", f"owner/open@{COMMIT}", wanted]] * 2
    assert found(endpoint, cache, "owner/open") == online[:1]  # the server is gone
    (message,) = found(endpoint, cache, "owner/unknown")
    assert f"{endpoint} cannot be reached nor is a copy in the cache" in str(message)


def test_what_the_hub_refuses_is_said_with_what_to_do(tmp_path: Path) -> None:
    with hub() as endpoint:
        missing, gated, revision, pickled = found(
            endpoint,
            tmp_path,
            "owner/missing",
            "owner/gated",
            "owner/open@v9",
            "owner/pickled",
        )
    assert str(missing).startswith("owner/missing is neither a folder here nor a repository of")
    assert f"ask for access at {endpoint}/owner/gated, then set HF_TOKEN" in str(gated)
    assert "owner/open has no revision v9" in str(revision)
    assert "publishes no *.safetensors" in str(pickled)


def test_a_folder_comes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner" / "open").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    source = find_checkpoint("owner/open")
    assert (source.path, source.name, source.origin) == (Path("owner/open"), "open", "open")


@pytest.mark.parametrize("named", ["no-such-folder", "/no/such/folder", "a/b/c", "../b"])
def test_what_cannot_be_a_hub_name_is_not_asked_for(named: str) -> None:
    with pytest.raises(InputError, match="is no folder, and no hub repository"):
        find_checkpoint(named)
