"""The page of the tools that `themis-mcp` offers, read from what the server tells a client."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from review_cli.agent_tools import Toolbox
from review_cli.mcp_server import INSTRUCTIONS, tools_of
from review_core.config import load_settings


def page() -> str:
    """The Markdown page: each tool, its arguments and the schema of its answer."""
    parts = [f"# Tools for agents\n\nWhat `themis-mcp` tells a client. {INSTRUCTIONS}\n"]
    for each in tools_of(
        Toolbox((Path.cwd(),), load_settings(Path("/"), {}, {}).settings, _no_model)
    ):
        tool = each.described()
        schema = tool.input_schema
        parts += [f"## {tool.name}\n\n{tool.description}\n"]
        parts += ["| Argument | Value | Meaning |", "| --- | --- | --- |"]
        for name, value in schema["properties"].items():
            needed = " (required)" if name in schema["required"] else ""
            meaning = value.get("description") or value.get("items", {}).get("description", "")
            parts.append(f"| `{name}`{needed} | {_kind(value)} | {meaning} |")
        parts.append("")
        if says := (tool.output_schema or {}).get("description"):
            parts.append(f"The answer: {says}\n")
    return "\n".join(parts)


def _kind(value: Mapping[str, Any]) -> str:
    if value["type"] == "array":
        return f"list, each {_kind(value['items'])}"
    if value["type"] == "object":
        return f"object with {', '.join(f'`{key}`' for key in value['properties'])}"
    return {"string": "text", "boolean": "`true` or `false`"}[value["type"]]


def _no_model(settings: object) -> Any:
    raise AssertionError("describing a tool needs no model")
