"""`themis-github-app replay`: does a recorded delivery again, or says what it would do."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import click

from github_app.commands.options import settings_of, settings_option

REFUSED = 1


@click.command()
@settings_option
@click.option("--to", "url", metavar="URL", help="Deliver it there; without, only say what it is.")
@click.option("--new", is_flag=True, help="Under a new id: one that was delivered is done once.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def replay(config: Path | None, url: str | None, new: bool, file: Path) -> int:
    """Say what a recorded delivery asks for, or deliver it again with --to.

    FILE holds headers and payload as JSON, as `gh api /app/hook/deliveries/ID` prints them.
    """
    from dataclasses import replace

    from github_app.encoding import task_as_json
    from github_app.events import App, task_of
    from github_app.replay import read_recorded, send
    from github_app.types import Ignored

    settings = settings_of(config)
    recorded = read_recorded(file)
    if new:
        recorded = replace(recorded, guid=str(uuid.uuid4()))
    if url is not None:
        status, answer = send(recorded, url, settings.webhook_secrets[0])
        click.echo(f"{status} {answer}")
        return 0 if 200 <= status < 300 else REFUSED
    app = App(settings.app_id, settings.app_slug)
    task = task_of(recorded.event, recorded.guid, recorded.payload, app)
    if isinstance(task, Ignored):
        click.echo(f"ignored: {task.reason}")
    else:
        click.echo(json.dumps(json.loads(task_as_json(task)), indent=2))
    return 0
