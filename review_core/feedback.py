"""What people say of findings, kept on this machine: which were shown, and which were right.

A review leaves the findings it showed with both texts of their functions, so that an answer needs
no second review and holds what training needs. Nothing is sent anywhere.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from review_core.config import folders_up
from review_core.errors import InputError
from review_core.records import PreferencePair, open_text
from review_core.renderers.view import shared_findings, speaker_of
from review_core.types import Report

MOST_SHOWN = 1000
"""Findings that are remembered as shown, of all repositories together; answers stay for good."""
ANSWERS_FORMAT = 1
SHORTEST_ID = 4
"""Digits of an id that are enough if no other begins so."""
_SCHEMA_VERSION = 1
_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding as it was shown. preference: calibrated P(head better). bundle: the model's hash.

    ids: one for each axis that the finding was shown for; the first is the finding's own.
    """

    ids: tuple[str, ...]
    path: str
    function: str
    language: str
    axis: str
    criterion: str
    preference: float
    bundle: str
    intent: str
    base: str
    head: str

    @property
    def id(self) -> str:
        """The finding's own."""
        return self.ids[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said of a finding. right: whether head is worse, as the finding says."""

    finding: ShownFinding
    right: bool
    note: str | None
    date: str


def default_feedback_path() -> Path:
    """The user's store of feedback."""
    from platformdirs import user_data_path

    return user_data_path("themis-review") / "feedback.sqlite"


def repository_of(directory: Path) -> str:
    """What answers are kept under: the repository's root, or the folder outside of one."""
    *_, last = folders_up(directory)
    return str(last if (last / ".git").exists() else directory.resolve())


def shown_findings(report: Report) -> Iterator[ShownFinding]:
    """The findings of a report, those of several axes as one, as they are shown."""
    for shared in shared_findings(report):
        function, finding = shared.review.function, shared.finding
        if function.base is None or function.head is None:
            continue
        yield ShownFinding(
            ids=tuple(each.id for each in report.findings if shared.stands_for(each)),
            path=finding.path,
            function=finding.function,
            language=function.language,
            axis=", ".join(shared.axes),
            criterion=finding.criterion,
            preference=finding.preference,
            bundle=speaker_of(finding, report).sha256,
            intent=report.intent or "",
            base=function.base.text,
            head=function.head.text,
        )


def preference_pairs(answers: Iterable[Answer], repository: str) -> Iterator[PreferencePair]:
    """The answers as training reads them.

    A right finding prefers base. A wrong one says that head is not worse, not that it is better:
    the sides are as good as one another, a tie.
    """
    name = re.sub(r"[^\w.-]", "_", Path(repository).name) or "repository"
    for answer in answers:
        finding = answer.finding
        sides = (finding.base, finding.head)
        chosen, rejected = sides if answer.right else reversed(sides)
        yield PreferencePair(
            input=finding.intent,
            chosen=chosen,
            rejected=rejected,
            language=finding.language,
            aspect=finding.criterion,
            source=f"feedback/{name}@{finding.id}",
            subset="feedback",
            date=answer.date,
            idx=finding.id,
            tie=not answer.right,
        )


def write_answers(path: Path, answers: Sequence[Answer]) -> None:
    """Write answers with their findings, one JSON object a line, for `read_answers`.

    :raises InputError: if the file cannot be written.
    """
    with open_text(path, write=True) as lines:
        for answer in answers:
            lines.write(json.dumps({"format": ANSWERS_FORMAT, **asdict(answer)}) + "\n")


def read_answers(path: Path) -> list[Answer]:
    """The answers of a file that `write_answers` wrote.

    :raises InputError: naming file and line of the first thing that is none.
    """
    found = []
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                found.append(_answer(json.loads(line)))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise InputError(
                    f"{path}:{number} is not an answer to a finding ({error}); such files are "
                    "written by `themis feedback export --answers` and by the GitHub App"
                ) from error
    return found


def _answer(record: Any) -> Answer:
    if record["format"] != ANSWERS_FORMAT:
        raise ValueError(f"format {record['format']!r}, this version reads {ANSWERS_FORMAT}")
    finding = _finding(json.dumps(record["finding"]))
    texts = {name: getattr(finding, name) for name in ("criterion", "bundle", "base", "head")}
    right, date = record["right"], record["date"]
    if not all(isinstance(each, str) for each in (*finding.ids, *texts.values(), date)):
        raise ValueError("a text is of another kind")
    if not isinstance(right, bool) or not 0 <= finding.preference <= 1 or not finding.ids:
        raise ValueError("right, preference or ids are out of range")
    return Answer(finding, right, record["note"], date)


class FeedbackStore:
    """A SQLite file that several processes may share; only its owner may read it."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        most_shown: int = MOST_SHOWN,
    ) -> None:
        """Use the store at `path`; it is made by the first thing that is kept.

        :param clock: seconds since 1970.
        :param most_shown: findings without an answer, of all repositories; the oldest go.
        """
        self._path = path
        self._clock = clock
        self._most_shown = most_shown

    def remember(self, repository: str, findings: Sequence[ShownFinding]) -> None:
        """Keep findings as shown; the oldest go when there are too many.

        :raises InputError: if the store cannot be used.
        """
        if not findings:
            return
        now = self._clock()
        rows = [(repository, each.id, now, json.dumps(asdict(each))) for each in findings]
        with self._connection() as database, database:
            database.executemany("INSERT OR REPLACE INTO shown VALUES (?, ?, ?, ?)", rows)
            database.execute(
                "DELETE FROM shown WHERE rowid NOT IN "
                "(SELECT rowid FROM shown ORDER BY seen DESC, rowid DESC LIMIT ?)",
                (self._most_shown,),
            )

    def shown(self, repository: str) -> list[ShownFinding]:
        """The findings that were shown in a repository, the newest first."""
        with self._connection() as database:
            rows = database.execute(
                "SELECT record FROM shown WHERE repository = ? ORDER BY seen DESC, rowid",
                (repository,),
            )
            return [_finding(record) for (record,) in rows]

    def repositories(self) -> list[str]:
        """Those of which something is kept, in order."""
        with self._connection() as database:
            rows = database.execute(
                "SELECT repository FROM shown UNION SELECT repository FROM answers ORDER BY 1"
            )
            return [repository for (repository,) in rows]

    def take_in(self, repository: str, answers: Iterable[Answer]) -> int:
        """Keep answers that were given elsewhere; of one finding the later one. How many are new.

        :raises InputError: if the store cannot be used.
        """
        known = {each.finding.id: each for each in self.answers(repository)}
        new = [
            each
            for each in answers
            if each.finding.id not in known or known[each.finding.id].date < each.date
        ]
        with self._connection() as database, database:
            database.executemany(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                [_row(repository, each) for each in new],
            )
        return len(new)

    def drop_shown(self, before: float) -> int:
        """Drop findings shown before a moment (seconds since 1970); answers stay. How many."""
        with self._connection() as database, database:
            return database.execute("DELETE FROM shown WHERE seen < ?", (before,)).rowcount

    def answer(self, repository: str, id_: str, *, right: bool, note: str | None) -> Answer:
        """Keep what is said of a finding; a second answer replaces the first.

        :param id_: of the finding, or enough of its start.
        :raises InputError: if no such finding was shown, or more than one.
        """
        known = {each.id: each for each in self.shown(repository)}
        known |= {each.finding.id: each.finding for each in self.answers(repository)}
        finding = _only(id_, list(known.values()), "shown here")
        date = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        answer = Answer(finding, right, note, date)
        with self._connection() as database, database:
            database.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                _row(repository, answer),
            )
        return answer

    def answers(self, repository: str) -> list[Answer]:
        """All that was said in a repository, the oldest first."""
        with self._connection() as database:
            rows = database.execute(
                "SELECT record, is_right, note, given FROM answers WHERE repository = ? "
                "ORDER BY given, id",
                (repository,),
            )
            return [
                Answer(_finding(record), bool(right), note, given)
                for record, right, note, given in rows
            ]

    def forget(self, repository: str, id_: str) -> ShownFinding:
        """Drop what was said of a finding, and the finding.

        :raises InputError: if there is no such finding, or more than one.
        """
        known = {each.id: each for each in self.shown(repository)}
        known |= {each.finding.id: each.finding for each in self.answers(repository)}
        finding = _only(id_, list(known.values()), "kept here")
        with self._connection() as database, database:
            for table in ("shown", "answers"):
                database.execute(
                    f"DELETE FROM {table} WHERE repository = ? AND id = ?", (repository, finding.id)
                )
        return finding

    def forget_all(self, repository: str) -> int:
        """Drop all that is kept of a repository; how many answers that were."""
        with self._connection() as database, database:
            database.execute("DELETE FROM shown WHERE repository = ?", (repository,))
            dropped = database.execute("DELETE FROM answers WHERE repository = ?", (repository,))
            return dropped.rowcount

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)  # it holds code
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as database:
                database.execute("PRAGMA secure_delete = ON")  # what is forgotten is gone
                _prepare(database)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise InputError(
                f"the feedback store {self._path} cannot be used ({error}); "
                "if this stays, move the file away"
            ) from error


def _prepare(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == _SCHEMA_VERSION:
        return
    if version:
        raise sqlite3.DatabaseError(f"its layout is of another version ({version})")
    with database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS shown (repository TEXT, id TEXT, seen REAL NOT NULL, "
            "record TEXT NOT NULL, PRIMARY KEY (repository, id))"
        )
        database.execute(
            "CREATE TABLE IF NOT EXISTS answers (repository TEXT, id TEXT, "
            "is_right INTEGER NOT NULL, note TEXT, given TEXT NOT NULL, record TEXT NOT NULL, "
            "PRIMARY KEY (repository, id))"
        )
        database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")


def _only(id_: str, findings: Sequence[ShownFinding], where: str) -> ShownFinding:
    exact = [each for each in findings if id_ in each.ids]
    enough = len(id_) >= SHORTEST_ID
    like = [each for each in findings if any(own.startswith(id_) for own in each.ids)]
    found = exact or (like if enough else [])
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{len(found)} findings begin with {id_}; give more of the id")
    raise InputError(
        f"no finding {id_} was {where}; themis feedback list has those that were, and a review "
        "adds its own where the configuration says remember_findings = true"
    )


def _row(repository: str, answer: Answer) -> tuple[str, str, bool, str | None, str, str]:
    finding = json.dumps(asdict(answer.finding))
    return repository, answer.finding.id, answer.right, answer.note, answer.date, finding


def _finding(record: str) -> ShownFinding:
    fields = json.loads(record)
    return ShownFinding(**{**fields, "ids": tuple(fields["ids"])})
