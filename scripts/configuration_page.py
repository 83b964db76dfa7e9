"""Writes the table of keys in docs/configuration.md from the schema; `make fix` calls it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from review_core.config import config_schema
from review_core.types import Axis

START, END = "<!-- keys:start -->\n", "<!-- keys:end -->\n"


def main(page: Path) -> None:
    """Replace what stands between the two marks."""
    before, rest = page.read_text(encoding="utf-8").split(START)
    _, after = rest.split(END)
    page.write_text(before + START + "\n" + table() + "\n" + END + after, encoding="utf-8")


def table() -> str:
    """One row a key; the five axes share theirs."""
    rows = ["| Key | Value | Default | Meaning |", "| --- | --- | --- | --- |"]
    for key, schema in keys(config_schema()):
        default = schema.get("default")  # what stands in a list of tables has none
        default = "unset" if default is None else f"`{json.dumps(default)}`"
        rows.append(f"| `{key}` | {value_words(schema)} | {default} | {schema['description']} |")
    return "\n".join(rows) + "\n"


def keys(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Dotted keys and their schemas, those of the first axis standing for all."""
    first, *others = Axis
    of_axes = path[-1:] == ("axes",)
    for name, part in schema["properties"].items():
        if of_axes and name in others:
            continue
        shown = "AXIS" if of_axes and name == first else name
        if part["type"] == "object":
            yield from keys(part, (*path, shown))
        else:
            part = part | {"description": part["description"].replace(first, "the axis")}
            yield ".".join((*path, shown)), part
            if part.get("items", {}).get("type") == "object":
                yield from keys(part["items"], (*path, f"{shown}[]"))


def value_words(schema: dict[str, Any]) -> str:
    """What may be written, in words."""
    if "enum" in schema:
        return " or ".join(f'`"{choice}"`' for choice in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    of_tables = schema.get("items", {}).get("type") == "object"
    words = {
        "array": "list of tables" if of_tables else "list of texts",
        "boolean": "`true` or `false`",
        "integer": "whole number",
        "number": "number",
        "string": "text",
    }[kinds[0]]
    if "maximum" in schema:
        return f"{words}, {schema['minimum']} to {schema['maximum']}"
    return f"{words}, at least {schema['minimum']}" if "minimum" in schema else words


if __name__ == "__main__":
    main(Path(sys.argv[1]))
