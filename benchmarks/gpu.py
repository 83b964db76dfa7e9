"""How fast a GPU scores, against its own ceiling and against transformers.

    python -m benchmarks.gpu --bundle BUNDLE --checkpoint CHECKPOINT [--functions 200] [--out FILE]

Three things in one run: the fastest that this machine multiplies large bf16 matrices (torch), which
is the ceiling of anything that reads tokens; transformers in bf16 with its fused attention (sdpa),
one full pass a sequence and criterion, in batches sorted by length; and our engine with the graph
and provider that the bundle has for this machine. For each: tokens of the texts asked for a second,
tokens read a second, and what share of the ceiling the arithmetic of the tokens read comes to.

It runs without a GPU as well (--device cpu), as a test of the script does with a tiny model; the
figures then say nothing. It has not been run on a GPU by us yet.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.changes import Source, add_source
from benchmarks.engine import Asked, asked
from benchmarks.measuring import Apart, alone
from benchmarks.report import Finding, Table, add_out, seconds, tell
from benchmarks.rows import Run, ours_here, transformers_full_passes
from benchmarks.sampling import sample
from review_core.bundle import Bundle, load_bundle
from training.pictures import Bar, bar_chart


@dataclass(frozen=True, slots=True)
class Work:
    """The arithmetic of a decoder: floating-point operations for a token, as a line in how many
    tokens it looks back on.
    """

    fixed: float
    a_token_before: float

    @classmethod
    def of(cls, checkpoint: Path) -> Work:
        """What a checkpoint's configuration implies; a multiplication and an addition are two."""
        config = json.loads((checkpoint / "config.json").read_bytes())
        hidden, heads = config["hidden_size"], config["num_attention_heads"]
        head_dim = config.get("head_dim") or hidden // heads
        queries, values = heads * head_dim, config["num_key_value_heads"] * head_dim
        weights = hidden * (2 * queries + 2 * values) + 3 * hidden * config["intermediate_size"]
        layers = config["num_hidden_layers"]
        return cls(2.0 * layers * weights, 4.0 * layers * queries)

    def operations(self, tokens: int, mean_length: float) -> float:
        """Of that many tokens in texts of that length, each looking back on half of its text."""
        return tokens * (self.fixed + self.a_token_before * mean_length / 2)


def ceiling(device: str, size: int, repeats: int) -> float:
    """Operations a second of bf16 products of two size x size matrices, the best of the repeats."""
    import torch

    first, second = (torch.randn(size, size, dtype=torch.bfloat16, device=device) for _ in range(2))
    best = 0.0
    for _ in range(repeats + 2):  # the first two warm up
        started = time.perf_counter()
        product = first @ second
        float(product[0, 0])  # waits for the device
        best = max(best, 2.0 * size**3 / (time.perf_counter() - started))
    return best


@dataclass(frozen=True, slots=True)
class Row:
    """A way of scoring and what it took for all tokens asked for."""

    name: str
    run: Run


def rows(
    bundle: Bundle,
    checkpoint: Path,
    inputs: Asked,
    device: str,
    batch: int,
    threads: int,
    apart: Apart = alone,
) -> list[Row]:
    """Full passes first, then ours; each in a process of its own."""
    order = sample(inputs.sequences, 0, batch)
    run = apart(
        transformers_full_passes,
        checkpoint,
        "bfloat16",
        [inputs.sequences[at] for at in order],
        bundle.manifest.pooling,
        batch=batch,
        threads=threads,
        device=device,
    )
    name, own = apart(ours_here, bundle.path, inputs.codes, inputs.intent, threads)
    return [Row(f"transformers bf16, batches of {batch}", run), Row(f"ours {name}", own)]


def finding(
    bundle: Bundle, inputs: Asked, work: Work, most: float, device: str, found: Sequence[Row]
) -> Finding:
    """Tokens a second and shares of the ceiling."""
    length = inputs.tokens / len(inputs.sequences)
    told: list[dict[str, Any]] = [
        {
            "name": row.name,
            "seconds": round(row.run.seconds, 3),
            "tokens_asked_a_second": round(inputs.tokens / row.run.seconds),
            "tokens_read_a_second": round(row.run.tokens / row.run.seconds),
            "share_of_ceiling": round(
                work.operations(row.run.tokens, length) / row.run.seconds / most, 4
            ),
            "times_faster": round(found[0].run.seconds / row.run.seconds, 2),
        }
        for row in found
    ]
    columns = ("", "seconds", "tokens asked/s", "tokens read/s", "of ceiling", "times faster")
    cells = tuple(
        (
            each["name"],
            seconds(each["seconds"]),
            f"{each['tokens_asked_a_second']:,}",
            f"{each['tokens_read_a_second']:,}",
            f"{each['share_of_ceiling']:.1%}",
            f"{each['times_faster']}",
        )
        for each in told
    )
    title = f"{bundle.identity.name} on {device}"
    bars = [Bar(row.name, (inputs.tokens / row.run.seconds,)) for row in found]
    picture = bar_chart(title, bars, x_label="tokens of the texts asked for, a second")
    notes = [
        f"{len(inputs.sequences)} sequences, {inputs.tokens:,} tokens, {device_name(device)}",
        f"ceiling: {most / 1e12:.3g} TFLOP/s, bf16 products in the same run",
    ]
    figures = {
        "device": device_name(device),
        "ceiling_tflops": round(most / 1e12, 3),
        "tokens": inputs.tokens,
        "model": bundle.identity.name,
        "rows": told,
    }
    return Finding(title, figures, Table(columns, cells), notes, picture)


def device_name(device: str) -> str:
    """What a device is sold as."""
    if device == "cpu":
        return "no GPU"
    import torch

    return torch.cuda.get_device_name(device)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True, help="with fp16 or bf16 for CUDA")
    parser.add_argument("--checkpoint", type=Path, required=True, help="what it was made of")
    parser.add_argument("--functions", type=int, default=200)
    parser.add_argument("--device", default="cuda", help="for torch: cuda, cuda:1 or cpu")
    parser.add_argument("--batch", type=int, default=32, help="of transformers")
    parser.add_argument("--matrix", type=int, default=8192, help="side, for the ceiling")
    parser.add_argument("--threads", type=int, default=0, help="0 for one a physical core")
    add_source(parser)
    add_out(parser)
    given = parser.parse_args()
    bundle = load_bundle(given.bundle)
    inputs = asked(bundle, Source.of(given), given.functions)
    most = alone(ceiling, given.device, given.matrix, 10)
    measure = partial(rows, bundle, given.checkpoint, inputs, given.device)
    found = measure(given.batch, given.threads)
    work = Work.of(given.checkpoint)
    tell(finding(bundle, inputs, work, most, given.device, found), "benchmarks.gpu", given.out)


if __name__ == "__main__":
    main()
