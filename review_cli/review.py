"""`themis review`: reads options, calls the core, shows the report."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_cli.options import directory_option, model_options, overrides
from review_core.errors import InputError
from review_core.types import Axis

if TYPE_CHECKING:
    from review_core.config import Settings
    from review_core.types import Change, Finding, Report

FINDINGS = 1

_HELP = """Review a change, function by function.

\b
TARGET is
  nothing    the working tree, against HEAD
  A...B      what B changed since it left A, as a pull request shows it
  A..B       B against A
  REVISION   one commit, against its parent
  BASE HEAD  two files or two folders
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """An axis that makes the command fail, from which P(worse) on; any finding if None."""

    axis: Axis
    worse: float | None = None

    def is_reached(self, report: Report) -> bool:
        """Whether a finding is at or above it. What the report rounds counts as it shows."""
        return any(
            finding.axis is self.axis
            and (self.worse is None or round(1 - finding.preference, 3) >= self.worse)
            for finding in report.findings
        )


class _GateType(click.ParamType[Gate]):
    name = "AXIS[=P]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Gate:
        if isinstance(value, Gate):
            return value
        name, _, threshold = str(value).partition("=")
        if name not in list(Axis):
            close = get_close_matches(name, list(Axis), n=1)
            hint = f"did you mean {close[0]}?" if close else f"axes are {', '.join(Axis)}."
            self.fail(f"{name!r} is not an axis; {hint}", param, ctx)
        if not threshold:
            return Gate(Axis(name))
        try:
            worse = float(threshold)
        except ValueError:
            worse = -1.0
        if not 0 < worse <= 1:
            self.fail(f"{threshold!r} is not a probability above 0 and up to 1.", param, ctx)
        return Gate(Axis(name), worse)


@click.command(help=_HELP, epilog="Exit code 1: a finding is at or above --fail-on.")
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@directory_option
@click.option("--staged", is_flag=True, help="Review what is staged, against HEAD.")
@click.option("--patch", metavar="FILE", help="Review a unified patch; - reads it from stdin.")
@click.option("--base-dir", metavar="DIR", help="Where the patch applies. Default: -C's folder.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "markdown", "html", "sarif", "junit"]),
    default="terminal",
    show_default=True,
    help="How to show the report.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@click.option(
    "--fail-on",
    "gates",
    type=_GateType(),
    multiple=True,
    help="Exit with 1 if there is a finding on this axis, or one with P(worse) of at least P. "
    "Default: the axes that the configuration sets to block.",
)
@click.option(
    "--intent", metavar="TEXT", help="What the change is for. Default: the commit's title."
)
@model_options
@click.option("--quiet", is_flag=True, help="Findings only, one a line; no progress.")
def review(
    targets: tuple[str, ...],
    directory: Path,
    staged: bool,
    patch: str | None,
    base_dir: str | None,
    form: str,
    output: Path | None,
    gates: tuple[Gate, ...],
    intent: str | None,
    model: Path | None,
    threads: int | None,
    cache: bool,
    quiet: bool,
) -> int:
    """Review a change; `_HELP` is what the user reads."""
    from review_cli.output import progress_bar, write_out
    from review_core import api
    from review_core.config import load_settings
    from review_core.gates import blocking
    from review_core.loading import load_scorer

    given = overrides(directory, model=model, threads=threads, cache=cache)
    settings = load_settings(directory, given, os.environ).settings
    change = _change(directory, targets, staged, patch, base_dir, settings)
    if intent is not None:
        change = replace(change, intent=intent)
    with progress_bar("loading the model", quiet=quiet):
        scorer, calibration = load_scorer(settings)
    with progress_bar("reading functions", quiet=quiet) as progress:
        report = api.review(change, scorer, calibration, settings, progress=progress)
    file = None if output is None else directory / output
    stopping = blocking(report.findings, settings, calibration)
    write_out(_rendered(report, form, stopping, quiet=quiet, plain=file is not None), file)
    if not gates:
        return FINDINGS if stopping else 0
    return FINDINGS if any(gate.is_reached(report) for gate in gates) else 0


def _change(
    directory: Path,
    targets: tuple[str, ...],
    staged: bool,
    patch: str | None,
    base_dir: str | None,
    settings: Settings,
) -> Change:
    from review_core.sources.filters import Limits

    if len([one for one in (targets, staged, patch) if one]) > 1:
        raise click.UsageError("TARGET, --staged and --patch exclude one another; give one.")
    if base_dir is not None and patch is None:
        raise click.UsageError("--base-dir says where --patch applies; give both.")
    if len(targets) > 2:
        raise click.UsageError("At most two targets, a base and a head.")
    limits = Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )
    if patch is not None:
        from review_core.sources.patch import patch_change

        return patch_change(
            _patch_text(directory, patch), directory / (base_dir or ""), limits=limits
        )
    if len(targets) == 2:
        from review_core.sources.files import paths_change

        base, head = (directory / target for target in targets)
        for target, path in zip(targets, (base, head), strict=True):
            if not path.exists():
                raise InputError(
                    f"{target} does not exist; two targets are files or folders, "
                    f"and a range of commits is written A...B"
                )
        return paths_change(base, head, limits=limits)
    from review_core.sources.git import git_change

    return git_change(directory, targets[0] if targets else None, staged=staged, limits=limits)


def _patch_text(directory: Path, patch: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if patch == "-" else (directory / patch).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the patch {patch}: {error.strerror}") from error
    return raw.decode("utf-8", "replace")


def _rendered(
    report: Report, form: str, stopping: Sequence[Finding], *, quiet: bool, plain: bool
) -> str:
    if form == "json":
        from review_core.renderers.json import render_json

        return render_json(report)
    if form == "markdown":
        from review_core.renderers.markdown import render_markdown

        return render_markdown(report)
    if form == "html":
        from review_core.renderers.html import render_html

        return render_html(report)
    if form == "sarif":
        from review_core.renderers.sarif import render_sarif

        return render_sarif(report, stopping)
    if form == "junit":
        from review_core.renderers.junit import render_junit

        return render_junit(report)
    from review_cli.output import capture
    from review_cli.terminal import print_report

    return capture(lambda console: print_report(report, console, quiet=quiet), plain=plain)
