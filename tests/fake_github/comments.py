"""Endpoints of comments below a pull request, and of reactions to comments."""

from __future__ import annotations

from fake_github import events
from fake_github.exchange import Answer, Call, Refusal, invalid
from fake_github.shapes import REACTIONS, node_id
from fake_github.world import IssueComment, Reaction, ReviewComment

LONGEST_BODY = 65_536  # characters


def checked_body(body: str, resource: str) -> str:
    if not body.strip():
        raise invalid(resource, "body", "body can't be blank", "missing_field")
    if len(body) > LONGEST_BODY:
        raise invalid(resource, "body", "body is too long (maximum is 65536 characters)")
    return body


def issue_comments(call: Call) -> Answer:
    """The oldest first."""
    place = call.repository.id, call.pull.number
    found = [c for c in call.world.issue_comments if (c.repository, c.number) == place]
    return call.page(found, call.shapes.issue_comment)


def issue_comment(call: Call) -> Answer:
    return Answer(200, call.shapes.issue_comment(_issue_comment(call)))


def _issue_comment(call: Call) -> IssueComment:
    wanted = call.number("comment_id")
    for comment in call.world.issue_comments:
        if comment.id == wanted and comment.repository == call.repository.id:
            return comment
    raise Refusal(404, "Not Found")


def create_issue_comment(call: Call) -> Answer:
    body = checked_body(call.text("body"), "IssueComment")
    now = call.world.timestamp()
    comment = IssueComment(
        call.world.new_id(), call.repository.id, call.pull.number, call.login, body, now, now
    )
    call.world.issue_comments.append(comment)
    payload = events.issue_comment(call.shapes, comment)
    call.announcer.announce("issue_comment", "created", call.repository, payload)
    shape = call.shapes.issue_comment(comment)
    return Answer(201, shape, headers={"location": str(shape["url"])})


def update_issue_comment(call: Call) -> Answer:
    comment = _issue_comment(call)
    _only_own(call, comment.author)
    changes = {"body": {"from": comment.body}}
    comment.body = checked_body(call.text("body"), "IssueComment")
    comment.updated_at = call.world.timestamp()
    payload = events.issue_comment(call.shapes, comment) | {"changes": changes}
    call.announcer.announce("issue_comment", "edited", call.repository, payload)
    return Answer(200, call.shapes.issue_comment(comment))


def delete_issue_comment(call: Call) -> Answer:
    comment = _issue_comment(call)
    _only_own(call, comment.author)
    call.world.issue_comments.remove(comment)
    payload = events.issue_comment(call.shapes, comment)
    call.announcer.announce("issue_comment", "deleted", call.repository, payload)
    return Answer(204)


def _only_own(call: Call, author: str) -> None:
    """An app may not put words into another's mouth."""
    if author != call.login:
        raise Refusal(403, "Resource not accessible by integration")


def issue_comment_reactions(call: Call) -> Answer:
    return call.page(_issue_comment(call).reactions, lambda r: _reaction(call, r))


def react_to_issue_comment(call: Call) -> Answer:
    return _react(call, _issue_comment(call))


def _reaction(call: Call, reaction: Reaction) -> dict[str, object]:
    return {
        "id": reaction.id,
        "node_id": node_id("REA", reaction.id),
        "user": call.shapes.user(reaction.author),
        "content": reaction.content,
        "created_at": reaction.created_at,
    }


def _react(call: Call, comment: IssueComment | ReviewComment) -> Answer:
    """201, or 200 where we had already reacted so."""
    content = call.text("content")
    if content not in REACTIONS:
        raise invalid("Reaction", "content", "content is not included in the list", "invalid")
    for known in comment.reactions:
        if (known.author, known.content) == (call.login, content):
            return Answer(200, _reaction(call, known))
    made = Reaction(call.world.new_id(), call.login, content, call.world.timestamp())
    comment.reactions.append(made)
    return Answer(201, _reaction(call, made))


def review_comment_reactions(call: Call) -> Answer:
    """All, or those of the content that is asked for."""
    wanted = call.query.get("content")
    found = [each for each in _review_comment(call).reactions if wanted in (None, each.content)]
    return call.page(found, lambda r: _reaction(call, r))


def react_to_review_comment(call: Call) -> Answer:
    return _react(call, _review_comment(call))


def _review_comment(call: Call) -> ReviewComment:
    wanted = call.number("comment_id")
    for comment in call.world.review_comments:
        if comment.id == wanted and comment.repository == call.repository.id:
            return comment
    raise Refusal(404, "Not Found")
