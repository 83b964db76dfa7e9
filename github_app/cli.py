"""The `themis-github-app` command: its subcommands. Imports nothing heavy.

Exit codes: 0 done, 1 something was found wanting, 2 bad usage or settings, 3 our own fault, 130
interrupted.
"""

from __future__ import annotations

import click

from github_app.commands.doctor import doctor
from github_app.commands.feedback import feedback
from github_app.commands.jobs import jobs
from github_app.commands.manifest import manifest
from github_app.commands.replay import replay
from github_app.commands.serve import serve
from github_app.commands.settings import settings
from github_app.commands.web import web
from github_app.commands.worker import worker
from github_app.redaction import redactor
from review_core import __version__
from review_core.command import exit_with


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="themis-github-app")
def cli() -> None:
    """Review pull requests with a local model, as a GitHub App that you run yourself.

    Begin with `manifest`, which registers the app; then `doctor`, then `serve`.
    """


for command in (manifest, settings, doctor, serve, web, worker, jobs, feedback, replay):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    exit_with(cli, "themis-github-app", redactor())


if __name__ == "__main__":
    main()
