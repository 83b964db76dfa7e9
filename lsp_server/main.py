"""The `themis-lsp` command: starts the server. An editor runs it without options."""

from __future__ import annotations

from pathlib import Path

import click

from lsp_server.log import log_to_stderr
from review_core import __version__
from review_core.command import exit_with
from review_core.errors import ThemisError
from review_core.json_log import LEVELS

PROBLEM = 1
MISSING = "pygls is not installed; install it with: pip install 'themis-review[lsp]'"


class MissingExtraError(ThemisError):
    """The language server's own dependencies are not installed."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="themis-lsp")
@click.option("--stdio", is_flag=True, help="Talk over stdin and stdout. The default.")
@click.option("--tcp", is_flag=True, help="Listen on a TCP port for one client.")
@click.option("--ws", is_flag=True, help="Listen on a WebSocket port for one client.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=2087, show_default=True)
@click.option(
    "--check", "checking", is_flag=True, help="Print what support needs to know, and exit."
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="warning",
    show_default=True,
    help="What is logged, on stderr, as one JSON object a line.",
)
def cli(
    stdio: bool, tcp: bool, ws: bool, host: str, port: int, checking: bool, log_level: str
) -> int:
    """The language server of Themis Review: verdicts on changed functions, in an editor.

    Nothing leaves this machine.
    """
    if sum((stdio, tcp, ws)) > 1:
        raise click.UsageError("--stdio, --tcp and --ws exclude one another; give one.")
    log_to_stderr(log_level)
    if checking:
        from lsp_server.check import check
        from lsp_server.model import load_scorer

        return 0 if check(Path.cwd(), load_scorer, click.echo) else PROBLEM
    return serve(tcp=tcp, ws=ws, host=host, port=port, log_level=log_level)


def serve(*, tcp: bool, ws: bool, host: str, port: int, log_level: str) -> int:
    """Serve one client until it leaves.

    :raises MissingExtraError: if pygls is not installed.
    """
    from lsp_server.model import load_scorer

    try:
        from lsp_server.server import create_server
    except ModuleNotFoundError as error:
        raise MissingExtraError(MISSING) from error
    server = create_server(load_scorer, log_level=log_level)
    if tcp:
        server.start_tcp(host, port)
    elif ws:
        server.start_ws(host, port)
    else:
        server.start_io()
    return 0


def main() -> None:
    """Run the command and exit."""
    exit_with(cli, "themis-lsp")


if __name__ == "__main__":
    main()
