"""Real editors in tests: the repository they open, the configuration that our pages give, the
environment that keeps them away from the user's own files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from git_repository import GitRepository

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "examples" / "demo"
CHANGED = "orders/store.py"
"""The file of the demo change with `OrderStore.find`: a query put together from text, which the
bundled model calls less correct.
"""
FUNCTION = "OrderStore.find"
PATIENCE = 120.0
"""Seconds that an editor may take for all it is asked, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A repository with the demo's base committed and one file of its head in the working tree."""

    repository: GitRepository

    @property
    def path(self) -> Path:
        return self.repository.path

    @property
    def file(self) -> Path:
        return self.path / CHANGED

    def line_of(self, text: str) -> int:
        """The number of the changed file's first line with a text, 1-based."""
        lines = (DEMO / "head" / CHANGED).read_text(encoding="utf-8").split("\n")
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def without_first_hunk(self) -> str:
        """The changed file, its first hunk taken back: by hand, not by our code."""
        head = (DEMO / "head" / CHANGED).read_text(encoding="utf-8")
        query = "query = f\"SELECT {', '.join(self.COLUMNS)} FROM orders WHERE customer = "
        changed = f'        {query}\'" + customer + "\'"\n'
        assert changed in head
        return head.replace(changed, f'        {query}?"\n        parameters = [customer]\n')


def open_shop(repository: GitRepository) -> Shop:
    """Commit the base of the demo change and leave its one file changed."""
    shutil.copytree(DEMO / "base", repository.path, dirs_exist_ok=True)
    repository.commit("Open the shop")
    shutil.copy(DEMO / "head" / CHANGED, repository.path / CHANGED)
    return Shop(repository)


def configuration_of(page: str, language: str) -> str:
    """The block of a page in docs/editors that it says is tested: what the reader will paste."""
    text = (ROOT / "docs" / "editors" / page).read_text(encoding="utf-8")
    found = re.findall(rf"<!-- tested: .* -->\n```{language}\n(.*?)^```", text, re.M | re.S)
    assert len(found) == 1, f"{page} has {len(found)} tested blocks of {language}"
    return str(found[0])


def editor_environment(home: Path, **more: str | Path) -> dict[str, str]:
    """The environment of an editor: `themis-lsp` on PATH, a home of its own, no git of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept = inherited["XDG_CACHE_HOME"]  # tests share their cache of rewards
    folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    own = {"PATH": path, "HOME": str(home), "XDG_CACHE_HOME": kept, "LC_ALL": "C.UTF-8"}
    return inherited | folders | own | {name: str(value) for name, value in more.items()}


def seen_by(command: list[str | Path], seen: Path, **environment: str | Path) -> Any:
    """Run a headless editor to its end and return what its script saw.

    :raises AssertionError: if it saw nothing, with all that the editor said.
    """
    home = seen.parent / "home"
    home.mkdir()
    done = subprocess.run(
        command,
        env=editor_environment(home, THEMIS_SEEN=seen, **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert seen.exists(), f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return json.loads(seen.read_text(encoding="utf-8"))
