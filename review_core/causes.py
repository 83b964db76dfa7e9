"""Findings with what each part of a change has to do with them. What the parts are,
`review_core.attribution` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from review_core.attribution import Part, parts_of
from review_core.findings import percent
from review_core.judge import Judge
from review_core.layout import normalise
from review_core.margins import Rewards, language_at, sides_read
from review_core.types import Cause, Finding, FunctionReview

_TELLING = 0.05
"""What a part must be worth in P(worse) for the finding to point at it alone."""


def attributed(
    shown: Sequence[tuple[Finding, FunctionReview]], judge: Judge, rewards: Rewards
) -> Iterator[Finding]:
    """The findings, each with what each part of its function's change has to do with it."""
    parts: dict[int, tuple[Part, ...]] = {}
    for _, review in shown:
        read = review.window or review.function
        base, head = read.base, read.head
        if id(review) not in parts and base is not None and head is not None:
            parts[id(review)] = parts_of(base, head, language_at(review.function))
    texts = [
        text
        for _, review in shown
        for part in parts[id(review)]
        for text in (sides_read(review)[0], part.without, part.alone)
        if text is not None
    ]
    codes = list(dict.fromkeys(map(normalise, texts)))
    known = dict(zip(codes, rewards(codes) if codes else (), strict=True))
    for finding, review in shown:
        yield _with_causes(finding, review, parts[id(review)], judge, known)


def _with_causes(
    finding: Finding,
    review: FunctionReview,
    parts: Sequence[Part],
    judge: Judge,
    known: Mapping[str, Mapping[str, float] | None],
) -> Finding:
    base = sides_read(review)[0]

    def margin(text: str | None) -> float | None:
        ours, theirs = None if text is None else known[normalise(text)], known[base]
        return ours[finding.criterion] - theirs[finding.criterion] if ours and theirs else None

    def preference(found: float) -> float:
        return judge.calibration.preference(finding.criterion, found, review.function.language)

    causes: list[tuple[float, Cause]] = []
    left: float | None = finding.margin
    for part in parts:
        without, alone = margin(part.without), margin(part.alone)
        if without is None:
            return finding  # longer than the model reads
        harms = [without - finding.margin, *([] if alone is None else [-alone])]
        told = None if alone is None else preference(alone)
        cause = Cause(part.lines.start, part.lines.end, preference(without), told)
        causes.append((sum(harms) / len(harms), cause))
        left = None if left is None or alone is None else left - alone
    if not causes:
        return finding
    ordered = [cause for _, cause in sorted(causes, key=lambda each: -each[0])]
    finding = replace(finding, causes=tuple(ordered), interaction=left)
    first = ordered[0]
    if first.without - finding.preference < _TELLING:
        return finding
    return replace(
        finding,
        start_line=first.start_line,
        end_line=first.end_line,
        message=f"{finding.message}; without these lines {percent(1 - first.without)}",
    )
