"""All that the fake answers over REST: method, path of GitHub's description, who, permission."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fake_github import apps, checks, comments, people, pulls, reviews, scanning
from fake_github.exchange import Answer, Call

APP = "app"
TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Route:
    """needs: permissions of which one is enough, empty for metadata alone."""

    method: str
    template: str
    answer: Callable[[Call], Answer]
    who: str = TOKEN
    needs: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        return "read" if self.method == "GET" else "write"


_R = "/repos/{owner}/{repo}"
_PULL = _R + "/pulls/{pull_number}"
_ISSUE_COMMENT = _R + "/issues/comments/{comment_id}"
_REVIEW_COMMENT = _R + "/pulls/comments/{comment_id}"
_PR, _TALK = ("pull_requests",), ("issues", "pull_requests")
_CHECKS, _SCAN = ("checks",), ("security_events",)

ROUTES = (
    Route("GET", "/app", apps.app, APP),
    Route("GET", "/app/installations", apps.installations, APP),
    Route("GET", "/app/installations/{installation_id}", apps.installation, APP),
    Route("POST", "/app/installations/{installation_id}/access_tokens", apps.create_token, APP),
    Route("GET", "/app/hook/config", apps.hook_config, APP),
    Route("GET", "/app/hook/deliveries", apps.deliveries, APP),
    Route("GET", "/app/hook/deliveries/{delivery_id}", apps.delivery, APP),
    Route("POST", "/app/hook/deliveries/{delivery_id}/attempts", apps.redeliver, APP),
    Route("GET", _R + "/installation", apps.repository_installation, APP),
    Route("GET", "/installation/repositories", apps.installation_repositories),
    Route("DELETE", "/installation/token", apps.revoke_token),
    Route("GET", "/rate_limit", apps.rate_limit),
    Route("GET", _R, pulls.repository),
    Route("GET", _R + "/collaborators/{username}/permission", people.permission),
    Route("GET", _R + "/pulls", pulls.pulls, needs=_PR),
    Route("GET", _PULL, pulls.pull, needs=_PR),
    Route("GET", _PULL + "/files", pulls.files, needs=_PR),
    Route("GET", _R + "/commits/{commit_sha}/pulls", pulls.pulls_of_commit, needs=_PR),
    Route("GET", _PULL + "/comments", reviews.pull_comments, needs=_PR),
    Route("POST", _PULL + "/comments", reviews.create_comment, needs=_PR),
    Route("POST", _PULL + "/comments/{comment_id}/replies", reviews.reply, needs=_PR),
    Route("GET", _REVIEW_COMMENT, reviews.comment, needs=_PR),
    Route("PATCH", _REVIEW_COMMENT, reviews.update_comment, needs=_PR),
    Route("DELETE", _REVIEW_COMMENT, reviews.delete_comment, needs=_PR),
    Route("GET", _REVIEW_COMMENT + "/reactions", comments.review_comment_reactions, needs=_PR),
    Route("POST", _REVIEW_COMMENT + "/reactions", comments.react_to_review_comment, needs=_PR),
    Route("GET", _PULL + "/reviews", reviews.reviews, needs=_PR),
    Route("POST", _PULL + "/reviews", reviews.create_review, needs=_PR),
    Route("PUT", _PULL + "/reviews/{review_id}", reviews.update_review, needs=_PR),
    Route("GET", _PULL + "/reviews/{review_id}/comments", reviews.review_comments, needs=_PR),
    Route("GET", _R + "/issues/{issue_number}/comments", comments.issue_comments, needs=_TALK),
    Route(
        "POST", _R + "/issues/{issue_number}/comments", comments.create_issue_comment, needs=_TALK
    ),
    Route("GET", _ISSUE_COMMENT, comments.issue_comment, needs=_TALK),
    Route("PATCH", _ISSUE_COMMENT, comments.update_issue_comment, needs=_TALK),
    Route("DELETE", _ISSUE_COMMENT, comments.delete_issue_comment, needs=_TALK),
    Route("GET", _ISSUE_COMMENT + "/reactions", comments.issue_comment_reactions, needs=_TALK),
    Route("POST", _ISSUE_COMMENT + "/reactions", comments.react_to_issue_comment, needs=_TALK),
    Route("POST", _R + "/check-runs", checks.create, needs=_CHECKS),
    Route("GET", _R + "/check-runs/{check_run_id}", checks.check_run, needs=_CHECKS),
    Route("PATCH", _R + "/check-runs/{check_run_id}", checks.update, needs=_CHECKS),
    Route(
        "GET", _R + "/check-runs/{check_run_id}/annotations", checks.annotations_of, needs=_CHECKS
    ),
    Route("POST", _R + "/check-runs/{check_run_id}/rerequest", checks.rerequest_run, needs=_CHECKS),
    Route("GET", _R + "/commits/{ref}/check-runs", checks.runs_of_commit, needs=_CHECKS),
    Route("GET", _R + "/commits/{ref}/check-suites", checks.suites_of_commit, needs=_CHECKS),
    Route(
        "POST",
        _R + "/check-suites/{check_suite_id}/rerequest",
        checks.rerequest_suite,
        needs=_CHECKS,
    ),
    Route("POST", _R + "/code-scanning/sarifs", scanning.upload, needs=_SCAN),
    Route("GET", _R + "/code-scanning/sarifs/{sarif_id}", scanning.status, needs=_SCAN),
)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


_COMPILED = tuple((route, _pattern(route.template)) for route in ROUTES)


def find(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """The route of a path and the names in it."""
    for route, pattern in _COMPILED:
        if route.method == method and (match := pattern.fullmatch(path)):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None
