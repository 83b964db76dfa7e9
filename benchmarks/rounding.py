"""What 4-bit rounding costs a real model, as it is and rotated first.

    python -m benchmarks.rounding --language-model FOLDER [--files 6] [--out FILE]
    python -m benchmarks.rounding --checkpoint FOLDER [--functions 30] [--out FILE]

With a language model: its perplexity on this repository's own code, weights as they are, in 8 bits
and in 4, the latter as they are and rotated first, as `themis-export` does it
(model_export/rotation.py). With a reward model: how far its margins between base and head of real
edits move, as a share of their own spread, and how many keep their sign. Torch computes; storing
changes nothing (`themis-export` checks that).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.changes import Edit, Source, add_source, edits
from benchmarks.report import Finding, Table, add_out, tell
from training.pictures import Bar, bar_chart

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Ids = tuple[int, ...]

_MEASURED = "training/*.py"
_TOKENS = 512
"""Of each file, from its beginning."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of rounding. bits: None leaves weights alone. rotated: first, and for good."""

    name: str
    bits: int | None = None
    rotated: bool = False


WAYS = (
    Way("as they are"),
    Way("8 bits, nearest", 8),
    Way("4 bits, nearest", 4),
    Way("4 bits, rotated first (ours)", 4, rotated=True),
)


def each_way(
    model: PreTrainedModel, block: int, ways: Sequence[Way] = WAYS, *, head: Any = None
) -> Iterator[Way]:
    """Round the model in each way in turn, always from its own weights.

    :param head: what reads the last hidden states; None for a reward model's.
    """
    import torch

    from model_export.rotation import rotate
    from training.rounding import round_blocks

    body: Any = model.base_model
    linear = [each for each in body.layers.modules() if isinstance(each, torch.nn.Linear)]
    own = [each.weight.detach().clone() for each in linear]
    for way in ways:
        with torch.no_grad():
            for each, weight in zip(linear, own, strict=True):
                each.weight.copy_(weight)
            if way.rotated:
                rotate(model, head)
            for each in linear:
                if way.bits is not None:
                    each.weight.copy_(round_blocks(each.weight, way.bits, block))
        yield way


def perplexities(
    folder: Path, root: Path, files: int, block: int, ways: Sequence[Way] = WAYS
) -> dict[str, float]:
    """Of a causal language model on files of this repository, by way of rounding."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    head = model.lm_head
    head.weight = torch.nn.Parameter(head.weight.detach().clone())  # the embedding's no longer

    def read(pattern: str) -> list[Ids]:
        found = sorted(root.glob(pattern), key=lambda file: (-file.stat().st_size, file.name))
        told = [words.encode(file.read_text("utf-8"), add_special_tokens=False) for file in found]
        return [tuple(each.ids[:_TOKENS]) for each in told[:files]]

    def loss(ids: Ids) -> float:
        tokens = torch.tensor([ids])
        with torch.inference_mode():
            return float(model(input_ids=tokens, labels=tokens, use_cache=False).loss)

    measured = read(_MEASURED)
    found = {}
    for way in each_way(model, block, ways, head=head):
        losses = [(loss(ids), len(ids) - 1) for ids in measured]
        mean = sum(each * count for each, count in losses) / sum(count for _, count in losses)
        found[way.name] = math.exp(mean)
    return found


@dataclass(frozen=True, slots=True)
class Margins:
    """Margins of rounded weights against the checkpoint's own.

    error: root mean square, as a share of the own margins' spread. kept: share that keeps its sign,
    of those beyond .1; None if none is.
    """

    error: float
    kept: float | None


def margins(
    folder: Path, chosen: Sequence[Edit], block: int, ways: Sequence[Way] = WAYS
) -> dict[str, Margins]:
    """Of a reward model on real edits."""
    import torch

    from training.model import heads_of, hidden_states, load_checkpoint, pool

    model, words, card = load_checkpoint(folder)
    render = partial(card.layout.render, words)
    pairs = [(render(edit.base), render(edit.head)) for edit in chosen]

    def all_margins() -> np.ndarray[Any, np.dtype[np.float32]]:
        found = []
        with torch.inference_mode():
            for pair in pairs:
                hidden, mask = hidden_states(model, pair)
                rewards = pool(heads_of(model)(hidden), mask, pair, card.pooling)
                found.append((rewards[1] - rewards[0]).numpy())
        return np.array(found)  # pairs x heads

    own: np.ndarray[Any, np.dtype[np.float32]] | None = None
    result = {}
    for way in each_way(model, block, ways):
        now = all_margins()
        own = now if own is None else own
        clear = np.abs(own) > 0.1
        error = float(np.sqrt(np.square(now - own).mean()) / own.std())
        kept = (np.sign(now) == np.sign(own))[clear]
        result[way.name] = Margins(error, float(kept.mean()) if kept.size else None)
    return result


def perplexity_finding(name: str, found: Mapping[str, float], block: int) -> Finding:
    """Perplexity by way."""
    first = next(iter(found.values()))
    rows = tuple((way, f"{value:.3f}", f"{value / first - 1:+.1%}") for way, value in found.items())
    title = f"Perplexity of {name} on code, weights rounded in blocks of {block}"
    picture = bar_chart(title, [Bar(way, (value,)) for way, value in found.items()])
    figures = {"model": name, "block": block, "perplexity": dict(found)}
    table = Table(("weights", "perplexity", "more"), rows)
    return Finding(title, figures, table, ["lower is better; on this repository's code"], picture)


def margin_finding(name: str, found: Mapping[str, Margins], block: int, pairs: int) -> Finding:
    """Errors of margins by way."""
    rows = tuple(
        (way, f"{each.error:.1%}", "-" if each.kept is None else f"{each.kept:.1%}")
        for way, each in found.items()
    )
    title = f"Margins of {name}, weights rounded in blocks of {block}"
    picture = bar_chart(
        title,
        [Bar(way, (100 * each.error,)) for way, each in found.items()],
        x_label="error of a margin, % of the margins' spread",
    )
    figures = {
        "model": name,
        "block": block,
        "pairs": pairs,
        "ways": {
            way: {"error": each.error, "signs_kept": each.kept} for way, each in found.items()
        },
    }
    table = Table(("weights", "error of a margin", "signs kept"), rows)
    notes = [f"{pairs} real edits; the error is a share of the margins' spread"]
    return Finding(title, figures, table, notes, picture)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--language-model", type=Path, help="a causal Qwen model's folder")
    model.add_argument("--checkpoint", type=Path, help="a reward model that themis-train wrote")
    parser.add_argument("--files", type=int, default=6, help="to measure perplexity on")
    parser.add_argument("--functions", type=int, default=30, help="to measure margins on")
    parser.add_argument("--block", type=int, default=32, help="weights that share a scale")
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    if given.threads:
        import torch

        torch.set_num_threads(given.threads)
    if given.language_model:
        folder, root = given.language_model, given.repository
        found = perplexity_finding(
            folder.resolve().name,
            perplexities(folder, root, given.files, given.block),
            given.block,
        )
    else:
        chosen = edits(Source.of(given), given.functions)
        measured = margins(given.checkpoint, chosen, given.block)
        name = given.checkpoint.resolve().name
        found = margin_finding(name, measured, given.block, given.functions)
    tell(found, "benchmarks.rounding", given.out)


if __name__ == "__main__":
    main()
