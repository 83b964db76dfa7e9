"""From preference pairs to what a model is asked about them: which criteria, with which target and
weight, and whether length speaks for the answer.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tokenizers import Tokenizer

from review_core.layout import normalise
from review_core.records import PreferencePair
from training.card import Card
from training.fitting.settings import FitSettings
from training.margins import Margins, pair_key
from training.objective import soft_target
from training.sampling import chosen_is_longer

SoftLabels = Mapping[str, Margins]
"""What a teacher says, by the key of the pair."""


@dataclass(frozen=True, slots=True)
class Question:
    """A pair asked for one criterion.

    target: wanted P(chosen better). weight: relative to all others.
    """

    criterion: str
    target: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Example:
    """A pair and what is asked about it.

    length: log of chosen's over rejected's characters, centred and scaled within the pair's
    criterion; 0 for a tie.
    """

    pair: PreferencePair
    questions: tuple[Question, ...]
    length: float = 0.0


def make_examples(
    pairs: Iterable[PreferencePair],
    card: Card,
    tokenizer: Tokenizer,
    settings: FitSettings,
    soft: SoftLabels | None = None,
) -> tuple[list[Example], Counter[str]]:
    """The examples of a run, weighed, in the order of the pairs; and how many pairs were left out
    for which reason.
    """
    dropped: Counter[str] = Counter()
    examples: list[Example] = []
    longest = settings.max_tokens or card.max_tokens
    for pair in pairs:
        reason = unfit(pair, card, tokenizer, longest)
        if reason:
            dropped[reason] += 1
            continue
        examples.append(Example(pair, tuple(_questions(pair, card, settings, soft))))
    return _with_lengths(_weighed(examples, settings)), dropped


def unfit(pair: PreferencePair, card: Card, tokenizer: Tokenizer, longest: int) -> str | None:
    """Why a model cannot be asked about a pair; None if it can."""
    if pair.aspect not in card.criteria and not pair.tie:
        return "not a criterion of the model"
    sides = [normalise(code) for code in (pair.chosen, pair.rejected)]
    if not all(sides):
        return "a side is empty"
    if sides[0] == sides[1]:
        return "both sides read the same"
    prompts = [criterion.prompt or "" for criterion in card.criteria.values()]
    prompt = full_prompt(card) or max(prompts, key=len)
    # A token is a byte at least: short pairs need no counting, and most are short.
    around = len((prompt + pair.input).encode()) + 64 * len(card.layout.segments)
    for code in sides:
        if around + len(code.encode()) > longest:
            rendered = card.layout.render(tokenizer, code, criterion=prompt, intent=pair.input)
            if len(rendered.ids) > longest:
                return f"a side has more than {longest} tokens"
    return None


def full_prompt(card: Card) -> str:
    """The prompt that asks for all criteria at once: the card's own (`Full`, of published models),
    or its prompts one after the other; empty for a model with heads.
    """
    if "Full" in card.criteria:
        return card.criteria["Full"].prompt or ""
    return "\n".join(criterion.prompt for criterion in card.criteria.values() if criterion.prompt)


def _questions(
    pair: PreferencePair, card: Card, settings: FitSettings, soft: SoftLabels | None
) -> Iterator[Question]:
    margins: Margins = soft.get(pair_key(pair), {}) if soft else {}

    def question(criterion: str, hard: float, weight: float = 1.0) -> Question:
        if criterion not in margins:
            return Question(criterion, hard, weight)
        share, temperature = settings.teacher_weight, settings.teacher_temperature
        return Question(
            criterion, soft_target(hard, margins[criterion], share, temperature), weight
        )

    if pair.tie:  # neutral by every criterion
        for criterion in card.criteria:
            yield question(criterion, 0.5, 1 / len(card.criteria))
        return
    own = [pair.aspect]
    fine = pair.fine_aspect
    if fine and fine in card.criteria and fine != pair.aspect:
        own.append(fine)
    yield from (question(criterion, 1.0) for criterion in own)
    if settings.teacher_criteria == "all":
        for criterion in card.criteria:
            if criterion in margins and criterion not in own:
                target = soft_target(0.5, margins[criterion], 1.0, settings.teacher_temperature)
                yield Question(criterion, target, settings.teacher_weight)


def _weighed(examples: Sequence[Example], settings: FitSettings) -> list[Example]:
    """Weights by direction, criterion and tie; the questions of non-ties weigh 1 on average."""
    cells: Counter[tuple[str, bool | None]] = Counter()
    for example in examples:
        if not example.pair.tie:
            longer = chosen_is_longer(example.pair)
            cells.update((question.criterion, longer) for question in example.questions)
    per_criterion: dict[str, list[int]] = defaultdict(list)
    for (criterion, _), count in cells.items():
        per_criterion[criterion].append(count)
    power = {"pairs": 1.0, "root": 0.5, "equal": 0.0}[settings.criterion_weights]
    whole = {name: math.pow(sum(counts), power) for name, counts in per_criterion.items()}
    scale = sum(map(sum, per_criterion.values())) / sum(whole.values()) if whole else 1.0

    def factor(criterion: str, longer: bool | None) -> float:
        counts = per_criterion[criterion]
        among = cells[criterion, longer] * len(counts)
        if settings.length_control != "weights":
            among = sum(counts)
        return scale * whole[criterion] / among

    weighed = [
        example
        if example.pair.tie
        else _scaled(
            example,
            [factor(each.criterion, chosen_is_longer(example.pair)) for each in example.questions],
        )
        for example in examples
    ]
    if settings.tie_weight is None:
        return weighed
    ties = sum(_weight(example) for example in weighed if example.pair.tie)
    others = sum(_weight(example) for example in weighed if not example.pair.tie)
    share = settings.tie_weight * others / ties if ties and others else 1.0
    return [
        _scaled(example, [share] * len(example.questions)) if example.pair.tie else example
        for example in weighed
    ]


def _scaled(example: Example, factors: Sequence[float]) -> Example:
    questions = tuple(
        replace(question, weight=question.weight * factor)
        for question, factor in zip(example.questions, factors, strict=True)
    )
    return replace(example, questions=questions)


def _weight(example: Example) -> float:
    return sum(question.weight for question in example.questions)


def _with_lengths(examples: Sequence[Example]) -> list[Example]:
    ratios: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        if not example.pair.tie:
            ratios[example.pair.aspect].append(_log_ratio(example.pair))
    moments = {aspect: _moments(found) for aspect, found in ratios.items()}

    def length(pair: PreferencePair) -> float:
        if pair.tie:
            return 0.0
        mean, deviation = moments[pair.aspect]
        return (_log_ratio(pair) - mean) / deviation

    return [replace(example, length=length(example.pair)) for example in examples]


def _log_ratio(pair: PreferencePair) -> float:
    return math.log(len(pair.chosen) / len(pair.rejected))


def _moments(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return mean, deviation or 1.0
