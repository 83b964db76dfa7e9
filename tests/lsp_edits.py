"""Texts that somebody might type, for the soak of lsp_server: versions of files from real commits,
hunk by hunk, and made ones.
"""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from review_core.diff import hunks, taken_back

_FILES = 5
_VERSIONS = 12
_LARGEST = 30_000
"""Characters of a file."""

Series = dict[str, list[str]]
"""By file, its texts from the oldest to the newest."""


def real_series(root: Path) -> Series:
    """What the files that changed most went through in a repository's history, as far as it is
    here: nothing in a copy without one, little in a shallow clone.
    """
    try:
        told = _git(root, "log", "--no-merges", "-n", "300", "--name-only", "--format=")
    except (OSError, subprocess.CalledProcessError):
        return {}
    often = Counter(line for line in told.splitlines() if line.endswith(".py"))
    series = {}
    for path, _ in often.most_common(4 * _FILES):
        commits = _git(root, "log", "-n", str(_VERSIONS), "--format=%H", "--", path).split()
        texts = [text for commit in reversed(commits) if (text := _text(root, commit, path))]
        if len(texts) > 1 and max(map(len, texts)) < _LARGEST and len(series) < _FILES:
            series[f"real{len(series)}.py"] = texts
    return series


def demo_series(root: Path) -> Series:
    """The demo change, of which the bundle that ships has something to say."""
    sides = [root / "examples" / "demo" / side / "orders" / "store.py" for side in ("base", "head")]
    return {"store.py": [file.read_text("utf-8") for file in sides]}


def made_series(rng: random.Random) -> Series:
    """A file of functions of a kind in each of three languages, one of which changes at a time."""
    shapes = {
        "made.py": "def f{at}(a, b):\n    check = {word}(a)\n    return b + {constant}\n",
        "made.js": "function f{at}(a, b) {{\n  {word}(a);\n  return b + {constant};\n}}\n",
        "made.go": "func f{at}(a, b int) int {{\n\t{word}(a)\n\treturn b + {constant}\n}}\n",
    }
    series: Series = {}
    for name, shape in shapes.items():
        parts = [shape.format(at=at, word="very_safe", constant=at) for at in range(15)]
        texts = ["\n".join(parts)]
        for _ in range(_VERSIONS):
            at = rng.randrange(len(parts))
            word = rng.choice(["very_safe", "not_safe", "not_fast", "very_clear", "neither"])
            parts[at] = shape.format(at=at, word=word, constant=rng.randrange(100))
            texts.append("\n".join(parts))
        series[name] = texts
    return series


def steps(texts: list[str], rng: random.Random) -> Iterator[str]:
    """Without end: from each text to the next hunk by hunk, to the last and back to the first; in
    between a line is typed character by character, and a verdict provoked or taken away.
    """
    at, onwards = 0, 1
    while True:
        if not 0 <= at + onwards < len(texts):
            onwards = -onwards
        base, head = texts[at], texts[at + onwards]
        edits = hunks(base, head)
        for left in range(len(edits) - 1, -1, -1):
            text = head
            for hunk in reversed(edits[len(edits) - left :]):
                text = taken_back(base, text, hunk)
            yield text
        yield from _typed(head, rng)
        at += onwards


def _typed(text: str, rng: random.Random) -> Iterator[str]:
    lines = text.split("\n")
    returns = [at for at, line in enumerate(lines) if line.lstrip().startswith("return ")]
    if returns:
        at = rng.choice(returns)
        word = rng.choice(["not_safe", "not_fast", "very_clear"])
        whole = lines[at].replace("return ", f"return {word} or ")
        for end in range(len(lines[at]) - len(lines[at].lstrip()) + 3, len(whole), 4):
            yield "\n".join([*lines[:at], whole[:end], *lines[at + 1 :]])
        yield "\n".join([*lines[:at], whole, *lines[at + 1 :]])
        yield "\n".join([*lines[:at], "", whole, *lines[at + 1 :]])
    yield text


def _text(root: Path, commit: str, path: str) -> str | None:
    try:
        return _git(root, "show", f"{commit}:{path}")
    except subprocess.CalledProcessError:  # the commit took it away
        return None


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout
