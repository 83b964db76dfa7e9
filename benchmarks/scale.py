"""How reviews grow: pull requests of thousands of functions, a repository of 100,000 files.

    python -m benchmarks.scale [--functions 300 1000 3000] [--real 30] [--out FILE.json]

The repository is made of real code with real kinds of edits (`benchmarks.large_repository`); one
that was made before is given with --repository. Four things are measured:

    pulls       each step of a review but the model: git, cutting, tokens, judging, renderers. Its
                rewards are made up from hashes, about one verdict in twenty functions, so that what
                verdicts cost is there, too. Each in a process of its own, for its peak of memory.
    model       `themis review` with the model that ships, on a smaller one: cold, interrupted at
                half, called again, and once more with all of it in the cache.
    repository  what commands and editors ask of a large repository when little changed, beside what
                `git status` takes for the same.
    full        with --full: the largest pull request with the model, an hour on two cores.

Seconds are processor seconds, of this process and of the git processes that it waits for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.large_repository import make_repository
from benchmarks.measuring import alone, peak_bytes
from benchmarks.report import Finding, Table, add_out, megabytes, seconds, tell
from review_core.bundle import Bundle, default_bundle_path, load_bundle
from review_core.calibration import Calibration
from review_core.config import Settings, load_settings
from review_core.languages import language_of
from review_core.pairing import changed_functions
from review_core.scorer import ScoringStatistics
from review_core.sources.git import git_change
from review_core.types import Report

STEPS = ("git", "cutting", "tokens", "judging", "html", "json", "markdown", "sarif", "junit")


@contextmanager
def processor_seconds(into: dict[str, float], name: str) -> Iterator[None]:
    """Note what a block takes, with the processes that it waits for."""
    before = sum(os.times()[:4])
    yield
    into[name] = round(sum(os.times()[:4]) - before, 3)


# --- pulls ---------------------------------------------------------------------------------------


class MadeUp:
    """Rewards made of hashes: at once, the same for the same code, and a verdict now and then."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.statistics = ScoringStatistics()

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Any = None
    ) -> list[Mapping[str, float] | None]:
        """Between -.7 and .7 on each criterion: a margin below -1 in one of twenty-five pairs."""
        return [self._reward(code) for code in codes]

    def _reward(self, code: str) -> dict[str, float]:
        drawn = hashlib.sha256(code.encode(errors="replace")).digest()
        criteria = self.bundle.manifest.criteria
        return {key: drawn[at] / 255 * 1.4 - 0.7 for at, key in enumerate(criteria)}


def pull(folder: Path, branch: str) -> dict[str, Any]:
    """A review of a branch without the model, step by step."""
    from review_core import api

    took: dict[str, float] = {}
    start = peak_bytes()
    bundle = load_bundle(default_bundle_path())
    calibration = Calibration.from_json(bundle.calibration_json)
    settings = own_settings()
    with processor_seconds(took, "git"):
        change = git_change(folder, f"main...{branch}")
    with processor_seconds(took, "cutting"):
        count = sum(1 for file in change.files for _ in changed_functions(file, _of(file.path)))
    with processor_seconds(took, "review"):
        report = api.review(change, MadeUp(bundle), calibration, settings)
    took["judging"] = round(took.pop("review") - took["cutting"], 3)
    peak = peak_bytes()
    # Few made-up verdicts stand the honesty check; renderers are to have something to show.
    report = api.review(change, MadeUp(bundle), calibration, replace(settings, honesty_check=False))
    sizes = {}
    for form, render in renderers().items():
        with processor_seconds(took, form):
            sizes[form] = len(render(report))
    with processor_seconds(took, "tokens"):
        tokens = sum(_tokens(bundle, report))
    return {
        "functions": count,
        "files": len(change.files),
        "skipped": len(change.skipped),
        "findings": len(report.findings),
        "tokens": tokens,
        "cpu_seconds": took,
        "start_bytes": start,
        "peak_bytes": peak,
        "peak_with_reports_bytes": peak_bytes(),
        "characters": sizes,
    }


def _of(path: str) -> Any:
    return language_of(path)


def _tokens(bundle: Bundle, report: Report) -> Iterator[int]:
    from review_core.layout import normalise

    for review in report.functions:
        for side in (review.function.base, review.function.head):
            if side is not None:
                text = normalise(side.text)
                yield len(bundle.layout.render(bundle.tokenizer, text).ids)


def own_settings() -> Settings:
    """The defaults, whatever this machine or repository configures."""
    with tempfile.TemporaryDirectory() as nowhere:
        return load_settings(Path(nowhere), {}, {}).settings


def renderers() -> dict[str, Callable[[Report], str]]:
    """The report's forms."""
    from review_core.renderers.html import render_html
    from review_core.renderers.json import render_json
    from review_core.renderers.junit import render_junit
    from review_core.renderers.markdown import render_markdown
    from review_core.renderers.sarif import render_sarif

    return {
        "html": render_html,
        "json": render_json,
        "markdown": render_markdown,
        "sarif": render_sarif,
        "junit": render_junit,
    }


# --- the model -----------------------------------------------------------------------------------


def model(folder: Path, branch: str, scratch: Path) -> dict[str, Any]:
    """`themis review` of a branch with the model: cold, interrupted at half, resumed, warm."""
    cold = themis(folder, branch, scratch / "cold")
    broken = themis(folder, branch, scratch / "broken", stop_at=0.5)
    resumed = themis(folder, branch, scratch / "broken")
    warm = themis(folder, branch, scratch / "broken")
    same = [each["report"]["functions"] for each in (cold, resumed, warm)]
    for each in (cold, resumed, warm):
        stats = each.pop("report")["stats"]
        each |= {name: stats[name] for name in ("functions", "sequences", "cache_hits")}
        each |= {name: stats[name] for name in ("tokens", "tokens_computed")}
    verdicts = [_verdicts(each) for each in same]
    return {
        "cold": cold,
        "interrupted": broken,
        "resumed": resumed,
        "warm": warm,
        "resumed_says_the_same": verdicts[0] == verdicts[1] == verdicts[2],
    }


def _verdicts(functions: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [{axis: each["verdict"] for axis, each in one["axes"].items()} for one in functions]


def themis(folder: Path, branch: str, cache: Path, *, stop_at: float = 0.0) -> dict[str, Any]:
    """Run the command as people do, in a terminal of its own; interrupt it where so much is done.

    What it says of the time that is left is noted when a quarter and a half is done, beside what it
    took from there.
    """
    import pty

    ours, theirs = pty.openpty()
    out = cache.with_suffix(".json")
    given = ["review", "-C", str(folder), f"main...{branch}", "--format", "json"]
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "review_cli", *given, "--output", str(out)],
        env=os.environ | {"XDG_CACHE_HOME": str(cache), "COLUMNS": "120"},
        stderr=theirs,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    interrupted: float | None = None
    at = (0, 0)
    foretold: list[dict[str, float]] = []
    for done, total, words in _shown(ours):
        if stop_at and interrupted is None and total and done / total >= stop_at:
            interrupted, at = time.monotonic(), (done, total)
            process.send_signal(signal.SIGINT)
        share = (0.25, 0.5)[len(foretold)] if len(foretold) < 2 else 2.0
        if total and done / total >= share and words:
            foretold.append({"done": share, "left": _seconds(words), "at": time.monotonic()})
    _, status, used = os.wait4(process.pid, 0)
    ended = time.monotonic()
    os.close(ours)
    result: dict[str, Any] = {
        "exit": os.waitstatus_to_exitcode(status),
        "wall_seconds": round(ended - started, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_bytes": used.ru_maxrss * (1024 if sys.platform == "linux" else 1),
    }
    if interrupted is not None:
        return result | {"seconds_to_end": round(ended - interrupted, 2), "at": at[0], "of": at[1]}
    if foretold:
        result["foretold"] = [
            {"done": each["done"], "left": each["left"], "was": round(ended - each["at"], 1)}
            for each in foretold
        ]
    return result | {"report": json.loads(out.read_text("utf-8"))}


_PROGRESS = re.compile(r"scoring functions\W.*?(\d+)/(\d+)\D*?(?:about ([\d.]+ \w+) left)?[\r\n]")


def _shown(terminal: int) -> Iterator[tuple[int, int, str]]:
    """What a bar shows, again and again: done, all, and the words for the time that is left."""
    rest = ""
    while True:
        try:
            part = os.read(terminal, 1 << 16).decode(errors="replace")
        except OSError:  # closed: the process has ended
            return
        if not part:
            return
        rest += re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", part)
        told = list(_PROGRESS.finditer(rest))
        if told:
            done, total, words = told[-1].groups()
            rest = rest[told[-1].end() :]
            yield int(done), int(total), words or ""


def _seconds(words: str) -> float:
    count, unit = words.split()
    return float(count) * {"s": 1, "min": 60, "h": 3600}[unit]


# --- the repository ------------------------------------------------------------------------------


def large(folder: Path) -> dict[str, float]:
    """Processor seconds of what is asked when few of very many files changed."""
    from review_core.sources.first_parents import past_range
    from review_core.sources.working import buffer_change, working_change

    took: dict[str, float] = {}
    file = folder / edit_some(folder)
    text = file.read_text("utf-8")
    git = ["git", "-C", str(folder)]
    git_change(folder, None)  # modules, and the disk's cache
    with processor_seconds(took, "git status"):
        subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True)
    with processor_seconds(took, "git diff HEAD"):
        subprocess.run([*git, "diff", "HEAD", "--raw"], check=True, capture_output=True)
    with processor_seconds(took, "the working tree"):
        git_change(folder, None)
    with processor_seconds(took, "the working tree, for an editor"):
        working_change(folder, "HEAD", {file: text + "\n"})
    with processor_seconds(took, "one text, for an editor"):
        buffer_change(file, text + "\n", "HEAD")
    with processor_seconds(took, "one text against the index"):
        buffer_change(file, text + "\n", "index")
    with processor_seconds(took, "one new text, for an editor"):
        buffer_change(file.with_name("new.py"), text, "HEAD")
    subprocess.run([*git, "add", "--update"], check=True)
    with processor_seconds(took, "what is staged"):
        git_change(folder, None, staged=True)
    with processor_seconds(took, "one commit"):
        git_change(folder, "HEAD")
    with processor_seconds(took, "a history of ten commits"):
        for past in past_range(folder, "HEAD", 10).commits:
            git_change(folder, past.commit.hash)
    return took


def edit_some(folder: Path) -> str:
    """Change thirty files of the working tree and add one; the path of one of them."""
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "reset", "--quiet", "--hard", "main"], check=True)
    subprocess.run([*git, "clean", "--quiet", "--force", "-d"], check=True)
    listed = subprocess.run([*git, "ls-files", "-z", "teams"], check=True, capture_output=True)
    paths = [path for path in listed.stdout.decode().split("\0") if path.endswith(".py")]
    for path in paths[:: max(len(paths) // 30, 1)][:30]:
        if not (folder / path).is_symlink():
            text = (folder / path).read_text("utf-8")
            (folder / path).write_text(text + "\n\ndef added():\n    return 1\n", "utf-8")
    (folder / "teams" / "untracked.py").write_text("x = 1\n", "utf-8")
    return paths[0]


# --- all of it -----------------------------------------------------------------------------------


def measure(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """The figures of all parts."""
    folder = given.repository
    wanted = sorted({*given.functions, given.real})
    if folder is None:
        folder = scratch / "repository"
        alone(make_repository, folder, given.files, wanted, sources=min(given.files // 5, 2000))
    listed = subprocess.run(
        ["git", "-C", str(folder), "ls-tree", "-r", "--name-only", "main"],
        check=True,
        capture_output=True,
    )
    found: dict[str, Any] = {
        "files": listed.stdout.count(b"\n"),
        "pulls": [alone(pull, folder, f"pull-{count}") for count in sorted(given.functions)],
        "repository": alone(large, folder),
    }
    if given.real:
        found["model"] = model(folder, f"pull-{given.real}", scratch)
    if given.full:
        full = themis(folder, f"pull-{max(given.functions)}", scratch / "full")
        stats = full.pop("report")["stats"]
        found["full"] = full | {name: stats[name] for name in ("functions", "sequences", "tokens")}
    return found


def table(found: Mapping[str, Any]) -> Table:
    """A column for each pull request."""
    pulls = found["pulls"]
    rows = [
        ("changed files", *(f"{each['files']:,}" for each in pulls)),
        *(
            (f"{step}, s", *(seconds(each["cpu_seconds"][step]) for each in pulls))
            for step in STEPS
        ),
        ("peak without the model, MB", *(megabytes(each["peak_bytes"]) for each in pulls)),
        ("HTML, MB", *(f"{each['characters']['html'] / 1e6:.1f}" for each in pulls)),
    ]
    heads = (f"{each['functions']:,} functions" for each in pulls)
    return Table(("processor seconds", *heads), tuple(rows))


def notes(found: Mapping[str, Any]) -> list[str]:
    """What else was found, a sentence each."""
    asked = dict(found["repository"])
    status = asked.pop("git status")
    said = [
        f"{found['files']:,} files; git status takes {status:.2f} s of processor time, "
        + ", ".join(f"{name} {took:.2f} s" for name, took in asked.items())
    ]
    if "model" in found:
        cold, broken = found["model"]["cold"], found["model"]["interrupted"]
        resumed, warm = found["model"]["resumed"], found["model"]["warm"]
        said.append(
            f"themis review of {cold['functions']} functions with the model: "
            f"{cold['cpu_seconds']} s of processor time, {megabytes(cold['peak_bytes'])} MB; "
            f"interrupted at {broken['at']} of {broken['of']} texts it ended after "
            f"{broken['seconds_to_end']} s (exit {broken['exit']}); called again it found "
            f"{resumed['cache_hits']} in the cache, {resumed['cpu_seconds']} s; with all there "
            f"{warm['cpu_seconds']} s"
        )
    for name in ("model", "full"):
        one = found.get(name, {})
        for each in one.get("cold", one).get("foretold", []):
            said.append(
                f"{name}: with {each['done']:.0%} done it said {each['left']:.0f} s left; "
                f"it took {each['was']} s"
            )
    if "full" in found:
        full = found["full"]
        said.append(
            f"all {full['functions']:,} functions with the model: {full['cpu_seconds']} s of "
            f"processor time, {full['wall_seconds']} s on the clock, "
            f"{megabytes(full['peak_bytes'])} MB"
        )
    return said


def picture(found: Mapping[str, Any]) -> str:
    """Seconds a thousand functions and memory over the size of a pull request, as bars."""
    pulls = found["pulls"]
    shown = ("git", "cutting", "judging", "html")
    colours = ("#8250df", "#2a9461", "#bf8700", "#0969da")
    left, row, top, width = 150, 46, 84, 720
    height = top + row * len(pulls) + 40
    each_thousand = [
        [1000 * one["cpu_seconds"][step] / one["functions"] for step in shown] for one in pulls
    ]
    longest = max(sum(one) for one in each_thousand)
    scale = (width - left - 190) / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="system-ui,sans-serif" font-size="13">',
        "<title>What a review needs beside the model, by the size of the change</title>",
        "<style>.ground{fill:#ffffff}.text{fill:#1f2328}.faint{fill:#59636e}"
        "@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#f0f6fc}"
        ".faint{fill:#9198a1}}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        '<text class="text" x="20" y="28" font-size="16">A review beside its model</text>',
        '<text class="faint" x="20" y="48">processor seconds a thousand functions, and the peak '
        "of memory</text>",
    ]
    at = 20.0
    for step, colour in zip(shown, colours, strict=True):
        parts.append(f'<rect x="{at}" y="60" width="11" height="11" fill="{colour}"/>')
        parts.append(f'<text class="text" x="{at + 16}" y="70">{step}</text>')
        at += 36 + 8 * len(step)
    for index, (one, steps) in enumerate(zip(pulls, each_thousand, strict=True)):
        y, x = top + row * index, float(left)
        name = f"{one['functions']:,} functions"
        parts.append(f'<text class="text" x="20" y="{y + 18}">{name}</text>')
        for colour, took in zip(colours, steps, strict=True):
            parts.append(
                f'<rect x="{x:.1f}" y="{y + 4}" width="{took * scale:.1f}" height="20" '
                f'fill="{colour}"/>'
            )
            x += took * scale
        words = f"{sum(steps):.2f} s, {megabytes(one['peak_bytes'])} MB"
        parts.append(f'<text class="text" x="{x + 8:.1f}" y="{y + 19}">{words}</text>')
    command = "python -m benchmarks.scale"
    parts += [f'<text class="faint" x="20" y="{height - 12}">{command}</text>', "</svg>"]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=100_000, help="of the repository")
    parser.add_argument(
        "--functions", type=int, nargs="+", default=[300, 1000, 3000], help="of pull requests"
    )
    parser.add_argument(
        "--real", type=int, default=30, help="functions that the model reads; 0 for none"
    )
    parser.add_argument(
        "--full", action="store_true", help="have it read the largest pull request as well"
    )
    parser.add_argument("--repository", type=Path, help="one that was made before")
    add_out(parser)
    given = parser.parse_args()
    title = "Large changes and large repositories"
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given, Path(folder))
        result = Finding(title, found, table(found), notes(found), picture(found))
        tell(result, "benchmarks.scale", given.out)  # to take 100,000 files away takes a while


if __name__ == "__main__":
    main()
