"""Margins of every pair on disk: scored once, resumed where a run broke off, read again for new
figures without a model.

A file is JSON Lines in zstd: a header that says what was scored by what, then a line a pair.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review_core.bench import PairScorer, batches
from review_core.calibration import Calibration
from review_core.comments import same_code
from review_core.errors import InputError
from review_core.languages import language_named
from review_core.metrics import PairOutcome
from review_core.records import PreferencePair
from training.sampling import chosen_is_longer

log = logging.getLogger(__name__)
FORMAT = 1
_TOLD_BY = (
    "input",
    "chosen",
    "rejected",
    "language",
    "aspect",
    "fine_aspect",
    "source",
    "subset",
    "idx",
    "tie",
)
"""The fields of a pair that its line here comes from; further ones may come and go."""


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """A pair without its code: what figures need.

    margins: reward(chosen) - reward(rejected) by criterion, in logits; None where a side is longer
    than the model reads. longer: whether the chosen side has more characters, None if neither.
    judged: whether a review would judge such a change (it leaves comments and layout alone).
    """

    idx: str | None
    group: str
    aspect: str
    fine_aspect: str | None
    language: str
    subset: str
    tie: bool
    longer: bool | None
    judged: bool
    margins: Mapping[str, float] | None

    def outcome(self, criterion: str, calibration: Calibration) -> PairOutcome | None:
        """As metrics count it on this criterion; None where it was not scored on it."""
        if self.margins is None or criterion not in self.margins:
            return None
        margin = self.margins[criterion]
        return PairOutcome(
            margin=margin,
            preference=calibration.preference(criterion, margin, self.language),
            aspect=criterion,
            language=self.language,
            subset=self.subset,
            group=self.group,
            longer=self.longer,
        )


def score_pairs(
    path: Path, pairs: Sequence[PreferencePair], scorer: PairScorer, identity: str
) -> list[ScoredPair]:
    """The margins of all pairs, kept at `path`.

    Run again with the same pairs and model, it reads what is there and scores what is missing.

    :param identity: what tells the scorer from others: a hash of its weights.
    :raises InputError: if `path` holds margins of other pairs or of another model.
    """
    header = {"format": FORMAT, "scorer": identity, "pairs": len(pairs), "of": pairs_hash(pairs)}
    if path.exists():
        found, scored = read_margins(path)
        _check_same(path, found, header)
        return scored
    partial = path.with_name(f"{path.name}.partial")
    done = _resume(partial, header)
    scored = _read_lines(done)
    if scored:
        log.info("%s: going on after %d of %d pairs", path.name, len(scored), len(pairs))
    with partial.open("w", encoding="utf-8") as lines:
        _write(lines, header, scored)
        for batch, intent in batches(pairs[len(scored) :], by_intent=scorer.reads_intent):
            fresh = _score(batch, intent, scorer)
            _write(lines, None, fresh)
            lines.flush()
            scored += fresh
            log.info("%s: %d of %d pairs", path.name, len(scored), len(pairs))
    write_margins(path, header, scored)
    partial.unlink()
    return scored


def write_margins(path: Path, header: Mapping[str, Any], scored: Iterable[ScoredPair]) -> None:
    """Write a file of margins, whole or not at all."""
    import zstandard

    text = io.StringIO()
    _write(text, header, scored)
    partial = path.with_name(f"{path.name}.writing")
    partial.write_bytes(zstandard.compress(text.getvalue().encode("utf-8"), 10))
    partial.rename(path)


def read_margins(path: Path) -> tuple[dict[str, Any], list[ScoredPair]]:
    """Header and pairs of a file of margins.

    :raises InputError: if it is none.
    """
    import zstandard

    try:
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            header, *lines = io.TextIOWrapper(stream, encoding="utf-8").read().splitlines()
        about = json.loads(header)
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']}")
        return about, _read_lines(lines)
    except (OSError, ValueError, KeyError, TypeError, zstandard.ZstdError) as error:
        raise InputError(f"{path} is no file of margins ({error}); remove it") from error


def _score(batch: Sequence[PreferencePair], intent: str, scorer: PairScorer) -> list[ScoredPair]:
    codes = [code for pair in batch for code in (pair.chosen, pair.rejected)]
    rewards = scorer.rewards(codes, intent=intent)
    found = []
    for index, pair in enumerate(batch):
        chosen, rejected = rewards[2 * index], rewards[2 * index + 1]
        margins = (
            None
            if chosen is None or rejected is None
            else {key: chosen[key] - rejected[key] for key in scorer.criteria}
        )
        found.append(
            ScoredPair(
                idx=pair.idx,
                group=pair.group,
                aspect=pair.aspect,
                fine_aspect=pair.fine_aspect,
                language=pair.language,
                subset=pair.subset or "unknown",
                tie=pair.tie,
                longer=chosen_is_longer(pair),
                judged=not _only_looks(pair),
                margins=margins,
            )
        )
    return found


def _only_looks(pair: PreferencePair) -> bool:
    language = language_named(pair.language)
    return language is not None and same_code(pair.rejected, pair.chosen, language)


def _resume(partial: Path, header: Mapping[str, Any]) -> list[str]:
    """The whole lines of a run that broke off; none where it was of other pairs or another model
    (what is not finished is not kept for its own sake).
    """
    if not partial.exists():
        return []
    text = partial.read_text("utf-8")
    first, *lines = text[: text.rfind("\n") + 1].splitlines() or [""]
    return lines if first == json.dumps(header) else []


def _write(lines: Any, header: Mapping[str, Any] | None, scored: Iterable[ScoredPair]) -> None:
    if header is not None:
        lines.write(json.dumps(header) + "\n")
    for each in scored:
        fields = {name: getattr(each, name) for name in ScoredPair.__slots__}
        lines.write(json.dumps(fields, ensure_ascii=False) + "\n")


def _read_lines(lines: Sequence[str]) -> list[ScoredPair]:
    return [ScoredPair(**json.loads(line)) for line in lines]


def _check_same(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key, what in (("of", "other pairs"), ("scorer", "another model")):
        if found.get(key) != wanted[key]:
            raise InputError(f"{path} has the margins of {what}; name another folder or remove it")


def pairs_hash(pairs: Sequence[PreferencePair]) -> str:
    """What tells these pairs, in this order, from others."""
    digest = hashlib.sha256()
    for pair in pairs:
        fields = [getattr(pair, name) for name in _TOLD_BY]
        digest.update(repr(fields).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
