r"""What a change costs to score: our engine against full passes of the same model.

    python -m benchmarks.engine --bundle BUNDLE --checkpoint CHECKPOINT [--functions 30]

The inputs are real: functions that commits of this repository changed (changes.py), base and head,
asked by every criterion of the bundle. All rows read the same texts in one run, each row in a
process of its own, so that its peak of memory is its own. Ours is timed from texts to rewards, with
nothing kept from before; the others get token sequences that are ready.

A full pass a sequence and criterion takes long. --baseline-sample N times them on about N of the
sequences only, spaced evenly between the shortest and the longest, and scales by tokens; the result
says of each row what was measured. Of a bundle that asks its criteria by heads one pass a side
answers all; what a user without such a model would pay is then a pass for each, which is stated and
not measured.

Bundle and checkpoint of the published shape are made by benchmarks/shape.py and `themis-export`:

    python -m benchmarks.shape themis-0.6b --tokenizer QWEN_FOLDER
    themis-export bundle themis-0.6b themis-0.6b-bundle --variants fp32,w8a8 \
        --prompts themis-0.6b.prompts.json
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.changes import Source, add_source, edits, texts
from benchmarks.measuring import Apart, alone
from benchmarks.report import Finding, Table, add_out, megabytes, seconds, tell
from benchmarks.rows import Rewards, Run, onnx_full_passes, ours, transformers_full_passes
from benchmarks.sampling import sample
from review_core.bundle import Bundle, default_bundle_path, load_bundle
from review_core.layout import TokenSequence
from training.pictures import Bar, bar_chart

ONES, BATCHES = 1, 4
"""Sequences that a full pass reads together. More than a few gain nothing on a processor."""
REFERENCE = "transformers float32"


@dataclass(frozen=True, slots=True)
class Asked:
    """The inputs of all rows. sequences: codes x distinct prompts, as full passes read them."""

    codes: tuple[str, ...]
    intent: str
    sequences: tuple[TokenSequence, ...]
    criteria: int
    """How many of the bundle's criteria one sequence answers."""

    @property
    def tokens(self) -> int:
        """In all sequences."""
        return sum(len(each.ids) for each in self.sequences)


@dataclass(frozen=True, slots=True)
class Row:
    """A way of scoring and what it took; `on` are the sequences it was measured on, None for ours,
    which was measured on all and reads texts.
    """

    name: str
    run: Run
    on: tuple[int, ...] | None
    scale: float
    """All tokens by those measured."""

    @property
    def seconds(self) -> float:
        """On the clock, for all sequences."""
        return self.run.seconds * self.scale

    @property
    def cpu_seconds(self) -> float:
        """Of processors, for all sequences."""
        return self.run.cpu_seconds * self.scale


def asked(bundle: Bundle, source: Source, functions: int) -> Asked:
    """The changed functions of a history as that bundle is asked about them.

    :raises ValueError: if the model reads none that long, or the history is too short.
    """
    chosen = edits(source, functions)
    codes, intent = tuple(texts(chosen)), chosen[0].intent  # one pull request has one title
    prompts = list(dict.fromkeys(each.prompt or "" for each in bundle.manifest.criteria.values()))
    render = partial(bundle.layout.render, bundle.tokenizer, intent=intent)
    sequences = [render(code, criterion=prompt) for code in codes for prompt in prompts]
    longest = max(len(each.ids) for each in sequences)
    if longest > bundle.manifest.max_tokens:
        raise ValueError(
            f"a function of {longest} tokens is among the {functions}, the model reads "
            f"{bundle.manifest.max_tokens}; choose another --commit or fewer --functions"
        )
    return Asked(codes, intent, tuple(sequences), len(bundle.manifest.criteria) // len(prompts))


def rows(
    bundle: Bundle,
    checkpoint: Path | None,
    inputs: Asked,
    *,
    baseline_sample: int = 0,
    threads: int = 0,
    precisions: Sequence[str] = (),
    apart: Apart = alone,
) -> list[Row]:
    """Measure ours in some precisions of the bundle, or all for processors, then the others."""
    on = tuple(sample(inputs.sequences, baseline_sample, BATCHES))
    part = [inputs.sequences[at] for at in on]
    scale = inputs.tokens / sum(len(each.ids) for each in part)
    all_kinds = [each.precision for each in bundle.manifest.variants]
    kinds = list(precisions) or [each for each in all_kinds if each not in _GPU]
    found = []
    for kind in kinds:
        run = apart(ours, bundle.path, kind, inputs.codes, inputs.intent, threads)
        found.append(Row(f"ours {kind}", run, None, 1.0))
    run = apart(onnx_full_passes, bundle.path, kinds[0], part, threads)
    found.append(Row(f"onnxruntime {kinds[0]}, full passes", run, on, scale))
    if checkpoint is None:
        return found
    for dtype in ("float32", "bfloat16"):
        for batch in (ONES, BATCHES):
            run = apart(
                transformers_full_passes,
                checkpoint,
                dtype,
                part,
                bundle.manifest.pooling,
                batch=batch,
                threads=threads,
            )
            name = f"transformers {dtype}" + (f", in batches of {batch}" if batch > 1 else "")
            found.append(Row(name, run, on, scale))
    return found


_GPU = ("fp16", "bf16")


def difference(bundle: Bundle, inputs: Asked, row: Row, reference: Row) -> float | None:
    """The largest |difference| of a reward that both rows give, in logits."""
    if row.on is not None:
        return float(np.abs(row.run.rewards - reference.run.rewards).max())
    if reference.on is None:
        return None
    heads = [each.head for each in bundle.manifest.criteria.values()]
    every = row.run.rewards.reshape(len(inputs.sequences), -1)  # sequences x criteria of each
    if inputs.criteria == 1:
        theirs: Rewards = reference.run.rewards[:, :1]
    else:
        theirs = reference.run.rewards[:, heads]
    return float(np.abs(every[list(reference.on)] - theirs).max())


def finding(bundle: Bundle, inputs: Asked, functions: int, found: Sequence[Row]) -> Finding:
    """The rows as a table and a picture; ratios are to transformers fp32, a pass a sequence."""
    reference = next((row for row in found if row.name == REFERENCE), found[-1])
    lengths = sorted(len(each.ids) for each in inputs.sequences)
    about = {
        "functions": functions,
        "sides": 2,
        "criteria": list(bundle.manifest.criteria),
        "sequences": len(inputs.sequences),
        "tokens": inputs.tokens,
        "tokens_a_sequence_p5_p50_p95": [
            lengths[len(lengths) * part // 100] for part in (5, 50, 95)
        ],
        "bundle": {"name": bundle.identity.name, "sha256": bundle.identity.sha256},
    }
    told = []
    for row in found:
        each: dict[str, Any] = {
            "name": row.name,
            "seconds": round(row.seconds, 3),
            "cpu_seconds": round(row.cpu_seconds, 3),
            "times_faster": round(reference.seconds / row.seconds, 2),
            "times_less_cpu": round(reference.cpu_seconds / row.cpu_seconds, 2),
            "tokens_computed": round(row.run.tokens * row.scale),
            "peak_mb": None if row.run.peak_bytes is None else round(row.run.peak_bytes / 1e6),
            "start_seconds": round(row.run.start_seconds, 3),
            "largest_difference": difference(bundle, inputs, row, reference),
            "measured": {
                "sequences": len(inputs.sequences) if row.on is None else len(row.on),
                "tokens": row.run.tokens,
                "seconds": round(row.run.seconds, 3),
                "cpu_seconds": round(row.run.cpu_seconds, 3),
            },
        }
        told.append(each)
    notes = [
        f"{functions} changed functions, 2 sides, {len(bundle.manifest.criteria)} criteria: "
        f"{len(inputs.sequences)} sequences of {inputs.tokens:,} tokens for full passes; "
        f"the model is {bundle.identity.name}",
        f"ratios are to {reference.name}, one sequence a pass; seconds exclude loading",
    ]
    scaled = [row for row in found if row.on is not None and len(row.on) < len(inputs.sequences)]
    if scaled:
        part = scaled[0]
        notes.append(
            f"full passes were measured on {len(part.on or ())} of {len(inputs.sequences)} "
            f"sequences ({part.run.tokens:,} tokens), evenly spaced by length, and scaled by "
            "tokens; ours was measured whole"
        )
    if inputs.criteria > 1:
        notes.append(
            f"one pass answers all {inputs.criteria} criteria of this model; a model asked "
            f"criterion by criterion pays at least {inputs.criteria} times the full passes' rows "
            "(stated, not measured)"
        )
    columns = (
        "", "seconds", "times faster", "CPU seconds", "times less CPU", "tokens computed",
        "peak MB", "largest difference",
    )  # fmt: skip
    cells = tuple(_cells(each) for each in told)
    bars = [
        Bar(each["name"], (each["seconds"],), note=f"{each['times_faster']:.1f} times faster")
        for each in told
    ]
    title = f"{functions} changed functions scored by {bundle.identity.name}"
    picture = bar_chart(title, bars, x_label="seconds on the clock")
    return Finding(title, {"inputs": about, "rows": told}, Table(columns, cells), notes, picture)


def _cells(each: dict[str, Any]) -> tuple[str, ...]:
    largest = each["largest_difference"]
    return (
        each["name"],
        seconds(each["seconds"]),
        f"{each['times_faster']:.2f}",
        seconds(each["cpu_seconds"]),
        f"{each['times_less_cpu']:.2f}",
        f"{each['tokens_computed']:,}",
        "-" if each["peak_mb"] is None else megabytes(each["peak_mb"] * 10**6),
        "-" if largest is None else f"{largest:.1e}",
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, help="default: the one that ships")
    parser.add_argument("--checkpoint", type=Path, help="what it was made of, for transformers")
    parser.add_argument("--functions", type=int, default=30)
    parser.add_argument("--precisions", help="of the bundle, as fp32,w8a8; default: all")
    parser.add_argument("--baseline-sample", type=int, default=0, help="sequences; 0 for all")
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    bundle = load_bundle(given.bundle or default_bundle_path())
    inputs = asked(bundle, Source.of(given), given.functions)
    found = rows(
        bundle,
        given.checkpoint,
        inputs,
        baseline_sample=given.baseline_sample,
        threads=given.threads,
        precisions=given.precisions.split(",") if given.precisions else (),
    )
    tell(finding(bundle, inputs, given.functions, found), "benchmarks.engine", given.out)


if __name__ == "__main__":
    main()
