"""How likely a prompt's words are: by a KenLM file, or by a causal base's own likelihood."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from review_core.errors import InputError
from training.preparation.tokens import read_tokenizer

log = logging.getLogger(__name__)


class Perplexity(Protocol):
    """Gives perplexities, and a name that says all they depend on besides the text."""

    name: str

    def __call__(self, texts: list[str]) -> list[float]:
        """The perplexity of each text."""
        ...


def perplexity(kenlm: Path | None, base: Path | None) -> Perplexity | None:
    """The one that was asked for, if any.

    :raises InputError: if its file or package is missing.
    """
    if kenlm:
        return KenlmPerplexity(kenlm)
    return BaseLikelihood(base) if base else None


class KenlmPerplexity:
    """Perplexity a word, the end of the text counted, words being what blanks divide."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"there is no KenLM file {path}; give an .arpa or .bin file")
        try:
            import kenlm
        except ImportError as error:
            raise InputError(
                "--kenlm needs the package kenlm; pip install kenlm, or use --likelihood-base"
            ) from error
        quiet = kenlm.Config()
        quiet.show_progress = False
        try:
            self._model: Any = kenlm.Model(str(path), quiet)
        except (OSError, RuntimeError) as error:
            why = " ".join(str(error).rpartition(" threw ")[2].split())
            raise InputError(f"{path} is not a KenLM file: {why}") from error
        self.name = f"kenlm {path.name} {path.stat().st_size}"

    def __call__(self, texts: list[str]) -> list[float]:
        """The perplexity of each text."""
        return [float(self._model.perplexity(" ".join(text.split()))) for text in texts]


class BaseLikelihood:
    """Perplexity a token of a causal model, given the first: the base's token to start with, where
    its tokenizer sets one. At most 512 tokens are read.
    """

    def __init__(self, folder: Path, batch: int = 16) -> None:
        try:
            from transformers import AutoModelForCausalLM

            self._model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder} holds no causal base that transformers can load: "
                f"{str(error).splitlines()[0]}"
            ) from error
        self._model.eval()
        self._tokenizer = read_tokenizer(folder)
        self._batch = batch
        weights = sorted(
            path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")
        )
        sizes = " ".join(f"{path.name} {path.stat().st_size}" for path in weights)
        self.name = f"likelihood {folder.name} {sizes}"

    def __call__(self, texts: list[str]) -> list[float]:
        """The perplexity of each text."""
        ids = [each.ids[:512] for each in self._tokenizer.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda at: len(ids[at]))
        found = [math.inf] * len(texts)
        for at in range(0, len(order), self._batch):
            some = order[at : at + self._batch]
            for place, value in zip(some, self._of([ids[each] for each in some]), strict=True):
                found[place] = value
        return found

    def _of(self, ids: Sequence[list[int]]) -> list[float]:
        import torch
        from torch.nn.functional import cross_entropy

        longest = max(map(len, ids))
        if longest < 2:  # nothing to predict
            return [1.0] * len(ids)
        rows = torch.zeros(len(ids), longest, dtype=torch.long)
        mask = torch.zeros(len(ids), longest, dtype=torch.long)
        for row, each in enumerate(ids):  # padded on the right: causal models do not look there
            rows[row, : len(each)] = torch.tensor(each, dtype=torch.long)
            mask[row, : len(each)] = 1
        with torch.inference_mode():
            logits = self._model(input_ids=rows, attention_mask=mask).logits[:, :-1].float()
        losses = cross_entropy(logits.transpose(1, 2), rows[:, 1:], reduction="none")  # (b, t - 1)
        counted = mask[:, 1:]
        means = (losses * counted).sum(1) / counted.sum(1).clamp(min=1)
        return [math.exp(min(float(mean), 700.0)) for mean in means]
