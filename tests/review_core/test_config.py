from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from review_core.config import (
    HOST_KEYS,
    AxisMode,
    OutOfDistribution,
    config_schema,
    default_settings,
    foreign_settings,
    load_settings,
)
from review_core.errors import ConfigurationError
from review_core.types import Axis


def write(folder: Path, text: str, name: str = ".themis.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "project" / ".git").mkdir(parents=True)
    return tmp_path / "project"


# --- where settings come from ---------------------------------------------------------------------


def test_without_a_file_every_value_is_the_schemas_default(repository: Path) -> None:
    resolved = load_settings(repository)
    assert resolved.settings == default_settings()
    assert set(resolved.origins.values()) == {"default"}


def test_the_nearest_file_wins_and_is_the_only_one(repository: Path) -> None:
    """No merging: a value of the outer file must not shine through."""
    write(repository, "threads = 3\nmax_file_bytes = 5\n")
    near = write(repository / "src" / "deep", "threads = 4\n")
    resolved = load_settings(repository / "src" / "deep")
    assert resolved.settings.threads == 4
    assert resolved.settings.max_file_bytes == default_settings().max_file_bytes
    assert resolved.origins["threads"] == str(near)
    assert load_settings(repository / "src").settings.threads == 3


def test_a_folder_without_a_file_of_its_own_uses_its_parents(repository: Path) -> None:
    write(repository, "threads = 3\n")
    (repository / "src").mkdir()
    assert load_settings(repository / "src").settings.threads == 3


def test_the_search_stops_at_the_root_of_the_repository(repository: Path) -> None:
    write(repository.parent, "threads = 3\n")
    assert load_settings(repository).settings.threads == 0


def test_the_root_of_a_linked_worktree_is_a_root_too(tmp_path: Path) -> None:
    write(tmp_path, "threads = 3\n")
    write(tmp_path / "tree", "gitdir: elsewhere\n", name=".git")
    assert load_settings(tmp_path / "tree").settings.threads == 0


def test_pyproject_counts_if_it_has_our_table(repository: Path) -> None:
    write(repository, "[tool.themis]\nthreads = 2\n", name="pyproject.toml")
    write(repository / "sub", "[project]\nname = 'other'\n", name="pyproject.toml")
    assert load_settings(repository / "sub").settings.threads == 2


def test_our_own_file_comes_before_pyproject_beside_it(repository: Path) -> None:
    write(repository, "[tool.themis]\nthreads = 2\n", name="pyproject.toml")
    write(repository, "threads = 5\n")
    assert load_settings(repository).settings.threads == 5


def test_the_environment_wins_over_files_and_the_command_line_over_both(repository: Path) -> None:
    write(repository, "model = 'from-file'\n")
    environment = {"THEMIS_MODEL": "/from/environment"}
    from_file = load_settings(repository)
    from_environment = load_settings(repository, environment=environment)
    from_line = load_settings(repository, {"model": "/from/line"}, environment)
    assert from_file.settings.model == repository / "from-file"
    assert from_environment.settings.model == Path("/from/environment")
    assert from_environment.origins["model"] == "environment THEMIS_MODEL"
    assert from_line.settings.model == Path("/from/line")
    assert from_line.origins["model"] == "command line"


def test_a_judge_is_named_by_file_environment_or_command_line(repository: Path) -> None:
    write(repository, "[judge]\nmodel = 'second'\nleaning_from = 0.8\nmax_functions = 40\n")
    environment = {"THEMIS_JUDGE": "/from/environment"}
    named = load_settings(repository).settings.judge
    assert (named.model, named.leaning_from) == (repository / "second", 0.8)
    assert named.max_functions == 40
    from_environment = load_settings(repository, environment=environment)
    assert from_environment.settings.judge.model == Path("/from/environment")
    assert from_environment.origins["judge.model"] == "environment THEMIS_JUDGE"
    assert from_environment.settings.model is None
    from_line = load_settings(repository, {"judge.model": "/from/line"}, environment)
    assert from_line.settings.judge.model == Path("/from/line")


def test_without_a_word_there_is_no_judge(tmp_path: Path) -> None:
    judge = load_settings(tmp_path).settings.judge
    assert (judge.model, judge.max_functions) == (None, None)


def test_a_foreign_file_may_say_when_a_judge_is_asked_but_not_who_it_is() -> None:
    text = "[judge]\nmodel = '/etc'\nleaning_from = 0.9\n"
    resolved = foreign_settings({".themis.toml": text}, {"judge.model": "/ours"})
    assert resolved.settings.judge.model == Path("/ours")
    assert resolved.settings.judge.leaning_from == 0.9


def test_an_empty_variable_is_no_variable(repository: Path) -> None:
    assert load_settings(repository, environment={"THEMIS_MODEL": ""}).settings.model is None


def test_paths_in_a_file_are_relative_to_it(repository: Path) -> None:
    write(repository, "model = 'models/mine'\n[cache]\ndirectory = 'cache'\n")
    (repository / "src").mkdir()
    settings = load_settings(repository / "src").settings
    assert settings.model == repository / "models" / "mine"
    assert settings.cache.directory == repository / "cache"


# --- what may be written --------------------------------------------------------------------------


def test_every_key_reaches_the_settings(repository: Path) -> None:
    write(
        repository,
        """
        include = ["src/**"]
        exclude = ["*_pb2.py"]
        max_file_bytes = 10
        out_of_distribution = "score"
        honesty_check = false
        threads = 7
        [cache]
        enabled = false
        max_megabytes = 9
        [axes.security]
        worse_at = 0.8
        [axes.readability]
        mode = "off"
        [[paths]]
        match = ["tests/", "*.sh"]
        mode = "monitor"
        axes = {security = "block"}
        [[paths]]
        match = ["legacy/"]
        axes = {readability = "comment"}
        [pull_request]
        drafts = true
        max_comments = 3
        """,
    )
    settings = load_settings(repository).settings
    assert settings.include == ("src/**",)
    assert settings.exclude == ("*_pb2.py",)
    assert settings.max_file_bytes == 10
    assert settings.out_of_distribution is OutOfDistribution.SCORE
    assert not settings.honesty_check
    assert settings.threads == 7
    assert not settings.cache.enabled
    assert settings.cache.max_megabytes == 9
    assert settings.axes[Axis.SECURITY].worse_at == 0.8
    assert settings.axes[Axis.SECURITY].mode is AxisMode.COMMENT
    assert settings.axes[Axis.READABILITY].mode is AxisMode.OFF
    tests, legacy = settings.paths
    assert tests.match == ("tests/", "*.sh")
    assert tests.modes == {
        **dict.fromkeys(Axis, AxisMode.MONITOR),
        Axis.SECURITY: AxisMode.BLOCK,
    }
    assert (legacy.match, legacy.modes) == (("legacy/",), {Axis.READABILITY: AxisMode.COMMENT})
    assert settings.pull_request.drafts
    assert settings.pull_request.max_comments == 3
    assert settings.pull_request.summary


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("thread = 2", "unknown key thread; did you mean threads?"),
        ("[axes.secruity]\nmode = 'off'", "unknown key axes.secruity; did you mean security?"),
        ("[axes.security]\nmodes = 'off'", "axes.security.modes; did you mean mode?"),
        ("[axes.security]\nenabled = true", "unknown key axes.security.enabled; known are mode"),
        ("[axes.security]\nmode = 'on'", 'must be "off" or "monitor" or "comment" or "block"'),
        ("[pull_request]\nmax_comments = 51", "must be a whole number from 0 to 50, not 51"),
        ("zebra = 2", "unknown key zebra; known are model, include"),
        ("threads = 'two'", 'threads must be a whole number of at least 0, not "two"'),
        ("threads = true", "threads must be a whole number of at least 0, not true"),
        ("threads = -1", "threads must be a whole number of at least 0, not -1"),
        ("threads = 1.5", "threads must be a whole number of at least 0, not 1.5"),
        ("honesty_check = 1", "honesty_check must be true or false, not 1"),
        ("cache = false", "cache must be a table, not false"),
        ("exclude = 'dist'", 'exclude must be a list, not "dist"'),
        ("exclude = [3]", "each entry of exclude must be text, not 3"),
        ("model = 3", "model must be text, not 3"),
        ("out_of_distribution = 'no'", 'must be "skip" or "score", not "no"'),
        ("[axes.security]\nworse_at = 0.3", "worse_at must be a number from 0.5 to 1, not 0.3"),
        ("[axes.security]\nworse_at = 1.2", "worse_at must be a number from 0.5 to 1, not 1.2"),
        ("paths = ['a']", "each entry of paths must be a table"),
        ("[[paths]]\nmode = 'off'", "each entry of paths needs match"),
        ("[[paths]]\nmatch = 'a/'", "each entry of paths.match must be a list"),
        ("[[paths]]\nmatch = ['a/']\nmod = 'off'", "paths.mod; did you mean mode?"),
        ("[[paths]]\nmatch = []\naxes = {speed = 'off'}", "unknown key each entry of paths.axes"),
        ("threads = = 2", "is not valid TOML"),
        ("model = 2024-01-01", 'model must be text, not "2024-01-01"'),
    ],
)
def test_what_is_wrong_is_said_with_key_and_file(repository: Path, text: str, told: str) -> None:
    file = write(repository, text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(repository)
    assert told in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_not_utf_8_name_the_file(repository: Path) -> None:
    (repository / ".themis.toml").write_bytes(b"model = '\xff'")
    with pytest.raises(ConfigurationError, match=r"\.themis\.toml is not valid TOML"):
        load_settings(repository)


def test_a_table_that_is_no_table_is_said(repository: Path) -> None:
    write(repository, "[tool]\nthemis = 3\n", name="pyproject.toml")
    with pytest.raises(ConfigurationError, match="the configuration must be a table, not 3"):
        load_settings(repository)


def test_an_override_is_checked_as_a_file_is(repository: Path) -> None:
    with pytest.raises(ConfigurationError, match="the command line: threads must be"):
        load_settings(repository, {"threads": -2})


# --- the configuration of a repository of strangers -----------------------------------------------


def test_a_foreign_file_says_how_code_is_judged_but_nothing_of_the_machine() -> None:
    text = """
    model = "/etc"
    threads = 64
    max_file_bytes = 7
    [cache]
    enabled = false
    directory = "/tmp/x"
    [axes.security]
    mode = "monitor"
    """
    resolved = foreign_settings({".themis.toml": text}, {"threads": 2})
    settings = resolved.settings
    assert settings.max_file_bytes == 7
    assert settings.axes[Axis.SECURITY].mode is AxisMode.MONITOR
    assert resolved.origins["axes.security.mode"] == ".themis.toml"
    assert (settings.model, settings.threads) == (None, 2)
    assert settings.cache == default_settings().cache
    assert resolved.origins["model"] == "host; .themis.toml may not set it"


def test_every_key_of_the_machine_is_a_key() -> None:
    assert {key for key, _ in leaves(config_schema())} >= HOST_KEYS


def test_a_foreign_pyproject_counts_unless_our_own_file_is_beside_it() -> None:
    project = {"pyproject.toml": "[tool.themis]\nmax_file_bytes = 2\n"}
    own = {".themis.toml": "max_file_bytes = 5\n"}
    silent = {"pyproject.toml": "[tool.other]\n"}
    assert foreign_settings(project).settings.max_file_bytes == 2
    assert foreign_settings(project | own).settings.max_file_bytes == 5
    assert foreign_settings(silent).settings == default_settings()


def test_a_foreign_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^\.themis\.toml: unknown key thread"):
        foreign_settings({".themis.toml": "thread = 3"})
    with pytest.raises(ConfigurationError, match=r"^\.themis\.toml is not valid TOML"):
        foreign_settings({".themis.toml": "a = " + "[" * 5000})


# --- schema, settings and checker agree -----------------------------------------------------------


def leaves(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, part in schema["properties"].items():
        if part["type"] == "object":
            assert part["additionalProperties"] is False
            yield from leaves(part, (*path, name))
        else:
            yield ".".join((*path, name)), part


def settings_keys(settings: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from settings_keys(value, (*path, field.name))
        elif isinstance(value, Mapping):
            for key, below in value.items():
                yield from settings_keys(below, (*path, field.name, key))
        else:
            yield ".".join((*path, field.name))


def test_the_schema_is_a_schema_and_describes_every_key() -> None:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for key, part in leaves(schema):
        assert part["description"].endswith("."), key
        assert "default" in part, key
        jsonschema.validate(part["default"], part)


def test_schema_settings_and_origins_have_the_same_keys(tmp_path: Path) -> None:
    in_schema = [key for key, _ in leaves(config_schema())]
    assert sorted(settings_keys(default_settings())) == sorted(in_schema)
    assert list(load_settings(tmp_path).origins) == in_schema
    assert [*config_schema()["properties"]["axes"]["properties"]] == [*Axis]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"threads": 2},
        {"threads": 2.5},
        {"threads": True},
        {"threads": -1},
        {"model": None},
        {"model": 3},
        {"axes": {"security": {"worse_at": 0.5}}},
        {"axes": {"security": {"worse_at": 1}}},
        {"axes": {"security": {"worse_at": 0.49}}},
        {"axes": {"speed": {"mode": "off"}}},
        {"axes": []},
        {"include": ["a", "b"]},
        {"include": ["a", 1]},
        {"out_of_distribution": "score"},
        {"out_of_distribution": "maybe"},
        {"cache": {"max_megabytes": 0}},
        {"paths": [{"match": ["a/"], "mode": "off"}, {"match": []}]},
        {"paths": [{"match": ["a/"], "axes": {"security": "block"}}]},
        {"paths": [{"mode": "off"}]},
        {"paths": [{"match": ["a/"], "mode": "loud"}]},
        {"paths": [{"match": ["a/"], "axes": {"security": {"mode": "off"}}}]},
        {"paths": {"match": ["a/"]}},
        {"other": 1},
    ],
    ids=json.dumps,
)
def test_our_checker_agrees_with_jsonschema(tmp_path: Path, document: dict[str, Any]) -> None:
    """The runtime does without jsonschema; this holds the small checker to it."""
    valid = jsonschema.Draft202012Validator(config_schema()).is_valid(document)
    flat = dict(flattened(document))
    if valid:
        load_settings(tmp_path, flat)
    else:
        with pytest.raises(ConfigurationError):
            load_settings(tmp_path, flat)


def flattened(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        dotted = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from flattened(value, dotted)
        else:
            yield dotted, value
