"""A PostgreSQL server of a test's own: on loopback, in a temporary folder, with fsync on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import tool


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server. Each database it is asked for is new and empty."""

    programs: Path
    folder: Path
    port: int

    def database(self, name: str) -> str:
        """Make one; its URL."""
        self._run("psql", *self._server("postgres"), "-qc", f'CREATE DATABASE "{name}"')
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def restart(self) -> None:
        """As after a crash: connections are cut, nothing is written out."""
        self._control("restart", "-m", "immediate")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        self._control("start")

    def _server(self, database: str) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]

    def _control(self, verb: str, *options: str) -> None:
        log = self.folder / "log"
        settings = f"-c port={self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        self._run(
            "pg_ctl", verb, "-w", "-s", "-D", self.folder / "data", "-l", log, "-o", settings,
            *options,
        )  # fmt: skip

    def _run(self, program: str, *arguments: object) -> None:
        # A server refuses to run as root.
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*user, str(self.programs / program), *map(str, arguments)]
        # Not captured through a pipe: the server would inherit it and keep it open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command, stdout=output, stderr=output, cwd="/", timeout=60, check=False
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode()


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start one; it is gone at the end. Without PostgreSQL the test is skipped (tools.py)."""
    programs = tool("postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has 107 characters
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = Cluster(programs, folder, _free_port())
        server._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", folder / "data")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
