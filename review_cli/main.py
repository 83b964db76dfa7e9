"""The `themis` command: its subcommands. Imports nothing heavy; `review_core.command` has the edge.

Exit codes: 0 reviewed and nothing at or above --fail-on, 1 something is, 2 bad usage or input, 3
our own fault, 130 interrupted.
"""

from __future__ import annotations

import logging
import sys

import click

from review_cli.baseline import baseline
from review_cli.bench import bench
from review_cli.calibrate import calibrate
from review_cli.config import config
from review_cli.feedback import feedback
from review_cli.history import history
from review_cli.init import init
from review_cli.model import model
from review_cli.rank import rank
from review_cli.review import review
from review_cli.suggest import suggest
from review_core import __version__
from review_core.command import exit_with


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="themis")
def cli() -> None:
    """Judge a code change with a local model: which functions got better or worse, on five axes.

    Nothing leaves this machine. `themis review` alone judges what you have not committed yet.
    """


for command in (
    review,
    rank,
    history,
    suggest,
    baseline,
    feedback,
    calibrate,
    init,
    bench,
    model,
    config,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="themis: %(message)s")
    exit_with(cli, "themis")
