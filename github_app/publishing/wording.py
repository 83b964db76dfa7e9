"""What people read on lines of a pull request: comments, a review's first words, farewells.

A comment holds no line number and no commit: as long as its finding stays, so does its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from github_app.github.values import NewComment
from github_app.publishing.lines import anchor_of, is_shown
from github_app.publishing.marks import FindingMark
from github_app.publishing.outcome import Identified, Outcome
from github_app.publishing.suggestions import Suggestion
from review_core.findings import criterion_words, percent
from review_core.renderers.markup import code, escaped, fenced
from review_core.renderers.view import counted, model_name, speaker_of
from review_core.types import Axis

_PEOPLE: Mapping[Axis, str] = {
    Axis.CORRECTNESS: "had to repair",
    Axis.EFFICIENCY: "made faster or leaner",
    Axis.READABILITY: "tidied up",
    Axis.SECURITY: "had to harden",
    Axis.MAINTAINABILITY: "tidied up",
}


def new_comment(
    each: Identified, outcome: Outcome, suggestion: Suggestion | None = None
) -> NewComment:
    """The comment with its place in the diff, or on the file where the diff has none for it."""
    file = outcome.files.get(each.path)
    if file is None:
        return file_comment(each, outcome)
    place = anchor_of(each.shared.finding, each.shared.review.function, file)
    if suggestion is not None and is_shown(suggestion.place, file):
        place = suggestion.place
    else:
        suggestion = None
    if place is None:
        return file_comment(each, outcome)
    first, last = place.lines.start, place.lines.end
    return NewComment(
        each.path,
        comment_body(each, outcome, suggestion),
        last,
        start_line=None if first == last else first,
        side=place.side,
    )


def file_comment(each: Identified, outcome: Outcome) -> NewComment:
    """The comment on the file as a whole."""
    return NewComment(each.path, comment_body(each, outcome), None)


def comment_body(each: Identified, outcome: Outcome, suggestion: Suggestion | None = None) -> str:
    """What the comment says. With a suggestion it must stand on the very lines to be replaced."""
    return "\n".join(_body(each, outcome, suggestion)) + "\n"


def without_suggestion(body: str, mark: FindingMark) -> str:
    """A comment of ours as it would be without its suggestion."""
    start, end = map(re.escape, _fences(mark))
    return re.sub(f"{start}.*{end}\n\n", "", body.replace("\r\n", "\n"), flags=re.DOTALL)


def review_body(posted: Sequence[Identified], reviewed: int) -> str:
    """The words above a review's comments."""
    functions = len({(each.path, each.shared.finding.function) for each in posted})
    return f"{counted(functions, 'function')} likely worse than base, of {reviewed} reviewed."


def farewell(mark: FindingMark) -> str:
    """What a comment says whose finding is gone."""
    return f"{mark}\nNo longer found at the head of this pull request.\n"


def likely(each: Identified) -> str:
    """A finding in a few words."""
    finding = each.shared.finding
    subject = ", ".join(each.shared.axes)
    if finding.message.startswith(f"{finding.axis} ("):  # one of several criteria: named
        subject = f"{subject} ({criterion_words(finding.criterion)})"
    return f"{subject}: likely worse than base, P(worse) {percent(1 - finding.preference)}"


def _body(each: Identified, outcome: Outcome, suggestion: Suggestion | None) -> Iterator[str]:
    finding = each.shared.finding
    yield str(each.mark)
    yield f"**{'⛔ ' if each.blocks else ''}{escaped(likely(each))}** · {code(finding.function)}"
    yield ""
    yield (
        "When the model was this sure, the head side was mostly the one that people "
        f"{_PEOPLE[finding.axis]} later. It reads this function alone."
    )
    yield ""
    if suggestion is not None:
        start, end = _fences(each.mark)
        yield start
        yield f"Without this hunk P(worse) is {percent(1 - suggestion.without)}:"
        yield ""
        yield from fenced(suggestion.replacement, "suggestion")
        yield end
        yield ""
    asked = "👍 or 👎 says whether it is right, and is kept. " if outcome.asks else ""
    yield (
        f"<sub>{asked}Not so? Resolve this conversation, or write "
        f"{code(f'themis: ignore[{each.shared.axes[0]}]')} in a comment above the function. "
        f"{escaped(model_name(speaker_of(finding, outcome.report)))}</sub>"
    )


def _fences(mark: FindingMark) -> tuple[str, str]:
    """What stands around a suggestion. No text can hold the hash of itself."""
    return f"<!-- suggestion {mark.id} -->", f"<!-- end {mark.id} -->"
