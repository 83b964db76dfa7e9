"""The fake as a process of its own, for tests that kill it: see the package's docstring."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from fake_github.control import FakeGitHub


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="fake_github")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--enterprise", action="store_true")
    parser.add_argument("--description", type=Path)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    github = FakeGitHub(
        asked.folder,
        enterprise=asked.enterprise,
        port=asked.port,
        description=asked.description,
        state=asked.state,
    )
    with github:
        about = asdict(github.at) | {"app": github.app.id, "private_key": github.private_key}
        sys.stdout.write(json.dumps(about) + "\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
