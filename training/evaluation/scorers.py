"""Opens whatever is to be measured: a bundle, through the engine that serves it, or a checkpoint,
in torch and in batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review_core.bench import PairScorer
from review_core.bundle import MANIFEST, file_sha256, load_bundle
from review_core.calibration import Calibration, CriterionCalibration
from review_core.errors import InputError
from review_core.layout import Slot, TokenSequence, normalise
from review_core.types import Axis
from training.card import CARD

if TYPE_CHECKING:
    from training.evaluation.settings import ScoringSettings

_ASKED = ("config.json", "tokenizer.json", CARD)


@dataclass(frozen=True, slots=True)
class Opened:
    """A model ready to score.

    identity: a hash of what makes its rewards. calibrated: whether the calibration was fitted; else
    it is the plain sigmoid of the margin. shown: the criteria that serve an axis.
    """

    name: str
    identity: str
    scorer: PairScorer
    calibration: Calibration
    calibrated: bool
    shown: frozenset[str]


def open_model(path: Path, settings: ScoringSettings) -> Opened:
    """The bundle or checkpoint in a folder.

    :raises InputError: if it holds neither.
    """
    if (path / MANIFEST).exists():
        return _open_bundle(path, settings)
    if (path / CARD).exists():
        return _open_checkpoint(path, settings)
    raise InputError(
        f"{path} is neither a bundle (it has no {MANIFEST}) nor a checkpoint (no {CARD}); "
        "name a folder that themis-export or themis-train wrote"
    )


def plain_calibration(criteria: Sequence[str]) -> Calibration:
    """The sigmoid of the margin, and no verdicts: what a model says before it is calibrated."""
    return Calibration({key: CriterionCalibration(temperature=1.0) for key in criteria})


def weights_hash(folder: Path) -> str:
    """A hash of a model folder: its weights, its tokenizer and how it is asked; not of what is put
    beside them, such as a calibration.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".safetensors", ".bin") or path.name in _ASKED:
            digest.update(f"{path.name} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def token_batches(
    indices: Sequence[int], lengths: Sequence[int], batch_tokens: int
) -> Iterator[list[int]]:
    """Indices in batches of like length, longest first, of at most this many tokens when padded (or
    of one).
    """
    batch: list[int] = []
    for index in sorted(indices, key=lambda each: (-lengths[each], each)):
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _open_bundle(path: Path, settings: ScoringSettings) -> Opened:
    from review_core.cache import RewardCache, default_cache_path
    from review_core.engine import Engine
    from review_core.scorer import Scorer

    bundle = load_bundle(path)
    cache = RewardCache(default_cache_path()) if settings.cache else None
    scorer = Scorer(bundle, Engine(bundle, threads=settings.threads), cache)
    calibration = Calibration.from_json(bundle.calibration_json)
    manifest = bundle.manifest
    return Opened(
        manifest.name, scorer.scoring_sha256, scorer, calibration, True, _shown(manifest.axes)
    )


def _open_checkpoint(path: Path, settings: ScoringSettings) -> Opened:
    scorer = CheckpointScorer(path, settings)
    identity = f"{weights_hash(path)} {settings.dtype}"
    plain = plain_calibration(scorer.criteria)
    return Opened(scorer.name, identity, scorer, plain, False, _shown(scorer.axes))


def _shown(axes: Mapping[Axis, Sequence[str]]) -> frozenset[str]:
    return frozenset(key for keys in axes.values() for key in keys)


class CheckpointScorer:
    """Scores code with a checkpoint in torch, sequences of like length together, heads in fp32."""

    def __init__(self, folder: Path, settings: ScoringSettings) -> None:
        import torch

        from training.model import load_checkpoint

        self._model, self._tokenizer, self._card = load_checkpoint(
            folder, getattr(torch, settings.dtype)
        )
        model: Any = self._model
        model.to(torch_device(settings.device))
        self._batch_tokens = settings.batch_tokens
        self.name, self.axes = self._card.name, self._card.axes

    @property
    def criteria(self) -> list[str]:
        """The criterion keys it answers."""
        return list(self._card.criteria)

    @property
    def reads_intent(self) -> bool:
        """Whether its layout has an intent slot."""
        return Slot.INTENT in self._card.layout.segments

    def rewards(self, codes: Sequence[str], *, intent: str = "") -> list[dict[str, float] | None]:
        """Reward by criterion for each code; None where a sequence is longer than the card's
        max_tokens.
        """
        criteria = self._card.criteria
        asked = {
            code: {
                prompt: self._card.layout.render(
                    self._tokenizer, normalise(code), criterion=prompt, intent=intent
                )
                for prompt in {each.prompt or "" for each in criteria.values()}
            }
            for code in dict.fromkeys(codes)
        }
        short = {
            code: by_prompt
            for code, by_prompt in asked.items()
            if all(len(each.ids) <= self._card.max_tokens for each in by_prompt.values())
        }
        wanted = {each for by_prompt in short.values() for each in by_prompt.values() if each.ids}
        heads = self._heads(sorted(wanted, key=lambda each: each.ids))
        return [
            {
                key: heads[short[code][each.prompt or ""]][each.head]
                for key, each in criteria.items()
            }
            if code in short
            else None
            for code in codes
        ]

    def _heads(self, sequences: Sequence[TokenSequence]) -> dict[TokenSequence, list[float]]:
        import torch

        from training.model import heads_of, hidden_states, pool

        found: dict[TokenSequence, list[float]] = {}
        lengths = [len(each.ids) for each in sequences]
        weight = heads_of(self._model).weight.float()  # heads x hidden
        with torch.no_grad():
            for batch in token_batches(range(len(sequences)), lengths, self._batch_tokens):
                rows = [sequences[index] for index in batch]
                hidden, mask = hidden_states(self._model, rows)
                pooled = pool(hidden.float(), mask, rows, self._card.pooling)  # b x hidden
                found |= zip(rows, (pooled @ weight.T).tolist(), strict=True)
        return found


def torch_device(name: str) -> str:
    """`auto` is the GPU where there is one."""
    import torch

    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
