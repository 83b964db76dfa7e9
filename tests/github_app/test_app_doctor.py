"""The doctor against a fake GitHub: what is fine is ok, and each fault has its remedy."""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from app_front import APP_ID, ENVIRONMENT, SLUG, FakeInbox, app_with, call
from fake_github import FakeGitHub, Hosted

from github_app.commands.doctor import _client
from github_app.doctor import machine
from github_app.doctor.check import Check, State
from github_app.doctor.examination import examine
from github_app.errors import ForbiddenError
from github_app.github.values import Delivery
from github_app.registration import SUBSCRIBED
from github_app.secrets import Secret
from github_app.settings import Settings, load_settings
from github_app.site import github_site
from review_core.errors import BundleError

WEBHOOK = "https://app.example/webhook"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    key = tmp_path / "key.pem"
    key.touch(0o600)
    key.write_text("-----BEGIN RSA PRIVATE KEY-----\nnone\n")
    environment = ENVIRONMENT | {
        "THEMIS_APP_PRIVATE_KEY_FILE": str(key),
        "THEMIS_APP_DATA_FOLDER": str(tmp_path / "data"),
    }
    del environment["THEMIS_APP_PRIVATE_KEY"]
    return load_settings(environment)


class View:
    """What GitHub says of an app in order; each part can be something else, or an error."""

    def __init__(self, **others: Any) -> None:
        granted = {"checks": "write", "contents": "write", "metadata": "read"}
        granted["pull_requests"] = "write"
        arrived = Delivery(1, "guid", "ping", None, "2026-11-24T10:00:00Z", 202, False)
        self._says: dict[str, Any] = {
            "app": {"id": APP_ID, "slug": SLUG, "permissions": granted, "events": SUBSCRIBED},
            "hook": {
                "url": WEBHOOK,
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": "********",
            },
            "grants": [{"id": 7, "account": {"login": "octo"}, "permissions": granted}],
            "deliveries": [arrived],
        }
        for part, other in others.items():
            before = self._says[part]
            self._says[part] = before | other if isinstance(other, dict) else other
        self.closed = False

    def _said(self, part: str) -> Any:
        said = self._says[part]
        if isinstance(said, Exception):
            raise said
        return said

    def app(self) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self._said("app"))

    def hook(self) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self._said("hook"))

    def grants(self) -> Sequence[Mapping[str, Any]]:
        return cast("Sequence[Mapping[str, Any]]", self._said("grants"))

    def last_deliveries(self) -> Sequence[Delivery]:
        return cast("Sequence[Delivery]", self._said("deliveries"))

    def close(self) -> None:
        self.closed = True


class Network(httpx.BaseTransport):
    """The web application behind its address; GitHub, which says the time and nothing else."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | None = None) -> None:
        self._answer = answer or by_app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "app.example":
            return self._answer(request)
        return httpx.Response(401, headers={"Date": format_datetime(NOW, usegmt=True)})


def by_app(request: httpx.Request) -> httpx.Response:
    headers = dict(request.headers)
    app = app_with(FakeInbox())
    answer = asyncio.run(call(app, request.method, request.url.path, headers, [request.read()]))
    return httpx.Response(answer.status, content=answer.body)


def looked(settings: Settings, view: View | None = None, **others: Any) -> dict[str, Check]:
    given: dict[str, Any] = {"clock": NOW.timestamp, "verify_model": lambda: "toy is fine"}
    given |= {"transport": Network()} | others
    connect = given.pop("connect", lambda: view or View())
    return {check.name: check for check in examine(settings, connect, **given)}


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


NAMES = [
    "secrets", "clock", "private key", "app", "permissions", "events", "installations",
    "webhook", "webhook address", "deliveries", "database", "data folder", "git", "model",
]  # fmt: skip


def test_a_site_in_order_is_ok_throughout(settings: Settings) -> None:
    view = View()
    checks = looked(settings, view)
    assert [str(each) for each in checks.values() if each.state is not State.OK] == []
    assert list(checks) == NAMES
    assert view.closed


def test_what_the_client_says_of_a_github_is_what_is_looked_at(
    settings: Settings, github: FakeGitHub, hosted: Hosted
) -> None:
    """The client, its key and GitHub's answers as its own description has them."""
    at = github.at
    site = github_site(at.web, api_url=at.api, graphql_url=at.graphql, upload_url=at.uploads)
    real = replace(
        settings,
        app_id=github.app.id,
        app_slug=github.app.slug,
        private_key=Secret(github.private_key),
        github=site,
    )
    checks = looked(real, connect=lambda: _client(real))
    assert list(checks) == NAMES
    for name in ("private key", "app", "permissions", "events", "installations", "webhook"):
        assert checks[name].state is State.OK, checks[name]


def failed(checks: Mapping[str, Check], name: str, *words: str) -> None:
    assert checks[name].state is State.FAIL, checks[name]
    for word in words:
        assert word in checks[name].says


def test_a_key_that_is_none_is_said_to_be_none(settings: Settings) -> None:
    broken = replace(settings, private_key=Secret("-----BEGIN PRIVATE KEY-----\nabc"))
    checks = looked(broken, connect=lambda: _client(broken))
    failed(checks, "private key", "not an RSA key", "make a new one")
    assert "app" not in checks
    assert checks["git"].state is State.OK  # the rest is looked at all the same


def test_a_key_of_another_app_is_not_taken(settings: Settings) -> None:
    error = ForbiddenError("GitHub answered 401 to GET /app")
    failed(looked(settings, View(app=error)), "app", "401", "of one app?")


def test_another_name_or_id_at_github_is_named(settings: Settings) -> None:
    failed(looked(replace(settings, app_slug="other")), "app", "themis-review", "app_slug")


def test_an_event_that_only_answers_need_is_a_note(settings: Settings) -> None:
    """An app that was registered before it was asked for reviews as before."""
    older = [event for event in SUBSCRIBED if event != "pull_request_review_comment"]
    check = looked(settings, View(app={"events": older}))["events"]
    assert check.state is State.NOTE
    assert "are not heard; subscribe to it" in check.says


def test_missing_permissions_and_events_are_listed(settings: Settings) -> None:
    less = {"permissions": {"checks": "read", "metadata": "read"}, "events": ["pull_request"]}
    checks = looked(settings, View(app=less))
    failed(checks, "permissions", "checks: write, contents: read, pull_requests: write")
    failed(checks, "events", "check_run, check_suite, issue_comment", "subscribe")


def test_an_installation_that_has_not_accepted_is_named(settings: Settings) -> None:
    behind = {"id": 7, "account": {"login": "octo"}, "permissions": {"metadata": "read"}}
    view = View(grants=[behind, behind | {"account": {"login": "gone"}, "suspended_at": "2026"}])
    failed(looked(settings, view), "installations", "octo must accept")


def test_no_installation_yet_is_worth_a_note(settings: Settings) -> None:
    assert looked(settings, View(grants=[]))["installations"].state is State.NOTE


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ({"content_type": "form"}, "application/json"),
        ({"secret": None}, "no secret"),
        ({"insecure_ssl": "1"}, "not verified"),
        ({"url": "http://app.example/webhook"}, "its address must begin with https://"),
    ],
)
def test_a_webhook_set_up_wrongly_is_told(
    settings: Settings, hook: dict[str, Any], words: str
) -> None:
    failed(looked(settings, View(hook=hook)), "webhook", words)


def test_a_webhook_address_that_leads_elsewhere_or_nowhere_is_told(settings: Settings) -> None:
    elsewhere = Network(lambda request: httpx.Response(200))
    failed(looked(settings, transport=elsewhere), "webhook address", "200, not 401", "proxy")
    failed(looked(settings, transport=Network(refuse)), "webhook address", "ConnectError", "serve")


@pytest.mark.parametrize(
    ("codes", "words"), [([401, 202], "one secret"), ([502, 502, 202], "2 of the last 3")]
)
def test_deliveries_that_fail_are_told(settings: Settings, codes: list[int], words: str) -> None:
    deliveries = [
        Delivery(number, "guid", "ping", None, "2026-11-24T10:00:00Z", code, False)
        for number, code in enumerate(codes)
    ]
    failed(looked(settings, View(deliveries=deliveries)), "deliveries", words)


@pytest.mark.parametrize(("skew", "words"), [(90, "90 s ahead of"), (-90, "90 s behind")])
def test_a_clock_that_is_off_is_told(settings: Settings, skew: int, words: str) -> None:
    checks = looked(settings, clock=lambda: NOW.timestamp() + skew)
    failed(checks, "clock", words, "NTP")


def test_a_github_that_is_away_is_told_once_per_question(settings: Settings) -> None:
    checks = looked(settings, transport=httpx.MockTransport(refuse))
    failed(checks, "GitHub", "gave no answer (ConnectError)", "ca_file")


def test_a_database_that_is_away_is_told_without_its_password(settings: Settings) -> None:
    url = Secret("postgresql://themis:hunter2-hunter2@127.0.0.1:9/themis")
    checks = looked(replace(settings, database_url=url))
    failed(checks, "database", "cannot be used")
    assert "hunter2" not in checks["database"].says


def test_a_data_folder_that_cannot_be_made_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checks = looked(replace(settings, data_folder=tmp_path / "file" / "data"))
    failed(checks, "data folder", "set data_folder")


def test_a_full_disk_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    failed(looked(settings), "data folder", "0.0 GiB free", "make room")


def test_a_git_that_is_not_there_or_too_old_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "OLDEST_GIT", (99, 0))
    failed(looked(settings), "git", "install 99.0 or newer")
    monkeypatch.setenv("PATH", str(tmp_path))
    failed(looked(settings), "git", "install git")


def test_a_model_that_is_not_as_it_was_exported_is_told(settings: Settings) -> None:
    def broken() -> str:
        raise BundleError("model.onnx is not as it was exported")

    failed(looked(settings, verify_model=broken), "model", "not as it was exported")


def test_files_that_others_may_read_are_named(settings: Settings) -> None:
    (path,) = settings.secret_files
    path.chmod(0o644)
    check = looked(settings)["secrets"]
    assert (check.state, str(path) in check.says) == (State.NOTE, True)
