"""Our check run of a head: begun, kept up to date, ended without a review. Looks before it writes.

One for each head. A wish to review it again takes up the run that is there, but for one thing:
GitHub only ever adds annotations, so a run that has some is left to its own wish.
"""

from __future__ import annotations

from collections.abc import Sequence

from github_app.github.api import Repository
from github_app.github.values import CheckOutput, CheckRun, CheckStatus, Conclusion
from github_app.publishing.checks import NAME, queued, reading, skipped


def begin(repository: Repository, head_sha: str, wish: str, pull: str) -> CheckRun:
    """The check run for a wish; a new one waits.

    :param wish: the task's key. pull: the pull request's, with which all keys of it begin.
    """
    there = ours(repository, head_sha, pull)
    run = next((each for each in there if _wish(each) == wish), None) or next(
        (each for each in there if not each.annotations_count), None
    )
    for each in there:
        if each is not run and each.status is not CheckStatus.COMPLETED:
            end(repository, each, skipped("a newer review of the same commit took its place"))
    if run is None:
        return repository.create_check_run(
            head_sha, NAME, f"{pull} {wish}", CheckStatus.QUEUED, queued()
        )
    return run


def start(repository: Repository, run: CheckRun) -> None:
    """Say that the work on it has begun."""
    repository.update_check_run(run.id, status=CheckStatus.IN_PROGRESS, output=reading())


def end(repository: Repository, run: CheckRun, output: CheckOutput) -> None:
    """Complete a run without a verdict."""
    repository.update_check_run(
        run.id, status=CheckStatus.COMPLETED, conclusion=Conclusion.NEUTRAL, output=output
    )


def end_unfinished(repository: Repository, head_sha: str, pull: str, reason: str) -> None:
    """Complete what was left behind of a head that nobody will look at again."""
    for each in ours(repository, head_sha, pull):
        if each.status is not CheckStatus.COMPLETED:
            end(repository, each, skipped(reason))


def ours(repository: Repository, head_sha: str, pull: str) -> Sequence[CheckRun]:
    """The runs of one pull request: two may have the same head. The newest first."""
    runs = repository.check_runs(head_sha, NAME)
    return [each for each in runs if each.external_id.partition(" ")[0] == pull]


def _wish(run: CheckRun) -> str:
    return run.external_id.partition(" ")[2]
