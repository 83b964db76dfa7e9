"""The pages of our commands: what each says of itself with --help, read from the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import click

PROGRAMS = {
    "themis": "review_cli.main",
    "themis-lsp": "lsp_server.main",
    "themis-mcp": "review_cli.mcp_server",
    "themis-github-app": "github_app.cli",
    "themis-train": "training.cli",
    "themis-export": "model_export.cli",
}
"""Each command and the module that holds its `cli`."""

_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Said:
    """One command, such as `themis model verify`, and what its --help prints."""

    name: str
    help: str


def said(program: str) -> Iterator[Said]:
    """A program and all its commands, those of groups below their group."""
    for context in contexts(program):
        yield Said(context.command_path, context.command.get_help(context).rstrip())


def contexts(program: str) -> Iterator[click.Context]:
    """The same as click knows them, commands that are loaded when asked for among them."""
    yield from _contexts(import_module(PROGRAMS[program]).cli, program, None)


def page(program: str) -> str:
    """The Markdown page of a program."""
    parts = [f"# {program}\n\nWritten from the program itself while this page was built.\n"]
    for each in said(program):
        depth = min(each.name.count(" ") + 1, 3)
        title = "" if depth == 1 else f"{'#' * depth} {each.name}\n\n"
        parts.append(f"{title}```text\n{each.help}\n```\n")
    return "\n".join(parts)


def _contexts(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[click.Context]:
    settings = {**command.context_settings, "terminal_width": _WIDTH}  # not the builder's terminal
    context = click.Context(command, parent=parent, info_name=name, **settings)
    yield context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None and not found.hidden:
                yield from _contexts(found, inner, context)
