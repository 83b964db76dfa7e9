"""Registering the app: the manifest, the form, the exchange of the code, what is saved."""

import html
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from tools import tool

from github_app import registration
from github_app.cli import cli
from github_app.settings import load_settings
from github_app.site import github_site
from review_core.errors import ConfigurationError, InputError

GITHUB = github_site()
URL = "https://themis.example.com"


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(cli, ["manifest", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@lru_cache
def official() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tool("api.github.com.json").read_text("utf-8"))
    return found


def test_the_manifest_asks_for_what_a_review_needs_and_no_more(tmp_path: Path) -> None:
    asked = json.loads(run("--url", f"{URL}/", "--form", tmp_path / "form.html"))
    assert asked["hook_attributes"] == {"url": f"{URL}/webhook", "active": True}
    assert asked["public"] is False
    assert asked["default_permissions"] == {
        "checks": "write",
        "contents": "read",
        "issues": "read",
        "metadata": "read",
        "pull_requests": "write",
    }
    assert asked["default_events"] == [
        "pull_request",
        "check_run",
        "check_suite",
        "issue_comment",
        "pull_request_review_comment",
    ]


def test_more_is_asked_for_only_when_wanted(tmp_path: Path) -> None:
    form = tmp_path / "form.html"
    asked = json.loads(run("--url", URL, "--sarif", "--resolve", "--form", form))
    assert asked["default_permissions"]["security_events"] == "write"
    assert asked["default_permissions"]["contents"] == "write"


def test_permissions_are_called_as_github_calls_them() -> None:
    known = official()["components"]["schemas"]["app-permissions"]["properties"]
    for name, level in registration.permissions(sarif=True, resolve=True).items():
        assert level in known[name]["enum"]


def test_the_form_posts_the_manifest_that_was_printed(tmp_path: Path) -> None:
    name = 'Themis "<Review>" & co'
    form = tmp_path / "form.html"
    asked = json.loads(run("--url", URL, "--name", name, "--form", form))
    page = form.read_text("utf-8")
    found = re.search('name="manifest" value="([^"]*)"', page)
    assert found is not None
    assert json.loads(html.unescape(found[1])) == asked
    assert 'action="https://github.com/settings/apps/new"' in page
    assert "<Review>" not in page
    assert "<script" not in page


def test_an_organisation_and_an_enterprise_server_have_forms_of_their_own() -> None:
    asked = registration.manifest("T", URL, webhook_path="/webhook")
    page = registration.form_page(asked, github_site("https://git.example.com"), "a b/c")
    assert "https://git.example.com/organizations/a%20b%2Fc/settings/apps/new" in page


@pytest.mark.parametrize("url", ["http://themis.example.com", "themis", "https://a?b"])
def test_an_address_that_github_should_not_deliver_to_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--url"):
        run("--url", url)


def test_without_an_address_or_a_code_both_are_named() -> None:
    result = CliRunner().invoke(cli, ["manifest"])
    assert result.exit_code == 2
    assert "--url" in result.output
    assert "--code" in result.output


# --- the code ------------------------------------------------------------------------------------


def converting(asked: list[httpx.Request]) -> httpx.MockTransport:
    """Answers as GitHub's description has it in its example."""
    answer = official()["components"]["examples"]["integration-from-manifest"]["value"]

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, json=answer)

    return httpx.MockTransport(handle)


def test_a_code_becomes_files_that_only_their_owner_reads_and_the_app_starts_with(
    tmp_path: Path,
) -> None:
    requests: list[httpx.Request] = []
    app = registration.convert("3c5d", GITHUB, converting(requests))
    (request,) = requests
    assert (request.method, str(request.url)) == (
        "POST",
        "https://api.github.com/app-manifests/3c5d/conversions",
    )
    file = registration.save(app, GITHUB, tmp_path / "app")
    settings = load_settings({}, file)
    assert (settings.app_id, settings.app_slug) == (app.id, app.slug)
    assert settings.private_key.reveal() == app.private_key.reveal().strip()
    assert settings.webhook_secrets == (app.webhook_secret,)
    for each in file.parent.iterdir():
        assert each.stat().st_mode & 0o077 == 0
        if each != file:
            assert app.private_key.reveal() not in file.read_text("utf-8")
    assert "client_secret" not in file.read_text("utf-8")


def test_an_enterprise_server_stays_in_the_settings(tmp_path: Path) -> None:
    requests: list[httpx.Request] = []
    site = github_site("https://git.example.com")
    app = registration.convert("3c5d", site, converting(requests))
    assert str(requests[0].url).startswith("https://git.example.com/api/v3/app-manifests/")
    assert load_settings({}, registration.save(app, site, tmp_path / "app")).github == site


def test_nothing_is_overwritten_and_the_code_is_not_used_up_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "webhook-secret").write_text("mine")
    with pytest.raises(ConfigurationError, match="is there already"):
        run("--code", "abc", "--folder", tmp_path, "--ghes", "http://127.0.0.1:9")
    assert (tmp_path / "webhook-secret").read_text() == "mine"


@pytest.mark.parametrize("code", ["", "a/b", "../app", "a?b=c", "https://a/?code=abc", "x" * 201])
def test_what_cannot_be_a_code_is_not_sent(code: str) -> None:
    requests: list[httpx.Request] = []
    with pytest.raises(InputError, match="code="):
        registration.convert(code, GITHUB, converting(requests))
    assert requests == []


def refusing(status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json={"message": "Not Found"})


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route", request=request)


def test_a_code_that_github_does_not_take_and_a_github_that_is_away_are_told_apart() -> None:
    with pytest.raises(InputError, match=r"does not take the code \(404\): it is good for an hour"):
        registration.convert("old", GITHUB, httpx.MockTransport(refusing(404)))
    with pytest.raises(InputError, match=r"gave no answer: ConnectError"):
        registration.convert("old", GITHUB, httpx.MockTransport(unreachable))
