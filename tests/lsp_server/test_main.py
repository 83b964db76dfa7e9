"""The command: transports, what it prints for support, and the bundle that ships."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from git_repository import GitRepository
from lsp_scorer import load_scorer
from lsp_sessions import TIME_LIMIT, session

from lsp_server.check import check
from review_core.bundle import default_bundle_path

ROOT = Path(__file__).parents[2]
SERVER = [sys.executable, "-m", "lsp_server.main"]
INITIALIZE = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"processId": None, "rootUri": None, "capabilities": {}},
    }
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.asyncio
@pytest.mark.parametrize("transport", ["--tcp", "--ws"])
async def test_the_server_listens_where_it_is_told(transport: str) -> None:
    port = free_port()
    server = await asyncio.create_subprocess_exec(*SERVER, transport, "--port", str(port))
    try:
        async with asyncio.timeout(TIME_LIMIT):
            answer = await (answer_over_tcp(port) if transport == "--tcp" else answer_over_ws(port))
    finally:
        server.kill()
        await server.wait()
    assert '"themis-lsp"' in answer
    assert '"codeLensProvider"' in answer


async def answer_over_tcp(port: int) -> str:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0.1)
    writer.write(f"Content-Length: {len(INITIALIZE)}\r\n\r\n{INITIALIZE}".encode())
    header = await reader.readuntil(b"\r\n\r\n")
    match = re.search(rb"Content-Length: (\d+)", header)
    assert match is not None
    body = await reader.readexactly(int(match[1]))
    writer.close()
    await writer.wait_closed()
    return body.decode()


async def answer_over_ws(port: int) -> str:
    from websockets.asyncio.client import connect

    while True:
        try:
            async with connect(f"ws://127.0.0.1:{port}") as socket_:
                await socket_.send(INITIALIZE)
                return str(await socket_.recv())
        except OSError:
            await asyncio.sleep(0.1)


def test_the_check_says_how_each_part_is(repository: GitRepository, tmp_path: Path) -> None:
    repository.write(".themis.toml", "[cache]\nenabled = false\n")
    head = repository.commit("base", cart="x = 1\n")
    said: list[str] = []
    assert check(repository.path, load_scorer, said.append)
    told = "\n".join(said)
    for part in ("git version", head, ".themis.toml", "cache         off", "model         fake"):
        assert part in told
    assert "pygls" in told
    said.clear()
    assert not check(tmp_path, load_scorer, said.append)
    assert "is not in a git repository" in "\n".join(said)


def test_one_transport_is_served_at_a_time() -> None:
    run = subprocess.run([*SERVER, "--tcp", "--ws"], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "exclude one another" in run.stderr


@pytest.mark.bundle
@pytest.mark.asyncio
async def test_the_bundle_that_ships_judges_a_change_in_a_session_as_the_command_does(
    repository: GitRepository, tmp_path: Path
) -> None:
    """A part of the demo over the wire: the same scores and findings as `themis review`.

    Both use one cache, so that the model reads the functions once.
    """
    demo = ROOT / "examples" / "demo"
    files = [Path("orders/store.py")]
    for file in files:
        repository.write(str(file), (demo / "base" / file).read_bytes())
    repository.commit("base")
    for file in files:
        repository.write(str(file), (demo / "head" / file).read_bytes())
    environment = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "THEMIS_MODEL": str(default_bundle_path()),
    }
    async with session(repository.path, command=SERVER, **environment) as opened:
        answer = await opened.ask("themis/reviewWorkspace")
        report = answer["reports"][0]["report"]
        store = opened.open(repository.path / "orders" / "store.py")
        found = await opened.found(store)
        status = await opened.ask("themis/status")
    command = [sys.executable, "-m", "review_cli", "review", "--format", "json"]
    run = subprocess.run(
        command, cwd=repository.path, env=os.environ | environment, capture_output=True, check=True
    )
    expected = json.loads(run.stdout)
    assert report["findings"] == expected["findings"]
    assert report["functions"] == expected["functions"]
    assert status["bundle"] == expected["bundle"]
    ids = {each["id"] for each in expected["findings"] if each["path"] == "orders/store.py"}
    assert {id_ for each in found for id_ in each.data["ids"].values()} == ids
