"""Settings: defaults, then the nearest configuration file, the environment, the command line.

`schemas/config.schema.json` is the one list of keys, types, bounds and defaults; what is written is
checked against it here.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

from review_core.errors import ConfigurationError
from review_core.types import Axis

FILE_NAME = ".themis.toml"
FILE_NAMES = (FILE_NAME, "pyproject.toml")
"""What configures us, in one folder the first of these that has something to say."""
HOST_KEYS = frozenset(
    {
        "model",
        "judge.model",
        "threads",
        "cache.enabled",
        "cache.directory",
        "cache.max_megabytes",
    }
)
"""Keys that decide over the machine: a repository of strangers may not set them."""
MODEL_VARIABLE = "THEMIS_MODEL"
JUDGE_VARIABLE = "THEMIS_JUDGE"
_VARIABLES = {MODEL_VARIABLE: "model", JUDGE_VARIABLE: "judge.model"}


class OutOfDistribution(StrEnum):
    """What to do with languages the model was not trained on."""

    SKIP = "skip"
    SCORE = "score"


class AxisMode(StrEnum):
    """What a confident `worse` on an axis leads to."""

    OFF = "off"
    MONITOR = "monitor"
    COMMENT = "comment"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class AxisSettings:
    """worse_at: the P(worse), in [.5, 1], that makes a finding; None for the bundle's threshold."""

    mode: AxisMode
    worse_at: float | None


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """A second bundle, asked where the first leans but gives no verdict; `cascade` has the rules.

    model: its folder, None for no judge. leaning_from: P of the likelier side, in [.5, 1], from
    which the first leans. max_functions: put to the judge by one review, at most.
    """

    model: Path | None
    leaning_from: float
    max_functions: int | None


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Rewards kept on disk between runs. directory: None for the user's cache folder."""

    enabled: bool
    directory: Path | None
    max_megabytes: int


@dataclass(frozen=True, slots=True)
class PathRule:
    """What happens instead in files that match; `path_rules` applies it.

    match: globs as in .gitignore. modes: for the axes that it says something of.
    """

    match: tuple[str, ...]
    modes: Mapping[Axis, AxisMode]


@dataclass(frozen=True, slots=True)
class PullRequestSettings:
    """What the GitHub App does on pull requests.

    max_comments: comments on lines open at a time, at most. sarif: upload to code scanning, too.
    """

    drafts: bool
    max_comments: int
    suggestions: bool
    summary: bool
    sarif: bool
    time_budget_seconds: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What a review may be told; the keys of the configuration file.

    model: None for the bundle that ships. threads: 0 for one per core that it may use.
    """

    model: Path | None
    judge: JudgeSettings
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    max_file_bytes: int
    out_of_distribution: OutOfDistribution
    honesty_check: bool
    threads: int
    remember_findings: bool
    compare_new_functions: int
    cache: CacheSettings
    axes: Mapping[Axis, AxisSettings]
    paths: tuple[PathRule, ...]
    pull_request: PullRequestSettings


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and for each dotted key its value as written and where it came from."""

    settings: Settings
    values: Mapping[str, Any]
    origins: Mapping[str, str]


def load_settings(
    directory: Path,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Resolve the settings for a review of `directory`.

    :param overrides: dotted keys given on the command line; they win over all.
    :param environment: read for THEMIS_MODEL and THEMIS_JUDGE, which win over files.
    :raises ConfigurationError: naming key and file of the first thing wrong.
    """
    layers = []
    if (found := find_configuration(directory)) is not None:
        file, document = found
        layers.append((str(file), _checked(document, str(file), anchor=file.parent)))
    for variable, key in _VARIABLES.items():
        if environment and environment.get(variable):
            layers.append((f"environment {variable}", {key: environment[variable]}))
    given = _checked(_nested(overrides or {}), "the command line", anchor=None)
    return _resolved(*layers, ("command line", given))


def foreign_settings(texts: Mapping[str, str], host: Mapping[str, Any] | None = None) -> Resolved:
    """Resolve the settings of a repository that is not ours to trust; touches no files.

    What decides over the machine (HOST_KEYS) is not taken from the repository.

    :param texts: its configuration files, by name: `.themis.toml`, `pyproject.toml`.
    :param host: dotted keys that our side sets.
    :raises ConfigurationError: naming key and file of the first thing wrong.
    """
    given = _checked(_nested(host or {}), "the host", anchor=None)
    for name in FILE_NAMES:
        document = _ours(name, _parsed(texts[name], name)) if name in texts else None
        if document is not None:
            flat = _checked(document, name, anchor=None)
            taken = {key: value for key, value in flat.items() if key not in HOST_KEYS}
            resolved = _resolved((name, taken), ("host", given))
            refused = dict.fromkeys(flat.keys() - taken.keys(), f"host; {name} may not set it")
            return replace(resolved, origins={**resolved.origins, **refused})
    return _resolved(("host", given))


def default_settings() -> Settings:
    """The settings without any file, environment or command line."""
    return _resolved().settings


def find_configuration(directory: Path) -> tuple[Path, Mapping[str, Any]] | None:
    """The nearest file that configures us, up to the repository's root, and what it says.

    In one folder `.themis.toml` comes before `[tool.themis]` of pyproject.toml.
    """
    for folder in folders_up(directory):
        for file in (folder / name for name in FILE_NAMES):
            document = _ours(file.name, _read_toml(file)) if file.is_file() else None
            if document is not None:
                return file, document
    return None


def folders_up(directory: Path) -> Iterator[Path]:
    """The folder and those above it, up to the repository's root."""
    start = directory.resolve()
    for folder in (start, *start.parents):
        yield folder
        if (folder / ".git").exists():
            return


def config_schema() -> dict[str, Any]:
    """The JSON Schema of a configuration, as shipped."""
    text = resources.files("review_core").joinpath("schemas/config.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


# --- reading and checking ------------------------------------------------------------------------


def _read_toml(file: Path) -> Mapping[str, Any]:
    try:
        return _parsed(file.read_text("utf-8"), str(file))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error


def _parsed(text: str, source: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{source} is not valid TOML: {error}") from error


def _ours(name: str, document: Mapping[str, Any]) -> Any:
    """The part of a file that configures us, None if there is none."""
    if name == FILE_NAME:
        return document
    tools = document.get("tool", {})
    return tools.get("themis") if isinstance(tools, Mapping) else None


def _checked(document: Any, source: str, anchor: Path | None) -> dict[str, Any]:
    """Dotted keys and values of a document that is valid; relative paths start at `anchor`."""
    flat = dict(_check(document, config_schema(), "", source))
    for key in ("model", "judge.model", "cache.directory"):
        if anchor is not None and flat.get(key) is not None:
            flat[key] = str(anchor / Path(flat[key]).expanduser())
    return flat


def _check(
    value: Any, schema: Mapping[str, Any], key: str, source: str
) -> Iterator[tuple[str, Any]]:
    """The part of JSON Schema that our schema uses; yields the leaves."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, kind) for kind in kinds):
        raise ConfigurationError(
            f"{source}: {key or 'the configuration'} must be {_described(schema)}, "
            f"not {_shown(value)}"
        )
    if isinstance(value, Mapping):
        properties: Mapping[str, Any] = schema["properties"]
        for name, below in value.items():
            dotted = f"{key}.{name}" if key else name
            if name not in properties:
                raise ConfigurationError(f"{source}: unknown key {dotted}{_hint(name, properties)}")
            yield from _check(below, properties[name], dotted, source)
        for name in schema.get("required", ()):
            if name not in value:
                raise ConfigurationError(f"{source}: {key} needs {name}")
        return
    if isinstance(value, list):
        for item in value:
            for _ in _check(item, schema["items"], f"each entry of {key}", source):
                pass
    outside = (
        ("enum" in schema and value not in schema["enum"])
        or (value is not None and value < schema.get("minimum", value))
        or (value is not None and value > schema.get("maximum", value))
    )
    if outside:
        raise ConfigurationError(
            f"{source}: {key} must be {_described(schema)}, not {_shown(value)}"
        )
    yield key, value


_PYTHON: dict[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean" or not isinstance(value, bool))


_WORDS = {
    "object": "a table",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


def _described(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f'"{choice}"' for choice in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = _WORDS[kinds[0]]
    if "maximum" in schema:
        return f"{words} from {schema['minimum']} to {schema['maximum']}"
    return f"{words} of at least {schema['minimum']}" if "minimum" in schema else words


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def _hint(name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


# --- building ------------------------------------------------------------------------------------

_Layer = tuple[str, Mapping[str, Any]]
"""Where some values come from, and the values by dotted key."""


def _resolved(*layers: _Layer) -> Resolved:
    """The defaults, then each layer over those before it."""
    values = dict(_defaults(config_schema()))
    origins = dict.fromkeys(values, "default")
    for origin, layer in layers:
        values.update(layer)
        origins.update(dict.fromkeys(layer, origin))
    return Resolved(_settings(values), values, origins)


def _defaults(schema: Mapping[str, Any], key: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in schema["properties"].items():
        dotted = f"{key}.{name}" if key else name
        if part["type"] == "object":
            yield from _defaults(part, dotted)
        else:
            yield dotted, part["default"]


def _nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in dotted.items():
        *path, name = key.split(".")
        below = tree
        for part in path:
            below = below.setdefault(part, {})
        below[name] = value
    return tree


def _settings(values: Mapping[str, Any]) -> Settings:
    return Settings(
        model=_path(values["model"]),
        judge=JudgeSettings(
            model=_path(values["judge.model"]),
            leaning_from=values["judge.leaning_from"],
            max_functions=values["judge.max_functions"],
        ),
        include=tuple(values["include"]),
        exclude=tuple(values["exclude"]),
        max_file_bytes=values["max_file_bytes"],
        out_of_distribution=OutOfDistribution(values["out_of_distribution"]),
        honesty_check=values["honesty_check"],
        threads=values["threads"],
        remember_findings=values["remember_findings"],
        compare_new_functions=values["compare_new_functions"],
        cache=CacheSettings(
            enabled=values["cache.enabled"],
            directory=_path(values["cache.directory"]),
            max_megabytes=values["cache.max_megabytes"],
        ),
        axes={
            axis: AxisSettings(
                AxisMode(values[f"axes.{axis}.mode"]), values[f"axes.{axis}.worse_at"]
            )
            for axis in Axis
        },
        paths=tuple(map(_path_rule, values["paths"])),
        pull_request=PullRequestSettings(
            **{
                name: values[f"pull_request.{name}"]
                for name in PullRequestSettings.__dataclass_fields__
            }
        ),
    )


def _path_rule(table: Mapping[str, Any]) -> PathRule:
    """A table of `paths`: its mode for every axis, but for those that it names."""
    everywhere: str | None = table.get("mode")
    named: Mapping[str, str] = table.get("axes", {})
    modes = ((axis, named.get(axis, everywhere)) for axis in Axis)
    return PathRule(
        tuple(table["match"]), {axis: AxisMode(mode) for axis, mode in modes if mode is not None}
    )


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value).expanduser()
