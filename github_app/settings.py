"""What the app is told by who runs it: the environment (THEMIS_APP_*) over a TOML file over
defaults. How code is judged is configured by each repository, in `.themis.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from github_app.secrets import Secret
from github_app.site import API_VERSION, DEFAULT_URL, GitHubSite, github_site
from review_core.errors import ConfigurationError
from review_core.json_log import LEVELS

PREFIX = "THEMIS_APP_"
FILE_VARIABLE = f"{PREFIX}CONFIG"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `load_settings` gives; the fields of `Written` say what each key means."""

    app_id: int
    app_slug: str
    private_key: Secret
    webhook_secrets: tuple[Secret, ...]
    secret_files: tuple[Path, ...]
    github: GitHubSite
    database_url: Secret
    data_folder: Path
    host: str
    port: int
    webhook_path: str
    workers: int
    model: Path | None
    judge: Path | None
    threads: int
    review_seconds: float
    clone_megabytes: int
    repository_megabytes: int
    git_seconds: float
    redeliver_minutes: float
    shutdown_seconds: float
    retention_days: int
    log_level: str
    traces: bool

    @property
    def login(self) -> str:
        """Who the app is in comments and events."""
        return f"{self.app_slug}[bot]"


def setting(meaning: str, default: Any = None, *, least: float | None = None) -> Any:
    """A key: what it means, its default, and for numbers the least that makes sense."""
    return field(default=default, metadata={"meaning": meaning, "least": least})


@dataclass(frozen=True, slots=True)
class Written:
    """The keys as they are written, in a file; in the environment THEMIS_APP_ stands before them.

    Of a key and its `_file` one is given. None: not given.
    """

    app_id: int | None = setting("The app's id. Needed.", least=1)
    app_slug: str | None = setting(
        "The last part of the app's address; people write @slug to command it. Needed."
    )
    private_key_file: Path | None = setting("File of the app's private key (PEM). Needed, or:")
    private_key: str | None = setting("The key itself.")
    webhook_secret_file: Path | None = setting("File of the webhook's secret. Needed, or:")
    webhook_secret: str | None = setting("The secret itself.")
    previous_webhook_secret: str | None = setting(
        "The one before it: also accepted, while the new one is being put in place."
    )
    github_url: str = setting("GitHub's address, of an Enterprise Server too.", DEFAULT_URL)
    api_url: str | None = setting("Its API, where it is not in the usual place below github_url.")
    graphql_url: str | None = setting("Its GraphQL API, likewise.")
    upload_url: str | None = setting("Its uploads, likewise.")
    ca_file: Path | None = setting("Certificates (PEM) to trust; unset: the system's.")
    api_version: str = setting("The version of the API to ask for.", API_VERSION)
    database_url_file: Path | None = setting("File that holds database_url, with its password.")
    database_url: str | None = setting(
        "postgresql+psycopg://user:password@host/name; unset: a SQLite file in data_folder."
    )
    data_folder: Path | None = setting("Where the app keeps files; unset: the user's data folder.")
    host: str = setting("Where to listen; a proxy with TLS stands before it.", "127.0.0.1")
    port: int = setting("The port.", 8787, least=0)
    webhook_path: str = setting("The path GitHub delivers to.", "/webhook")
    workers: int = setting("Processes that review, each with its own model.", 2, least=0)
    model: Path | None = setting("Folder of the model bundle; unset: the one that ships.")
    judge: Path | None = setting(
        "Folder of a second bundle, asked where the first leans and is unsure; unset: none."
    )
    threads: int = setting("Threads of a worker's model; 0: one per core.", 1, least=0)
    review_seconds: float = setting(
        "How long one review may score; what is left then is named as not looked at.",
        600.0,
        least=1,
    )
    clone_megabytes: int = setting("Size that clones may have together.", 8192, least=1)
    repository_megabytes: int = setting(
        "Size above which a repository is left alone.", 2048, least=1
    )
    git_seconds: float = setting("How long one call of git may take.", 300.0, least=1)
    redeliver_minutes: float = setting(
        "How often GitHub is asked for deliveries that failed.", 10.0, least=0.01
    )
    shutdown_seconds: float = setting("How long work may go on when told to stop.", 30.0, least=0)
    retention_days: int = setting(
        "After how many days finished reports and deliveries are deleted.", 30, least=4
    )
    log_level: str = setting("debug, info, warning or error.", "info")
    traces: bool = setting(
        "Send OpenTelemetry traces to where OTEL_EXPORTER_OTLP_ENDPOINT says.", False
    )


KEYS = tuple(each.name for each in fields(Written))


def load_settings(
    environment: Mapping[str, str],
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a process.

    :param environment: read for THEMIS_APP_*. THEMIS_APP_CONFIG names the file if `file` is None.
    :param overrides: given on the command line; they win over all.
    :raises ConfigurationError: naming the key and the remedy. Without id, key and secret the app
        does not start.
    """
    given: dict[str, Any] = {}
    if file is None and environment.get(FILE_VARIABLE):
        file = Path(environment[FILE_VARIABLE])
    if file is not None:
        given |= _without_rivals(given, dict(_of_file(file)))
    given |= _without_rivals(given, dict(_of_environment(environment)))
    given |= overrides or {}
    return _settings(Written(**given))


# --- reading -------------------------------------------------------------------------------------


def _of_file(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
    for key, value in document.items():
        if key not in KEYS:
            raise ConfigurationError(f"{file}: unknown key {key}{_hint(key, KEYS)}")
        checked = _checked(key, value, f"{file}: {key}")
        # A path is meant from where it is written.
        yield key, file.parent / checked if isinstance(checked, Path) else checked


def _of_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name == FILE_VARIABLE or not text:
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in KEYS:
            known = [f"{PREFIX}{each.upper()}" for each in KEYS]
            raise ConfigurationError(f"unknown variable {name}{_hint(name, known)}")
        yield key, _checked(key, _parsed(key, text), name)


def _parsed(key: str, text: str) -> Any:
    """Text as TOML would give it; what does not parse stays text, for the check to refuse."""
    kind = _kind(key)
    try:
        if kind is bool:
            return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
        return kind(text) if kind in (int, float) else text
    except ValueError:
        return text


def _checked(key: str, value: Any, source: str) -> Any:
    kind: Any = _kind(key)
    if kind is Path and isinstance(value, str) and value:
        return Path(value).expanduser()
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or value == "":
        # Not the value itself: it may be a secret in the wrong place.
        raise ConfigurationError(f"{source} must be {_WORDS[kind]}")
    least = next(each for each in fields(Written) if each.name == key).metadata["least"]
    if least is not None and not least <= value < float("inf"):
        raise ConfigurationError(f"{source} must be {_WORDS[kind]} of at least {least:g}")
    return value


_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
}


def _kind(key: str) -> type:
    written = Written.__annotations__[key].removesuffix(" | None")
    return next(kind for kind in _WORDS if kind.__name__ == written)


def _hint(name: str, known: tuple[str, ...] | list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return (
        f"; did you mean {close[0]}?"
        if close
        else "; `themis-github-app settings --keys` lists all"
    )


def _without_rivals(below: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """Takes from `below` what `layer` gives in the other form: as a file, or as the value."""
    for key in layer:
        below.pop(key.removesuffix("_file") if key.endswith("_file") else f"{key}_file", None)
    return layer


# --- checking and building -----------------------------------------------------------------------


def _settings(written: Written) -> Settings:
    if written.app_id is None:
        raise _missing("app_id", "the app's id, a number its settings page shows")
    if written.app_slug is None:
        raise _missing("app_slug", "the last part of the app's address, github.com/apps/SLUG")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", written.app_slug):
        raise ConfigurationError("app_slug must be as in the app's address: letters, digits and -")
    if not written.webhook_path.startswith("/"):
        raise ConfigurationError("webhook_path must begin with /")
    if written.port > 65535:
        raise ConfigurationError("port must be 65535 at most")
    if written.log_level not in LEVELS:
        raise ConfigurationError(f"log_level must be {' or '.join(LEVELS)}")
    data_folder = written.data_folder or _default_folder()
    key = _secret("private_key", written.private_key, written.private_key_file)
    if key is None:
        raise _missing("private_key_file", "the PEM file that GitHub gave you for the app")
    if "PRIVATE KEY-----" not in key.reveal():
        raise ConfigurationError(
            "private_key is not a private key in PEM; generate one on the app's settings page"
        )
    current = _secret("webhook_secret", written.webhook_secret, written.webhook_secret_file)
    if current is None:
        raise _missing(
            "webhook_secret_file", "a file with the secret that the app's settings page holds"
        )
    previous = written.previous_webhook_secret
    database = _secret("database_url", written.database_url, written.database_url_file)
    as_written = {
        each.name: getattr(written, each.name) for each in fields(Settings) if each.name in KEYS
    }
    return Settings(
        **as_written
        | {
            "private_key": key,
            "webhook_secrets": (current, *([Secret(previous)] if previous else [])),
            "secret_files": tuple(
                path
                for path in (
                    written.private_key_file,
                    written.webhook_secret_file,
                    written.database_url_file,
                )
                if path is not None
            ),
            "github": github_site(
                written.github_url,
                api_url=written.api_url,
                graphql_url=written.graphql_url,
                upload_url=written.upload_url,
                ca_file=written.ca_file,
                api_version=written.api_version,
            ),
            "data_folder": data_folder,
            "database_url": database or Secret(f"sqlite:///{data_folder / 'themis.sqlite'}"),
        }
    )


def _secret(key: str, value: str | None, file: Path | None) -> Secret | None:
    if value is not None and file is not None:
        raise ConfigurationError(f"{key} and {key}_file are both given; keep one of them")
    if file is None:
        return None if value is None else Secret(value)
    try:
        text = file.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{key}_file {file} is not text") from None
    except OSError as error:
        raise ConfigurationError(f"{key}_file: cannot read {file}: {error.strerror}") from error
    if not text:
        raise ConfigurationError(f"{key}_file {file} is empty")
    return Secret(text)


def _missing(key: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{key} is not set: give {PREFIX}{key.upper()}, {what}; "
        "`themis-github-app manifest` registers an app and writes its settings"
    )


def _default_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("themis-review") / "app"
