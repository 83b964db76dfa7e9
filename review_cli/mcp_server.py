"""The `themis-mcp` command: the tools of agent_tools.py over the Model Context Protocol, on stdio.

Speaks protocol, judges nothing. A call runs in a thread, tells its progress where the client asks
for it, and stops between two runs of the model when the client cancels it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from review_cli.options import judge_option, model_options, overrides
from review_core import __version__
from review_core.command import exit_with
from review_core.errors import ThemisError

if TYPE_CHECKING:
    import mcp_types as types
    from mcp.server.context import ServerRequestContext

    from review_cli.agent_tools import Answer, Progress, Scoring, Toolbox

MISSING = "mcp is not installed; install it with: pip install 'themis-review[mcp]'"

INSTRUCTIONS = (
    "Judges code changes with a local model, function by function, on five axes. Only confident "
    "harm becomes a finding; silence means unsure, not good. Nothing leaves the machine, and "
    "nothing is written."
)


class MissingExtraError(ThemisError):
    """The MCP server's own dependency is not installed."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="themis-mcp")
@click.option(
    "--root",
    "roots",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A folder that may be read; several times for several. Default: where it is started.",
)
@model_options
@judge_option
def cli(
    roots: tuple[Path, ...],
    model: Path | None,
    threads: int | None,
    cache: bool,
    judge: Path | None,
) -> None:
    """The MCP server of Themis Review: lets a coding agent ask what a change did to the code.

    It speaks over stdin and stdout: an agent starts it. Nothing leaves this machine.
    """
    from review_cli.agent_tools import Toolbox
    from review_core.config import load_settings
    from review_core.loading import load_judge, load_scorer

    here = Path.cwd()
    given = overrides(here, model=model, threads=threads, cache=cache, judge=judge)
    own = load_settings(Path(here.anchor), given, os.environ).settings
    serve(Toolbox(roots or (here,), own, load_scorer, load_judge))


def serve(toolbox: Toolbox) -> None:
    """Serve one client until it leaves.

    :raises MissingExtraError: if the SDK is not installed.
    """
    try:
        import anyio
        import mcp_types as types
        from mcp.server.lowlevel import Server
        from mcp.server.stdio import stdio_server
    except ModuleNotFoundError as error:
        raise MissingExtraError(MISSING) from error

    tools = {tool.name: tool for tool in tools_of(toolbox)}

    async def list_tools(
        context: ServerRequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.described() for tool in tools.values()])

    async def call_tool(
        context: ServerRequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            return _failed(f"there is no tool {params.name}; there are {', '.join(tools)}")
        try:
            answer = await _in_thread(context, partial(tool.call, params.arguments or {}))
        except ThemisError as error:
            return _failed(str(error))
        text = types.TextContent(type="text", text=answer.text)
        return types.CallToolResult(content=[text], structured_content=answer.document)

    server: Server[Any] = Server(
        "themis-review",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )

    async def run() -> None:
        async with stdio_server() as (reads, writes):
            await server.run(reads, writes, server.create_initialization_options())

    anyio.run(run)


# --- calls ---------------------------------------------------------------------------------------


async def _in_thread(
    context: ServerRequestContext, call: Callable[[Progress, Scoring], Answer]
) -> Answer:
    """Do a call in a thread; cancelled, it is told to stop and no longer waited for."""
    import anyio.from_thread
    import anyio.to_thread

    stopped = threading.Event()

    def told(done: int, total: int) -> None:
        if stopped.is_set():
            raise CancelledError
        anyio.from_thread.run(context.session.report_progress, float(done), float(total))

    try:
        return await anyio.to_thread.run_sync(
            call, told, partial(_Stoppable, stopped=stopped), abandon_on_cancel=True
        )
    finally:
        stopped.set()


class _Stoppable:
    """A scorer that stops between two runs of the model, once `stopped` is set."""

    def __init__(self, scorer: Any, stopped: threading.Event) -> None:
        self._scorer = scorer
        self._stopped = stopped
        self.bundle = scorer.bundle

    @property
    def statistics(self) -> Any:
        return self._scorer.statistics

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Progress | None = None
    ) -> Sequence[Mapping[str, float] | None]:
        answers: Sequence[Mapping[str, float] | None] = self._scorer.rewards(
            codes, intent=intent, progress=progress, cancelled=self._stopped.is_set
        )
        return answers


def _failed(message: str) -> types.CallToolResult:
    import mcp_types as types

    return types.CallToolResult(
        content=[types.TextContent(type="text", text=message)], is_error=True
    )


# --- what there is to call -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tool:
    name: str
    title: str
    description: str
    arguments: Mapping[str, Any]
    required: Sequence[str]
    answer: Mapping[str, Any]
    call: Callable[[Mapping[str, Any], Progress, Scoring], Answer]

    def described(self) -> types.Tool:
        import mcp_types as types

        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema={
                "type": "object",
                "additionalProperties": False,
                "properties": dict(self.arguments),
                "required": list(self.required),
            },
            output_schema=dict(self.answer),
            annotations=types.ToolAnnotations(
                read_only_hint=True,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )


_VERSION = {
    "type": "object",
    "description": "Code as a text, or the path of a file that holds it.",
    "properties": {
        "name": {"type": "string"},
        "text": {"type": "string"},
        "path": {"type": "string"},
    },
    "additionalProperties": False,
}


def tools_of(toolbox: Toolbox) -> Sequence[_Tool]:
    """What a client may call; `described` is what it is told of each."""
    return (
        _Tool(
            "review_change",
            "Review a change",
            "Which functions a change made worse, and on which axis. Without range and staged: "
            "what is not committed. A finding's id is what explain_finding takes.",
            {
                "repository": {
                    "type": "string",
                    "description": "A folder of the repository. Default: the first root.",
                },
                "range": {
                    "type": "string",
                    "description": "A...B as a pull request, A..B, or one commit.",
                },
                "staged": {"type": "boolean", "description": "What is staged, against HEAD."},
                "intent": {"type": "string", "description": "What the change is for."},
            },
            (),
            _schema("report"),
            toolbox.review_change,
        ),
        _Tool(
            "rank_candidates",
            "Rank candidates",
            "Which of several versions of the same function or file is best on each axis, the base "
            "among them; ties are where the model cannot tell.",
            {
                "base": _VERSION,
                "candidates": {"type": "array", "items": _VERSION, "minItems": 1},
                "language": {
                    "type": "string",
                    "description": "What a base given as text is written in, such as Python.",
                },
                "function": {"type": "string", "description": "Compare this function alone."},
                "intent": {"type": "string", "description": "What the candidates are for."},
            },
            ("base", "candidates"),
            _schema("ranking"),
            toolbox.rank_candidates,
        ),
        _Tool(
            "explain_finding",
            "Explain a finding",
            "What a finding's axis means, how sure the model is and how often that was right, the "
            "changed lines, and what would be said without each part of them.",
            {"id": {"type": "string", "description": "Of a finding of review_change."}},
            ("id",),
            {"type": "object"},
            toolbox.explain_finding,
        ),
    )


def _schema(name: str) -> dict[str, Any]:
    file = resources.files("review_core").joinpath(f"schemas/{name}.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def main() -> None:
    """Run the command and exit."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="themis-mcp: %(message)s")
    exit_with(cli, "themis-mcp")


if __name__ == "__main__":
    main()
