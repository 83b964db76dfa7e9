"""`themis-github-app doctor`: whether everything the app needs is there and works."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from github_app.commands.options import settings_of, settings_option
from review_core.errors import ConfigurationError

if TYPE_CHECKING:
    from github_app.github.client import GitHubClient
    from github_app.settings import Settings

WANTING = 1


@click.command()
@settings_option
def doctor(config: Path | None) -> int:
    """Check key, permissions, webhook, clock, database, disk, git and model; tell the remedies.

    Exit code 1 if something fails.
    """
    from github_app.doctor.check import Check, State
    from github_app.doctor.examination import examine

    try:
        settings = settings_of(config)
    except ConfigurationError as error:
        click.echo(Check("settings", State.FAIL, str(error)))
        return WANTING
    click.echo(Check("settings", State.OK, "complete"))
    failed = 0
    for check in examine(
        settings,
        lambda: _client(settings),
        clock=time.time,
        verify_model=lambda: _verified_model(settings),
    ):
        click.echo(check)
        failed += check.state is State.FAIL
    return WANTING if failed else 0


def _client(settings: Settings) -> GitHubClient:
    from github_app.github.auth import AppKey
    from github_app.github.client import GitHubClient

    key = AppKey(str(settings.app_id), settings.private_key.reveal())
    return GitHubClient(key, settings.github)


def _verified_model(settings: Settings) -> str:
    """Load the model, and score what was recorded at export.

    :raises BundleError: if it is not as it was exported.
    """
    from dataclasses import replace

    from review_core.config import default_settings
    from review_core.loading import load_judge, load_scorer

    plain = default_settings()
    uncached = replace(plain.cache, enabled=False)
    asked = replace(plain, model=settings.model, threads=settings.threads, cache=uncached)
    asked = replace(asked, judge=replace(plain.judge, model=settings.judge))
    scorer, calibration = load_scorer(asked)
    scorers = [scorer]
    if (judge := load_judge(asked, scorer.bundle, calibration)) is not None:
        scorers.append(judge.open())
    told = []
    for each in scorers:
        each.verify()
        told.append(f"{each.bundle.identity.name} {each.bundle.identity.sha256}")
    as_exported = "is as it was exported" if judge is None else "are as they were exported"
    return f"{' and the judge '.join(told)} {as_exported}"
