"""What `themis-lsp --check` prints: all that somebody who helps has to know of this machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lsp_server.reviewing import LoadScorer
from review_core import __version__
from review_core.errors import ThemisError

_PACKAGES = ("pygls", "lsprotocol", "onnxruntime", "onnxruntime-gpu", "tokenizers", "tree-sitter")


def check(directory: Path, load_scorer: LoadScorer, say: Callable[[str], None]) -> bool:
    """Say how each part that a review needs is; return whether all are well."""
    say(f"themis-lsp    {__version__}, nothing is sent anywhere")
    say(f"python        {platform.python_version()}, {sys.executable}")
    say(f"system        {platform.platform()}, {os.cpu_count()} processors")
    say(f"packages      {', '.join(_packages())}")
    return all([_git(say), _repository(directory, say), _model(directory, load_scorer, say)])


def _packages() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            continue


def _git(say: Callable[[str], None]) -> bool:
    path = shutil.which("git")
    if path is None:
        say("git           not found; install it and put it on the PATH")
        return False
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    say(f"git           {told.stdout.strip() or told.stderr.strip()}, {path}")
    return told.returncode == 0


def _repository(directory: Path, say: Callable[[str], None]) -> bool:
    from review_core.sources.repository import open_repository

    try:
        with open_repository(directory) as repository:
            head = repository.resolve("HEAD") or "no commit yet"
            say(f"repository    {repository.work_tree()}, HEAD {head}")
    except ThemisError as error:
        say(f"repository    {error}")
        return False
    return True


def _model(directory: Path, load_scorer: LoadScorer, say: Callable[[str], None]) -> bool:
    from review_core.cache import default_cache_path
    from review_core.config import find_configuration, load_settings

    try:
        found = find_configuration(directory)
        say(f"configuration {found[0] if found else 'none, the defaults hold'}")
        settings = load_settings(directory, None, os.environ).settings
        folder = settings.cache.directory or default_cache_path().parent
        say(f"cache         {folder if settings.cache.enabled else 'off'}")
        started = time.perf_counter()
        scorer, _ = load_scorer(settings)
        seconds = time.perf_counter() - started
        identity = scorer.bundle.identity
        say(f"model         {identity.name} {identity.sha256}, loaded in {seconds:.2f} s")
        if callable(verify := getattr(scorer, "verify", None)):
            verify()
            say("probe         scores as it did at export")
    except ThemisError as error:
        say(f"model         {error}")
        return False
    return True
