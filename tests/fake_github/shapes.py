"""Records as GitHub's REST API shows them. Which fields there must be, its description says."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fake_github.world import (
    App,
    CheckRun,
    CheckSuite,
    Delivery,
    Installation,
    IssueComment,
    Json,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    World,
    timestamp,
)

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")

# URL fields of a repository that nobody follows here: field -> what comes after its API address.
_REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}

_USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the fake is: web pages and git below `web`, REST below `api`."""

    web: str
    api: str
    graphql: str
    uploads: str


@dataclass(frozen=True, slots=True)
class Shapes:
    """Turns records into JSON."""

    world: World
    at: Addresses

    def user(self, login: str) -> Json:
        account = self.world.account(login, "Bot" if login.endswith("[bot]") else "User")
        url = f"{self.at.api}/users/{login.replace('[', '%5B').replace(']', '%5D')}"
        return {
            "login": login,
            "id": account.id,
            "node_id": node_id("U", account.id),
            "avatar_url": f"{self.at.web}/avatars/{account.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.at.web}/{login.replace('[bot]', '')}",
            "type": account.kind,
            "site_admin": False,
        } | {name: url + rest for name, rest in _USER_URLS.items()}

    def repository_url(self, repository: Repository) -> str:
        return f"{self.at.api}/repos/{repository.full_name}"

    def repository(self, repository: Repository) -> Json:
        url = self.repository_url(repository)
        page = f"{self.at.web}/{repository.full_name}"
        open_pulls = sum(
            p.repository == repository.id and p.state == "open" for p in self.world.pulls
        )
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "owner": self.user(repository.owner),
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "html_url": page,
            "description": None,
            "fork": repository.fork_of is not None,
            "url": url,
            "clone_url": f"{page}.git",
            "git_url": f"git://{page.split('://')[1]}.git",
            "ssh_url": f"git@{self.at.web.split('://')[1]}:{repository.full_name}.git",
            "svn_url": page,
            "mirror_url": None,
            "homepage": None,
            "language": "Python",
            "license": None,
            "forks": 0,
            "forks_count": 0,
            "stargazers_count": 0,
            "watchers": 0,
            "watchers_count": 0,
            "size": 1,
            "default_branch": repository.default_branch,
            "open_issues": open_pulls,
            "open_issues_count": open_pulls,
            "topics": [],
            "custom_properties": {},
            "is_template": False,
            "has_issues": True,
            "has_projects": False,
            "has_wiki": False,
            "has_pages": False,
            "has_downloads": True,
            "has_discussions": False,
            "archived": False,
            "disabled": False,
            "allow_forking": True,
            "web_commit_signoff_required": False,
            "pushed_at": timestamp(0),
            "created_at": timestamp(0),
            "updated_at": timestamp(0),
        } | {name: url + rest for name, rest in _REPOSITORY_URLS.items()}

    def full_repository(self, repository: Repository) -> Json:
        return self.repository(repository) | {"network_count": 0, "subscribers_count": 0}

    def _side(self, repository: Repository | None, login: str, ref: str, sha: str) -> Json:
        owner = repository.owner if repository else login
        return {
            "label": f"{owner}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": self.user(owner),
            "repo": self.repository(repository) if repository else None,
        }

    def pull_simple(self, pull: Pull) -> Json:
        repository = self.world.repositories[pull.repository]
        head = self.world.repositories.get(pull.head_repository or 0)
        url = f"{self.repository_url(repository)}/pulls/{pull.number}"
        issue = f"{self.repository_url(repository)}/issues/{pull.number}"
        page = f"{self.at.web}/{repository.full_name}/pull/{pull.number}"
        statuses = f"{self.repository_url(repository)}/statuses/{pull.head_sha}"
        links = {
            "self": url,
            "html": page,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{self.repository_url(repository)}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": statuses,
        }
        return {
            "url": url,
            "id": pull.id,
            "node_id": node_id("PR", pull.id),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": issue,
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": statuses,
            "number": pull.number,
            "state": pull.state,
            "locked": False,
            "title": pull.title,
            "user": self.user(pull.author),
            "body": pull.body,
            "labels": [],
            "milestone": None,
            "active_lock_reason": None,
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.closed_at if pull.merged else None,
            "merge_commit_sha": None,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "head": self._side(head, pull.author, pull.head_ref, pull.head_sha),
            "base": self._side(repository, pull.author, pull.base_ref, pull.base_sha),
            "_links": {name: {"href": href} for name, href in links.items()},
            "author_association": self.association(repository, pull.author),
            "auto_merge": None,
            "draft": pull.draft,
        }

    def pull(self, pull: Pull, commits: int, counts: tuple[int, int, int]) -> Json:
        """counts: lines added, lines deleted, files changed."""
        place = pull.repository, pull.number
        comments = [c for c in self.world.issue_comments if (c.repository, c.number) == place]
        inline = [c for c in self.world.review_comments if (c.repository, c.number) == place]
        additions, deletions, files = counts
        return self.pull_simple(pull) | {
            "merged": pull.merged,
            "mergeable": True,
            "rebaseable": True,
            "mergeable_state": "clean",
            "merged_by": None,
            "comments": len(comments),
            "review_comments": len(inline),
            "maintainer_can_modify": False,
            "commits": commits,
            "additions": additions,
            "deletions": deletions,
            "changed_files": files,
        }

    def pull_minimal(self, pull: Pull) -> Json:
        def side(repository: Repository, ref: str, sha: str) -> Json:
            url = self.repository_url(repository)
            repo = {"id": repository.id, "url": url, "name": repository.name}
            return {"ref": ref, "sha": sha, "repo": repo}

        base = self.world.repositories[pull.repository]
        return {
            "id": pull.id,
            "number": pull.number,
            "url": f"{self.repository_url(base)}/pulls/{pull.number}",
            "head": side(base, pull.head_ref, pull.head_sha),
            "base": side(base, pull.base_ref, pull.base_sha),
        }

    def association(self, repository: Repository, login: str) -> str:
        role = self.world.role(repository, login)
        if role == "admin" and login == repository.owner:
            return "OWNER"
        return "COLLABORATOR" if role in ("admin", "maintain", "write", "triage") else "NONE"

    def issue_comment(self, comment: IssueComment) -> Json:
        repository = self.world.repositories[comment.repository]
        api, page = self.repository_url(repository), f"{self.at.web}/{repository.full_name}"
        url = f"{api}/issues/comments/{comment.id}"
        by_us = comment.author == self.world.app.login
        return {
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "url": url,
            "html_url": f"{page}/pull/{comment.number}#issuecomment-{comment.id}",
            "issue_url": f"{api}/issues/{comment.number}",
            "body": comment.body,
            "user": self.user(comment.author),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "author_association": self.association(repository, comment.author),
            "reactions": reaction_rollup(url, comment.reactions),
            "performed_via_github_app": self.app(self.world.app) if by_us else None,
        }

    def review(self, review: Review) -> Json:
        repository = self.world.repositories[review.repository]
        page = f"{self.at.web}/{repository.full_name}/pull/{review.number}"
        pull = f"{self.repository_url(repository)}/pulls/{review.number}"
        html = f"{page}#pullrequestreview-{review.id}"
        return {
            "id": review.id,
            "node_id": node_id("PRR", review.id),
            "user": self.user(review.author),
            "body": review.body,
            "state": review.state,
            "html_url": html,
            "pull_request_url": pull,
            "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
            "submitted_at": review.submitted_at,
            "commit_id": review.commit_id,
            "author_association": self.association(repository, review.author),
        }

    def review_comment(self, comment: ReviewComment) -> Json:
        repository = self.world.repositories[comment.repository]
        api, page = self.repository_url(repository), f"{self.at.web}/{repository.full_name}"
        url = f"{api}/pulls/comments/{comment.id}"
        html = f"{page}/pull/{comment.number}#discussion_r{comment.id}"
        pull = f"{api}/pulls/{comment.number}"
        shape: Json = {
            "url": url,
            "pull_request_review_id": comment.review,
            "id": comment.id,
            "node_id": node_id("PRRC", comment.id),
            "diff_hunk": comment.diff_hunk,
            "path": comment.path,
            "commit_id": comment.commit_id,
            "original_commit_id": comment.original_commit_id,
            "user": self.user(comment.author),
            "body": comment.body,
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "html_url": html,
            "pull_request_url": pull,
            "author_association": self.association(repository, comment.author),
            "_links": {
                "self": {"href": url},
                "html": {"href": html},
                "pull_request": {"href": pull},
            },
            "start_line": comment.start_line,
            "original_start_line": comment.original_start_line,
            "start_side": comment.start_side,
            "line": comment.line,
            "original_line": comment.original_line,
            "side": comment.side or "RIGHT",
            "subject_type": comment.subject_type,
            "reactions": reaction_rollup(url, comment.reactions),
            "position": comment.line,
            "original_position": comment.original_line or 1,
        }
        if comment.in_reply_to is not None:
            shape["in_reply_to_id"] = comment.in_reply_to
        return shape

    def app(self, app: App) -> Json:
        return {
            "id": app.id,
            "slug": app.slug,
            "node_id": node_id("A", app.id),
            "client_id": app.client_id,
            "owner": self.user(app.owner),
            "name": app.name,
            "description": None,
            "external_url": f"{self.at.web}/themis",
            "html_url": f"{self.at.web}/apps/{app.slug}",
            "created_at": timestamp(0),
            "updated_at": timestamp(0),
            "permissions": app.permissions,
            "events": app.events,
        }

    def installation(self, installation: Installation) -> Json:
        account = self.user(installation.account)
        url = f"{self.at.api}/app/installations/{installation.id}"
        suspended = installation.suspended_at
        return {
            "id": installation.id,
            "account": account,
            "repository_selection": selection(installation.repositories is not None),
            "access_tokens_url": f"{url}/access_tokens",
            "repositories_url": f"{self.at.api}/installation/repositories",
            "html_url": f"{self.at.web}/settings/installations/{installation.id}",
            "app_id": self.world.app.id,
            "client_id": self.world.app.client_id,
            "app_slug": self.world.app.slug,
            "target_id": account["id"],
            "target_type": account["type"],
            "permissions": installation.permissions,
            "events": installation.events,
            "created_at": installation.created_at,
            "updated_at": installation.created_at,
            "single_file_name": None,
            "suspended_by": self.user(installation.account) if suspended else None,
            "suspended_at": suspended,
        }

    def check_run(self, run: CheckRun) -> Json:
        repository = self.world.repositories[run.repository]
        url = f"{self.repository_url(repository)}/check-runs/{run.id}"
        page = f"{self.at.web}/{repository.full_name}/runs/{run.id}"
        return {
            "id": run.id,
            "head_sha": run.head_sha,
            "node_id": node_id("CR", run.id),
            "external_id": run.external_id,
            "url": url,
            "html_url": page,
            "details_url": run.details_url or page,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "output": {
                "title": run.output.get("title"),
                "summary": run.output.get("summary"),
                "text": run.output.get("text"),
                "annotations_count": len(run.annotations),
                "annotations_url": f"{url}/annotations",
            },
            "name": run.name,
            "check_suite": {"id": run.suite},
            "app": self.app(self.world.app),
            "pull_requests": self._pulls_at(run.repository, run.head_sha),
        }

    def _pulls_at(self, repository: int, head_sha: str) -> list[Json]:
        """Empty for forks, as GitHub has it."""
        return [
            self.pull_minimal(pull)
            for pull in self.world.pulls
            if pull.repository == repository == pull.head_repository
            and pull.head_sha == head_sha
            and pull.state == "open"
        ]

    def check_suite(self, suite: CheckSuite) -> Json:
        repository = self.world.repositories[suite.repository]
        runs = [run for run in self.world.check_runs if run.suite == suite.id]
        url = f"{self.repository_url(repository)}/check-suites/{suite.id}"
        done = bool(runs) and all(run.status == "completed" for run in runs)
        commit_author = {"name": "Ada", "email": "ada@example.org"}
        return {
            "id": suite.id,
            "node_id": node_id("CS", suite.id),
            "head_branch": suite.head_branch,
            "head_sha": suite.head_sha,
            "status": "completed" if done else "queued",
            "conclusion": runs[-1].conclusion if done else None,
            "url": url,
            "before": None,
            "after": suite.head_sha,
            "pull_requests": self._pulls_at(suite.repository, suite.head_sha),
            "app": self.app(self.world.app),
            "repository": self.repository(repository),
            "created_at": suite.created_at,
            "updated_at": suite.updated_at,
            "head_commit": {
                "id": suite.head_sha,
                "tree_id": suite.head_sha,
                "message": "change",
                "timestamp": suite.created_at,
                "author": commit_author,
                "committer": commit_author,
            },
            "latest_check_runs_count": len(runs),
            "check_runs_url": f"{url}/check-runs",
        }

    def delivery(self, delivery: Delivery) -> Json:
        return {
            "id": delivery.id,
            "guid": delivery.guid,
            "delivered_at": delivery.delivered_at,
            "redelivery": delivery.redelivery,
            "duration": round(delivery.duration, 2),
            "status": delivery.status,
            "status_code": delivery.status_code,
            "event": delivery.event,
            "action": delivery.action,
            "installation_id": delivery.installation,
            "repository_id": delivery.repository,
            "throttled_at": None,
        }


def node_id(kind: str, number: int) -> str:
    """GraphQL's name of a record; opaque to clients."""
    return f"{kind}_{base64.b32encode(number.to_bytes(8, 'big')).decode().rstrip('=').lower()}"


def selection(selected: bool) -> str:
    return "selected" if selected else "all"


def reaction_rollup(url: str, reactions: Sequence[Reaction]) -> Mapping[str, object]:
    counts = {name: sum(each.content == name for each in reactions) for name in REACTIONS}
    return {"url": f"{url}/reactions", "total_count": len(reactions)} | counts
