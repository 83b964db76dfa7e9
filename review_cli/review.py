"""`themis review`: reads options, calls the core, shows the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_cli.changes import TARGETS, change_of, change_options, peers_of
from review_cli.options import judge_option, model_options, overrides
from review_core.types import Axis

if TYPE_CHECKING:
    from review_core.types import Finding, Report

FINDINGS = 1

_HELP = f"""Review a change, function by function.

{TARGETS}"""


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
@change_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "markdown", "html", "sarif", "junit", "codequality"]),
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
@judge_option
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
    judge: Path | None,
    quiet: bool,
) -> int:
    """Review a change; `_HELP` is what the user reads."""
    from review_cli.output import write_out
    from review_cli.progress import (
        Watched,
        each_step,
        resumed_by_calling_again,
        shown_progress,
    )
    from review_core import api
    from review_core.baseline import load_baseline
    from review_core.config import load_settings
    from review_core.gates import blocking
    from review_core.loading import load_judge, load_scorer

    given = overrides(directory, model=model, threads=threads, cache=cache, judge=judge)
    settings = load_settings(directory, given, os.environ).settings
    with shown_progress("reading the change", quiet=quiet):
        change = change_of(directory, targets, staged, patch, base_dir, settings)
    if intent is not None:
        change = replace(change, intent=intent)
    with shown_progress("loading the model", quiet=quiet):
        scorer, calibration = load_scorer(settings)
        second = load_judge(settings, scorer.bundle, calibration)
    with (
        resumed_by_calling_again(cached=settings.cache.enabled),
        shown_progress("reading functions", quiet=quiet) as progress,
    ):
        report = api.review(
            change,
            Watched(scorer, progress, "scoring functions", "checking verdicts"),
            calibration,
            settings,
            baseline=load_baseline(directory),
            pause=each_step(progress, len(change.files)),
            second=second,
            peers=peers_of(directory, change, targets, patch, settings),
        )
    file = None if output is None else directory / output
    stopping = blocking(
        report.findings, settings, calibration, None if second is None else second.calibration
    )
    write_out(_rendered(report, form, stopping, quiet=quiet, plain=file is not None), file)
    if settings.remember_findings and report.findings:
        _remember(report, directory)
    if not gates:
        return FINDINGS if stopping else 0
    return FINDINGS if any(gate.is_reached(report) for gate in gates) else 0


def _remember(report: Report, directory: Path) -> None:
    """Leave what `themis feedback` needs. A machine where that cannot be kept has no use for it."""
    from review_core.errors import InputError
    from review_core.feedback import (
        FeedbackStore,
        default_feedback_path,
        repository_of,
        shown_findings,
    )

    with suppress(InputError):
        store = FeedbackStore(default_feedback_path())
        store.remember(repository_of(directory), tuple(shown_findings(report)))


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
    if form == "codequality":
        from review_core.renderers.codequality import render_code_quality

        return render_code_quality(report, stopping)
    from review_cli.output import capture
    from review_cli.terminal import print_report

    return capture(lambda console: print_report(report, console, quiet=quiet), plain=plain)
