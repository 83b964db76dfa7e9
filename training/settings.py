"""The settings of a training stage: one frozen dataclass, which is its command-line options, its
table in a configuration file, and the record that it leaves beside what it made.

A configuration file is TOML with a table a stage, so that one file can describe a whole run:

    [fit]
    learning_rate = 1e-5

What the command line says wins over the file, which wins over the default. Imports no torch.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
import tomli_w

from review_core.errors import ConfigurationError

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def setting(default: Any, help: str) -> Any:
    """A field of a settings class: its default and the sentence that explains it."""
    return dataclasses.field(default=default, metadata={"help": help})


def stage_options(kind: type, stage: str) -> Callable[[Command], Command]:
    """Give a command an option for each field of `kind` and `--config FILE`, whose table [stage]
    sets them; the command gets them as one argument, `settings`.

    Fields are bool, int, float, str, Path, a Literal of texts, a tuple of one of these (given as
    one text with commas between, in a file as a list), or one of these or None.
    """
    fields = tuple(_fields(kind))

    def decorate(command: Command) -> Command:
        def run(*args: Any, **given: Any) -> Any:
            values = {field.name: given.pop(field.name) for field in fields}
            return command(*args, settings=kind(**values), **given)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        wrapped: Any = run
        wrapped.__click_params__ = list(getattr(command, "__click_params__", []))
        for field in reversed(fields):
            wrapped = _option(field)(wrapped)
        return typing.cast(Command, _config_option(stage, fields)(wrapped))

    return decorate


def write_settings(out: Path, stage: str, settings: Any, **inputs: Any) -> Path:
    """Record in the folder `out` what made it: {stage}.toml, which `--config` reads again.

    Where `out` ends in .toml it is that file itself.

    :param settings: an instance of the stage's settings class; a field that is None is left out.
    :param inputs: what else was given, paths of files read before all; kept in a table [made] that
        is not read again.
    """
    values = {
        field.name: _plain(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) is not None
    }
    made = {"version": version("themis-review")} | {
        name: _plain(value) for name, value in inputs.items() if value is not None
    }
    path = out if out.suffix == ".toml" else out / f"{stage}.toml"
    path.write_text(tomli_w.dumps({stage: values, "made": made}), encoding="utf-8")
    return path


def read_table(path: Path, stage: str, known: Sequence[str]) -> dict[str, Any]:
    """The table [stage] of a configuration file, with no keys but `known`; empty if it has none.

    :raises ConfigurationError: naming file and key, and what comes nearest to an unknown key.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    table = document.get(stage, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {stage} is a table, written [{stage}]")
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
            raise ConfigurationError(f"{path}: [{stage}] has no setting {key}; {hint}")
    return table


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    name: str
    annotation: Any  # without the None
    default: Any
    optional: bool
    help: str

    @property
    def element(self) -> Any | None:
        """The type of a tuple's elements, None for what is no tuple."""
        if typing.get_origin(self.annotation) is tuple:
            return typing.get_args(self.annotation)[0]
        return None


def _fields(kind: type) -> Iterator[_Field]:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        annotation, optional = hints[field.name], False
        if typing.get_origin(annotation) in (types.UnionType, typing.Union):
            inner = [each for each in typing.get_args(annotation) if each is not type(None)]
            annotation, optional = inner[0], True
        yield _Field(
            field.name, annotation, field.default, optional, str(field.metadata.get("help", ""))
        )


def _option(field: _Field) -> Callable[[Any], Any]:
    flag = "--" + field.name.replace("_", "-")
    if field.annotation is bool:
        return click.option(
            f"{flag}/--no-{flag[2:]}", default=field.default, show_default=True, help=field.help
        )
    return click.option(
        flag,
        default=field.default,
        show_default=field.default is not None,
        type=_Values(field.element) if field.element else _click_type(field.annotation),
        help=field.help,
    )


def _click_type(annotation: Any) -> click.ParamType[Any]:
    if typing.get_origin(annotation) is Literal:
        return click.Choice([str(choice) for choice in typing.get_args(annotation)])
    if annotation is Path:
        return click.Path(path_type=Path)
    return typing.cast(click.ParamType[Any], click.types.convert_type(annotation))


class _Values(click.ParamType[tuple[Any, ...]]):
    """A list in a configuration file, values with commas between on the command line; a tuple."""

    name = "values"

    def __init__(self, element: Any) -> None:
        self.element = _click_type(element)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(
            self.element.convert(part.strip() if isinstance(part, str) else part, param, ctx)
            for part in parts
            if part != ""
        )


def _config_option(stage: str, fields: tuple[_Field, ...]) -> Callable[[Any], Any]:
    def load(context: click.Context, _: click.Parameter, path: Path | None) -> None:
        if path is not None:
            known = [field.name for field in fields]
            context.default_map = {**(context.default_map or {}), **read_table(path, stage, known)}

    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        is_eager=True,
        callback=load,
        help=f"A TOML file whose table [{stage}] sets the options below.",
    )


def _plain(value: Any) -> Any:
    """As TOML can hold it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value
