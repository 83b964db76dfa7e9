"""The fake GitHub keeps its promises: a fake that lies is worse than none."""

from __future__ import annotations

from fake_github import FakeGitHub, Hosted


def test_a_push_moves_the_pull_request_along(github: FakeGitHub, hosted: Hosted) -> None:
    hosted.branch("feature")
    hosted.commit(module="a = 1\n")
    opened = hosted.open_pull().head_sha
    pushed = hosted.commit(module="a = 2\n")
    hosted.push()
    pull = github.pull("octo/shop", 1)
    assert pull.head_sha == pushed != opened
    assert pull.heads == [opened, pushed]
