"""`themis init`: a configuration file to start from, made after a look at the repository."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import click

from review_cli.options import directory_option
from review_core.errors import InputError

DATA_FOLDERS = ("testdata", "fixtures", "__snapshots__", "snapshots", "golden", "migrations")
"""Folders whose code is often data, or written once and never again."""

_WIDTH = 98


@click.command()
@directory_option
@click.option("--force", is_flag=True, help="Write over a .themis.toml that is there.")
def init(directory: Path, force: bool) -> None:
    """Write a .themis.toml with every key, its default and its meaning.

    What is suggested follows from the files of the repository. Nothing is in force until you remove
    a "#".
    """
    from review_cli.output import write_out
    from review_core.bundle import load_bundle
    from review_core.config import FILE_NAME, config_schema, load_settings
    from review_core.loading import bundle_path
    from review_core.renderers.view import counted

    file = directory / FILE_NAME
    if file.exists() and not force:
        raise InputError(f"{file} is there already; --force writes over it")
    trained = load_bundle(bundle_path(load_settings(directory).settings)).manifest.languages
    paths = _tracked(directory)
    write_out("\n".join(starter(paths, trained, config_schema())) + "\n", file)
    click.echo(f"{file}: written after a look at {counted(len(paths), 'file')}")


def starter(
    paths: Iterable[str], trained: Iterable[str], schema: Mapping[str, Any]
) -> Iterator[str]:
    """The lines of the file.

    :param paths: of the repository's files, with slashes.
    :param trained: names of the languages in distribution.
    """
    from review_core.languages import language_of

    languages: Counter[str] = Counter()
    folders: Counter[str] = Counter()
    for path in paths:
        if (language := language_of(path)) is not None:
            languages[language.name] += 1
            folders.update(set(PurePosixPath(path).parts[:-1]) & set(DATA_FOLDERS))
    yield from _comment("Themis Review. Every key with its default; remove the # to change one.")
    yield "#"
    yield from _comment(_found(languages, set(trained)))
    yield ""
    yield from _keys(schema, (), {"exclude": [f"{name}/" for name in sorted(folders)]})


def _found(languages: Counter[str], trained: set[str]) -> str:
    if not languages:
        return "No file here is in a language that Themis reads."
    known = [f"{name} ({count})" for name, count in languages.most_common() if name in trained]
    other = [name for name, _ in languages.most_common() if name not in trained]
    told = f"Files that are reviewed here: {', '.join(known)}." if known else ""
    if other:
        told += (
            f" {', '.join(other)}: read, but the model was not trained on it, so it is not scored "
            'unless out_of_distribution is "score".'
        )
    return told.strip()


def _keys(
    schema: Mapping[str, Any], table: tuple[str, ...], suggested: Mapping[str, list[str]]
) -> Iterator[str]:
    """The keys of a table, then the tables in it."""
    parts = schema["properties"]
    for name, part in parts.items():
        if part["type"] == "object":
            continue
        yield from _comment(part["description"])
        value = suggested.get(name) or part["default"]
        if suggested.get(name):
            yield from _comment("Suggested, since there are such folders:")
        value = _example(part) if value is None else value
        yield f"# {name} = {json.dumps(value, ensure_ascii=False)}"
        yield ""
    for name, part in parts.items():
        if part["type"] == "object":
            below = (*table, name)
            if any(each["type"] != "object" for each in part["properties"].values()):
                yield f"[{'.'.join(below)}]"
            yield from _keys(part, below, {})


def _example(part: Mapping[str, Any]) -> str | float:
    """A value for a key that has none unless it is set: TOML knows no null."""
    if "number" in part["type"]:
        return (float(part["minimum"]) + float(part["maximum"])) / 2
    return max(int(part["minimum"]), 20) if "integer" in part["type"] else "..."


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _tracked(directory: Path) -> list[str]:
    """The files of the last commit."""
    from review_core.sources.repository import open_repository

    with open_repository(directory) as repository:
        head = repository.resolve("HEAD")
        if head is None:
            return []
        return [each.path for each in repository.changed_names(repository.empty_tree, head)]
