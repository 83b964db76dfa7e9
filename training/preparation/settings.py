"""What can be set about preparing a training set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from review_core.errors import ConfigurationError
from training.settings import setting


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """Everything `themis-train prepare` can be told. A bound of 0 switches its filter off."""

    language: str | None = setting(None, "Language of records that name none; detected otherwise.")
    aspect: str | None = setting(None, "Criterion of records that name none.")
    unknown_language: Literal["drop", "keep"] = setting(
        "drop", "What happens to a language that we have no grammar for."
    )

    evaluation_only: Path | None = setting(
        None, "Repositories to keep out, owner/name a line; those that mining keeps out otherwise."
    )
    keep_evaluation: bool = setting(
        False, "Keep those, and sets that are published to measure with: for a set to measure with."
    )
    tokenizer: Path | None = setting(
        None, "tokenizer.json of the base, or its folder: lengths in tokens, not characters."
    )
    max_length: int = setting(4096, "Most tokens of the prompt and a side together.")
    max_characters: int = setting(16_384, "The same in characters, where no tokenizer is given.")
    min_depth: int = setting(3, "Least depth of each side's syntax tree below its root.")
    prompt_languages: tuple[str, ...] = setting(("en",), "ISO codes of the prompts' languages.")
    min_language: float = setting(
        0.05, "Least probability that the prompt is in one of them; few letters are not judged."
    )
    benchmarks: tuple[Path, ...] = setting((), "Record or text files to keep out of the data.")
    benchmark_ngram: int = setting(13, "How many words in a row make an overlap.")
    benchmark_parts: Literal["prompt", "all"] = setting(
        "prompt", "What of a pair is held against them: its prompt, or its code as well."
    )

    kenlm: Path | None = setting(None, "A KenLM file that gives the prompts' perplexity.")
    likelihood_base: Path | None = setting(None, "A causal base that gives it instead.")
    max_perplexity: float = setting(1200.0, "Highest perplexity of a prompt.")
    near_duplicates: Literal["drop", "group", "keep"] = setting(
        "drop", "Of like pairs, the first stays; or all, on one side of the split; or all."
    )
    min_likeness: float = setting(0.75, "Jaccard similarity from which pairs are alike.")
    shingle: int = setting(20, "Tokens of code in a shingle.")

    dev: float = setting(0.05, "Share of the pairs for the dev set.")
    test: float = setting(0.05, "Share of the pairs for the test set.")
    group: Literal["source", "prompt"] = setting(
        "source", "What stays together where no repository is named: the source, or the prompt."
    )
    match_length: bool = setting(
        False, "Hold the training set's frequent length direction to --max-ratio, by aspect."
    )
    max_ratio: float = setting(1.5, "Most pairs of one length direction for one of the other.")
    per_cell: int = setting(
        1_000_000, "Most pairs of an aspect, source kind and length direction, if matched."
    )
    neutral: float = setting(0.0, "Neutral ties to make for each pair of a set.")
    injected: float = setting(0.0, "Pairs with an injected bug to make for each pair of a set.")

    seed: int = setting(0, "Decides the split and what is drawn and made.")
    workers: int = setting(1, "Processes that judge; the result is the same for any number.")

    def __post_init__(self) -> None:
        if self.kenlm and self.likelihood_base:
            raise ConfigurationError("give --kenlm or --likelihood-base, not both")
        if not (self.dev >= 0 and self.test >= 0 and self.dev + self.test < 1):
            raise ConfigurationError(
                f"shares of {self.dev:g} (dev) and {self.test:g} (test) leave nothing to train on"
            )
        if not 0 < self.min_likeness <= 1:
            raise ConfigurationError(f"--min-likeness {self.min_likeness:g} is not in (0, 1]")
        if min(self.neutral, self.injected) < 0:
            raise ConfigurationError("shares of made pairs cannot be negative")
        if min(self.workers, self.shingle, self.benchmark_ngram) < 1:
            raise ConfigurationError("--workers, --shingle and --benchmark-ngram start at 1")
