"""`themis-github-app feedback`: what people said of findings, to be taken along."""

from __future__ import annotations

from pathlib import Path

import click

from github_app.commands.options import settings_of, settings_option
from review_core.errors import InputError


@click.command()
@settings_option
@click.argument("repository", metavar="[OWNER/NAME]", required=False)
@click.argument("file", metavar="[FILE.jsonl]", required=False, type=click.Path(path_type=Path))
def feedback(config: Path | None, repository: str | None, file: Path | None) -> None:
    """List the answers kept on this machine, or write those of a repository to a file.

    Answers are kept of repositories whose configuration has remember_findings = true. The file
    holds their code; `themis feedback import` in a clone takes it in, for `themis calibrate` and
    for training.
    """
    from github_app.review_worker import feedback_path
    from review_core.feedback import FeedbackStore, write_answers
    from review_core.renderers.view import counted

    store = FeedbackStore(feedback_path(settings_of(config)))
    found = {key: store.answers(key) for key in store.repositories()}
    if repository is None:
        for key, answers in found.items():
            right = sum(each.right for each in answers)
            click.echo(f"{_name(key)}  {counted(len(answers), 'answer')}, {right} right")
        return
    if file is None:
        raise click.UsageError("Give a FILE.jsonl to write to.")
    of = [answer for key, each in found.items() if _name(key) == repository for answer in each]
    if not of:
        raise InputError(
            f"no answers of {repository} are kept here; `themis-github-app feedback` lists those "
            "repositories that have some"
        )
    write_answers(file, of)
    click.echo(f"{file}: {counted(len(of), 'answer')}")


def _name(key: str) -> str:
    """The repository's, of `feedback.key_of`."""
    return key.split("/", 2)[2]
