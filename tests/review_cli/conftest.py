"""The `themis` command in a process of its own, with a tiny real model that is never unsure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import recalibrated, tiny_bundle, tiny_checkpoint, tiny_tokenizer

__all__ = ["themis", "tiny_bundle", "tiny_checkpoint", "tiny_tokenizer"]

Themis = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def decided_bundle(
    tiny_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Random weights that are never unsure: worse up to .5, better from there on."""
    each = {"temperature": 0.01, "worse_at": 0.5, "better_at": 0.5, "isotonic": None}
    measured = {"held_out": {"right": 0.97, "right_length_balanced": 0.96}}
    path = tmp_path_factory.mktemp("decided") / "bundle"
    return recalibrated(tiny_bundle(), path, each, measured)


@pytest.fixture
def themis(decided_bundle: Path, tmp_path: Path) -> Themis:
    """Run `themis`; the cache is this test's own. `stdin` is text, other keywords environment."""

    def run(
        *arguments: str | Path, cwd: Path | None = None, stdin: str = "", **environment: Any
    ) -> subprocess.CompletedProcess[str]:
        clean = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS") and "GIT_" not in name
        }
        own = {"THEMIS_MODEL": str(decided_bundle), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        return subprocess.run(
            [sys.executable, "-m", "review_cli", *map(str, arguments)],
            cwd=cwd or tmp_path,
            env=clean | own | environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
