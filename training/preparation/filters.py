"""Judges one pair by itself: may it be learned from, is it short enough, is it code, is it English.

Each filter is a value that is called with a pair and returns why to drop it, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from review_core.languages import language_named
from review_core.records import PreferencePair
from review_core.syntax import encoded, parse_part, walk
from training.mining.clones import never_mined
from training.preparation.benchmarks import Benchmarks
from training.preparation.funnel import Drop
from training.preparation.settings import PrepareSettings
from training.preparation.tokens import read_tokenizer

Filter = Callable[[PreferencePair], Drop | None]


def filters(settings: PrepareSettings) -> tuple[Filter, ...]:
    """The filters that the settings ask for, in the order of the funnel.

    :raises InputError: if a file that one of them needs cannot be read.
    """
    found: list[Filter] = []
    if not settings.keep_evaluation:
        found.append(EvaluationOnly.of(settings.evaluation_only))
    if settings.tokenizer and settings.max_length:
        found.append(
            partial(
                token_length, tokens=_token_counts(settings.tokenizer), most=settings.max_length
            )
        )
    elif not settings.tokenizer and settings.max_characters:
        found.append(partial(character_length, most=settings.max_characters))
    if settings.min_depth:
        found.append(partial(syntax_depth, least=settings.min_depth))
    if settings.min_language and settings.prompt_languages:
        found.append(
            partial(prompt_language, wanted=settings.prompt_languages, least=settings.min_language)
        )
    if settings.benchmarks:
        found.append(
            Benchmarks.read(
                settings.benchmarks,
                settings.benchmark_ngram,
                code_too=settings.benchmark_parts == "all",
            )
        )
    return tuple(found)


# --- what is only there to measure with -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EvaluationOnly:
    """repositories: owner/name in lower case. sets: the starts of names of subsets and sources,
    letters and digits only.
    """

    repositories: frozenset[str]
    sets: tuple[str, ...]

    @classmethod
    def of(cls, repositories: Path | None) -> EvaluationOnly:
        """With the list that mining keeps off, or another in its place."""
        listed = (files("training.preparation") / "evaluation_sets.txt").read_text("utf-8")
        names = (_letters(line.partition("#")[0]) for line in listed.splitlines())
        return cls(never_mined(repositories), tuple(filter(None, names)))

    def __call__(self, pair: PreferencePair) -> Drop | None:
        """Drop what comes from such a repository or set."""
        if pair.group.casefold() in self.repositories:
            return Drop("evaluation", f"repository {pair.group}")
        for name in (pair.subset, pair.source):
            if name and _letters(name).startswith(self.sets):
                return Drop("evaluation", f"set {pair.subset or pair.source}")
        return None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


# --- length ---------------------------------------------------------------------------------------


def _token_counts(path: Path) -> Callable[[list[str]], list[int]]:
    tokenizer = read_tokenizer(path)

    def counts(texts: list[str]) -> list[int]:
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [len(each.ids) for each in encoded]

    return counts


def token_length(
    pair: PreferencePair, tokens: Callable[[list[str]], list[int]], most: int
) -> Drop | None:
    """Drop what a base would have to cut: prompt and the longer side together, in tokens."""
    prompt, chosen, rejected = tokens([pair.input, pair.chosen, pair.rejected])
    too_long = prompt + max(chosen, rejected) > most
    return Drop("length", f"more than {most} tokens") if too_long else None


def character_length(pair: PreferencePair, most: int) -> Drop | None:
    """The same in characters."""
    too_long = len(pair.input) + max(len(pair.chosen), len(pair.rejected)) > most
    return Drop("length", f"more than {most} characters") if too_long else None


# --- syntax ---------------------------------------------------------------------------------------


def syntax_depth(pair: PreferencePair, least: int) -> Drop | None:
    """Drop a pair with a side whose tree is flatter than `least` levels below its root; a language
    without a grammar is not judged.
    """
    flat = [
        name
        for name, text in (("chosen", pair.chosen), ("rejected", pair.rejected))
        if _is_flat(text, pair.language, least)
    ]
    return Drop("syntax", f"{' and '.join(flat)} less than {least} deep") if flat else None


def _is_flat(text: str, name: str, least: int) -> bool:
    language = language_named(name)
    if language is None:
        return False
    root, shift = parse_part(text, language)
    end = shift + len(encoded(text))
    top: int | None = None
    for node, depth in walk(root):
        if node.start_byte < shift or node.end_byte > end + 1:
            continue  # the class around a member does not count
        if top is None:
            top = depth - 1 if shift else depth
        if depth - top >= least:
            return False
    return True


# --- prompt ---------------------------------------------------------------------------------------

_NO_PROSE = re.compile(
    r"```.*?```|`[^`]*`|https?://\S+|\S*[/_\\.(){}<>=:;#@]\S+|\b[A-Za-z]+[A-Z]\w*|\w*\d\w*",
    re.DOTALL,
)
"""Code, names, paths and addresses: they are of no natural language."""

_LEAST_BYTES = 30
"""Of letters; shorter prompts are called any language (an ideograph counts as three)."""


def prompt_language(pair: PreferencePair, wanted: tuple[str, ...], least: float) -> Drop | None:
    """Drop a pair whose prompt, names and code taken out, is in none of the wanted languages."""
    prose = " ".join(_NO_PROSE.sub(" ", pair.input).split())
    if sum(len(char.encode()) for char in prose if char.isalpha()) < _LEAST_BYTES:
        return None
    ranked = _identifier().rank(prose)
    if sum(float(share) for code, share in ranked if code in wanted) >= least:
        return None
    return Drop("prompt_language", f"most likely {ranked[0][0]}")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
