"""Settings: where they come from, what is refused and with which remedy, and that secrets hide."""

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from app_front import ENVIRONMENT, SECRET, app_settings

from github_app.secrets import Secret
from github_app.settings import KEYS, Written, load_settings
from review_core.errors import ConfigurationError

HIDDEN = "hunter2-hunter2"


def refused(**others: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        app_settings(**others)
    return str(caught.value)


def test_id_name_key_and_secret_are_enough() -> None:
    settings = app_settings()
    assert settings.login == "themis-review[bot]"
    assert settings.github.api_url == "https://api.github.com"
    assert settings.database_url.reveal() == f"sqlite:///{settings.data_folder / 'themis.sqlite'}"


@pytest.mark.parametrize("key", ["app_id", "app_slug", "private_key", "webhook_secret"])
def test_without_one_of_them_the_app_does_not_start_and_says_what_to_give(key: str) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if key.upper() not in name}
    with pytest.raises(ConfigurationError, match=f"give THEMIS_APP_{key.upper()}.* manifest"):
        load_settings(environment)


def test_a_variable_that_is_empty_is_as_good_as_none() -> None:
    assert "THEMIS_APP_WEBHOOK_SECRET" in refused(webhook_secret="")


def test_a_file_configures_and_the_environment_wins_over_it(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nfrom the file\n")
    file = tmp_path / "app.toml"
    file.write_text(
        'app_id = 5\napp_slug = "ours"\nprivate_key_file = "key.pem"\n'
        'webhook_secret = "s3cr3t"\nworkers = 3\nreview_seconds = 60\n'
    )
    settings = load_settings({"THEMIS_APP_WORKERS": "4"}, file, {"port": 1})
    assert (settings.app_id, settings.workers, settings.port) == (5, 4, 1)
    assert settings.private_key.reveal().endswith("from the file")
    assert load_settings({"THEMIS_APP_CONFIG": str(file)}).workers == 3


def test_a_secret_of_the_environment_wins_over_a_file_that_the_file_names(tmp_path: Path) -> None:
    file = tmp_path / "app.toml"
    file.write_text('webhook_secret_file = "nowhere"\n')
    assert load_settings(ENVIRONMENT, file).webhook_secrets == (SECRET,)


def test_a_secret_and_its_file_at_once_are_refused(tmp_path: Path) -> None:
    assert "keep one of them" in refused(webhook_secret_file=str(tmp_path / "secret"))


def test_a_secret_is_read_from_its_file_without_the_line_break(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{HIDDEN}\n")
    environment = ENVIRONMENT | {"THEMIS_APP_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}
    del environment["THEMIS_APP_WEBHOOK_SECRET"]
    assert load_settings(environment).webhook_secrets == (Secret(HIDDEN),)
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        load_settings(environment)


def test_a_misspelt_variable_is_refused_and_the_right_one_named() -> None:
    assert "did you mean THEMIS_APP_WORKERS?" in refused(worker="2")


def test_a_misspelt_key_of_a_file_is_refused_and_the_right_one_named(tmp_path: Path) -> None:
    file = tmp_path / "app.toml"
    file.write_text("wrokers = 2\n")
    with pytest.raises(ConfigurationError, match=r"unknown key wrokers; did you mean workers\?"):
        load_settings(ENVIRONMENT, file)


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "app.toml"
    with pytest.raises(ConfigurationError, match=r"cannot read .*app\.toml"):
        load_settings(ENVIRONMENT, file)
    file.write_text("workers = \n")
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load_settings(ENVIRONMENT, file)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("workers", "two", "a whole number"),
        ("workers", "-1", "at least 0"),
        ("app_id", "0", "at least 1"),
        ("port", "70000", "65535"),
        ("review_seconds", "nan", "at least 1"),
        ("review_seconds", "inf", "at least 1"),
        ("traces", "perhaps", "true or false"),
        ("webhook_path", "webhook", "begin with /"),
        ("log_level", "loud", "debug or info"),
        ("private_key", "not a key", "PEM"),
        ("app_slug", "a b", "app_slug"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_what_would(
    key: str, value: str, words: str
) -> None:
    assert words in refused(**{key: value})


def test_a_value_in_the_wrong_place_is_not_repeated() -> None:
    """Somebody mixed the lines up: the message goes to a log."""
    for key in ("workers", "private_key", "github_url", "log_level", "traces", "webhook_path"):
        assert HIDDEN not in refused(**{key: HIDDEN})


# --- which GitHub --------------------------------------------------------------------------------


def test_an_enterprise_server_needs_its_address_alone() -> None:
    site = app_settings(github_url="https://git.example.com:8443/").github
    assert (site.url, site.host) == ("https://git.example.com:8443", "git.example.com:8443")
    assert site.api_url == "https://git.example.com:8443/api/v3"
    assert site.graphql_url == "https://git.example.com:8443/api/graphql"
    assert site.upload_url == "https://git.example.com:8443/api/uploads"


def test_data_residency_has_hosts_of_its_own() -> None:
    site = app_settings(github_url="https://octocorp.ghe.com").github
    assert (site.api_url, site.graphql_url, site.upload_url) == (
        "https://api.octocorp.ghe.com",
        "https://api.octocorp.ghe.com/graphql",
        "https://uploads.octocorp.ghe.com",
    )


def test_what_is_given_wins_over_the_usual_place() -> None:
    site = app_settings(
        github_url="https://git.example.com",
        api_url="https://api.example.com/v3",
        ca_file="/etc/ours.pem",
        api_version="2026-03-10",
    ).github
    assert (site.api_url, site.ca_file) == ("https://api.example.com/v3", Path("/etc/ours.pem"))
    assert site.api_version == "2026-03-10"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://git.example.com", "https://"),
        ("http://127.evil.example", "https://"),
        ("ftp://git.example.com", "an address"),
        ("git.example.com", "an address"),
        ("https://", "an address"),
        ("https://user:word@git.example.com", "nothing else"),
        ("https://git.example.com/?a=b", "nothing else"),
        ("https://[::1", "not an address"),
        ("https://git.example.com:port", "not an address"),
    ],
)
def test_an_address_that_is_none_or_would_leak_is_refused(url: str, words: str) -> None:
    assert words in refused(github_url=url)
    assert words in refused(api_url=url)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_http_is_for_this_machine_alone(host: str) -> None:
    assert app_settings(github_url=f"http://{host}").github.host == host


# --- secrets hide --------------------------------------------------------------------------------


def test_a_secret_shows_itself_in_no_way_but_one(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(HIDDEN)
    logging.getLogger("test").warning("%s %r %s", secret, secret, [secret])
    shown = [str(secret), repr(secret), f"{secret:>40}", f"{secret!r}", str({"a": secret})]
    try:
        raise ValueError(secret)
    except ValueError:
        shown.append(traceback.format_exc())
    for text in (*shown, caplog.text):
        assert "(secret)" in text
        assert HIDDEN not in text
    assert not hasattr(secret, "__dict__")
    assert secret.reveal() == HIDDEN


def test_a_secret_is_neither_pickled_copied_nor_written_as_json() -> None:
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            leak(Secret(HIDDEN))


def test_secrets_are_equal_by_what_they_hide() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_printed_settings_hold_no_secret() -> None:
    settings = app_settings(
        webhook_secret=HIDDEN,
        private_key=f"-----BEGIN PRIVATE KEY-----\n{HIDDEN}",
        database_url=f"postgresql://themis:{HIDDEN}@db/themis",
    )
    assert HIDDEN not in repr(settings)
    with pytest.raises(TypeError):
        asdict(settings)


def test_every_key_says_what_it_means() -> None:
    for each in fields(Written):
        assert each.metadata["meaning"].endswith((".", ":"))
    assert len(KEYS) == len(set(KEYS))
