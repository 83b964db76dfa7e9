"""The edge of a command-line program: errors become one line and an exit code.

Shared by all our programs.
Exit codes: 0 done, 1 what was asked for was found wanting (the command returns it), 2 bad usage or
input, 3 our own fault, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

import click

from review_core import telemetry
from review_core.errors import ThemisError

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 3, 130


def exit_with(command: click.Command, name: str, shown: Callable[[str], str] = str) -> NoReturn:
    """Run this process's arguments through `command` and exit with its code.

    :param shown: what goes over each message first, where one may hold secrets.
    """
    telemetry.switch_off()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a path that is not UTF-8 must not end a run
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(command, name, sys.argv[1:], shown))


def run(
    command: click.Command,
    name: str,
    arguments: Sequence[str],
    shown: Callable[[str], str] = str,
) -> int:
    """Run one command line; return its exit code. shown: as `exit_with` takes it."""
    try:
        code = command.main(list(arguments), prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return BAD_INPUT
    except click.UsageError as error:
        called = error.ctx.command_path if error.ctx else name
        message = f"{error.format_message()} ({called} --help lists what there is)"
        return _failed(name, shown(message), BAD_INPUT)
    except (ThemisError, click.ClickException) as error:
        return _failed(name, shown(str(error)), BAD_INPUT)
    except click.Abort:
        return INTERRUPTED
    except Exception as error:  # the one place: whatever we did not foresee becomes exit code 3
        if os.environ.get("THEMIS_DEBUG"):
            click.echo(shown(traceback.format_exc()), err=True)
        hint = "THEMIS_DEBUG=1 shows the traceback; please report it"
        message = f"internal error, {type(error).__name__}: {error} ({hint})"
        return _failed(name, shown(message), INTERNAL)
    return int(code or 0)


def _failed(name: str, message: str, code: int) -> int:
    click.echo(f"{name}: {' '.join(message.split())}", err=True)
    return code
