"""`themis calibrate`: moves a team's thresholds to where its answers or its merges put them."""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_cli.options import directory_option, overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from review_core.calibration import Calibration
    from review_core.config import Settings
    from review_core.thresholds import Proposal

TOO_FEW = 1


@click.command(epilog="Exit code 1: no axis has answers enough, or there are too few merges.")
@directory_option
@click.option(
    "--precision",
    "wanted",
    type=click.FloatRange(0.5, 0.99),
    default=0.8,
    show_default=True,
    metavar="P",
    help="The share of findings that are to be right; more takes more answers.",
)
@click.option(
    "--history",
    "target",
    metavar="RANGE",
    help="Go by the merges of this range, such as main, in place of answers.",
)
@click.option(
    "--noise",
    "budget",
    type=click.FloatRange(0.01, 0.9),
    default=0.2,
    show_default=True,
    metavar="SHARE",
    help="With --history: the share of merges that may have findings for nothing.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=30,
    show_default=True,
    metavar="N",
    help="With --history: how long a merged function is watched.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    metavar="N",
    help="With --history: the newest N commits at most.",
)
@click.option("--write", "writes", is_flag=True, help="Write the configuration; else only show it.")
@click.option(
    "--model", type=click.Path(path_type=Path), metavar="BUNDLE", help="The model's folder."
)
def calibrate(
    directory: Path,
    wanted: float,
    target: str | None,
    budget: float,
    days: int,
    limit: int,
    writes: bool,
    model: Path | None,
) -> int:
    """Set `worse_at` of each axis from what you answered with `themis feedback`.

    The threshold becomes the lowest P(worse) from which your answers show, with 95 % confidence,
    that findings are right as often as --precision asks. Each criterion takes as many answers as
    would just show it if all were right (20 at 0.8); with fewer, the axis is left alone.

    With --history, the commits of RANGE are reviewed along first parents, which takes as long as
    `themis history` does. A function that got its old text back within --days, or that a fix
    changed, was worse; one that nobody touched was kept. Each threshold becomes the lowest at
    which, with 95 % confidence, at most --noise of all merges have a finding on code that was kept.

    Either can raise a threshold, not lower it: what was never shown has no answers, and a finding
    on code that was left alone may have been right.
    """
    from review_core.config import load_settings

    given = overrides(directory, model=model, threads=None, cache=True)
    settings = load_settings(directory, given, os.environ).settings
    if target is not None:
        from review_cli.merge_history import Watched, by_history
        from review_core.loading import load_scorer

        watched = Watched(target, limit, days, budget)
        values, enough = by_history(directory, settings, watched, load_scorer)
    else:
        values, enough = _by_answers(directory, settings, wanted)
    if values:
        _set(directory, values, writes=writes)
    return 0 if enough else TOO_FEW


def _by_answers(
    directory: Path, settings: Settings, wanted: float
) -> tuple[dict[str, float], bool]:
    """What to set, and whether an axis has enough answers."""
    from review_core.bundle import load_bundle
    from review_core.calibration import Calibration
    from review_core.feedback import FeedbackStore, default_feedback_path, repository_of
    from review_core.loading import bundle_path
    from review_core.thresholds import proposals

    bundle = load_bundle(bundle_path(settings))
    calibration = Calibration.from_json(bundle.calibration_json)
    repository = repository_of(directory)
    answers = FeedbackStore(default_feedback_path()).answers(repository)
    found = proposals(answers, bundle.manifest.axes, bundle.identity.sha256, wanted)
    for each in found:
        click.echo(f"{each.axis}: {_told(each, wanted, settings, calibration)}")
    if other := sum(each.finding.bundle != bundle.identity.sha256 for each in answers):
        click.echo(f"{other} of {len(answers)} answers are of another model's findings")

    values = {
        f"axes.{each.axis}.worse_at": each.worse_at
        for each in found
        if each.worse_at is not None and each.worse_at > _present(each, settings, calibration)
    }
    return values, not all(each.missing for each in found)


def _set(directory: Path, values: Mapping[str, float], *, writes: bool) -> None:
    """Show what becomes of the configuration, and write it if that is wanted."""
    from review_cli.output import write_out
    from review_core.config import FILE_NAME, find_configuration
    from review_core.config_edit import edited
    from review_core.feedback import repository_of

    configuration = find_configuration(directory)
    file = configuration[0] if configuration else Path(repository_of(directory)) / FILE_NAME
    before = file.read_text("utf-8") if file.exists() else ""
    after = edited(before, file, values)
    click.echo()
    click.echo("".join(_diff(before, after, file.name)), nl=False)
    if writes:
        write_out(after, file)
        click.echo(f"{file}: written")
    else:
        click.echo("nothing is written; --write does it")


def _told(proposal: Proposal, wanted: float, settings: Settings, calibration: Calibration) -> str:
    from review_core.findings import criterion_words
    from review_core.renderers.view import counted

    counts = "; ".join(
        f"{criterion_words(each.criterion)} {counted(each.answers, 'answer')}, {each.right} right"
        for each in proposal.counts
    )
    if proposal.missing:
        return f"too few answers ({counts}); it takes {proposal.counts[0].needed} of each criterion"
    if proposal.worse_at is None:
        return (
            f"no threshold is shown to be right {wanted:.0%} of the time ({counts}); "
            'mode = "monitor" keeps it quiet'
        ).replace("% of", " % of")
    if proposal.worse_at <= _present(proposal, settings, calibration):
        return f"the present threshold holds ({counts})"
    return f"findings from P(worse) {proposal.worse_at:g} ({counts})"


def _present(proposal: Proposal, settings: Settings, calibration: Calibration) -> float:
    """The P(worse) from which the axis has findings today; 1 where it has none."""
    if (configured := settings.axes[proposal.axis].worse_at) is not None:
        return configured
    measured = [calibration.of(each.criterion).worse_at for each in proposal.counts]
    return min((1 - each for each in measured if each is not None), default=1.0)


def _diff(before: str, after: str, name: str) -> list[str]:
    sides = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return [
        line if line.endswith("\n") else line + "\n" for line in unified_diff(*sides, name, name)
    ]
