"""`themis feedback`: say which findings were right; kept on this machine, nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_cli.options import directory_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from review_core.feedback import Answer, ShownFinding

_GIVE = "give"


class _GivesByDefault(click.Group):
    """`feedback ID good` is `feedback give ID good`: an id is never the name of a command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and len(args) > 1:
            args = [_GIVE, *args]
        return super().resolve_command(ctx, args)


_NOTHING = "no finding is kept here; remember_findings = true keeps those that reviews show\n"


@click.group(cls=_GivesByDefault)
def feedback() -> None:
    """Say of findings whether they were right: `themis feedback ID good|bad`.

    `themis feedback list` has the ids. Answers stay on this machine, in your data folder; `themis
    calibrate` and training learn from them, nobody else.
    """


@feedback.command(_GIVE)
@click.argument("finding", metavar="ID")
@click.argument("verdict", metavar="good|bad", type=click.Choice(["good", "bad"]))
@click.option("--note", metavar="TEXT", help="Why, for yourself.")
@directory_option
def give(finding: str, verdict: str, note: str | None, directory: Path) -> None:
    """Say that a finding was right (good) or wrong (bad); the word `give` may be left out.

    ID is the finding's, or its first digits. The review that showed it need not be run again. A
    second answer replaces the first.
    """
    from review_core.feedback import FeedbackStore, default_feedback_path, repository_of

    store = FeedbackStore(default_feedback_path())
    right = verdict == "good"
    answer = store.answer(repository_of(directory), finding, right=right, note=note)
    click.echo(_line(answer.finding, answer))


@feedback.command("list")
@directory_option
@click.option("--all", "everything", is_flag=True, help="Every finding that was shown.")
def list_(directory: Path, everything: bool) -> None:
    """List the answers, and the findings that were shown last and wait for one."""
    from review_cli.output import write_out
    from review_core.feedback import FeedbackStore, default_feedback_path, repository_of
    from review_core.renderers.view import counted

    store, repository = FeedbackStore(default_feedback_path()), repository_of(directory)
    answers = store.answers(repository)
    answered = {each.finding.id for each in answers}
    waiting = [each for each in store.shown(repository) if each.id not in answered]
    few = waiting if everything else waiting[:_FEW]
    lines = [
        *(_line(each.finding, each) for each in answers),
        *(_line(each, None) for each in few),
    ]
    if len(few) < len(waiting):
        lines.append(f"{counted(len(waiting) - len(few), 'older finding')}: --all lists them")
    write_out("".join(f"{line}\n" for line in lines) or _NOTHING)


@feedback.command()
@click.argument("file", metavar="FILE.jsonl", type=click.Path(path_type=Path))
@click.option(
    "--answers",
    "as_answers",
    is_flag=True,
    help="Write answers, for `themis feedback import` elsewhere, in place of pairs.",
)
@directory_option
def export(file: Path, as_answers: bool, directory: Path) -> None:
    """Write the answers as preference pairs that training reads; FILE.jsonl.zst is compressed.

    A finding that was right prefers base; one that was wrong makes a tie. The file holds your code.
    """
    from review_core.feedback import (
        FeedbackStore,
        default_feedback_path,
        preference_pairs,
        repository_of,
        write_answers,
    )
    from review_core.records import write_pairs
    from review_core.renderers.view import counted

    repository = repository_of(directory)
    answers = FeedbackStore(default_feedback_path()).answers(repository)
    if as_answers:
        write_answers(directory / file, answers)
        click.echo(f"{directory / file}: {counted(len(answers), 'answer')}")
        return
    count = write_pairs(directory / file, preference_pairs(answers, repository))
    click.echo(f"{directory / file}: {counted(count, 'preference pair')}")


@feedback.command("import")
@click.argument("file", metavar="FILE.jsonl", type=click.Path(path_type=Path))
@directory_option
def import_(file: Path, directory: Path) -> None:
    """Take in answers of others: of `themis feedback export --answers`, or of the GitHub App.

    Of two answers to one finding the later counts.
    """
    from review_core.feedback import (
        FeedbackStore,
        default_feedback_path,
        read_answers,
        repository_of,
    )
    from review_core.renderers.view import counted

    found = read_answers(directory / file)
    new = FeedbackStore(default_feedback_path()).take_in(repository_of(directory), found)
    click.echo(f"{counted(len(found), 'answer')} read, {new} new")


@feedback.command()
@click.argument("finding", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="All that is kept of this repository.")
@directory_option
def forget(finding: str | None, everything: bool, directory: Path) -> None:
    """Drop an answer and its finding, or all that is kept of this repository."""
    from review_core.feedback import FeedbackStore, default_feedback_path, repository_of
    from review_core.renderers.view import counted

    if (finding is not None) is everything:
        raise click.UsageError("Give an ID, or --all.")
    store, repository = FeedbackStore(default_feedback_path()), repository_of(directory)
    if finding is not None:
        click.echo(f"forgotten: {store.forget(repository, finding).id}")
        return
    click.echo(f"forgotten: {counted(store.forget_all(repository), 'answer')}, and what was shown")


_FEW = 20


def _line(finding: ShownFinding, answer: Answer | None) -> str:
    return "  ".join(_parts(finding, answer))


def _parts(finding: ShownFinding, answer: Answer | None) -> Iterator[str]:
    from review_core.findings import percent
    from review_core.renderers.view import visible

    yield finding.id
    yield "-   " if answer is None else "good" if answer.right else "bad "
    yield f"{finding.axis} {percent(1 - finding.preference)}"
    yield visible(f"{finding.path} {finding.function}")
    if answer is not None and answer.note:
        yield f"({visible(answer.note)})"
