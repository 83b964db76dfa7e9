"""`themis suggest`: has the user's tools fix files, keeps what the model calls better."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_cli.options import directory_option, judge_option, model_options, overrides
from review_core.errors import InputError, NoRepositoryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from review_core.sources.filters import Limits
    from review_core.types import FileChange

_HELP = """Let your own tools suggest, and keep what raises an axis and lowers none.

Each fix is judged function by function; what is kept is printed as a diff, with the reason for all
that is not. Nothing is written without --apply.

\b
TARGET says which files --fix is run on, as they are on disk
  nothing    those that differ from HEAD
  A...B      those that a range, or one commit, changes
  PATH       a file, or the files that git knows below a folder
"""


@click.command(help=_HELP)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@directory_option
@click.option(
    "--fix",
    "commands",
    multiple=True,
    metavar="COMMAND",
    help="A command that rewrites {file}, such as 'ruff check --fix --quiet {file}'. It is run on "
    "a copy, without a shell. Exit codes 0 and 1 are no failure.",
)
@click.option(
    "--patches", metavar="DIR", help="A folder of patches, each kept as a whole or not at all."
)
@click.option("--apply", "applied", is_flag=True, help="Write what is kept into the files.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="What one command may take for one file.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "diff", "json"]),
    default="terminal",
    show_default=True,
    help="How to show the suggestions; diff prints nothing else, for git apply.",
)
@click.option("--intent", metavar="TEXT", help="What the fixes are for.")
@model_options
@judge_option
def suggest(
    targets: tuple[str, ...],
    directory: Path,
    commands: tuple[str, ...],
    patches: str | None,
    applied: bool,
    timeout: float,
    form: str,
    intent: str | None,
    model: Path | None,
    threads: int | None,
    cache: bool,
    judge: Path | None,
) -> None:
    """Suggest; `_HELP` is what the user reads."""
    from review_cli import fixing
    from review_cli.output import capture, write_out
    from review_cli.progress import shown_progress
    from review_cli.suggestions_page import print_suggestions
    from review_core import suggestions
    from review_core.config import load_settings
    from review_core.loading import load_judge, load_scorer
    from review_core.renderers.suggestions import suggestions_to_json, unified_diff
    from review_core.sources.filters import Limits

    if not commands and patches is None:
        raise click.UsageError("Give a --fix command, or --patches with a folder.")
    if targets and not commands:
        raise click.UsageError("TARGET says which files --fix is run on; patches name their own.")
    for command in commands:
        fixing.command_of(command)  # before the first is run
    given = overrides(directory, model=model, threads=threads, cache=cache, judge=judge)
    settings = load_settings(directory, given, os.environ).settings
    limits = Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )
    root = _root(directory)
    made = []
    if commands:
        files = _contents(directory, root, targets, limits)
        made.append(fixing.run_fixes(commands, root, files, limits, timeout))
    if patches is not None:
        made.append(fixing.read_patches(directory / patches, root, limits))
    with shown_progress("loading the model", quiet=False):
        scorer, calibration = load_scorer(settings)
        second = load_judge(settings, scorer.bundle, calibration)
    with shown_progress("reading functions", quiet=False) as progress:
        judged = suggestions.suggest(
            [fix for each in made for fix in each.fixes],
            scorer,
            calibration,
            settings,
            intent=intent,
            progress=progress,
            second=second,
        )
    failed = tuple(one for each in made for one in each.failed)
    judged = suggestions.Suggestions((*judged.all, *failed), judged.files)
    if applied:
        _write(root, judged.files)
    if form == "diff":
        write_out(unified_diff(judged))
    elif form == "json":
        import json

        document = suggestions_to_json(judged, scorer.bundle.identity)
        write_out(json.dumps(document, indent=2) + "\n")
    else:
        write_out(capture(lambda console: print_suggestions(judged, console, applied=applied)))


def _root(directory: Path) -> Path:
    """What paths are relative to: the working tree, or the folder where there is none."""
    from review_core.sources.repository import open_repository

    try:
        with open_repository(directory) as repository:
            return repository.work_tree()
    except NoRepositoryError:
        return directory.resolve()


def _contents(
    directory: Path, root: Path, targets: tuple[str, ...], limits: Limits
) -> dict[str, bytes]:
    """The files that the targets name, as on disk, by path below the root."""
    from review_core.sources.files import read_file
    from review_core.sources.filters import refused_by_name
    from review_core.sources.git import git_change

    paths: list[str] = []
    for target in targets or (None,):
        given = None if target is None else directory / target
        if given is not None and given.exists():
            paths += _named(given.resolve(), root.resolve(), target or "")
            continue
        change = git_change(directory, target, limits=limits)
        paths += [file.path for file in change.files if file.head is not None]
    found = {}
    for path in dict.fromkeys(paths):
        if refused_by_name(path, limits) is None:
            content = read_file(root, path, limits)
            if isinstance(content, bytes):
                found[path] = content
    if targets and not found:
        raise InputError(f"{' '.join(targets)} names no file that Themis reads")
    return found


def _named(path: Path, root: Path, target: str) -> list[str]:
    from review_core.sources.repository import open_repository

    if not path.is_relative_to(root):
        raise InputError(f"{target} lies outside of {root}; start in its repository with -C")
    if path.is_file():
        return [path.relative_to(root).as_posix()]
    with open_repository(path) as repository:
        head = repository.resolve("HEAD")
        known = repository.changed_names(repository.empty_tree, head) if head else []
        below = [each.path for each in known] + repository.untracked(root)
    return [each for each in below if (root / each).is_relative_to(path)]


def _write(root: Path, files: Iterable[FileChange]) -> None:
    """Write what is kept, each file at once; one that changed meanwhile stops all.

    :raises InputError: if a file cannot be written or is not what was judged.
    """
    mark = "\ufeff".encode()
    written = []
    for file in files:
        path = root / file.path
        content = path.read_bytes()
        start = mark if content.startswith(mark) else b""
        if content.removeprefix(mark) != (file.base or "").encode():
            raise InputError(f"{path} changed while it was judged; nothing is written, try again")
        written.append((path, start + (file.head or "").encode()))
    for path, content in written:
        beside = path.with_name(f".{path.name}.themis")
        try:
            beside.write_bytes(content)
            beside.chmod(path.stat().st_mode)
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise InputError(f"cannot write {path}: {error.strerror}") from error
