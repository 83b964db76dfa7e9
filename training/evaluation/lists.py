"""Re-ranking: prompts with several responses each, ranked by reward, and what chance and length
would make of them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review_core.bench import PairScorer
from review_core.errors import InputError
from review_core.metrics import Estimate, mean_by_group
from training.evaluation.benchmark import read_rows
from training.evaluation.lines import read_lines

HITS = (1, 5, 10)
_DEFAULT_ASPECT = "Functional_Correctness"  # what tests can tell


@dataclass(frozen=True, slots=True)
class ResponseList:
    """A prompt and its responses.

    scores: how good each is, any scale, more is better. correct: which are right; where a file does
    not say, those of the greatest score.
    """

    prompt: str
    responses: tuple[str, ...]
    scores: tuple[float, ...]
    correct: tuple[bool, ...]
    language: str
    aspect: str
    group: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Means over prompts, with 95 % intervals (bootstrap over groups).

    hits: by k, the share of prompts with a right response among the first k; mrr: mean of 1 / rank
    of the first right one; both over `answerable` prompts, which have one. spearman, kendall: of
    reward and score, over prompts where both vary.
    """

    prompts: int
    answerable: int
    hits: Mapping[int, Estimate]
    mrr: Estimate
    spearman: Estimate
    kendall: Estimate

    def to_json(self) -> dict[str, Any]:
        """All fields, rounded to 4 decimals."""
        return {
            "prompts": self.prompts,
            "answerable": self.answerable,
            **{f"hits_at_{k}": each.to_json() for k, each in self.hits.items()},
            "mrr": self.mrr.to_json(),
            "spearman": self.spearman.to_json(),
            "kendall": self.kendall.to_json(),
        }


def holds_lists(record: Mapping[str, Any]) -> bool:
    """Whether a file that starts with this record holds lists and not pairs."""
    return "responses" in record or "completions" in record


def read_lists(path: Path) -> Iterator[ResponseList]:
    """The lists of a .jsonl, .jsonl.zst or .parquet file.

    A record has prompt (or input, description), responses (or completions) and one of: correct (a
    flag each; or final_verdict), scores, or num_passed with num_failed; language, aspect and source
    where it knows them.

    :raises InputError: naming file, record and field where one is not a list.
    """
    for number, record in _records(path):
        try:
            yield _list(record, f"{path}:{number}")
        except (KeyError, TypeError, ValueError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(
                f"{path}:{number} is no list of responses ({reason}); it needs prompt, responses, "
                "and a score or a correct flag for each"
            ) from error


def list_rewards(
    path: Path,
    lists: Sequence[ResponseList],
    scorer: PairScorer,
    identity: str,
    progress: Callable[[int, int], None],
) -> list[tuple[float, ...] | None]:
    """The rewards of each list's responses on its aspect, kept at `path` and gone on with there; a
    response too long to score is the last.

    None where the model does not answer to the aspect, or no response can be scored.
    """
    header = json.dumps({"scorer": identity, "of": _lists_hash(lists)})
    done = _whole_lines(path, header)
    found = [_from_json(json.loads(line)) for line in done]
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(f"{line}\n" for line in (header, *done))
        for each in lists[len(done) :]:
            rewards = _rewards(each, scorer)
            lines.write(json.dumps(rewards) + "\n")
            lines.flush()
            found.append(_from_json(rewards))
            progress(len(found), len(lists))
    return found


def rank(lists: Sequence[ResponseList], rewards: Sequence[Sequence[float]]) -> Ranking:
    """The figures of a ranking by reward. Of equal rewards the wrong responses come first: a model
    that cannot tell gets nothing for it.
    """
    first = [_first_right(each, got) for each, got in zip(lists, rewards, strict=True)]
    pairs = list(zip(lists, rewards, strict=True))
    return _ranking(
        lists,
        {k: [math.nan if at is None else float(at <= k) for at in first] for k in HITS},
        [math.nan if at is None else 1 / at for at in first],
        [_correlation(each.scores, got, "spearman") for each, got in pairs],
        [_correlation(each.scores, got, "kendall") for each, got in pairs],
    )


def rank_by_length(lists: Sequence[ResponseList]) -> Ranking:
    """What "longest first" gets."""
    return rank(lists, [[float(len(text)) for text in each.responses] for each in lists])


def rank_at_random(lists: Sequence[ResponseList]) -> Ranking:
    """What shuffling is expected to get, exactly."""
    counts = [(len(each.correct), sum(each.correct)) for each in lists]
    varied = [math.nan if len(set(each.scores)) < 2 else 0.0 for each in lists]
    return _ranking(
        lists,
        {k: [_chance_hit(n, right, k) for n, right in counts] for k in HITS},
        [_chance_reciprocal(n, right) for n, right in counts],
        varied,
        varied,
    )


def _ranking(
    lists: Sequence[ResponseList],
    hits: Mapping[int, Sequence[float]],
    reciprocal: Sequence[float],
    spearman: Sequence[float],
    kendall: Sequence[float],
) -> Ranking:
    groups = [each.group for each in lists]
    return Ranking(
        prompts=len(lists),
        answerable=sum(any(each.correct) for each in lists),
        hits={k: _mean(values, groups) for k, values in hits.items()},
        mrr=_mean(reciprocal, groups),
        spearman=_mean(spearman, groups),
        kendall=_mean(kendall, groups),
    )


def _mean(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    """Mean of the values that are there, with its interval over groups."""
    both = zip(groups, values, strict=True)
    return mean_by_group([(group, value) for group, value in both if not math.isnan(value)])


def _first_right(each: ResponseList, rewards: Sequence[float]) -> int | None:
    """The rank, from 1, of the first right response; None where there is none."""
    order = sorted(range(len(rewards)), key=lambda at: (-rewards[at], each.correct[at], at))
    return next((rank for rank, at in enumerate(order, 1) if each.correct[at]), None)


def _correlation(scores: Sequence[float], rewards: Sequence[float], kind: str) -> float:
    """NaN where one of the two is constant. Too long responses share the last rank."""
    from scipy.stats import kendalltau, rankdata, spearmanr

    if len(set(scores)) < 2 or len(set(rewards)) < 2:
        return math.nan
    measure = spearmanr if kind == "spearman" else kendalltau
    return float(measure(rankdata(scores), rankdata(rewards)).statistic)


def _chance_hit(count: int, right: int, k: int) -> float:
    """P(a right one among the first k of a shuffled list)."""
    if not right:
        return math.nan
    return 1 - math.comb(count - right, min(k, count)) / math.comb(count, min(k, count))


def _chance_reciprocal(count: int, right: int) -> float:
    """E(1 / rank of the first right one) in a shuffled list."""
    if not right:
        return math.nan
    return sum(
        math.comb(count - rank, right - 1) / math.comb(count, right) / rank
        for rank in range(1, count - right + 2)
    )


def _rewards(each: ResponseList, scorer: PairScorer) -> list[float | None] | None:
    if each.aspect not in scorer.criteria:
        return None
    intent = each.prompt if scorer.reads_intent else ""
    rewards = scorer.rewards(each.responses, intent=intent)
    return [None if reward is None else reward[each.aspect] for reward in rewards]


def _from_json(rewards: Sequence[float | None] | None) -> tuple[float, ...] | None:
    if rewards is None or all(reward is None for reward in rewards):
        return None
    return tuple(-math.inf if reward is None else reward for reward in rewards)


def _whole_lines(path: Path, header: str) -> list[str]:
    """What an earlier run on the same lists left, without a line that broke off."""
    text = path.read_text("utf-8") if path.exists() else ""
    first, *rest = text[: text.rfind("\n") + 1].splitlines() or [""]
    return rest if first == header else []


def _lists_hash(lists: Sequence[ResponseList]) -> str:
    digest = hashlib.sha256()
    for each in lists:
        digest.update(repr((each.prompt, each.responses, each.aspect)).encode("utf-8", "replace"))
    return digest.hexdigest()


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix == ".parquet":
        yield from enumerate(read_rows(path), 1)
        return
    for number, line in read_lines(path):
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{path}:{number} is not JSON ({error.msg}); a file has one object a line"
            ) from error


def _list(record: Mapping[str, Any], place: str) -> ResponseList:
    prompt = next((record[k] for k in ("prompt", "input", "description") if k in record), "")
    responses = tuple(record["responses"] if "responses" in record else record["completions"])
    flags = record.get("correct", record.get("final_verdict"))
    scores = _scores(record, flags)
    if not responses or not all(isinstance(each, str) for each in responses):
        raise ValueError("responses are texts, at least one")
    if len(scores) != len(responses):
        raise ValueError(f"{len(responses)} responses have {len(scores)} scores")
    if not all(math.isfinite(score) for score in scores):
        raise ValueError("scores are finite numbers")
    correct = [bool(flag) for flag in flags] if flags else [s == max(scores) for s in scores]
    if len(correct) != len(responses):
        raise ValueError(f"{len(responses)} responses have {len(correct)} correct flags")
    return ResponseList(
        prompt=str(prompt),
        responses=responses,
        scores=scores,
        correct=tuple(correct),
        language=str(record.get("language", "unknown")),
        aspect=str(record.get("aspect", _DEFAULT_ASPECT)),
        group=str(record.get("source") or record.get("id") or place),
    )


def _scores(record: Mapping[str, Any], flags: Sequence[Any] | None) -> tuple[float, ...]:
    if "scores" in record:
        return tuple(float(score) for score in record["scores"])
    if "num_passed" in record:
        both = zip(record["num_passed"], record["num_failed"], strict=True)
        return tuple(passed / max(1, passed + failed) for passed, failed in both)
    if flags is None:
        raise KeyError("scores")
    return tuple(float(bool(flag)) for flag in flags)
