"""The settings of `themis-train fit`, and which of them may not be combined. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from review_core.errors import ConfigurationError
from training.settings import setting


@dataclass(frozen=True, slots=True)
class FitSettings:
    """A run but for its files: where it starts, what moves, what it reads, what it minimises, how
    fast, on what, and when it is measured, saved and stopped.
    """

    # Where it starts: these four are for a base without a card.
    ask: Literal["heads", "prompt-first", "prompt-last"] = setting(
        "heads", "How a base without a card is asked: a head a criterion, or one head and a prompt."
    )
    pooling: Literal["mean", "last"] = setting(
        "mean", "What a base without a card pools: its code's tokens, or the last token."
    )
    licence: str = setting("Apache-2.0", "The licence of a base without a card.")
    base_name: str | None = setting(None, "What the card calls such a base.  [default: START]")
    max_tokens: int | None = setting(
        None, "Longest side; pairs with a longer one are left out.  [default: the card's]"
    )
    # What moves.
    trainable: Literal["all", "lora", "heads"] = setting("lora", "Which weights are trained.")
    lora_rank: int = setting(16, "Rank of the adapters; their scale is twice that over it.")
    freeze_layers: int = setting(
        0, "Leave the first so many layers as they are, and the embeddings."
    )
    round_weights: bool = setting(
        False, "Train with the weights rounded as the card says that they will be stored."
    )
    # What is read.
    epochs: int = setting(1, "Times each pair is read.")
    max_steps: int | None = setting(None, "Most steps, whatever the epochs come to.")
    batch: int = setting(16, "Pairs a step, over all processes.")
    row_tokens: int = setting(4096, "Most tokens that are read in one pass; bounds the memory.")
    packing: bool = setting(
        True, "Several pairs a row and shared heads once; otherwise sides of like length, padded."
    )
    intent_dropout: float = setting(0.5, "Share of pairs shown without their intent.")
    no_prompt: float = setting(0.15, "Share asked without a prompt, of models asked by prompt.")
    full_prompt: float = setting(0.2, "Share asked by all criteria at once, of the same models.")
    length_control: Literal["weights", "penalty", "none"] = setting(
        "weights",
        "Against length as a shortcut: weigh both directions of a criterion alike, or penalise "
        "margins that go with length.",
    )
    length_weight: float = setting(1.0, "Weight of that penalty: of the squared correlation.")
    criterion_weights: Literal["pairs", "root", "equal"] = setting(
        "pairs", "What a criterion weighs: its pairs, the root of their number, or as any other."
    )
    tie_weight: float | None = setting(
        None, "Weight of all neutral pairs for 1 of all others.  [default: each as any pair]"
    )
    # What is minimised.
    language_weight: float = setting(0.0, "lambda: of the language-model loss on chosen sides.")
    centring_weight: float = setting(0.001, "mu: of the term that keeps rewards near 0.")
    centring: Literal["sum", "absolute"] = setting(
        "sum", "That term: (chosen + rejected)^2, or (|chosen| + |rejected|)^2."
    )
    teacher: Path | None = setting(
        None, "A teacher's margins, as themis-train teach writes them: soft targets."
    )
    teacher_weight: float = setting(0.5, "Share of the soft target in the target.")
    teacher_temperature: float = setting(1.0, "Divides the teacher's margins.")
    teacher_criteria: Literal["own", "all"] = setting(
        "own", "Ask the teacher about a pair's own criterion, or about all that it answers."
    )
    # How fast.
    learning_rate: float = setting(2e-4, "Highest learning rate.")
    final_learning_rate: float = setting(1e-5, "Learning rate at the end.")
    head_learning_rate: float | None = setting(
        None, "Highest rate of the reward heads; it rises and falls as the other."
    )
    schedule: Literal["cosine", "wsd"] = setting(
        "cosine", "After the warm-up: a cosine, or level and then straight down."
    )
    warm_up: float = setting(0.05, "Share of the steps in which the rate rises.")
    decay: float = setting(0.23, "Share of the steps in which wsd's rate falls.")
    beta1: float = setting(0.9, "AdamW's first moment.")
    beta2: float = setting(0.95, "AdamW's second moment.")
    epsilon: float = setting(1e-8, "AdamW's epsilon.")
    weight_decay: float = setting(0.1, "Of matrices; norms are left alone.")
    clip: float = setting(1.5, "Longest gradient.")
    # On what.
    precision: Literal["float32", "mixed", "bfloat16"] = setting(
        "float32",
        "mixed: bfloat16 arithmetic on float32 weights; bfloat16: the weights too. Heads and loss "
        "are float32 always.",
    )
    checkpointing: bool = setting(
        False, "Compute activations again in the backward pass: a third more work, little memory."
    )
    compile: bool = setting(False, "Compile the model (torch.compile).")
    liger: bool = setting(False, "Liger's fused kernels; an NVIDIA or AMD GPU only.")
    loaders: int = setting(2, "Threads that make batches ahead.")
    seed: int = setting(0, "Order, dropout and new weights follow from it.")
    # Measuring, saving, stopping.
    held_out: tuple[Path, ...] = setting((), "Record files to measure on while training.")
    evaluate_every: int = setting(200, "Steps between measurements; there is one at the end.")
    keep: Literal["best", "last"] = setting(
        "best", "The checkpoint to keep: of best length-balanced accuracy held out, or the last."
    )
    save_every: int = setting(50, "Steps between saves to go on from.")
    log_every: int = setting(10, "Steps between lines on stderr.")
    max_minutes: float | None = setting(
        None, "Save and stop after so long (exit code 75); run again to go on."
    )
    max_reward: float = setting(50.0, "Stop when the mean |reward| stays above this.")
    min_spread: float = setting(
        1e-4, "Stop when the standard deviation of margins stays below this."
    )
    patience: int = setting(50, "Steps that may pass before either of the two stops the run.")

    def __post_init__(self) -> None:
        """:raises ConfigurationError: naming what cannot be combined."""
        for name in (
            "epochs",
            "batch",
            "row_tokens",
            "save_every",
            "log_every",
            "patience",
            "loaders",
        ):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is at least 1, not {getattr(self, name)}")
        for name in ("intent_dropout", "teacher_weight", "warm_up", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(
                    f"{name} is a share, from 0 to 1, not {getattr(self, name)}"
                )
        if self.no_prompt < 0 or self.full_prompt < 0 or self.no_prompt + self.full_prompt > 1:
            raise ConfigurationError("no_prompt and full_prompt are shares of one whole")
        if self.teacher_temperature <= 0:
            raise ConfigurationError("teacher_temperature is above 0")
        if self.round_weights and self.trainable != "all":
            raise ConfigurationError(
                "round_weights trains whole weights: adapters end in weights that are not rounded; "
                "use --trainable all, with --freeze-layers to train fewer"
            )
        if self.round_weights and self.precision == "bfloat16":
            raise ConfigurationError(
                "round_weights keeps float32 weights to round from; use --precision mixed"
            )

    @property
    def changes_nothing(self) -> frozenset[str]:
        """The settings that may differ when a run goes on: none alters a step."""
        return frozenset(
            {
                "evaluate_every",
                "held_out",
                "keep",
                "loaders",
                "log_every",
                "max_minutes",
                "save_every",
            }
        )
