"""A GitHub of our own for tests: HTTP, git and webhooks are real, the records are in memory.

Both sides are judged by GitHub's OpenAPI description (description.py). What it does not have it
answers with 404 and lists in `github.unknown_requests`.

    def test_...(github, hosted, tmp_path):        # fixtures of tests/github_app/conftest.py
        hosted.branch("feature")                   # an author's checkout of octo/shop, with main
        hosted.commit("Add f", module="def f(): ...")     # writes module.py
        pull = hosted.open_pull(title="Add f")     # pushes, opens #1, sends pull_request `opened`
        hosted.commit(module="...")
        hosted.push()                              # `synchronize`; push(force=True), rebase("main")
        hosted.delete_branch("feature")            # closes its pull requests
        other = hosted.fork("eve/shop", tmp_path / "fork")
        other.open_pull(into="octo/shop")

    Addresses  github.at.api, .graphql, .uploads, .web (to clone: f"{web}/{owner}/{name}.git")
    The app    github.app.id, .client_id, .slug, .login, .webhook_secret; github.private_key (PEM)
    Installed  github.installation.id (on octo); install, uninstall, select, suspend, grant
    Webhooks   github.send_webhooks_to(url); github.settle() waits until all were answered
               with github.holding_webhooks() as held: ...     # then in any order, any often:
               github.deliver(held[1]); github.deliver(held[0]); github.deliver(held[0])
               github.deliver(held[0], guid="another")         # one event, two GUIDs
               github.deliver_at_once(held, threads=16)        # a burst; each has its duration
    People     comment, reply, resolve, review_comment, delete_comment, delete_review_comment,
               close, reopen, edit(title=, base=), set_draft, rerequest_check_run,
               rerequest_check_suite, press (a check's button), rename, delete_repository
    Look       pull, comments, review_comments, threads, check_runs, log(method, part of the path),
               writes(part of the path): each with at, status, body, who ("" is nobody), done;
               github.world has all records: reviews, sarifs, tokens, deliveries, ...
    Trouble    github.fail("POST", r"/reviews$", status=502)   # before anything is done
               github.fail("POST", r"/reviews$", after=True, kind="reset")  # done, answer lost
               kind="hang", seconds=5; times=, skip=; operation="resolveReviewThread" for GraphQL
               secondary_limit("POST", "/comments", seconds=1), expire_tokens(), advance(seconds),
               limit(installation, remaining=0, reset_in=1.5)
               Real limits hold too, 900 points and 80 new contents a minute; a test that writes
               faster on purpose sets github.limits.points = github.limits.contents = None
    GHES       fixture `enterprise`, with create_shop(enterprise, tmp_path / "shop"): /api/v3,
               /api/graphql, /api/uploads, https by the authority in enterprise.authority (PEM file)
    Process    python -m fake_github FOLDER [--state FILE] [--port N] [--enterprise]
               [--description FILE] prints its addresses as one line of JSON; GET /_fake/state is
               the whole world, POST /_fake/do/comment {"full_name": ...} calls any method above

As at GitHub, a bot is called `themis-review[bot]` in REST and `themis-review` in GraphQL.
"""

from fake_github.control import FakeGitHub
from fake_github.failures import Failure
from fake_github.hosting import Hosted, create_shop

__all__ = ["Failure", "FakeGitHub", "Hosted", "create_shop"]
