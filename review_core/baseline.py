"""Findings that a team has seen and lives with, in `.themis-baseline.json`: withheld from then on.

Findings are known again by their id, which holds no line number but the texts of both sides and the
model: an edited function is judged anew, and another model knows none of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review_core.config import folders_up
from review_core.errors import ConfigurationError
from review_core.types import BundleIdentity, Finding

FILE_NAME = ".themis-baseline.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Baseline:
    """The ids of known findings, the models that found them, and where that is written."""

    ids: frozenset[str] = frozenset()
    bundle: str | None = None
    source: str = FILE_NAME
    judge: str | None = None

    def notices(self, model: BundleIdentity, judge: BundleIdentity | None = None) -> Iterable[str]:
        """What the reader of a report must know of it.

        :param judge: the second model, where there is one.
        """
        if self.ids and self.bundle != model.sha256:
            yield (
                f"{self.source} was written with another model and knows nothing of this one's "
                "findings; write it again: themis baseline write"
            )
        elif self.ids and judge is not None and self.judge != judge.sha256:
            yield (
                f"{self.source} was written without this judge and knows nothing of its "
                "findings; write it again: themis baseline write"
            )

    @classmethod
    def from_text(cls, text: str, source: str) -> Baseline:
        """Read the file's text.

        :raises ConfigurationError: naming `source` and what is wrong with it.
        """
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT:
                raise ConfigurationError(
                    f"{source} has format {document['format']!r} and this version reads {_FORMAT}; "
                    "upgrade themis-review or write it again: themis baseline write"
                )
            ids = frozenset(str(each["id"]) for each in document["findings"])
            judge = document.get("judge")
            return cls(ids, str(document["bundle"]), source, None if judge is None else str(judge))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{source} is no baseline ({type(error).__name__}: {error}); "
                "write it again: themis baseline write"
            ) from error


NO_BASELINE = Baseline()


def load_baseline(directory: Path) -> Baseline:
    """The nearest baseline, up to the repository's root; an empty one where there is none.

    :raises ConfigurationError: if it cannot be read.
    """
    for folder in folders_up(directory):
        file = folder / FILE_NAME
        if file.is_file():
            try:
                return Baseline.from_text(file.read_text("utf-8"), str(file))
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"cannot read {file}: {error}") from error
    return NO_BASELINE


def baseline_text(
    bundle: BundleIdentity, findings: Iterable[Finding], judge: BundleIdentity | None = None
) -> str:
    """The file's text; sorted, one finding a line, so that merging two of them is easy."""
    entries = {each.id: _entry(each) for each in findings}
    lines = ",\n".join(
        "  " + json.dumps(entries[id_], ensure_ascii=False)
        for id_ in sorted(entries, key=lambda id_: (entries[id_]["path"], id_))
    )
    found = f"[\n{lines}\n ]" if lines else "[]"
    models = f' "bundle": "{bundle.sha256}",\n'
    if judge is not None:
        models += f' "judge": "{judge.sha256}",\n'
    return f'{{\n "format": {_FORMAT},\n{models} "findings": {found}\n}}\n'


def _entry(finding: Finding) -> Mapping[str, Any]:
    return {
        "id": finding.id,
        "path": finding.path,
        "function": finding.function,
        "axis": finding.axis.value,
    }
