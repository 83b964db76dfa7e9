"""Endpoints of reviews, inline comments and replies, held to the real diff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fake_github import diffs, events
from fake_github.comments import checked_body
from fake_github.exchange import Answer, Call, Refusal
from fake_github.pulls import commits_of
from fake_github.shapes import Shapes, node_id
from fake_github.world import Pull, Repository, Review, ReviewComment, Thread, World

_STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a comment is to stand. line None: on the file."""

    path: str
    side: str
    line: int | None
    start_side: str | None
    start_line: int | None
    diff_hunk: str


def reviews(call: Call) -> Answer:
    place = call.repository.id, call.pull.number
    found = [r for r in call.world.reviews if (r.repository, r.number) == place]
    return call.page(found, call.shapes.review)


def create_review(call: Call) -> Answer:
    """All of it or nothing: one comment outside the diff refuses the whole review."""
    asked: dict[str, Any] = call.json or {}
    event, pull = asked.get("event"), call.pull
    body, wanted = asked.get("body") or "", asked.get("comments") or []
    if event is None:
        raise Refusal(422, "Unprocessable Entity", ["The fake keeps no pending reviews"])
    if event not in _STATES:
        raise Refusal(422, "Unprocessable Entity", [f"{event} is not a review event"])
    if event != "APPROVE" and not body.strip() and not wanted:
        raise Refusal(422, "Unprocessable Entity", ["Body can't be blank"])
    commit = _commit(call, asked.get("commit_id"))
    changed = diffs.files(call.repository.folder, pull.merge_base, commit)
    places: list[Place] = []
    problems: list[str] = []
    for comment in wanted:
        checked_body(comment.get("body", ""), "PullRequestReviewComment")
        found = locate(changed, comment)
        if isinstance(found, Place):
            places.append(found)
        else:
            problems.append(found)
    if problems:  # GitHub says what is wrong, not with which comment
        raise Refusal(422, "Unprocessable Entity", list(dict.fromkeys(problems)))
    review = start_review(call.world, call.repository, pull, call.login, commit, body)
    review.state = _STATES[event]
    for comment, place in zip(wanted, places, strict=True):
        add_comment(call.world, call.repository, pull, review, comment["body"], place)
    payload = events.review(call.shapes, review)
    call.announcer.announce("pull_request_review", "submitted", call.repository, payload)
    return Answer(200, call.shapes.review(review))


def _commit(call: Call, asked: str | None) -> str:
    """The commit to comment on: one of the pull request's, now or before a push."""
    pull = call.pull
    if asked is None or asked == pull.head_sha:
        return pull.head_sha
    if asked in commits_of(call.repository, pull):
        return asked
    raise Refusal(422, "Unprocessable Entity", ["Commit is not part of the pull request"])


def locate(changed: Sequence[diffs.FileDiff], asked: dict[str, Any]) -> Place | str:
    """Where in the diff a comment belongs; GitHub's words where it belongs nowhere."""
    path, line = asked.get("path", ""), asked.get("line")
    file = diffs.find(changed, path)
    if file is None:
        return "Path could not be resolved"
    if asked.get("subject_type") == "file":
        return Place(path, "RIGHT", None, None, None, "")
    side = asked.get("side") or "RIGHT"
    if line is None:  # `position` is closing down: the fake does not have it
        return "Line could not be resolved"
    hunk = diffs.hunk_of(file, side, line)
    if hunk is None:
        return "Line could not be resolved"
    row = hunk.row(side, line)
    assert row is not None
    start = asked.get("start_line")
    start_side = (asked.get("start_side") or side) if start is not None else None
    if start is not None and start_side is not None:
        first = hunk.row(start_side, start)
        if first is None:
            return "Start line could not be resolved"
        if hunk.rows.index(first) >= hunk.rows.index(row):
            return "Start line must precede the end line"
    return Place(path, side, line, start_side, start, hunk.until(row))


def start_review(
    world: World, repository: Repository, pull: Pull, author: str, commit: str, body: str
) -> Review:
    review = Review(
        id=world.new_id(),
        repository=repository.id,
        number=pull.number,
        author=author,
        body=body,
        state="COMMENTED",
        commit_id=commit,
        submitted_at=world.timestamp(),
    )
    world.reviews.append(review)
    return review


def add_comment(
    world: World, repository: Repository, pull: Pull, review: Review, body: str, place: Place
) -> ReviewComment:
    """One that opens a thread."""
    now = world.timestamp()
    comment = ReviewComment(
        id=world.new_id(),
        review=review.id,
        repository=repository.id,
        number=pull.number,
        author=review.author,
        body=body,
        path=place.path,
        side=place.side,
        line=place.line,
        start_side=place.start_side,
        start_line=place.start_line,
        original_line=place.line,
        original_start_line=place.start_line,
        original_commit_id=review.commit_id,
        original_merge_base=pull.merge_base,
        commit_id=pull.head_sha,
        diff_hunk=place.diff_hunk,
        subject_type="file" if place.line is None else "line",
        created_at=now,
        updated_at=now,
    )
    world.review_comments.append(comment)
    world.threads.append(Thread(node_id("PRRT", comment.id), comment.id))
    if review.commit_id != pull.head_sha:
        follow_push(repository, pull, comment)
    return comment


def follow_push(repository: Repository, pull: Pull, comment: ReviewComment) -> None:
    """Find the comment's lines at the pull request's head of now; None where they are gone.

    As GitHub does, from where the comment was put: a line that comes back is no longer outdated.
    """
    comment.commit_id = pull.head_sha
    if comment.subject_type == "file":
        return
    changed = diffs.files(repository.folder, pull.merge_base, pull.head_sha)
    file = diffs.find(changed, comment.path)

    def now(side: str | None, line: int | None) -> int | None:
        if line is None or file is None:
            return None
        old, new = comment.original_commit_id, pull.head_sha
        if side == "LEFT":
            old, new = comment.original_merge_base, pull.merge_base
        moved = diffs.moved_line(repository.folder, old, new, comment.path, line)
        shown = moved is not None and diffs.hunk_of(file, side or "RIGHT", moved)
        return moved if shown else None

    comment.line = now(comment.side, comment.original_line)
    comment.start_line = None
    if comment.line is not None:
        comment.start_line = now(comment.start_side, comment.original_start_line)


def pull_comments(call: Call) -> Answer:
    place = call.repository.id, call.pull.number
    found = [c for c in call.world.review_comments if (c.repository, c.number) == place]
    return call.page(found, call.shapes.review_comment)


def review_comments(call: Call) -> Answer:
    review = _review(call)
    found = [c for c in call.world.review_comments if c.review == review.id]
    return call.page(found, call.shapes.review_comment)


def _review(call: Call) -> Review:
    wanted = call.number("review_id")
    for review in call.world.reviews:
        if review.id == wanted and review.repository == call.repository.id:
            return review
    raise Refusal(404, "Not Found")


def update_review(call: Call) -> Answer:
    review = _review(call)
    review.body = checked_body(call.text("body"), "PullRequestReview")
    return Answer(200, call.shapes.review(review))


def create_comment(call: Call) -> Answer:
    """A comment alone; GitHub makes a review around it."""
    asked: dict[str, Any] = call.json or {}
    if "in_reply_to" in asked:
        return _reply(call, asked["in_reply_to"])
    body = checked_body(call.text("body"), "PullRequestReviewComment")
    commit, pull = _commit(call, call.text("commit_id")), call.pull
    place = locate(diffs.files(call.repository.folder, pull.merge_base, commit), asked)
    if isinstance(place, str):
        error = {
            "resource": "PullRequestReviewComment",
            "code": "custom",
            "field": "pull_request_review_thread.line",
            "message": place,
        }
        raise Refusal(422, "Validation Failed", [error])
    review = start_review(call.world, call.repository, pull, call.login, commit, "")
    return _created(call, add_comment(call.world, call.repository, pull, review, body, place))


def reply(call: Call) -> Answer:
    return _reply(call, call.number("comment_id"))


def _reply(call: Call, root: int) -> Answer:
    body = checked_body(call.text("body"), "PullRequestReviewComment")
    for comment in call.world.review_comments:
        if comment.id == root and comment.number == call.pull.number:
            return _created(call, add_reply(call.world, comment, call.login, body))
    raise Refusal(404, "Not Found")


def add_reply(world: World, to: ReviewComment, author: str, body: str) -> ReviewComment:
    """Replies to replies go to the comment that opened the thread."""
    now = world.timestamp()
    repository, pull = world.repositories[to.repository], world.pull(to.repository, to.number)
    assert pull is not None
    review = start_review(world, repository, pull, author, pull.head_sha, "")
    comment = ReviewComment(
        id=world.new_id(),
        review=review.id,
        repository=to.repository,
        number=to.number,
        author=author,
        body=body,
        path=to.path,
        side=to.side,
        line=to.line,
        start_side=to.start_side,
        start_line=to.start_line,
        original_line=to.original_line,
        original_start_line=to.original_start_line,
        original_commit_id=to.original_commit_id,
        original_merge_base=to.original_merge_base,
        commit_id=to.commit_id,
        diff_hunk=to.diff_hunk,
        subject_type=to.subject_type,
        created_at=now,
        updated_at=now,
        in_reply_to=to.in_reply_to or to.id,
    )
    world.review_comments.append(comment)
    return comment


def _created(call: Call, comment: ReviewComment) -> Answer:
    _announce(call.shapes, call, comment)
    shape = call.shapes.review_comment(comment)
    return Answer(201, shape, headers={"location": str(shape["url"])})


def _announce(shapes: Shapes, call: Call, comment: ReviewComment) -> None:
    payload = events.review_comment(shapes, comment)
    call.announcer.announce("pull_request_review_comment", "created", call.repository, payload)


def _comment(call: Call) -> ReviewComment:
    wanted = call.number("comment_id")
    for comment in call.world.review_comments:
        if comment.id == wanted and comment.repository == call.repository.id:
            return comment
    raise Refusal(404, "Not Found")


def comment(call: Call) -> Answer:
    return Answer(200, call.shapes.review_comment(_comment(call)))


def update_comment(call: Call) -> Answer:
    found = _comment(call)
    if found.author != call.login:
        raise Refusal(403, "Resource not accessible by integration")
    found.body = checked_body(call.text("body"), "PullRequestReviewComment")
    found.updated_at = call.world.timestamp()
    return Answer(200, call.shapes.review_comment(found))


def delete_comment(call: Call) -> Answer:
    """The next comment of a thread becomes its first, as on GitHub; an empty thread goes."""
    found = _comment(call)
    if found.author != call.login:
        raise Refusal(403, "Resource not accessible by integration")
    delete(call.world, found)
    return Answer(204)


def delete(world: World, comment: ReviewComment) -> None:
    thread = world.thread_of(comment)
    world.review_comments.remove(comment)
    if comment.id != thread.root:
        return
    replies = [c for c in world.review_comments if c.in_reply_to == comment.id]
    if not replies:
        world.threads.remove(thread)
        return
    thread.root = replies[0].id
    for number, other in enumerate(replies):
        other.in_reply_to = replies[0].id if number else None
