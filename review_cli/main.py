"""The `themis` command: subcommands, exit codes, and the edge where an error becomes one line.

Imports nothing heavy. Exit codes: 0 reviewed and nothing at or above --fail-on, 1 something is,
2 bad usage or input, 3 our own fault, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from review_cli.bench import bench
from review_cli.config import config
from review_cli.model import model
from review_cli.review import review
from review_core import __version__
from review_core.errors import ThemisError

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 3, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="themis")
def cli() -> None:
    """Judge a code change with a local model: which functions got better or worse, on five axes.

    Nothing leaves this machine. `themis review` alone judges what you have not committed yet.
    """


for command in (review, bench, model, config):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a path that is not UTF-8 must not end a review
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="themis: %(message)s")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code."""
    try:
        code = cli.main(list(arguments), prog_name="themis", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return BAD_INPUT
    except click.UsageError as error:
        called = error.ctx.command_path if error.ctx else "themis"
        return _failed(f"{error.format_message()} ({called} --help lists what there is)")
    except (ThemisError, click.ClickException) as error:
        return _failed(str(error))
    except click.Abort:
        return INTERRUPTED
    except Exception as error:  # the one place: whatever we did not foresee becomes exit code 3
        if os.environ.get("THEMIS_DEBUG"):
            traceback.print_exc()
        hint = "THEMIS_DEBUG=1 shows the traceback; please report it"
        return _failed(f"internal error, {type(error).__name__}: {error} ({hint})", INTERNAL)
    return int(code or 0)


def _failed(message: str, code: int = BAD_INPUT) -> int:
    click.echo(f"themis: {' '.join(message.split())}", err=True)
    return code
