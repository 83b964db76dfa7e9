"""`themis-train`: from repositories and records to a checkpoint and its calibration.

mine -> prepare -> student -> fit, or features -> heads -> evaluate -> (themis-export bundle) ->
calibrate
"""

from __future__ import annotations

import logging
from importlib import import_module

import click

_COMMANDS = {
    "mine": "mine",
    "prepare": "prepare",
    "sample": "prepare",
    "neutral": "prepare",
    "tiny-base": "student",
    "student": "student",
    "teach": "teach",
    "features": "heads",
    "heads": "heads",
    "ablate": "ablate",
    "fit": "fit",
    "evaluate": "evaluate",
    "calibrate": "calibrate",
}
"""Each command and its module below training.commands, in the order of the road."""


class _Road(click.Group):
    """Loads a command when it is asked for: some need torch, and help should not wait for it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"training.commands.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.command(cls=_Road, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="themis-review")
def cli() -> None:
    """Make reward models for themis: mine and prepare preference pairs, cut a student, fit it,
    measure it, calibrate it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")


def main() -> None:
    """Run the command line and exit."""
    from review_core.command import exit_with

    exit_with(cli, "themis-train")


if __name__ == "__main__":  # accelerate launch -m training.cli
    main()
