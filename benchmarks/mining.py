"""How many commits `themis-train mine` reads a core-second, against reading them one by one.

    python benchmarks/mining.py [CLONE] [--commits 2000] [--out benchmarks/results/mining.json]

Without a clone, a history is made: a file of 40 functions for each of four languages, of which a
commit changes one line, under messages of which about one in four names a criterion. Seconds are
CPU time of this process and of the git processes that it waits for, on one core, so that a busy
machine changes little.

The baseline does what a first script does: GitPython's `commit.diff` for each commit, which starts
git, and `git show` for both sides of each that touches one file; it applies no rules and cuts
nothing. `mine` does all of that and its whole work besides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from git import Repo

from training.mining.clones import find_clones
from training.mining.parts import Parts
from training.mining.run import pipeline
from training.mining.settings import MineSettings

MESSAGES = (
    "Fix crash of an empty list",
    "Speed up lookup of names",
    "Simplify the condition",
    "Update the documentation",
    "Add an option",
    "Use another constant",
    "Support the new format",
    "Bump version",
)
LANGUAGES = {
    "py": "def f{0}(values):\n    count = {1}\n    for value in values:\n        count += value\n"
    "    return count\n\n\n",
    "c": "int f{0}(int *values, int n) {{\n  int count = {1};\n  for (int i = 0; i < n; i++)\n"
    "    count += values[i];\n  return count;\n}}\n\n",
    "go": "func f{0}(values []int) int {{\n\tcount := {1}\n\tfor _, v := range values {{\n"
    "\t\tcount += v\n\t}}\n\treturn count\n}}\n\n",
    "js": "function f{0}(values) {{\n  let count = {1};\n  for (const v of values) count += v;\n"
    "  return count;\n}}\n\n",
}


def make_history(folder: Path, commits: int) -> None:
    """Write a repository of so many commits, quickly: through `git fast-import`."""
    rng = random.Random(0)
    files = {name: [0] * 40 for name in LANGUAGES}
    stream = []
    for number in range(commits):
        name = rng.choice(list(files))
        files[name][rng.randrange(40)] += 1
        head = "package a\n\n" if name == "go" else ""
        text = head + "".join(LANGUAGES[name].format(at, it) for at, it in enumerate(files[name]))
        message = f"{rng.choice(MESSAGES)} {number}"
        stream.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {number} +0000\n"
            f"data {len(message)}\n{message}\nM 644 inline a.{name}\ndata {len(text)}\n{text}\n"
        )
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True)
    subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/main"], cwd=folder, check=True)
    importing = ["git", "fast-import", "--quiet"]
    subprocess.run(importing, cwd=folder, input="".join(stream).encode(), check=True)


def cpu_seconds(work: Callable[[], int]) -> tuple[int, float]:
    """What `work` returns, and the CPU seconds of this process and its children."""
    before = os.times()
    result = work()
    after = os.times()
    return result, sum(after[:4]) - sum(before[:4])


def mine_clone(clone: Path, out: Path) -> int:
    """Mine it by the steps, in this process; return how many commits were read."""
    clones, parts = find_clones([clone]), Parts(out)
    data: Any = None
    for step in pipeline(clones, parts, MineSettings(licences=("any",))):
        data = step(data, 0, 1)
    deque(data, maxlen=0)
    ledger = parts.ledger(clones[0])
    if ledger is None or ledger.failed or not ledger.adds_up:
        sys.exit(f"{clone} was not mined: {ledger and ledger.refused}")
    print(f"{clone.name}: {ledger.pairs} pairs of {ledger.commits} commits")
    return ledger.commits


def read_one_by_one(clone: Path, commits: int) -> int:
    """The baseline, on the newest `commits`."""
    read = 0
    for commit in Repo(clone).iter_commits("HEAD", max_count=commits):
        read += 1
        if len(commit.parents) != 1:
            continue
        changes = commit.parents[0].diff(commit)
        if len(changes) == 1 and changes[0].change_type == "M":
            for side in (commit.parents[0], commit):
                show = ["git", "show", f"{side.hexsha}:{changes[0].b_path}"]
                subprocess.run(show, cwd=clone, capture_output=True, check=True)
    return read


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("clone", nargs="?", type=Path, help="a clone; made if there is none")
    parser.add_argument("--commits", type=int, default=2000, help="of a history that is made")
    parser.add_argument("--baseline-commits", type=int, default=200)
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = arguments.clone
        if clone is None:
            clone = Path(folder) / "made.git"
            make_history(clone, arguments.commits)
        mine_clone(clone, Path(folder) / "warm")  # imports and grammars are not what is measured
        started = time.monotonic()
        commits, seconds = cpu_seconds(lambda: mine_clone(clone, Path(folder) / "out"))
        elapsed = time.monotonic() - started
        few, slow = cpu_seconds(lambda: read_one_by_one(clone, arguments.baseline_commits))
    result = {
        "what": "mining of one history, one core",
        "history": arguments.clone.name if arguments.clone else f"made, {arguments.commits}",
        "commits": commits,
        "cpu_seconds": round(seconds, 2),
        "wall_seconds": round(elapsed, 2),
        "commits_a_core_second": round(commits / seconds, 1),
        "seconds_for_10000_commits": round(10_000 * seconds / commits, 1),
        "baseline": "GitPython commit.diff and git show, no rules, no cutting",
        "baseline_commits": few,
        "baseline_commits_a_core_second": round(few / slow, 1),
        "ratio": round(commits / seconds / (few / slow), 2),
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "git": subprocess.run(["git", "--version"], capture_output=True, text=True).stdout[
                12:-1
            ],
        },
        "command": " ".join(["python", "benchmarks/mining.py", *map(_shown, sys.argv[1:])]),
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _shown(argument: str) -> str:
    """A path of this machine by its name alone."""
    return Path(argument).name if Path(argument).is_absolute() else argument


if __name__ == "__main__":
    main()
