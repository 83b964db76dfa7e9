"""What `themis calibrate --history` does: reviews the merges of a range, and tells what became of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from review_core.calibration import Calibration
    from review_core.config import Settings
    from review_core.margins import Scorer
    from review_core.merged import Merged
    from review_core.noise import Labelled, Noise, Tally
    from review_core.sources.first_parents import PastCommit
    from review_core.types import Axis

    LoadScorer = Callable[[Settings], tuple[Scorer, Calibration]]

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Watched:
    """Which commits are looked at, and how. budget: the share of merges that may be noisy."""

    target: str
    limit: int
    days: int
    budget: float


def by_history(
    directory: Path, settings: Settings, watched: Watched, load: LoadScorer
) -> tuple[dict[str, float], bool]:
    """What to set, by dotted key, and whether there are merges enough. Tells what it finds.

    :param load: opens the model that settings name; `loading.load_scorer`.
    :raises ThemisError: where repository, range or model cannot be used.
    """
    from review_cli.progress import shown_progress
    from review_core.merged import fates
    from review_core.noise import noise
    from review_core.sources.first_parents import past_range

    past = past_range(directory, watched.target, watched.limit).commits
    scorer, calibration = load(settings)
    merges = []
    with shown_progress("reviewing commits", quiet=False) as progress:
        for each in _merges(directory, past, scorer, calibration, settings):
            merges.append(each)
            progress(len(merges), len(past))
    history = list(fates(merges, watched.days * _DAY))
    present = dict(_present(scorer.bundle.manifest.axes, calibration, settings))
    found = noise(history, present, watched.budget)
    for line in _told(history, found, watched):
        click.echo(line)
    return (
        {
            f"axes.{axis}.worse_at": each.worse_at
            for each in found
            if each.worse_at is not None and each.worse_at > each.present
            for axis in each.axes
        },
        any(not each.missing for each in found),
    )


def _merges(
    directory: Path,
    past: Sequence[PastCommit],
    scorer: Scorer,
    calibration: Calibration,
    settings: Settings,
) -> Iterator[Merged]:
    """Each commit as a review of it sees it; one that cannot be read changes nothing."""
    from review_core.api import review
    from review_core.errors import InputError
    from review_core.merged import Merged, merged
    from review_core.sources.filters import Limits
    from review_core.sources.git import git_change

    limits = Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )
    for each in past:
        try:
            change = git_change(directory, each.commit.hash, limits=limits)
        except InputError:
            yield Merged(each.commit.hash, each.commit.subject, each.seconds, ())
            continue
        yield merged(each, change, review(change, scorer, calibration, settings))


def _present(
    axes: Mapping[Axis, Sequence[str]], calibration: Calibration, settings: Settings
) -> Iterator[tuple[tuple[Axis, ...], float]]:
    """Axes with findings today, and from which P(worse) on.

    An axis of several criteria of which one is silent is left out: a threshold in the configuration
    would have that one speak, too, and nothing was seen of it.
    """
    from review_core.config import AxisMode
    from review_core.path_rules import modes_of

    shared: dict[tuple[tuple[str, ...], float], list[Axis]] = {}
    for axis, criteria in axes.items():
        if modes_of(axis, settings) <= {AxisMode.OFF, AxisMode.MONITOR}:
            continue
        wanted = settings.axes[axis].worse_at
        measured = [calibration.of(criterion).worse_at for criterion in criteria]
        known = [1 - each for each in measured if each is not None]
        if wanted is not None:
            shared.setdefault((tuple(criteria), wanted), []).append(axis)
        elif len(known) == len(criteria):
            shared.setdefault((tuple(criteria), min(known)), []).append(axis)
    for (_, at), together in shared.items():
        yield tuple(together), at


def _told(history: Labelled, found: Sequence[Noise], watched: Watched) -> Iterator[str]:
    from review_core.noise import tally
    from review_core.renderers.view import counted

    yield (
        f"{counted(len(history), 'commit')} of {watched.target}, functions watched for "
        f"{counted(watched.days, 'day')} each"
    )
    yield f"changed functions without a finding: {_fates(tally(history, found=False))}"
    for each in found:
        yield f"{', '.join(each.axes)}: {_verdict(each)}"
        yield f"  functions with a finding: {_fates(each.findings)}"
    if not found:
        yield "no axis has findings that a threshold could quiet"


def _verdict(each: Noise) -> str:
    from review_core.findings import percent
    from review_core.renderers.view import counted

    merges = counted(each.merges, "merge")
    if each.missing:
        return f"too few merges with a known end ({each.merges}); it takes {each.needed}"
    seen = f"{each.noisy} of {merges} noisy at P(worse) {percent(each.present)}"
    if each.worse_at is None:
        return f'no threshold keeps that budget ({seen}); mode = "monitor" keeps it quiet'
    if each.worse_at <= each.present:
        return f"the present threshold holds ({seen})"
    return f"findings from P(worse) {each.worse_at:g} ({seen})"


def _fates(counts: Tally) -> str:
    share = "" if counts.share is None else f" ({counts.share:.0%} of those two)".replace("%", " %")
    return (
        f"{counts.worse} reverted or fixed, {counts.kept} left alone{share}, "
        f"{counts.unknown} changed otherwise or too young"
    )
