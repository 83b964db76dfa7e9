"""Endpoints of pull requests: themselves, their files, where commits belong."""

from __future__ import annotations

from fake_github import diffs
from fake_github.diffs import FileDiff
from fake_github.exchange import Answer, Call, Refusal
from fake_github.world import Json, Pull, Repository

MOST_FILES = 3000
MOST_FILES_OF_A_DIFF = 300


def repository(call: Call) -> Answer:
    return Answer(200, call.shapes.full_repository(call.repository))


def pulls(call: Call) -> Answer:
    """The newest first."""
    state, head = call.query.get("state", "open"), call.query.get("head")
    found = [
        pull
        for pull in reversed(call.world.pulls)
        if pull.repository == call.repository.id
        and state in ("all", pull.state)
        and call.query.get("base", pull.base_ref) == pull.base_ref
        and head in (None, f"{_owner(call, pull)}:{pull.head_ref}")
    ]
    if call.query.get("direction") == "asc":
        found.reverse()
    return call.page(found, call.shapes.pull_simple)


def _owner(call: Call, pull: Pull) -> str:
    head = call.world.repositories.get(pull.head_repository or 0)
    return head.owner if head else pull.author


def pull(call: Call) -> Answer:
    """JSON, or the diff where that media type is asked for (406 above 300 files)."""
    found = call.pull
    changed = changed_files(call.repository, found)
    if "diff" in call.headers.get("accept", "") or "patch" in call.headers.get("accept", ""):
        if len(changed) > MOST_FILES_OF_A_DIFF:
            message = (
                "Sorry, the diff exceeded the maximum number of files (300). Consider using "
                "'List pull requests files' API or locally cloning the repository instead."
            )
            error = {"resource": "PullRequest", "field": "diff", "code": "too_large"}
            raise Refusal(406, message, [error])
        text = diffs.git(call.repository.folder, "diff", found.merge_base, found.head_sha)
        return Answer(200, text=text, content_type="application/vnd.github.v3.diff; charset=utf-8")
    return Answer(200, full(call, found))


def full(call: Call, found: Pull) -> Json:
    return call.shapes.pull(found, *measures(call.world.repositories[found.repository], found))


def measures(repository: Repository, found: Pull) -> tuple[int, tuple[int, int, int]]:
    """Commits; lines added, lines deleted, files changed."""
    changed = changed_files(repository, found)
    counts = sum(f.count("+") for f in changed), sum(f.count("-") for f in changed), len(changed)
    return len(commits_of(repository, found)), counts


def changed_files(repository: Repository, found: Pull) -> tuple[FileDiff, ...]:
    """The three-dot diff: from the merge base to the head."""
    return diffs.files(repository.folder, found.merge_base, found.head_sha)


def files(call: Call) -> Answer:
    """No more than 3,000, whatever the pull request holds; no patch for large or binary ones."""
    head = call.pull.head_sha
    page = f"{call.shapes.at.web}/{call.repository.full_name}"

    def shape(file: FileDiff) -> Json:
        entry: Json = {
            "sha": file.blob if file.status != "removed" else None,
            "filename": file.path,
            "status": file.status,
            "additions": file.count("+"),
            "deletions": file.count("-"),
            "changes": file.count("+") + file.count("-"),
            "blob_url": f"{page}/blob/{head}/file",
            "raw_url": f"{page}/raw/{head}/file",
            "contents_url": f"{call.shapes.repository_url(call.repository)}/contents/file",
        }
        if file.patch is not None:
            entry["patch"] = file.patch
        if file.status == "renamed":
            entry["previous_filename"] = file.previous
        return entry

    return call.page(changed_files(call.repository, call.pull)[:MOST_FILES], shape)


def pulls_of_commit(call: Call) -> Answer:
    """Open pull requests that hold the commit, and merged ones; those of forks are not found."""
    sha = call.names["commit_sha"]
    folder = call.repository.folder
    if not diffs.git(folder, "rev-parse", "--verify", "--quiet", sha + "^{commit}", check=False):
        raise Refusal(422, f"No commit found for SHA: {sha}")
    found = [
        pull
        for pull in call.world.pulls
        if pull.repository == call.repository.id == pull.head_repository
        and (pull.state == "open" or pull.merged)
        and sha in commits_of(call.repository, pull)
    ]
    return call.page(found, call.shapes.pull_simple)


def commits_of(repository: Repository, pull: Pull) -> tuple[str, ...]:
    return diffs.commits(repository.folder, pull.merge_base, pull.head_sha)
