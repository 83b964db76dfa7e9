"""A real git repository for tests. tests/conftest.py offers one as a fixture."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class GitRepository:
    """A repository in a temporary folder, driven by the git command with fixed author and dates."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run a git command in the repository and return what it prints."""
        fixed = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
            "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
        }
        process = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.path,
            env=os.environ | fixed,
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr.decode()
        return process.stdout.decode().rstrip("\n")

    def another(self, path: Path, *options: str) -> GitRepository:
        """Create one more repository, in a folder that does not exist yet."""
        path.mkdir()
        other = GitRepository(path)
        other.git("init", "--quiet", "--initial-branch", "main", *options)
        return other

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file, as it is, below the root."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def commit(self, message: str = "change", /, **files: str | bytes) -> str:
        """Write files (`name` becomes name.py), commit everything and return the hash."""
        for name, content in files.items():
            self.write(f"{name}.py", content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")
