"""The settings of the stages that cut a student and fit heads on it: what their commands offer and
what they record. Imports no torch, so that help does not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from review_core.bundle import Pooling
from review_core.errors import InputError
from training.criteria import CRITERIA
from training.settings import setting


@dataclass(frozen=True, slots=True)
class StudentSpec:
    """What is kept of the base, and how it is rounded.

    Rounding is symmetric: the linear layers' in blocks of a row, the table's by rows.
    """

    layers: int = setting(8, "How many layers to keep.")
    keep: Literal["first", "spread"] = setting(
        "first", "Which layers: the first, or evenly from the first to the last."
    )
    layer_list: tuple[int, ...] = setting(
        (), "Exactly these layers, counted from 0, in place of --layers and --keep."
    )
    vocabulary: int = setting(
        24576, "How many token ids to keep, special tokens included; 0 keeps the base's tokenizer."
    )
    specials: tuple[str, ...] = setting(
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), "Special tokens that are kept."
    )
    feed_forward: int | None = setting(
        None, "How many neurons to keep of each feed-forward.  [default: all]"
    )
    repair: bool = setting(
        True, "After a cut of neurons, refit what the others write by least squares."
    )
    sample_tokens: int = setting(32768, "Tokens read to choose neurons by.")
    weight_bits: Literal["4", "8", "none"] = setting("4", "What the linear layers are rounded to.")
    block_size: int = setting(64, "Weights that share a scale.")
    embedding_bits: Literal["8", "none"] = setting("8", "What the embedding table is rounded to.")
    characters: int = setting(4_000_000, "Code read of each language to count tokens.")
    base_name: str | None = setting(None, "What the card calls the base.  [default: BASE]")
    licence: str = setting("Apache-2.0", "Licence of the base, for the card.")
    ask: Literal["heads", "prompt-first", "prompt-last"] = setting(
        "heads",
        "A reward head a criterion, or one head and a prompt before or after the code. "
        "A base that is trained already keeps its way.",
    )

    def kept_layers(self, depth: int) -> tuple[int, ...]:
        """Which layers of a base of `depth` are kept, in order.

        :raises InputError: if it has not that many.
        """
        kept = self.layer_list or self._drawn(depth)
        if not kept or sorted(set(kept)) != list(kept) or not 0 <= kept[0] <= kept[-1] < depth:
            raise InputError(
                f"layers {', '.join(map(str, kept)) or 'none'} are not in rising order below "
                f"{depth}, which the base has; choose others"
            )
        return kept

    def _drawn(self, depth: int) -> tuple[int, ...]:
        if self.keep == "first" or self.layers < 2:
            return tuple(range(self.layers))
        if self.layers > depth:
            raise InputError(f"the base has {depth} layers, not {self.layers}; keep fewer")
        return tuple(round(at * (depth - 1) / (self.layers - 1)) for at in range(self.layers))


def bits(text: str | int | None) -> int | None:
    """Of a setting of which "none" is one choice."""
    return None if text in (None, "none") else int(text)


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """How pairs are read."""

    depths: tuple[int, ...] = setting((7,), "After which layers to read, with commas between.")
    max_tokens: int = setting(1024, "Longest side that is read.")
    workers: int = setting(2, "Processes, one thread each; 0 reads in this one.")
    dtype: Literal["bfloat16", "float32"] = setting("bfloat16", "What is computed in.")


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """Where heads stand and what they are fitted to. The defaults of the numbers were the best of
    those tried (training/LOG.md, 3 and 4).
    """

    depth: int | None = setting(
        None,
        "The layer to put the heads on; deeper ones are cut off.  "
        "[default: the deepest that FEATURES hold]",
    )
    pooling: Literal["mean", "last"] = setting(
        "mean", "What of the states a reward is read from: the code's mean, or the last token."
    )
    ridge: float = setting(
        0.03, "Penalty on each part's weights, per standardised feature: holds heads back."
    )
    balance: bool = setting(
        True, "Weigh the pairs whose better side is longer as those whose is shorter."
    )
    decorrelate: float = setting(
        0.0,
        "Penalty on the square of the gap between the mean margins of these two kinds, "
        "each criterion.",
    )
    tie_weight: float = setting(
        0.2, "Weight of all neutral pairs together, for 1 of the others; 0 leaves them out."
    )
    centring_weight: float = setting(0.001, "Weight of (reward + reward)^2.")
    shared: bool = setting(True, "Let criteria lean on a head that all share.")
    criteria: tuple[str, ...] = setting((), "Fit only these.  [default: all]")
    languages: tuple[str, ...] = setting((), "Learn from these only.  [default: all]")
    teacher: Path | None = setting(None, "Margins that themis-train teach wrote, to fit to.")
    teacher_weight: float = setting(
        0.5, "Share of the target that is the teacher's word; the rest is the label's."
    )
    teacher_temperature: float = setting(
        1.0, "The teacher's word is sigmoid(margin / temperature)."
    )
    teacher_criteria: Literal["own", "all"] = setting(
        "own", "Ask the teacher about a pair's own criterion, or about all that it answers."
    )
    name: str | None = setting(None, "What the model is called.  [default: the name of OUT]")

    def __post_init__(self) -> None:
        """:raises InputError: for a criterion or pooling that is none."""
        Pooling(self.pooling)
        for key in self.criteria:
            if key not in CRITERIA:
                raise InputError(f"there is no criterion {key}; there are {', '.join(CRITERIA)}")


@dataclass(frozen=True, slots=True)
class TeachSettings:
    """How teachers are asked."""

    batch: int = setting(64, "Pairs between two writes.")
    row_tokens: int = setting(2048, "Tokens that a checkpoint reads at a time.")
    intent: bool = setting(
        True,
        "Tell the teacher the intent, if it reads one: it may know what a student is not told.",
    )
    max_tokens: int | None = setting(
        None, "Longest side that is asked about.  [default: as long as the teacher reads]"
    )
    device: str = setting("auto", "Where checkpoints compute: auto, cpu, cuda ...")
    dtype: Literal["float32", "bfloat16"] = setting("float32", "What checkpoints compute in.")
    threads: int = setting(0, "Threads of a bundle's engine. 0: one a core that it may use.")
    cache: bool = setting(True, "Remember a bundle's rewards in the user's cache.")


@dataclass(frozen=True, slots=True)
class AblationSettings:
    """What is compared."""

    depths: tuple[int, ...] = setting(
        (), "Layers to compare; the last is where the rest is compared.  [default: all read]"
    )
    ridges: tuple[float, ...] = setting((0.003, 0.01, 0.03, 0.1), "Ridge penalties to compare.")
    ridge: float = setting(0.03, "The penalty of all other comparisons.")
    tie_weight: float = setting(0.3, "Weight of neutral pairs where there are any.")
    folds: int = setting(5, "Without --held-out: parts, by repository, each measured by the rest.")
    tables: tuple[str, ...] = setting(
        ("settings", "grid", "criteria", "languages"), "Which tables to make."
    )
