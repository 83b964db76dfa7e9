"""The values that flow through a review, from a Change to a Report. No behaviour beyond what
follows from the fields.

Lines are 1-based and ranges inclusive, everywhere; the language server alone converts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Axis(StrEnum):
    """A quality the user sees. A model's *criteria* serve axes; the bundle says which."""

    CORRECTNESS = "correctness"
    EFFICIENCY = "efficiency"
    READABILITY = "readability"
    SECURITY = "security"
    MAINTAINABILITY = "maintainability"


class Verdict(StrEnum):
    """What is said of one function on one axis. `UNSURE` is the normal case."""

    BETTER = "better"
    WORSE = "worse"
    UNSURE = "unsure"


# --- the change -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of changed lines: `base[base_start-1 : base_start-1+base_count]` became the same slice
    of head.

    A count of 0 is a pure insertion or deletion; its start is then the line before which the other
    side's lines stand.
    """

    base_start: int
    base_count: int
    head_start: int
    head_count: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """One text file on both sides.

    None where the file does not exist there. Paths are POSIX, relative to the root.
    """

    path: str
    base: str | None
    head: str | None
    base_path: str | None = None
    """Where the base side stood if the file was renamed, else None."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is part of the change but is not reviewed, and why (one plain sentence)."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a source yields.

    `base` and `head` name the sides as a person would (a full hash, "index", a folder).
    """

    base: str
    head: str
    files: tuple[FileChange, ...]
    skipped: tuple[Skipped, ...] = ()
    intent: str | None = None


# --- functions ------------------------------------------------------------------------------------


class FunctionKind(StrEnum):
    """What a reviewed piece of code is.

    The last two are what is left of a class or file without its functions.
    """

    FUNCTION = "function"
    METHOD = "method"
    LAMBDA = "lambda"
    CLASS_BODY = "class body"
    MODULE = "module"


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines start to end, both inclusive."""

    start: int
    end: int

    def __contains__(self, line: int) -> bool:
        return self.start <= line <= self.end


@dataclass(frozen=True, slots=True)
class Function:
    """A reviewed piece of code on one side.

    name: qualified ("Cart.total", "<module>"). text: its lines, decorators and doc comments
    included. spans: where those lines stand, in order; one range but for class bodies and modules,
    whose functions are cut out.
    """

    name: str
    kind: FunctionKind
    text: str
    spans: tuple[LineRange, ...]
    has_error: bool = False
    """Whether the parser met a syntax error inside."""

    @property
    def lines(self) -> LineRange:
        """From the first line to the last."""
        return LineRange(self.spans[0].start, self.spans[-1].end)


@dataclass(frozen=True, slots=True)
class ChangedFunction:
    """A function whose text differs between the sides.

    None: it does not exist there. At least one side exists.
    """

    path: str
    language: str
    base: Function | None
    head: Function | None
    hunks: tuple[Hunk, ...] = ()

    @property
    def name(self) -> str:
        """Its name at head, or at base if it is gone."""
        return self.shown.name

    @property
    def kind(self) -> FunctionKind:
        """Its kind at head, or at base if it is gone."""
        return self.shown.kind

    @property
    def shown(self) -> Function:
        """The side to show: head if it exists."""
        side = self.head or self.base
        if side is None:
            raise ValueError(f"{self.path}: a changed function without sides")
        return side


# --- the report -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AxisScore:
    """One function on one axis.

    margin = reward(head) - reward(base) in logits. preference: calibrated P(head better), in [0,
    1]. why: the reason, in a few words, where the verdict is `unsure` against the number. speaks:
    whether the model was ever precise enough on the criterion to give a verdict. by_judge: whether
    all this is the second model's word (`cascade`), not the first's.
    """

    axis: Axis
    criterion: str
    margin: float
    preference: float
    verdict: Verdict
    why: str | None = None
    speaks: bool = True
    by_judge: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """What the model reads of a function that is too long for it: the same lines around the same
    hunks.

    base: its text counts, not where it stands. head: its spans are the lines that are read. hunks:
    how many of the function's are in it; left_out: how many are not.
    """

    base: Function
    head: Function
    hunks: int
    left_out: int = 0

    @property
    def words(self) -> str:
        """How reports speak of it: `window of 120 lines around the change`."""
        lines = sum(span.end - span.start + 1 for span in self.head.spans)
        of = f"{self.hunks} of its {self.hunks + self.left_out} hunks" if self.left_out else ""
        return f"window of {lines} lines around {of or 'the change'}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a new function stands among others of its repository: information, never a verdict.

    axes: those that the criterion serves. share: of the others, how many have a lower reward, in
    [0, 1]. among: how many others there are, of its size.
    """

    axes: tuple[Axis, ...]
    criterion: str
    share: float
    among: int


@dataclass(frozen=True, slots=True)
class FunctionReview:
    """A changed function with its scores; no scores when a side is missing or it was not scored
    (`note` says why).

    window: what was read of it, None for the whole. standings: of a new function, by criterion.
    """

    function: ChangedFunction
    scores: Mapping[Axis, AxisScore] = field(default_factory=dict)
    note: str | None = None
    window: Window | None = None
    standings: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """A part of a function's change and what it has to do with a finding.

    Lines are at head; a deletion has the line before it. without: P(head better) with this part as
    in base. alone: the same with this part as the only change; None where that does not parse, or
    was not asked because some part is telling without it.
    """

    start_line: int
    end_line: int
    without: float
    alone: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A confident `worse`.

    `id` holds no line number: the same change keeps its id when it moves (see findings.py). Its
    lines are those of the first cause where that one is worth pointing at, else all that changed.
    causes: the most to blame first, before it the statement of it that is, where it is large; none
    where the change is one small part. interaction: what of the margin no part has alone, in
    logits; None where that was not asked. by_judge: whether the second model found it.
    """

    id: str
    path: str
    start_line: int
    end_line: int
    axis: Axis
    criterion: str
    preference: float
    margin: float
    function: str
    message: str
    causes: tuple[Cause, ...] = ()
    interaction: float | None = None
    by_judge: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """A finding that is not shown, and why: suppressed, off by configuration."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class BundleIdentity:
    """Which model spoke.

    `sha256` is the hash of the manifest, which holds every other file's hash.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class JudgeStatistics:
    """What the judge cost. functions: put to it; of one text it reads other tokens than the first.

    tokens, tokens_computed: as in `Statistics`.
    """

    functions: int
    sequences: int
    cache_hits: int
    tokens: int
    tokens_computed: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the review cost. Left out when reports are compared.

    judge: None where there is none; the other counts are the first model's alone.
    """

    seconds: float
    files: int
    functions: int
    sequences: int
    cache_hits: int
    tokens: int
    """Tokens the sequences hold together."""
    tokens_computed: int
    """Tokens that went through the model; fewer, because common prefixes are shared and results
    cached.
    """
    judge: JudgeStatistics | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a renderer needs. Functions are in the order of the files, then of lines."""

    bundle: BundleIdentity
    base: str
    head: str
    intent: str | None
    functions: tuple[FunctionReview, ...]
    findings: tuple[Finding, ...]
    withheld: tuple[Withheld, ...]
    skipped: tuple[Skipped, ...]
    notices: tuple[str, ...]
    """What the reader should know of the whole: unused ignores, languages out of distribution."""
    statistics: Statistics
    judge: BundleIdentity | None = None
    """The second model, where one is named, whether or not it was asked."""
